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
    killed "$n" "kmeans_assign@$((visit / 3 % n)):$visit!" || break
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
    killed "$n" "kmeans_assign@$((n - 1)):4!" || break
done
same_prototypes
rm "$out/prototypes.h5"
[ "$kills" -gt 5 ] || { echo "only $kills kills"; exit 1; }
echo "killed $kills times in a row"
