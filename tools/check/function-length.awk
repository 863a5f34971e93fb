FNR == 1 { inside = 0; name_line = 0 }
code ~ /^[A-Za-z_]/ { name_line = FNR; name = code }
code ~ /^\{/ || (code ~ /^[A-Za-z_].*\)[ \t]*\{[ \t]*$/ && code !~ /=/) {
    if (name ~ /\(/ && name !~ /=/) {
        inside = 1
        start = name_line
        sub(/\(.*/, "", name)
        sub(/.*[ *]/, "", name)
        title = name
    }
}
code ~ /^\}/ && inside {
    inside = 0
    if (FNR - start + 1 > 60)
        print FILENAME ":" start ": " title "() has " (FNR - start + 1) " lines, more than 60"
}
