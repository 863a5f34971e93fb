# Sourced by the checks. Each check is run in the root of a tree, prints `file:line: what is wrong`
# for every violation, and ends with 1 if there was one.

# Source files of the tree, whether git knows them yet or not: sources DIRECTORY... -- PATTERN...
sources()
{
    directories=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        [ ! -d "$1" ] || directories="$directories $1"
        shift
    done
    shift
    [ -n "$directories" ] || return 0
    for pattern in "$@"; do
        find $directories -name node_modules -prune -o -type f -name "$pattern" -print
    done | sort
}

# Runs awk over the files named on standard input; fails if it printed anything: complain AWK-ARGUMENT...
complain()
{
    complaints=$(xargs -r awk "$@")
    [ -z "$complaints" ] || { printf '%s\n' "$complaints"; return 1; }
}
