#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A photograph counts as done only after its data are on the disk: the program's
# own calls, seen by strace. Before a write of /image/state the file is synced
# since its last other write, and after it before its next one. An exported file
# gets its name only after its bytes are on the disk, one by one or all at once,
# and what a format ends with after the names of all before. Skipped where there
# is no strace, or it may not trace.
. "$(dirname "$0")/../job/common.sh"
need_h5py
if ! strace -o "$work/probe" true 2>/dev/null; then
    echo "skipped: strace is not there or may not trace"
    exit 77
fi
for job in extract cluster activate; do
    timeout 120 strace -f -y -e trace=pwrite64,pwritev,write,writev,fsync,fdatasync \
        -o "$work/$job" mpirun --bind-to none -n 1 "$LPCAM" $job configs/scenes.ini --set cam.scales=1.0 \
        --set run.checkpoint_s=0 --set run.out="$work/out" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done
"$python" -B - "$work" <<'END'
import re, sys
import h5py
sys.path.insert(0, "tests/fault")
from calls import calls

work, n_marks = sys.argv[1], {}
for job, names in (("extract", ("features", "cams")), ("activate", ("maps",))):
    state = {}  # of each file: where /image/state lies
    for name in names:
        with h5py.File(f"{work}/out/{name}.h5") as f:
            state[name] = f["image/state"].id.get_offset(), len(f["image/state"])
    dirty, marked = dict.fromkeys(names, False), dict.fromkeys(names, False)
    for line in calls(f"{work}/{job}"):
        call = re.search(r"(\w+)\(\d+<[^>]*/(\w+)\.h5\.partial>(.*)", line)
        if not call:
            continue
        what, name, rest = call.groups()
        if "sync" in what:
            dirty[name] = marked[name] = False
            continue
        at = int(re.search(r", (\d+)\) += \d+", rest).group(1)) if what == "pwrite64" else -1
        first, n = state[name]
        if first <= at < first + n:
            assert not dirty[name], "marked before the data were synced: " + line
            marked[name] = True
            n_marks[name] = n_marks.get(name, 0) + 1
        else:
            assert not marked[name], "went on before the mark was synced: " + line
            dirty[name] = True
    assert all(n_marks.get(name, 0) >= 56 for name in names), n_marks
    assert not any(dirty.values()) and not any(marked.values()), "the end was not synced"
print("marks, each between two syncs:", n_marks)
END

timeout 120 strace -f -y -e trace=write,pwrite64,fsync,fdatasync,syncfs,rename,renameat,renameat2 -o "$work/export" \
    mpirun --bind-to none -n 1 "$LPCAM" export configs/scenes.ini --set run.out="$work/out" \
    --set export.formats="masks irn coco gallery" --set export.tensor=numpy >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$python" -B - "$work/export" <<'END'
import re, sys
sys.path.insert(0, "tests/fault")
from calls import calls

dirty, unsure, synced, n = set(), set(), {}, 0  # not on the disk: bytes of files, names
last = ("results.json", "index.html", "mmsegmentation.py")
for line in calls(sys.argv[1]):
    call = re.search(r"(\w+)\((\d+<([^>]*)>)(.*)", line)
    if not call:
        continue
    what, _, path, rest = call.groups()
    synced[what] = synced.get(what, 0) + 1
    if what == "syncfs":
        dirty.clear()
        unsure.clear()
    elif "sync" in what:
        dirty.discard(path)
        unsure -= {name for name in unsure if name.rpartition("/")[0] == path}
    elif what.startswith("rename"):
        name = re.search(r', "([^"]*)", \d+<[^>]*>, "([^"]*)"', rest)
        partial, name = (path + "/" + part for part in name.groups())
        assert partial not in dirty, "has its name before its bytes: " + line
        assert not name.endswith(last) or not unsure, "comes before the names of %s: %s" % (unsure, line)
        unsure.add(name)
        n += 1
    elif path.endswith(".partial"):
        dirty.add(path)
assert n > 300 and not unsure, (n, unsure)
assert synced["syncfs"] < n / 3, synced
print(n, "files got their names,", synced)
END
