#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lpcam fit: the classifiers of 80 classes beside scikit-learn on the same made-up
# features and cores; how the factorisation and the eigenvectors scale; and real
# photographs. Needs the release build.
# Ends with a line a target: bench NAME VALUE TARGET ok|short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/bench

usage() {
  cat <<END
usage: bash $here/fit.sh [--setup] [--env DIR] [--quick] [section...]
  --setup        install the newest scikit-learn with pip, into DIR
  --env DIR      environment and features (1.1 GB); default build/bench
  --quick        few images and features: whether all of it runs
sections, all by default:
  --solver       all classes on 2 ranks beside scikit-learn, lambda = 1
  --scaling      pdpotrf and pdsyevd by ranks, grids and blocks
  --photographs  fit_photographs.sh
LPCAM_BUILD (default build/release) names the build folder.
END
}

lacks() {
  echo "fit: $*" >&2
  exit 1
}

env=build/bench setup=no quick=no sections=()
while [ $# -gt 0 ]; do
  case $1 in
    --setup) setup=yes ;;
    --env)
      env=${2:?--env needs a folder}
      shift
      ;;
    --quick) quick=yes ;;
    --solver | --scaling | --photographs) sections+=("${1#--}") ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) lacks "unknown: $1 (--help)" ;;
  esac
  shift
done
[ ${#sections[@]} -gt 0 ] || sections=(solver scaling photographs)
build=${LPCAM_BUILD:-build/release}
python=$env/fit-venv/bin/python
if [ $setup = yes ]; then
  mkdir -p "$env"
  /usr/bin/python3 -m venv "$env/fit-venv"
  "$python" -m pip install --quiet --disable-pip-version-check --upgrade scikit-learn
fi
[ -f "$build/CMakeCache.txt" ] || lacks "no $build: configure the release preset first"
cmake --build "$build" --target fit_bench >/dev/null

# OpenBLAS chooses its kernels by the processor, here and in the peer
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
cores=$(nproc)
ranks=$((cores < 2 ? cores : 2))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bench() { # ranks arguments...
  local n=$1 idle=0
  shift
  [ "$n" -le "$cores" ] || idle=1
  OMPI_MCA_mpi_yield_when_idle=$idle timeout -k 5 300 mpirun -n "$n" "$build/tests/fit_bench" "$@"
}

solver() {
  local n=82081 d widths=(1280 2048) solvers=(newton-cholesky lbfgs)
  [ $quick = no ] || n=8000 widths=(64 96)
  [ -x "$python" ] || lacks "no scikit-learn in $env: run with --setup"
  mkdir -p "$env"
  for d in "${widths[@]}"; do
    echo "== $n images, $d features, 80 classes, lambda 1, $ranks ranks =="
    "$python" -B $here/fit_data.py "$env" $n "$d"
    bench $ranks gram $n "$d"
    bench $ranks fit "$env" $n "$d" 80 1 bound
    OMP_NUM_THREADS=$ranks OPENBLAS_NUM_THREADS=$ranks timeout -k 5 400 \
      "$python" -B $here/fit_peer.py "$env" $n "$d" 1 "${solvers[@]}"
    solvers=(newton-cholesky) # the faster one at the first width
  done | tee "$work/solver"
  rm -f "$env"/{x.f32,y.u8,ours.f64}
  awk '
    { for (i = 1; i < NF; ++i) value[$i] = $(i + 1) }
    $1 == "fit" { ours[value["d"]] = value["seconds"]; done[value["d"]] = $0 ~ /converged 80 of 80/ }
    $1 == "peer" {
      d = value["d"]
      sum[d] += value["newton-cholesky"] < value["lbfgs"] ? value["newton-cholesky"] : value["lbfgs"]
      ++n[d]
      if (value["apart"] > apart) apart = value["apart"]
    }
    END {
      for (d in ours) {
        peer = 80 * sum[d] / n[d]
        printf "d %d: ours %.1f s for 80 classes; scikit-learn %.0f s, from the mean of its %d classes times 80\n", d, ours[d], peer, n[d]
        ratio = done[d] ? peer / ours[d] : 0
        last = last sprintf("bench fit.times_scikit_learn_d%d %.1f 10 %s\n", d, ratio, ratio >= 10 ? "ok" : "short")
      }
      printf "coefficients differ from scikit-learn by %.2g of the largest at most\n", apart
      ratio = 1e-6 / apart
      printf "%sbench fit.coefficients_1e-6_over_difference %.1f 1 %s\n", last, ratio, (ratio >= 1 ? "ok" : "short")
    }' "$work/solver" >>"$work/end"
}

scaling() {
  local d=2048 e=1280 n
  [ $quick = no ] || d=256 e=128
  echo "== pdpotrf of $d x $d: the best of 5; peak: double-precision multiply-adds of the ranks' cores =="
  for n in 1 2 4; do bench $n factor $d; done | tee "$work/factor"
  echo "== pdsyevd of $e x $e: all eigenvectors, once =="
  for n in 1 2 4; do bench $n eigen $e; done
  awk -v ranks=$ranks '
    { for (i = 1; i < NF; ++i) value[$i] = $(i + 1) }
    value["ranks"] == ranks && value["share"] > best { best = value["share"]; what = $0 }
    END {
      print "best on " ranks " ranks: " what
      printf "bench fit.pdpotrf_share_of_peak %.2f 0.60 %s\n", best, (best >= 0.6 ? "ok" : "short")
    }' "$work/factor" >>"$work/end"
}

photographs() {
  bash $here/fit_photographs.sh
}

for section in "${sections[@]}"; do $section; done
[ ! -f "$work/end" ] || { grep -v '^bench ' "$work/end"; grep '^bench ' "$work/end"; }
