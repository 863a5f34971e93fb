#!/bin/sh
# No function is longer than 60 lines, from the line of its name to its closing brace.
# Leans on .clang-format: names, opening and closing braces of functions stand in column 0.
set -eu
here=$(dirname "$0")
. "$here/common.sh"

sources src tests bench -- '*.[ch]' | complain -f "$here/c-lines.awk" -f "$here/function-length.awk"
