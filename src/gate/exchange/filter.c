#include "gate/exchange/filter.h"

#include "gate/exchange/exchange_filter.h"

/* ---- Heads ---- */

static bool endless(const struct rw_message *message)
{
    return message->body_kind == RW_BODY_CHUNKED || message->body_kind == RW_BODY_UNTIL_CLOSE;
}

bool rw_filter_response_possible(const struct rw_exchange *x)
{
    const struct rw_message *response = &x->response;
    bool tunnel = x->request.method == RW_METHOD_CONNECT && response->status / 100 == 2;
    return x->request.method != RW_METHOD_HEAD && !rw_status_bodiless(response->status) &&
           !tunnel && !rw_message_bodiless(response);
}

bool rw_filter_request_possible(const struct rw_exchange *x)
{
    return x->request.method != RW_METHOD_CONNECT && !rw_message_bodiless(&x->request);
}

bool rw_filter_message_stream(struct rw_span type)
{
    static const char *const types[] = {"text/event-stream",    "application/grpc",
                                        "application/x-ndjson", "application/jsonl",
                                        "application/json-seq", "multipart/x-mixed-replace"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct rw_span start = rw_span_text(types[i]);
        if (type.len >= start.len && rw_span_eq_nocase(rw_span(type.at, start.len), start))
            return true;
    }
    return false;
}

bool rw_filter_flushes(const struct rw_exchange *x)
{
    return endless(&x->response) ||
           rw_filter_message_stream(rw_message_value(&x->response, RW_FIELD_CONTENT_TYPE));
}

/* What is true of the bytes as they were (RFC 9530; Content-MD5 and Digest are what it replaced).
 */
static void remove_digests(struct rw_message *message)
{
    static const char *const names[] = {"Content-MD5", "Digest", "Content-Digest", "Repr-Digest"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        rw_message_remove(message, rw_span_text(names[i]));
}

static void forget_length(struct rw_message *message)
{
    rw_message_remove(message, rw_field_name(RW_FIELD_CONTENT_LENGTH));
    if (message->body_kind == RW_BODY_LENGTH)
        message->body_kind = RW_BODY_CHUNKED;
    message->has_length = false;
    message->body_bytes = 0;
}

/* RFC 9110 section 8.8.1: other bytes, the same meaning. */
static enum rw_err weaken_tag(struct rw_exchange *x)
{
    struct rw_span tag = rw_message_value(&x->response, RW_FIELD_ETAG);
    if (tag.len == 0 || tag.at[0] != '"')
        return RW_OK;
    struct rw_span weak = rw_arena_format(&x->arena, "W/%.*s", RW_SPAN_ARGS(tag));
    return weak.at ? rw_message_set(&x->response, &x->arena, RW_LITERAL("ETag"), weak) : RW_ENOMEM;
}

enum rw_err rw_filter_edit_response(struct rw_exchange *x, enum rw_filter_effect effect)
{
    if (effect == RW_FILTER_OBSERVES)
        return RW_OK;
    enum rw_err err = RW_OK;
    if (effect == RW_FILTER_RECODES)
        err = weaken_tag(x);
    if (err)
        return err;
    if (effect == RW_FILTER_REWRITES) {
        rw_message_remove(&x->response, RW_LITERAL("ETag"));
        rw_message_remove(&x->response, RW_LITERAL("Last-Modified"));
    }
    rw_message_remove(&x->response, RW_LITERAL("Accept-Ranges"));
    remove_digests(&x->response);
    forget_length(&x->response);
    return RW_OK;
}

static void edit_request(struct rw_exchange *x, enum rw_filter_effect effect)
{
    if (effect == RW_FILTER_OBSERVES)
        return;
    remove_digests(&x->request);
    forget_length(&x->request);
}

void rw_filter_pass_on(struct rw_piece *in, struct rw_piece *out)
{
    *out = *in;
    if (in->buf)
        rw_buf_hold(in->buf);
    in->data = rw_span_skip(in->data, in->data.len);
}

/* ---- Chains ---- */

static enum rw_err ensure_chain(struct rw_exchange *x, struct rw_filter_chain **chain)
{
    if (!*chain)
        *chain = rw_arena_zero(&x->arena, sizeof(**chain));
    return *chain ? RW_OK : RW_ENOMEM;
}

static void append(struct rw_filter_chain *chain, struct rw_exchange *x, struct rw_filter *filter)
{
    *filter =
        (struct rw_filter){.kind = filter->kind, .x = x, .chain = chain, .before = chain->last};
    if (chain->last)
        chain->last->next = filter;
    else
        chain->first = filter;
    chain->last = filter;
}

enum rw_err rw_filter_response(struct rw_exchange *x, struct rw_filter *filter)
{
    rw_assert(rw_filter_response_possible(x) && !x->responded);
    bool flush = rw_filter_flushes(x);
    enum rw_err err = ensure_chain(x, &x->response_filters);
    if (!err)
        err = rw_filter_edit_response(x, filter->kind->effect);
    if (err)
        return err;
    /* The first one still sees how the body comes. */
    if (!x->response_filters->first)
        x->response_filters->flush = flush;
    x->response_filters->response = true;
    append(x->response_filters, x, filter);
    return RW_OK;
}

/* Every piece of a request is flushed: an origin may answer while it still comes. */
enum rw_err rw_filter_request(struct rw_exchange *x, struct rw_filter *filter)
{
    rw_assert(rw_filter_request_possible(x) && !x->origin_started);
    enum rw_err err = ensure_chain(x, &x->request_filters);
    if (err)
        return err;
    edit_request(x, filter->kind->effect);
    x->request_filters->flush = true;
    append(x->request_filters, x, filter);
    return RW_OK;
}

static void give(struct rw_filter *filter, const struct rw_piece *piece)
{
    rw_assert(!filter->fed && !filter->last_fed);
    filter->in = *piece;
    filter->fed = true;
    filter->last_fed = piece->end;
}

void rw_filter_chain_feed(struct rw_filter_chain *chain, const struct rw_piece *piece)
{
    give(chain->first, piece);
    if (piece->buf)
        rw_buf_hold(piece->buf);
}

static void let_go(struct rw_filter *filter)
{
    rw_buf_drop(filter->in.buf);
    filter->in = (struct rw_piece){0};
    filter->fed = false;
}

/* It has given its last piece: what is before it is of no use any more. */
static void finish_until(struct rw_filter *filter)
{
    for (; filter; filter = filter->before) {
        let_go(filter);
        filter->last_fed = true;
    }
}

enum rw_filter_outcome rw_filter_chain_take(struct rw_filter_chain *chain, struct rw_piece *out)
{
    struct rw_filter *filter = chain->last;
    while (filter) {
        if (!filter->fed) {
            filter = filter->before;
            continue;
        }
        *out = (struct rw_piece){0};
        enum rw_filter_outcome outcome = filter->kind->step(filter, &filter->in, chain->flush, out);
        if (outcome == RW_FILTER_FAIL)
            chain->reason = filter->reason ? filter->reason : RW_REASON_MEMORY;
        if (outcome == RW_FILTER_WAIT || outcome == RW_FILTER_FAIL)
            return outcome;
        if (outcome == RW_FILTER_MORE) {
            rw_assert(!filter->last_fed && filter->in.data.len == 0);
            let_go(filter);
            continue;
        }
        if (out->data.len == 0 && !out->end) {
            rw_buf_drop(out->buf);
            continue;
        }
        if (out->end)
            finish_until(filter);
        if (!filter->next)
            return RW_FILTER_PIECE;
        filter = filter->next;
        give(filter, out);
    }
    return RW_FILTER_MORE;
}

bool rw_filter_chain_conclude(struct rw_filter_chain *chain)
{
    bool may = false;
    for (const struct rw_filter *filter = chain->first; filter; filter = filter->next) {
        if (filter->last_fed || filter->in.data.len)
            return false;
        if (filter->kind->may_conclude)
            may = filter->kind->may_conclude(filter);
    }
    /* What it was given last, and has used up, was the last. */
    if (may)
        chain->first->fed = chain->first->last_fed = chain->first->in.end = true;
    return may;
}

void rw_filter_chain_end(struct rw_filter_chain *chain)
{
    for (struct rw_filter *filter = chain->first; filter; filter = filter->next) {
        let_go(filter);
        if (filter->kind->end)
            filter->kind->end(filter);
    }
    *chain = (struct rw_filter_chain){0};
}

void rw_filter_wake(struct rw_filter *filter)
{
    if (filter->chain->held)
        return; /* the receiver's resume asks again */
    if (filter->chain->response)
        rw_exchange_go_on_response(filter->x);
    else
        rw_exchange_go_on_request(filter->x);
}
