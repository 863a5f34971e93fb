#include "verify/ledger.h"

#include "base/clock.h"
#include "http/h1.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_US = 100 * 1000 };

/* ---- One request ---- */

/* `number` where the pattern says so. */
static void add_filled(struct rw_text *text, struct rw_span pattern, uint64_t number)
{
    static const struct rw_span mark = RW_LITERAL(RW_WRITE_NUMBER);
    while (pattern.len) {
        const char *at = memmem(pattern.at, pattern.len, mark.at, mark.len);
        size_t before = at ? (size_t)(at - pattern.at) : pattern.len;
        rw_text_add(text, rw_span(pattern.at, before));
        if (at)
            rw_text_addf(text, "%" PRIu64, number);
        pattern = rw_span_skip(pattern, at ? before + mark.len : before);
    }
}

static void add_headers(struct rw_ledger *ledger, uint64_t number)
{
    const struct rw_conf_list *headers = &ledger->target->headers;
    const struct rw_conf_pair *pairs = headers->items;
    for (size_t i = 0; i < headers->count; i++) {
        rw_text_addf(&ledger->text, "%.*s: ", RW_SPAN_ARGS(pairs[i].key));
        add_filled(&ledger->text, pairs[i].value, number);
        rw_text_adds(&ledger->text, "\r\n");
    }
}

/* `index` counts the writes. */
static void begin_request(struct rw_ledger *ledger, struct rw_span method, struct rw_span path,
                          uint64_t index)
{
    struct rw_text *text = &ledger->text;
    text->len = 0;
    rw_text_addf(text, "%.*s %.*s", RW_SPAN_ARGS(method), RW_SPAN_ARGS(ledger->drive->base));
    add_filled(text, path, ledger->first + index);
    rw_text_addf(text, " HTTP/1.1\r\nHost: %.*s\r\n", RW_SPAN_ARGS(ledger->drive->authority));
    add_headers(ledger, ledger->first + index);
}

static bool send_text(struct rw_ledger *ledger)
{
    bool whole = !ledger->text.err && !ledger->body.err;
    ledger->text.err = ledger->body.err = RW_OK;
    return whole && rw_wire_send(&ledger->wire, rw_text_span(&ledger->text));
}

static bool send_write(struct rw_ledger *ledger, uint64_t index)
{
    struct rw_text *text = &ledger->text;
    ledger->body.len = 0;
    add_filled(&ledger->body, ledger->target->body, ledger->first + index);
    begin_request(ledger, ledger->target->method, ledger->target->path, index);
    rw_text_addf(text, "%s: %" PRIu64 "\r\nContent-Length: %zu\r\n\r\n", RW_LEDGER_FIELD, index,
                 ledger->body.len);
    rw_text_add(text, rw_text_span(&ledger->body));
    return send_text(ledger);
}

static bool send_read(struct rw_ledger *ledger, uint64_t index)
{
    begin_request(ledger, RW_LITERAL("GET"), ledger->target->read, index);
    rw_text_adds(&ledger->text, "\r\n");
    return send_text(ledger);
}

/* The body's bytes are read and dropped; false: it is not whole. */
static bool read_body(struct rw_ledger *ledger, const struct rw_message *message,
                      struct rw_span rest)
{
    struct rw_h1_body body;
    struct rw_span data;
    char more[16 * 1024];
    rw_h1_body_start(&body, message);
    for (;;) {
        enum rw_h1_body_event event =
            rw_h1_body_next(&body, &rw_h1_limits_default, &rest, &data, NULL);
        if (event == RW_H1_BODY_END)
            return true;
        if (event == RW_H1_BODY_BAD)
            return false;
        if (event == RW_H1_BODY_DATA)
            continue;
        ptrdiff_t length = rw_wire_receive(&ledger->wire, more, sizeof(more));
        if (length <= 0)
            return length == 0 && rw_h1_body_may_end(&body);
        rest = rw_span(more, (size_t)length);
    }
}

/* The status of the answer, once all of it is there; 0: there is none. */
static unsigned read_answer(struct rw_ledger *ledger, enum rw_method method, bool *keep)
{
    static const struct rw_h1_limits *const limits = &rw_h1_limits_default;
    char bytes[32 * 1024], memory[16 * 1024];
    size_t held = 0;
    struct rw_h1_head head = {0};
    for (;;) {
        struct rw_arena arena;
        struct rw_message message = {0};
        ptrdiff_t length = rw_wire_receive(&ledger->wire, bytes + held, sizeof(bytes) - held);
        if (length <= 0)
            return 0;
        held += (size_t)length;
        rw_arena_init(&arena, memory, sizeof(memory), 4096, 0);
        enum rw_h1_result result =
            rw_h1_parse_response(rw_span(bytes, held), limits, method, &arena, &message, &head);
        if (result == RW_H1_INCOMPLETE && held < sizeof(bytes))
            continue;
        *keep = message.keep_alive;
        if (result != RW_H1_COMPLETE || message.status < 200 ||
            !read_body(ledger, &message, rw_span(bytes + head.consumed, held - head.consumed)))
            return 0;
        return message.status;
    }
}

static void write_one(struct rw_ledger *ledger)
{
    bool keep = false;
    unsigned status = 0;
    uint64_t index = ledger->sent;
    if (index == RW_LEDGER_WRITES_MAX || !rw_wire_connect(&ledger->wire))
        return; /* nothing was sent: the number is still free */
    ledger->sent++;
    if (send_write(ledger, index))
        status = read_answer(ledger, rw_method_from(ledger->target->method), &keep);
    if (status >= 200 && status < 300)
        ledger->writes[index] = RW_LEDGER_ACKNOWLEDGED;
    if (!keep)
        rw_wire_hang_up(&ledger->wire);
}

/* FOUND, MISSING, or UNANSWERED: the answer does not tell. */
static enum rw_ledger_write read_one(struct rw_ledger *ledger, uint64_t index)
{
    bool keep = false;
    unsigned status = 0;
    if (rw_wire_connect(&ledger->wire) && send_read(ledger, index))
        status = read_answer(ledger, RW_METHOD_GET, &keep);
    if (!keep)
        rw_wire_hang_up(&ledger->wire);
    if (status >= 200 && status < 300)
        return RW_LEDGER_FOUND;
    return status == 404 || status == 410 ? RW_LEDGER_MISSING : RW_LEDGER_UNANSWERED;
}

/* ---- Reading back ---- */

static void block_broken_pipes(void)
{
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE); /* OpenSSL writes without MSG_NOSIGNAL */
    pthread_sigmask(SIG_BLOCK, &broken, NULL);
}

static bool is_over(const struct rw_ledger *ledger, uint64_t until_ns)
{
    return atomic_load(ledger->interrupted) || rw_clock_monotonic_ns() >= until_ns;
}

static uint64_t from_now_ns(uint64_t ms)
{
    return rw_clock_monotonic_ns() + ms * RW_NS_PER_MS;
}

/* Until it is found, or as `wanted`: what comes late is waited for. */
static bool is_told(struct rw_ledger *ledger, uint64_t index, enum rw_ledger_write wanted)
{
    uint64_t until_ns = from_now_ns(RW_LEDGER_LATE_MS);
    for (;;) {
        enum rw_ledger_write told = read_one(ledger, index);
        if (told == wanted || told == RW_LEDGER_FOUND || is_over(ledger, until_ns))
            return told == wanted;
        usleep(LOOK_US);
    }
}

/* The first write that is acknowledged; false: none is. */
static bool write_first(struct rw_ledger *ledger, uint64_t until_ns, uint64_t *index)
{
    while (ledger->sent < RW_LEDGER_WRITES_MAX && !is_over(ledger, until_ns)) {
        *index = ledger->sent;
        write_one(ledger);
        if (ledger->writes[*index] == RW_LEDGER_ACKNOWLEDGED)
            return true;
        usleep(LOOK_US);
    }
    return false;
}

void rw_ledger_prove(struct rw_ledger *ledger)
{
    static const uint64_t nobodys = RW_LEDGER_WRITES_MAX;
    uint64_t index;
    if (!ledger->target->read.len || ledger->blind)
        return;
    block_broken_pipes();
    if (!write_first(ledger, from_now_ns(RW_LEDGER_PATIENCE_MS), &index) ||
        !is_told(ledger, index, RW_LEDGER_FOUND))
        ledger->blind = RW_LEDGER_FINDS_NONE;
    else if (!is_told(ledger, nobodys, RW_LEDGER_MISSING))
        ledger->blind = RW_LEDGER_FINDS_ALL;
}

/* Those that are `known` so far; false: given up. */
static bool read_those(struct rw_ledger *ledger, enum rw_ledger_write known)
{
    for (uint64_t i = ledger->read; i < ledger->sent; i++) {
        uint64_t until_ns = from_now_ns(RW_LEDGER_PATIENCE_MS);
        enum rw_ledger_write told;
        if (ledger->writes[i] != known)
            continue;
        while ((told = read_one(ledger, i)) == RW_LEDGER_UNANSWERED) {
            if (is_over(ledger, until_ns))
                return false;
            usleep(LOOK_US);
        }
        ledger->writes[i] = (uint8_t)told;
        if (atomic_load(ledger->interrupted))
            return false;
    }
    return true;
}

static bool misses_any(const struct rw_ledger *ledger)
{
    for (uint64_t i = ledger->read; i < ledger->sent; i++)
        if (ledger->writes[i] == RW_LEDGER_MISSING)
            return true;
    return false;
}

/* What comes late (from a queue, from a replica) is not lost. */
void rw_ledger_read_back(struct rw_ledger *ledger)
{
    if (ledger->target->read.len && !ledger->blind) {
        block_broken_pipes();
        if (read_those(ledger, RW_LEDGER_ACKNOWLEDGED) && misses_any(ledger)) {
            usleep(RW_LEDGER_LATE_MS * 1000);
            (void)read_those(ledger, RW_LEDGER_MISSING);
        }
        rw_wire_hang_up(&ledger->wire);
    }
    ledger->read = ledger->sent;
}

/* ---- The thread ---- */

static void *work(void *argument)
{
    struct rw_ledger *ledger = argument;
    block_broken_pipes();
    uint64_t gap_ns = RW_NS_PER_S / ledger->target->per_second;
    while (!atomic_load(&ledger->stop) && ledger->sent < RW_LEDGER_WRITES_MAX) {
        uint64_t next_ns = rw_clock_monotonic_ns() + gap_ns;
        write_one(ledger);
        uint64_t now_ns = rw_clock_monotonic_ns();
        if (now_ns < next_ns)
            usleep((useconds_t)((next_ns - now_ns) / 1000));
    }
    rw_wire_hang_up(&ledger->wire);
    return NULL;
}

enum rw_err rw_ledger_open(struct rw_ledger *ledger, struct rw_text *why)
{
    const struct rw_drive *drive = ledger->drive;
    const struct rw_wire_options options = {
        .address = drive->address,
        .wait_ms_max = RW_LEDGER_WAIT_MS_MAX,
        .tls = drive->tls[0] != NULL,
        .insecure = drive->file->insecure,
        .ca = drive->file->ca,
        .name = drive->host,
    };
    ledger->first = rw_clock_wall_ns() / 1000;
    return rw_wire_open(&ledger->wire, &options, why);
}

void rw_ledger_close(struct rw_ledger *ledger)
{
    rw_wire_close(&ledger->wire);
    rw_text_free(&ledger->text);
    rw_text_free(&ledger->body);
}

enum rw_err rw_ledger_start(struct rw_ledger *ledger)
{
    atomic_store(&ledger->stop, false);
    ledger->running = pthread_create(&ledger->thread, NULL, work, ledger) == 0;
    return ledger->running ? RW_OK : RW_ELIMIT;
}

void rw_ledger_stop(struct rw_ledger *ledger)
{
    if (!ledger->running)
        return;
    atomic_store(&ledger->stop, true);
    pthread_join(ledger->thread, NULL);
    ledger->running = false;
}

void rw_ledger_sum(const struct rw_ledger *ledger, struct rw_ledger_sum *sum)
{
    bool reads = ledger->target->read.len > 0;
    *sum = (struct rw_ledger_sum){
        .kept = ledger->sent > 0, .sent = ledger->sent, .blind = ledger->blind};
    for (uint64_t i = 0; i < ledger->sent; i++) {
        enum rw_ledger_write known = (enum rw_ledger_write)ledger->writes[i];
        unsigned seen = atomic_load(&ledger->counts->seen[i]);
        bool acknowledged = known != RW_LEDGER_UNANSWERED;
        sum->acknowledged += acknowledged;
        sum->lost += reads ? known == RW_LEDGER_MISSING : acknowledged && !seen;
        sum->unread += reads && known == RW_LEDGER_ACKNOWLEDGED;
        sum->twice += seen > 1;
    }
}
