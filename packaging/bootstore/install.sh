#!/bin/sh
# install.sh STORE DEST - installs a collected boot store below DESTDIR.
set -eu
store=$1
dest=${DESTDIR:-}$2

install -d "$dest/library" "$dest/program" "$dest/runtime"
for kind in library program runtime; do
    rm -f "$dest/$kind"/*.lua
    for file in "$store/$kind"/*.lua; do
        [ ! -e "$file" ] || install -m 644 "$file" "$dest/$kind/"
    done
done
install -m 644 "$store/MANIFEST" "$dest/MANIFEST"
