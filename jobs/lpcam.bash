# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion of lpcam in bash: jobs, options, keys of --set, and files. Installed
# as share/bash-completion/completions/lpcam; or: . jobs/lpcam.bash

# The keys as section.key=, asked of the program once a shell.
_lpcam_keys() {
  if [ -z "${_lpcam_known:-}" ]; then
    _lpcam_known=$("$1" keys 2>/dev/null | awk '
      /^\[/ {section = substr($0, 2, index($0, "]") - 2)}
      /^[a-z_0-9]+ *=/ {sub(/ *=.*/, ""); print section "." $0 "="}')
  fi
  echo "$_lpcam_known"
}

_lpcam_sections() {
  "$1" keys 2>/dev/null | sed -n 's/^\[\(.*\)\]$/\1/p'
}

# Words that begin as the one at hand, and no space behind a key.
_lpcam_words() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$2")
}

_lpcam_files() { # PATTERN WORD: files of the pattern, and folders
  local name
  COMPREPLY=()
  while IFS= read -r name; do
    if [ -d "$name" ]; then
      COMPREPLY+=("$name/")
    elif [[ $name =~ $1 ]]; then
      COMPREPLY+=("$name")
    fi
  done < <(compgen -f -- "$2")
  compopt -o filenames 2>/dev/null
}

_lpcam() {
  local program=$1 word=$2 job=${COMP_WORDS[1]:-} last=${COMP_WORDS[COMP_CWORD - 1]}
  local jobs="run fit extract cluster activate score export plan check"
  local options="--set --dry-run --quiet --json-log -v --help --help=keys"
  if [ "$COMP_CWORD" = 1 ]; then
    _lpcam_words "$jobs keys --help --version" "$word"
  elif [ "$job" = keys ]; then
    _lpcam_words "$(_lpcam_sections "$program")" "$word"
  elif [ "$word" = = ] || [ "$last" = = ]; then # readline ends words at a =
    _lpcam_files . "${word#=}"
  elif [ "$last" = --set ]; then
    _lpcam_words "$(_lpcam_keys "$program")" "$word"
    compopt -o nospace 2>/dev/null
  elif [[ $word = -* ]]; then
    [ "$job" != plan ] || options+=" --nodes"
    [ "$job" != export ] || options+=" --gallery"
    _lpcam_words "$options" "$word"
  elif [ "$job" = check ]; then
    _lpcam_files '\.(ini|onnx|h5|partial)$' "$word"
  else
    _lpcam_files '\.ini$' "$word"
  fi
}

complete -F _lpcam lpcam
