#!/usr/bin/env bash
# A failure of any rank at any site ends the job on all ranks: exit code 1, no
# hang (`ranks` has a time limit), no ranks in different calls; and where a
# failure left something behind, the next start goes on with it.
. "$(dirname "$0")/common.sh"
sites=$(grep -rhoE 'lp_fault\("[a-z0-9_]+"\)' src jobs | sed 's/.*"\(.*\)".*/\1/' | sort -u)
bad=0 failed=0 unreached=()
for site in $sites; do
    for rank in 0 2; do
        code=0
        LPCAM_FAULT=$site@$rank ranks 3 run configs/scenes.ini --set run.out="$work/out" || code=$?
        case $code in
        1) failed=$((failed + 1)) ;;
        0) unreached+=("$site@$rank"); rm -rf "$work/out" ;;
        *) echo "site $site, rank $rank: exit code $code"; tail -n 5 "$work/log"; bad=1 ;;
        esac
    done
done
echo "$failed failures ended cleanly; not reached by run on that rank: ${unreached[*]}"
must 3 run configs/scenes.ini --set run.out="$work/out"
[ "$bad" = 0 ] && [ "$failed" -ge 20 ]
