#!/usr/bin/env bash
# Help that fits a screen, the manual and completion that say the same, colours on
# a terminal only, a quiet log and a log of JSON.
. "$(dirname "$0")/common.sh"
fail() {
    echo "$*"
    exit 1
}
same_words() { # WHAT HAVE WANT
    diff <(tr -s ' ' '\n' <<<"$2" | sort) <(tr -s ' ' '\n' <<<"$3" | sort) || fail "$1"
}

# --- help
"$LPCAM" --help >"$work/help"
jobs=$(sed -n '/^Jobs:/,/^$/s/^    \([a-z]*\) .*/\1/p' "$work/help" | xargs)
[[ " $jobs " = *" run "*" check "* ]] || fail "no jobs in the help"
"$LPCAM" keys >"$work/keys"
cmp "$work/keys" configs/reference.ini
"$LPCAM" run --help=keys | cmp - configs/reference.ini
keys=$(awk '/^\[/ {s = substr($0, 2, index($0, "]") - 2)} /^[a-z_0-9]+ *=/ {print s "." $1}' configs/reference.ini | xargs)
cat "$work/help" >"$work/all_help"
options=
for job in $jobs; do
    "$LPCAM" "$job" --help >"$work/job"
    [ "$(wc -l <"$work/job")" -le 24 ] || fail "the help of $job is longer than a screen"
    grep -qE "^    (mpirun -n [0-9]+ )?lpcam $job " "$work/job" || fail "no example of $job"
    for key in $(sed -n '/^keys/,/^$/p' "$work/job" | sed 's/^keys//'); do
        [[ " $keys " = *" $key "* ]] || fail "$job --help names $key, which is no key"
    done
    options+=" $(sed -nE 's/^  (-[^ ]+) .*/\1/p' "$work/job" | xargs)"
    cat "$work/job" >>"$work/all_help"
done
options=$(xargs -n 1 <<<"$options" | sort -u | xargs)
[ "$(wc -l <"$work/help")" -le 24 ] || fail "the help is longer than a screen"
! grep -E '.{81}' "$work/all_help" || fail "wider than a screen"

[ "$("$LPCAM" keys cam)" = "$(sed -n '/^\[cam\]/,/^$/{/./p}' configs/reference.ini)" ] || fail "keys cam"
misused() { # TEXT ARGS...: exit code 2 and TEXT
    local text=$1 code=0
    shift
    "$LPCAM" "$@" >"$work/log" 2>&1 || code=$?
    [ "$code" = 2 ] || fail "exit code $code, not 2: lpcam $*"
    grep -q -- "$text" "$work/log" || fail "no \"$text\": lpcam $*"
}
misused "nearest: cam" keys cham
misused "unknown option --quite" run --quite x.ini
misused "unknown option --nodes" run --nodes 2 x.ini
misused "unknown option --nodes" run x.ini --nodes
misused "--set needs a value" run x.ini --set
misused "--gallery needs a value" export x.ini --gallery
misused "--nodes needs a value" plan x.ini --nodes
misused "lpcam score --help" score

# --- manual: every job and option, and no others
same_words "the jobs of the manual" "$(sed -n 's/^\.It Cm //p' jobs/lpcam.1 | xargs)" "$jobs"
same_words "the options of the manual" \
    "$(sed -n 's/^\.It Fl //p' jobs/lpcam.1 | sed 's/ Ns = Ns Cm /=/' | awk '{print "-" $1}' | sort -u | xargs)" \
    "$options --help --version"
for lint in "mandoc -T lint -W warning" "groff -Tutf8 -mdoc -ww -z"; do
    if command -v "${lint%% *}" >/dev/null; then
        $lint jobs/lpcam.1 >"$work/log" 2>&1 || true
        [ ! -s "$work/log" ] || fail "$lint: $(cat "$work/log")"
    else
        echo "left out: there is no ${lint%% *} here"
    fi
done

# --- completion
complete_line() { # WORD...: what the last of them, perhaps empty, may become
    bash -c '. jobs/lpcam.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _lpcam "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}"' bash "$LPCAM" "$@"
}
same_words "jobs" "$(complete_line '')" "$jobs keys --help --version"
same_words "a job" "$(complete_line ex)" "extract export"
others=${options/ --gallery/}
same_words "options of plan" "$(complete_line plan -)" "$others --help"
same_words "options of export" "$(complete_line export -)" "${options/ --nodes/} --help"
same_words "options of run" "$(complete_line run -)" "${others/ --nodes/} --help"
same_words "keys" "$(complete_line run c.ini --set '')" "${keys// /= }="
same_words "a key" "$(complete_line run c.ini --set kmeans.st)" "kmeans.starts= kmeans.start= kmeans.stop="
same_words "sections" "$(complete_line keys 'm')" "model maps"
same_words "a configuration" "$(complete_line run configs/sc)" "configs/scenes.ini"
same_words "no other file" "$(complete_line run README)" ""
same_words "files of check" "$(complete_line check tests/data/scenes.)" "tests/data/scenes.onnx"
same_words "a value" "$(complete_line run c.ini --set data.root = tests/da)" "tests/data/"
same_words "no value yet" "$(complete_line run c.ini --set data.root = | xargs -n 1 | grep -x README.md)" "README.md"

# --- colours, on a terminal only
red=$'\033[1;31merror:\033[0m'
reddened() { # LINES ENVIRONMENT... -- COMMAND...
    local want=$1
    shift
    env -u NO_COLOR TERM=xterm "$@" >"$work/log" 2>&1 || true
    grep -q "error" "$work/log" || fail "no error: $*"
    [ "$(grep -cF "$red" "$work/log")" = "$want" ] || fail "$want coloured lines are due: $* $(cat "$work/log")"
}
terminal=("$python" tests/job/terminal.py)
wrong=("$LPCAM" check nothing.onnx)
launcher=(timeout -k 5 60 mpirun --oversubscribe --bind-to none -n 2)
reddened 1 "${terminal[@]}" "${wrong[@]}"
reddened 1 "${terminal[@]}" "${launcher[@]}" "${wrong[@]}"
reddened 0 "${wrong[@]}"
reddened 0 "${launcher[@]}" "${wrong[@]}"
reddened 0 NO_COLOR=1 "${terminal[@]}" "${wrong[@]}"
reddened 1 NO_COLOR= "${terminal[@]}" "${wrong[@]}"
reddened 0 TERM=dumb "${terminal[@]}" "${wrong[@]}"
reddened 0 "${terminal[@]}" "${wrong[@]}" --json-log
reddened 0 "${terminal[@]}" bash -c "'$LPCAM' check nothing.onnx 2>'$work/error'; cat '$work/error'"

# --- quiet, and JSON, with a broken photograph
cp -r tests/data/scenes "$work/scenes"
id=$(awk '!/^#/ {print $1; exit}' tests/data/scenes/labels.txt)
head -c 900 "tests/data/scenes/images/$id.jpg" >"$work/scenes/images/$id.jpg"
scenes=(configs/scenes.ini --set data.root="$work/scenes" --set data.max_bad=0.1 --set run.progress_s=0.1)
launch() { timeout -k 5 300 mpirun --oversubscribe --bind-to none -n 3 "$LPCAM" "$@" >"$work/out.log" 2>"$work/err.log"; }
launch extract "${scenes[@]}" --set run.out="$work/quiet" --quiet
[ ! -s "$work/out.log" ] && grep -q "warning: image $id is left out" "$work/err.log" || fail "quiet: $(cat "$work/"*.log)"
code=0 && launch run "${scenes[@]}" --set run.out="$work/json" --set kmeans.k=none --json-log -v || code=$?
[ "$code" = 2 ] && grep -q '"level": "error", "message": ".*kmeans.k.*", "source": "config' "$work/err.log" || fail "$(cat "$work/err.log")"
slow=(--set kmeans.k=64 --set kmeans.max_iter=12 --set kmeans.kernel=plain) # so that a line is due while it clusters
launch run "${scenes[@]}" "${slow[@]}" --set run.out="$work/json" --json-log
"$python" - "$id" "$work/out.log" "$work/err.log" <<'END'
import datetime, json, sys
def lines(path, levels):
    found = [json.loads(line) for line in open(path, encoding="utf-8")]
    for line in found:
        assert list(line) == ["time", "elapsed_s", "rank", "level", "message"], line
        assert line["level"] in levels and 0 <= line["rank"] < 3 and line["elapsed_s"] >= 0
        then = datetime.datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
        assert abs((datetime.datetime.utcnow() - then).total_seconds()) < 600
    return found
said, complaints = lines(sys.argv[2], ("info", "progress")), lines(sys.argv[3], ("warning", "error"))
assert any("maps.h5" in line["message"] for line in said) and all(line["rank"] == 0 for line in said)
assert any(line["level"] == "progress" and "activate" in line["message"] for line in said)
assert any(line["level"] == "progress" and "cluster: iteration" in line["message"] for line in said)
assert any("\n" in line["message"] and "threshold" in line["message"] for line in said), "a table is one line"
assert any(sys.argv[1] in line["message"] for line in complaints)
END

# --- lines of progress say what they count
launch export "${scenes[@]}" "${slow[@]}" --set run.out="$work/json" --gallery "$work/page"
grep -qE "gallery, look 5[0-9] of 5[0-9] images in" "$work/out.log" || fail "$(cat "$work/out.log")"
grep -q "gallery, classes 5 of 5 classes in" "$work/out.log" || fail "$(cat "$work/out.log")"
echo "the terminal is as it should be"
