#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One iteration of clustering by build/release against public k-means code on
# the same rows, in turns, and against what the machine can do at best.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/kmeans.sh [--setup] [--env DIR] [more]
  --setup        install what is missing: Debian's PyTorch, scikit-learn and
                 faiss; with pip, into DIR, the newest scikit-learn, faiss,
                 oneDAL and kmeans_pytorch 0.3
  --env DIR      environment and rows (1.6 GB); default build/bench
  --n N          rows; default 200000
  --rounds N     of all contenders in turn; default 3
  --only REGEX   peers by name: scikit-learn-debian scikit-learn faiss-debian
                 faiss torch-debian numpy oneDAL sklearnex
                 kmeans_pytorch
  --all          every peer in every round, not only those that are within
                 half as much again of the best one
  --quick        20000 rows, one round: whether all of it runs
LPCAM_SHARED (default ../shared) names the folder of the photographs and the
classifier for all problems at once (data/coco412-train, models/coco20-mnv2.onnx);
without it that part is left out.
END
}

lacks() {
  echo "kmeans: $*" >&2
  exit 1
}

env=build/bench setup=no more=()
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
build=${LPCAM_BUILD:-build/release}
venv=$env/kmeans-venv

if [ $setup = yes ]; then
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 install -y \
    --no-install-recommends python3-numpy python3-sklearn python3-faiss \
    python3-torch python3-tqdm python3-h5py python3-venv
  mkdir -p "$env"
  # OpenBLAS with threads for Debian's peers, without making it everybody's
  rm -f "$env"/libopenblas0-pthread_*.deb
  (cd "$env" && apt-get -q download libopenblas0-pthread &&
    dpkg-deb -x libopenblas0-pthread_*.deb openblas)
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade \
    numpy scikit-learn scikit-learn-intelex faiss-cpu
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --upgrade --target "$env/kmeans_pytorch" kmeans-pytorch==0.3
fi

/usr/bin/python3 -c 'import sklearn, faiss, torch, tqdm, h5py' ||
  lacks "a Debian package is missing: run with --setup"
"$venv/bin/python" -c 'import sklearn, faiss' || lacks "no peers in $venv: run with --setup"
[ -d "$env/openblas" ] && [ -d "$env/kmeans_pytorch" ] ||
  lacks "no OpenBLAS with threads or no kmeans_pytorch in $env: run with --setup"
[ -e build/release/lpcam ] || [ -n "${LPCAM_BUILD:-}" ] ||
  lacks "no build/release: build the release preset first"
cmake --build "$build" --target kmeans_bench lpcam >/dev/null
gcc -O3 -march=native -ffp-contract=fast -shared -fPIC -o "$env/probe.so" $here/probe.c -lpthread

shared=${LPCAM_SHARED:-../shared}
exec /usr/bin/python3 -B $here/kmeans.py --env "$(realpath "$env")" \
  --build "$(realpath "$build")" --shared "$(realpath -m "$shared")" "${more[@]}"
