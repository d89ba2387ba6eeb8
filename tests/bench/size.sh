#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# extract, cluster, activate and score of as many photographs as COCO 2014 train
# has, tiny ones, with a tiny network: what the bookkeeping costs.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/size.sh [--setup] [--env DIR] [more]
  --setup        install Debian's numpy, PIL and h5py
  --env DIR      the data set (1 GB, kept) and the outputs (2 GB, removed);
                 default build/bench
  --images N     of 82,783; annotations in proportion
  --ranks N      default 2
  --layout NAME  coco (default) or list: where labels and masks come from
extract and activate are killed (SIGKILL of every rank) when a third is done,
and started again. LPCAM_BUILD (default build/release) names the build folder.
END
}

env=build/bench setup=no more=()
while [ $# -gt 0 ]; do
  case $1 in
    --setup) setup=yes ;;
    --env)
      env=${2:?--env needs a folder}
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) more+=("$1") ;;
  esac
  shift
done
build=${LPCAM_BUILD:-build/release}

if [ $setup = yes ]; then
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 install -y \
    --no-install-recommends python3-numpy python3-pil python3-h5py
fi
/usr/bin/python3 -c 'import numpy, PIL, h5py' || {
  echo "size: Debian's python3-numpy, python3-pil or python3-h5py is missing: run with --setup" >&2
  exit 1
}
[ -e "$build/CMakeCache.txt" ] || {
  echo "size: no $build: build the release preset first" >&2
  exit 1
}
mkdir -p "$env"
cmake --build "$build" --target lpcam >/dev/null
exec /usr/bin/python3 -B $here/size.py --env "$(realpath "$env")" \
  --lpcam "$(realpath "$build")/lpcam" "${more[@]}"
