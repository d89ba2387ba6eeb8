#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Photographs a second of build/release/lpcam extract with a ResNet-50, against
# whole scripts with PyTorch (Debian's) and ONNX Runtime that do the same.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/extract.sh [--setup] [--env DIR] [more]
  --setup        install what is missing: Debian's PyTorch, and a virtual
                 environment with ONNX Runtime in DIR
  --env DIR      models, virtual environment, outputs; default build/bench
  --m N          photographs, the first N by name; default 32
  --rounds N     runs of each contender; default 3
  --protocols s1 ms
                 s1: one scale, not mirrored (default); ms: four scales, each
                 mirrored too, 15 times the work: with a small N
  --only REGEX   contenders by name: lpcam lpcam-bf16 lpcam-two-ranks
                 torch-plain torch-frozen torch-channels-last torch-optimized
                 onnxruntime
LPCAM_SHARED (default ../shared) names the folder of the photographs
(data/coco412-train) and of the model's writer (models/mk_resnet50.py).
END
}

lacks() {
  echo "extract: $*" >&2
  exit 1
}

env=build/bench setup=no more=()
shared=${LPCAM_SHARED:-../shared}
while [ $# -gt 0 ]; do
  case $1 in
    --setup) setup=yes ;;
    --env)
      env=${2:?--env needs a folder}
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) more+=("$1") ;;
  esac
  shift
done
python=$env/venv/bin/python

if [ $setup = yes ]; then
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 install -y \
    --no-install-recommends python3-torch python3-venv python3-numpy python3-pil python3-h5py
  mkdir -p "$env"
  /usr/bin/python3 -m venv "$env/venv"
  "$python" -m pip install --quiet --disable-pip-version-check numpy pillow onnx onnxruntime
fi

[ -e "$shared/models/mk_resnet50.py" ] || lacks "no models/mk_resnet50.py in $shared: set LPCAM_SHARED"
/usr/bin/python3 -c 'import torch, PIL, h5py' || lacks "Debian's python3-torch, python3-pil or python3-h5py is missing: run with --setup"
"$python" -c 'import onnx, onnxruntime, PIL' || lacks "no ONNX Runtime in $env/venv: run with --setup"
[ -x build/release/lpcam ] || [[ " ${more[*]} " = *" --only "* ]] ||
  lacks "no build/release/lpcam: build the release preset first"

if [ ! -e "$env/weights.npz" ]; then
  "$python" "$shared/models/mk_resnet50.py" "$env/resnet50.onnx" 80
  "$python" $here/resnet50.py "$env/resnet50.onnx" "$env/feature.onnx" "$env/weights.npz"
fi
gcc -O3 -march=native -ffp-contract=fast -o "$env/fma_probe" $here/fma_probe.c $here/probe.c -lpthread

/usr/bin/python3 -c 'import torch; print("PyTorch", torch.__version__)'
"$python" -c 'import onnxruntime; print("ONNX Runtime", onnxruntime.__version__)'
exec /usr/bin/python3 -B $here/extract.py --env "$(realpath "$env")" \
  --shared "$(realpath "$shared")" --lpcam "$PWD/build/release/lpcam" "${more[@]}"
