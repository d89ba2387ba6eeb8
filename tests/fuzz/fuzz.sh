#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Throws hostile input at every reader with clang's libFuzzer, address and
# undefined-behaviour sanitizers, one harness after the other.
# usage: tests/fuzz/fuzz.sh SECONDS [HARNESS]...
# What was found before is in build/fuzz/corpus and is built upon. An input that
# finds a defect is left in build/fuzz/found; when the defect is mended the input
# goes to tests/fuzz/corpus, where the tests fuzz.* replay it.
#
# What was run (two busy cores, libFuzzer 14), and the distinct defects it found
# or that were found by reading for it; all are mended:
#
#   harness      executions  seconds    edges  defects
#   onnx            7861932      959     1061  a weight infinite in 32 bits; memcmp of NULL;
#                                              constants read 3^8 times
#   image           9227586     1023      108  2.4 GB for a header of 35 bytes
#   voc             3454713      614      272
#   coco            1582631      613      669
#   shape            339843      734      170  240 KB for every ten bytes of a polygon
#   list            2884226      613      449  hours for 1 MB of classes
#   rows            5003006      602      143
#   array           2071323      612      399  a byte read behind the header
#   config           426848      614      283
#   store            401059     3656     1920  states written over the heap, of two sides or of views;
#                                              classes of seeds read and counted outside of tables;
#                                              sizes that overflow; any memory for 2 KB; NULL plus 0;
#                                              NaN in maps, a basis, a classifier; maps of views
#                                              without cells; centres counted by another table; in a
#                                              file that was begun room for any number of chunks,
#                                              and rows wider than what is written
#   hdf5             398045     1901     1138  values copied from behind a header that lacks them
#                                              (not ours: where a file is damaged HDF5 1.10 leaks,
#                                              reads behind names of attributes, takes any memory)
#   checkpoint      2592110      602      149
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:?usage: tests/fuzz/fuzz.sh SECONDS [HARNESS]...}
shift
build=build/fuzz
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz
[ $# -gt 0 ] || set -- $(cd $build/tests && ls -d fuzz_* | sed 's/fuzz_//')

TMPDIR=$(mktemp -d -p /dev/shm lpcam-fuzz.XXXXXX)
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

# The longest input of a harness, in bytes.
longest() {
  case $1 in
    array) echo 66000 ;;
    hdf5) echo 16384 ;;
    onnx) echo 8192 ;;
    store) echo 200 ;;
    *) echo 4096 ;;
  esac
}

# A finding ends libFuzzer: it is started again until the time is up.
run() { # harness
  local corpus=$build/corpus/$1 found=$build/found/$1 log=$build/fuzz_$1.log left
  local options=(-timeout=5 -rss_limit_mb=2048 -malloc_limit_mb=512 -close_fd_mask=3
    -print_final_stats=1 "-max_len=$(longest "$1")" "-artifact_prefix=$found/")
  local end=$((SECONDS + seconds))
  [ "$1" != hdf5 ] || options+=(-detect_leaks=0) # the library leaks where a file is damaged
  [ ! -e "tests/fuzz/$1.dict" ] || options+=("-dict=tests/fuzz/$1.dict")
  mkdir -p "$corpus" "$found"
  : >"$log"
  while left=$((end - SECONDS)) && [ $left -gt 0 ]; do
    $build/tests/fuzz_$1 "${options[@]}" "-max_total_time=$left" "$corpus" "tests/fuzz/corpus/$1" \
      >>"$log" 2>&1 || echo "a finding" >>"$log"
  done
  awk -v name="$1" -v seconds="$seconds" '
    /stat::number_of_executed_units/ { n += $2 }
    / cov: / { for (i = 1; i < NF; ++i) if ($i == "cov:" && $(i + 1) > edges) edges = $(i + 1) }
    /^a finding/ { ++found }
    END { printf "%-10s %12d %8d %8d %8d\n", name, n, seconds, edges, found }' "$log"
}

printf '%-10s %12s %8s %8s %8s\n' harness executions seconds edges findings
for harness in "$@"; do
  run "$harness"
done
