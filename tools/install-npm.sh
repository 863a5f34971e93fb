#!/bin/sh
# Installs the clients and servers that the scenarios drive: tests/node_modules, exactly as
# tests/package-lock.json has them. Does nothing while that file is what was installed last.
set -eu
cd "$(dirname "$0")/../tests"

installed=node_modules/.ringway-lock
if cmp -s package-lock.json "$installed"; then
    exit 0
fi
if ! command -v npm >/dev/null; then
    echo "The tests need packages from npm, and there is no npm: apt-get install npm (make deps)" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing the tests' npm packages"
if ! npm ci --no-progress --loglevel=error >"$log" 2>&1; then
    cat "$log" >&2
    echo "failed: npm ci in tests/ (it asks the registry that npm is configured for)" >&2
    exit 1
fi
cp package-lock.json "$installed"
