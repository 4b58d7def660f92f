#!/bin/sh
# manifest.sh DIR - writes DIR/MANIFEST: one line "sha256  kind/NAME.lua" per file of a boot store,
# sorted by name. initd refuses a store whose files are not exactly these.
set -eu
export LC_ALL=C

if [ $# -ne 1 ] || [ ! -d "$1" ]; then
    echo "usage: manifest.sh DIR (a boot store: DIR/{program,library,runtime}/NAME.lua, DIR/props/NAME.conf)" >&2
    exit 2
fi
cd "$1"

for file in library/*.lua program/*.lua props/*.conf runtime/*.lua; do
    [ ! -e "$file" ] || sha256sum "$file"
done > MANIFEST.new
mv MANIFEST.new MANIFEST
