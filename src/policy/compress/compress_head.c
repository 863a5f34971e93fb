/* Which responses are compressed, and what their heads say (RFC 9110 sections 8.4, 8.8, 12.5). */
#include "gate/exchange/exchange.h"
#include "gate/exchange/filter.h"
#include "policy/compress/compress_private.h"

/* ---- Media types ---- */

static struct rw_span without_parameters(struct rw_span type)
{
    ptrdiff_t semicolon = rw_span_find(type, ';');
    return rw_span_trim(semicolon < 0 ? type : rw_span(type.at, (size_t)semicolon));
}

bool rw_compress_type_matches(struct rw_span pattern, struct rw_span type)
{
    type = without_parameters(type);
    ptrdiff_t star = rw_span_find(pattern, '*');
    if (star < 0)
        return rw_span_eq_nocase(pattern, type);
    struct rw_span start = rw_span(pattern.at, (size_t)star);
    struct rw_span end = rw_span_skip(pattern, (size_t)star + 1);
    if (type.len < start.len + end.len)
        return false;
    return rw_span_eq_nocase(rw_span(type.at, start.len), start) &&
           rw_span_eq_nocase(rw_span_skip(type, type.len - end.len), end);
}

bool rw_compress_type_is_compressed(struct rw_span type)
{
    static const char *const patterns[] = {"image/jpeg",         "image/png",
                                           "image/gif",          "image/webp",
                                           "image/avif",         "image/jxl",
                                           "image/heic",         "image/heif",
                                           "image/apng",         "video/*",
                                           "audio/mpeg",         "audio/aac",
                                           "audio/mp4",          "audio/ogg",
                                           "audio/webm",         "audio/flac",
                                           "audio/opus",         "font/woff",
                                           "font/woff2",         "application/gzip",
                                           "application/x-gzip", "application/zip",
                                           "application/zstd",   "application/x-bzip2",
                                           "application/x-xz",   "application/x-7z-*",
                                           "application/x-rar*", "application/vnd.rar",
                                           "application/grpc*",  "application/epub+zip"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (rw_compress_type_matches(rw_span_text(patterns[i]), type))
            return true;
    return false;
}

static bool type_is_wanted(const struct rw_compress *policy, struct rw_span type)
{
    const struct rw_span *patterns = policy->config->types.items;
    for (size_t i = 0; i < policy->config->types.count; i++)
        if (rw_compress_type_matches(patterns[i], type))
            return !rw_compress_type_is_compressed(type);
    return false;
}

/* ---- Decisions ---- */

/* The directive is of requests too (RFC 9111 section 5.2.1.6). */
static bool may_transform(const struct rw_exchange *x)
{
    return !rw_message_has_token(&x->response, RW_FIELD_CACHE_CONTROL, "no-transform") &&
           !rw_message_has_token(&x->request, RW_FIELD_CACHE_CONTROL, "no-transform");
}

static bool has_credentials(const struct rw_exchange *x)
{
    return x->identity || rw_message_find(&x->request, RW_FIELD_COOKIE) ||
           rw_message_find(&x->request, RW_FIELD_AUTHORIZATION) ||
           rw_message_find(&x->response, RW_FIELD_SET_COOKIE);
}

/* Sec-Fetch-Site (W3C Fetch Metadata): scripts cannot forge it. */
static bool is_cross_site(const struct rw_exchange *x)
{
    const struct rw_field *site = rw_message_find_name(&x->request, RW_LITERAL("Sec-Fetch-Site"));
    return site && rw_span_is_nocase(site->value, "cross-site");
}

static bool secrets_at_risk(const struct rw_exchange *x, const struct rw_compress *policy)
{
    switch ((enum rw_compress_credentials)policy->config->credentials) {
    case RW_COMPRESS_SKIP_CROSS_SITE:
        return is_cross_site(x) && has_credentials(x);
    case RW_COMPRESS_SKIP_ALL:
        return has_credentials(x);
    case RW_COMPRESS_SKIP_NONE:
        break;
    }
    return false;
}

static bool too_small(const struct rw_message *response, uint64_t bytes_min)
{
    bool known = response->body_kind == RW_BODY_LENGTH || response->has_length;
    return known && (response->body_bytes == 0 || response->body_bytes < bytes_min);
}

enum rw_compress_answer rw_compress_decide(const struct rw_exchange *x,
                                           const struct rw_compress *policy, enum rw_coding *coding)
{
    const struct rw_message *response = &x->response;
    if (response->status == 304) /* it has no type: what it stands for may have been any */
        return RW_COMPRESS_VARY;
    bool head = x->request.method == RW_METHOD_HEAD;
    bool possible = head ? !rw_status_bodiless(response->status) : rw_filter_response_possible(x);
    if (!possible || response->status == 205 ||
        rw_message_find(response, RW_FIELD_CONTENT_ENCODING) ||
        !type_is_wanted(policy, rw_message_value(response, RW_FIELD_CONTENT_TYPE)) ||
        !may_transform(x))
        return RW_COMPRESS_NOT;
    if (response->status == 206 || rw_message_find(response, RW_FIELD_CONTENT_RANGE))
        return RW_COMPRESS_VARY;
    if (too_small(response, policy->config->bytes_min))
        return RW_COMPRESS_NOT;
    struct rw_accept accept = rw_accept_read(&x->request);
    int chosen = rw_accept_choose(&accept, policy->order, policy->order_count);
    if (chosen < 0 || secrets_at_risk(x, policy))
        return RW_COMPRESS_VARY;
    *coding = (enum rw_coding)chosen;
    return RW_COMPRESS_YES;
}

/* ---- Heads ---- */

/* Is W/ and the tag in the list? A tag may hold commas, and no quotes. */
static bool names_weak(struct rw_span list, struct rw_span tag)
{
    for (; list.len >= tag.len + 2; list = rw_span_skip(list, 1))
        if (list.at[0] == 'W' && list.at[1] == '/' &&
            rw_span_eq(rw_span(list.at + 2, tag.len), tag))
            return true;
    return false;
}

enum rw_err rw_compress_weaken_304(struct rw_exchange *x)
{
    struct rw_span tag = rw_message_value(&x->response, RW_FIELD_ETAG);
    if (tag.len < 2 || tag.at[0] != '"')
        return RW_OK;
    for (unsigned i = 0; i < x->request.field_count; i++) {
        const struct rw_field *field = &x->request.fields[i];
        if (field->id != RW_FIELD_IF_NONE_MATCH || !names_weak(field->value, tag))
            continue;
        struct rw_span weak = rw_arena_format(&x->arena, "W/%.*s", RW_SPAN_ARGS(tag));
        return weak.at ? rw_message_set(&x->response, &x->arena, RW_LITERAL("ETag"), weak)
                       : RW_ENOMEM;
    }
    return RW_OK;
}
