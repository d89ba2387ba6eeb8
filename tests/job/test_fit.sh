#!/usr/bin/env bash
# lpcam fit on the sample: the same classifier on any number of ranks and after
# stops and kills; other programs read it; bad input is a sentence.
. "$(dirname "$0")/common.sh"
need_h5py
limit=120
settings=(configs/scenes.ini --set fit.flip=yes --set fit.crops=5 --set fit.lambda="1 100" --set fit.folds=2)
same_pooled() { "$python" tests/job/same_bits.py "$work/$1/pooled.h5" "$work/$2/pooled.h5"; }

# --- the same on 1, 2 and 3 ranks, but for the order of sums
for n in 1 2 3; do
    must $n fit "${settings[@]}" --set run.out="$work/fit$n"
    "$python" tests/job/fit_onnx.py near "$work/fit1/classifier.onnx" "$work/fit$n/classifier.onnx" 1e-6
    same_pooled fit1 "fit$n"
done

# --- what is there stays, on any number of ranks
cp -p "$work/fit1/classifier.onnx" "$work/first.onnx"
must 2 fit "${settings[@]}" --set run.out="$work/fit1"
grep -q "fit1/classifier.onnx is already there" "$work/log"
[ ! "$work/fit1/classifier.onnx" -nt "$work/first.onnx" ]
printf x >>"$work/fit1/classifier.onnx" # another file is no longer that one
must 1 fit "${settings[@]}" --set run.out="$work/fit1"
grep -q "fit1/classifier.onnx is of other settings and will be replaced" "$work/log"
cmp "$work/fit1/classifier.onnx" "$work/first.onnx"

# --- a rank is killed, then asked to stop, in the middle of the photographs
out=(--set run.out="$work/cut" --set run.checkpoint_s=0)
code=0
LPCAM_FAULT='walk_each@1:9!9' ranks 3 fit "${settings[@]}" "${out[@]}" || code=$?
[ "$code" != 0 ]
grep -qi "on signal 9" "$work/log"
[ ! -e "$work/cut/classifier.onnx" ]
stopped() { # FAULT RANKS
    code=0
    LPCAM_FAULT="$1!$(kill -l USR1)" ranks "$2" fit "${settings[@]}" "${out[@]}" || code=$?
    [ "$code" = 75 ] || { echo "exit code $code, not 75"; cat "$work/log"; exit 1; }
}
stopped walk_each@0:5 2
# then in the third of four fits: the features stay, and the fits before it
stopped newton@2:3 3
grep -q "are kept in $work/cut: the same command goes on" "$work/log"
[ ! -e "$work/cut/classifier.onnx" ]
cp -p "$work/cut/pooled.h5" "$work/pooled.h5"
refused 1 "fit.checkpoint was made with fit.tol = 1e-08, this run has 1e-09" 3 fit "${settings[@]}" "${out[@]}" --set fit.tol=1e-9
# and a rank is killed in the fourth; what is damaged then is not used
code=0
LPCAM_FAULT='newton@1:2!9' ranks 3 fit "${settings[@]}" "${out[@]}" || code=$?
[ "$code" != 0 ]
grep -q "goes on after 2 of 4 fits" "$work/log"
cp "$work/cut/fit.checkpoint" "$work/kept"
printf x | dd of="$work/cut/fit.checkpoint" bs=1 seek=2000 conv=notrunc status=none
stopped newton@0:1 3
grep -q "fit.checkpoint is damaged and is not used" "$work/log"
cp "$work/kept" "$work/cut/fit.checkpoint"
must 3 fit "${settings[@]}" "${out[@]}"
grep -q "goes on after 3 of 4 fits" "$work/log"
[ ! -e "$work/cut/fit.checkpoint" ]
same_pooled fit1 cut
[ ! "$work/cut/pooled.h5" -nt "$work/pooled.h5" ]
cmp "$work/fit3/classifier.onnx" "$work/cut/classifier.onnx"

# --- from here on the features are there; what they depend on is compared
must 2 fit "${settings[@]}" --set run.out="$work/fit2" --set fit.lambda=10 --set fit.solver=exact --set fit.weights=balanced --set fit.bias=yes
grep -q "pooled.h5 is already there" "$work/log"
grep -q "fit2/classifier.onnx is of other settings and will be replaced" "$work/log"
refused 1 "fit.crops" 2 fit "${settings[@]}" --set run.out="$work/fit2" --set fit.crops=1

# --- this program and others read the classifier
fitted=(--set model.file="$work/fit2/classifier.onnx" --set model.classes="$work/fit2/classifier.classes.txt")
must 1 check "$work/fit2/classifier.onnx" "$work/fit2/pooled.h5"
must 2 extract configs/scenes.ini --dry-run "${fitted[@]}" --set run.out="$work/dry"
must 2 fit configs/scenes.ini --dry-run "${fitted[@]}" --set run.out="$work/dry"
[ ! -e "$work/dry" ]
"$python" tests/job/fit_onnx.py dump "$work/kept.npz" "$work/fit2/classifier.onnx" "$work/fit2/pooled.h5" tests/data/scenes/images
peer=$root/build/python/bin/python
if "$peer" -c 'import onnx, onnxruntime' 2>/dev/null; then
    "$peer" -B tests/job/fit_onnx.py compare "$work/kept.npz" "$work/fit2/classifier.onnx"
else
    echo "onnxruntime is not asked: $peer has none (tests/run.sh puts it there)"
fi

# --- half of the photographs held out
cp -r tests/data/scenes "$work/scenes"
own=(configs/scenes.ini --set data.root="$work/scenes" --set fit.lambda=1 --set fit.folds=2)
awk '!/^#/ {print $1 > (++n % 2 ? "'"$work"'/scenes/learn.txt" : "'"$work"'/scenes/judge.txt")}' tests/data/scenes/labels.txt
halves=(--set data.list=learn.txt --set fit.test=judge.txt)
views=(--set fit.flip=yes --set fit.crops=5) # of what is learned from, not of what judges
planned() { # the bytes of features in the plan of memory, with these settings
    must 2 fit --dry-run "${own[@]}" "${views[@]}" --set run.out="$work/half" "$@"
    sed -n 's/.*pooled features \([0-9.]* [KM]iB\), .*/\1/p' "$work/log"
}
[ "$(planned --set data.list=learn.txt)" = "140.7 KiB" ]
[ "$(planned "${halves[@]}")" = "154.8 KiB" ]
must 2 fit "${own[@]}" "${halves[@]}" "${views[@]}" --set run.out="$work/half" --set fit.out="$work/elsewhere.onnx"
[ -e "$work/elsewhere.onnx" ]
[ -e "$work/elsewhere.classes.txt" ]
[ ! -e "$work/half/classifier.onnx" ]
"$python" - "$work/half" <<'END'
import h5py, json, sys
def pooled(name):
    with h5py.File(sys.argv[1] + "/" + name) as f:
        return list(f["pooled/vector"].shape)
fit = json.load(open(sys.argv[1] + "/fit.json"))
assert pooled("pooled.h5") == [28, 10, 256] and pooled("pooled_test.h5") == [28, 1, 256]
assert fit["test"]["images"] == 28 and fit["images"] == 28, fit
assert 0.8 < fit["test"]["map"] <= 1 and 0.6 < fit["map"] <= 1, fit
assert [c["name"] for c in fit["classes"]] == open(sys.argv[1] + "/../elsewhere.classes.txt").read().split()
assert all(c["state"] == "converged" and c["gradient"] < 1e-6 for c in fit["classes"])
print("held out: mAP %.3f, by folds %.3f" % (fit["test"]["map"], fit["map"]))
END
refused 1 "is also learned from" 2 fit "${own[@]}" --set fit.test=judge.txt --set run.out="$work/both"

# --- one broken photograph is left out, a class that none has is named
echo "99 unicorn" >>"$work/scenes/classes.txt"
id=$(head -n 1 "$work/scenes/learn.txt")
head -c 900 "tests/data/scenes/images/$id.jpg" >"$work/scenes/images/$id.jpg"
must 2 fit "${own[@]}" --set data.max_bad=0.1 --set run.out="$work/odd"
grep -q "no photograph has class unicorn" "$work/log"
grep -q '"images": 55, "unlabelled": 0, "broken": 1' "$work/odd/fit.json"
grep -q '"name": "unicorn", "images": 0, "ap": null' "$work/odd/fit.json"
[ "$(wc -l <"$work/odd/classifier.classes.txt")" = 6 ]
refused 1 "max_bad" 2 fit "${own[@]}" --set data.max_bad=0 --set run.out="$work/bad"

# --- what cannot be done is said, and no classifier is left behind
refused 1 "did not converge" 2 fit "${settings[@]}" --set run.out="$work/fit3" --set fit.max_iter=1 --set fit.out="$work/none.onnx"
[ ! -e "$work/none.onnx" ]
[ ! -e "$work/fit3/fit.checkpoint" ]
refused 1 "cannot write fit.out" 2 fit "${settings[@]}" --set run.out="$work/none" --set fit.out="$work/nowhere/x.onnx"
cp tests/data/scenes.onnx "$work/own.onnx"
for path in "$work/own.onnx" "$work/./own.onnx"; do
    refused 1 "would be written over the network it is made from" 2 fit "${settings[@]}" \
        --set run.out="$work/none" --set model.file="$work/own.onnx" --set fit.out="$path"
done
cmp "$work/own.onnx" tests/data/scenes.onnx
mkdir "$work/folder"
refused 1 "fit.out = $work/folder is a folder" 2 fit "${settings[@]}" --set run.out="$work/none" --set fit.out="$work/folder"
head -n 4 tests/data/scenes/labels.txt >"$work/scenes/few.txt"
refused 1 "of 8 folds of 3 images number" 2 fit "${own[@]}" --set data.labels=few.txt --set data.max_bad=0.5 --set run.out="$work/few" --set fit.folds=8
refused 2 "fit.crops must be 1 or 5, not \"3\"" 1 fit configs/scenes.ini --set fit.crops=3
refused 2 "fit.folds" 1 fit configs/scenes.ini --set fit.folds=1
head -c 5000 tests/data/scenes.onnx >"$work/broken.onnx"
refused 1 "broken.onnx is broken" 2 fit configs/scenes.ini --set model.file="$work/broken.onnx" --set run.out="$work/none"
awk '{print $1}' tests/data/scenes/labels.txt >"$work/scenes/bare.txt"
refused 1 "has a label" 2 fit "${own[@]}" --set data.labels=bare.txt --set data.max_bad=0.1 --set run.out="$work/none"
echo "fit: the same on 1, 2, 3 ranks, after a kill and a stop; refusals as they should be"
