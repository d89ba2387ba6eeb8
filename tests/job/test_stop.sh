#!/usr/bin/env bash
# A stop on request ends with 75 and the next start goes on to the same bits.
. "$(dirname "$0")/common.sh"
need_h5py
must 2 run configs/scenes.ini --set run.out="$work/whole"
stops=0
for delay in 0.6 0.9 1.2 1.5 1.8 2.1 2.4; do
    timeout -k 5 120 mpirun --oversubscribe --bind-to none -n 3 "$LPCAM" \
        run configs/scenes.ini --set run.out="$work/cut" >"$work/log" 2>&1 &
    pid=$!
    sleep "$delay"
    # mpirun hands SIGUSR1 on to every rank
    kill -USR1 $(pgrep -P "$pid" mpirun || echo "$pid") 2>/dev/null || true
    code=0
    wait "$pid" || code=$?
    case $code in
    0) break ;;
    75) stops=$((stops + 1)) ;;
    138) ;; # the signal came before the program was there to take it
    *) echo "exit code $code"; cat "$work/log"; exit 1 ;;
    esac
done
must 3 run configs/scenes.ini --set run.out="$work/cut"
same "$work/whole" "$work/cut"
echo "stopped $stops times"
[ "$stops" -ge 1 ]
