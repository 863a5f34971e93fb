#!/bin/sh
# goto goes forward only.
set -eu
here=$(dirname "$0")
. "$here/common.sh"

sources src tests bench -- '*.[ch]' | complain -f "$here/c-lines.awk" -f "$here/goto.awk"
