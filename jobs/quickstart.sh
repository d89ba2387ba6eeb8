#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a fresh clone to scored LPCAM maps of the drawn scenes: installs what is
# missing, builds, and runs the whole method on two ranks.
# usage: jobs/quickstart.sh [more arguments of lpcam run, such as --set kmeans.k=4]
set -euo pipefail
cd "$(dirname "$0")/.."

out=lpcam-out/scenes
for argument; do
  case $argument in run.out=*) out=${argument#run.out=} ;; esac
done

slurm/install.sh
cmake --preset release --log-level=WARNING
cmake --build --preset release --target lpcam --parallel "$(nproc)"

# Two ranks even on one core, and as root in a container: Open MPI needs telling.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$out"
mpirun -n 2 build/release/lpcam run configs/scenes.ini --set run.out="$out" "$@"

echo
echo "The output is in $(realpath "$out"):"
ls -l "$out"
