#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How evenly ranks are busy. Simulated: extract of COCO 2014 train on 64 ranks,
# by the program's own shares and chunks, on even nodes and with an eighth of
# the ranks at half speed. Measured: extract of real photographs on 2 and 4
# ranks, from what the program prints.
# usage: tests/bench/balance.sh [--set KEY=VALUE]...   (after the release build)
# Settings are for the measured runs, such as --set cam.scales=1 for short ones.
# LPCAM_SHARED: the folder of photographs and models. LPCAM_BUILD: the build
# folder (build/release).
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$(realpath "${LPCAM_SHARED:-../shared}")
build=${LPCAM_BUILD:-build/release}
more=("$@")
photographs=$shared/data/coco412-train
[ -d "$photographs/images" ] || { echo "balance: no photographs in $shared: set LPCAM_SHARED" >&2; exit 1; }
cmake --build "$build" --target lpcam balance_bench >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

echo "simulated: 82,783 photographs of COCO's sizes, 64 ranks        max/mean busy   end against a perfect share"
"$build/tests/balance_bench" 64 "$photographs/images" >"$work/simulated"
line() { awk -v name="$1" -v text="$2" '$1 == name {printf "  %-58s %13.4f %15.4f\n", text, $2, $3}' "$work/simulated"; }
line static_even "static, all ranks alike"
line dynamic_even "dynamic, all ranks alike"
line static_slow "static, 8 ranks at half speed"
line dynamic_slow "dynamic, 8 ranks at half speed"

# measured N BALANCE: extract's last line on how busy N ranks were
measured() {
  rm -rf "$work/out"
  timeout -k 5 600 mpirun -n "$1" "$build/lpcam" extract configs/coco167.ini --set run.balance="$2" \
    --set data.root="$photographs" --set model.file="$shared/models/coco20-mnv2.onnx" \
    --set model.classes="$shared/models/coco20-mnv2.classes.txt" --set run.out="$work/out" "${more[@]}" >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log"; exit 1; }
  grep -o 'extract: busy.*' "$work/log"
}
# Where ranks share cores, one that ends early makes the others faster: only the
# processor's time tells then.
ratio=elapsed
[ "$(nproc)" -ge 4 ] || ratio=processor
echo "measured: extract of 167 photographs, MobileNetV2, $(nproc) cores; below, $ratio time for 4 ranks"
for n in 2 4; do
  for balance in static dynamic; do
    measured "$n" "$balance" >"$work/$balance$n"
    echo "  $n ranks, $balance: $(cut -d: -f2- "$work/$balance$n")"
  done
done
time_of() { # N: max/mean of the static run
  local of=1
  [ "$1" -le "$(nproc)" ] || of=2
  grep -o 'max/mean [0-9.]*' "$work/static$1" | awk -v of=$of 'NR == of {print $2}'
}
result() { awk -v name="$1" -v x="$2" 'BEGIN {v = 1.05 / x; print "bench", name, sprintf("%.3f", v), "1.00", (v >= 1 ? "ok" : "short")}'; }
result balance.64_ranks "$(awk '$1 == "static_even" {print $2}' "$work/simulated")"
result balance.64_ranks_uneven "$(awk '$1 == "dynamic_slow" {print $2}' "$work/simulated")"
result balance.2_ranks "$(time_of 2)"
result balance.4_ranks "$(time_of 4)"
