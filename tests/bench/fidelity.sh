#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mIoU of the whole program beside the authors' code on two sets of real
# photographs: from the authors' own start rows (three seeds each), where the
# curves must agree, and from our own start, where ours has no spread.
# usage: tests/bench/fidelity.sh [msrc] [coco167]      (after the release build)
# LPCAM_SHARED: the folder of photographs, models and recorded results.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$(realpath "${LPCAM_SHARED:-../shared}")
lpcam=${LPCAM:-build/release/lpcam}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
sets=("${@:-msrc}")
[ $# -gt 0 ] || sets=(msrc coco167)

# job CONFIG OUT KEYS...: one job of the program on all cores
job() {
  local name=$1 config=$2 out=$3
  shift 3
  local set=()
  for key; do set+=(--set "$key"); done
  timeout -k 5 3000 mpirun -n "$(nproc)" "$lpcam" "$name" "$config" "${data[@]}" \
    --set run.out="$out" "${set[@]}" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}

# from_features OUT KEYS...: cluster, activate and score what was extracted
from_features() {
  local out=$1
  shift
  mkdir -p "$out"
  ln "$work/$set/features.h5" "$work/$set/cams.h5" "$out"
  for stage in cluster activate score; do job $stage "configs/$set.ini" "$out" "$@"; done
}

for set in "${sets[@]}"; do
  case $set in
    msrc) folder=msrc-v2 model=msrc21-mnv2 results=msrc-full ;;
    coco167) folder=coco412-train model=coco20-mnv2 results=coco167 ;;
  esac
  data=(--set "data.root=$shared/data/$folder" --set "model.file=$shared/models/$model.onnx"
    --set "model.classes=$shared/models/$model.classes.txt")
  job extract "configs/$set.ini" "$work/$set"
  reference=(prototypes.choice=threshold prototypes.balance=no kmeans.starts=1)
  for seed in 0 1 2; do
    awk -F'\t' -v OFS='\t' -v s=$seed '$1 == s {print $2, $3, $4, $5, $6}' \
      "$shared/golden/results/$results-starts.tsv" >"$work/rows-$seed.tsv"
    from_features "$work/$set-rows-$seed" "${reference[@]}" kmeans.start=rows \
      "kmeans.rows=$work/rows-$seed.tsv" kmeans.stop=reference kmeans.max_iter=300
  done
  from_features "$work/$set-threshold" "${reference[@]}"
  from_features "$work/$set-weighted" prototypes.choice=weighted
  python3 tests/bench/fidelity.py "$set" "$work" "$shared/golden/results/$results.csv"
done
