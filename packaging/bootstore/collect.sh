#!/bin/sh
# collect.sh SOURCE DEST - makes the boot store DEST from the Lua files of SOURCE/{programs,lib,runtimes},
# with its MANIFEST, and tells the build in DEST/MANIFEST.d what it was made from. The folders are among
# that, so that a file added or removed is noticed.
set -eu
here=$(dirname "$0")
source=$1
dest=$2

mkdir -p "$dest"
printf '%s:' "packaging/bootstore/MANIFEST" > "$dest/MANIFEST.d"
printf ' %s' "$source" >> "$dest/MANIFEST.d"

# collect FOLDER KIND
collect() {
    rm -rf "${dest:?}/$2"
    mkdir "$dest/$2"
    [ -d "$source/$1" ] || return 0
    printf ' %s' "$source/$1" >> "$dest/MANIFEST.d"
    for file in "$source/$1"/*.lua; do
        [ -e "$file" ] || continue
        cp "$file" "$dest/$2/"
        printf ' %s' "$file" >> "$dest/MANIFEST.d"
    done
}

collect lib library
collect programs program
collect runtimes runtime
echo >> "$dest/MANIFEST.d"
sh "$here/manifest.sh" "$dest"
