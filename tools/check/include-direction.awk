BEGIN {
    count = split(order, layers, " ")
    for (i = 1; i <= count; i++)
        rank[layers[i]] = i
}
/^#[ \t]*include/ {
    where = FILENAME ":" FNR ": "
    target = $0
    sub(/^#[ \t]*include[ \t]*/, "", target)
    quoted = target ~ /^"/
    sub(/^["<]/, "", target)
    sub(/[">].*$/, "", target)
    if (target ~ /\.c$/)
        print where "includes the source file " target
    if (quoted && FILENAME ~ /^src\//)
        check(FILENAME, target)
}

function check(from, to)
{
    sub(/^src\//, "", from)
    sub(/\/.*/, "", from)
    if (to !~ /\//) {
        print where "\"" to "\" is not a path from src/"
        return
    }
    sub(/\/.*/, "", to)
    if (!(to in rank))
        print where "\"" target "\" is in no layer (" order ")"
    else if (!(from in rank))
        print where "src/" from " is not a layer (" order ")"
    else if (rank[to] > rank[from])
        print where from " is below " to " and must not include it"
    else if (from == "load" && to == "gate")
        print where "load must not include gate, which it measures"
}
