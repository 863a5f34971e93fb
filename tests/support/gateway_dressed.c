/* Policies that only add to requests and answers, or look at them, all at once and in every
 * configuration of a world that is dressed. What must hold, whatever fails: nothing is there twice,
 * nothing is missing, one request has one identity at every try and with its answer, and what the
 * client has asked for comes to the origin as it was. */
#include "support/gateway_world.h"

#include <stdio.h>

void rw_test_dressed_policies(struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(
        yaml, " request_id: {}, security_headers: {}, cors: { origins: \"" RW_TEST_PAGE_ORIGIN
              "\" }, maintenance: { allow: \"0.0.0.0/0\" }, address: { allow: \"0.0.0.0/0\" },"
              " headers: { response: { set: { X-Dressed: once } } },"
              " query: { remove: absent, rename: { missing: other } },");
}

void rw_test_dressed_arrived(struct rw_test_world *world, struct rw_test_request *r,
                             struct rw_span id, unsigned count)
{
    if (count != 1 || id.len == 0 || id.len >= sizeof(r->identity))
        rw_test_fail(world, "%u: %u identities: %.*s", r->id, count, RW_SPAN_ARGS(id));
    else if (r->visits) /* several ask for it */
        ;
    else if (r->arrivals > 1 && *r->identity && !rw_span_is(id, r->identity))
        rw_test_fail(world, "%u: was %s and is %.*s", r->id, r->identity, RW_SPAN_ARGS(id));
    else
        snprintf(r->identity, sizeof(r->identity), "%.*s", RW_SPAN_ARGS(id));
}

static void check_field(struct rw_test_world *world, const struct rw_test_reader *reader,
                        const struct rw_test_request *r, const char *name, const char *value)
{
    if (rw_test_head_count(reader, name) != 1 ||
        !rw_span_is(rw_test_head_value(reader, name), value))
        rw_test_fail(world, "%u: %s is not %s: %s", r->id, name, value, reader->head);
}

void rw_test_dressed_answered(struct rw_test_world *world, const struct rw_test_reader *reader,
                              const struct rw_test_request *r)
{
    if (!r->from_origin)
        return;
    check_field(world, reader, r, "X-Dressed", "once");
    check_field(world, reader, r, "X-Content-Type-Options", "nosniff");
    check_field(world, reader, r, "Access-Control-Allow-Origin", RW_TEST_PAGE_ORIGIN);
    if (*r->identity)
        check_field(world, reader, r, "X-Request-Id", r->identity);
    world->dressed_answers++;
}
