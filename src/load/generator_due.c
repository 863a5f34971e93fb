/* What is due: from the schedule, from a closed loop's users, from a script's, to a connection that
 * can take it or into the backlog. */
#include "load/generator_parts.h"
#include "load/socket.h"

#include <sys/timerfd.h>

enum { QUEUED_NS_MIN = 1000 * 1000 }; /* a user's request that waited so long found none free */

static bool may_send(const struct rw_load_generator *g)
{
    return g->running && !g->stopped;
}

/* ---- The backlog ---- */

static bool has_backlog(const struct rw_load_generator *g)
{
    return g->backlog.count || !rw_list_empty(&g->users.waiting);
}

static struct rw_load_due take_waiting(struct rw_load_generator *g)
{
    struct rw_list *item = rw_list_pop_front(&g->users.waiting);
    struct rw_load_user *user = rw_container_of(item, struct rw_load_user, link);
    if (rw_loop_now_ns(g->loop) > user->due_ns + QUEUED_NS_MIN)
        g->tally->counts.queued += rw_load_is_recorded(g, user->due_ns);
    return (struct rw_load_due){user->due_ns, user};
}

static struct rw_load_due take_backlog(struct rw_load_generator *g)
{
    if (g->backlog.count)
        return (struct rw_load_due){rw_dues_pop(&g->backlog), NULL};
    return take_waiting(g);
}

static void queue(struct rw_load_generator *g, uint64_t due_ns)
{
    if (!rw_dues_push(&g->backlog, due_ns))
        rw_load_count_error(g, due_ns, RW_LOAD_ERROR_UNSENT);
}

void rw_load_give_up_backlog(struct rw_load_generator *g)
{
    uint64_t patience_ns = g->settings->timeout_ms * RW_NS_PER_MS;
    if (g->stopped)
        rw_load_forget_backlog(g); /* a closed loop's would have been sent at once */
    while (g->backlog.count &&
           (g->stopped || rw_loop_now_ns(g->loop) > rw_dues_first(&g->backlog) + patience_ns))
        rw_load_count_error(g, rw_dues_pop(&g->backlog), RW_LOAD_ERROR_UNSENT);
}

void rw_load_forget_backlog(struct rw_load_generator *g)
{
    while (g->settings->closed && g->backlog.count)
        g->tally->counts.due -= rw_load_is_recorded(g, rw_dues_pop(&g->backlog));
}

/* ---- To a connection ---- */

static bool has_room(const struct rw_load_connection *connection)
{
    return connection->open && connection->generator->protocol->room(connection) > 0;
}

static void send_on(struct rw_load_connection *connection, struct rw_load_due due)
{
    if (!due.user || rw_load_user_write(due.user))
        connection->generator->protocol->send(connection, due);
}

/* To the WebSocket that the user has, where it still has it. */
static void speak(struct rw_load_user *user)
{
    struct rw_load_generator *g = user->generator;
    struct rw_load_due due = {user->due_ns, user};
    if (!user->socket) {
        rw_load_count_error(g, due.ns, RW_LOAD_ERROR_CLOSED);
        rw_load_user_go_on(user, RW_LOAD_LOST);
    } else if (!rw_load_socket_has_room(user->socket)) {
        rw_list_push_back(&g->users.speaking, &user->link); /* its end of sending wakes us */
    } else if (rw_load_user_write(user)) {
        rw_load_socket_send(user->socket, due);
    }
}

static void serve_speaking(struct rw_load_generator *g)
{
    struct rw_list now;
    rw_list_init(&now);
    for (struct rw_list *item; (item = rw_list_pop_front(&g->users.speaking));)
        rw_list_push_back(&now, item);
    for (struct rw_list *item; (item = rw_list_pop_front(&now));)
        speak(rw_container_of(item, struct rw_load_user, link));
}

void rw_load_ready(struct rw_load_connection *connection)
{
    struct rw_load_generator *g = connection->generator;
    while (has_backlog(g) && may_send(g) && has_room(connection))
        send_on(connection, take_backlog(g));
    if (!connection->free && has_room(connection))
        rw_load_put_in(connection, true);
}

static void send_on_free(struct rw_load_generator *g, struct rw_load_due due)
{
    struct rw_load_connection *connection =
        rw_container_of(g->free.next, struct rw_load_connection, link);
    rw_load_put_in(connection, false);
    send_on(connection, due);
    rw_load_ready(connection);
}

void rw_load_serve(struct rw_later *later)
{
    struct rw_load_generator *g = rw_container_of(later, struct rw_load_generator, serve);
    if (may_send(g))
        serve_speaking(g);
    while (has_backlog(g) && may_send(g) && !rw_list_empty(&g->free))
        send_on_free(g, take_backlog(g));
}

static void send_or_queue(struct rw_load_generator *g, uint64_t due_ns)
{
    bool recorded = rw_load_is_recorded(g, due_ns);
    g->tally->counts.due += recorded;
    if (g->backlog.count || rw_list_empty(&g->free)) {
        g->tally->counts.queued += recorded;
        queue(g, due_ns);
        return;
    }
    if (recorded)
        rw_histogram_record(&g->tally->lateness, rw_loop_now_ns(g->loop) - due_ns);
    send_on_free(g, (struct rw_load_due){due_ns, NULL});
}

/* A user comes, as the schedule has it. */
static void arrive(struct rw_load_generator *g, uint64_t due_ns)
{
    bool recorded = rw_load_is_recorded(g, due_ns);
    struct rw_load_user *user = rw_load_users_arrive(g, due_ns);
    g->tally->counts.due += recorded && !g->users.exhausted;
    if (!user)
        return;
    if (has_backlog(g) || rw_list_empty(&g->free)) {
        rw_list_push_back(&g->users.waiting, &user->link);
        return;
    }
    if (recorded)
        rw_histogram_record(&g->tally->lateness, rw_loop_now_ns(g->loop) - due_ns);
    send_on_free(g, (struct rw_load_due){due_ns, user});
}

/* ---- The source ---- */

/* The source of what is due: the schedule, or in a closed loop those who think. */
uint64_t rw_load_next_due(const struct rw_load_generator *g)
{
    if (g->settings->closed)
        return g->thinking.count ? rw_dues_first(&g->thinking) : UINT64_MAX;
    return g->next_due_ns;
}

static void draw_next(struct rw_load_generator *g)
{
    uint64_t offset_ns;
    if (g->settings->closed)
        rw_dues_pop(&g->thinking);
    else if (!g->users.exhausted && rw_schedule_next(&g->schedule, &offset_ns))
        g->next_due_ns = g->begin_ns + offset_ns;
    else
        g->next_due_ns = UINT64_MAX;
}

static void set_alarm(struct rw_load_generator *g)
{
    uint64_t due_ns = rw_load_next_due(g);
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(due_ns / RW_NS_PER_S),
                     .tv_nsec = (long)(due_ns % RW_NS_PER_S)},
    };
    if (due_ns == UINT64_MAX)
        when = (struct itimerspec){0};
    timerfd_settime(g->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void rw_load_ask_again(struct rw_load_generator *g)
{
    uint64_t think_ns = g->settings->think_ms * RW_NS_PER_MS;
    uint64_t due_ns = rw_loop_now_ns(g->loop) + think_ns;
    if (!g->settings->closed || due_ns >= g->end_ns)
        return;
    if (!think_ns) {
        g->tally->counts.due += rw_load_is_recorded(g, due_ns);
        queue(g, due_ns);
    } else if (!rw_dues_push(&g->thinking, due_ns)) {
        rw_load_count_error(g, due_ns, RW_LOAD_ERROR_UNSENT);
    } else if (g->thinking.count == 1) {
        set_alarm(g);
    }
}

static void send_due(struct rw_load_generator *g)
{
    for (uint64_t due_ns;
         may_send(g) && (due_ns = rw_load_next_due(g)) <= rw_loop_now_ns(g->loop);) {
        draw_next(g);
        if (g->settings->script)
            arrive(g, due_ns);
        else
            send_or_queue(g, due_ns);
    }
    set_alarm(g);
}

void rw_load_on_alarm(struct rw_watch *watch, unsigned events)
{
    (void)events;
    send_due(rw_container_of(watch, struct rw_load_generator, alarm));
}

/* ---- The begin ---- */

/* All users at once, or, if they think, spread over the time that they do. */
static void wake_users(struct rw_load_generator *g)
{
    uint64_t users = (uint64_t)g->wanted * g->settings->streams;
    uint64_t think_ns = g->settings->think_ms * RW_NS_PER_MS;
    for (uint64_t i = 0; i < users; i++)
        if (!rw_dues_push(&g->thinking, g->begin_ns + think_ns * i / users))
            rw_load_count_error(g, g->begin_ns, RW_LOAD_ERROR_UNSENT);
}

void rw_load_begin_due(struct rw_load_generator *g)
{
    const struct rw_load_settings *settings = g->settings;
    if (settings->closed && settings->script) {
        rw_load_users_begin(g);
    } else if (settings->closed) {
        wake_users(g);
    } else {
        rw_schedule_begin(&g->schedule, &settings->profile, g->index, settings->threads,
                          settings->seed);
        draw_next(g);
    }
    send_due(g);
}
