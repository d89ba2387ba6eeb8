#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Seeds as palette PNG files by build/release on one core, photographs a second,
# beside Pillow and NumPy doing the same from the same maps, in turns.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/export.sh [more]
  --images N   made-up ones of VOC's sizes and labels; default 2000
  --rounds N   of each contender in turn; default 3
  --folder DIR where data and outputs are made (40 KB an image) and removed;
               default: that of temporary files
LPCAM_BUILD (default build/release) names the build folder.
END
}

lacks() {
  echo "export: $*" >&2
  exit 1
}

images=2000 rounds=3 folder=${TMPDIR:-/tmp}
while [ $# -gt 0 ]; do
  case $1 in
    --images) images=${2:?--images needs a number} ;;
    --rounds) rounds=${2:?--rounds needs a number} ;;
    --folder) folder=${2:?--folder needs a folder} ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) lacks "unknown: $1 (--help)" ;;
  esac
  shift $(($# > 1 ? 2 : 1))
done
build=${LPCAM_BUILD:-build/release}
[ -f "$build/CMakeCache.txt" ] || lacks "no $build: configure the release preset first"
/usr/bin/python3 -c 'import numpy, PIL, h5py' ||
  lacks "needs Debian's python3-numpy, python3-pil and python3-h5py"
cmake --build "$build" --target lpcam >/dev/null

work=$(mktemp -d "$folder/lpcam-export-XXXXXX")
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -B $here/export.py make "$work" "$images"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
echo "$images pictures of VOC's sizes, 1.5 classes each, median of $rounds rounds: pictures a second of"
echo "wall clock, of processor time; size of a mask:"
/usr/bin/python3 -B $here/export.py run "$work" "$(realpath "$build")/lpcam" "$rounds"
