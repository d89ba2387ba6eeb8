#!/usr/bin/env bash
# Every format by its real reader, the same bytes on any number of ranks, after
# stops and kills; what lies in the way, and IDs that try to break out.
. "$(dirname "$0")/common.sh"
need_python h5py numpy PIL pycocotools
formats="masks ir irn amn psa clip coco"
run=(configs/scenes.ini --set export.formats="$formats" --set run.out)
must 2 run "${run[@]}=$work/out"
"$python" tests/job/read_export.py "$work/out" tests/data/scenes

# the folder of a run names itself; all else must be the same
same_export() {
    diff -r --no-dereference -x mmsegmentation.py -x lpcam.lock "$1" "$2" || { echo "$2 differs"; exit 1; }
    ! find "$2" | grep -E 'partial|parts' || { echo "left behind in $2"; exit 1; }
}
export_to() { # FOLDER RANKS MORE...
    local to=$1 n=$2
    shift 2
    must "$n" export "${run[@]}=$work/out" --set export.out="$to" "$@"
}
for n in 1 3; do
    export_to "$work/r$n" "$n"
    same_export "$work/out/export" "$work/r$n"
done
export_to "$work/dynamic" 3 --set run.balance=dynamic
same_export "$work/out/export" "$work/dynamic"

# killed in the middle, twice: the next start goes on
images() { find "$work/cut" -name '*.npy' -path '*/clip/*' | wc -l; }
killed() { # FAULT: with more images than before, but not all
    local code=0 had has
    had=$(images)
    LPCAM_FAULT=$1 ranks 2 export "${run[@]}=$work/out" --set export.out="$work/cut" || code=$?
    has=$(images)
    if [ "$code" = 0 ] || [ "$has" -le "$had" ] || [ "$has" -ge 56 ]; then
        echo "$1: exit code $code, $has images after $had"; cat "$work/log"; exit 1
    fi
}
mkdir "$work/cut"
killed 'export_image@1:9!9'
touch -d @1 "$work/cut/masks/SegmentationClass"/*.png
had_masks=$(ls "$work/cut/masks/SegmentationClass"/*.png | wc -l)
killed 'export_image@0:5!9'
export_to "$work/cut" 3
same_export "$work/out/export" "$work/cut"
[ "$(find "$work/cut/masks" -name '*.png' ! -newermt @2 | wc -l)" = "$had_masks" ] || { echo "done images were done again"; exit 1; }

# stopped on request: so many images that it takes seconds
"$python" tests/bench/export.py make "$work/many" 2000
many=(--set data.root="$work/many/data" --set run.out="$work/many/out" --set export.formats="masks coco" --set model.classes=)
code=0
LPCAM_FAULT="export_image@1:50!$(kill -l USR1)" ranks 2 export configs/scenes.ini "${many[@]}" || code=$?
has=$(find "$work/many/out/export/masks" -name '*.png' | wc -l)
if [ "$code" != 75 ] || [ "$has" -ge 2000 ] || ! grep -q "stopped on request" "$work/log"; then
    echo "exit code $code, $has images"; cat "$work/log"; exit 1
fi
must 3 export configs/scenes.ini "${many[@]}"
must 1 export configs/scenes.ini "${many[@]}" --set export.out="$work/many/whole"
same_export "$work/many/whole" "$work/many/out/export"
rm -rf "$work/many"

# two jobs on one folder: the second is refused, the first, which waits at an
# image meanwhile, ends well
LPCAM_FAULT="export_image@0:5!$(kill -l STOP)" timeout -k 5 300 mpirun --bind-to none -n 1 "$LPCAM" export \
    "${run[@]}=$work/out" --set export.out="$work/both" >"$work/first" 2>&1 &
first=$!
state() { ps -o stat= -p "$(sed 's/process \([0-9]*\).*/\1/' "$work/both/lpcam.lock" 2>/dev/null)" 2>/dev/null || true; }
for ((i = 0; i < 300; ++i)); do
    [[ $(state) != T* ]] || break
    sleep 0.1
done
mkdir "$work/second"
ln -s "$work/out/maps.h5" "$work/second/maps.h5"
refused 1 "writes to $work/both: wait for its end or choose another export.out" 3 export "${run[@]}=$work/second" \
    --set export.out="$work/both"
kill -CONT "$(sed 's/process \([0-9]*\).*/\1/' "$work/both/lpcam.lock")"
wait $first || { cat "$work/first"; exit 1; }
same_export "$work/out/export" "$work/both"
ln -s "$work/out" "$work/same" # one folder, and one lock
export_to "$work/same" 3 --set export.formats=ir

# other settings are refused, so is a folder of something else
refused_export() { # TEXT MORE...
    refused 1 "$1" 2 export "${run[@]}=$work/out" "${@:2}"
}
refused_export "export.threshold = 0.3 0.3, this run has 0.35 0.35" --set export.threshold=0.35
refused_export "export.ids = data, this run has rows" --set export.ids=rows
refused_export "export.maps = lpcam, this run has cam" --set export.maps=cam
refused_export "export.tensor = torch, this run has numpy" --set export.tensor=numpy
same_export "$work/r1" "$work/out/export"
mkdir -p "$work/other/masks" "$work/elsewhere/SegmentationClass"
echo precious >"$work/other/masks/file"
refused_export "holds files" --set export.out="$work/other"
refused_export "cannot open $work/other/masks/file/lpcam.lock" --set export.out="$work/other/masks/file"
ln -s nowhere/at/all "$work/dangling"
refused_export "cannot open $work/dangling/lpcam.lock" --set export.out="$work/dangling"
[ "$(cat "$work/other/masks/file")" = precious ]
[ "$(find "$work/other" -name lpcam.lock -o -print | wc -l)" = 3 ]
refused 2 "export.formats is empty" 2 export "${run[@]}=$work/out" --set export.formats=

# a link to a folder is followed; one in the place of a file is replaced, and what it points to kept
ln -s "$work/elsewhere" "$work/link"
first=$(ls "$work/r1/ir" | head -n 1)
export_to "$work/link" 2 --set export.formats=ir
rm "$work/elsewhere/ir/$first"
ln -s "$work/other/masks/file" "$work/elsewhere/ir/$first"
export_to "$work/link" 2 --set export.formats=ir
[ "$(cat "$work/other/masks/file")" = precious ]
diff -r "$work/r1/ir" "$work/elsewhere/ir"

# CAM; unsure pixels; seeds of full size count as score counts them
must 2 export "${run[@]}=$work/out" --set export.out="$work/cam" --set export.maps=cam --set export.threshold="0.2 0.3" \
    --set export.formats=masks
must 2 run configs/scenes.ini --set run.out="$work/full" --set maps.full=seed --set export.formats="$formats"
"$python" - "$work" tests/data/scenes <<'END'
import sys
sys.path.insert(0, "tests/job")
import read_export as r, numpy as np, os
from PIL import Image
work, data = sys.argv[1:]
names = sorted(os.listdir(work + "/cam/masks/SegmentationClass"))
values = {v for n in names for v in np.unique(np.array(Image.open(f"{work}/cam/masks/SegmentationClass/{n}")))}
assert 255 in values and {0, 1, 2, 3, 4, 5} <= values, values
masks = {n[:-4]: np.array(Image.open(f"{work}/full/export/masks/SegmentationClass/{n}")) for n in names}
r.check_score(work + "/full", data, masks)
END

# a COCO data set: its own numbers
"$python" tests/job/write_coco.py tests/data/scenes "$work/coco"
coco=(export configs/scenes.ini --set run.out="$work/out" --set export.formats="masks coco" --set export.stem=number12
    --set data.layout=coco --set data.root="$work/coco" --set data.annotations=annotations/instances_scenes.json
    --set export.out="$work/numbers")
must 3 "${coco[@]}"
"$python" tests/job/read_export.py coco "$work/numbers" "$work/coco/annotations/instances_scenes.json"
awk '$1 > 0 { print $1 + 4, $2 }' tests/data/scenes/classes.txt >"$work/coco/from5.txt"
refused 1 "export.numbers = " 2 "${coco[@]}" --set data.classes=from5.txt
refused_export "has no number" --set export.out="$work/none" --set export.stem=number

# photographs elsewhere: the links go there, masks stay as they are
ln -s "$root/tests/data/scenes" "$work/moved"
export_to "$work/r3" 2 --set data.root="$work/moved"
for link in "$work"/r3/masks/JPEGImages/*; do
    [[ $(readlink "$link") = "$work/moved/images/"* ]] || { echo "$link is a link to $(readlink "$link")"; exit 1; }
done
diff -r "$work/r1/masks/SegmentationClass" "$work/r3/masks/SegmentationClass"

# class numbers that masks, or keys counted from 0, cannot hold
renumber() { # BY: a data set like the scenes but for its numbers of classes
    mkdir "$work/by$1"
    ln -s "$root/tests/data/scenes/images" "$work/by$1"
    awk -v by="$1" '$2 != "background" { print $1 + by, $2 }' tests/data/scenes/classes.txt >"$work/by$1/classes.txt"
    awk -v by="$1" '{ for (i = 2; i <= NF; ++i) $i += by; print }' tests/data/scenes/labels.txt >"$work/by$1/labels.txt"
}
renumber -1
from0=(--set data.root="$work/by-1" --set data.background=no --set export.out="$work/from0")
for format in masks ir irn amn psa clip; do
    refused_export "class train has the number 0, the background's in $format: export.ids = rows" "${from0[@]}" --set export.formats=$format
done
export_to "$work/from0" 2 "${from0[@]}" --set export.ids=rows
diff -r "$work/r1/masks/SegmentationClass" "$work/from0/masks/SegmentationClass"
renumber 10
refused_export "export.numbers = " --set data.root="$work/by10" --set export.out="$work/r1"
renumber 300
refused_export "class train has the number 301, masks holds numbers up to 254: export.ids = rows" --set data.root="$work/by300" \
    --set export.out="$work/from301"
export_to "$work/from301" 2 --set data.root="$work/by300" --set export.formats=irn

"$python" tests/job/hostile_export.py make "$work/hostile"
hostile=(export --set data.root="$work/hostile/data" --set run.out="$work/hostile/out"
    --set export.formats="masks irn coco" --set export.tensor=numpy --set export.threshold=0 configs/scenes.ini
    --set model.classes=)
must 2 "${hostile[@]}"
"$python" tests/job/hostile_export.py check "$work/hostile"

# maps of another program have no settings: other maps in their place are told by their time
must 2 "${hostile[@]}"
"$python" -c 'import h5py, sys; h5py.File(sys.argv[1], "r+")["map/value"][:] = 0.5' "$work/hostile/out/maps.h5"
refused 1 "file.since = " 2 "${hostile[@]}"
