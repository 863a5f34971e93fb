#!/bin/sh
# C sources are laid out as .clang-format says. `make format` puts them right.
set -eu
. "$(dirname "$0")/common.sh"

# The first place in each file is enough.
sources src tests bench -- '*.[ch]' | xargs -r clang-format --dry-run -Werror 2>&1 |
    awk -F : '/: error: / && !seen[$1]++ {print $1 ":" $2 ": not laid out by .clang-format"; bad = 1}
        END {exit bad}'
