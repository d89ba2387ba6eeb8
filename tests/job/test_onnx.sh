#!/usr/bin/env bash
# Classifiers as networks that give LPCAM maps, in onnxruntime and before
# onnx.checker: that of the sample against maps.h5, and where the shared folder is
# there every good classifier of it.
. "$(dirname "$0")/common.sh"
need_python h5py numpy PIL onnx onnxruntime
run=(configs/scenes.ini --set run.out="$work/out")
one_view=(--set cam.scales=1.0 --set cam.flip=no --set maps.value=f32)
must 2 run "${run[@]}" "${one_view[@]}" --set export.formats=onnx
"$python" tests/job/onnx_maps.py run "$work/out/export/onnx/lpcam.onnx" "$work/out" tests/data/scenes

# the same bytes on any number of ranks, in its place or in another, beside other formats
cp "$work/out/export/onnx/lpcam.onnx" "$work/2.onnx"
for n in 1 3; do
    must "$n" export "${run[@]}" --set export.formats="masks onnx"
    cmp "$work/2.onnx" "$work/out/export/onnx/lpcam.onnx"
done

# another model than that of the prototypes; none; no prototypes
{ cat tests/data/scenes.onnx; printf '\022\001x'; } >"$work/other.onnx" # its producer has another name
export_onnx=(export "${run[@]}" --set export.formats=onnx)
refused 1 "model.sha256" 2 "${export_onnx[@]}" --set model.file="$work/other.onnx"
refused 2 "model.file" 2 "${export_onnx[@]}" --set model.file=
refused 1 "nothing.onnx" 3 "${export_onnx[@]}" --set model.file=nothing.onnx
rm "$work/out/prototypes.h5"
refused 1 "run lpcam cluster first" 2 "${export_onnx[@]}"

mkdir "$work/left"
left=$(dirname "$LPCAM")/tests/golden_onnx_lpcam
code=0
"$left" "$work/left" >"$work/log" 2>&1 || code=$?
case $code in
0) "$python" tests/job/onnx_maps.py left "$work/left" ;;
77) echo "without the classifiers of the shared folder" ;;
*) cat "$work/log" && exit 1 ;;
esac
