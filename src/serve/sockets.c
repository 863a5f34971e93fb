#include "serve/sockets.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

/* One that is retired is nobody's any more. */
static struct rw_socket *find(struct rw_sockets *sockets, const char *address, unsigned process,
                              unsigned thread)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct rw_socket *item = &sockets->items[i];
        if (strcmp(item->address, address) == 0 && !item->retired &&
            (is_unix(address) || (item->process == process && item->thread == thread)))
            return item;
    }
    return NULL;
}

static enum rw_err add(struct rw_sockets *sockets, const char *address, unsigned process,
                       unsigned thread, int fd)
{
    if (sockets->count == sockets->room) {
        size_t room = sockets->room ? sockets->room * 2 : 16;
        struct rw_socket *bigger = rw_realloc(sockets->items, room * sizeof(*bigger));
        if (!bigger)
            return RW_ENOMEM;
        sockets->items = bigger;
        sockets->room = room;
    }
    char *copy = rw_strdup(address, strlen(address));
    if (!copy)
        return RW_ENOMEM;
    sockets->items[sockets->count++] =
        (struct rw_socket){.address = copy, .process = process, .thread = thread, .fd = fd};
    return RW_OK;
}

static void drop(struct rw_sockets *sockets, size_t index)
{
    close(sockets->items[index].fd);
    rw_free(sockets->items[index].address);
    /* The order within an address is the kernel's, too: see steer. */
    sockets->count--;
    memmove(&sockets->items[index], &sockets->items[index + 1],
            (sockets->count - index) * sizeof(sockets->items[0]));
}

static enum rw_err open_one(struct rw_sockets *sockets, const char *address, int backlog,
                            unsigned process, unsigned thread, char *why, size_t why_room)
{
    struct rw_address parsed;
    struct rw_listen_options options = {.backlog = backlog, .reuse_port = !is_unix(address)};
    struct rw_listen_failure failure = {0};
    int fd = -1;
    enum rw_err err = rw_address_parse(rw_span_text(address), &parsed);
    if (!err)
        err = rw_listen_open(&parsed, &options, &fd, &failure);
    if (!err && (err = add(sockets, address, process, thread, fd)) != RW_OK)
        close(fd);
    if (err)
        snprintf(why, why_room, "cannot %s %s: %s", failure.step ? failure.step : "listen on",
                 address, failure.errno_value ? strerror(failure.errno_value) : rw_err_text(err));
    return err;
}

static bool owns_port(const struct rw_sockets *sockets, uint16_t port)
{
    struct rw_address own;
    for (size_t i = 0; i < sockets->count; i++)
        if (rw_address_parse(rw_span_text(sockets->items[i].address), &own) == RW_OK &&
            rw_address_port(&own.storage) == port)
            return true;
    return false;
}

/* With SO_REUSEPORT the kernel would let two gateways of the same user share a port, and each would
 * get some of the connections. A socket without it finds out. */
static enum rw_err refuse_shared_port(struct rw_sockets *sockets, const char *address, char *why,
                                      size_t why_room)
{
    struct rw_address parsed;
    struct rw_listen_options options = {.backlog = 1};
    struct rw_listen_failure failure = {0};
    int fd = -1;
    if (is_unix(address) || rw_address_parse(rw_span_text(address), &parsed) ||
        owns_port(sockets, rw_address_port(&parsed.storage)))
        return RW_OK;
    enum rw_err err = rw_listen_open(&parsed, &options, &fd, &failure);
    if (err)
        snprintf(why, why_room, "cannot %s %s: %s", failure.step, address,
                 strerror(failure.errno_value));
    else
        close(fd);
    return err;
}

enum rw_err rw_sockets_open(struct rw_sockets *sockets, const char *address, int backlog,
                            unsigned process, unsigned count, int *fds, char *why, size_t why_room)
{
    size_t before = sockets->count;
    enum rw_err shared = refuse_shared_port(sockets, address, why, why_room);
    if (shared)
        return shared;
    for (unsigned thread = 0; thread < count; thread++) {
        if (!find(sockets, address, process, thread)) {
            enum rw_err err = open_one(sockets, address, backlog, process, thread, why, why_room);
            if (err) {
                while (sockets->count > before)
                    drop(sockets, sockets->count - 1);
                return err;
            }
        }
        fds[thread] = find(sockets, address, process, thread)->fd;
    }
    for (unsigned thread = 0; thread < count; thread++)
        find(sockets, address, process, thread)->wanted = true;
    return RW_OK;
}

static bool is_first(const struct rw_sockets *sockets, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (!sockets->items[i].hidden &&
            strcmp(sockets->items[i].address, sockets->items[index].address) == 0)
            return false;
    return true;
}

/* The kernel knows the sockets of an address, but hidden ones, by numbers, in the order in which
 * they began to listen. Where it cannot be told, a connection that comes to the others in the last
 * moment is lost. */
static void steer(const struct rw_sockets *sockets, const struct rw_socket *first)
{
    uint16_t stay[RW_LISTEN_STEER_MAX];
    unsigned number = 0, count = 0;
    for (size_t i = 0; i < sockets->count; i++) {
        const struct rw_socket *item = &sockets->items[i];
        if (item->hidden || strcmp(item->address, first->address) != 0)
            continue;
        if (item->wanted && count < RW_LISTEN_STEER_MAX)
            stay[count++] = (uint16_t)number;
        number++;
    }
    if (count == 0 || count == number)
        rw_listen_steer_end(first->fd);
    else if (rw_listen_steer(first->fd, stay, count))
        rw_log_warn("supervisor", "%s: connections cannot be kept from the sockets that close",
                    first->address);
}

bool rw_sockets_steer(const struct rw_sockets *sockets)
{
    bool unwanted = false;
    for (size_t i = 0; i < sockets->count; i++) {
        const struct rw_socket *item = &sockets->items[i];
        unwanted |= !item->wanted;
        if (!is_unix(item->address) && !item->hidden && is_first(sockets, i))
            steer(sockets, item);
    }
    return unwanted;
}

void rw_sockets_sweep(struct rw_sockets *sockets)
{
    for (size_t i = sockets->count; i-- > 0;)
        if (!sockets->items[i].wanted)
            drop(sockets, i);
}

/* ---- Retiring ---- */

static void hide(struct rw_socket *item)
{
    if (item->hidden || is_unix(item->address))
        return;
    item->hidden = rw_listen_hide(item->fd) == RW_OK;
    if (!item->hidden)
        rw_log_limited(RW_LOG_WARN, "supervisor",
                       "%s: connections cannot be kept from the socket that closes", item->address);
}

void rw_sockets_hide(struct rw_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        hide(&sockets->items[i]);
}

void rw_sockets_retire(struct rw_sockets *sockets, const char *address, unsigned process)
{
    struct rw_socket *other = NULL;
    for (size_t i = sockets->count; i-- > 0;) {
        struct rw_socket *item = &sockets->items[i];
        if (strcmp(item->address, address) != 0)
            continue;
        if (is_unix(address)) {
            drop(sockets, i);
        } else if (item->process == process) {
            item->wanted = false;
            item->retired = true;
        }
    }
    for (size_t i = 0; i < sockets->count; i++)
        if (!sockets->items[i].retired && strcmp(sockets->items[i].address, address) == 0)
            other = &sockets->items[i];
    for (size_t i = 0; i < sockets->count && !other; i++)
        if (strcmp(sockets->items[i].address, address) == 0)
            hide(&sockets->items[i]);
    if (other)
        steer(sockets, other);
}

void rw_sockets_release(struct rw_sockets *sockets, const char *address, unsigned process)
{
    const struct rw_socket *other = NULL;
    for (size_t i = sockets->count; i-- > 0;) {
        const struct rw_socket *item = &sockets->items[i];
        if (item->retired && item->process == process && strcmp(item->address, address) == 0)
            drop(sockets, i);
    }
    for (size_t i = 0; i < sockets->count && !other; i++)
        if (!sockets->items[i].hidden && strcmp(sockets->items[i].address, address) == 0)
            other = &sockets->items[i];
    if (other && !is_unix(address))
        steer(sockets, other);
}

void rw_sockets_disown(struct rw_sockets *sockets, unsigned process)
{
    for (size_t i = sockets->count; i-- > 0;) {
        struct rw_socket *item = &sockets->items[i];
        if (item->process != process || is_unix(item->address))
            continue;
        item->wanted = false;
        if (item->retired)
            drop(sockets, i); /* nobody accepts there any more */
    }
}

void rw_sockets_close(struct rw_sockets *sockets)
{
    while (sockets->count)
        drop(sockets, sockets->count - 1);
    rw_free(sockets->items);
    *sockets = (struct rw_sockets){0};
}

void rw_sockets_write(const struct rw_sockets *sockets, struct rw_text *text)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct rw_socket *item = &sockets->items[i];
        if (!item->retired)
            rw_text_addf(text, "%d,%u,%u,%s\n", item->fd, item->process, item->thread,
                         item->address);
    }
}

void rw_sockets_keep_on_exec(const struct rw_sockets *sockets, bool keep)
{
    for (size_t i = 0; i < sockets->count; i++)
        fcntl(sockets->items[i].fd, F_SETFD, keep && !sockets->items[i].retired ? 0 : FD_CLOEXEC);
}

enum rw_err rw_sockets_read(struct rw_sockets *sockets, struct rw_span text)
{
    struct rw_span line;
    while (text.at && rw_span_next(&text, '\n', &line)) {
        struct rw_span part[3];
        uint64_t number[3];
        if (line.len == 0)
            continue;
        for (int i = 0; i < 3; i++)
            if (!rw_span_next(&line, ',', &part[i]) || !rw_span_to_u64(part[i], &number[i]))
                return RW_EINVAL;
        char address[RW_ADDRESS_TEXT_MAX + 64];
        if (!line.at || line.len >= sizeof(address))
            return RW_EINVAL;
        memcpy(address, line.at, line.len);
        address[line.len] = '\0';
        fcntl((int)number[0], F_SETFD, FD_CLOEXEC);
        enum rw_err err =
            add(sockets, address, (unsigned)number[1], (unsigned)number[2], (int)number[0]);
        if (err)
            return err;
    }
    return RW_OK;
}
