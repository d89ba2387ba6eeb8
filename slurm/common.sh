# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the sbatch files share; they source it on the first node of the job.
# Variables of the shell that submits, or of site.sh in this folder, which is
# read first where there is one (modules and the like of your machine):
#   LPCAM            the program; default: build/release/lpcam of this checkout,
#                    or bin/lpcam where share/lpcam/slurm was installed with it
#   LPCAM_RANK       core: a rank a core (default); numa: a rank a NUMA domain,
#                    with a thread for each core of it. Where sbatch is given
#                    --ntasks-per-node and --cpus-per-task, those count.
#   LPCAM_RESTARTS   how often a job may start again; default 100
#   LPCAM_MPI        of srun --mpi; default pmix
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

program=$here/../build/release/lpcam
[ -e "$program" ] || program=$here/../../../bin/lpcam

say() { echo "== $*"; }

# Sets ranks (of a node), threads (of a rank), and what srun is to be told.
lay_out() {
  local cores domains
  cores=$(lscpu -p=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
  ((cores < SLURM_CPUS_ON_NODE)) || cores=$SLURM_CPUS_ON_NODE
  # shellcheck disable=SC2153
  ranks=${SLURM_TASKS_PER_NODE%%[(,]*} threads=${SLURM_CPUS_PER_TASK:-1} layout=()
  # One task a node is what Slurm takes when it was told nothing.
  if [ -z "${SLURM_NTASKS_PER_NODE:-}" ] && [ "$SLURM_NTASKS" = "$SLURM_JOB_NUM_NODES" ]; then
    if [ "${LPCAM_RANK:-core}" = numa ]; then
      domains=$(lscpu -p=NODE | grep -v '^#' | sort -u | wc -l)
      threads=$((cores > domains ? cores / domains : 1))
    fi
    ranks=$((cores > threads ? cores / threads : 1))
    layout=(--ntasks="$((ranks * SLURM_JOB_NUM_NODES))" --ntasks-per-node="$ranks")
  fi
  # Neighbours in rank are neighbours in the node. A rank's threads share its
  # cores; OMP_PROC_BIND would put those of the network all on one of them.
  layout+=(--cpus-per-task="$threads" --distribution=block:block --cpu-bind=cores)
  # A rank that waits spins, unless another needs its core.
  if ((ranks * threads > cores)); then
    layout+=(--overcommit)
    export OMPI_MCA_mpi_yield_when_idle=1
  fi
}

# Before the time limit Slurm sends USR1 to this shell alone; the ranks finish
# the photographs at hand, mark them and exit with 75. The step may not have
# begun yet.
stop_ranks() {
  local step
  asked=yes woken=yes
  say "$(date '+%F %T') asked to stop"
  while kill -0 "$srun" 2>/dev/null; do
    step=$(squeue --noheader --steps --jobs="$SLURM_JOB_ID" --format=%i | grep -m 1 -E "^$id\.[0-9]+$") &&
      scancel --signal=USR1 "$step" && break
    sleep 1
  done
}

# A job that its user has cancelled is no longer running, and ends for good.
again() {
  local state restarts=${SLURM_RESTART_COUNT:-0} most=${LPCAM_RESTARTS:-100}
  state=$(squeue --noheader --jobs="$id" --format=%T)
  if [ "$state" != RUNNING ]; then
    say "stopped, and not started again: the job is ${state:-gone}"
  elif ((restarts >= most)); then
    say "stopped, and not started again after $restarts times (LPCAM_RESTARTS): submit it again to go on"
  else
    say "stopped; goes on when its turn comes again"
    scontrol requeue "$id"
    sleep 60 # Slurm ends this shell
  fi
}

# pick CONFIG ARG...: sets words. In a job array CONFIG is a list: task n does
# its n-th line, which is a configuration and the values that are its own.
pick() {
  words=("$@")
  [ -n "${SLURM_ARRAY_TASK_ID:-}" ] || return 0
  read -ra words <<<"$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$1")"
  if [ ${#words[@]} = 0 ]; then
    say "line $SLURM_ARRAY_TASK_ID of $1 names no configuration"
    exit 2
  fi
  words+=("${@:2}")
}

# step JOB CONFIG ARG...: the program on all ranks; sets code. A rank that was
# killed ends the others in 20 s: at once would also kill those that are just
# about to exit with 75.
step() {
  local srun woken
  srun --mpi="${LPCAM_MPI:-pmix}" "${layout[@]}" --kill-on-bad-exit=0 --wait=20 --input=none \
    "${LPCAM:-$program}" "$1" "$2" --set model.threads="$threads" "${@:3}" &
  srun=$!
  trap stop_ranks USR1
  while :; do
    woken='' code=0
    wait "$srun" || code=$?
    [ -n "$woken" ] || break # a signal also ends the wait
  done
}

# lpcam_job JOB CONFIG [--set section.key=value]...
lpcam_job() {
  local job=$1 asked='' code layout ranks threads words
  shift
  if [ $# = 0 ]; then
    say "usage: sbatch [OPTION]... slurm/$job.sbatch CONFIG [--set section.key=value]..."
    exit 2
  fi
  # The last task of an array has the array's number, which would mean them all.
  id=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
  id=${id:-$SLURM_JOB_ID}
  # shellcheck source=/dev/null
  [ ! -e "$here/site.sh" ] || . "$here/site.sh"
  export OPENBLAS_NUM_THREADS=1 # one thread of a rank calls it
  # With the other fence of Slurm's PMIx (22.05), a tree, 11 of 165 starts died of
  # a segmentation fault in MPI_Init on a busy machine; with this one 0 of 60.
  export SLURM_PMIX_FENCE=ring
  pick "$@"
  lay_out
  say "$(date '+%F %T') lpcam $job ${words[*]}: job $id on $SLURM_JOB_NODELIST," \
    "ranks a node: $ranks, threads a rank: $threads, restart ${SLURM_RESTART_COUNT:-0}"
  step "$job" "${words[@]}"
  # A signal that came before the program was ready for it has killed it.
  if [ "$code" = 75 ] || { [ -n "$asked" ] && [ "$code" -gt 128 ]; }; then
    code=75
    again
  fi
  say "$(date '+%F %T') ended with exit code $code"
  exit "$code"
}
