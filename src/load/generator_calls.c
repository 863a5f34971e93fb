/* Requests from their sending to their end: what is recorded of them, and those that take too long.
 */
#include "load/generator_parts.h"
#include "load/socket.h"

/* ---- Recording ---- */

void rw_load_report_second(struct rw_load_generator *g)
{
    rw_timeline_report(g->timeline, g->second, &g->second_row, g->second_latency);
    rw_histogram_clear(g->second_latency);
    g->second_row = (struct rw_timeline_row){0};
    g->second++;
}

void rw_load_report_seconds(struct rw_load_generator *g)
{
    uint64_t now = rw_loop_now_ns(g->loop);
    while (g->running && now >= g->record_from_ns + (g->second + 1) * RW_NS_PER_S)
        rw_load_report_second(g);
}

/* Of this moment; a second may be reported a little late. */
static struct rw_timeline_part *part_of(struct rw_load_generator *g)
{
    uint64_t begin_ns = g->record_from_ns + g->second * RW_NS_PER_S;
    uint64_t since_ns = rw_loop_now_ns(g->loop) - begin_ns;
    uint64_t part = since_ns / (RW_NS_PER_S / RW_TIMELINE_PARTS);
    return &g->second_row.parts[part < RW_TIMELINE_PARTS ? part : RW_TIMELINE_PARTS - 1];
}

static void count_part(struct rw_load_generator *g, uint64_t latency_ns, bool failed)
{
    struct rw_timeline_part *part = part_of(g);
    part->answered++;
    part->failed += failed;
    for (unsigned i = 0; i < RW_TIMELINE_LIMITS; i++)
        part->slow[i] += latency_ns > g->settings->limits_ns[i];
}

void rw_load_count_error(struct rw_load_generator *g, uint64_t due_ns, enum rw_load_error error)
{
    if (!rw_load_is_recorded(g, due_ns))
        return;
    g->tally->counts.errors[error]++;
    g->tally->counts.failed++;
    g->second_row.failed++;
    g->second_row.unanswered++;
    if (g->settings->limits_ns)
        part_of(g)->failed++;
}

static void count_step(struct rw_load_generator *g, const struct rw_load_call *call,
                       uint64_t latency_ns)
{
    struct rw_load_step_tally *step = &g->steps[call->request];
    step->answered++;
    rw_histogram_record(&step->latency, latency_ns);
}

/* Without the time that the target takes by design. */
static uint64_t without_hold(const struct rw_load_generator *g, uint64_t took_ns)
{
    uint64_t held_ns = g->settings->held_ms * RW_NS_PER_MS;
    return took_ns > held_ns ? took_ns - held_ns : 0;
}

static void count_answer(struct rw_load_generator *g, const struct rw_load_call *call, uint64_t now,
                         bool failed)
{
    if (!rw_load_is_recorded(g, call->due_ns))
        return;
    uint64_t latency_ns = without_hold(g, now - call->due_ns);
    rw_histogram_record(&g->tally->latency, latency_ns);
    rw_histogram_record(&g->tally->service, without_hold(g, now - call->sent_ns));
    rw_histogram_record(g->second_latency, latency_ns);
    g->tally->counts.answered++;
    g->tally->counts.statuses[call->status] += call->status > 0; /* messages have none */
    g->tally->counts.failed += failed;
    g->second_row.answered++;
    g->second_row.failed += failed;
    if (g->settings->limits_ns)
        count_part(g, latency_ns, failed);
    if (g->steps)
        count_step(g, call, latency_ns);
}

/* ---- Timeouts ---- */

static void arm_timeouts(struct rw_load_generator *g)
{
    if (rw_list_empty(&g->all_calls) || rw_timer_running(&g->timeouts))
        return;
    const struct rw_load_call *oldest =
        rw_container_of(g->all_calls.next, struct rw_load_call, link);
    rw_timer_start(g->loop, &g->timeouts,
                   oldest->sent_ns / RW_NS_PER_MS + g->settings->timeout_ms + 1);
}

void rw_load_on_timeouts(struct rw_timer *timer)
{
    struct rw_load_generator *g = rw_container_of(timer, struct rw_load_generator, timeouts);
    uint64_t now = rw_loop_now_ns(g->loop);
    while (!rw_list_empty(&g->all_calls)) {
        struct rw_load_call *call = rw_container_of(g->all_calls.next, struct rw_load_call, link);
        if (now < call->sent_ns + g->settings->timeout_ms * RW_NS_PER_MS)
            break;
        struct rw_load_socket *socket = call->is_message ? call->socket : NULL;
        rw_load_failed(call, RW_LOAD_ERROR_TIMEOUT);
        if (socket)
            rw_load_socket_give_up(socket);
        else
            g->protocol->give_up(call);
    }
    arm_timeouts(g);
}

/* ---- Requests ---- */

const struct rw_load_request *rw_load_choose(struct rw_load_generator *g, struct rw_load_call *call,
                                             struct rw_load_due due)
{
    const struct rw_load_request *request = g->users.request;
    call->user = due.user;
    if (due.user) {
        due.user->calling = true;
        call->request = (uint16_t)rw_load_user_step(due.user)->request;
    } else {
        call->request = (uint16_t)rw_load_next_choice(g);
        request = &g->settings->requests[call->request];
    }
    call->due_ns = due.ns;
    call->sent_ns = rw_loop_now_ns(g->loop);
    rw_list_push_back(&g->all_calls, &call->link);
    arm_timeouts(g);
    if (rw_load_is_recorded(g, due.ns)) {
        g->tally->counts.sent++;
        g->second_row.sent++;
        if (g->steps)
            g->steps[call->request].sent++;
    }
    return request;
}

void rw_load_answered(struct rw_load_call *call)
{
    struct rw_load_generator *g = call->connection->generator;
    struct rw_load_user *user = call->user;
    uint64_t now = rw_loop_now_ns(g->loop);
    bool good = user ? rw_load_user_judge(user, now - call->due_ns) : call->status < 400;
    count_answer(g, call, now, !good);
    rw_list_remove(&call->link);
    if (user)
        rw_load_user_go_on(user, good ? RW_LOAD_GOOD : RW_LOAD_BAD);
    else
        rw_load_ask_again(g);
}

void rw_load_sent_off(struct rw_load_call *call)
{
    rw_list_remove(&call->link);
    if (call->user)
        rw_load_user_go_on(call->user, RW_LOAD_GOOD);
    else
        rw_load_ask_again(call->connection->generator);
}

bool rw_load_is_answer(const struct rw_load_call *call)
{
    return !call->user || rw_load_user_hears(call->user);
}

void rw_load_failed(struct rw_load_call *call, enum rw_load_error error)
{
    struct rw_load_generator *g = call->connection->generator;
    rw_load_count_error(g, call->due_ns, error);
    rw_list_remove(&call->link);
    if (call->user)
        rw_load_user_go_on(call->user, RW_LOAD_LOST);
    else
        rw_load_ask_again(g);
}
