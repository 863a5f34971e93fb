#include "policy/identity/credential.h"

#include "gate/config/settable.h"
#include "http/pairs.h"
#include "policy/query/query_edit.h"

/* ---- Finding ---- */

static enum rw_credential_found find_field(const struct rw_exchange *x, struct rw_span name,
                                           struct rw_span *value)
{
    const struct rw_field *first = rw_message_find_name(&x->request, name);
    if (!first)
        return RW_CREDENTIAL_NONE;
    const struct rw_field *end = x->request.fields + x->request.field_count;
    for (const struct rw_field *field = first + 1; field < end; field++)
        if (rw_span_eq_nocase(field->name, name) && !rw_span_eq(field->value, first->value))
            return RW_CREDENTIAL_SEVERAL;
    *value = first->value;
    return RW_CREDENTIAL_ONE;
}

static enum rw_credential_found find_pair(struct rw_exchange *x, enum rw_pairs kind,
                                          struct rw_span name, struct rw_span *value)
{
    struct rw_pairs_found found = rw_pairs_find(&x->request, kind, name);
    if (!found.there)
        return RW_CREDENTIAL_NONE;
    if (found.ambiguous)
        return RW_CREDENTIAL_SEVERAL;
    *value = found.value;
    char *to = found.value.len ? rw_arena_alloc(&x->arena, found.value.len) : NULL;
    if (to)
        *value = rw_span(to, rw_pairs_decode_all(kind, found.value, to));
    return RW_CREDENTIAL_ONE;
}

enum rw_credential_found rw_credential_find(const struct rw_credential *credential,
                                            struct rw_exchange *x, struct rw_span *value)
{
    if (credential->kind == RW_CREDENTIAL_QUERY)
        return find_pair(x, RW_PAIRS_QUERY, credential->name, value);
    if (credential->kind == RW_CREDENTIAL_COOKIE)
        return find_pair(x, RW_PAIRS_COOKIE, credential->name, value);
    return find_field(x, credential->name, value);
}

/* ---- Removing ---- */

/* "/a?key=1&b=2" without `key`. */
static enum rw_err remove_parameter(struct rw_arena *arena, struct rw_span name,
                                    struct rw_span *target)
{
    struct rw_query_removal removal = {.name = name};
    const struct rw_query_edits edits = {.removals = &removal, .removal_count = 1};
    ptrdiff_t mark = rw_span_find(*target, '?');
    if (mark < 0)
        return RW_OK;
    struct rw_span query = rw_span_skip(*target, (size_t)mark + 1);
    char *to = rw_arena_alloc(arena, target->len);
    if (!to)
        return RW_ENOMEM;
    memcpy(to, target->at, (size_t)mark + 1);
    size_t len = rw_query_edit(&edits, query, NULL, to + mark + 1);
    *target = rw_span(to, (size_t)mark + (len ? len + 1 : 0));
    return RW_OK;
}

/* A policy before may have rewritten what goes upstream. */
static enum rw_err remove_query(struct rw_exchange *x, struct rw_span name)
{
    struct rw_message *request = &x->request;
    bool same = x->upstream_target.at == request->target.at;
    enum rw_err err = remove_parameter(&x->arena, name, &request->target);
    if (err)
        return err;
    ptrdiff_t mark = rw_span_find(request->target, '?');
    request->path = rw_span(request->target.at, mark < 0 ? request->target.len : (size_t)mark);
    request->query =
        mark < 0 ? (struct rw_span){0} : rw_span_skip(request->target, (size_t)mark + 1);
    if (!same)
        return remove_parameter(&x->arena, name, &x->upstream_target);
    x->upstream_target = request->target;
    return RW_OK;
}

static size_t cookies_bytes(const struct rw_message *request)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < request->field_count; i++)
        if (request->fields[i].id == RW_FIELD_COOKIE)
            bytes += request->fields[i].value.len + 2;
    return bytes;
}

static char *put_cookies(char *begin, char *to, struct rw_span list, struct rw_span name)
{
    struct rw_pair pair;
    while (rw_pairs_next(RW_PAIRS_COOKIE, &list, &pair)) {
        if (!pair.whole.len || rw_pairs_is(RW_PAIRS_COOKIE, pair.name, name))
            continue;
        if (to > begin) {
            *to++ = ';';
            *to++ = ' ';
        }
        memcpy(to, pair.whole.at, pair.whole.len);
        to += pair.whole.len;
    }
    return to;
}

/* What is left of all Cookie fields goes in one. */
static enum rw_err remove_cookie(struct rw_exchange *x, struct rw_span name)
{
    struct rw_message *request = &x->request;
    char *begin = rw_arena_alloc(&x->arena, cookies_bytes(request) + 1), *to = begin;
    if (!begin)
        return RW_ENOMEM;
    for (unsigned i = 0; i < request->field_count; i++)
        if (request->fields[i].id == RW_FIELD_COOKIE)
            to = put_cookies(begin, to, request->fields[i].value, name);
    struct rw_span field = rw_field_name(RW_FIELD_COOKIE);
    if (to > begin)
        return rw_message_set(request, &x->arena, field, rw_span(begin, (size_t)(to - begin)));
    rw_message_remove(request, field);
    return RW_OK;
}

enum rw_err rw_credential_remove(const struct rw_credential *credential, struct rw_exchange *x)
{
    if (credential->kind == RW_CREDENTIAL_QUERY)
        return remove_query(x, credential->name);
    if (credential->kind == RW_CREDENTIAL_COOKIE)
        return remove_cookie(x, credential->name);
    rw_message_remove(&x->request, credential->name);
    return RW_OK;
}

/* ---- Configuration ---- */

void rw_credential_explain(const struct rw_credential *credential, struct rw_text *text)
{
    static const char *const kinds[] = {"header", "query", "cookie"};
    rw_text_addf(text, "%s %.*s", kinds[credential->kind], RW_SPAN_ARGS(credential->name));
}

void rw_credential_check_header(const struct rw_span *name, struct rw_conf_report *report)
{
    const char *flaw = name->len ? rw_settable_flaw(*name, RW_SETTABLE_REQUEST) : NULL;
    if (!flaw && rw_field_id(*name) == RW_FIELD_COOKIE)
        flaw = "has cookies: use `cookie`";
    if (flaw)
        rw_conf_mistake_on(report, name, "%s cannot have a credential: it %s",
                           rw_conf_quote(report, *name), flaw);
}
