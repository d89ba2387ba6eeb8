#!/usr/bin/env bash
# Settings that do not go with what is in run.out are refused before any work and
# change nothing, also in a dry run; photographs too large for the machine are told.
. "$(dirname "$0")/common.sh"
limit=120
out=$work/out
settings=(configs/scenes.ini --set run.out="$out")
must 2 run "${settings[@]}"
content() { find "$out" -type f -not -name lpcam.lock -printf '%P %T@\n' | sort; }
before=$(content)
unchanged() { # TEXT KEY=VALUE...
    local text=$1 set=() pair
    for pair in "${@:2}"; do set+=(--set "$pair"); done
    refused 1 "$text" 2 run "${settings[@]}" "${set[@]}"
    refused 1 "$text" 1 run "${settings[@]}" "${set[@]}" --dry-run
    [ "$(content)" = "$before" ] || { echo "$* has changed $out"; content; exit 1; }
}
unchanged "prototypes.h5 was made with kmeans.k" kmeans.k=6
unchanged "features.h5 was made with features.dims = 0, this run has 64" features.dims=64
unchanged "maps.h5 was made with run.passes = 2, this run has 1" run.passes=1
unchanged "cams.h5 was made with maps.value" maps.value=f32
unchanged "features.h5 was made with cam.scales" cam.scales="1 2"
head -n 50 tests/data/scenes/labels.txt >"$work/fewer.txt"
unchanged "features.h5 was made with data.fingerprint" data.labels="$work/fewer.txt"
must 2 run "${settings[@]}" --dry-run
must 2 extract "${settings[@]}" --set kmeans.k=6 # is not of its concern
must 2 run "${settings[@]}"

# --- a photograph of 256 megapixels, of which only the head is read here
mkdir -p "$work/set/images"
cp tests/data/scenes/images/scene000.jpg "$work/set/images"
cp tests/data/scenes/classes.txt "$work/set"
"$python" - "$work/set/images/huge.png" <<'END'
import struct, sys, zlib
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
head = struct.pack(">IIBBBBB", 16000, 16000, 8, 2, 0, 0, 0)
with open(sys.argv[1], "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1 << 28))) + chunk(b"IEND", b""))
END
printf 'scene000 1\nhuge 2\n' >"$work/set/labels.txt"
must 1 run configs/scenes.ini --dry-run --quiet --set cam.scales="1 8" --set run.out="$work/none" --set data.root="$work/set"
grep -q "1 rank on this machine may need .* for photographs like huge, 16000 x 16000: start fewer ranks" "$work/log"
echo "settings: refused before any work, nothing changed"
