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

void rw_h2_prioritise(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span value)
{
    unsigned urgency = RW_H2_URGENCY_DEFAULT;
    bool incremental = false;
    struct rw_span member;
    while (rw_span_next(&value, ',', &member))
        parameter(member, &urgency, &incremental);
    rw_h2_unready(h2, stream);
    stream->urgency = (uint8_t)urgency;
    stream->incremental = incremental;
    rw_h2_ready(h2, stream);
}
