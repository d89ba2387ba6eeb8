#!/usr/bin/env bash
# One pass of the network instead of two: the same bits on any number of ranks,
# in one run or in stages, stopped and killed; maps within the bound that is told
# of those of two passes; no network where activate runs alone.
. "$(dirname "$0")/common.sh"
need_h5py
one=(configs/scenes.ini --set run.passes=1 --set run.progress_s=0.1)
files="cams features views prototypes maps"

equal() {
    local name
    for name in $files; do
        "$python" tests/job/same_bits.py "$1/$name.h5" "$2/$name.h5"
    done
}

# within TWO ONE: are the maps of one pass as near as its report says?
within() {
    "$python" - "$1/maps.h5" "$2/maps.h5" <<'END'
import h5py, sys
two, one = (h5py.File(path) for path in sys.argv[1:])
report = one["run/report"].asstr()[0].rstrip("\0").splitlines()
bound = {words[-1]: [float(x) for x in words[1:4]] for words in (line.split() for line in report) if words[0] == "bound"}
names, labels, offset = one["class/name"].asstr()[()], one["image/label"][()], one["map/offset"][()]
assert set(bound) == set(names) and (offset == two["map/offset"][()]).all() and len(labels) > 50
most = {}
for p, label in enumerate(labels):
    a, b = (f["map/value"][offset[p]:offset[p + 1]].astype(float) for f in (two, one))
    high = one["map/maximum"][p], two["map/maximum"][p]
    before, after = abs(a * high[1] - b * high[0]).max(), abs(a - b).max()
    told, largest, _ = bound[names[label]]
    assert before <= told + 1e-6 and after <= min(largest, 2 * told / high[0] + 2e-7), (p, before, after)
    most[names[label]] = max(after, most.get(names[label], 0))
ratio = {name: bound[name][1] / most[name] for name in most}
print("largest difference of maps %.2g, told %.2g to %.2g times as large" % (max(most.values()), min(ratio.values()), max(ratio.values())))
assert max(ratio.values()) < 40
END
}

f32=(--set maps.value=f32)
must 2 run configs/scenes.ini "${f32[@]}" --set run.out="$work/two"
must 1 run "${one[@]}" "${f32[@]}" --set run.out="$work/r1"
within "$work/two" "$work/r1"
grep -q 'plan, one pass: views.h5 .* at most [0-9.e-]* of their class vector' "$work/log" || { echo "no plan"; cat "$work/log"; exit 1; }
must 3 run "${one[@]}" "${f32[@]}" --set run.out="$work/r3" --set run.balance=dynamic --set run.memory=64K
equal "$work/r1" "$work/r3"
must 2 check "$work/r1/views.h5"
grep -q 'views.h5: good: 56 images at 4 scales' "$work/log"

# and of components: what the prototypes see of a vector, the components keep
few=("${one[@]}" "${f32[@]}" --set features.dims=40)
must 2 run "${few[@]}" --set run.out="$work/few"
mkdir "$work/few-two"
cp "$work"/few/*.h5 "$work/few-two"
rm "$work/few-two/maps.h5"
must 2 activate "${few[@]}" --set run.out="$work/few-two" --set run.passes=2
within "$work/few-two" "$work/few"
rm "$work/few-two/maps.h5"
must 3 activate "${few[@]}" --set run.out="$work/few-two" --set model.file=none
equal "$work/few" "$work/few-two"

# stages; activate has neither model nor photographs
cp -r tests/data/scenes "$work/data"
cp tests/data/scenes.onnx "$work/model.onnx"
moved=("${one[@]}" "${f32[@]}" --set data.root="$work/data" --set model.file="$work/model.onnx" --set run.out="$work/stages")
must 3 extract "${moved[@]}"
must 1 cluster "${moved[@]}"
rm "$work/model.onnx"
for name in "$work"/data/images/*; do : >"$name"; done
must 2 activate "${moved[@]}"
equal "$work/r1" "$work/stages"
refused 1 "maps.h5 was made with run.passes = 1, this run has 2" 1 run configs/scenes.ini "${f32[@]}" --set run.out="$work/r1"
refused 1 "views.h5 was made with cam.flip = yes, this run has no" 2 activate "${moved[@]}" --set cam.flip=no

# made for two passes, gone on with for one: only views.h5 is missing
must 2 extract "${one[@]}" "${f32[@]}" --set run.out="$work/two"
"$python" tests/job/same_bits.py "$work/r1/views.h5" "$work/two/views.h5"
"$python" tests/job/same_bits.py "$work/r1/features.h5" "$work/two/features.h5"

# what is not to be kept goes, and the same command finds all done
gone=("${one[@]}" --set features.keep=no --set run.out="$work/gone")
must 2 run "${gone[@]}"
[ ! -e "$work/gone/features.h5" ] && [ ! -e "$work/gone/views.h5" ] || { ls "$work/gone"; exit 1; }
must 2 run "${gone[@]}"
rm "$work/gone/maps.h5"
must 2 run "${gone[@]}"
[ ! -e "$work/gone/views.h5" ] || exit 1

# ended by force at any moment of either stage, then gone on with
"$python" -B - "$work" "$LPCAM" "${one[@]}" "${f32[@]}" <<'END'
import glob, os, random, signal, subprocess, sys, time
work, program, *arguments = sys.argv[1:]
out, rng = work + "/cut", random.Random(3)
arguments += ["--set", "run.out=" + out, "--set", "run.checkpoint_s=0"]
ended = {}
for stage in "extract", "cluster", "activate":
    limit_s, n = 0.3, 0
    while True:
        ranks = rng.choice((1, 2, 3))
        job = subprocess.Popen(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), program, stage, *arguments],
                               stdout=open(work + "/log", "w"), stderr=subprocess.STDOUT)
        try:
            code = job.wait(limit_s if stage != "cluster" and n < 6 else 60)
            if code == 0:
                break
            assert "another job" in open(work + "/log").read(), (stage, code)  # the one before is not yet gone
        except subprocess.TimeoutExpired:
            job.send_signal(rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1)))
            job.wait(30)
        time.sleep(0.3)  # ranks whose mpirun was killed end by themselves
        n, limit_s = n + 1, limit_s + 0.25 * rng.random()
    ended[stage] = n
print("ended by force:", ended)
assert ended["extract"] > 0
END
equal "$work/r1" "$work/cut"
