#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What one iteration of clustering costs against rows, centres, channels,
# classes, threads and ranks: tables, and a picture of them (SVG).
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/ranks.sh [--setup] [--env DIR] [more]
  --setup         install Debian's numpy
  --env DIR       rows (1.6 GB); default build/bench
  --picture FILE  default DIR/ranks.svg
  --reps N        repetitions of each; default 5
  --quick         a tenth of the rows
  --model         only lpcam plan's model beside runs of 1 to 8 ranks on 1 to 4
                  nodes that share this machine
More ranks than cores share them: what they show is what messages cost.
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
    --no-install-recommends python3-numpy
fi
/usr/bin/python3 -c 'import numpy' || {
  echo "ranks: Debian's python3-numpy is missing: run with --setup" >&2
  exit 1
}
[ -e "$build/CMakeCache.txt" ] || {
  echo "ranks: no $build: build the release preset first" >&2
  exit 1
}
mkdir -p "$env"
cmake --build "$build" --target kmeans_bench >/dev/null
gcc -O3 -march=native -ffp-contract=fast -shared -fPIC -o "$env/probe.so" $here/probe.c -lpthread
exec /usr/bin/python3 -B $here/ranks.py --env "$(realpath "$env")" \
  --build "$(realpath "$build")" "${more[@]}"
