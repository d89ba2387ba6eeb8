#!/usr/bin/env bash
# lpcam plan --nodes: a line of sbatch that a shell takes, time that falls with
# nodes, memory that a rank keeps within.
. "$(dirname "$0")/common.sh"
plan=(plan configs/scenes.ini --set run.out="$work/out")

# foretold NODES ARG...: the line in $line, the seconds of extract in $extract
foretold() {
    must 1 "${plan[@]}" --nodes "$@"
    line=$(grep '^sbatch ' "$work/log") || { echo "no line of sbatch"; cat "$work/log"; exit 1; }
    extract=$(sed -En 's/.*foretold.* extract ([0-9]+) s.*/\1/p' "$work/log")
}

foretold 4 --set plan.ranks=8 --set model.threads=3 --set "cam.scales=1.0 0.5" --set "kmeans.rows=it's"
want="sbatch --nodes=4 --ntasks-per-node=8 --cpus-per-task=3 --mem=[0-9]+G --time=[0-9]+:[0-5]0:00 slurm/run.sbatch configs/scenes.ini "
[[ $line =~ ^$want ]] || { echo "not what was asked for: $line"; exit 1; }
eval "words=($line)"
[ "${words[-3]} ${words[-1]}" = "cam.scales=1.0 0.5 kmeans.rows=it's" ] || { echo "a shell takes it for ${words[*]}"; exit 1; }

# it says how far the measurements are
foretold 1 --set cam.scales="1.0 5.0 6.0 7.0" --set run.progress_s=0.1
grep -qE "plan: the network is timed, [0-9]+ of 16 views" "$work/log" || { echo "no line of progress"; cat "$work/log"; exit 1; }

foretold 1 --set plan.images=10000000 --set plan.ranks=2
one=$extract
foretold 50 --set plan.images=10000000 --set plan.ranks=2
[ "$one" -gt $((10 * extract)) ] || { echo "$one s on 1 node, $extract s on 50"; exit 1; }

foretold 1 --set plan.ranks=1
most=$(sed -En 's/.*--mem=([0-9]+)G.*/\1/p' <<<"$line")
"$python" - "$LPCAM" "$work/out" "$most" <<'END'
import resource, subprocess, sys
program, out, most = sys.argv[1:]
subprocess.run([program, "run", "configs/scenes.ini", "--set", "run.out=" + out], check=True, stdout=subprocess.DEVNULL)
mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{mib:.0f} MiB used, {most} GiB foretold")
assert mib < 1024 * int(most) < 8 * mib
END

refused 2 "--nodes must be a whole number from 1 to 1000000, not \"0\"" 1 "${plan[@]}" --nodes 0
refused 2 "not \"two\"" 1 "${plan[@]}" --nodes two
refused 2 "--nodes needs a value" 1 "${plan[@]}" --nodes
refused 2 "unknown option --nodes" 1 run configs/scenes.ini --nodes 2
