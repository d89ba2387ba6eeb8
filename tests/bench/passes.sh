#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One pass of the network and principal components against two passes and all
# channels. Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/passes.sh [--setup] [--env DIR] [--passes] [--dims] [--m N]
  --setup    install what is missing: a virtual environment with onnx in DIR
  --env DIR  model, virtual environment, outputs; default build/bench
  --passes   whole jobs with a ResNet-50, run.passes = 2 against 1 with
             features.dims = 256; maps against their bound; mIoU on MSRC-v2 and
             COCO photographs with MobileNetV2, over 20 values of kmeans.seed
  --dims     features.dims = 256 alone against all channels: clustering (five
             starts) and features.h5 of the same two sets and of a ResNet-50
             (2 N photographs at scale 1)
  --m N      photographs of the ResNet-50; default 32
Without --passes or --dims: all. LPCAM_SHARED (default ../shared) names the
folder of photographs, models and the model's writer (models/mk_resnet50.py).
END
}

lacks() {
  echo "passes: $*" >&2
  exit 1
}

env=build/bench setup=no m=32 sections=()
shared=$(realpath "${LPCAM_SHARED:-../shared}")
lpcam=${LPCAM:-build/release/lpcam}
while [ $# -gt 0 ]; do
  case $1 in
    --setup) setup=yes ;;
    --passes | --dims) sections+=("${1#--}") ;;
    --env | --m)
      declare "${1#--}=${2:?$1 needs a value}"
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
[ ${#sections[@]} -gt 0 ] || sections=(passes dims)

if [ $setup = yes ]; then
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 install -y \
    --no-install-recommends python3-venv python3-numpy python3-h5py
  mkdir -p "$env"
  /usr/bin/python3 -m venv "$env/venv"
  "$env/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy onnx
fi
[ -e "$shared/models/mk_resnet50.py" ] || lacks "no models/mk_resnet50.py in $shared: set LPCAM_SHARED"
[ -x "$lpcam" ] || lacks "no $lpcam: build the release preset first"
/usr/bin/python3 -c 'import h5py' || lacks "Debian's python3-h5py is missing: run with --setup"
if [ ! -e "$env/resnet50.onnx" ]; then
  "$env/venv/bin/python" -c 'import onnx' || lacks "no onnx in $env/venv: run with --setup"
  "$env/venv/bin/python" "$shared/models/mk_resnet50.py" "$env/resnet50.onnx" 80
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
one=(--set run.passes=1 --set features.dims=256)

# job NAME OUT ARG...: one job on all cores; its seconds in $seconds
job() {
  local name=$1 out=$2 begin=$EPOCHREALTIME
  shift 2
  timeout -k 5 3000 mpirun -n "$(nproc)" "$lpcam" "$name" "$@" --set run.out="$out" >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log" && exit 1; }
  seconds=$(awk "BEGIN {print $EPOCHREALTIME - $begin}")
}

# The lines of a job that say what was lost.
told() {
  sed -En 's/^\[[^]]*\] ((basis|activate|plan, one pass): .*)/\1/p' "$work/log" | grep -v 'busy max'
}

# set_of NAME: the arguments for a set of photographs with its MobileNetV2
set_of() {
  case $1 in
    msrc) folder=msrc-v2 model=msrc21-mnv2 ;;
    coco167) folder=coco412-train model=coco20-mnv2 ;;
  esac
  data=("configs/$1.ini" --set "data.root=$shared/data/$folder" --set "model.file=$shared/models/$model.onnx"
    --set "model.classes=$shared/models/$model.classes.txt")
}

# again SEED NAME ARG...: cluster, activate and score of $work/NAME with other
# start rows; its score.json in $work/seeds/NAME
again() {
  local seed=$1 name=$2 stage
  shift 2
  rm -f "$work/$name"/{prototypes,maps}.h5
  for stage in cluster activate score; do
    job $stage "$work/$name" "$@" --set kmeans.seed="$seed"
  done
  mkdir -p "$work/seeds/$name"
  cp "$work/$name/score.json" "$work/seeds/$name/score_$seed.json"
}

# seeds SET: one pass, all channels against components, over 20 seeds of the
# clustering: one start alone moves the mIoU by half a point.
seeds() {
  local seed
  job extract "$work/full" "${data[@]}" --set run.passes=1
  job extract "$work/one" "${data[@]}" "${one[@]}"
  for seed in {1..20}; do
    again $seed full "${data[@]}" --set run.passes=1
    again $seed one "${data[@]}" "${one[@]}"
  done
  /usr/bin/python3 $here/passes.py miou "passes.$1" "$work/seeds/full" "$work/seeds/one"
  rm -rf "$work"/{full,one,seeds}
}

measure_passes() {
  cat >"$work/resnet50.ini" <<END
[data]
root = $shared/data/coco412-train
list = $work/list.txt
[model]
file = $env/resnet50.onnx
[features]
keep = yes
END
  sort "$shared/data/coco412-train/labels.txt" | awk '/^[^#]/ && NF > 1 {print $1}' | awk "NR <= $m" >"$work/list.txt"
  job run "$work/two" "$work/resnet50.ini"
  local two=$seconds
  job run "$work/one" "$work/resnet50.ini" "${one[@]}"
  local once=$seconds
  told
  sed -n '/where the time went/,$p' "$work/log"
  head -n 4 "$work/list.txt" >"$work/few.txt"
  mkdir "$work/again"
  ln "$work/one/prototypes.h5" "$work/again"
  job activate "$work/again" "$work/resnet50.ini" "${one[@]}" --set run.passes=2 --set data.list="$work/few.txt"
  echo "ResNet-50, $m photographs at four scales, mirrored too: $two s with two passes, $once s with one and 256 components"
  /usr/bin/python3 $here/passes.py ratio passes.whole_job "$two" "$once" 1.7
  /usr/bin/python3 $here/passes.py bound passes.resnet50 "$work/again/maps.h5" "$work/one/maps.h5"
  rm -rf "$work"/{two,one,again}
  for set in msrc coco167; do
    set_of $set
    job run "$work/two" "${data[@]}"
    job run "$work/one" "${data[@]}" "${one[@]}"
    told
    /usr/bin/python3 $here/passes.py points "two passes and one, $set" "$work/two" "$work/one"
    rm -rf "$work"/{two,one}
    seeds $set
  done
}

least() {
  printf '%s\n' "$@" | sort -g | head -n 1
}

# compare_dims NAME TARGET SECONDS SECONDS: of all channels and of components
compare_dims() {
  local name=$1 target=$2 all part
  all=$(stat -c %s "$work/all/features.h5") part=$(stat -c %s "$work/part/features.h5")
  echo "$name: features.h5 $((all >> 10)) and $((part >> 10)) KiB"
  /usr/bin/python3 $here/passes.py ratio "dims.$name.cluster" "$3" "$4" "$target"
  /usr/bin/python3 $here/passes.py ratio "dims.$name.features" "$all" "$part" "$target"
}

# clustering_s LOG: seconds of the slowest rank in the phase of clustering
clustering_s() {
  awk '$1 == "cluster" && NF == 5 {print $4}' "$1"
}

# dims NAME TARGET ARG...: all channels in $work/all against components in
# $work/part, both extracted: the least of three turns
dims() {
  local name=$1 target=$2 turn all=() part=()
  shift 2
  for turn in 1 2 3; do
    rm -f "$work"/{all,part}/prototypes.h5
    job cluster "$work/all" "$@" --set kmeans.starts=5
    all+=("$(clustering_s "$work/log")")
    job cluster "$work/part" "$@" --set kmeans.starts=5 --set features.dims=256
    part+=("$(clustering_s "$work/log")")
  done
  echo "$name: clustering, five starts: all channels ${all[*]} s, 256 components ${part[*]} s"
  compare_dims "$name" "$target" "$(least "${all[@]}")" "$(least "${part[@]}")"
  rm -rf "$work"/{all,part}
}

measure_dims() {
  local set plain
  for set in msrc coco167; do
    set_of $set
    job extract "$work/all" "${data[@]}"
    job extract "$work/part" "${data[@]}" --set features.dims=256
    told
    dims $set 4 "${data[@]}"
  done
  sort "$shared/data/coco412-train/labels.txt" | awk '/^[^#]/ && NF > 1 {print $1}' | awk "NR <= 2 * $m" >"$work/list.txt"
  printf '[data]\nroot = %s\nlist = %s\n[model]\nfile = %s\n' "$shared/data/coco412-train" "$work/list.txt" \
    "$env/resnet50.onnx" >"$work/resnet50.ini"
  plain=("$work/resnet50.ini" --set cam.scales=1 --set cam.flip=no)
  job extract "$work/all" "${plain[@]}"
  job extract "$work/part" "${plain[@]}" --set features.dims=256
  told
  dims resnet50 7 "${plain[@]}"
}

for section in "${sections[@]}"; do "measure_$section"; done
