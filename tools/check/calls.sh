#!/bin/sh
# Calls that src/ does without: unbounded or locale-dependent C functions, memory that does not
# come from base/alloc.h, asserts that a flag can switch off. What a library hands out to be freed
# with free() is marked on its line: /* libc: reason */. A jump out of a library that would end the
# process otherwise is marked too: /* library: reason */.
set -eu
here=$(dirname "$0")
. "$here/common.sh"

sources src -- '*.[ch]' | complain -f "$here/c-lines.awk" -f "$here/calls.awk"
