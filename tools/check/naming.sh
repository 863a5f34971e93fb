#!/bin/sh
# In src/: functions that other files can see begin with rw_, structs are not typedef'd, a header
# is guarded by RW_LAYER_NAME_H and opens with a comment that tells its story.
set -eu
here=$(dirname "$0")
. "$here/common.sh"

sources src -- '*.[ch]' | complain -f "$here/c-lines.awk" -f "$here/naming.awk"
