#!/usr/bin/env bash
# features.dims: the same bits on any number of ranks, in one run or stage by
# stage, after kills; the loss told and kept; all dimensions lose nothing.
. "$(dirname "$0")/common.sh"
need_h5py
settings=(configs/scenes.ini --set features.dims=32 --set features.sample=2000)

# same_all A B: also the basis
same_all() {
    same "$1" "$2" >>"$work/same"
    "$python" tests/job/same_bits.py "$1/basis.h5" "$2/basis.h5" >>"$work/same"
}

# foretold before anything is written, kept and told again
must 2 plan "${settings[@]}" --set run.out="$work/r1"
grep -q "to learn 32 components of 256" "$work/log"
grep -o "32 of 256 components keep .*" "$work/log" >"$work/planned"
must 1 run "${settings[@]}" --set run.out="$work/never" --dry-run
grep -qF "$(cat "$work/planned")" "$work/log"
[ ! -e "$work/r1" ] && [ ! -e "$work/never" ] || { echo "a plan has written"; exit 1; }

must 1 run "${settings[@]}" --set run.out="$work/r1"
grep -qF "$(cat "$work/planned")" "$work/log"
must 3 plan "${settings[@]}" --set run.out="$work/r1"
grep -qF "$(cat "$work/planned")" "$work/log"
! grep -q "basis .* of .* images" "$work/log" || { echo "learnt again"; exit 1; }

must 3 run "${settings[@]}" --set run.out="$work/r3" --set run.balance=dynamic --set run.memory=64K
same_all "$work/r1" "$work/r3"
cmp "$work/r1/score.json" "$work/r3/score.json"
for job in extract cluster activate score; do
    must 2 "$job" "${settings[@]}" --set run.out="$work/stages"
done
same_all "$work/r1" "$work/stages"

# killed while it learns, before and after basis.h5 is whole, and while it stores
n=0
for wish in walk_each@1:4 run_file_move@0:1 run_file_move@0:2 h5_write@1:9; do
    n=$((n + 1)) code=0
    LPCAM_FAULT="$wish!9" ranks 2 run "${settings[@]}" --set run.out="$work/kill" || code=$?
    grep -qi "on signal 9" "$work/log" || { echo "exit code $code, not killed: $wish"; cat "$work/log"; exit 1; }
done
must 3 run "${settings[@]}" --set run.out="$work/kill"
same_all "$work/r1" "$work/kill"

# features.h5 alone is enough; its content decides where it says nothing of itself
mkdir "$work/own"
cp "$work/r1/features.h5" "$work/own"
must 2 cluster "${settings[@]}" --set run.out="$work/own"
"$python" tests/job/same_bits.py "$work/r1/prototypes.h5" "$work/own/prototypes.h5" >>"$work/same"
"$python" - "$work" <<'END'
import h5py, numpy as np, sys
work = sys.argv[1]
with h5py.File(f"{work}/own/features.h5", "a") as f:
    del f["run"]
with h5py.File(f"{work}/r1/basis.h5") as f, h5py.File(f"{work}/r1/features.h5") as g:
    for name in ("basis/vector", "basis/value"):
        assert (f[name][()] == g[name][()]).all()
    assert dict(f["basis"].attrs) == dict(g["basis"].attrs)
    v, value, kept = f["basis/vector"][()].astype(float), f["basis/value"][()], float(f["basis"].attrs["energy"])
    assert abs(v @ v.T - np.eye(32)).max() < 1e-6 and (np.diff(value) <= 0).all()
    assert abs(kept - value[:32].sum() / value.sum()) < 1e-6
    assert 0 < float(f["basis"].attrs["map_error_mean"]) < float(f["basis"].attrs["map_error_max"]) < 1
    # components are no longer than the whole, and keep about that energy of all cells
    x, norm = g["feature/vector"][()].astype(float), g["feature/norm"][()].astype(float)
    part = np.linalg.norm(x, axis=1)
    assert (part <= norm * 1.001).all()
    assert abs((part**2).sum() / (norm**2).sum() - kept) < 0.01, ((part**2).sum() / (norm**2).sum(), kept)
    assert g["classifier/weight"].shape[1] == 256
with h5py.File(f"{work}/r1/prototypes.h5") as p:
    m = p["method/vector"][()].astype(float)
    assert m.shape[1] == 256 and abs(m - m @ v.T @ v).max() < 1e-5 * abs(m).max()
END
rm "$work/own/prototypes.h5"
must 3 cluster "${settings[@]}" --set run.out="$work/own"
"$python" tests/job/same_bits.py "$work/r1/prototypes.h5" "$work/own/prototypes.h5" >>"$work/same"
must 2 check "$work"/r1/{basis,features,prototypes,maps}.h5 "$work/own/features.h5"
plus=("${settings[@]}" --set kmeans.start=plusplus --set kmeans.sample=300)
for n in 1 3; do
    mkdir "$work/plus$n"
    cp "$work/r1/features.h5" "$work/plus$n"
    must "$n" cluster "${plus[@]}" --set run.out="$work/plus$n"
done
"$python" tests/job/same_bits.py "$work"/plus{1,3}/prototypes.h5 >>"$work/same"

# a turn of all dimensions changes the maps by rounding alone
must 2 run configs/scenes.ini --set run.out="$work/all" --set features.value=f32
must 2 run configs/scenes.ini --set run.out="$work/turned" --set features.value=f32 --set features.dims=256
grep -q "256 of 256 components keep 100.0 %" "$work/log"
# ... and all ranks as solvers by the last bits
must 3 extract "${settings[@]}" --set run.out="$work/solvers" --set features.solver=all
# ... and what is told of a sample of all vectors is so
must 3 extract "${settings[@]}" --set run.out="$work/whole" --set features.sample=1000000
"$python" - "$work" <<'END'
import h5py, numpy as np, sys
work = sys.argv[1]
def read(folder, file, name):
    with h5py.File(f"{work}/{folder}/{file}.h5") as f:
        return f[name][()].astype(float)
off = abs(read("all", "maps", "map/value") - read("turned", "maps", "map/value")).max()
print(f"largest difference of a map with all dimensions: {off:.2g}")
assert off < 2e-3
assert (read("all", "cams", "map/value") == read("turned", "cams", "map/value")).all()
a, b = (read(folder, "basis", "basis/value") for folder in ("r1", "solvers"))
assert abs(a - b).max() < 1e-12 * a[0]
with h5py.File(f"{work}/all/features.h5") as f, h5py.File(f"{work}/whole/basis.h5") as g, h5py.File(f"{work}/r1/basis.h5") as h:
    x, w, v = (f["feature/vector"][()].astype(float), f["classifier/weight"][()].astype(float), g["basis/vector"][()].astype(float))
    told = {name: float(value) for name, value in g["basis"].attrs.items() if name in ("rows", "energy") or name.startswith("map_")}
    drawn = float(h["basis"].attrs["rows"])
    first, label, pairs = f["feature/offset"][()], f["image/label"][()], f["image/label_offset"][()]
    cosine, error = [], []
    for i in range(len(first) - 1):
        for c in label[pairs[i] : pairs[i + 1]]:
            cells = x[first[i] : first[i + 1]]
            size = np.linalg.norm(cells, axis=1) * np.linalg.norm(w[c])
            unit = np.divide(1, size, where=size > 0, out=np.zeros(len(size)))
            cosine.append(abs(cells @ w[c] * unit))
            error.append(abs(cells @ (w[c] - w[c] @ v.T @ v) * unit))
    cosine, error = np.concatenate(cosine), np.concatenate(error)
    energy = ((x @ v.T) ** 2).sum() / (x**2).sum()
    assert told["rows"] == len(x) and abs(drawn - 2000) < 250, (told, drawn)
    for name, value in (("energy", energy), ("map_mean", cosine.mean()), ("map_error_mean", error.mean()), ("map_error_max", error.max())):
        assert abs(told[name] - value) < 1e-5 * value, (name, told[name], value)
END

refused 2 "features.dims is 257, but the network has 256 channels" 2 run configs/scenes.ini \
    --set features.dims=257 --set run.out="$work/no"
refused 1 "basis.h5 was made with features.sample = 2000" 2 extract "${settings[@]}" --set run.out="$work/r1" \
    --set features.sample=3000
refused 1 "was made with features.dims = 32" 2 cluster "${settings[@]}" --set run.out="$work/solvers" --set features.dims=16
