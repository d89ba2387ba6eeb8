#!/usr/bin/env bash
# Chunks dealt out one after the other (run.balance = dynamic): after a kill, a
# failure and a stop in the middle the next start goes on, to the bits of a run
# with equal shares, and what was marked is not done again.
. "$(dirname "$0")/common.sh"
need_h5py
limit=60
out=$work/out
settings=(configs/scenes.ini --set run.balance=dynamic --set run.out="$out")

# done_in FILE: how many photographs are marked in it
done_in() {
    "$python" -c 'import h5py, sys
print((h5py.File(sys.argv[1], "r")["image/state"][()] == 1).sum())' "$1"
}

# ends CODE N WISH JOB: the job on N ranks ends so, before it is done; 1 where it
# is done before the wish comes true
ends() {
    local code=0
    LPCAM_FAULT=$3 ranks "$2" "$4" "${settings[@]}" || code=$?
    [ "$code" != 0 ] || return 1
    [ "$code" = "$1" ] || { echo "exit code $code, not $1: $3"; cat "$work/log"; exit 1; }
}

must 2 run configs/scenes.ini --set run.out="$work/whole"
for step in "extract cams" "activate maps"; do
    read -r job file <<<"$step"
    before=0
    for ((kills = 0;; ++kills)); do # another rank of another number of ranks dies
        n=$((2 + kills % 3))
        ends 137 "$n" "walk_each@$((kills % n)):5!9" "$job" || break
        marked=$(done_in "$out/$file.h5.partial")
        [ "$marked" -ge "$before" ] || { echo "kill $kills lost photographs"; exit 1; }
        before=$marked
    done
    [ "$kills" -gt 0 ] || { echo "$job was not killed"; exit 1; }
    echo "$job: killed $kills times, $before photographs marked before the last start"

    # The third photograph of a rank lies in its first chunk.
    rm "$out/$file.h5"
    ends 1 3 walk_each@2:3 "$job"
    grep -q 'rank 2 failed' "$work/log"
    rm "$out/$file.h5.partial"
    ends 75 3 "walk_each@1:3!$(kill -l USR1)" "$job"
    left=$((56 - $(done_in "$out/$file.h5.partial")))
    [ "$left" -gt 0 ] && [ "$left" -lt 54 ] || { echo "$left photographs are left"; exit 1; }
    must 4 "$job" "${settings[@]}"
    grep -q "$job $left of $left images" "$work/log" || { echo "not just $left photographs"; cat "$work/log"; exit 1; }
    [ "$job" = activate ] || must 3 cluster "${settings[@]}"
done
same "$work/whole" "$out"
