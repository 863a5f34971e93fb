#include "support/tls_pair.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Files ---- */

static char directory[64];

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        perror(command);
}

static void make_certificates(void)
{
    char command[128];
    snprintf(directory, sizeof(directory), "/tmp/ringway-tls-XXXXXX");
    rw_assert(mkdtemp(directory));
    atexit(remove_directory);
    snprintf(command, sizeof(command), "sh tests/tls/make.sh '%s'", directory);
    rw_assert(system(command) == 0);
}

struct rw_span pair_file(const char *name)
{
    static char names[64][128];
    static unsigned next;
    if (!directory[0])
        make_certificates();
    char *at = names[next++ % 64];
    int len = snprintf(at, sizeof(names[0]), "%s/%s", directory, name);
    return rw_span(at, (size_t)len);
}

struct rw_tls_server *pair_server_with(struct rw_tls_server_options options,
                                       const char *const *names)
{
    struct rw_tls_certificate_files files[8];
    char name[64];
    size_t count = 0;
    for (; names[count]; count++) {
        snprintf(name, sizeof(name), "%s.pem", names[count]);
        files[count].cert = pair_file(name);
        snprintf(name, sizeof(name), "%s.key", names[count]);
        files[count].key = pair_file(name);
    }
    options.certificates = files;
    options.certificate_count = count;
    struct rw_text why = {0};
    struct rw_tls_server *server = NULL;
    enum rw_err err = rw_tls_server_create(&options, &server, &why);
    if (err)
        fprintf(stderr, "server: %s: %s\n", rw_err_text(err), why.at ? why.at : "");
    rw_text_free(&why);
    return err ? NULL : server;
}

struct rw_tls_server *pair_server(const char *const *names, struct rw_tls_ticket_keys *keys)
{
    return pair_server_with((struct rw_tls_server_options){.ticket_keys = keys}, names);
}

struct rw_tls_client *pair_client_with(struct rw_tls_client_options options)
{
    struct rw_text why = {0};
    struct rw_tls_client *client = NULL;
    if (!options.ca.len && !options.insecure)
        options.ca = pair_file("ca.pem");
    enum rw_err err = rw_tls_client_create(&options, &client, &why);
    if (err)
        fprintf(stderr, "client: %s: %s\n", rw_err_text(err), why.at ? why.at : "");
    rw_text_free(&why);
    return err ? NULL : client;
}

struct rw_tls_client *pair_client(const char *name)
{
    return pair_client_with((struct rw_tls_client_options){.name = rw_span_text(name)});
}

/* ---- Callbacks ---- */

static struct pair_end *end_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct pair_end, stream);
}

static void then(struct pair_end *end, const char *event)
{
    if (end->then)
        end->then(end, event);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct pair_end *end = end_of(stream);
    end->opens++;
    end->open_err = err;
    end->opened = err == RW_OK;
    if (!err && !end->wait_to_receive)
        rw_stream_receive(stream, true, end->large);
    then(end, "open");
}

uint64_t pair_checksum(uint64_t checksum, const char *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        checksum = (checksum ^ (unsigned char)from[i]) * 0x100000001b3ull;
    return checksum;
}

void pair_pattern(char *to, size_t bytes, size_t offset)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)((offset + i) * 31 + ((offset + i) >> 8));
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct pair_end *end = end_of(stream);
    struct rw_span bytes = rw_buf_span(buf);
    rw_assert(bytes.len > 0);
    size_t room = end->received < PAIR_KEPT_MAX ? PAIR_KEPT_MAX - end->received : 0;
    if (room)
        memcpy(end->kept + end->received, bytes.at, bytes.len < room ? bytes.len : room);
    end->checksum = pair_checksum(end->checksum, bytes.at, bytes.len);
    end->received += bytes.len;
    rw_buf_drop(buf);
    if (end->reading_stops_at && end->received >= end->reading_stops_at)
        rw_stream_receive(stream, false, false);
    then(end, "data");
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct pair_end *end = end_of(stream);
    end->ended = true;
    end->ends++;
    end->end_err = err;
    then(end, "end");
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct pair_end *end = end_of(stream);
    rw_assert(end->sending);
    end->sending = false;
    end->sents++;
    end->sent_err = err;
    then(end, "sent");
}

static void on_closed(struct rw_stream *stream)
{
    struct pair_end *end = end_of(stream);
    rw_assert(end->live);
    end->live = false;
    end->closed = true;
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    struct pair *pair = rw_container_of(listener, struct pair, listener);
    pair->attach_err =
        rw_stream_attach(pair->loop, &pair->server.stream, &events, fd, pair->server_tls);
    pair->server.live = pair->attach_err == RW_OK;
    pair->server.closed = !pair->server.live;
}

static void on_listener_closed(struct rw_listener *listener)
{
    rw_container_of(listener, struct pair, listener)->listener_closed = true;
}

/* ---- The pair ---- */

enum rw_loop_backend pair_backend = RW_LOOP_EPOLL;

void pair_open(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    struct rw_loop_options options = {.backend = pair_backend};
    rw_assert(rw_loop_create(&options, &pair->loop) == RW_OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    rw_assert(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    rw_assert(listen(fd, 16) == 0);
    pair->listener.fd = fd;
    pair->listener.on_accept = on_accept;
    pair->listener.on_closed = on_listener_closed;
    rw_assert(rw_listener_start(pair->loop, &pair->listener) == RW_OK);
}

uint16_t pair_port(const struct pair *pair)
{
    struct sockaddr_in address = {0};
    socklen_t bytes = sizeof(address);
    rw_assert(getsockname(pair->listener.fd, (struct sockaddr *)&address, &bytes) == 0);
    return ntohs(address.sin_port);
}

static void begin_end(struct pair *pair, struct pair_end *end)
{
    rw_assert(!end->live);
    end->pair = pair;
    end->opened = end->ended = end->closed = end->sending = false;
    end->open_err = end->end_err = end->sent_err = RW_OK;
    end->opens = end->ends = end->sents = 0;
    end->received = 0;
    end->checksum = 0;
    memset(end->kept, 0, sizeof(end->kept));
}

enum rw_err pair_start(struct pair *pair, struct rw_tls_server *server,
                       struct rw_tls_client *client, const char *name)
{
    begin_end(pair, &pair->server);
    begin_end(pair, &pair->client);
    pair->server_tls = server;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(pair_port(pair)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rw_connect_options options = {.address = (struct sockaddr *)&address,
                                         .address_bytes = sizeof(address),
                                         .tls = client,
                                         .tls_name = name};
    enum rw_err err = rw_stream_connect(pair->loop, &pair->client.stream, &events, &options);
    pair->client.live = err == RW_OK;
    pair->client.closed = !pair->client.live;
    return err;
}

bool pair_until(struct pair *pair, bool (*done)(struct pair *pair))
{
    for (int turns = 0; turns < PAIR_TURNS_MAX; turns++) {
        if (done(pair))
            return true;
        rw_loop_turn(pair->loop, 1);
    }
    return done(pair);
}

bool pair_both_open(struct pair *pair)
{
    return pair->server.opened && pair->client.opened;
}

static bool told(const struct pair_end *end)
{
    return end->closed || (end->opens && end->open_err) || end->ended;
}

bool pair_both_told(struct pair *pair)
{
    return told(&pair->server) && told(&pair->client);
}

static bool gone(const struct pair_end *end)
{
    return !end->live;
}

bool pair_both_closed(struct pair *pair)
{
    return gone(&pair->server) && gone(&pair->client);
}

void pair_stop(struct pair *pair)
{
    if (pair->client.live)
        rw_stream_close(&pair->client.stream);
    if (pair->server.live)
        rw_stream_close(&pair->server.stream);
    rw_assert(pair_until(pair, pair_both_closed));
}

static bool listener_is_closed(struct pair *pair)
{
    return pair->listener_closed;
}

void pair_close(struct pair *pair)
{
    pair_stop(pair);
    rw_listener_close(&pair->listener);
    rw_assert(pair_until(pair, listener_is_closed));
    close(pair->listener.fd);
    rw_loop_destroy(pair->loop);
}

enum rw_send pair_send(struct pair_end *end, const void *from, size_t bytes)
{
    struct iovec part = {(void *)(uintptr_t)from, bytes};
    enum rw_send result = rw_stream_send(&end->stream, &part, 1);
    end->sending = result == RW_SEND_PENDING;
    return result;
}
