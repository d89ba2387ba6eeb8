#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prepares a Debian 12 machine for building, running and testing lpcam: Debian's
# packages, and OpenVINO from its pinned Python wheel. What is there already is
# left alone, so that a second run needs no network and no rights.
set -euo pipefail

openvino_version=2026.4.1
wheel_sha256=2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf

build_packages=(gcc libc6-dev make cmake git pkg-config openmpi-bin libopenmpi-dev
  libscalapack-openmpi-dev libopenblas-serial-dev libhdf5-openmpi-dev
  libjpeg62-turbo-dev libpng-dev libinih-dev libexpat1-dev libyajl-dev nettle-dev)
test_packages=(libcmocka-dev python3-venv python3-numpy python3-h5py python3-pil mandoc elfutils)
browser_packages=(chromium-headless-shell)
slurm_packages=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge)
fetch_packages=(python3 python3-pip) # only to fetch and unpack the wheel

usage() {
  cat <<END
usage: slurm/install.sh [--prefix DIR] [--without-tests] [--with-slurm] [--with-browser] [--dry-run]

  --prefix DIR      where OpenVINO goes; default \${XDG_DATA_HOME:-~/.local/share}/lpcam,
                    where the build looks by itself
  --without-tests   leave out what only the tests need: cmocka, mandoc, and
                    Python's numpy, h5py and Pillow (build with -DLPCAM_TESTS=OFF)
  --with-slurm      also Slurm's daemons, which tests/slurm starts for itself alone
  --with-browser    also a headless Chromium (98 MB, 0.3 GB on the disk), in
                    which tests look at the gallery
  --dry-run         say what would be installed, and stop

An OpenVINO that is there already is used when OpenVINO_DIR names the folder of
its OpenVINOConfig.cmake. Debian's packages need root; OpenVINO does not.
END
}

say() { echo "install: $*"; }
fail() {
  echo "install: $*" >&2
  exit 1
}

prefix=${XDG_DATA_HOME:-${HOME:?}/.local/share}/lpcam
tests=yes slurm=no browser=no dry_run=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      prefix=$(realpath -m -- "${2:?--prefix needs a folder}")
      shift
      ;;
    --without-tests) tests=no ;;
    --with-slurm) slurm=yes ;;
    --with-browser) browser=yes ;;
    --dry-run) dry_run=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
openvino=$prefix/openvino-$openvino_version
config=$openvino/openvino/cmake

# --- what is missing
fetch_openvino=yes
if [ -n "${OpenVINO_DIR:-}" ]; then
  [ -e "$OpenVINO_DIR/OpenVINOConfig.cmake" ] ||
    fail "no OpenVINOConfig.cmake in $OpenVINO_DIR: correct OpenVINO_DIR or unset it"
  config=$OpenVINO_DIR fetch_openvino=no
elif [ -e "$config/OpenVINOConfig.cmake" ]; then
  fetch_openvino=no
fi

wanted=("${build_packages[@]}")
[ $tests = no ] || wanted+=("${test_packages[@]}")
[ $slurm = no ] || wanted+=("${slurm_packages[@]}")
[ $browser = no ] || wanted+=("${browser_packages[@]}")
if [ $fetch_openvino = yes ] && ! python3 -m pip --version >/dev/null 2>&1; then
  wanted+=("${fetch_packages[@]}")
fi
missing=()
if command -v apt-get >/dev/null; then
  for package in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
else
  say "no apt-get here: what these Debian packages hold must come from elsewhere:" "${wanted[@]}"
fi

# --- say it, then do it
[ ${#missing[@]} = 0 ] || say "Debian packages to install:" "${missing[@]}"
[ $fetch_openvino = no ] || say "OpenVINO $openvino_version (59 MB) to put into $openvino"
if [ ${#missing[@]} = 0 ] && [ $fetch_openvino = no ]; then
  say "everything is there; OpenVINO: $config"
  exit 0
fi
[ $dry_run = no ] || exit 0

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 "$@"
}
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || fail "installing packages needs root; run this, then slurm/install.sh again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  apt update || say "the package lists could not be renewed: trying with the old ones"
  apt install -y --no-install-recommends "${missing[@]}"
fi

# Any pip will do: the wheel's tags are given, and nothing of it is run here. It
# gets its name only when it is whole. The hash picks the wheel and checks it.
if [ $fetch_openvino = yes ]; then
  mkdir -p "$prefix"
  part=$(mktemp -d "$prefix/.openvino-XXXXXX")
  trap 'rm -rf "$part"' EXIT
  echo "openvino==$openvino_version --hash=sha256:$wheel_sha256" >"$part/wanted"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
    --require-hashes --requirement "$part/wanted" --dest "$part" ||
    fail "OpenVINO could not be fetched. Without a network: put its wheel (cp311, manylinux_2_28_x86_64)
  into a folder and run: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER slurm/install.sh"
  python3 -m zipfile -e "$part"/openvino-*.whl "$part/tree"
  chmod -R u=rwX,go=rX "$part/tree"
  mv -T "$part/tree" "$openvino" 2>/dev/null || [ -e "$config/OpenVINOConfig.cmake" ] ||
    fail "$openvino is in the way: remove it and run slurm/install.sh again"
fi

say "done; OpenVINO: $config"
if [ "$config" != "${XDG_DATA_HOME:-$HOME/.local/share}/lpcam/openvino-$openvino_version/openvino/cmake" ]; then
  say "before building: export OpenVINO_DIR=$config"
fi
