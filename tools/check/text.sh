#!/bin/sh
# Text files are clean: no trailing blanks, no carriage returns, no tabs in C, a newline at the
# end. (Markdown may end a line with two blanks.) Programs are C, shell, awk or JavaScript.
set -eu
. "$(dirname "$0")/common.sh"
status=0

sources src tests bench tools cmake docs web examples -- \
    '*.[ch]' '*.h.in' '*.sh' '*.awk' '*.mjs' '*.js' '*.css' '*.html' '*.yaml' '*.cmake' |
    grep -v '^tests/.*/corpus/' |
    complain '
        /\r/ {print FILENAME ":" FNR ": carriage return"}
        /[ \t]$/ {print FILENAME ":" FNR ": blank at the end of the line"}
        /\t/ && FILENAME ~ /\.[ch]$/ {print FILENAME ":" FNR ": tab"}' || status=1

for file in $(sources src tests bench tools cmake -- '*.[ch]' '*.sh' '*.awk' '*.mjs' '*.cmake'); do
    if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file:$(($(wc -l <"$file") + 1)): no newline at the end"
        status=1
    fi
done

for file in $(sources src tests bench tools web -- '*.py' '*.pl' '*.rb'); do
    echo "$file:1: a program in a language that this tree does without"
    status=1
done
exit $status
