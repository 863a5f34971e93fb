#!/bin/sh
# The layers under src/ include downwards only. The order is the one in which CMakeLists.txt
# links them (RW_LAYERS, lowest first), with cli on top. The load generator stays apart from the
# gate, which it measures. Quoted includes name a path from src/, and nobody includes a .c file.
set -eu
here=$(dirname "$0")
. "$here/common.sh"

order=$(awk '/^set\(RW_LAYERS / {sub(/^set\(RW_LAYERS /, ""); sub(/\).*/, ""); print}' CMakeLists.txt)
[ -n "$order" ] || { echo "CMakeLists.txt:1: no line set(RW_LAYERS ...)"; exit 1; }

sources src tests bench -- '*.[ch]' | complain -v order="$order cli" -f "$here/include-direction.awk"
