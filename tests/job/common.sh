# What the job tests share; sourced. Needs LPCAM, the program.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

# ranks N JOB ARGS...: the program on N ranks, output in $work/log
ranks() {
    local n=$1
    shift
    timeout -k 5 "${limit:-300}" mpirun --oversubscribe --bind-to none -n "$n" \
        "$LPCAM" "$@" >"$work/log" 2>&1
}

# The same, and the test fails with the log when the program does.
must() {
    ranks "$@" || { echo "failed ($?): lpcam $*"; tail -n 40 "$work/log"; exit 1; }
}

# refused CODE TEXT N JOB ARGS...: exit code CODE and TEXT on one line
refused() {
    local want=$1 text=$2 got=0
    shift 2
    ranks "$@" || got=$?
    if [ "$got" -ne "$want" ]; then
        echo "exit code $got, not $want: lpcam $*"; cat "$work/log"; exit 1
    fi
    if ! grep -qF -- "$text" "$work/log"; then
        echo "no \"$text\" in the output of: lpcam $*"; cat "$work/log"; exit 1
    fi
}

same() {
    local name
    for name in cams features prototypes maps; do
        "$python" tests/job/same_bits.py "$1/$name.h5" "$2/$name.h5"
    done
}

# need_python MODULE...: $python becomes one that has them all, or the test is
# skipped. tests/run.sh puts what Debian does not have into build/python.
need_python() {
    local modules
    modules=$(IFS=,; echo "$*")
    for python in "$root/build/python/bin/python" /usr/bin/python3; do
        ! "$python" -c "import $modules" 2>/dev/null || return 0
    done
    echo "skipped: no Python here has $modules (PyPI; tests/run.sh installs them)"
    exit 77
}

need_h5py() {
    if ! "$python" -c 'import h5py' 2>/dev/null; then
        echo "skipped: needs h5py (Debian package python3-h5py)"
        exit 77
    fi
}
