#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every check: formatting, the unit, mpi, golden and fuzz tests under the address and
# undefined-behaviour sanitizers, then all tests of the release build.
# usage: tests/run.sh [arguments of ctest, such as -R kmeans]
# LPCAM_SHARED names the folder of the golden outputs, models and photographs.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n[%4d s] %s\n' "$SECONDS" "$*"; }

# A rank that was killed leaves its shared-memory file behind.
remove_stale_segments() {
  local file
  find /dev/shm -maxdepth 1 -name 'vader_segment.*' -user "$(id -u)" -mmin +1 2>/dev/null |
    while read -r file; do
      grep -qsF "$file" /proc/[0-9]*/maps || rm -f "$file"
    done
}

# What tests read our files with, besides Debian's packages; a test whose module
# is missing is skipped and says so.
python_modules=(numpy h5py pillow onnx onnxruntime pycocotools)
install_python() {
  build/python/bin/python -c 'import h5py, onnx, onnxruntime, PIL, pycocotools' 2>/dev/null && return
  python3 -m venv build/python &&
    build/python/bin/python -m pip install --quiet --disable-pip-version-check "${python_modules[@]}"
}

check_format() {
  if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    find include src jobs tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
  else
    echo "not checked: there is no clang-format 14 here"
  fi
}

build() { # preset
  local options=(-DLPCAM_TESTS=ON -DLPCAM_WERROR=ON)
  [ -z "${LPCAM_SHARED:-}" ] || options+=("-DLPCAM_SHARED=$(realpath "$LPCAM_SHARED")")
  cmake --preset "$1" --log-level=WARNING "${options[@]}"
  cmake --build --preset "$1" --parallel "$(nproc)"
}

step "set-up"
slurm/install.sh
slurm/install.sh --with-slurm || echo "Slurm cannot be installed here: its tests will be left out"
install_python || echo "Python's ${python_modules[*]} cannot be installed here: tests that read with them will be left out"
slurm/install.sh --with-browser || echo "Chromium cannot be installed here: no test will look at the gallery"
remove_stale_segments

step "formatting"
check_format

step "sanitizers: build"
build asan
step "sanitizers: unit, mpi, golden and fuzz tests"
ctest --preset asan --parallel "$(nproc)" -L '^(unit|mpi|golden|fuzz)$' "$@" --no-tests=ignore

step "release: build"
build release
step "release: all tests"
ctest --preset release --parallel "$(nproc)" "$@"
