#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# COCO's annotations against pycocotools, each side in a process of its own, by
# turns: the index of a file of the size of instances_train2014.json, as every
# job makes it (with 82,783 photographs to be found), and the drawing of every
# annotation of 208 photographs, which must be equal.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/coco.sh [--setup] [--env DIR] [--build DIR] [--rounds N] [--index FILE]
  --setup        make a virtual environment with pycocotools in DIR
  --env DIR      that, the made-up index and its photographs; default build/bench
  --build DIR    a release build; default build/release
  --rounds N     of each; default 3
  --index FILE   an instances_*.json to use instead of the made-up one
LPCAM_SHARED (default ../shared) names the folder of data/coco412-train.
END
}

lacks() {
  echo "coco: $*" >&2
  exit 1
}

env=build/bench build=build/release setup=no rounds=3 index=
shared=${LPCAM_SHARED:-../shared}
while [ $# -gt 0 ]; do
  case $1 in
    --setup) setup=yes ;;
    --env | --build | --rounds | --index)
      printf -v "${1#--}" %s "${2:?$1 needs a value}"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) lacks "unknown $1; see --help" ;;
  esac
  shift
done
python=$env/coco-venv/bin/python

if [ $setup = yes ]; then
  mkdir -p "$env"
  /usr/bin/python3 -m venv "$env/coco-venv"
  "$python" -m pip install --quiet --disable-pip-version-check numpy pycocotools
fi
"$python" -c 'import pycocotools' 2>/dev/null || lacks "no pycocotools in $env: run with --setup"
instances=$shared/data/coco412-train/instances.json
[ -e "$instances" ] || lacks "no $instances: set LPCAM_SHARED"
[ -e "$build/CMakeCache.txt" ] || lacks "no build in $build: cmake --workflow --preset release first"
cmake --build "$build" --target coco_bench -j >/dev/null || lacks "coco_bench cannot be built in $build"

if [ -z "$index" ]; then
  index=$env/coco/instances_train2014.json
  mkdir -p "$env/coco"
  [ -e "$index" ] || "$python" tests/data/coco_index.py "$index"
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
"$python" -c 'import sys, importlib.metadata as m
print("pycocotools", m.version("pycocotools"), "Python", sys.version.split()[0])'
exec "$python" -B $here/coco.py "$build/tests/coco_bench" "$index" "$instances" "$rounds"
