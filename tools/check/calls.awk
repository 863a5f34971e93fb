BEGIN {
    word = "(^|[^A-Za-z0-9_.>])"
    unsafe = word "(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|atoll|atof)[ \t]*\\("
    jump = word "(setjmp|longjmp)[ \t]*\\("
    memory = word "(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|aligned_alloc|posix_memalign)[ \t]*\\("
}
{ where = FILENAME ":" FNR ": " }
match(code, unsafe) { print where called() " is not used here" }
match(code, jump) && $0 !~ /\/\* library: / { print where called() " is not used here" }
match(code, memory) && FILENAME != "src/base/alloc.c" && $0 !~ /\/\* libc: / {
    print where called() " instead of base/alloc.h"
}
match(code, word "assert[ \t]*\\(") || code ~ /^#[ \t]*include[ \t]*<assert.h>/ {
    print where "assert instead of rw_assert (base/err.h)"
}

function called(    text)
{
    text = substr(code, RSTART, RLENGTH)
    gsub(/[^A-Za-z0-9_]/, "", text)
    return text "()"
}
