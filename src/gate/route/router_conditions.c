/* Conditions besides host and path. */
#include "gate/route/router_table.h"
#include "http/pairs.h"

/* Longest decoded query value that a regex is tried on; a longer one counts as one that exhausts
 * it. */
enum { QUERY_VALUE_BYTES_MAX = 4096 };

bool rw_router_method_holds(const struct rw_router_route *route, const struct rw_message *message)
{
    if (!route->methods)
        return true;
    if (!(route->methods & 1u << message->method))
        return false;
    if (message->method != RW_METHOD_OTHER)
        return true;
    for (unsigned i = 0; i < route->other_method_count; i++)
        if (rw_span_eq(route->other_methods[i], message->method_text))
            return true;
    return false;
}

static enum rw_router_regex_result header_holds(const struct rw_router_condition *condition,
                                                struct rw_span value)
{
    if (condition->test == RW_ROUTER_MATCHES)
        return rw_router_regex_match(condition->regex, value, NULL);
    return condition->test == RW_ROUTER_PRESENT || rw_span_eq(condition->value, value)
               ? RW_REGEX_YES
               : RW_REGEX_NO;
}

static enum rw_router_regex_result find_header(const struct rw_router_condition *condition,
                                               const struct rw_message *message)
{
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        if (field->id != condition->field_id)
            continue;
        if (field->id == RW_FIELD_OTHER && !rw_span_eq_nocase(field->name, condition->name))
            continue;
        enum rw_router_regex_result result = header_holds(condition, field->value);
        if (result != RW_REGEX_NO)
            return result;
    }
    return RW_REGEX_NO;
}

static enum rw_router_regex_result match_decoded(const struct rw_router_regex *regex,
                                                 struct rw_span encoded)
{
    char decoded[QUERY_VALUE_BYTES_MAX];
    size_t len = 0;
    while (encoded.len) {
        if (len == sizeof(decoded))
            return RW_REGEX_EXHAUSTED;
        decoded[len++] = rw_pairs_decode(RW_PAIRS_QUERY, &encoded);
    }
    return rw_router_regex_match(regex, rw_span(decoded, len), NULL);
}

static enum rw_router_regex_result pair_holds(const struct rw_router_condition *condition,
                                              const struct rw_pair *pair)
{
    if (pair->whole.len == 0 || !rw_pairs_is(RW_PAIRS_QUERY, pair->name, condition->name))
        return RW_REGEX_NO;
    if (condition->test == RW_ROUTER_MATCHES)
        return match_decoded(condition->regex, pair->value);
    return condition->test == RW_ROUTER_PRESENT ||
                   rw_pairs_is(RW_PAIRS_QUERY, pair->value, condition->value)
               ? RW_REGEX_YES
               : RW_REGEX_NO;
}

static enum rw_router_regex_result find_query(const struct rw_router_condition *condition,
                                              struct rw_span query)
{
    struct rw_pair pair;
    while (rw_pairs_next(RW_PAIRS_QUERY, &query, &pair)) {
        enum rw_router_regex_result result = pair_holds(condition, &pair);
        if (result != RW_REGEX_NO)
            return result;
    }
    return RW_REGEX_NO;
}

struct rw_router_verdict rw_router_conditions(const struct rw_router_route *route,
                                              const struct rw_message *message)
{
    struct rw_router_verdict verdict = {.wrong_method = !rw_router_method_holds(route, message)};
    unsigned count = route->header_count + route->query_count;
    for (unsigned i = 0; i < count; i++) {
        bool header = i < route->header_count;
        verdict.condition = header ? &route->headers[i] : &route->queries[i - route->header_count];
        enum rw_router_regex_result result = header ? find_header(verdict.condition, message)
                                                    : find_query(verdict.condition, message->query);
        if (result == RW_REGEX_YES)
            continue;
        verdict.kind = header ? RW_ROUTER_FAILS_HEADER : RW_ROUTER_FAILS_QUERY;
        if (result == RW_REGEX_EXHAUSTED)
            verdict.kind = RW_ROUTER_EXHAUSTED;
        return verdict;
    }
    if (verdict.wrong_method)
        verdict.kind = RW_ROUTER_FAILS_METHOD;
    return verdict;
}
