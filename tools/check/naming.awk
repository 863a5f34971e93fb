FNR == 1 {
    guarded = 0
    signature = ""
    if (FILENAME ~ /\.h$/ && $0 !~ /^\/[*\/]/)
        print FILENAME ":1: a header opens with a comment on its use"
}
FILENAME ~ /\.h$/ && !guarded && code ~ /^#[ \t]*ifndef/ {
    guarded = 1
    guard = FILENAME
    sub(/^src\//, "", guard)
    guard = "RW_" toupper(guard)
    gsub(/[^A-Z0-9]/, "_", guard)
    if ($2 != guard)
        print FILENAME ":" FNR ": guard " $2 ", expected " guard
}
code ~ /(^|[^A-Za-z0-9_])typedef[ \t]+(struct|union)([^A-Za-z0-9_]|$)/ && code !~ /\(\*/ {
    print FILENAME ":" FNR ": typedef of a struct or union"
}
code ~ /^[A-Za-z_]/ { signature = code; line = FNR }
code ~ /^\{/ && signature ~ /\(/ && signature !~ /(^|[ \t])static[ \t]/ && signature !~ /=/ {
    name = signature
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    # A macro that writes the signature, such as a table of functions, answers for its own names.
    if (name !~ /^rw_/ && name !~ /^[A-Z0-9_]+$/ && !(name == "main" && FILENAME ~ /^src\/cli\//))
        print FILENAME ":" line ": " name "() is visible to other files and lacks the prefix rw_"
    signature = ""
}
