#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# 54 kills at random moments of the three stages; see kills.py.
. "$(dirname "$0")/../job/common.sh"
need_h5py
"$python" -B tests/fault/kills.py "$work" "$@"
