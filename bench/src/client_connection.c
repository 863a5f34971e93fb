#include "client.h"
#include "net.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAILURES_MAX 20000u

static bool is_under_way(const struct client_connection *connection)
{
    return connection->step == STEP_HEAD || connection->step == STEP_BODY;
}

static void close_connection(struct client *client, struct client_connection *connection)
{
    client->under_way -= is_under_way(connection);
    if (connection->h2 != NULL) {
        client->under_way -= client_h2_end(connection);
    }
    if (connection->tls != NULL) {
        SSL_free(connection->tls);
        connection->tls = NULL;
    }
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    connection->fd = -1;
    connection->step = STEP_NONE;
}

void client_count_failure(struct client *client, enum bench_failure kind)
{
    bench_board_add(&client->board->failures[kind], 1);
    if (bench_board_failures(client->board) > FAILURES_MAX) {
        bench_fail("the client gives up after %u failures", FAILURES_MAX);
    }
}

void client_fail(struct client *client, struct client_connection *connection,
                 enum bench_failure kind)
{
    client_count_failure(client, kind);
    ERR_clear_error();
    close_connection(client, connection);
    client_open(client, connection);
}

void client_reopen(struct client *client, struct client_connection *connection)
{
    bench_board_add(&client->board->reopened, 1);
    ERR_clear_error();
    close_connection(client, connection);
    client_open(client, connection);
}

void client_open(struct client *client, struct client_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = connection};
    connection->head_length = 0;
    connection->body_left = 0;
    connection->close_after = false;
    connection->fd = bench_connect(client->port);
    if (connection->fd < 0) {
        /* Left without a socket: the pace tries again at its next look. */
        bench_board_add(&client->board->failures[BENCH_FAILURE_CONNECT], 1);
        connection->step = STEP_NONE;
        return;
    }
    connection->step = STEP_CONNECT;
    if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        bench_fail("epoll_ctl: %s", strerror(errno));
    }
}

/* Writes five digits into the request: a random number below `count`, each as likely as another. */
static void choose(struct client *client, size_t at, uint32_t count)
{
    client->random = client->random * 6364136223846793005u + 1442695040888963407u;
    uint32_t number = (uint32_t)((client->random >> 33) % count);
    for (int digit = 4; digit >= 0; digit--) {
        client->request[at + (size_t)digit] = (char)('0' + number % 10);
        number /= 10;
    }
}

void client_send(struct client *client, struct client_connection *connection, uint64_t due_ns)
{
    if (client->streams > 0) {
        client_h2_send(client, connection, due_ns);
        return;
    }
    if (client->routes > 0) {
        choose(client, client->route_at, client->routes);
    }
    if (client->consumers > 0) {
        choose(client, client->consumer_at, client->consumers);
    }
    connection->due_ns = due_ns;
    connection->head_length = 0;
    connection->step = STEP_HEAD;
    client->under_way++;
    if (!client_write(connection, client->request, client->request_length)) {
        client_fail(client, connection, BENCH_FAILURE_RESET);
    }
}

void client_count_answer(struct client *client, struct client_connection *connection)
{
    bench_board_add(connection->refused ? &client->board->refused : &client->board->responses, 1);
    if (!connection->answered_before) {
        connection->answered_before = true;
        client->answered++;
    }
}

static void finish_answer(struct client *client, struct client_connection *connection)
{
    uint64_t due_ns = connection->due_ns;
    client->under_way -= is_under_way(connection);
    client_count_answer(client, connection);
    connection->step = STEP_READY;
    if (connection->close_after) {
        client_reopen(client, connection);
    }
    client_pace_answered(client, connection, due_ns);
}

/* Finds a field by its lower-case name; returns its value within the head, or NULL. */
static const char *find_field(const char *head, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    const char *end = head + length;
    const char *line = memchr(head, '\n', length);
    while (line != NULL && (size_t)(end - ++line) > name_length + 1) {
        if (line[name_length] == ':' && strncasecmp(line, name, name_length) == 0) {
            line += name_length + 1;
            return line + strspn(line, " \t");
        }
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

/* What is compressed has any length, or comes in chunks. */
static int check_gzip(struct client_connection *connection, const char *head, size_t length)
{
    const char *coding = find_field(head, length, "content-encoding");
    if (coding == NULL || strncasecmp(coding, "gzip", 4) != 0) {
        return BENCH_FAILURE_MALFORMED;
    }
    const char *body = find_field(head, length, "content-length");
    connection->body_left = body == NULL ? UINT64_MAX : strtoull(body, NULL, 10);
    memset(connection->tail, 0, sizeof connection->tail);
    return -1;
}

/* Checks a complete head (it ends in CRLFCRLF). Returns a failure, or -1 when all is well. */
static int check_head(struct client *client, struct client_connection *connection, const char *head,
                      size_t length)
{
    if (length < 15 || memcmp(head, "HTTP/1.1 ", 9) != 0) {
        return BENCH_FAILURE_MALFORMED;
    }
    connection->refused = client->refusals && memcmp(head + 9, "503", 3) == 0;
    if (!connection->refused && memcmp(head + 9, client->upgrade ? "101" : "200", 3) != 0) {
        return BENCH_FAILURE_STATUS;
    }
    if (client->upgrade) {
        return -1;
    }
    const char *persistence = find_field(head, length, "connection");
    connection->close_after = persistence != NULL && strncasecmp(persistence, "close", 5) == 0;
    if (client->gzip) {
        return check_gzip(connection, head, length);
    }
    const char *body = find_field(head, length, "content-length");
    if (body == NULL ||
        (!connection->refused && strtoull(body, NULL, 10) != client->body_bytes_expected)) {
        return BENCH_FAILURE_LENGTH;
    }
    connection->body_left = strtoull(body, NULL, 10);
    return -1;
}

/* The end of the body in chunks: the client asks for nothing before it, so nothing comes behind. */
static void look_for_last_chunk(struct client_connection *connection, const char *data,
                                size_t length)
{
    char *tail = connection->tail;
    size_t room = sizeof connection->tail;
    size_t fresh = length < room ? length : room;
    memmove(tail, tail + fresh, room - fresh);
    memcpy(tail + room - fresh, data + length - fresh, fresh);
    if (memcmp(tail, "\r\n0\r\n\r\n", room) == 0) {
        connection->body_left = 0;
    }
}

/* Takes bytes of the body; false when there are too many. */
static bool take_body(struct client *client, struct client_connection *connection, const char *data,
                      size_t length)
{
    if (length > connection->body_left) {
        client_fail(client, connection, BENCH_FAILURE_LENGTH);
        return false;
    }
    if (connection->body_left == UINT64_MAX) {
        look_for_last_chunk(connection, data, length);
    } else {
        connection->body_left -= length;
    }
    bench_board_add(&client->board->body_bytes, length);
    return true;
}

/* Takes bytes that belong to the head and what follows it. Returns false when the connection is
 * over. */
static bool take_head(struct client *client, struct client_connection *connection, const char *data,
                      size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (end == NULL) {
        if (length >= CLIENT_HEAD_BYTES_MAX) {
            client_fail(client, connection, BENCH_FAILURE_MALFORMED);
            return false;
        }
        memmove(connection->head, data, length);
        connection->head_length = (uint32_t)length;
        return true;
    }
    size_t head_length = (size_t)(end + 4 - data);
    int failure = check_head(client, connection, data, head_length);
    if (failure >= 0) {
        client_fail(client, connection, (enum bench_failure)failure);
        return false;
    }
    connection->step = STEP_BODY;
    return take_body(client, connection, data + head_length, length - head_length);
}

/* Reads once. Returns what the transport returned, or CLIENT_END after the connection was replaced.
 */
static ssize_t read_answer(struct client *client, struct client_connection *connection,
                           bool *replaced)
{
    static char input[CLIENT_HEAD_BYTES_MAX + 4096];
    if (connection->step == STEP_BODY && connection->body_left == UINT64_MAX) {
        ssize_t count = client_read(connection, input, sizeof input);
        if (count > 0) {
            *replaced = !take_body(client, connection, input, (size_t)count);
        }
        return count;
    }
    if (connection->step == STEP_BODY) {
        ssize_t count = client_skip(connection, connection->body_left);
        if (count > 0) {
            connection->body_left -= (uint64_t)count;
            bench_board_add(&client->board->body_bytes, (uint64_t)count);
        }
        return count;
    }
    size_t kept = connection->head_length;
    memcpy(input, connection->head, kept);
    ssize_t count = client_read(connection, input + kept, sizeof input - kept);
    if (count > 0) {
        *replaced = !take_head(client, connection, input, kept + (size_t)count);
    }
    return count;
}

static void receive_answer(struct client *client, struct client_connection *connection)
{
    while (is_under_way(connection)) {
        bool replaced = false;
        ssize_t count = read_answer(client, connection, &replaced);
        if (replaced || count == CLIENT_AGAIN) {
            return;
        }
        if (count == CLIENT_END || count == CLIENT_BROKEN) {
            client_fail(client, connection,
                        count == CLIENT_END ? BENCH_FAILURE_CLOSED : BENCH_FAILURE_RESET);
            return;
        }
        if (connection->step == STEP_BODY && connection->body_left == 0) {
            finish_answer(client, connection);
            return;
        }
    }
}

/* Handshake mode: their end of stream, in good order, shows that they took our Finished message. */
static void await_goodbye(struct client *client, struct client_connection *connection)
{
    for (;;) {
        ssize_t count = client_skip(connection, SIZE_MAX);
        if (count == CLIENT_AGAIN) {
            return;
        }
        /* A peer may end the TCP stream without close_notify: OpenSSL calls that broken. */
        bool ended = count == CLIENT_BROKEN &&
                     ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        if (count == CLIENT_BROKEN && !ended) {
            client_fail(client, connection, BENCH_FAILURE_TLS);
            return;
        }
        if (count <= 0) {
            break;
        }
    }
    ERR_clear_error();
    connection->close_after = true;
    finish_answer(client, connection);
}

static void say_goodbye(struct client *client, struct client_connection *connection)
{
    SSL_shutdown(connection->tls);
    shutdown(connection->fd, SHUT_WR);
    connection->step = STEP_GOODBYE;
    await_goodbye(client, connection);
}

static void be_ready(struct client *client, struct client_connection *connection)
{
    if (client->streams > 0) {
        connection->step = STEP_STREAMS;
        client_h2_begin(client, connection);
        return;
    }
    connection->step = STEP_READY;
    client_pace_ready(client, connection);
}

static void shake_hands(struct client *client, struct client_connection *connection)
{
    int done = SSL_do_handshake(connection->tls);
    if (done == 1) {
        if (client->mode == CLIENT_HANDSHAKE) {
            say_goodbye(client, connection);
            return;
        }
        be_ready(client, connection);
        return;
    }
    int error = SSL_get_error(connection->tls, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        client_fail(client, connection, BENCH_FAILURE_TLS);
    }
}

static void finish_connect(struct client *client, struct client_connection *connection,
                           uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        client_fail(client, connection, BENCH_FAILURE_CONNECT);
        return;
    }
    if (!(events & EPOLLOUT)) {
        return;
    }
    if (client->tls_context == NULL) {
        be_ready(client, connection);
        return;
    }
    if (!client_tls_begin(client, connection)) {
        bench_fail("OpenSSL cannot make a connection");
    }
    connection->step = STEP_HANDSHAKE;
    shake_hands(client, connection);
}

/* Nothing is under way. TLS may bring session tickets; an end of stream is the gateway's right, but
 * in idle mode it spoils what is being measured. */
static void look_at_idle(struct client *client, struct client_connection *connection)
{
    char byte;
    ssize_t count = client_read(connection, &byte, 1);
    if (count == CLIENT_AGAIN) {
        return;
    }
    if (client->mode == CLIENT_IDLE) {
        client->board->held--;
        client_fail(client, connection, BENCH_FAILURE_DROPPED);
    } else if (count > 0) {
        client_fail(client, connection, BENCH_FAILURE_MALFORMED);
    } else {
        client_reopen(client, connection);
    }
}

void client_on_event(struct client *client, struct client_connection *connection, uint32_t events)
{
    switch (connection->step) {
    case STEP_NONE:
        return;
    case STEP_CONNECT:
        finish_connect(client, connection, events);
        return;
    case STEP_HANDSHAKE:
        shake_hands(client, connection);
        return;
    case STEP_READY:
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
            look_at_idle(client, connection);
        }
        return;
    case STEP_HEAD:
    case STEP_BODY:
        receive_answer(client, connection);
        return;
    case STEP_STREAMS:
        client_h2_receive(client, connection);
        return;
    case STEP_GOODBYE:
        await_goodbye(client, connection);
        return;
    }
}
