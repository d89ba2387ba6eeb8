#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lpcam fit on real photographs from a network trained on ImageNet: how well the
# new classifier tells classes on photographs it has not seen, its seeds beside
# those of a classifier whose whole network was trained on the same labels, and
# its coefficients beside scikit-learn's on the same pooled features.
# usage: tests/bench/fit_photographs.sh [msrc] [coco167]  (after the release build)
# LPCAM_SHARED: the folder of photographs and models. LPCAM: the program. WORK: a
# folder to keep the outputs in, so that another run need not make them.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$(realpath "${LPCAM_SHARED:-../shared}")
lpcam=${LPCAM:-build/release/lpcam}
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
/usr/bin/python3 -c 'import sklearn, h5py' ||
  { echo "fit: Debian's python3-sklearn or python3-h5py is missing" >&2; exit 1; }
sets=("${@:-msrc}")
[ $# -gt 0 ] || sets=(msrc coco167)

# job NAME OUT KEYS...: one job of the program on all cores
job() {
  local name=$1 out=$2 key set=()
  shift 2
  for key; do set+=(--set "$key"); done
  timeout -k 5 3000 mpirun -n "$(nproc)" "$lpcam" "$name" "configs/$config.ini" \
    --set data.root="$shared/data/$folder" --set run.out="$out" "${set[@]}" \
    >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}

for config in "${sets[@]}"; do
  case $config in
    msrc) folder=msrc-v2 model=msrc21-mnv2 test=split_b.txt ;;
    coco167) folder=coco412-train model=coco20-mnv2 test= ;;
  esac
  names=$shared/models/$model.classes.txt
  fitted=$work/$config-fitted
  job fit "$fitted" model.file="$shared/models/imagenet1000-mnv2-dil.onnx" \
    fit.classes="$names" fit.test=$test fit.tol=1e-10
  sed -n '/fit: average precision/,/^mean/p' "$work/log"
  job run "$fitted" model.file="$fitted/classifier.onnx" model.classes="$fitted/classifier.classes.txt"
  job run "$work/$config-trained" model.file="$shared/models/$model.onnx" model.classes="$names"
  /usr/bin/python3 -B tests/bench/fit_photographs.py "$config" "$fitted" "$work/$config-trained"
done
