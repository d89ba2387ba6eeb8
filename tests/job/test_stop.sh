#!/usr/bin/env bash
# A stop on request ends with 75 and the next start goes on to the same bits. No
# signal is sent by the clock: each waits for a line that says the walk is in
# the middle, and the photographs are so many that it stays there for seconds.
. "$(dirname "$0")/common.sh"
need_h5py
pid= # the mpirun in the background
end_mpirun() {
    [ -z "$pid" ] || { kill -TERM "$pid" && wait "$pid"; } 2>/dev/null || true
    rm -rf "$work"
}
trap end_mpirun EXIT
trap 'exit 1' TERM INT HUP
arguments=(run configs/scenes.ini --set data.root="$work/data" --set run.progress_s=0.1
    --set cam.scales="1.0 0.5 2.0 3.0" --set run.out)

fail() {
    echo "$1"
    tail -n 40 "$work/log"
    exit 1
}

# many N: the sample N times, each time under other IDs
many() {
    local i part file from=$root/tests/data/scenes
    rm -rf "$work/data"
    mkdir -p "$work/data/images" "$work/data/masks"
    cp "$from/classes.txt" "$work/data"
    for ((i = 0; i < $1; ++i)); do
        sed "s/^/c$i/" "$from/labels.txt" >>"$work/data/labels.txt"
        for part in images masks; do
            for file in "$from/$part"/*; do
                ln -s "$file" "$work/data/$part/c$i${file##*/}"
            done
        done
    done
}

start() { # in the background; $pid is mpirun itself
    : >"$work/log"
    mpirun --oversubscribe --bind-to none -n 3 "$LPCAM" "${arguments[@]}=$work/cut" >"$work/log" 2>&1 &
    pid=$!
}

# until_middle STAGE: photographs of the stage are done, not all of them
until_middle() {
    local i
    for ((i = 0; i < 3000; ++i)); do
        ! grep -q "] $1 [1-9][0-9,]* of .* left" "$work/log" || return 0
        kill -0 "$pid" 2>/dev/null || fail "ended before the middle of $1"
        sleep 0.04
    done
    fail "no progress of $1"
}

# stopped: the job ends, with 75 and by no signal
stopped() {
    local i code=0
    for ((i = 0; i < 1000; ++i)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    [ "$i" -lt 1000 ] || fail "does not end when asked to stop"
    wait "$pid" || code=$?
    pid=
    [ "$code" = 75 ] || fail "exit code $code, not 75"
    grep -q 'stopped on request' "$work/log" || fail "does not say that it was stopped"
    ! grep -qi 'on signal' "$work/log" || fail "a rank died of the signal"
}

# done_in FILE: how many photographs are marked in it; neither none nor all
done_in() {
    "$python" -c 'import h5py, sys
done = h5py.File(sys.argv[1], "r")["image/state"][()] == 1
print(done.sum())
sys.exit(not 0 < done.sum() < len(done))' "$1"
}

one_rank() { # some rank's process, a child of mpirun
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v mpirun="$pid" '$4 == mpirun {print $1; exit}'
}

# As many photographs as keep this machine at work for ten seconds.
for copies in 2 4 8 16 32 64; do
    many "$copies"
    rm -rf "$work/whole"
    since=$SECONDS
    must 3 "${arguments[@]}=$work/whole"
    [ $((SECONDS - since)) -lt 10 ] || break
done

start
until_middle extract
kill -USR1 "$pid" # mpirun hands it on to every rank
stopped
first=$(done_in "$work/cut/cams.h5.partial")

start
until_middle extract
kill -TERM "$(one_rank)"
stopped
second=$(done_in "$work/cut/cams.h5.partial")
[ "$second" -gt "$first" ] || fail "the second start did $first photographs again"

start
until_middle activate
[ -e "$work/cut/cams.h5" ] || fail "extract was not done before activate"
kill -USR1 "$pid"
stopped
third=$(done_in "$work/cut/maps.h5.partial")

must 2 "${arguments[@]}=$work/cut"
same "$work/whole" "$work/cut"
echo "$copies times the sample; stopped after $first and $second of extract, $third of activate"
