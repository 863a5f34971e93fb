FNR == 1 || code ~ /^\}/ { split("", seen) }
code ~ /^[ \t]*[A-Za-z_][A-Za-z0-9_]*:([ \t]*;?[ \t]*)$/ && code !~ /^[ \t]*default:/ {
    label = code
    gsub(/[^A-Za-z0-9_]/, "", label)
    seen[label] = FNR
}
match(code, /(^|[^A-Za-z0-9_])goto[ \t]+[A-Za-z_][A-Za-z0-9_]*/) {
    label = substr(code, RSTART, RLENGTH)
    sub(/.*goto[ \t]+/, "", label)
    if (label in seen)
        print FILENAME ":" FNR ": goto " label " goes back to line " seen[label]
}
