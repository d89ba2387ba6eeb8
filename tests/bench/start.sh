#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How good the clusters are, and after how many iterations: kmeans.start = hash
# and plusplus beside scikit-learn's best of ten starts (vectors divided by their
# length) on the features of real photographs.
# usage: tests/bench/start.sh [msrc] [coco167]         (after the release build)
# LPCAM_SHARED: the folder of photographs and models. LPCAM_BUILD: the build folder
# (build/release), or LPCAM: the program. WORK: a folder to keep the
# features and scikit-learn's part in, so that another run need not make them.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$(realpath "${LPCAM_SHARED:-../shared}")
build=${LPCAM_BUILD:-build/release}
lpcam=${LPCAM:-$build/lpcam}
[ -n "${LPCAM:-}" ] || cmake --build "$build" --target lpcam >/dev/null
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
/usr/bin/python3 -c 'import sklearn, h5py' ||
  { echo "start: Debian's python3-sklearn or python3-h5py is missing" >&2; exit 1; }

# job NAME OUT KEYS...: one job of the program on all cores
job() {
  local name=$1 out=$2 key set=()
  shift 2
  for key; do set+=(--set "$key"); done
  timeout -k 5 3000 mpirun -n "$(nproc)" "$lpcam" "$name" "configs/$config.ini" "${data[@]}" \
    --set run.out="$out" "${set[@]}" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
}

for config in "${@:-msrc}"; do
  case $config in
    msrc) folder=msrc-v2 model=msrc21-mnv2 ;;
    coco167) folder=coco412-train model=coco20-mnv2 ;;
  esac
  data=(--set "data.root=$shared/data/$folder" --set "model.file=$shared/models/$model.onnx"
    --set "model.classes=$shared/models/$model.classes.txt" --set features.keep=yes)
  job extract "$work/$config"
  runs=()
  for start in hash plusplus; do
    mkdir -p "$work/$config-$start"
    ln -f "$work/$config/"{features,cams}.h5 "$work/$config-$start"
    rm -f "$work/$config-$start/prototypes.h5"
    job cluster "$work/$config-$start" kmeans.start=$start kmeans.starts=1
    echo "$config $start: $(grep -E '^(cluster|kmeans) ' "$work/log" | tr -s ' ')"
    runs+=("$start=$work/$config-$start/prototypes.h5")
  done
  /usr/bin/python3 -B tests/bench/start.py "$work/$config/features.h5" "$work/$config-peer" "${runs[@]}"
done
