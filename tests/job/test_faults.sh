#!/usr/bin/env bash
# A failure of any rank at any site ends the job on all ranks: exit code 1, no
# hang (`ranks` has a time limit), no ranks in different calls. The next start
# goes on with what the failure left behind, to the same bits.
. "$(dirname "$0")/common.sh"
need_h5py
limit=60
out=$work/out
# So many clusters that some are empty, for the sites that mend those, and so
# little memory that features are read ahead.
settings=(configs/scenes.ini --set kmeans.k=64 --set run.memory=64K --set run.out="$out")
declare -A reached=()
bad=0 failures=0

# fault SITE@RANK[:VISIT] JOB: fails there; 1 where the job does not come by
fault() {
    local code=0
    LPCAM_FAULT=$1 ranks 3 "$2" "${settings[@]}" || code=$?
    case $code in
    0) return 1 ;;
    1) reached[${1%@*}]=1 failures=$((failures + 1)) ;;
    124 | 137) echo "$2 hangs after failure $1"; tail -n 5 "$work/log"; exit 1 ;;
    *) echo "$2, failure $1: exit code $code"; tail -n 5 "$work/log"; bad=1 ;;
    esac
}

must 3 run "${settings[@]}"
mv "$out" "$work/whole"

# The first visit of each site, wherever it is, in one folder that is gone on
# with. Ranks take turns; where the one does not come by, the other is tried.
sites=$(find src jobs -name '*.c' -exec cat {} + | tr '\n' ' ' | grep -oE 'lp_fault\([^)]*"\)' |
    grep -oE '"[a-z0-9_]+"' | tr -d '"' | sort -u)
rank=0
for site in $sites; do
    other=$((2 - rank))
    fault "$site@$rank:1" run || { rm -rf "$out" && fault "$site@$other:1" run; } || rm -rf "$out"
    rank=$other
done
must 3 run "${settings[@]}"
same "$work/whole" "$out"

# The other start has sites of its own.
rm "$out/prototypes.h5"
settings+=(--set kmeans.start=plusplus)
for site in kmeans_sample exchange_rows kmeans_plusplus; do
    fault "$site@$rank:1" cluster
    rank=$((2 - rank))
done
unset 'settings[-1]' 'settings[-1]'

# And chunks that are dealt out.
rm -rf "$out"
settings+=(--set run.balance=dynamic)
fault "deal_open@$rank:1" extract
unset 'settings[-1]' 'settings[-1]'

# In the middle of each job, from the same beginning each time.
rm -rf "$out"
for step in \
    "extract h5_write@0:70 h5_write@2:40 h5_sync@0:6 h5_sync@2:7 h5_read@2:2 walk_each@2:9" \
    "cluster h5_write@0:40 h5_read@0:6 h5_read@2:2 h5_sync@2:2 kmeans_assign@2:7" \
    "activate h5_write@0:29 h5_write@2:12 h5_sync@0:3 h5_sync@2:4 h5_read@0:3 run_file_move@0:2" \
    "score h5_read@0:30 h5_read@2:25"; do
    read -ra wish <<<"$step"
    mkdir -p "$out"
    cp -r "$out" "$work/before"
    for site in "${wish[@]:1}"; do
        rm -rf "$out"
        cp -r "$work/before" "$out"
        fault "$site" "${wish[0]}" || { echo "${wish[0]} does not reach $site"; bad=1; }
        must 3 "${wish[0]}" "${settings[@]}"
    done
    rm -rf "$work/before"
done
same "$work/whole" "$out"
cmp "$work/whole/score.json" "$out/score.json"

for site in $sites h5_write h5_read h5_sync; do
    [ -n "${reached[$site]:-}" ] || { echo "not reached: $site"; bad=1; }
done
echo "$failures failures ended cleanly at ${#reached[@]} sites: ${!reached[*]}"
[ "$bad" = 0 ] && [ "${#reached[@]}" -ge 20 ]
