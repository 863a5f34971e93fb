#include "http/hpack_static.h"

#include "http/field_table.h"

#define TEXT(string)                                                                               \
    {                                                                                              \
        string, sizeof(string) - 1                                                                 \
    }
#define PSEUDO(which, name, value)                                                                 \
    {                                                                                              \
        TEXT(name), TEXT(value),                                                                   \
        {                                                                                          \
            .pseudo = 1 + RW_PSEUDO_##which                                                        \
        }                                                                                          \
    }
#define METHOD(which)                                                                              \
    {                                                                                              \
        TEXT(":method"), TEXT(#which),                                                             \
        {                                                                                          \
            .pseudo = 1 + RW_PSEUDO_METHOD, .method = RW_METHOD_##which                            \
        }                                                                                          \
    }
#define FIELD(which, name, value)                                                                  \
    {                                                                                              \
        TEXT(name), TEXT(value),                                                                   \
        {                                                                                          \
            .id = RW_FIELD_##which                                                                 \
        }                                                                                          \
    }
#define NAME(which, name) FIELD(which, name, "")

const struct rw_hpack_field rw_hpack_static[RW_HPACK_STATIC_COUNT + 1] = {
    [1] = PSEUDO(AUTHORITY, ":authority", ""),
    [2] = METHOD(GET),
    [3] = METHOD(POST),
    [4] = PSEUDO(PATH, ":path", "/"),
    [5] = PSEUDO(PATH, ":path", "/index.html"),
    [6] = PSEUDO(SCHEME, ":scheme", "http"),
    [7] = PSEUDO(SCHEME, ":scheme", "https"),
    [8] = PSEUDO(STATUS, ":status", "200"),
    [9] = PSEUDO(STATUS, ":status", "204"),
    [10] = PSEUDO(STATUS, ":status", "206"),
    [11] = PSEUDO(STATUS, ":status", "304"),
    [12] = PSEUDO(STATUS, ":status", "400"),
    [13] = PSEUDO(STATUS, ":status", "404"),
    [14] = PSEUDO(STATUS, ":status", "500"),
    [15] = NAME(OTHER, "accept-charset"),
    [16] = FIELD(ACCEPT_ENCODING, "accept-encoding", "gzip, deflate"),
    [17] = NAME(OTHER, "accept-language"),
    [18] = NAME(OTHER, "accept-ranges"),
    [19] = NAME(ACCEPT, "accept"),
    [20] = NAME(OTHER, "access-control-allow-origin"),
    [21] = NAME(AGE, "age"),
    [22] = NAME(ALLOW, "allow"),
    [23] = NAME(AUTHORIZATION, "authorization"),
    [24] = NAME(CACHE_CONTROL, "cache-control"),
    [25] = NAME(OTHER, "content-disposition"),
    [26] = NAME(CONTENT_ENCODING, "content-encoding"),
    [27] = NAME(OTHER, "content-language"),
    [28] = NAME(CONTENT_LENGTH, "content-length"),
    [29] = NAME(OTHER, "content-location"),
    [30] = NAME(CONTENT_RANGE, "content-range"),
    [31] = NAME(CONTENT_TYPE, "content-type"),
    [32] = NAME(COOKIE, "cookie"),
    [33] = NAME(DATE, "date"),
    [34] = NAME(ETAG, "etag"),
    [35] = NAME(EXPECT, "expect"),
    [36] = NAME(EXPIRES, "expires"),
    [37] = NAME(OTHER, "from"),
    [38] = NAME(HOST, "host"),
    [39] = NAME(IF_MATCH, "if-match"),
    [40] = NAME(IF_MODIFIED_SINCE, "if-modified-since"),
    [41] = NAME(IF_NONE_MATCH, "if-none-match"),
    [42] = NAME(IF_RANGE, "if-range"),
    [43] = NAME(IF_UNMODIFIED_SINCE, "if-unmodified-since"),
    [44] = NAME(LAST_MODIFIED, "last-modified"),
    [45] = NAME(OTHER, "link"),
    [46] = NAME(LOCATION, "location"),
    [47] = NAME(OTHER, "max-forwards"),
    [48] = NAME(PROXY_AUTHENTICATE, "proxy-authenticate"),
    [49] = NAME(PROXY_AUTHORIZATION, "proxy-authorization"),
    [50] = NAME(RANGE, "range"),
    [51] = NAME(REFERER, "referer"),
    [52] = NAME(OTHER, "refresh"),
    [53] = NAME(RETRY_AFTER, "retry-after"),
    [54] = NAME(SERVER, "server"),
    [55] = NAME(SET_COOKIE, "set-cookie"),
    [56] = NAME(OTHER, "strict-transport-security"),
    [57] = {TEXT("transfer-encoding"),
            TEXT(""),
            {.id = RW_FIELD_TRANSFER_ENCODING, .fault = RW_HPACK_FAULT_CONNECTION}},
    [58] = NAME(USER_AGENT, "user-agent"),
    [59] = NAME(VARY, "vary"),
    [60] = NAME(VIA, "via"),
    [61] = NAME(WWW_AUTHENTICATE, "www-authenticate"),
};

const uint8_t rw_hpack_static_of_pseudo[RW_PSEUDO_COUNT] = {
    [RW_PSEUDO_AUTHORITY] = 1, [RW_PSEUDO_METHOD] = 2, [RW_PSEUDO_PATH] = 4,
    [RW_PSEUDO_SCHEME] = 6,    [RW_PSEUDO_STATUS] = 8,
};

static const struct rw_span pseudo_names[RW_PSEUDO_COUNT] = {
#define PSEUDO_NAME(which, name) [RW_PSEUDO_##which] = TEXT(name),
    RW_PSEUDOS(PSEUDO_NAME)
#undef PSEUDO_NAME
};

struct rw_span rw_hpack_pseudo_name(enum rw_pseudo which)
{
    return pseudo_names[which];
}

/* ---- From a name to its index ---- */

enum { OTHER_SLOTS = 64 };

uint8_t rw_hpack_static_of_id[RW_FIELD_COUNT];
static uint8_t static_of_other[OTHER_SLOTS]; /* names without an id, by hash */

static uint32_t mix(uint32_t hash, uint64_t word)
{
    uint64_t product = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(product >> 32) ^ (uint32_t)product;
}

uint32_t rw_hpack_hash_name(struct rw_span name)
{
    uint32_t hash = (uint32_t)name.len;
    size_t i = 0;
    for (; i + 8 <= name.len; i += 8)
        hash = mix(hash, rw_field_load8(name.at + i));
    if (i == name.len)
        return hash;
    if (name.len >= 8)
        return mix(hash, rw_field_load8(name.at + name.len - 8));
    uint64_t rest = 0;
    for (; i < name.len; i++)
        rest = rest << 8 | ((uint8_t)name.at[i] | 0x20u);
    return mix(hash, rest);
}

uint32_t rw_hpack_hash_value(uint32_t hash, struct rw_span value)
{
    uint64_t word;
    size_t i = 0;
    hash = mix(hash, value.len);
    for (; i + 8 <= value.len; i += 8) {
        memcpy(&word, value.at + i, 8);
        hash = mix(hash, word);
    }
    if (i == value.len)
        return hash;
    word = 0;
    if (value.len >= 8)
        memcpy(&word, value.at + value.len - 8, 8);
    for (; i < value.len && value.len < 8; i++)
        word = word << 8 | (uint8_t)value.at[i];
    return mix(hash, word);
}

unsigned rw_hpack_static_find(struct rw_span name, uint32_t hash)
{
    for (unsigned slot = hash % OTHER_SLOTS; static_of_other[slot];
         slot = (slot + 1) % OTHER_SLOTS) {
        const struct rw_span *known = &rw_hpack_static[static_of_other[slot]].name;
        if (known->len == name.len && rw_field_name_same(name.at, known->at, name.len))
            return static_of_other[slot];
    }
    return 0;
}

__attribute__((constructor)) static void fill_static_indices(void)
{
    for (unsigned i = 1; i <= RW_HPACK_STATIC_COUNT; i++) {
        const struct rw_hpack_field *field = &rw_hpack_static[i];
        if (field->kind.pseudo)
            continue;
        if (field->kind.id != RW_FIELD_OTHER) {
            rw_hpack_static_of_id[field->kind.id] = (uint8_t)i;
            continue;
        }
        unsigned slot = rw_hpack_hash_name(field->name) % OTHER_SLOTS;
        while (static_of_other[slot])
            slot = (slot + 1) % OTHER_SLOTS;
        static_of_other[slot] = (uint8_t)i;
    }
}
