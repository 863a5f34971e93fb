#!/bin/sh
# Files that a comment or docs/ARCHITECTURE.md names by their path from src are there: a story about
# what has moved or gone misleads. `pool*.c` stands for any of them.
set -eu
. "$(dirname "$0")/common.sh"

named=$({
    sources src tests -- '*.[ch]'
    ls docs/ARCHITECTURE.md 2>/dev/null || true
} | xargs -r awk -v folders="$(ls src)" '
    BEGIN { gsub(/\n/, "|", folders); path = "(" folders ")/[a-z0-9_/]*[a-z0-9_*]+\\.[ch]" }
    /^ *#include/ { next }
    {
        rest = $0
        while (match(rest, path)) {
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
            behind = substr(rest, RSTART + RLENGTH, 1)
            if (before ~ /[ (`,]/ && behind !~ /[A-Za-z0-9_]/)
                print substr(rest, RSTART, RLENGTH), FILENAME ":" FNR
            rest = substr(rest, RSTART + RLENGTH)
        }
    }')
missing=$(printf '%s\n' "$named" | while read -r path where; do
    [ -z "$path" ] || ls src/$path >/dev/null 2>&1 || echo "$where: there is no src/$path"
done)
[ -z "$missing" ] || { printf '%s\n' "$missing"; exit 1; }
