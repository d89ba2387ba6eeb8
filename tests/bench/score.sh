#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Scoring by build/release on one core, million pixels a second: the largest
# class and all thresholds in one pass, beside NumPy as in the authors'
# evaluation, on the same maps and in turns. All counts must be the same.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/score.sh [more]
  --images N      made-up ones of 640 x 480 pixels; default 12
  --present N     classes of each, 1 to 3; default 3 (COCO: 2.9)
  --thresholds N  up to 0.60; default 60
  --rounds N      of each contender in turn; default 5
LPCAM_BUILD (default build/release) names the build folder.
END
}

lacks() {
  echo "score: $*" >&2
  exit 1
}

images=12 present=3 thresholds=60 rounds=5
while [ $# -gt 0 ]; do
  case $1 in
    --images) images=${2:?--images needs a number} ;;
    --present) present=${2:?--present needs a number} ;;
    --thresholds) thresholds=${2:?--thresholds needs a number} ;;
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
/usr/bin/python3 -c 'import numpy' || lacks "needs NumPy (Debian package python3-numpy)"
cmake --build "$build" --target score_bench >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ((r = 1; r <= rounds; ++r)); do
  "$build/tests/score_bench" "$work" "$images" "$present" "$thresholds" 5 >>"$work/rates"
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 /usr/bin/python3 -B $here/score_peer.py "$work" 1 >>"$work/rates"
done

echo "$images pictures of 640 x 480 pixels, $present classes present, $thresholds thresholds, one core;"
echo "million pixels a second of processor time, the median of all rounds and the best:"
sort -k1,1 -k2,2g "$work/rates" | awk -v rounds="$rounds" '
  function median(name, n) {
    n = count[name]
    return (rate[name, int((n + 1) / 2)] + rate[name, int((n + 2) / 2)]) / 2
  }
  function line(name, what) {
    printf "  %-62s %9.2f %9.2f\n", what, median(name), rate[name, count[name]]
  }
  { rate[$1, ++count[$1]] = $2 }
  END {
    line("argmax", "lpcam: largest class, all thresholds")
    line("enlarged", "lpcam: the same, maps enlarged from stride 4 before")
    line("seed", "lpcam: all thresholds, from full-size seeds (maps.full = seed)")
    line("authors", "NumPy as in eval_cam.py: argmax and confusion a threshold")
    line("one_pass", "NumPy: one argmax and one count for all thresholds")
    printf "lpcam counts %.0f times as fast as NumPy in the way of eval_cam.py, %.0f times as NumPy in one pass\n",
      median("argmax") / median("authors"), median("argmax") / median("one_pass")
    value = median("argmax") / 300
    printf "bench score.mpix_per_s_over_300 %.2f 1.00 %s\n", value, (value >= 1 ? "ok" : "short")
  }'
