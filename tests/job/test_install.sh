#!/usr/bin/env bash
# cmake --install into a folder of its own; the program there runs the sample
# with the configuration there, and needs nothing of the environment.
. "$(dirname "$0")/common.sh"
prefix=$work/prefix
cmake --install "$(dirname "$LPCAM")" --prefix "$prefix" >"$work/log" || { cat "$work/log"; exit 1; }
share=$prefix/share/lpcam
for file in bin/lpcam share/man/man1/lpcam.1 share/bash-completion/completions/lpcam share/doc/lpcam/README.md; do
    [ -s "$prefix/$file" ] || { echo "$file is not installed"; exit 1; }
done
diff <(cd configs && ls) <(cd "$share/configs" && ls)
diff <(cd slurm && ls -- *.sbatch common.sh submit.sh) <(cd "$share/slurm" && ls)
[ -x "$share/slurm/submit.sh" ]

# the sbatch files find the program
found=$(env -u LPCAM bash -c ". '$share/slurm/common.sh' && echo \"\$program\"")
[ "$(realpath "$found")" = "$(realpath "$prefix/bin/lpcam")" ]

LPCAM=$prefix/bin/lpcam
unset LD_LIBRARY_PATH OpenVINO_DIR
must 2 run "$share/configs/scenes.ini" --set run.out="$work/out"
must 1 check "$work/out/maps.h5"
"$LPCAM" --version | grep -q OpenVINO
echo "installed, and runs"
