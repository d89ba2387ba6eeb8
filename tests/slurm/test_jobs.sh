#!/usr/bin/env bash
# Job arrays, the ends of a job that are for good, and what is told of wrong
# calls: the sbatch files and submit.sh on a Slurm of four nodes.
# shellcheck source=tests/slurm/common.sh
. "$(dirname "$0")/common.sh"
sample=(--set data.root="$root/tests/data/scenes" --set model.file="$root/tests/data/scenes.onnx"
  --set model.classes="$root/tests/data/scenes.classes.txt")
stop="walk_each@0:20!$(kill -l USR1)" # rank 0 asks for it at its 20th photograph
cluster_up "$work/slurm"

# submit JOB ARG...: prints the id; OPTIONS are sbatch's
submit() {
  local job=$1
  shift
  (cd "$work" && sbatch --parsable "${options[@]}" "$root/slurm/$job.sbatch" "$@")
}

# --- an array of two data sets, each stopped and started again by itself
cat >"$work/list" <<END
$root/configs/scenes.ini --set run.out=$work/a --set kmeans.k=4
$root/configs/scenes.ini --set run.out=$work/b --set kmeans.k=5
END
for file in a b; do
  must 2 run "$root/configs/scenes.ini" "${sample[@]}" --set kmeans.k=$([ $file = a ] && echo 4 || echo 5) \
    --set run.out="$work/whole_$file"
done
(cd "$work" && LPCAM_FAULT=$stop "$root/slurm/submit.sh" --array=1-2 "$work/list" "${sample[@]}") >"$work/ids"
read -r _ array < <(grep score "$work/ids")
read -r _ extract < <(grep extract "$work/ids")
options=()

# --- meanwhile: a stop that is not followed by another start
options=(--nodes=1 --ntasks-per-node=1)
limited=$(LPCAM_RESTARTS=0 LPCAM_FAULT=$stop submit extract "$root/configs/scenes.ini" "${sample[@]}" \
  --set run.out="$work/limited")
until_state "$limited" FAILED
has_line "$limited" "not started again after 0 times"
has_line "$limited" "ended with exit code 75"

# --- a job that its user cancels ends for good, with its work marked
options=(--nodes=1 --ntasks-per-node=2)
cancelled=$(submit extract "$root/configs/scenes.ini" "${sample[@]}" --set run.out="$work/cancelled" \
  --set run.progress_s=0.1 --set cam.scales="1 2 3")
until_line "$cancelled" "plan, disk"
scancel "$cancelled"
until_state "$cancelled" CANCELLED
sleep 2
is_state "$cancelled" CANCELLED || fail "a cancelled job is $(state_of "$cancelled")" "$cancelled"

# --- wrong calls
wrong=$(submit run "$root/configs/scenes.ini" --set no.key=1)
until_state "$wrong" FAILED
has_line "$wrong" "ended with exit code 2"
wrong=$(submit run)
until_state "$wrong" FAILED
has_line "$wrong" "usage: sbatch"
! "$root/slurm/submit.sh" --time 5 x 2>"$work/log" || fail "no option without =" "$wrong"
! (cd "$work" && "$root/slurm/submit.sh" --partition=none "$work/list" 2>"$work/log") || fail "a wrong partition" "$wrong"
grep -q "extract was not accepted" "$work/log"

# --- the array
wait_for "the end" "$array" array_ended "$array"
for task in 1 2; do
  for log in "$work"/lpcam-extract-*.out; do
    [ "$(grep -c "job ${extract}_$task .*restart" "$log")" != 0 ] || continue
    grep -q "restart 1\$" "$log" && ! grep -q "restart 3\$" "$log"
  done
done
same "$work/whole_a" "$work/a"
same "$work/whole_b" "$work/b"
