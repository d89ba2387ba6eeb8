# shellcheck shell=bash
# A Slurm of this test alone: munged, slurmctld and four slurmd on this machine,
# with every file, socket and port of its own; sourced. cluster_up FOLDER starts
# it, cluster_down ends all of it. Needs root.

cluster_programs=(munged slurmctld slurmd sbatch srun scontrol scancel squeue sinfo unshare)
cluster_nodes=4
cluster_folder=

# Says why there can be no cluster here, with success.
cluster_missing() {
  local program
  for program in "${cluster_programs[@]}"; do
    command -v "$program" >/dev/null || {
      echo "there is no $program (Debian packages slurm-wlm and munge)"
      return 0
    }
  done
  [ "$(id -u)" = 0 ] || { echo "Slurm's daemons need root" && return 0; }
  unshare --uts true 2>/dev/null || { echo "unshare --uts is forbidden" && return 0; }
  return 1
}

# A port for slurmctld with those of the nodes above it, not in use.
free_ports() {
  local base port used
  while :; do
    base=$((20000 + RANDOM % 10000)) used=no
    for ((port = base; port <= base + cluster_nodes; ++port)); do
      ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || used=yes
    done
    [ $used = yes ] || break
  done
  echo "$base"
}

# Short lives of credentials, so that a requeued job starts again in seconds
# instead of minutes. Nodes may claim more processors than there are. TmpFS of
# its own for each node, where PMIx would otherwise meet those of the others.
write_conf() {
  local folder=$1 host port
  host=$(hostname -s) port=$(free_ports)
  cat >"$folder/etc/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdPidFile=$folder/run/%n.pid
SlurmdLogFile=$folder/log/%n
SlurmdSpoolDir=$folder/spool/%n
TmpFS=$folder/tmp/%n
StateSaveLocation=$folder/state
MailProg=/bin/true
KillWait=5
JobRequeue=1
PropagateResourceLimitsExcept=MEMLOCK
NodeName=n[1-$cluster_nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + cluster_nodes))] CPUs=2 RealMemory=1000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
END
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$folder/etc/cgroup.conf"
}

cluster_up() {
  local i idle
  cluster_folder=$1
  mkdir -p "$1"/{etc,log,run,state,spool,tmp}
  mkdir -m 755 "$1/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$1/munge/key")
  munged --key-file="$1/munge/key" --socket="$1/munge/socket" --pid-file="$1/run/munged.pid" \
    --log-file="$1/log/munged" --seed-file="$1/munge/seed"
  write_conf "$1"
  export SLURM_CONF=$1/etc/slurm.conf
  slurmctld -i -c
  # Open MPI names its shared memory by the host: each node of each test needs
  # a name of its own.
  for ((i = 1; i <= cluster_nodes; ++i)); do
    mkdir -p "$1/spool/n$i" "$1/tmp/n$i"
    # shellcheck disable=SC2016
    unshare --uts sh -c 'hostname "$1-$2" && exec slurmd -N "$1"' sh "n$i" $$
  done
  for ((i = 0; i < 100; ++i)); do
    idle=$(sinfo --noheader --Node --format=%T 2>/dev/null | grep -cx idle) || true
    [ "$idle" != $cluster_nodes ] || return 0
    sleep 0.1
  done
  echo "only $idle of $cluster_nodes nodes are idle"
  tail -n 20 "$1"/log/*
  return 1
}

# Ends every process whose number a pid file of the cluster has, by force after
# five seconds.
cluster_down() {
  local file pid i
  [ -n "$cluster_folder" ] || return 0
  timeout 5 scancel --quiet --user=root 2>/dev/null
  for ((i = 0; i < 30; ++i)); do
    [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
    sleep 0.2
  done
  for file in "$cluster_folder"/run/n*.pid "$cluster_folder/run/slurmctld.pid" "$cluster_folder/run/munged.pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null
    (
      for ((i = 0; i < 50; ++i)); do
        kill -0 "$pid" 2>/dev/null || exit 0
        sleep 0.1
      done
      kill -KILL "$pid" 2>/dev/null
    ) &
  done
  wait
  rm -f /dev/shm/vader_segment.n[1-9]-$$.*
  cluster_folder=
}
