# For checks that look at C code, not at what it says in comments and strings. Used with a second
# -f: sets `code` to the current line without comments and with emptied literals.
FNR == 1 { in_comment = 0 }
{ code = strip($0) }

function strip(line,    out, c, two, quote, i, n)
{
    out = ""
    quote = ""
    n = length(line)
    if (!in_comment && line !~ /["'\/]/)
        return line
    for (i = 1; i <= n; i++) {
        c = substr(line, i, 1)
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
        } else if (quote != "") {
            if (c == "\\") i++
            else if (c == quote) { quote = ""; out = out c }
        } else if (two == "/*") {
            in_comment = 1; i++
        } else if (two == "//") {
            break
        } else {
            if (c == "\"" || c == "'") quote = c
            out = out c
        }
    }
    return out
}
