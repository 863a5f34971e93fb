/* Endpoints in a file: YAML (or JSON, which is YAML too) with a list `endpoints`, as an upstream
 * has one. It is looked at once a second, which sees every way to replace it: a rename, a link of a
 * Kubernetes volume, a write over the network. A file with mistakes is told, and changes nothing.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/file.h"
#include "gate/config/config_tables.h"
#include "gate/discovery/discovery_kinds.h"

enum { LOOK_EVERY_MS = 1000, READ_BLOCK_BYTES = 16384, READ_BYTES_MAX = 32 << 20 };

struct contents {
    struct rw_conf_list endpoints; /* of rw_config_endpoint */
};

struct state {
    struct rw_discovery *discovery;
    struct rw_timer timer;
    struct rw_span path;
    struct stat seen;
    bool missing;
};

static const struct rw_conf_field fields[] = {
    {
        .name = "endpoints",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_MAY_BE_EMPTY,
        .offset = offsetof(struct contents, endpoints),
        .record = &rw_config_endpoint_record,
        .doc = "The servers.",
    },
    {.name = NULL},
};

static const struct rw_conf_record record = {
    .name = "discovery.file",
    .doc = "A file of endpoints.",
    .size = sizeof(struct contents),
    .fields = fields,
    .place_offset = -1,
};

/* RW_ENOMEM: nobody is told. */
static enum rw_err take(struct rw_discovery *discovery, const struct contents *contents)
{
    const struct rw_config_endpoint *endpoints = contents->endpoints.items;
    rw_discovery_begin(discovery);
    struct rw_discovery_group *group = NULL;
    struct rw_span odd = {0};
    enum rw_err err = rw_discovery_put(discovery, RW_LITERAL("file"), &group);
    for (size_t i = 0; i < contents->endpoints.count && !err; i++) {
        const struct rw_discovered item = {.weight = endpoints[i].weight,
                                           .priority = endpoints[i].priority,
                                           .locality = endpoints[i].locality};
        err = rw_discovery_add(discovery, group, endpoints[i].address, &item);
        if (err == RW_EINVAL) {
            odd = endpoints[i].address;
            if (discovery->loop)
                rw_log_limited(RW_LOG_WARN, "discovery", "upstream %.*s: no IP address: \"%.*s\"",
                               RW_SPAN_ARGS(discovery->upstream),
                               RW_SPAN_ARGS(endpoints[i].address));
            err = RW_OK;
        }
    }
    if (err != RW_ENOMEM)
        rw_discovery_end(discovery);
    if (odd.len && !discovery->loop)
        rw_text_addf(&discovery->flaw, "no IP address: \"%.*s\"", RW_SPAN_ARGS(odd));
    return err;
}

/* `why` may have several lines, each a mistake; the first one stays as the flaw. */
static void fail(struct rw_discovery *discovery, struct rw_span why)
{
    struct rw_span rest = why, line;
    if (rw_span_next(&rest, '\n', &line))
        rw_discovery_fails(discovery, line);
    rest = why;
    while (discovery->loop && rest.len && rw_span_next(&rest, '\n', &line))
        if (line.len)
            rw_log_at(RW_LOG_WARN, "discovery", "upstream %.*s: %.*s",
                      RW_SPAN_ARGS(discovery->upstream), RW_SPAN_ARGS(line));
}

static void read_now(struct state *state)
{
    struct rw_arena arena;
    struct contents contents = {0};
    rw_arena_init(&arena, NULL, 0, READ_BLOCK_BYTES, READ_BYTES_MAX);
    struct rw_conf_report report = {.arena = &arena};
    struct rw_text text = {0};
    char room[48];
    enum rw_err unread = rw_conf_slurp(state->path.at, RW_CONF_FILE_BYTES_MAX, true, &text);
    enum rw_err err = unread;
    if (!err)
        err = rw_conf_read_text(rw_text_span(&text), state->path.at, &record, &arena, &contents,
                                &report);
    rw_text_free(&text);
    if (!err)
        err = take(state->discovery, &contents);
    if (err == RW_ENOMEM)
        state->seen = (struct stat){0}; /* it is read again */
    struct rw_text why = {0};
    if (report.count)
        rw_conf_report_print(&report, &why);
    else if (unread)
        rw_text_addf(&why, "%s: cannot be read: %s", state->path.at,
                     rw_conf_slurp_flaw(unread, RW_CONF_FILE_BYTES_MAX, room));
    else if (err)
        rw_text_addf(&why, "%s: %s", state->path.at, rw_err_text(err));
    if (report.count || err)
        fail(state->discovery, why.err ? rw_span_text(rw_err_text(why.err)) : rw_text_span(&why));
    rw_text_free(&why);
    rw_arena_free(&arena);
}

/* What is gone, maybe only for a moment while it is replaced, changes nothing; it is told once. */
static void miss(struct state *state)
{
    struct rw_text why = {0};
    if (state->missing)
        return;
    state->missing = true;
    state->seen = (struct stat){0}; /* whatever comes is read */
    rw_text_addf(&why,
                 state->discovery->answered ? "%s is gone: the endpoints stay as they were"
                                            : "%s is not there yet",
                 state->path.at);
    fail(state->discovery, why.err ? rw_span_text(rw_err_text(why.err)) : rw_text_span(&why));
    rw_text_free(&why);
}

static void look_now(struct state *state)
{
    struct stat now;
    if (stat(state->path.at, &now) != 0) {
        miss(state);
        return;
    }
    state->missing = false;
    if (rw_file_same(&now, &state->seen))
        return;
    state->seen = now;
    read_now(state);
}

static void look(struct rw_timer *timer)
{
    struct state *state = rw_container_of(timer, struct state, timer);
    struct rw_loop *loop = state->discovery->loop;
    look_now(state);
    rw_timer_start(loop, timer, rw_loop_now_ms(loop) + LOOK_EVERY_MS);
}

static enum rw_err begin(struct rw_discovery *discovery, const struct rw_config_discovery *config,
                         const struct rw_config_dns *dns, struct rw_conf_report *report)
{
    (void)dns;
    (void)report;
    struct state *state = rw_arena_zero(&discovery->arena, sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    state->discovery = discovery;
    state->path = rw_arena_copy(&discovery->arena, config->file);
    if (!state->path.at)
        return RW_ENOMEM;
    discovery->state = state;
    state->timer.fire = look;
    look_now(state);
    if (discovery->loop)
        rw_timer_start(discovery->loop, &state->timer,
                       rw_loop_now_ms(discovery->loop) + LOOK_EVERY_MS);
    return RW_OK;
}

static void end(struct rw_discovery *discovery)
{
    struct state *state = discovery->state;
    if (discovery->loop)
        rw_timer_stop(discovery->loop, &state->timer);
    rw_discovery_free(discovery);
}

const struct rw_discovery_kind rw_discovery_file = {.begin = begin, .end = end};
