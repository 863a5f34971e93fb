/* Two JSON trees side by side. */
#include "http/scan.h"
#include "policy/mirror/json_tree.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES_PER_COMPARISON = 64 };

/* One step from the root: a member or an element. */
struct step {
    struct rw_span key; /* at NULL: an element */
    unsigned index;
};

struct walk {
    const struct rw_json_tree *a, *b;
    const struct rw_json_ignored *ignored;
    struct step steps[RW_JSON_DEPTH_MAX + 1];
    unsigned depth;
    unsigned most, found;
    unsigned comparisons;
    struct rw_text *where;
};

/* ---- Values ---- */

/* The next byte of a string as UTF-8, without its escapes; 256: that was all. */
struct bytes {
    struct rw_span rest;
    unsigned char waiting[4];
    unsigned count, at;
};

static uint32_t hex4(struct rw_span *rest)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4 && rest->len; i++) {
        value = value << 4 | (rw_hex_digit(rest->at[0]) & 15);
        *rest = rw_span_skip(*rest, 1);
    }
    return value;
}

/* \uXXXX, or a pair of them (RFC 8259 section 7). */
static uint32_t code_point(struct rw_span *rest)
{
    uint32_t high = hex4(rest);
    if (high < 0xd800 || high > 0xdbff || rest->len < 6 || rest->at[0] != '\\' ||
        rest->at[1] != 'u')
        return high;
    *rest = rw_span_skip(*rest, 2);
    return 0x10000 + ((high - 0xd800) << 10) + ((hex4(rest) - 0xdc00) & 0x3ff);
}

static void put_utf8(struct bytes *bytes, uint32_t code)
{
    unsigned char *to = bytes->waiting;
    unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char firsts[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (unsigned char)(firsts[more] | code >> (6 * more));
    for (unsigned i = 1; i <= more; i++)
        to[i] = (unsigned char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    bytes->count = more + 1;
    bytes->at = 0;
}

static unsigned next_byte(struct bytes *bytes)
{
    static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
    if (bytes->at < bytes->count)
        return bytes->waiting[bytes->at++];
    if (bytes->rest.len == 0)
        return 256;
    char c = bytes->rest.at[0];
    bytes->rest = rw_span_skip(bytes->rest, 1);
    if (c != '\\' || bytes->rest.len == 0)
        return (unsigned char)c;
    c = bytes->rest.at[0];
    bytes->rest = rw_span_skip(bytes->rest, 1);
    if (c == 'u') {
        put_utf8(bytes, code_point(&bytes->rest));
        return bytes->waiting[bytes->at++];
    }
    const char *name = strchr(names, c);
    return (unsigned char)(name && *name ? means[name - names] : c);
}

static bool same_string(struct rw_span a, struct rw_span b)
{
    struct bytes left = {.rest = a}, right = {.rest = b};
    if (rw_span_eq(a, b))
        return true;
    unsigned x, y;
    do {
        x = next_byte(&left);
        y = next_byte(&right);
    } while (x == y && x != 256);
    return x == y;
}

static bool whole_number(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(".eE", text.at[i]))
            return false;
    return true;
}

/* Whole numbers by their digits, as a double does not hold all of them. */
static bool same_number(struct rw_span a, struct rw_span b)
{
    char left[64], right[64];
    if (rw_span_eq(a, b))
        return true;
    if ((whole_number(a) && whole_number(b)) || a.len >= sizeof(left) || b.len >= sizeof(right))
        return false;
    snprintf(left, sizeof(left), "%.*s", RW_SPAN_ARGS(a));
    snprintf(right, sizeof(right), "%.*s", RW_SPAN_ARGS(b));
    double x = strtod(left, NULL), y = strtod(right, NULL);
    return !(x < y) && !(x > y);
}

/* ---- Paths ---- */

/* ~0 is ~ and ~1 is / in a pointer's part. */
static bool part_is(struct rw_span part, struct rw_span key)
{
    size_t at = 0;
    for (size_t i = 0; i < part.len; i++, at++) {
        char c = part.at[i];
        if (c == '~' && i + 1 < part.len)
            c = part.at[++i] == '1' ? '/' : '~';
        if (at == key.len || key.at[at] != c)
            return false;
    }
    return at == key.len;
}

static bool step_is(const struct step *step, struct rw_span part)
{
    char digits[12];
    if (rw_span_is(part, "*"))
        return true;
    if (step->key.at)
        return part_is(part, step->key);
    return rw_span_eq(part,
                      rw_span(digits, (size_t)snprintf(digits, sizeof(digits), "%u", step->index)));
}

static bool path_is(const struct walk *walk, struct rw_span path)
{
    for (unsigned i = 0; i < walk->depth; i++) {
        if (path.len == 0 || path.at[0] != '/')
            return false;
        path = rw_span_skip(path, 1);
        ptrdiff_t slash = rw_span_find(path, '/');
        size_t len = slash < 0 ? path.len : (size_t)slash;
        if (!step_is(&walk->steps[i], rw_span(path.at, len)))
            return false;
        path = rw_span_skip(path, len);
    }
    return path.len == 0;
}

static bool is_ignored(const struct walk *walk)
{
    for (size_t i = 0; i < walk->ignored->count; i++)
        if (path_is(walk, walk->ignored->paths[i]))
            return true;
    return false;
}

static void add_path(const struct walk *walk)
{
    for (unsigned i = 0; i < walk->depth; i++) {
        const struct step *step = &walk->steps[i];
        if (step->key.at)
            rw_text_addf(walk->where, "/%.*s", RW_SPAN_ARGS(step->key));
        else
            rw_text_addf(walk->where, "/%u", step->index);
    }
}

/* ---- Walking ---- */

static void differs(struct walk *walk, const char *how)
{
    if (walk->found++ > 0)
        rw_text_adds(walk->where, "\n");
    add_path(walk);
    rw_text_addf(walk->where, "%s%s", walk->depth ? " " : "", how);
}

static enum rw_err compare(struct walk *walk, uint32_t a, uint32_t b);

static enum rw_err into(struct walk *walk, const struct step *step, uint32_t a, uint32_t b)
{
    walk->steps[walk->depth++] = *step;
    enum rw_err err = is_ignored(walk) ? RW_OK : compare(walk, a, b);
    walk->depth--;
    return err;
}

static void only_in_one(struct walk *walk, const struct step *step, const char *how)
{
    walk->steps[walk->depth++] = *step;
    if (!is_ignored(walk))
        differs(walk, how);
    walk->depth--;
}

/* The member of this name; 0: there is none. The one after `hint` mostly is it. */
static uint32_t find(struct walk *walk, const struct rw_json_tree *tree, uint32_t object,
                     struct rw_span key, uint32_t hint)
{
    const struct rw_json_node *nodes = tree->nodes;
    uint32_t end = nodes[object].next;
    if (hint < end && same_string(nodes[hint].key, key))
        return hint;
    for (uint32_t at = object + 1; at < end; at = nodes[at].next) {
        walk->comparisons += 1 + (unsigned)(key.len / BYTES_PER_COMPARISON);
        if (same_string(nodes[at].key, key))
            return at;
    }
    return 0;
}

static unsigned count_members(const struct rw_json_node *nodes, uint32_t object)
{
    unsigned count = 0;
    for (uint32_t at = object + 1; at < nodes[object].next; at = nodes[at].next)
        count++;
    return count;
}

/* Nothing differs, and yet one has more members: some are there twice. Who reads it takes the first
 * or the last (RFC 8259 section 4). */
static enum rw_err find_twice(struct walk *walk, const struct rw_json_tree *tree, uint32_t object)
{
    const struct rw_json_node *nodes = tree->nodes;
    uint32_t end = nodes[object].next;
    for (uint32_t at = object + 1; at < end && walk->found < walk->most; at = nodes[at].next) {
        struct step step = {.key = nodes[at].key};
        if (find(walk, tree, object, nodes[at].key, end) != at)
            only_in_one(walk, &step, "is there twice");
        if (walk->comparisons > RW_JSON_COMPARISONS_MAX)
            return RW_ELIMIT;
    }
    return RW_OK;
}

static enum rw_err compare_objects(struct walk *walk, uint32_t a, uint32_t b)
{
    const struct rw_json_node *left = walk->a->nodes, *right = walk->b->nodes;
    unsigned found = walk->found, members = count_members(left, a), more = count_members(right, b);
    uint32_t hint = b + 1;
    for (uint32_t at = a + 1; at < left[a].next && walk->found < walk->most; at = left[at].next) {
        struct step step = {.key = left[at].key};
        uint32_t other = find(walk, walk->b, b, left[at].key, hint);
        enum rw_err err = walk->comparisons > RW_JSON_COMPARISONS_MAX ? RW_ELIMIT : RW_OK;
        if (err)
            return err;
        if (other)
            err = into(walk, &step, at, other);
        else
            only_in_one(walk, &step, "is missing");
        if (err)
            return err;
        hint = other ? right[other].next : hint;
    }
    hint = a + 1;
    for (uint32_t at = b + 1; at < right[b].next && walk->found < walk->most; at = right[at].next) {
        struct step step = {.key = right[at].key};
        uint32_t other = find(walk, walk->a, a, right[at].key, hint);
        if (walk->comparisons > RW_JSON_COMPARISONS_MAX)
            return RW_ELIMIT;
        if (!other)
            only_in_one(walk, &step, "is new");
        hint = other ? left[other].next : hint;
    }
    if (walk->found > found || members == more)
        return RW_OK;
    return members > more ? find_twice(walk, walk->a, a) : find_twice(walk, walk->b, b);
}

static enum rw_err compare_arrays(struct walk *walk, uint32_t a, uint32_t b)
{
    const struct rw_json_node *left = walk->a->nodes, *right = walk->b->nodes;
    uint32_t x = a + 1, y = b + 1;
    struct step step = {0};
    for (; x < left[a].next && y < right[b].next && walk->found < walk->most; step.index++) {
        enum rw_err err = into(walk, &step, x, y);
        if (err)
            return err;
        x = left[x].next;
        y = right[y].next;
    }
    if (walk->found < walk->most && (x < left[a].next || y < right[b].next))
        only_in_one(walk, &step, x < left[a].next ? "and on are missing" : "and on are new");
    return RW_OK;
}

static enum rw_err compare(struct walk *walk, uint32_t a, uint32_t b)
{
    const struct rw_json_node *left = &walk->a->nodes[a], *right = &walk->b->nodes[b];
    if (++walk->comparisons > RW_JSON_COMPARISONS_MAX)
        return RW_ELIMIT;
    if (left->type != right->type) {
        differs(walk, "has another type");
        return RW_OK;
    }
    switch ((enum rw_json_type)left->type) {
    case RW_JSON_OBJECT:
        return compare_objects(walk, a, b);
    case RW_JSON_ARRAY:
        return compare_arrays(walk, a, b);
    case RW_JSON_STRING:
        if (!same_string(left->text, right->text))
            differs(walk, "is another text");
        return RW_OK;
    case RW_JSON_NUMBER:
        if (!same_number(left->text, right->text))
            differs(walk, "is another number");
        return RW_OK;
    case RW_JSON_WORD:
        if (!rw_span_eq(left->text, right->text))
            differs(walk, "is another value");
        return RW_OK;
    }
    return RW_OK;
}

enum rw_err rw_json_compare(const struct rw_json_tree *a, const struct rw_json_tree *b,
                            const struct rw_json_ignored *ignored, unsigned most, unsigned *count,
                            struct rw_text *where)
{
    struct walk walk = {.a = a, .b = b, .ignored = ignored, .most = most, .where = where};
    enum rw_err err = compare(&walk, 0, 0);
    *count = walk.found;
    return err ? err : where->err;
}
