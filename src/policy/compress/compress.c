#include "policy/compress/compress.h"

#include "policy/compress/compress_private.h"

enum { TYPES_MAX = 64 };

static const char *const coding_names[] =
    {[RW_CODING_GZIP] = "gzip", [RW_CODING_BR] = "br", [RW_CODING_ZSTD] = "zstd", NULL};

static const char *const credentials_names[] = {
    [RW_COMPRESS_SKIP_CROSS_SITE] = "cross_site",
    [RW_COMPRESS_SKIP_ALL] = "always",
    [RW_COMPRESS_SKIP_NONE] = "never",
    NULL,
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct rw_compress_levels, member)
static const struct rw_conf_field level_fields[] = {
    {
        .name = "gzip",
        .type = RW_CONF_UINT,
        .offset = MEMBER(gzip),
        .fallback = "3",
        .min = 1,
        .max = 9,
        .doc = "Of gzip.",
    },
    {
        .name = "br",
        .type = RW_CONF_UINT,
        .offset = MEMBER(br),
        .fallback = "3",
        .min = 0,
        .max = 9,
        .doc = "Of brotli. From 5 on it takes longer than gzip does at its best.",
    },
    {
        .name = "zstd",
        .type = RW_CONF_UINT,
        .offset = MEMBER(zstd),
        .fallback = "3",
        .min = 1,
        .max = 12,
        .doc = "Of zstd.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record levels_record = {
    .name = "policy.compress.levels",
    .doc = "How hard each coding tries: more time, fewer bytes.",
    .size = sizeof(struct rw_compress_levels),
    .fields = level_fields,
    .place_offset = -1,
};

#define MEMBER(member) offsetof(struct rw_compress_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "codings",
        .type = RW_CONF_ENUM,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(codings),
        .fallback = "[zstd, br, gzip]",
        .names = coding_names,
        .doc = "The content codings that are offered, the preferred one first: of those that the "
               "client likes best it is taken.",
    },
    {
        .name = "types",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(types),
        .fallback = "[text/*, application/json, application/*+json, application/javascript, "
                    "application/x-javascript, application/xml, application/*+xml, "
                    "application/x-ndjson, application/jsonl, application/json-seq, "
                    "application/yaml, application/toml, application/sql, application/wasm, "
                    "image/svg+xml, image/bmp, image/vnd.microsoft.icon, font/ttf, font/otf, "
                    "application/vnd.ms-fontobject]",
        .min = 1,
        .max = 128,
        .doc = "Media types of what is compressed, without parameters; one * stands for any "
               "characters. What is compressed in itself (JPEG, MP4, ZIP, ...) never is.",
        .example = "[text/*, application/json]",
    },
    {
        .name = "min_size",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(bytes_min),
        .fallback = "1KiB",
        .doc = "A body that is known to be smaller is left as it is: it fits into one packet "
               "anyway.",
    },
    {
        .name = "levels",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(levels),
        .record = &levels_record,
        .doc = "How hard each coding tries.",
    },
    {
        .name = "window_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(window_bytes_max),
        .fallback = "128KiB",
        .min = 32 << 10,
        .max = 8 << 20,
        .doc = "How far back br and zstd look for what repeats, which is memory for each body; "
               "rounded down to a power of two. Bodies of unknown length have 64 KiB at most, "
               "since they may stay open for long.",
    },
    {
        .name = "memory_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(memory_bytes_max),
        .fallback = "64MiB",
        .min = 1 << 20,
        .max = (int64_t)1 << 40,
        .doc = "Memory for compression in one thread. Once it is taken, further responses go out "
               "as they are.",
    },
    {
        .name = "skip_with_credentials",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(credentials),
        .fallback = "cross_site",
        .names = credentials_names,
        .doc = "Whether responses are left as they are when the request has a Cookie or "
               "Authorization field, or the response a Set-Cookie: `always`, `never`, or when a "
               "browser says that a page of another site has made it ask, which an attack on "
               "compressed secrets (BREACH) needs.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_types(const struct rw_compress_config *config, struct rw_conf_report *report)
{
    const struct rw_span *types = config->types.items;
    if (config->types.count > TYPES_MAX)
        rw_conf_mistake_on(report, &config->types, "at most %d types", TYPES_MAX);
    for (size_t i = 0; i < config->types.count; i++) {
        ptrdiff_t star = rw_span_find(types[i], '*');
        bool second = star >= 0 && rw_span_find(rw_span_skip(types[i], (size_t)star + 1), '*') >= 0;
        if (rw_span_is(types[i], "*/*"))
            rw_conf_mistake_on(report, &types[i], "for all types write \"*\"");
        else if (second)
            rw_conf_mistake_on(report, &types[i], "one * at most");
        else if (rw_span_find(types[i], ';') >= 0)
            rw_conf_mistake_on(report, &types[i], "a media type without parameters");
        else if (rw_compress_type_is_compressed(types[i]))
            rw_conf_mistake_on(report, &types[i], "%s is compressed already",
                               rw_conf_quote(report, types[i]));
    }
}

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_compress_config *config = value;
    const int *codings = config->codings.items;
    bool seen[RW_CODING_COUNT] = {false};
    if (config->codings.count == 0)
        rw_conf_mistake_on(report, &config->codings, "expected at least one coding");
    for (size_t i = 0; i < config->codings.count; i++) {
        if (seen[codings[i]])
            rw_conf_mistake_on(report, &codings[i], "\"%s\" is there twice",
                               coding_names[codings[i]]);
        seen[codings[i]] = true;
    }
    check_types(config, report);
}

static const struct rw_conf_record record = {
    .name = "policy.compress",
    .doc = "Compresses responses by the client's Accept-Encoding.",
    .size = sizeof(struct rw_compress_config),
    .fields = fields,
    .place_offset = offsetof(struct rw_compress_config, place),
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_compress_config *config = value;
    struct rw_compress *policy = rw_arena_zero(compile->arena, sizeof(*policy));
    if (!policy)
        return RW_ENOMEM;
    *policy = (struct rw_compress){
        .config = config,
        .levels = {[RW_CODING_GZIP] = (int)config->levels->gzip,
                   [RW_CODING_BR] = (int)config->levels->br,
                   [RW_CODING_ZSTD] = (int)config->levels->zstd},
        .window_bits = 63 - (unsigned)__builtin_clzll(config->window_bytes_max),
    };
    const int *codings = config->codings.items;
    for (size_t i = 0; i < config->codings.count; i++)
        policy->order[policy->order_count++] = (uint8_t)codings[i];
    *instance = policy;
    return RW_OK;
}

/* ---- At work ---- */

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct rw_compress *policy = instance;
    enum rw_coding coding;
    enum rw_compress_answer answer = rw_compress_decide(x, policy, &coding);
    if (answer == RW_COMPRESS_NOT)
        return RW_VERDICT_NEXT;
    if (rw_message_vary(&x->response, &x->arena, "Accept-Encoding"))
        return RW_VERDICT_FAIL;
    if (x->response.status == 304)
        return rw_compress_weaken_304(x) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
    return answer == RW_COMPRESS_YES ? rw_compress_install(x, policy, coding) : RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_compress *policy = instance;
    for (unsigned i = 0; i < policy->order_count; i++)
        rw_text_addf(text, "%s%s %d", i ? ", " : "", coding_names[policy->order[i]],
                     policy->levels[policy->order[i]]);
    rw_text_addf(text, " for %zu types, from %llu bytes on", policy->config->types.count,
                 (unsigned long long)policy->config->bytes_min);
}

const struct rw_policy rw_policy_compress = {
    .kind = {.name = "compress",
             .record = &record,
             .doc = "Compresses responses.",
             .user = &rw_policy_compress},
    .compile = compile,
    .on_response = on_response,
    .explain = explain,
};
