#!/bin/sh
# Every check that reads the tree as text, after a test that each of them still finds what it is for.
set -eu
here=$(dirname "$0")
status=0

"$here/selftest.sh"
for check in file-length function-length include-direction words stories calls naming goto text format; do
    if "$here/$check.sh"; then
        echo "ok      $check"
    else
        echo "FAILED  $check"
        status=1
    fi
done
exit $status
