#!/bin/sh
# Runs every fuzzer of a fuzz build in turn: tools/fuzz.sh BUILD-DIRECTORY SECONDS-EACH
# Starts from tests/fuzz/corpus/TOPIC and what earlier runs left in BUILD-DIRECTORY/corpus/TOPIC,
# and leaves new inputs and crashes under BUILD-DIRECTORY. An input worth keeping is copied to
# tests/fuzz/corpus by hand, where every build replays it.
set -eu

build=$1
seconds=$2
failed=

for fuzzer in "$build"/fuzzers/*_fuzz; do
    [ -x "$fuzzer" ] || { echo "no fuzzers in $build"; exit 1; }
    topic=$(basename "$fuzzer" _fuzz)
    seeds=tests/fuzz/corpus/$topic
    found=$build/corpus/$topic
    mkdir -p "$found" "$build/crashes" "$build/logs"
    dictionary=tests/fuzz/corpus/$topic.dict
    set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/crashes/$topic-"
    [ ! -f "$dictionary" ] || set -- "$@" -dict="$dictionary"
    set -- "$@" "$found"
    [ ! -d "$seeds" ] || set -- "$@" "$seeds"
    printf '%-24s ' "$topic"
    if "$fuzzer" "$@" >"$build/logs/$topic.log" 2>&1; then
        awk '/stat::number_of_executed_units/ {runs = $2} /cov: / {cov = $0; sub(/.*cov: /, "", cov);
            sub(/ .*/, "", cov)} END {printf "%d runs, coverage %d\n", runs, cov}' \
            "$build/logs/$topic.log"
    else
        echo "FAILED"
        grep -vE '^(#|NEW_FUNC|INFO)' "$build/logs/$topic.log" | tail -n 60
        failed="$failed $topic"
    fi
done

[ -z "$failed" ] || { echo "Fuzzers that failed:$failed (inputs in $build/crashes)"; exit 1; }
