#!/usr/bin/env bash
# submit.sh's chain on a Slurm of four nodes. In the middle of each stage it is
# stopped before its time limit, loses a node, is requeued, loses a rank; then
# the chain is submitted again. The files end equal to those of plain mpirun.
# shellcheck source=tests/slurm/common.sh
. "$(dirname "$0")/common.sh"
data=$work/data
settings=("$root/configs/scenes.ini" --set data.root="$data" --set model.file="$root/tests/data/scenes.onnx"
  --set model.classes="$root/tests/data/scenes.classes.txt" --set cam.scales="1.0 0.5 2.0"
  --set kmeans.k=64 --set kmeans.stop=reference --set kmeans.tol=0 --set kmeans.max_iter=60
  --set run.checkpoint_s=0 --set run.progress_s=0.1)
many_photographs 8 "$data"

must 2 run "${settings[@]}" --set run.out="$work/whole"
echo "$SECONDS s: plain mpirun is done"

cluster_up "$work/slurm"
declare -A job # id by stage
chain() {
  local stage id
  while read -r stage id; do
    job[$stage]=$id
  done < <(cd "$work" && "$root/slurm/submit.sh" --nodes=4 --time=5 "${settings[@]}" --set run.out="$work/cut")
}

# --- the first chain
chain
until_middle "${job[extract]}" extract 0
scancel --batch --signal=USR1 "${job[extract]}" # what --signal=B:USR1@120 sends
until_line "${job[extract]}" "restart 1"
has_line "${job[extract]}" "stopped on request"
has_line "${job[extract]}" "goes on when its turn comes again"
echo "$SECONDS s: extract was stopped in time"

until_middle "${job[extract]}" extract 1
lose_node n3 "${job[extract]}"
until_line "${job[extract]}" "restart 2"
until_state "${job[extract]}" COMPLETED
[ "$(photographs "${job[extract]}" extract 1)" -lt 448 ] || fail "the second start did all photographs again" "${job[extract]}"
[ "$(photographs "${job[extract]}" extract 2)" -le "$(photographs "${job[extract]}" extract 1)" ] ||
  fail "the third start did photographs again" "${job[extract]}"
echo "$SECONDS s: extract lost a node and is done"

until_file "$work/cut/cluster_0.checkpoint" "${job[cluster]}"
scontrol requeue "${job[cluster]}"
until_line "${job[cluster]}" "restart 1"
until_state "${job[cluster]}" COMPLETED
has_line "${job[cluster]}" "goes on after iteration"
echo "$SECONDS s: cluster was requeued and is done"

until_middle "${job[activate]}" activate 0
since=$SECONDS
kill -KILL "$(ranks_of "${job[activate]}" n2 | head -n 1)"
until_state "${job[activate]}" FAILED
[ $((SECONDS - since)) -le 30 ] || fail "$((SECONDS - since)) s from the death of a rank to the end" "${job[activate]}"
until_state "${job[score]}" CANCELLED
echo "$SECONDS s: activate lost a rank, score is cancelled"

# --- the second
chain
until_middle "${job[activate]}" activate 0
has_line "${job[extract]}" "features.h5 and .*cams.h5 are already there"
has_line "${job[cluster]}" "prototypes.h5 is already there"
scontrol requeue "${job[activate]}"
until_line "${job[activate]}" "restart 1"
until_state "${job[activate]}" COMPLETED
until_state "${job[score]}" COMPLETED
same "$work/whole" "$work/cut"
cmp "$work/whole/score.json" "$work/cut/score.json"
echo "$SECONDS s: the same bits"
