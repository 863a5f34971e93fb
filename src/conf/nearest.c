/* The nearest name: what somebody who mistyped a word most likely meant. */
#include "conf/read.h"

enum { NAME_BYTES_MAX = 64 };

/* Case and the choice between '-' and '_' are not typing errors worth a point. */
static char fold(char c)
{
    return c == '-' ? '_' : rw_lower(c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Damerau-Levenshtein in its restricted form (optimal string alignment), three rows at a time. */
static unsigned distance(struct rw_span a, struct rw_span b)
{
    unsigned rows[3][NAME_BYTES_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++) {
        before[j] = 0;
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = fold(a.at[i - 1]), y = fold(b.at[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            bool swapped = i > 1 && j > 1 && x == fold(b.at[j - 2]) && fold(a.at[i - 2]) == y;
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

const char *rw_conf_nearest(struct rw_span name, const char *const *names, size_t count)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return NULL;
    /* A third of the word may be wrong, but never all of it. */
    unsigned best = name.len < 6 ? 1 : (unsigned)name.len / 3;
    best = best > 4 ? 4 : best;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        struct rw_span candidate = rw_span_text(names[i]);
        size_t gap = candidate.len > name.len ? candidate.len - name.len : name.len - candidate.len;
        if (candidate.len == 0 || candidate.len > NAME_BYTES_MAX || gap > best)
            continue;
        unsigned d = distance(name, candidate);
        if (d > best || d >= candidate.len || (nearest && d == best))
            continue;
        best = d;
        nearest = names[i];
    }
    return nearest;
}
