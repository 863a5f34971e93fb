#!/bin/sh
# No source file is longer than 800 lines: a longer one does more than one thing.
set -eu
. "$(dirname "$0")/common.sh"

sources src tests bench tools web -- '*.[ch]' '*.sh' '*.awk' '*.mjs' '*.js' '*.css' '*.html' |
    complain 'FNR == 801 {print FILENAME ":801: file longer than 800 lines"}'
