#include "policy/query/query_edit.h"

struct writer {
    char *to; /* NULL: only measures */
    size_t len;
};

static void put(struct writer *writer, struct rw_span text)
{
    if (writer->to && text.len)
        memcpy(writer->to + writer->len, text.at, text.len);
    writer->len += text.len;
}

static void part(struct writer *writer)
{
    if (writer->len)
        put(writer, RW_LITERAL("&"));
}

/* Does the encoded text begin with this plain one? */
static bool begins(struct rw_span encoded, struct rw_span plain)
{
    for (size_t i = 0; i < plain.len; i++)
        if (!encoded.len || rw_pairs_decode(RW_PAIRS_QUERY, &encoded) != plain.at[i])
            return false;
    return true;
}

static bool is_removed(const struct rw_query_edits *edits, struct rw_span name)
{
    for (unsigned i = 0; i < edits->removal_count; i++) {
        const struct rw_query_removal *removal = &edits->removals[i];
        if (removal->prefix ? begins(name, removal->name)
                            : rw_pairs_is(RW_PAIRS_QUERY, name, removal->name))
            return true;
    }
    return false;
}

static const struct rw_query_rename *find_rename(const struct rw_query_edits *edits,
                                                 struct rw_span name)
{
    for (unsigned i = 0; i < edits->rename_count; i++)
        if (rw_pairs_is(RW_PAIRS_QUERY, name, edits->renames[i].name))
            return &edits->renames[i];
    return NULL;
}

static bool is_set(const struct rw_query_edits *edits, struct rw_span name)
{
    for (unsigned i = 0; i < edits->put_count; i++)
        if (edits->puts[i].set && rw_pairs_is(RW_PAIRS_QUERY, name, edits->puts[i].name))
            return true;
    return false;
}

static void keep(const struct rw_query_edits *edits, const struct rw_pair *pair,
                 struct writer *writer)
{
    if (is_removed(edits, pair->name))
        return;
    const struct rw_query_rename *rename = find_rename(edits, pair->name);
    if (rename ? rename->gone : is_set(edits, pair->name))
        return;
    part(writer);
    put(writer, rename ? rename->to : pair->name);
    put(writer, rw_span_skip(pair->whole, pair->name.len)); /* "=value" */
}

size_t rw_query_edit(const struct rw_query_edits *edits, struct rw_span query,
                     const struct rw_span *values, char *to)
{
    struct writer writer = {.to = to};
    struct rw_pair pair;
    while (rw_pairs_next(RW_PAIRS_QUERY, &query, &pair))
        if (pair.whole.len)
            keep(edits, &pair, &writer);
    for (unsigned i = 0; i < edits->put_count; i++) {
        part(&writer);
        put(&writer, edits->puts[i].encoded);
        put(&writer, RW_LITERAL("="));
        put(&writer, values[i]);
    }
    return writer.len;
}
