#include "support/exchange_fixture.h"

#include "base/alloc.h"
#include "gate/exchange/exchange.h"
#include "gate/limit/meter.h"
#include "http/h1.h"
#include "io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 100000, RESERVED_BYTES = 4 * 1024 * 1024 };

/* ---- The front ---- */

static void keep_fields(struct rw_text *to, const struct rw_message *message)
{
    for (unsigned i = 0; i < message->field_count; i++)
        rw_text_addf(to, "%.*s: %.*s\n", RW_SPAN_ARGS(message->fields[i].name),
                     RW_SPAN_ARGS(message->fields[i].value));
}

static enum rw_flow take(struct rw_exchange *x, const struct rw_piece *piece)
{
    struct rw_fixture *fixture = x->front_state;
    assert_false(fixture->ended);
    assert_false(fixture->held);
    rw_text_add(&fixture->body, piece->data);
    fixture->pieces++;
    if (fixture->hold) {
        fixture->held = true;
        fixture->ended = piece->end;
        if (fixture->pieces == 1 && fixture->after_first_piece)
            fixture->after_first_piece();
        return RW_FLOW_HOLD;
    }
    if (piece->end) {
        fixture->ended = true;
        rw_exchange_response_sent(x);
    }
    return RW_FLOW_GO;
}

static enum rw_flow respond(struct rw_exchange *x, const struct rw_piece *first)
{
    struct rw_fixture *fixture = x->front_state;
    assert_int_equal(fixture->status, 0);
    fixture->status = x->response.status;
    fixture->length = x->response.has_length ? x->response.body_bytes : UINT64_MAX;
    keep_fields(&fixture->head, &x->response);
    keep_fields(&fixture->request_head, &x->request);
    return take(x, first);
}

static enum rw_flow informational(struct rw_exchange *x)
{
    (void)x;
    return RW_FLOW_GO;
}

static void request_resume(struct rw_exchange *x)
{
    ((struct rw_fixture *)x->front_state)->request_held = false;
}

static void abort_exchange(struct rw_exchange *x)
{
    ((struct rw_fixture *)x->front_state)->aborted = true;
}

static void keep_text(char *to, size_t room, struct rw_span text)
{
    snprintf(to, room, "%.*s", RW_SPAN_ARGS(text));
}

static void finished(struct rw_exchange *x)
{
    struct rw_fixture *fixture = x->front_state;
    keep_text(fixture->target, sizeof(fixture->target), x->upstream_target);
    keep_text(fixture->host, sizeof(fixture->host), x->upstream_host);
    keep_text(fixture->reason, sizeof(fixture->reason), rw_span_text(rw_reason_name(x->reason)));
    fixture->finished = true;
    fixture->x = NULL;
    rw_exchange_destroy(x);
}

static const struct rw_front front = {
    .respond = respond,
    .response_data = take,
    .informational = informational,
    .request_resume = request_resume,
    .abort = abort_exchange,
    .finished = finished,
    .protocol = {"HTTP/1.1", 8},
};

/* ---- The gateway ---- */

static void released(struct rw_snapshot *snapshot)
{
    struct rw_fixture *fixture = snapshot->user;
    rw_snapshot_destroy(snapshot, fixture->clusters);
}

static void load(struct rw_fixture *fixture, const char *yaml)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_config *config;
    rw_arena_init(&arena, NULL, 0, 1 << 16, SIZE_MAX);
    report.arena = &arena;
    enum rw_err err =
        rw_config_load_text(rw_span_text(yaml), "test.yaml", &arena, &config, &report);
    struct rw_snapshot_options options = {
        .clusters = fixture->clusters,
        .metrics = fixture->metrics,
        .meters = fixture->meters,
        .workers = 1,
        .generation = 1,
    };
    struct rw_snapshot *snapshot = NULL;
    if (!err) {
        /* The arena moves into the snapshot while it is compiled; the report keeps to its own. */
        struct rw_arena told;
        rw_arena_init(&told, NULL, 0, 1 << 14, SIZE_MAX);
        report.arena = &told;
        err = rw_snapshot_create(&options, &arena, config, &report, &snapshot);
        rw_conf_report_print(&report, &fixture->mistakes);
        rw_arena_free(&told);
    } else {
        rw_conf_report_print(&report, &fixture->mistakes);
    }
    if (err) {
        assert_true(fixture->mistakes.len > 0);
        rw_arena_free(&arena);
        return;
    }
    snapshot->release = released;
    snapshot->user = fixture;
    fixture->snapshot = snapshot;
    rw_snapshot_hold(snapshot, 1);
    rw_worker_adopt(&fixture->worker, snapshot);
}

void rw_fixture_open(struct rw_fixture *fixture, const struct rw_conf_variant_kind *const *origins,
                     const struct rw_conf_variant_kind *const *policies, const char *yaml)
{
    *fixture = (struct rw_fixture){0};
    rw_config_register(origins, policies);
    assert_int_equal(rw_metrics_create(1, 64, &fixture->metrics), RW_OK);
    assert_int_equal(rw_meters_create(RW_METERS_KEYS_MIN, -1, &fixture->meters), RW_OK);
    int quotas = memfd_create("quotas", MFD_CLOEXEC);
    assert_int_equal(rw_meters_open_quotas(fixture->meters, RW_METERS_KEYS_MIN, quotas), RW_OK);
    close(quotas);
    struct rw_clusters_options cluster_options = {.metrics = fixture->metrics};
    assert_int_equal(rw_clusters_create(&cluster_options, &fixture->clusters), RW_OK);
    struct rw_worker_options options = {.loop.backend = RW_LOOP_EPOLL,
                                        .metrics = rw_metrics_shard(fixture->metrics, 0)};
    assert_int_equal(rw_worker_create(&options, &fixture->worker), RW_OK);
    load(fixture, yaml);
}

static void forget_answer(struct rw_fixture *fixture)
{
    rw_text_free(&fixture->head);
    rw_text_free(&fixture->body);
    rw_text_free(&fixture->request_head);
    fixture->head = fixture->body = fixture->request_head = (struct rw_text){0};
    fixture->finished = fixture->aborted = fixture->ended = fixture->held = false;
    fixture->status = fixture->pieces = 0;
}

void rw_fixture_close(struct rw_fixture *fixture)
{
    forget_answer(fixture);
    rw_text_free(&fixture->mistakes);
    rw_worker_destroy(&fixture->worker);
    if (fixture->snapshot)
        rw_snapshot_drop(fixture->snapshot);
    rw_clusters_destroy(fixture->clusters);
    rw_metrics_destroy(fixture->metrics);
    rw_meters_destroy(fixture->meters);
}

void rw_fixture_expect_mistake(struct rw_fixture *fixture,
                               const struct rw_conf_variant_kind *const *origins,
                               const struct rw_conf_variant_kind *const *policies, const char *yaml,
                               const char *told)
{
    rw_fixture_open(fixture, origins, policies, yaml);
    const char *all = fixture->mistakes.at ? fixture->mistakes.at : "none";
    if (fixture->snapshot || !strstr(all, told))
        fail_msg("for: %s\nexpected: %s\ngot: %s", yaml, told, all);
    rw_fixture_close(fixture);
}

/* ---- Requests ---- */

/* As much as it takes at once. */
static void feed_body(struct rw_fixture *fixture)
{
    while (fixture->request_rest.len && fixture->x && !fixture->request_held) {
        struct rw_span rest = fixture->request_rest;
        size_t len = rest.len < fixture->body_piece ? rest.len : fixture->body_piece;
        struct rw_piece piece = {.data = rw_span(rest.at, len), .end = len == rest.len};
        fixture->request_rest = rw_span_skip(rest, len);
        fixture->request_held = rw_exchange_request_data(fixture->x, &piece) == RW_FLOW_HOLD;
    }
}

/* The client takes what was held, or goes away. */
static void go_on(struct rw_fixture *fixture)
{
    for (unsigned turn = 0; fixture->x && turn < TURNS_MAX; turn++) {
        if (fixture->cut_after && fixture->pieces >= fixture->cut_after) {
            rw_exchange_cut(fixture->x, RW_REASON_CLIENT_GONE);
        } else if (fixture->held) {
            fixture->held = false;
            if (fixture->ended)
                rw_exchange_response_sent(fixture->x);
            else
                rw_exchange_response_resume(fixture->x);
        }
        rw_loop_turn(fixture->worker.loop, fixture->held ? 0 : 1);
        feed_body(fixture);
    }
    assert_null(fixture->x);
}

static void reserve(struct rw_text *text)
{
    text->at = rw_alloc_zero(RESERVED_BYTES);
    assert_non_null(text->at);
    text->room = RESERVED_BYTES;
}

void rw_fixture_ask(struct rw_fixture *fixture, const char *head, const char *body)
{
    assert_non_null(fixture->snapshot);
    forget_answer(fixture);
    struct rw_exchange *x = rw_exchange_create(&fixture->worker, fixture->worker.snapshot, &front,
                                               fixture, fixture->listener);
    assert_non_null(x);
    struct rw_h1_head parsed = {0};
    struct rw_span bytes = rw_span_text(head);
    assert_int_equal(rw_h1_parse_request(bytes, &x->listener->h1, &x->arena, &x->request, &parsed),
                     RW_H1_COMPLETE);
    struct rw_address peer = {.storage.ss_family = AF_UNIX};
    const char *client = fixture->client ? fixture->client : "192.0.2.7";
    if (*client)
        assert_int_equal(rw_address_parse_ip(rw_span_text(client), 0, &peer), RW_OK);
    x->peer = rw_address_sockaddr(&peer);
    x->https = fixture->https;
    fixture->x = x;
    if (fixture->fail_after) {
        /* What the front keeps shall not be what fails. */
        reserve(&fixture->head);
        reserve(&fixture->request_head);
        reserve(&fixture->body);
        rw_alloc_fail_once(fixture->fail_after - 1);
    }
    bool later = body && fixture->body_piece;
    struct rw_piece first = {.end = !later};
    if (body && !later)
        first.data = rw_span_text(body);
    fixture->request_rest = later ? rw_span_text(body) : (struct rw_span){0};
    fixture->request_held = rw_exchange_begin(x, &first) == RW_FLOW_HOLD;
    feed_body(fixture);
    go_on(fixture);
    rw_alloc_fail_never();
    assert_true(fixture->finished);
    assert_int_equal(rw_loop_buffers(fixture->worker.loop)->in_use_bytes, 0);
}

void rw_fixture_get(struct rw_fixture *fixture, const char *target)
{
    char head[4096];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", target);
    rw_fixture_ask(fixture, head, NULL);
}

/* ---- Looking at the answer ---- */

static const char *field_of(const struct rw_text *head, const char *name)
{
    static char value[8192];
    size_t len = 0;
    struct rw_span rest = rw_text_span(head), line;
    value[0] = '\0';
    while (rest.len && rw_span_next(&rest, '\n', &line)) {
        ptrdiff_t colon = rw_span_find(line, ':');
        if (colon < 0 || !rw_span_is_nocase(rw_span(line.at, (size_t)colon), name))
            continue;
        struct rw_span text = rw_span_trim(rw_span_skip(line, (size_t)colon + 1));
        len += (size_t)snprintf(value + len, sizeof(value) - len, "%s%.*s", len ? ", " : "",
                                RW_SPAN_ARGS(text));
    }
    return value;
}

const char *rw_fixture_field(const struct rw_fixture *fixture, const char *name)
{
    return field_of(&fixture->head, name);
}

const char *rw_fixture_request_field(const struct rw_fixture *fixture, const char *name)
{
    return field_of(&fixture->request_head, name);
}

const char *rw_fixture_body(const struct rw_fixture *fixture)
{
    return fixture->body.at ? fixture->body.at : "";
}
