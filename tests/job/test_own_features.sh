#!/usr/bin/env bash
# Features that another program wrote: the example of the README is clustered,
# also in the other forms that h5py can write; a flaw of any kind is told by
# lpcam check in one sentence, and cluster never takes it for something else.
. "$(dirname "$0")/common.sh"
need_h5py
mkdir "$work/out" "$work/other"
good=$work/out/features.h5
"$python" tests/job/features_example.py "$good"
must 2 check "$good"
grep -q "20 images, 2 classes, 1112 vectors of 64 f16 (0 are zero)" "$work/log"
cluster=(cluster configs/reference.ini --set kmeans.k=4)
must 3 "${cluster[@]}" --set run.out="$work/out"

# rewrite NAME CODE: a copy with the Python code done to it; f is the file, put
# replaces a data set
rewrite() {
    cp "$good" "$1"
    "$python" - "$1" "$2" <<'END'
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "r+") as f:
    def put(name, data, **how):
        del f[name]
        f.create_dataset(name, data=data, **how)
    exec(sys.argv[2])
END
}

# the same numbers in other forms are the same to the last bit
rewrite "$work/other/features.h5" '
for name in ("feature/offset", "feature/grid", "image/label", "split/offset"):
    put(name, f[name][()].astype(">i4"), chunks=True, compression=9, shuffle=True)
put("image/label_offset", f["image/label_offset"][()].astype("f8"))
put("split/side", f["split/side"][()].astype(">i8"), chunks=(100,), scaleoffset=0)
put("feature/vector", f["feature/vector"][()].astype(">f2"), chunks=(7, 5), fletcher32=True)
put("classifier/weight", f["classifier/weight"][()].astype(">f8"), maxshape=(None, None))
put("image/id", f["image/id"][()].astype("S9"))
put("class/name", np.array(["cat", "dog"], dtype=h5py.string_dtype("ascii")))'
must 2 check "$work/other/features.h5"
must 2 "${cluster[@]}" --set run.out="$work/other"
"$python" - "$work"/{out,other}/prototypes.h5 <<'END'
import h5py, sys
a, b = (h5py.File(path) for path in sys.argv[1:])
for name in ("method/vector", "object/center", "context/center", "context/nearest", "history/moved"):
    assert (a[name][()] == b[name][()]).all() and abs(a[name][()]).sum() > 0, name
END

# prototypes of other features are not taken for those of these
must 3 "${cluster[@]}" --set run.out="$work/out" --set run.memory=16K --set model.threads=2
grep -q "prototypes.h5 is already there" "$work/log"
mkdir "$work/changed"
cp "$work/out/prototypes.h5" "$work/changed"
changed() { # KEY CODE
    rewrite "$work/changed/features.h5" "$2"
    refused 1 "was made with $1" 2 "${cluster[@]}" --set run.out="$work/changed"
}
changed features.hash "f['feature/vector'][700, 63] = 0.125"
changed features.hash "x = f['feature/vector'][()]; x[[5, 6]] = x[[6, 5]]; f['feature/vector'][:] = x"
changed features.hash "f['split/side'][900] = (f['split/side'][900] + 1) % 3"
changed features.hash "f['feature/grid'][7] = f['feature/grid'][7][::-1]"
changed classifier.weight "f['classifier/weight'][1, 3] = 0.5"
changed classifier.bias "f['classifier/bias'][0] = 0.5"

# flaw SENTENCE CODE: both jobs end with 1, and check says this of the file
bad=$work/bad/features.h5
mkdir "$work/bad"
flaws=0
flaw() {
    rewrite "$bad" "$2"
    refused 1 "$1" $((1 + flaws % 3)) check "$bad"
    [ "$(grep "error:" "$work/log" | sed 's/^.*error: //' | sort -u | wc -l)" = 1 ] || { echo "not one sentence:"; cat "$work/log"; exit 1; }
    flaws=$((flaws + 1))
}
stops() { # the flaw also ends cluster, in the same words
    flaw "$@"
    refused 1 "$1" 2 "${cluster[@]}" --set run.out="$work/bad"
}
for name in feature/vector feature/offset feature/grid split/side split/offset classifier/weight classifier/bias \
    image/label_offset image/label; do
    stops "$bad has no data set /$name" "del f['$name']"
    flaw "/$name of $bad does not hold numbers" "put('$name', np.array(['x', 'y'], dtype='S1'))"
    flaw "/$name of $bad is [2][1][3], where " "put('$name', np.ones((2, 1, 3)))"
done
for name in image/id class/name; do
    stops "$bad has no list of strings /$name" "del f['$name']"
    flaw "$bad has no list of strings /$name" "put('$name', [1, 2])"
    flaw "$bad has no list of strings /$name" "put('$name', [[b'a', b'b']])"
done
stops "$bad has no data set /feature/vector" "del f['feature/vector']; f.create_group('feature/vector')"
stops "/feature/offset of $bad is [20], where [21] is due" "put('feature/offset', f['feature/offset'][:20])"
flaw "/feature/grid of $bad is [20][3], where [20][2] is due" "put('feature/grid', np.ones((20, 3)))"
stops "/classifier/weight of $bad is [2][63], where [2][64] is due" "put('classifier/weight', f['classifier/weight'][:, 1:])"
flaw "/classifier/bias of $bad is [3], where [2] is due" "put('classifier/bias', [0, 0, 0])"
stops "/feature/offset[5] of $bad is 3: offsets ascend" "f['feature/offset'][5] = 3"
flaw "/feature/offset[20] of $bad is 1111: offsets ascend from 0 to 1112" "f['feature/offset'][20] = 1111"
flaw "/split/offset[0] of $bad is 1: offsets ascend" "f['split/offset'][0] = 1"
stops "/split/offset[2] of $bad must be 48 more than the one before: image photo0" "f['split/offset'][2] = 100"
stops "/feature/grid[7] of $bad is 8 x 8, but /feature/offset gives image photo7 56 cells" "f['feature/grid'][7] = 8, 8"
stops "/image/label_offset of $bad must ascend" "f['image/label_offset'][3] = 99"
stops "/image/label[4] of $bad is 2: the labels" "f['image/label'][4] = 2"
flaw "/image/label[0] of $bad is -1: the labels" "f['image/label'][0] = -1"
flaw "/image/label[1] of $bad is 0: the labels of a photograph ascend" "f['image/label'][1] = 0"
stops "/split/side[17] of $bad is 3: 0, 1 or 2 is due" "f['split/side'][17] = 3"
stops "a value of /split/side of $bad is no whole number from 0 on" \
    "x = f['split/side'][()].astype('i1'); x[17] = -1; put('split/side', x)"
stops "a value of /split/side of $bad is no whole number" "x = f['split/side'][()].astype('f4'); x[17] = 1.5; put('split/side', x)"
flaw "a value of /feature/offset of $bad is no whole number" \
    "x = f['feature/offset'][()].astype('f8'); x[3] = np.nan; put('feature/offset', x)"
stops "a value of /image/label of $bad is no whole number, or has more than 32 bits" "f['image/label'][0] = 1 << 40"
stops "/split/side of $bad is packed with lzf, which HDF5 1." "put('split/side', f['split/side'][()], chunks=(100,), compression='lzf')"
flaw "/image/id of $bad holds \"photo3\" twice" "x = f['image/id'][()]; x[9] = 'photo3'; put('image/id', x)"
flaw "/class/name of $bad holds \"dog\" twice" "put('class/name', ['dog', 'dog'])"
flaw "/image/state[6] of $bad is 3: 0, 1 or 2 is due" "x = np.ones(20, 'u1'); x[6] = 3; f['image/state'] = x"
flaw "$bad is not complete" "x = np.ones(20, 'u1'); x[6] = 0; f['image/state'] = x"
flaw "1 vectors of /feature/vector of $bad have infinite values or values that are no numbers, the last in image photo1" \
    "f['feature/vector'][50, 7] = np.nan"
flaw "2 vectors of /feature/vector of $bad have infinite values or values that are no numbers, the last in image photo19" \
    "f['feature/vector'][[50, 1111], 7] = np.inf"
stops "/classifier of $bad has infinite values or values that are no numbers for class dog" "f['classifier/weight'][1, 3] = np.inf"
flaw "/classifier of $bad has infinite values or values that are no numbers for class cat" "f['classifier/bias'][0] = np.nan"

# names that would move a cursor stay in their line, also in that of JSON
flaw "/class/name of $bad holds \"\x1b[2J\x0derror: \x0a\xc2\x9bmdog\" twice" \
    "put('class/name', ['\x1b[2J\rerror: \n\x9bmdog'] * 2)"
ranks 2 check "$bad" --json-log || true
"$python" - "$work/log" <<'END'
import json, sys
said = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8", newline="\n") if line.startswith("{")]
assert all(c.isprintable() for line in said for c in line["message"]) and any("twice" in line["message"] for line in said)
END
echo "$flaws flaws told"
