#include "base/alloc.h"
#include "base/log.h"
#include "gate/cluster/resolve/resolve_name.h"

/* "10.0.0.1 8080 64 app.internal": address, port, weight, host. */
void rw_resolve_write_known(const struct rw_resolved *answer, size_t count, struct rw_text *text)
{
    for (size_t i = 0; i < count; i++) {
        char address[RW_ADDRESS_HOST_TEXT_MAX];
        size_t len = rw_address_format_host(address, rw_address_sockaddr(&answer[i].address));
        if (rw_span_find(answer[i].host, '\n') < 0)
            rw_text_addf(text, "%.*s %u %u %.*s\n", (int)len, address,
                         rw_address_port(&answer[i].address.storage), answer[i].weight,
                         RW_SPAN_ARGS(answer[i].host));
    }
}

static bool take_number(struct rw_span *line, uint64_t max, uint64_t *number)
{
    struct rw_span word;
    return rw_span_next(line, ' ', &word) && rw_span_to_u64(word, number) && *number <= max;
}

static bool read_line(struct rw_span line, struct rw_resolved *found)
{
    struct rw_span address;
    uint64_t port, weight;
    if (!rw_span_next(&line, ' ', &address) || !take_number(&line, UINT16_MAX, &port) ||
        !take_number(&line, UINT32_MAX, &weight) || !line.len || memchr(line.at, 0, line.len))
        return false;
    found->host = line;
    found->weight = (uint32_t)weight;
    return rw_address_parse_ip(address, (uint16_t)port, &found->address) == RW_OK;
}

enum rw_err rw_resolve_read_known(struct rw_span text, struct rw_resolved *found, size_t *count)
{
    *count = 0;
    while (text.len) {
        ptrdiff_t end = rw_span_find(text, '\n');
        if (end < 0 || *count == RW_RESOLVE_ADDRESSES_MAX ||
            !read_line(rw_span(text.at, (size_t)end), &found[*count]))
            return RW_EPROTO;
        text = rw_span_skip(text, (size_t)end + 1);
        ++*count;
    }
    return *count ? RW_OK : RW_EPROTO;
}

/* ---- The note ---- */

static void write(struct rw_known_use *use, struct rw_text *text)
{
    const struct rw_resolve_name *name = rw_container_of(use, struct rw_resolve_name, known);
    rw_resolve_write_known(name->answer, name->count, text);
}

void rw_resolve_hold_known(struct rw_resolve_name *name, struct rw_known *known)
{
    struct rw_text key = {0};
    rw_text_addf(&key, "%s %.*s", name->srv ? "service" : "name", RW_SPAN_ARGS(name->name));
    name->known.write = write;
    if (!key.err)
        rw_known_hold(known, rw_text_span(&key), &name->known);
    rw_text_free(&key);
}

static enum rw_err take_over(struct rw_resolve_name *name, struct rw_resolved *found)
{
    size_t count;
    enum rw_err err = rw_resolve_read_known(rw_known_text(&name->known), found, &count);
    if (err)
        return err;
    name->answer = rw_resolve_copy(found, count);
    name->count = name->answer ? count : 0;
    return name->answer ? RW_OK : RW_ENOMEM;
}

void rw_resolve_take_known(struct rw_resolve_name *name)
{
    if (name->answer || !rw_known_text(&name->known).len)
        return;
    struct rw_resolved *found = rw_alloc_zero(RW_RESOLVE_ADDRESSES_MAX * sizeof(*found));
    enum rw_err err = found ? take_over(name, found) : RW_ENOMEM;
    rw_free(found);
    if (err)
        rw_log_warn("dns", "%.*s: what was known before is of no use: %s", RW_SPAN_ARGS(name->name),
                    err == RW_EPROTO ? "it is no list of addresses" : rw_err_text(err));
}
