#include "policy/address/address.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conf/file.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"
#include "policy/refuse.h"

#include <stdlib.h>

enum {
    ADDRESS_NETWORKS_MAX = 1000000,
    FILE_BYTES_MAX = 64 << 20,
    FILES_MAX = 16,
    IP_BYTES = 16,
};

struct address_config {
    struct rw_conf_list allow, deny;             /* of rw_span */
    struct rw_conf_list allow_files, deny_files; /* of rw_span */
    uint32_t status;
    struct rw_conf_place place;
};

/* IPv4 addresses as ::ffff:a.b.c.d. */
struct range {
    uint8_t first[IP_BYTES], last[IP_BYTES];
};

struct ranges {
    struct range *items; /* in order, none touches another */
    size_t count;
};

struct address {
    struct ranges allow, deny;
    bool allows_all; /* there is no list: an empty file allows nobody */
    const struct address_config *config;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct address_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "allow",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(allow),
        .doc = "Networks whose clients pass; all others are refused. Without it all pass.",
        .example = "[10.0.0.0/8, \"fd00::/8\"]",
    },
    {
        .name = "deny",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(deny),
        .doc = "Networks whose clients are refused, also where `allow` has them.",
        .example = "[10.9.0.0/16, 192.0.2.1]",
    },
    {
        .name = "allow_files",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(allow_files),
        .doc = "Files with more networks for `allow`, one a line, with comments after #. They are "
               "read at each reload.",
        .example = "[/etc/ringway/partners.txt]",
    },
    {
        .name = "deny_files",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(deny_files),
        .doc = "The same for `deny`.",
        .example = "[/etc/ringway/blocked.txt]",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "403",
        .min = 400,
        .max = 499,
        .doc = "What the refused are answered; 404 does not tell them that there is something.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct address_config *config = value;
    if (config->allow.count + config->allow_files.count + config->deny.count +
            config->deny_files.count ==
        0)
        rw_conf_mistake_at(report, config->place, "expected `allow`, `deny` or both");
    if (config->allow_files.count > FILES_MAX || config->deny_files.count > FILES_MAX)
        rw_conf_mistake_at(report, config->place, "at most %d files", FILES_MAX);
}

static const struct rw_conf_record record = {
    .name = "policy.address",
    .doc = "Lets clients pass by their IP address, which behind a trusted proxy is what that proxy "
           "says.",
    .size = sizeof(struct address_config),
    .fields = fields,
    .place_offset = offsetof(struct address_config, place),
    .check = check,
};

/* ---- Ranges ---- */

static struct range range_of(const struct rw_cidr *cidr)
{
    struct range range;
    rw_cidr_range(cidr, range.first, range.last);
    return range;
}

static int by_first(const void *a, const void *b)
{
    const struct range *left = a, *right = b;
    return memcmp(left->first, right->first, IP_BYTES);
}

static void sort_and_merge(struct ranges *ranges)
{
    struct range *items = ranges->items;
    size_t kept = 0;
    qsort(items, ranges->count, sizeof(*items), by_first);
    for (size_t i = 0; i < ranges->count; i++) {
        struct range *before = kept ? &items[kept - 1] : NULL;
        if (!before || memcmp(items[i].first, before->last, IP_BYTES) > 0)
            items[kept++] = items[i];
        else if (memcmp(items[i].last, before->last, IP_BYTES) > 0)
            memcpy(before->last, items[i].last, IP_BYTES);
    }
    ranges->count = kept;
}

/* What a list is gathered in, on the heap. */
struct gathered {
    struct rw_compile *compile;
    struct ranges ranges;
    size_t room;
};

static enum rw_err add_network(struct gathered *to, struct rw_span text)
{
    struct rw_cidr cidr;
    if (rw_cidr_parse(text, &cidr) != RW_OK)
        return RW_EINVAL;
    if (to->ranges.count == ADDRESS_NETWORKS_MAX)
        return RW_ELIMIT;
    if (to->ranges.count == to->room) {
        size_t room = to->room ? to->room * 2 : 64;
        struct range *bigger = rw_realloc(to->ranges.items, room * sizeof(*bigger));
        if (!bigger)
            return RW_ENOMEM;
        to->ranges.items = bigger;
        to->room = room;
    }
    to->ranges.items[to->ranges.count++] = range_of(&cidr);
    return RW_OK;
}

/* Tells what is wrong with a network; `file` and `line` where it is from a file. */
static enum rw_err tell(struct gathered *to, enum rw_err err, struct rw_span text, const char *file,
                        unsigned line)
{
    struct rw_conf_report *report = to->compile->report;
    if (err == RW_ELIMIT)
        rw_conf_mistake_at(report, to->compile->place, "a list has more than %d networks",
                           ADDRESS_NETWORKS_MAX);
    else if (err == RW_EINVAL && file)
        rw_conf_mistake_at(report, to->compile->place, "%s:%u: not a network: %s", file, line,
                           rw_conf_quote(report, text));
    else if (err == RW_EINVAL)
        rw_conf_mistake_at(report, to->compile->place, "not a network: %s",
                           rw_conf_quote(report, text));
    return err == RW_ENOMEM ? err : RW_EINVAL;
}

/* After a mistake the lines behind it are looked at all the same, as long as somebody is told. */
static bool goes_on(const struct gathered *to, enum rw_err err)
{
    return !err || (err == RW_EINVAL && to->ranges.count < ADDRESS_NETWORKS_MAX &&
                    !rw_conf_report_full(to->compile->report));
}

static enum rw_err add_lines(struct gathered *to, struct rw_span rest, const char *file)
{
    struct rw_span text;
    enum rw_err result = RW_OK;
    for (unsigned line = 1; goes_on(to, result) && rest.at && rw_span_next(&rest, '\n', &text);
         line++) {
        ptrdiff_t comment = rw_span_find(text, '#');
        if (text.len && text.at[text.len - 1] == '\r')
            text.len--;
        text = rw_span_trim(comment < 0 ? text : rw_span(text.at, (size_t)comment));
        enum rw_err err = text.len ? add_network(to, text) : RW_OK;
        result = err ? tell(to, err, text, file, line) : result;
    }
    return result;
}

static enum rw_err add_file(struct gathered *to, const char *file)
{
    struct rw_text text = {0};
    char room[48];
    enum rw_err err = rw_conf_slurp(file, FILE_BYTES_MAX, true, &text);
    if (!err)
        err = add_lines(to, rw_text_span(&text), file);
    else if (err != RW_ENOMEM)
        rw_conf_mistake_at(to->compile->report, to->compile->place, "%s: cannot be read: %s", file,
                           rw_conf_slurp_flaw(err, FILE_BYTES_MAX, room));
    rw_text_free(&text);
    return !err || err == RW_ENOMEM ? err : RW_EINVAL;
}

static enum rw_err gather(struct gathered *to, const struct rw_conf_list *list,
                          const struct rw_conf_list *files)
{
    const struct rw_span *texts = list->items, *paths = files->items;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count && goes_on(to, result); i++) {
        enum rw_err err = add_network(to, texts[i]);
        result = err ? tell(to, err, texts[i], NULL, 0) : result;
    }
    for (size_t i = 0; i < files->count && goes_on(to, result); i++) {
        enum rw_err err = add_file(to, paths[i].at);
        result = err ? err : result;
    }
    return result;
}

static enum rw_err compile_ranges(struct rw_compile *compile, const struct rw_conf_list *list,
                                  const struct rw_conf_list *files, struct ranges *ranges)
{
    struct gathered gathered = {.compile = compile};
    enum rw_err err = gather(&gathered, list, files);
    if (!err && gathered.ranges.count) {
        sort_and_merge(&gathered.ranges);
        size_t bytes = gathered.ranges.count * sizeof(*ranges->items);
        ranges->items = rw_arena_alloc(compile->arena, bytes);
        if (ranges->items) {
            memcpy(ranges->items, gathered.ranges.items, bytes);
            ranges->count = gathered.ranges.count;
        } else {
            err = RW_ENOMEM;
        }
    }
    rw_free(gathered.ranges.items);
    return err;
}

static bool holds(const struct ranges *ranges, const uint8_t *ip)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct range *range = &ranges->items[middle];
        if (memcmp(ip, range->first, IP_BYTES) < 0)
            high = middle;
        else if (memcmp(ip, range->last, IP_BYTES) > 0)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* ---- The policy ---- */

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct address_config *config = value;
    struct address *address = rw_arena_zero(compile->arena, sizeof(*address));
    if (!address)
        return RW_ENOMEM;
    address->config = config;
    *instance = address;
    address->allows_all = config->allow.count + config->allow_files.count == 0;
    enum rw_err allow =
        compile_ranges(compile, &config->allow, &config->allow_files, &address->allow);
    if (allow == RW_ENOMEM)
        return allow;
    enum rw_err deny = compile_ranges(compile, &config->deny, &config->deny_files, &address->deny);
    return deny ? deny : allow;
}

/* A client of a Unix socket has no address: no list holds it. */
static bool lets_pass(const struct address *address, const struct sockaddr *client)
{
    uint8_t ip[IP_BYTES];
    bool known = rw_cidr_bytes(client, ip);
    bool pass = address->allows_all || (known && holds(&address->allow, ip));
    return pass && !(known && holds(&address->deny, ip));
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct address *address = instance;
    if (lets_pass(address, x->client))
        return RW_VERDICT_NEXT;
    return rw_policy_refuse(x, address->config->status, "This address may not come here.");
}

/* Networks that touch have become one. */
static void explain_ranges(struct rw_text *text, const char *verb, const struct ranges *ranges)
{
    rw_text_addf(text, "%s %zu range%s of addresses", verb, ranges->count,
                 ranges->count == 1 ? "" : "s");
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct address *address = instance;
    if (address->allows_all)
        rw_text_adds(text, "allow all");
    else
        explain_ranges(text, "allow", &address->allow);
    if (address->deny.count)
        explain_ranges(text, ", deny", &address->deny);
    rw_text_addf(text, "; the refused get %u", address->config->status);
}

static void explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct address *address = instance;
    if (lets_pass(address, x->client))
        rw_text_adds(text, "; this client passes");
    else
        rw_text_addf(text, "; this client gets %u", address->config->status);
}

const struct rw_policy rw_policy_address = {
    .kind = {.name = "address",
             .record = &record,
             .doc = "Lets clients pass by their IP address.",
             .user = &rw_policy_address},
    .placeless = true,
    .compile = compile,
    .on_request = on_request,
    .explain = explain,
    .explain_client = explain_client,
};
