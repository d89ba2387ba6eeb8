#!/usr/bin/env bash
# A clustering that is killed in any iteration goes on to the same bits, on
# another number of ranks: two starts of so many clusters that some are empty
# and are filled.
. "$(dirname "$0")/common.sh"
need_h5py
limit=60
out=$work/out
settings=(configs/scenes.ini --set kmeans.k=64 --set kmeans.max_iter=8 --set kmeans.starts=2
    --set run.out="$out")

same_prototypes() {
    "$python" tests/job/same_bits.py "$work/whole.h5" "$out/prototypes.h5" >"$work/same" || { cat "$work/same"; exit 1; }
    ! ls "$out" | grep checkpoint || { echo "checkpoints are left behind"; exit 1; }
}

# killed N WISH: the rank that the wish names dies of a SIGKILL; 1 where the job
# ends before it comes there
killed() {
    local code=0
    LPCAM_FAULT=$2 ranks "$1" cluster "${settings[@]}" --set run.checkpoint_s=0 || code=$?
    [ "$code" != 0 ] || return 1
    grep -qi "on signal 9" "$work/log" || { echo "exit code $code, not killed: $2"; cat "$work/log"; exit 1; }
}

must 2 extract "${settings[@]}"
must 2 cluster "${settings[@]}"
mv "$out/prototypes.h5" "$work/whole.h5"
"$python" - "$work/whole.h5" <<'END'
import h5py, sys
with h5py.File(sys.argv[1]) as f:
    print("iterations of the two starts:", f["history/iterations"][()].max(axis=1))
END

# Each kill from the beginning; the ranks and which of them dies take turns.
for ((visit = 1;; ++visit)); do
    n=$((1 + visit % 3))
    killed "$n" "kmeans_assign@$((visit / 3 % n)):$visit!9" || break
    must $((1 + (visit + 1) % 3)) cluster "${settings[@]}"
    if [ "$visit" -gt 1 ]; then
        grep -q "goes on after iteration" "$work/log" || { echo "began anew after kill $visit"; exit 1; }
    fi
    same_prototypes
    rm "$out/prototypes.h5"
done
[ "$visit" -gt 10 ] || { echo "only $visit iterations"; exit 1; }
same_prototypes
rm "$out/prototypes.h5"
echo "killed in each of $((visit - 1)) iterations"

# One that is killed again and again, always in the third iteration it does.
for ((kills = 0;; ++kills)); do
    n=$((1 + kills % 3))
    killed "$n" "kmeans_assign@$((n - 1)):4!9" || break
done
same_prototypes
rm "$out/prototypes.h5"
[ "$kills" -gt 5 ] || { echo "only $kills kills"; exit 1; }
echo "killed $kills times in a row"

# A stop on request in the fifth iteration: nothing was due, and yet it is kept.
code=0
LPCAM_FAULT="kmeans_assign@1:5!$(kill -l USR1)" ranks 2 cluster "${settings[@]}" || code=$?
[ "$code" = 75 ] || { echo "exit code $code, not 75"; cat "$work/log"; exit 1; }
must 3 cluster "${settings[@]}"
grep -q "goes on after iteration 5" "$work/log"
same_prototypes

# A failure behind the iterations, of one start alone: nothing of it is lost.
one=("${settings[@]}" --set kmeans.starts=1 --set run.out="$work/one")
mkdir "$work/one"
cp "$out/features.h5" "$work/one"
code=0
LPCAM_FAULT=kmeans_nearest@1 ranks 2 cluster "${one[@]}" || code=$?
[ "$code" = 1 ] || { echo "exit code $code, not 1"; cat "$work/log"; exit 1; }
must 3 cluster "${one[@]}"
grep -q "goes on after iteration 8" "$work/log"

# Other settings are refused, as prototypes.h5 would be; a damaged file is not
# used; where none can be written, clustering goes on.
rm "$out/prototypes.h5"
killed 2 'kmeans_assign@0:5!9'
refused 1 "cluster_0.checkpoint was made with kmeans.max_iter = 8" 2 cluster "${settings[@]}" --set kmeans.max_iter=9
printf 'x' | dd of="$out/cluster_0.checkpoint" bs=1 seek=3000 conv=notrunc status=none
mkdir -p "$out/cluster_1.checkpoint.partial"
must 2 cluster "${settings[@]}" --set run.checkpoint_s=0
grep -q "cluster_0.checkpoint is damaged and is not used: what it kept is done again" "$work/log"
grep -q "warning: clustering goes on, but would be resumed from an earlier iteration than 8" "$work/log"
rmdir "$out/cluster_1.checkpoint.partial"
same_prototypes
