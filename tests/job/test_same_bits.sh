#!/usr/bin/env bash
# The same bits on 1, 2, 3, 4, 7 and 8 ranks, in one run or stage by stage, added up
# as if on one machine or on two, with features in memory or read from the file,
# with equal shares or chunks dealt out.
. "$(dirname "$0")/common.sh"
need_h5py
for n in 1 2 3 4 7 8; do
    must "$n" run configs/scenes.ini --set run.out="$work/r$n"
    [ "$n" = 1 ] || same "$work/r1" "$work/r$n"
done
for n in 1 2 3 4; do
    must "$n" run configs/scenes.ini --set run.out="$work/d$n" --set run.balance=dynamic
    same "$work/r1" "$work/d$n"
    cmp "$work/r1/score.json" "$work/d$n/score.json"
done
for job in extract cluster activate score; do
    must 3 "$job" configs/scenes.ini --set run.out="$work/stages" \
        --set kmeans.reduce=node --set run.node_ranks=2
done
same "$work/r1" "$work/stages"
cmp "$work/r1/score.json" "$work/stages/score.json"
must 2 run configs/scenes.ini --set run.out="$work/stream" --set run.memory=64K
same "$work/r1" "$work/stream"
plus=(configs/scenes.ini --set kmeans.start=plusplus --set kmeans.sample=300)
must 1 run "${plus[@]}" --set run.out="$work/plus1"
must 3 run "${plus[@]}" --set run.out="$work/plus3" --set run.memory=64K
same "$work/plus1" "$work/plus3"

# the centres also in the instructions of another processor
mkdir "$work/old"
cp "$work/plus1/features.h5" "$work/old"
OPENBLAS_CORETYPE=Prescott must 1 cluster "${plus[@]}" --set run.out="$work/old" --set kmeans.kernel=plain \
    --set model.threads=2
"$python" - "$work"/{plus1,old}/prototypes.h5 <<'END'
import h5py, sys
a, b = (h5py.File(path) for path in sys.argv[1:])
for name in ("object/center", "context/center", "history/objective"):
    assert (a[name][()] == b[name][()]).all(), name
END
