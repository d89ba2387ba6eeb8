#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A disk that is full, from the first byte of an output to its last: the job ends
# on all ranks, says so, and goes on when there is room. On a small file system
# of its own; skipped where that cannot be mounted.
. "$(dirname "$0")/../job/common.sh"
need_h5py
limit=30
disk=$work/disk
mkdir "$disk"
if ! mount -t tmpfs -o size=64m lpcam-test "$disk" 2>/dev/null; then
    echo "skipped: a tmpfs cannot be mounted here"
    exit 77
fi
trap 'umount -l "$disk"; rm -rf "$work"' EXIT
settings=(configs/scenes.ini --set cam.scales=1.0 --set kmeans.k=64 --set run.checkpoint_s=0 --set run.out)

must 3 run "${settings[@]}=$work/whole"

# room KIB: so much more than is used now
room() {
    local used
    used=$(df -k --output=used "$disk" | tail -n 1)
    mount -o remount,size=$((used + $1))k "$disk"
}

# Of each job: no room for anything, for the structure of a file, for half of it
for step in "extract 4 2048 4104 4120 4150 4200 4300 64" "cluster 4 300 4200" "activate 4 4150 64"; do
    read -ra kib <<<"$step"
    for k in "${kib[@]:1}"; do
        room "$k"
        refused 1 "No space left on device" 3 "${kib[0]}" "${settings[@]}=$disk/out"
        ! grep -q "on signal" "$work/log" || { echo "${kib[0]}, $k KiB: a rank died"; cat "$work/log"; exit 1; }
    done
    room 32768
    must 3 "${kib[0]}" "${settings[@]}=$disk/out"
    ! ls "$disk/out" | grep -E 'room|new|partial' || { echo "left behind"; exit 1; }
done
same "$work/whole" "$disk/out"

# Exported files: of a few, of half of them, none to write on; what is there stays
exports=(export "${settings[@]}=$disk/out" --set export.formats="masks irn coco" --set export.tensor=numpy)
must 3 export "${settings[@]}=$work/whole" --set export.formats="masks irn coco" --set export.tensor=numpy
for k in 0 40 2000 8000; do
    room "$k"
    refused 1 "No space left on device" 3 "${exports[@]}"
done
find "$disk/out/export" -name '*.npy' >"$work/there"
mount -o remount,ro "$disk"
refused 1 "Read-only file system" 2 "${exports[@]}"
mount -o remount,rw "$disk"
room 32768
must 3 "${exports[@]}"
[ "$(wc -l <"$work/there")" -gt 10 ]
[ "$(find "$disk/out/export" -name '*.npy' | wc -l)" = 56 ]
diff -r -x mmsegmentation.py "$work/whole/export" "$disk/out/export"
