#include "verify/fault/names.h"

#include "base/alloc.h"
#include "io/listen.h"
#include "io/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum { QUERY_BYTES_MAX = 512, TCP_LENGTH_BYTES = 2, DATAGRAMS_PER_TURN = 64, TTL_S = 1 };

/* A connection over which messages come one after the other, each behind its length (RFC 1035
 * section 4.2.2). */
struct tcp {
    struct rw_list link;
    struct rw_names *names;
    struct rw_stream stream;
    size_t have;  /* bytes of the message that comes */
    bool sending; /* the last reply */
    char in[TCP_LENGTH_BYTES + QUERY_BYTES_MAX];
    char out[TCP_LENGTH_BYTES + RW_NAMES_REPLY_MAX];
};

struct rw_names {
    struct rw_loop *loop;
    struct rw_address address;
    struct rw_names_zone zone;
    enum rw_names_mode mode;
    struct rw_names_counts counts;
    struct rw_watch udp;
    bool udp_on;
    struct rw_listener listener;
    bool listening;
    struct rw_list connections;
    unsigned connection_count;
    struct rw_later later;
    void (*closed)(void *user);
    void *closed_user;
};

static size_t reply_to(struct rw_names *names, struct rw_span message, char *reply)
{
    bool disturbed;
    size_t len = rw_names_reply(&names->zone, names->mode, message, reply, &disturbed);
    names->counts.queries++;
    names->counts.disturbed += disturbed;
    return len;
}

/* ---- UDP ---- */

static void on_datagrams(struct rw_watch *watch, unsigned events)
{
    (void)events;
    struct rw_names *names = rw_container_of(watch, struct rw_names, udp);
    char query[QUERY_BYTES_MAX], reply[RW_NAMES_REPLY_MAX];
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t from_bytes = sizeof(from);
        ssize_t len =
            recvfrom(watch->fd, query, sizeof(query), 0, (struct sockaddr *)&from, &from_bytes);
        if (len < 0)
            return;
        size_t reply_len = reply_to(names, rw_span(query, (size_t)len), reply);
        if (reply_len) /* one that cannot be sent is lost, as datagrams are */
            (void)sendto(watch->fd, reply, reply_len, 0, (struct sockaddr *)&from, from_bytes);
    }
}

static enum rw_err open_udp(struct rw_names *names)
{
    struct sockaddr *address = (struct sockaddr *)&names->address.storage;
    socklen_t bytes = sizeof(names->address.storage);
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return rw_err_from_errno(errno);
    names->udp = (struct rw_watch){
        .loop = names->loop, .fd = fd, .events = RW_WATCH_READ, .ready = on_datagrams};
    enum rw_err err = RW_OK;
    if (bind(fd, address, names->address.bytes) != 0 || getsockname(fd, address, &bytes) != 0)
        err = rw_err_from_errno(errno);
    if (!err)
        err = rw_watch_start(names->loop, &names->udp);
    if (err)
        close(fd);
    names->udp_on = !err;
    return err;
}

/* ---- TCP ---- */

static void settle(struct rw_names *names);

static size_t message_bytes(const struct tcp *tcp)
{
    return TCP_LENGTH_BYTES + ((size_t)(unsigned char)tcp->in[0] << 8 | (unsigned char)tcp->in[1]);
}

/* One reply at a time: who asks again before it has read is cut off. */
static void answer(struct tcp *tcp)
{
    struct rw_span message =
        rw_span(tcp->in + TCP_LENGTH_BYTES, message_bytes(tcp) - TCP_LENGTH_BYTES);
    if (tcp->sending) {
        rw_stream_close(&tcp->stream);
        return;
    }
    size_t len = reply_to(tcp->names, message, tcp->out + TCP_LENGTH_BYTES);
    tcp->have = 0;
    if (len == 0)
        return;
    tcp->out[0] = (char)(len >> 8);
    tcp->out[1] = (char)len;
    struct iovec part = {.iov_base = tcp->out, .iov_len = TCP_LENGTH_BYTES + len};
    switch (rw_stream_send(&tcp->stream, &part, 1)) {
    case RW_SEND_DONE:
        break;
    case RW_SEND_PENDING:
        tcp->sending = true;
        rw_stream_receive(&tcp->stream, false, false);
        break;
    case RW_SEND_FAILED:
        rw_stream_close(&tcp->stream);
        break;
    }
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct tcp *tcp = rw_container_of(stream, struct tcp, stream);
    for (struct rw_span rest = rw_buf_span(buf); rest.len && !rw_stream_closing(stream);) {
        size_t wanted = tcp->have < TCP_LENGTH_BYTES ? TCP_LENGTH_BYTES : message_bytes(tcp);
        if (wanted > sizeof(tcp->in)) {
            rw_stream_close(stream);
            break;
        }
        size_t len = wanted - tcp->have < rest.len ? wanted - tcp->have : rest.len;
        memcpy(tcp->in + tcp->have, rest.at, len);
        tcp->have += len;
        rest = rw_span_skip(rest, len);
        if (tcp->have >= TCP_LENGTH_BYTES && tcp->have == message_bytes(tcp))
            answer(tcp);
    }
    rw_buf_drop(buf);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    rw_container_of(stream, struct tcp, stream)->sending = false;
    if (err)
        rw_stream_close(stream);
    else
        rw_stream_receive(stream, true, false);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct tcp *tcp = rw_container_of(stream, struct tcp, stream);
    struct rw_names *names = tcp->names;
    rw_list_remove(&tcp->link);
    names->connection_count--;
    rw_free(tcp);
    settle(names);
}

static const struct rw_stream_events events = {.on_data = on_data,
                                               .on_end = on_end,
                                               .on_sent = on_sent,
                                               .on_closed = on_closed};

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    struct rw_names *names = rw_container_of(listener, struct rw_names, listener);
    bool room = !names->closed && names->connection_count < RW_NAMES_TCP_MAX;
    struct tcp *tcp = room ? rw_alloc_zero(sizeof(*tcp)) : NULL;
    if (!tcp) {
        rw_listener_refuse(listener, fd);
        return;
    }
    tcp->names = names;
    if (rw_stream_attach(names->loop, &tcp->stream, &events, fd, NULL)) {
        rw_free(tcp);
        return;
    }
    rw_list_push_back(&names->connections, &tcp->link);
    names->connection_count++;
    rw_stream_receive(&tcp->stream, true, false);
}

static void on_listener_closed(struct rw_listener *listener)
{
    struct rw_names *names = rw_container_of(listener, struct rw_names, listener);
    names->listening = false;
    settle(names);
}

static enum rw_err open_tcp(struct rw_names *names)
{
    const struct rw_listen_options options = {0};
    names->listener = (struct rw_listener){.on_accept = on_accept, .on_closed = on_listener_closed};
    enum rw_err err = rw_listen_open(&names->address, &options, &names->listener.fd, NULL);
    if (err)
        return err;
    err = rw_listener_start(names->loop, &names->listener);
    if (err)
        close(names->listener.fd);
    names->listening = !err;
    return err;
}

/* ---- Life ---- */

static void close_udp(struct rw_names *names)
{
    if (!names->udp_on)
        return;
    rw_watch_stop(&names->udp);
    close(names->udp.fd);
    names->udp_on = false;
}

/* The same port for both: one that the kernel chose for UDP may be taken in TCP. */
static enum rw_err open_both(struct rw_names *names, const struct rw_address *listen)
{
    enum { TRIES = 16 };
    enum rw_err err = RW_EADDRINUSE;
    bool any = rw_address_port(&listen->storage) == 0;
    for (int i = 0; i < TRIES && err == RW_EADDRINUSE && (any || i == 0); i++) {
        names->address = *listen;
        err = open_udp(names);
        if (!err)
            err = open_tcp(names);
        if (err)
            close_udp(names);
    }
    return err;
}

static void settle(struct rw_names *names)
{
    if (!names->closed || names->listening || !rw_list_empty(&names->connections))
        return;
    void (*closed)(void *user) = names->closed;
    void *user = names->closed_user;
    close(names->listener.fd);
    rw_loop_later_stop(&names->later);
    rw_free(names->zone.records);
    rw_free(names);
    closed(user);
}

static void settle_later(struct rw_later *later)
{
    settle(rw_container_of(later, struct rw_names, later));
}

enum rw_err rw_names_open(struct rw_loop *loop, const struct rw_address *listen,
                          struct rw_names **out)
{
    struct rw_names *names = rw_alloc_zero(sizeof(*names));
    if (!names)
        return RW_ENOMEM;
    names->loop = loop;
    names->zone.ttl_s = TTL_S;
    names->later.run = settle_later;
    rw_list_init(&names->connections);
    names->zone.records = rw_alloc(RW_NAMES_MAX * sizeof(*names->zone.records));
    enum rw_err err = names->zone.records ? open_both(names, listen) : RW_ENOMEM;
    if (err) {
        rw_free(names->zone.records);
        rw_free(names);
    } else {
        *out = names;
    }
    return err;
}

void rw_names_close(struct rw_names *names, void (*closed)(void *user), void *user)
{
    names->closed = closed;
    names->closed_user = user;
    close_udp(names);
    rw_listener_close(&names->listener);
    for (struct rw_list *item = names->connections.next; item != &names->connections;
         item = item->next)
        rw_stream_close(&rw_container_of(item, struct tcp, link)->stream);
    rw_loop_later(names->loop, &names->later);
}

const struct rw_address *rw_names_address(const struct rw_names *names)
{
    return &names->address;
}

/* ---- Names ---- */

static bool copy_name(struct rw_span name, char *to)
{
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > RW_NAME_TEXT_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        to[i] = rw_lower(name.at[i]);
    to[name.len] = '\0';
    size_t label = 0;
    for (const char *at = to; *at; at++) {
        label = *at == '.' ? 0 : label + 1;
        if (label > 63 || (label == 0 && (at == to || at[-1] == '.')))
            return false;
    }
    return true;
}

static bool is_known(const struct rw_names *names, const struct rw_names_record *record)
{
    for (size_t i = 0; i < names->zone.count; i++) {
        const struct rw_names_record *known = &names->zone.records[i];
        if (strcmp(known->name, record->name) == 0 && strcmp(known->target, record->target) == 0 &&
            rw_address_eq(&known->address.storage, &record->address.storage))
            return true;
    }
    return false;
}

static enum rw_err add(struct rw_names *names, struct rw_span name,
                       const struct rw_names_record *record)
{
    if (names->zone.count == RW_NAMES_MAX)
        return RW_ELIMIT;
    struct rw_names_record *to = &names->zone.records[names->zone.count];
    *to = *record;
    if (!copy_name(name, to->name))
        return RW_EINVAL;
    names->zone.count += !is_known(names, to);
    return RW_OK;
}

enum rw_err rw_names_add(struct rw_names *names, struct rw_span name,
                         const struct rw_address *address)
{
    if (address->storage.ss_family != AF_INET && address->storage.ss_family != AF_INET6)
        return RW_EINVAL;
    struct rw_names_record record = {.address = *address};
    rw_address_set_port(&record.address.storage, 0);
    return add(names, name, &record);
}

enum rw_err rw_names_add_service(struct rw_names *names, struct rw_span service,
                                 struct rw_span target, uint16_t port)
{
    struct rw_names_record record = {.address = {.storage = {.ss_family = AF_INET}}};
    if (port == 0 || !copy_name(target, record.target))
        return RW_EINVAL;
    rw_address_set_port(&record.address.storage, port);
    return add(names, service, &record);
}

enum rw_err rw_names_disturb(struct rw_names *names, enum rw_names_mode mode)
{
    if (mode != RW_NAMES_TRUTH && names->mode != RW_NAMES_TRUTH)
        return RW_EEXIST;
    if (mode != RW_NAMES_TRUTH)
        names->counts.disturbed = 0;
    names->mode = mode;
    return RW_OK;
}

void rw_names_count(const struct rw_names *names, struct rw_names_counts *counts)
{
    *counts = names->counts;
}
