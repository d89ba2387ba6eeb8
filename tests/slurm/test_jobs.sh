#!/usr/bin/env bash
# Job arrays; the ends of a job that are for good; what is told of wrong calls:
# the sbatch files and submit.sh on a Slurm of four nodes.
# shellcheck source=tests/slurm/common.sh
. "$(dirname "$0")/common.sh"
config=$root/configs/scenes.ini
sample=(--set data.root="$root/tests/data/scenes" --set model.file="$root/tests/data/scenes.onnx"
  --set model.classes="$root/tests/data/scenes.classes.txt")
stop="walk_each@0:20!$(kill -l USR1)" # rank 0 asks for it at its 20th photograph

for k in 4 5; do
  must 2 run "$config" "${sample[@]}" --set kmeans.k=$k --set run.out="$work/whole_$k"
done
must 2 fit "$config" "${sample[@]}" --set run.out="$work/whole_fit"
cluster_up "$work/slurm"

# submit RANKS JOB ARG...: prints the id
submit() {
  (cd "$work" && sbatch --parsable --ntasks-per-node="$1" "$root/slurm/$2.sbatch" "${@:3}")
}

# An array of two data sets; each is stopped in extract and in activate, and
# starts again by itself. Their numbers are $extract, $activate, $score.
for k in 4 5; do
  echo "$config --set run.out=$work/k$k --set kmeans.k=$k"
done >"$work/list"
export LPCAM_FAULT=$stop
(cd "$work" && "$root/slurm/submit.sh" --array=1-2 "$work/list" "${sample[@]}") >"$work/ids"
{ read -r _ extract && read -r _ _ && read -r _ activate && read -r _ score; } <"$work/ids"

# Meanwhile: a classifier, stopped likewise.
fit=$(submit 2 fit "$config" "${sample[@]}" --set run.out="$work/fit")

# A job that may not start again.
limited=$(LPCAM_RESTARTS=0 submit 1 extract "$config" "${sample[@]}" --set run.out="$work/limited")
unset LPCAM_FAULT
until_state "$limited" FAILED
has_line "$limited" "not started again after 0 times"
has_line "$limited" "ended with exit code 75"

# One that its user cancels.
cancelled=$(submit 2 extract "$config" "${sample[@]}" --set run.out="$work/cancelled" \
  --set run.progress_s=0.1 --set cam.scales="1 2 3")
until_line "$cancelled" "plan, disk"
scancel "$cancelled"
until_state "$cancelled" CANCELLED
[ -z "$(squeue --noheader --jobs="$cancelled" 2>/dev/null)" ] || fail "it goes on when it was cancelled" "$cancelled"

# Wrong calls.
wrong=$(submit 1 run "$config" --set no.key=1)
until_state "$wrong" FAILED
has_line "$wrong" "ended with exit code 2"
wrong=$(submit 1 run)
until_state "$wrong" FAILED
has_line "$wrong" "usage: sbatch"
! "$root/slurm/submit.sh" --time 5 x 2>"$work/log" || fail "--time 5 was accepted" "$wrong"
grep -q "write --time as --OPTION=VALUE" "$work/log"
! "$root/slurm/submit.sh" --partition=none "$config" 2>"$work/log" || fail "a wrong partition was accepted" "$wrong"
grep -q "extract was not accepted" "$work/log"

# The array, at its end: each task was started again once a stage, by itself.
both_done() {
  [ "$(scontrol show job "$score" | grep -c JobState=COMPLETED)" = 2 ]
}
wait_for "the end" "$limited" both_done
for id in "$extract" "$activate"; do
  for task in 1 2; do
    starts=$(cat "$work"/lpcam-*.out | grep -c "job ${id}_$task on .* restart ")
    [ "$starts" = 2 ] || fail "task $task of array $id was started $starts times" "$limited"
  done
done
until_state "$fit" COMPLETED
has_line "$fit" "restart 1"
cmp "$work/whole_fit/classifier.onnx" "$work/fit/classifier.onnx"
for k in 4 5; do
  same "$work/whole_$k" "$work/k$k"
  cmp "$work/whole_$k/score.json" "$work/k$k/score.json"
done
echo "$SECONDS s: arrays, ends and wrong calls as they should be"
