#!/bin/sh
# Words that have no place in a finished tree: marks of unfinished work, and paths of somebody's
# machine. Looks at every text file that is or could be committed.
set -eu
. "$(dirname "$0")/common.sh"

sources src tests bench tools docs web examples deploy cmake -- \
    '*.[ch]' '*.h.in' '*.sh' '*.awk' '*.mjs' '*.js' '*.css' '*.html' '*.md' '*.yaml' '*.cmake' '*.txt' |
    grep -v '^tools/check/' |
    complain '
        match($0, /(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK|TBD)([^A-Za-z0-9_]|$)/) {
            print FILENAME ":" FNR ": unfinished work: " substr($0, RSTART, RLENGTH)
        }
        match($0, /(^|[^A-Za-z0-9_.])\/(home|root|Users)\/[a-z]/) {
            print FILENAME ":" FNR ": path of one machine: " substr($0, RSTART, RLENGTH)
        }'
