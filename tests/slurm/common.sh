# shellcheck shell=bash
# What the tests of Slurm share; sourced. Jobs are to be submitted in $work,
# where their logs then are.
# shellcheck source=tests/job/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../job/common.sh"
# shellcheck source=tests/slurm/cluster.sh
. "$root/tests/slurm/cluster.sh"
need_h5py
if why=$(cluster_missing); then
  echo "skipped: $why"
  exit 77
fi
trap 'set +e; cluster_down; rm -rf "$work"' EXIT
trap 'exit 1' TERM INT HUP
chmod a+x "$work" # for munge
export LPCAM OMPI_MCA_mpi_yield_when_idle=1 # nodes share this machine's cores

# fail TEXT ID: with the end of the job's log
fail() {
  echo "$1"
  tail -n 60 "$(log_of "$2")"
  exit 1
}

log_of() { # ID
  echo "$work"/lpcam-*-"$1".out
}

state_of() { # ID
  scontrol show job "$1" | sed -En 's/^ *JobState=([A-Z_]*).*/\1/p'
}

# wait_for TEXT ID COMMAND...: until it succeeds
wait_for() {
  local i text=$1 id=$2
  shift 2
  for ((i = 0; i < 1200; ++i)); do
    ! "$@" || return 0
    sleep 0.1
  done
  squeue
  fail "waited in vain for $text of job $id, which is $(state_of "$id")" "$id"
}

in_log() { # ID PATTERN
  grep -qs -- "$2" "$(log_of "$1")"
}

is_state() { # ID STATE
  [ "$(state_of "$1")" = "$2" ]
}

until_line() { # ID PATTERN
  wait_for "\"$2\"" "$1" in_log "$1" "$2"
}

until_file() { # PATH ID
  wait_for "$1" "$2" test -e "$1"
}

until_state() { # ID STATE
  wait_for "the state $2" "$1" is_state "$1" "$2"
}

has_line() { # ID PATTERN
  in_log "$1" "$2" || fail "the log of job $1 has no \"$2\"" "$1"
}

# What a job has said since it was started again for the n-th time.
said() { # ID RESTART
  sed -n "/restart $2\$/,/restart $(($2 + 1))\$/p" "$(log_of "$1")" 2>/dev/null
}

# How many photographs that start had to do.
photographs() { # ID STAGE RESTART
  said "$1" "$3" | sed -En "s/.*\] $2 [0-9,]+ of ([0-9,]+) images.*/\1/p" | tr -d , | sed 1q
}

in_middle() { # ID STAGE RESTART
  said "$1" "$3" | grep -q "] $2 [1-9][0-9,]* of .* left"
}

# Photographs of that start are done, not all of them.
until_middle() { # ID STAGE RESTART
  wait_for "the middle of $2" "$1" in_middle "$@"
}

# Processes of a job's ranks on a node.
ranks_of() { # ID NODE
  local process
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/exe" 2>/dev/null)" = "$LPCAM" ] &&
      grep -qszx "SLURM_JOB_ID=$1" "$process/environ" &&
      grep -qszx "SLURMD_NODENAME=$2" "$process/environ" &&
      echo "${process#/proc/}"
  done
}

# The node's part of a job dies, Slurm notices, and the node comes back as from
# a reboot, without what PMIx and Open MPI had left there.
lose_node() { # NODE ID
  local rank
  for rank in $(ranks_of "$2" "$1"); do
    kill -KILL "$(awk '{print $4}' "/proc/$rank/stat")" "$rank" || true # its slurmstepd, too
  done
  scontrol update NodeName="$1" State=DOWN Reason=lost
  rm -rf "$work/slurm/tmp/$1"/* "$work/slurm/spool/$1"/*pmix* "/dev/shm/vader_segment.$1-$$."*
  # refused where the node has reported in meanwhile and is up by itself
  scontrol update NodeName="$1" State=RESUME || [ -n "$(sinfo -hn "$1" -t idle,alloc,mix,comp -o %N)" ]
}

# many_photographs N FOLDER: the sample N times, each time under other IDs
many_photographs() {
  local i part file from=$root/tests/data/scenes
  mkdir -p "$2/images" "$2/masks"
  cp "$from/classes.txt" "$2"
  for ((i = 0; i < $1; ++i)); do
    sed "s/^/c$i/" "$from/labels.txt" >>"$2/labels.txt"
    for part in images masks; do
      for file in "$from/$part"/*; do
        ln -s "$file" "$2/$part/c$i${file##*/}"
      done
    done
  done
}
