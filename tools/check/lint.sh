#!/bin/bash
# clang-tidy (.clang-tidy) over the C sources of a build, within a time limit:
#   [LINT_SECONDS=240] [LINT_NODES=75000] [JOBS=2] tools/check/lint.sh BUILD-DIRECTORY
# A file that passed is not looked at again until it, or anything it includes, changes: passes are
# kept in BUILD-DIRECTORY/lint by a hash of the preprocessed text. Files that differ from the last
# commit come first. What the time did not reach is counted, and is no failure.
#
# Nearly all of the time goes into the static analyzer, and most of that into a few functions whose
# paths it follows to its own limit of 225000 nodes. With a third of that the whole tree takes a
# third of the time, so that every file is reached; LINT_NODES=225000 looks as deep as it can.
set -euo pipefail

build=${1:?usage: lint.sh BUILD-DIRECTORY}
deadline=$((SECONDS + ${LINT_SECONDS:-240}))
jobs=${JOBS:-2}
nodes=${LINT_NODES:-75000}
work=$build/lint
mkdir -p "$work"
rm -f "$work"/*.out "$work"/*.result

# The hash of what clang-tidy will see of one file.
fingerprint()
{
    {
        cat .clang-tidy "$1"
        echo "$nodes"
        clang -E -P -std=gnu17 -D_GNU_SOURCE -DRW_TEST -Isrc -Itests -I"$build/generated" "$1"
    } 2>/dev/null | sha256sum | cut -d ' ' -f 1
}

# The build may have options that only GCC has (link-time optimisation).
arguments=(--quiet -p "$build" --extra-arg=-Wno-ignored-optimization-argument)
for word in -Xclang -analyzer-config -Xclang "max-nodes=$nodes"; do
    arguments+=("--extra-arg=$word")
done

# Runs in the background; what it found goes to NAME.out, how it ended to NAME.result.
lint_one()
{
    local file=$1 name=${1//\//_} passed
    passed=$work/$(fingerprint "$file").pass
    if [ -e "$passed" ]; then
        echo same >"$work/$name.result"
    elif [ "$SECONDS" -ge "$deadline" ]; then
        echo late >"$work/$name.result"
    elif timeout "$((deadline - SECONDS + 5))" clang-tidy "${arguments[@]}" "$file" \
        >"$work/$name.out" 2>"$work/$name.err"; then
        touch "$passed"
        echo passed >"$work/$name.result"
    elif [ $? -eq 124 ]; then
        echo late >"$work/$name.result"
    else
        echo failed >"$work/$name.result"
    fi
}

known=$(grep -o '"file": "[^"]*"' "$build/compile_commands.json" | cut -d '"' -f 4 | sed "s|^$PWD/||" | sort -u)
changed=$(git status --porcelain 2>/dev/null | cut -c 4- || true)
ordered=$({
    grep -Fxf <(printf '%s\n' "$changed") <<<"$known" || true
    printf '%s\n' "$known"
} | awk '$0 != "" && !seen[$0]++')

for file in $ordered; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n || true
    done
    lint_one "$file" &
done
wait

find "$work" -name "*.out" -exec cat {} + | sed "s|^$PWD/||" | awk '!seen[$0]++'
count() { grep -lx "$1" "$work"/*.result 2>/dev/null | wc -l || true; }
echo "lint: $(count passed) passed, $(count same) unchanged, $(count failed) failed, $(count late) not reached in time"
for result in $(grep -lx failed "$work"/*.result 2>/dev/null || true); do
    [ -s "${result%.result}.out" ] || cat "${result%.result}.err"
done
[ "$(count failed)" -eq 0 ]
