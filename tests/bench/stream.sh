#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Features that do not fit in memory: how fast build/release reads them from
# the disk, alone and in `lpcam cluster`, beside dd on the same file in turns.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/stream.sh [--dir DIR] [more]
  --dir DIR      on the disk to measure; a folder in it is made and removed;
                 default build/bench
  --file FILE    a features.h5 that is there, instead of one with made-up rows
  --gb N         size of the one that is made, 10^9 bytes; default 4
  --memory N     run.memory, must be less than the rows; default 256M
  --rounds N     of each contender in turn; default 5
The system's cache is emptied before each run where that is allowed (root);
else the file's own pages are dropped from it.
LPCAM_BUILD (default build/release) names the build folder.
END
}

lacks() {
  echo "stream: $*" >&2
  exit 1
}

dir=build/bench file='' gb=4 memory=256M rounds=5
while [ $# -gt 0 ]; do
  case $1 in
    --dir) dir=${2:?--dir needs a folder} ;;
    --file) file=$(realpath "${2:?--file needs a file}") ;;
    --gb) gb=${2:?--gb needs a number} ;;
    --memory) memory=${2:?--memory needs a number} ;;
    --rounds) rounds=${2:?--rounds needs a number} ;;
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
cmake --build "$build" --target stream_bench lpcam >/dev/null

mkdir -p "$dir"
work=$(mktemp -d "$(realpath "$dir")/stream-XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -n "$file" ]; then
  ln -s "$file" "$work/features.h5"
else
  /usr/bin/python3 $here/stream_data.py "$work/features.h5" "$gb"
fi
file=$work/features.h5
bytes=$(stat -L -c %s "$file")
iterations=3

cold() {
  sync
  { echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null ||
    dd if="$file" iflag=nocache count=0 status=none
}

# GB/s of each way to read the file once
dd_read() {
  cold
  local t0=$EPOCHREALTIME
  dd if="$file" of=/dev/null bs=16M "$@" status=none || return 1
  awk -v b="$bytes" -v t0="$t0" -v t1="$EPOCHREALTIME" 'BEGIN {printf "%.3f\n", b / (t1 - t0) / 1e9}'
}
lpcam_read() {
  cold
  "$build/tests/stream_bench" "$file" "$memory" 1 >"$work/log" || { cat "$work/log"; exit 1; }
  ! grep -q ", in memory" "$work/log" || lacks "the rows fit in $memory: lower --memory"
  awk '{print $1}' "$work/log"
}
# All passes of the clustering: one that measures, the iterations, the nearest.
lpcam_cluster() {
  rm -f "$work/prototypes.h5"
  cold
  "$build/lpcam" cluster configs/reference.ini --set run.out="$work" --set run.memory="$memory" \
    --set kmeans.tol=0 --set kmeans.max_iter=$iterations >"$work/log" || { cat "$work/log"; exit 1; }
  awk -v b="$bytes" -v passes=$((iterations + 2)) '
    $1 == "cluster" || $1 == "prototypes" {s += $3}
    END {printf "%.3f\n", passes * b / s / 1e9}' "$work/log"
}

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for ((r = 1; r <= rounds; ++r)); do
  cached=$(dd_read)
  direct=$(dd_read iflag=direct 2>/dev/null) || direct=0
  [ "$direct" != 0 ] || echo "direct reads are refused here: dd goes through the cache alone"
  read=$(lpcam_read)
  job=$(lpcam_cluster)
  echo "round $r, GB/s: dd $cached, dd direct $direct, rows alone $read, cluster $job"
  echo "$cached $direct $read $job" >>"$work/rounds"
done

# Each against the better dd, by medians.
awk '
  function median(column, n, i, j, t) {
    for (i = 1; i <= NR; ++i) v[i] = row[i, column]
    for (i = 1; i <= NR; ++i)
      for (j = i + 1; j <= NR; ++j)
        if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
    return (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2
  }
  function bench(name, value) {
    printf("bench %s %.2f 0.90 %s\n", name, value, (value >= 0.9 ? "ok" : "short"))
  }
  { for (c = 1; c <= 4; ++c) row[NR, c] = $c }
  END {
    dd = median(1) > median(2) ? median(1) : median(2)
    printf "medians, GB/s: dd %.2f, rows alone %.2f, cluster %.2f\n", dd, median(3), median(4)
    bench("stream.share", median(3) / dd)
    bench("stream.cluster", median(4) / dd)
  }' "$work/rounds"
