/* RFC 9218 section 4: the parameters u and i of a dictionary (RFC 8941 section 3.2). What is
 * malformed or unknown is passed over. */
#include "http/h2_engine.h"

static void parameter(struct rw_span member, unsigned *urgency, bool *incremental)
{
    ptrdiff_t semicolon = rw_span_find(member, ';');
    if (semicolon >= 0)
        member = rw_span_trim(rw_span(member.at, (size_t)semicolon));
    if (member.len == 3 && member.at[0] == 'u' && member.at[1] == '=' && member.at[2] >= '0' &&
        member.at[2] <= '7')
        *urgency = (unsigned)(member.at[2] - '0');
    else if (rw_span_is(member, "i") || rw_span_is(member, "i=?1"))
        *incremental = true;
    else if (rw_span_is(member, "i=?0"))
        *incremental = false;
}

static struct rw_h2_early_priority parse(struct rw_span value)
{
    unsigned urgency = RW_H2_URGENCY_DEFAULT;
    bool incremental = false;
    struct rw_span member;
    while (rw_span_next(&value, ',', &member))
        parameter(member, &urgency, &incremental);
    return (struct rw_h2_early_priority){.urgency = (uint8_t)urgency, .incremental = incremental};
}

static void apply(struct rw_h2 *h2, struct rw_h2_stream *stream,
                  struct rw_h2_early_priority priority)
{
    rw_h2_unready(h2, stream);
    stream->urgency = priority.urgency;
    stream->incremental = priority.incremental;
    rw_h2_ready(h2, stream);
}

void rw_h2_prioritise(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span value)
{
    apply(h2, stream, parse(value));
}

/* ---- Ahead of the request ---- */

static struct rw_h2_early_priority *find_early(struct rw_h2_table *table, uint32_t id)
{
    for (unsigned i = 0; i < RW_H2_EARLY_PRIORITIES && i < table->early_count; i++)
        if (table->early[i].id == id)
            return &table->early[i];
    return NULL;
}

void rw_h2_prioritise_early(struct rw_h2 *h2, uint32_t id, struct rw_span value)
{
    if (!rw_h2_table_make(h2))
        return;
    struct rw_h2_table *table = h2->table;
    struct rw_h2_early_priority *to = find_early(table, id);
    if (!to)
        to = &table->early[table->early_count++ % RW_H2_EARLY_PRIORITIES];
    *to = parse(value);
    to->id = id;
}

void rw_h2_prioritise_new(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span value)
{
    struct rw_h2_early_priority *early = find_early(h2->table, stream->id);
    if (early)
        apply(h2, stream, *early);
    else if (value.at)
        rw_h2_prioritise(h2, stream, value);
}
