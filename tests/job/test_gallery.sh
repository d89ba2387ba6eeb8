#!/usr/bin/env bash
# The gallery: the same bytes on any number of ranks and after kills and stops,
# without ground truth, from one of the files alone, from IDs that are traps; and
# looked at in a browser.
. "$(dirname "$0")/common.sh"
need_h5py

# into $work/made, which the page names: 13 images of a class
args=(export configs/scenes.ini --set run.out="$work/out" --set export.formats=gallery
    --set export.out="$work/made" --set export.gallery_images=13)
gallery() { # RANKS MORE...
    must "$1" "${args[@]}" "${@:2}"
}
look() { # GALLERY MORE...
    local code=0
    timeout -k 5 300 "$python" tests/job/gallery_page.py "$@" || code=$?
    if [ $code = 77 ]; then seen=no; return 0; fi
    [ $code = 0 ] || exit 1
}
seen=yes

must 2 run configs/scenes.ini --set run.out="$work/out" --set maps.full=seed
for chart in score convergence; do
    grep -q '</svg>' "$work/out/$chart.svg"
done
for n in 1 2 3; do
    gallery $n
    mv "$work/made" "$work/on$n"
done
diff -r -x lpcam.lock "$work/on1" "$work/on2"
diff -r -x lpcam.lock "$work/on1" "$work/on3"
[ "$(ls "$work"/on1/gallery/near | wc -l)" -ge 60 ]
"$python" tests/job/gallery_data.py "$work/out" tests/data/scenes "$work/on1/gallery" 13
"$python" tests/job/gallery_pictures.py "$work/out" tests/data/scenes "$work/on1/gallery"
look "$work/on1/gallery" ${LPCAM_SHOTS:+--shots "$LPCAM_SHOTS"}

# again over what is there; a file that is missing is there again
cp -r "$work/on1" "$work/made"
rm "$work"/made/gallery/map/*_cam.png "$work/made/gallery/index.html"
gallery 2
diff -r -x lpcam.lock "$work/made" "$work/on2"

# killed in the middle of photographs, stopped there by signal, killed between the
# writing of files and their names; what is done then is not done again, and the page comes last
pictures() { find "$work/made" \( -name '*.jpg' -o -name '*.png' \) "$@"; }
kept() { # after `pictures -exec touch -d @1`: none of so many is written again
    [ "$(pictures ! -newermt @2 | wc -l)" = "$1" ] || { echo "pictures that were there are written again"; exit 1; }
}
rm -rf "$work/made"
had=0 all=$(find "$work/on1" -name '*.jpg' -o -name '*.png' | wc -l)
for fault in gallery_draw@1:9!9 "gallery_draw@1:5!$(kill -l USR1)" out_batch_sync@1:3!9; do
    code=0
    pictures -exec touch -d @1 {} + 2>/dev/null || true
    LPCAM_FAULT=$fault ranks 2 "${args[@]}" || code=$?
    has=$(pictures | wc -l)
    if [ "$has" -le "$had" ] || [ -e "$work/made/gallery/index.html" ] || [ $code != $([ "${fault#*!}" = 9 ] && echo 137 || echo 75) ] ||
        [ $has -ge $all ]; then
        echo "$fault: exit code $code, $has pictures after $had"; cat "$work/log"; exit 1
    fi
    kept $had
    had=$has
done
pictures -exec touch -d @1 {} +
gallery 3
kept $had
diff -r -x lpcam.lock "$work/made" "$work/on1"
gallery 1
kept $had
diff -r -x lpcam.lock "$work/made" "$work/on1"

# of other maps, or of another choice of images, all is made anew; what a person
# has put there stays
anew() { # OF MORE...
    rm -rf "$work/made"
    gallery 2 "${@:2}"
    mv "$work/made" "$work/fresh"
    cp -r "$1" "$work/made"
    rm "$work/made/gallery/index.html" # a gallery that was never finished
    ln -s /dev/null "$work/made/gallery/photo/link.jpg"
    gallery 2 "${@:2}"
    rm "$work/made/gallery/photo/link.jpg"
    diff -r -x lpcam.lock "$work/made" "$work/fresh"
    rm -rf "$work/fresh"
}
anew "$work/on1" --set export.gallery_images=4

# so it is where the ground truth itself has changed
cp -r tests/data/scenes "$work/scenes"
"$python" - "$work"/scenes/masks/*.png <<'END'
import sys
from PIL import Image, ImageOps
for path in sys.argv[1:]:
    ImageOps.mirror(Image.open(path)).save(path)
END
anew "$work/on1" --set data.root="$work/scenes"
rm "$work"/out/{prototypes,maps}.h5
must 2 run configs/scenes.ini --set run.out="$work/out" --set maps.full=seed --set prototypes.power=1
! cmp -s "$work/on1/gallery/made.txt" "$work/made/gallery/made.txt" || { echo "the same settings: $work/made"; exit 1; }
anew "$work/on1"
[ "$(diff -rq "$work/on1/gallery/map" "$work/made/gallery/map" | grep -c lpcam.png)" -gt 10 ]

# without full-size seeds the maps are enlarged here, as score does it
must 2 run configs/scenes.ini --set run.out="$work/strided" --set export.formats=gallery
"$python" tests/job/gallery_data.py "$work/strided" tests/data/scenes "$work/strided/export/gallery"

# no features, no prototypes, no ground truth, no CAM: less is shown
mkdir "$work/less"
cp "$work/out/maps.h5" "$work/less"
must 2 export configs/scenes.ini --set run.out="$work/less" --set export.formats=gallery --set data.masks=
grep -q '"truth":null' "$work/less/export/gallery/data/run.js"
grep -q '"cover"' "$work/less/export/gallery/data/run.js"
grep -q '"prototypes":null' "$work/less/export/gallery/data/class_0000.js"
rm "$work/less/maps.h5"
refused 1 "neither " 2 export configs/scenes.ini --set run.out="$work/less" --set export.formats=gallery

# features with fewer channels than the classifier (features.dims): no figure
"$python" - "$work/strided/features.h5" <<'END'
import h5py, sys
with h5py.File(sys.argv[1], "r+") as f:
    narrow = f["feature/vector"][:, :10]
    del f["feature/vector"]
    f["feature/vector"] = narrow
END
must 3 export configs/scenes.ini --set run.out="$work/strided" --set export.formats=gallery
grep -q '"figure":null' "$work/strided/export/gallery/data/class_0000.js"

# traps
"$python" tests/job/hostile_list.py tests/data/scenes "$work/hostile"
traps=(--set data.root="$work/hostile" --set run.out="$work/traps" --set cam.scales=1.0 --set kmeans.k=2)
must 2 run configs/scenes.ini "${traps[@]}" --set export.formats=gallery
find "$work/traps/export" -type f | sed "s|^$work/traps/export/gallery/||" >"$work/files"
if LC_ALL=C grep -vE '^[a-z0-9_/]+\.(html|css|js|svg|png|jpg|txt)$' "$work/files"; then
    echo "an ID has become a file name"
    exit 1
fi
look "$work/traps/export/gallery" --hostile
[ $seen = yes ] || exit 77
echo "the gallery is the same on 1, 2 and 3 ranks, and as it should be in a browser"
