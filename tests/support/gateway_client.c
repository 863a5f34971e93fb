/* Scripted clients: they send what their requests say, at their pace, and check what comes back. */
#include "base/alloc.h"
#include "support/peer_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    OVERLOAD_QUEUE_MS_MAX = 60000, /* the longest that a configuration can let a request wait */
    PATIENCE_MS = 400 * 1000,
    CONTINUE_PATIENCE_MS = 1000,
    HASTY_BYTES_MAX = 100,
    TALK_BYTES_MAX = 5000
};

static void pump(void *user);

static struct rw_test_client *client_of(struct rw_test_reader *reader)
{
    return rw_container_of(reader, struct rw_test_client, reader);
}

static unsigned number(const struct rw_test_client *client)
{
    return (unsigned)(client - client->world->clients);
}

static struct rw_test_request *request_at(const struct rw_test_client *client, unsigned index)
{
    return &client->world->requests[client->first + index];
}

/* The one whose answer is due; NULL: nothing was asked. */
static struct rw_test_request *asked(const struct rw_test_client *client)
{
    return client->answered < client->sending ? request_at(client, client->answered) : NULL;
}

bool rw_test_answer_has_body(const struct rw_test_request *request)
{
    return strcmp(request->method, "HEAD") != 0 && request->answered_status != 204 &&
           request->answered_status != 304;
}

static void plan_pump(struct rw_test_client *client, uint32_t ms)
{
    if (client->scheduled || client->ended)
        return;
    client->scheduled = true;
    rw_test_later(client->world, ms, pump, client);
}

/* ---- The end ---- */

void rw_test_client_end(struct rw_test_client *client)
{
    if (client->ended)
        return;
    client->ended = true;
    client->reader.stopped = true;
    if (client->h2)
        rw_test_h2_end(client->h2);
    else
        for (unsigned i = client->answered; i < client->sending; i++)
            request_at(client, i)->result = RW_TEST_CUT;
    rw_sim_peer_close(client->socket);
    client->socket = NULL;
}

void rw_test_client_cut(struct rw_test_client *client, enum rw_test_cut cut)
{
    if (client->ended || !client->socket)
        return;
    rw_test_trace(client->world, "client %u: cut %d", number(client), cut);
    if (cut == RW_TEST_CUT_HALF && client->opened) {
        if (!client->shut)
            rw_sim_peer_shutdown(client->socket);
        client->shut = true;
        return;
    }
    if (cut == RW_TEST_CUT_RESET)
        rw_sim_peer_reset(client->socket);
    rw_test_client_end(client);
}

static void lose_patience(void *user)
{
    struct rw_test_client *client = user;
    if (client->ended)
        return;
    if (client->world->strict)
        rw_test_fail(client->world, "client %u waits for ever", number(client));
    rw_test_client_end(client);
}

static void leave(void *user)
{
    rw_test_client_end(user);
}

static void finish(struct rw_test_client *client)
{
    if (client->leave == RW_TEST_LEAVE_STAY)
        return;
    rw_test_later(client->world, rw_test_pause(client->world, &client->pace), leave, client);
}

/* ---- Requests ---- */

static void add_head(struct rw_test_client *client, struct rw_test_request *r)
{
    static const char *const paths[] = {"r", "fixed", "none"};
    struct rw_test_bytes *out = &client->out;
    rw_test_bytes_format(out, "%s /%s/%u?x=%%41 HTTP/1.%u\r\nHost: example.com\r\n", r->method,
                         paths[r->route], (r->page ? r->page : r)->id, r->minor_version);
    if (client->world->users)
        rw_test_bytes_format(out, "X-User: " RW_TEST_USER_FORMAT "\r\n", r->user);
    const char *cookies = rw_test_session_cookie(client, r);
    if (cookies)
        rw_test_bytes_format(out, "Cookie: %s\r\n", cookies);
    if (client->world->dressed)
        rw_test_bytes_format(out, "Origin: " RW_TEST_PAGE_ORIGIN "\r\n");
    if (client->world->compresses && rw_test_coding_accept(r))
        rw_test_bytes_format(out, "Accept-Encoding: %s\r\n", rw_test_coding_accept(r));
    if (client->world->has_tokens) {
        char token[RW_TEST_TOKEN_BYTES];
        const char *field = rw_test_token_field(r, token);
        rw_test_bytes_format(out, "X-Subject: forged\r\n");
        if (field)
            rw_test_bytes_format(out, "Authorization: %s\r\n", field);
    }
    if (r->flaw == RW_TEST_FLAW_HEAD)
        rw_test_bytes_format(out, "no field: \x01\r\n");
    for (int i = 0; r->flaw == RW_TEST_FLAW_OVERSIZE && i < 1000; i++)
        rw_test_bytes_format(out, "X-Long-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
    if (r->upgrade)
        rw_test_bytes_format(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    if (r->socket)
        rw_test_bytes_format(out, "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    if (r->close)
        rw_test_bytes_format(out, "Connection: close\r\n");
    if (r->keep_alive)
        rw_test_bytes_format(out, "Connection: keep-alive\r\n");
    if (r->expect)
        rw_test_bytes_format(out, "Expect: 100-continue\r\n");
    if (r->agent)
        rw_test_bytes_format(out, "User-Agent: %s\r\n", r->agent);
    if (client->world->identifies)
        rw_test_bytes_format(out, "X-Consumer: forged\r\nX-Api-Key: " RW_TEST_KEY_FORMAT "\r\n",
                             (r->page ? r->page : r)->id % RW_TEST_CONSUMERS);
    if (r->framing == RW_TEST_BODY_LENGTH)
        rw_test_bytes_format(out, "Content-Length: %u\r\n", r->body_bytes);
    if (r->framing == RW_TEST_BODY_CHUNKED)
        rw_test_bytes_format(out, "Transfer-Encoding: chunked\r\n");
    rw_test_bytes_format(out, "\r\n");
}

/* Frames wait for the answer; some do not. */
static void begin_talk(struct rw_test_client *client, const struct rw_test_request *r)
{
    client->talk = calloc(1, sizeof(*client->talk));
    rw_assert(client->talk);
    rw_test_socket_begin(client->talk, client->world, r, RW_TEST_CLIENT);
    client->waits = true;
    if (!r->hasty)
        return;
    struct rw_span early = rw_test_socket_next(client->talk, HASTY_BYTES_MAX);
    rw_test_bytes_add(&client->out, early.at, early.len);
    client->body_at = client->out.len;
}

static void build(struct rw_test_client *client, struct rw_test_request *r)
{
    struct rw_test_world *world = client->world;
    struct rw_test_bytes *out = &client->out;
    out->len = client->out_at = 0;
    add_head(client, r);
    client->body_at = out->len;
    client->waits = r->expect;
    if (r->socket) {
        begin_talk(client, r);
    } else if (r->upgrade) {
        client->waits = true;
        rw_test_bytes_body(world, out, RW_TEST_BODY_RAW, r->body_bytes, r->id, RW_TEST_CLIENT,
                           false);
        if (r->hasty)
            client->body_at += r->body_bytes < HASTY_BYTES_MAX ? r->body_bytes : HASTY_BYTES_MAX;
    } else if (r->flaw == RW_TEST_FLAW_CHUNK && r->framing == RW_TEST_BODY_CHUNKED) {
        rw_test_bytes_format(out, "5\r\nhello\r\nxyz\r\n");
    } else if (r->framing != RW_TEST_BODY_NONE) {
        rw_test_bytes_body(world, out, r->framing, r->body_bytes, r->id, RW_TEST_CLIENT,
                           r->trailers);
    }
    r->head_sent = true;
    r->sent_step = rw_sim_steps(world->sim);
    rw_test_sticky_sent(client, r);
    rw_test_trace(world, "client %u: %s %u, %u bytes", number(client), r->method, r->id,
                  r->body_bytes);
}

static bool may_send_next(const struct rw_test_client *client)
{
    return client->sending < client->count && client->sending - client->answered < client->depth &&
           !client->said_close;
}

/* All that could be sent has been. */
static void rest(struct rw_test_client *client)
{
    if (client->sending < client->count || client->shut)
        return;
    const struct rw_test_request *last = request_at(client, client->count - 1);
    bool tunnel = last->upgrade && last->answered_status == 101 && !last->origin_ends;
    if (last->socket)
        return;
    if (client->leave == RW_TEST_LEAVE_HALF ? !last->upgrade || tunnel : tunnel) {
        client->shut = true;
        rw_sim_peer_shutdown(client->socket);
        rw_test_trace(client->world, "client %u: half closes", number(client));
    }
}

static void stop_waiting(void *user)
{
    struct rw_test_client *client = user;
    if (client->ended || !client->waits || request_at(client, client->sending - 1)->upgrade)
        return;
    client->waits = false;
    plan_pump(client, 0);
}

static bool send_segment(struct rw_test_client *client)
{
    struct rw_test_world *world = client->world;
    size_t until = client->waits ? client->body_at : client->out.len;
    if (client->out_at == until)
        return false;
    size_t len = 1 + rw_test_below(world, client->pace.segment_bytes_max);
    if (len > until - client->out_at)
        len = until - client->out_at;
    (void)rw_test_send(client->socket, rw_span(client->out.at + client->out_at, len));
    client->out_at += len;
    client->sent_bytes += len;
    rw_test_trace(world, "client %u: sent %zu, %zu left", number(client), len,
                  client->out.len - client->out_at);
    if (client->waits && client->out_at == client->body_at)
        rw_test_later(world, CONTINUE_PATIENCE_MS, stop_waiting, client);
    if (client->out_at == client->out.len)
        request_at(client, client->sending - 1)->all_sent = true;
    if (client->cut && client->sent_bytes >= client->cut_after_bytes)
        rw_test_client_cut(client, client->cut);
    return true;
}

/* What there is to say next in a WebSocket; or it is over, and the gateway, or the client by its
 * own will, ends the connection. */
static void talk_on(struct rw_test_client *client)
{
    struct rw_test_request *r = request_at(client, client->count - 1);
    if (!client->talk || r->answered_status != 101 || client->out_at < client->out.len ||
        client->talked)
        return;
    struct rw_span next = rw_test_socket_next(client->talk, TALK_BYTES_MAX);
    client->out.len = client->out_at = 0;
    rw_test_bytes_add(&client->out, next.at, next.len);
    client->talked = rw_test_socket_over(client->talk) && next.len == 0;
    if (!client->talked)
        return;
    if (rw_test_socket_complete(client->talk)) {
        r->result = RW_TEST_COMPLETE;
        client->answered++;
    }
    finish(client);
}

static void pump(void *user)
{
    struct rw_test_client *client = user;
    client->scheduled = false;
    if (client->ended || client->shut)
        return;
    talk_on(client);
    if (client->out_at == client->out.len && may_send_next(client)) {
        if (client->sending && request_at(client, client->sending - 1)->upgrade)
            return; /* what follows an upgrade is never a request */
        build(client, request_at(client, client->sending++));
    }
    if (send_segment(client))
        plan_pump(client, rw_test_pause(client->world, &client->pace));
    else if (client->out_at == client->out.len)
        rest(client);
}

/* ---- Answers ---- */

static bool says(const struct rw_test_reader *reader, const char *name, const char *value)
{
    struct rw_span found = rw_test_head_value(reader, name);
    return found.len == strlen(value) && strncasecmp(found.at, value, found.len) == 0;
}

static unsigned status_of(const struct rw_test_reader *reader)
{
    unsigned status = 0;
    int end = 0;
    if (sscanf(reader->head, "HTTP/1.1 %3u %n", &status, &end) < 1 || end != 13)
        return 0;
    return status;
}

/* Does an answer of the gateway's own make sense? */
static bool own_status(unsigned status)
{
    static const unsigned statuses[] = {400, 404, 405, 408, 413, 414, 431, 501, 502, 503, 504};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i] == status)
            return true;
    return false;
}

/* What the gateway asked again may overtake what it has given up, and then fails in its place; a
 * hedge may lose to the first. */
static bool first_of_several(const struct rw_test_request *page, unsigned status)
{
    return page->arrivals > 1 && status == page->first_status;
}

/* What was kept was once answered, and whole. */
static void check_stale(struct rw_test_world *world, const struct rw_test_request *r,
                        const struct rw_test_request *page)
{
    if (r->answered_status != 200 || strcmp(r->method, "GET") != 0)
        rw_test_fail(world, "%u: %s is given a kept %u", r->id, r->method, r->answered_status);
    if (!page->answered_well)
        rw_test_fail(world, "%u: is given what was never answered", r->id);
    if (!world->keeps || (world->strict && rw_sim_now_ms(world->sim) <= OVERLOAD_QUEUE_MS_MAX))
        rw_test_fail(world, "%u: is given what is kept, though nothing failed", r->id);
}

static void check_origin_head(struct rw_test_client *client, const struct rw_test_reader *reader,
                              struct rw_test_request *r)
{
    uint32_t id = (uint32_t)strtoul(rw_test_head_value(reader, "X-Id").at, NULL, 10);
    const struct rw_test_request *page = rw_test_page(r);
    unsigned status = r->socket && client->speaks_h2 ? 200 : page->status; /* RFC 8441 */
    r->stale = rw_test_head_count(reader, "Cache-Status") == 1;
    if (id != page->id)
        rw_test_fail(client->world, "client %u asked for %u and was given %u", number(client),
                     page->id, id);
    else if (r->stale)
        check_stale(client->world, r, page);
    else if (r->answered_status != status && !first_of_several(page, r->answered_status))
        rw_test_fail(client->world, "%u: status %u became %u", id, status, r->answered_status);
    else if (page->arrivals == 0)
        rw_test_fail(client->world, "%u: answered, but no origin was asked", id);
}

/* What the route says in place of the gateway. */
static bool is_brown_out(const struct rw_test_client *client, const struct rw_test_reader *reader,
                         const struct rw_test_request *r)
{
    return client->world->browns_out && r->route == RW_TEST_ROUTE_ORIGIN &&
           r->answered_status == RW_TEST_LATER_STATUS &&
           rw_span_is(rw_test_head_value(reader, "Content-Type"), RW_TEST_LATER_TYPE);
}

static void check_own_head(struct rw_test_client *client, const struct rw_test_reader *reader,
                           const struct rw_test_request *r)
{
    bool fixed = r->route == RW_TEST_ROUTE_FIXED && r->answered_status == 200 &&
                 rw_test_head_count(reader, "X-Fixed") == 1;
    if (fixed && client->world->has_tokens)
        rw_test_token_admitted(client->world, r);
    if (fixed)
        return;
    if (r->answered_status == 401 && client->world->has_tokens) {
        rw_test_token_refused(client->world, reader, r);
        return;
    }
    if (r->answered_status == 413)
        rw_test_bodies_refused(client->world, r);
    if (r->answered_status == RW_TEST_LIMITED_STATUS) {
        rw_test_limits_refused(client->world, r);
        return;
    }
    if (!own_status(r->answered_status) && !is_brown_out(client, reader, r))
        rw_test_fail(client->world, "%u: the gateway answered %u", r->id, r->answered_status);
    struct rw_span reason = rw_test_head_value(reader, "X-Ringway-Reason");
    bool expected = (r->route == RW_TEST_ROUTE_NONE && r->answered_status == 404) ||
                    (rw_span_is(reason, "overloaded") &&
                     rw_sim_now_ms(client->world->sim) > OVERLOAD_QUEUE_MS_MAX);
    if (client->world->strict && !expected)
        rw_test_fail(client->world, "%u: %u though nothing failed: %.*s", r->id, r->answered_status,
                     RW_SPAN_ARGS(reason));
}

void rw_test_check_head(struct rw_test_client *client, const struct rw_test_reader *reader,
                        struct rw_test_request *r)
{
    r->from_origin = rw_test_head_count(reader, "X-Id") == 1;
    r->answered_ms = rw_sim_now_ms(client->world->sim);
    if (r->from_origin)
        check_origin_head(client, reader, r);
    else
        check_own_head(client, reader, r);
    if (client->world->has_sessions)
        rw_test_session_answered(client, reader, r);
    if (client->world->compresses)
        rw_test_coding_answered(client->world, reader, r);
    if (client->world->dressed)
        rw_test_dressed_answered(client->world, reader, r);
}

static enum rw_test_body follows(struct rw_test_client *client, const struct rw_test_request *r)
{
    const char *why;
    uint64_t length = 0;
    enum rw_test_body framing = rw_test_head_framing(&client->reader, &length, &why);
    if (r->answered_status == 101)
        return RW_TEST_BODY_RAW;
    if (!rw_test_answer_has_body(r)) {
        bool told = framing == RW_TEST_BODY_LENGTH && r->from_origin && r->answered_status != 204;
        if (told && length != r->answer_bytes)
            rw_test_fail(client->world, "%u: a length of %u became %u", r->id, r->answer_bytes,
                         (unsigned)length);
        return RW_TEST_BODY_NONE;
    }
    if (framing == RW_TEST_BODY_CHUNKED && r->minor_version == 0)
        rw_test_fail(client->world, "%u: chunks for HTTP/1.0", r->id);
    if (framing == RW_TEST_BODY_NONE && r->minor_version)
        rw_test_fail(client->world, "%u: a body without an end", r->id);
    return framing == RW_TEST_BODY_NONE ? RW_TEST_BODY_UNTIL_CLOSE : framing;
}

static enum rw_test_body on_head(struct rw_test_reader *reader)
{
    struct rw_test_client *client = client_of(reader);
    struct rw_test_request *r = asked(client);
    unsigned status = status_of(reader);
    rw_test_trace(client->world, "client %u: answer %u", number(client), status);
    client->interim = status >= 100 && status < 200 && status != 101;
    if (!r && request_at(client, client->sending - 1)->hasty) {
        reader->stopped = true; /* bytes for a tunnel that was refused look like a bad request */
        return RW_TEST_BODY_NONE;
    }
    if (!r || status == 0) {
        rw_test_fail(client->world, "client %u: an answer to nothing: %.40s", number(client),
                     reader->head);
        return RW_TEST_BODY_NONE;
    }
    if (client->interim) {
        if (r->minor_version == 0)
            rw_test_fail(client->world, "%u: %u for HTTP/1.0", r->id, status);
        if (status == 100)
            stop_waiting(client);
        return RW_TEST_BODY_NONE;
    }
    r->answered_status = (uint16_t)status;
    client->said_close = says(reader, "Connection", "close") ||
                         (r->minor_version == 0 && !says(reader, "Connection", "keep-alive"));
    rw_test_check_head(client, reader, r);
    if (status == 101 && !r->upgrade)
        rw_test_fail(client->world, "%u: 101 without being asked", r->id);
    if (status == 101) {
        client->waits = false;
        plan_pump(client, 0);
    }
    return follows(client, r);
}

void rw_test_check_body(struct rw_test_client *client, const struct rw_test_reader *reader,
                        struct rw_test_request *r, struct rw_span bytes)
{
    rw_test_trace(client->world, "client %u: %zu bytes of %u", number(client), bytes.len, r->id);
    if (!r->from_origin || rw_test_coding_body(r, bytes))
        return;
    uint32_t id = (r->page ? r->page : r)->id;
    if (!rw_test_body_is(bytes, id, RW_TEST_ORIGIN, reader->body_bytes) ||
        reader->body_bytes + bytes.len > r->answer_bytes)
        rw_test_fail(client->world, "%u: the answer's bytes from %u on are not its own", r->id,
                     (unsigned)reader->body_bytes);
}

static void on_body(struct rw_test_reader *reader, struct rw_span bytes)
{
    struct rw_test_client *client = client_of(reader);
    if (reader->state == RW_TEST_RAW && client->talk) {
        rw_test_socket_feed(client->talk, bytes);
        plan_pump(client, rw_test_pause(client->world, &client->pace));
        return;
    }
    rw_test_check_body(client, reader, asked(client), bytes);
}

void rw_test_check_whole(struct rw_test_client *client, const struct rw_test_reader *reader,
                         const struct rw_test_request *r)
{
    if (!r->from_origin || !rw_test_answer_has_body(r))
        return;
    if (!rw_test_coding_whole(client->world, r) && reader->body_bytes != r->answer_bytes)
        rw_test_fail(client->world, "%u: %u of %u bytes are presented as complete", r->id,
                     (unsigned)reader->body_bytes, r->answer_bytes);
    char trailer[32];
    snprintf(trailer, sizeof(trailer), client->world->http2 ? "x-sum: %u" : "X-Sum: %u",
             (r->page ? r->page : r)->id);
    bool expected = r->answer_trailers && r->answer == RW_TEST_BODY_CHUNKED && r->minor_version;
    if (strcasecmp(reader->trailer, expected ? trailer : "") != 0)
        rw_test_fail(client->world, "%u: trailer \"%s\"", r->id, reader->trailer);
}

static void on_complete(struct rw_test_reader *reader)
{
    struct rw_test_client *client = client_of(reader);
    struct rw_test_request *r = asked(client);
    if (client->interim || !r)
        return;
    rw_test_check_whole(client, reader, r);
    r->result = RW_TEST_COMPLETE;
    client->answered++;
    rw_test_trace(client->world, "client %u: %u is complete", number(client), r->id);
    if (r->upgrade)
        client->out_at = client->out.len; /* no tunnel, nothing to put into it */
    if (client->waits && client->sending == client->answered)
        client->waits = false; /* answered before the body: a fair client sends it all the same */
    if (client->answered == client->count || client->said_close)
        finish(client);
    plan_pump(client,
              client->think_ms_max ? rw_test_below(client->world, client->think_ms_max) : 0);
}

static void on_bad(struct rw_test_reader *reader, const char *why)
{
    struct rw_test_client *client = client_of(reader);
    rw_test_fail(client->world, "client %u was sent %s: %.200s", number(client), why,
                 reader->head ? reader->head : "");
}

static const struct rw_test_reader_events reader_events = {on_head, on_body, on_complete, on_bad};

/* ---- The socket ---- */

static void on_open(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct rw_test_client *client = user;
    (void)socket;
    rw_test_trace(client->world, "client %u: open: %s", number(client), rw_err_text(err));
    client->opened = !err;
    client->refused = err != RW_OK;
    if (err)
        rw_test_client_end(client);
    else if (client->h2)
        rw_test_h2_begin(client->h2);
    else
        plan_pump(client, 0);
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_client *client = user;
    (void)socket;
    rw_test_check(client->world);
    if (client->h2)
        rw_test_h2_receive(client->h2, bytes);
    else
        rw_test_reader_feed(&client->reader, bytes);
}

/* An end in order completes what lasts until the end; anything else that is open is cut, and the
 * client sees that it is. */
static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct rw_test_client *client = user;
    struct rw_test_reader *reader = &client->reader;
    (void)socket;
    rw_test_trace(client->world, "client %u: end: %s", number(client), rw_err_text(err));
    bool tunnel = reader->state == RW_TEST_RAW;
    if (!err && (reader->state == RW_TEST_UNTIL_CLOSE ||
                 (tunnel && client->world->strict && !client->talk)))
        on_complete(reader);
    if (!err && tunnel)
        talk_on(client);
    if (!err && client->h2)
        rw_test_h2_drain(client->h2);
    rw_test_client_end(client);
}

static const struct rw_sim_peer_events socket_events = {.on_open = on_open,
                                                        .on_data = on_data,
                                                        .on_end = on_end};

static void connect_now(void *user)
{
    struct rw_test_client *client = user;
    struct rw_test_world *world = client->world;
    const struct rw_address *address = &world->addresses[client->listener];
    while (rw_sim_peer_connect(world->sim, rw_address_sockaddr(address), address->bytes,
                               &socket_events, client, &client->socket))
        rw_alloc_fail_never();
    if (client->bytes_per_ms)
        rw_sim_peer_throttle(client->socket, client->bytes_per_ms);
    rw_test_later(world, PATIENCE_MS, lose_patience, client);
}

void rw_test_client_start(struct rw_test_client *client)
{
    client->reader.events = &reader_events;
    if (client->speaks_h2)
        client->h2 = rw_test_h2_create(client);
    rw_test_later(client->world, client->start_ms, connect_now, client);
}

void rw_test_client_free(struct rw_test_client *client)
{
    rw_test_reader_free(&client->reader);
    if (client->h2)
        rw_test_h2_free(client->h2);
    if (client->talk)
        rw_test_socket_free(client->talk);
    free(client->talk);
    free(client->out.at);
}
