#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Submits the stages as a chain of jobs, each of which starts when the one
# before has done its work, and prints their ids. The same command again goes
# on where the last chain ended: stages that are done end at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stages=(extract cluster activate score)

usage() {
  cat <<END
usage: slurm/submit.sh [--OPTION=VALUE of sbatch]... CONFIG [--set section.key=value]...

  slurm/submit.sh --partition=short --nodes=16 --time=04:00:00 configs/voc12.ini
  slurm/submit.sh --array=1-3 LIST    for each of these lines of LIST, a configuration
                                      and the values that are its own:
                                      configs/voc12.ini --set run.out=out/a
END
}

options=() rule=afterok
while [[ ${1:-} == -* ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --array=*) rule=aftercorr ;; # each line's stages follow each other
    --*=* | --exclusive | --oversubscribe | --hold) ;;
    *)
      echo "submit: write $1 as --OPTION=VALUE" >&2
      exit 2
      ;;
  esac
  options+=("$1")
  shift
done
[ $# -gt 0 ] || { usage >&2 && exit 2; }
[ -r "$1" ] || { echo "submit: cannot read $1" >&2 && exit 2; }
# shellcheck source=/dev/null
[ ! -e "$here/site.sh" ] || . "$here/site.sh"

ids=() after=()
for stage in "${stages[@]}"; do
  id=$(sbatch --parsable "${options[@]}" "${after[@]}" --kill-on-invalid-dep=yes "$here/$stage.sbatch" "$@") || {
    [ ${#ids[@]} = 0 ] || scancel "${ids[@]}"
    echo "submit: $stage was not accepted; no job of the chain is left" >&2
    exit 1
  }
  ids+=("${id%%;*}") # Slurm may add the cluster's name
  after=(--dependency="$rule:${ids[-1]}")
  printf '%-9s %s\n' "$stage" "${ids[-1]}"
done
