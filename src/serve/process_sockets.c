#include "base/alloc.h"
#include "base/log.h"
#include "gate/front/listener.h"
#include "serve/channel.h"
#include "serve/process.h"

#include <stdio.h>
#include <unistd.h>

enum {
    SUPERVISOR_WAIT_MS = 5000,
    RETIRE_MS = 1000, /* a handshake that had begun is done by then */
};

/* ---- From the supervisor ---- */

static struct rw_process_sockets *sockets_at(struct rw_process *process, struct rw_span address)
{
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next) {
        struct rw_process_sockets *sockets = rw_container_of(at, struct rw_process_sockets, link);
        if (rw_span_is(address, sockets->address))
            return sockets;
    }
    return NULL;
}

/* One that comes later than it was waited for is dropped. */
static enum rw_err receive_answer(struct rw_process *process, struct rw_channel_message *answer,
                                  int *fds, unsigned *count)
{
    for (;;) {
        enum rw_err err =
            rw_channel_receive(process->options.channel, SUPERVISOR_WAIT_MS, answer, fds, count);
        if (err || answer->serial == process->requests)
            return err;
        rw_process_drop_answer(fds, *count);
    }
}

void rw_process_drop_answer(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

static enum rw_err request_sockets(struct rw_process *process, struct rw_span address, int backlog,
                                   unsigned count, int *fds, char *why, size_t why_room)
{
    struct rw_channel_message message = {.kind = RW_CHANNEL_LISTEN,
                                         .count = count,
                                         .backlog = backlog,
                                         .serial = ++process->requests};
    unsigned got = 0;
    if (address.len >= sizeof(message.text))
        return RW_EINVAL;
    memcpy(message.text, address.at, address.len);
    enum rw_err err = rw_channel_send(process->options.channel, &message, NULL, 0);
    if (!err)
        err = receive_answer(process, &message, fds, &got);
    snprintf(why, why_room, "%s", err ? "the supervisor does not answer" : message.text);
    if (!err && message.error)
        err = (enum rw_err)message.error;
    return !err && got != count ? RW_EPROTO : err;
}

static void drop_sockets(struct rw_process_sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
    rw_list_remove(&sockets->link);
    rw_free(sockets);
}

static enum rw_err want_sockets(struct rw_process *process, struct rw_listener_settings *listener,
                                unsigned count, struct rw_conf_report *report)
{
    struct rw_span address = listener->address_text;
    struct rw_process_sockets *sockets = sockets_at(process, address);
    if (!sockets) {
        char why[RW_CHANNEL_TEXT_MAX];
        sockets = rw_alloc_zero(sizeof(*sockets) + address.len + 1);
        if (!sockets)
            return RW_ENOMEM;
        memcpy(sockets->address, address.at, address.len);
        enum rw_err err = request_sockets(process, address, (int)listener->config->backlog, count,
                                          sockets->fds, why, sizeof(why));
        if (err) {
            rw_conf_mistake_at(report, listener->config->place, "listener %.*s: %s",
                               RW_SPAN_ARGS(listener->name), why);
            rw_free(sockets);
            return err;
        }
        sockets->count = count;
        rw_list_push_back(&process->sockets, &sockets->link);
    }
    sockets->wanted = true;
    memcpy(listener->fds, sockets->fds, count * sizeof(int));
    return RW_OK;
}

/* Not the fault of an address: the next one would fail, or wait, as well. */
static bool gives_no_more(enum rw_err err)
{
    return err == RW_ENOMEM || err == RW_ETIMEDOUT || err == RW_ECLOSED || err == RW_EPROTO;
}

enum rw_err rw_process_want_sockets(struct rw_process *process, struct rw_snapshot *snapshot,
                                    struct rw_snapshot *admin, struct rw_conf_report *report)
{
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next)
        rw_container_of(at, struct rw_process_sockets, link)->wanted = false;
    enum rw_err first = RW_OK;
    for (unsigned i = 0; i <= snapshot->listener_count && !gives_no_more(first); i++) {
        bool last = i == snapshot->listener_count;
        enum rw_err err = RW_OK;
        if (!last)
            err = want_sockets(process, &snapshot->listeners[i], process->options.threads, report);
        else if (admin)
            err = want_sockets(process, &admin->listeners[0], 1, report);
        first = first ? first : err;
    }
    return first;
}

/* ---- Back to the supervisor ---- */

static void tell(struct rw_process *process, enum rw_channel_kind kind, const char *address)
{
    struct rw_channel_message message = {.kind = kind};
    snprintf(message.text, sizeof(message.text), "%s", address);
    if (rw_channel_send(process->options.channel, &message, NULL, 0))
        rw_log_warn("serve", "cannot tell the supervisor to close %s", address);
}

/* Nobody of this process accepts there. */
static void release(struct rw_process *process, struct rw_process_sockets *sockets)
{
    char address[RW_CHANNEL_TEXT_MAX];
    snprintf(address, sizeof(address), "%s", sockets->address);
    drop_sockets(sockets);
    tell(process, RW_CHANNEL_RELEASE, address);
}

static void finish_thread(struct rw_thread *thread, void *arg)
{
    const struct rw_process_sockets *sockets = arg;
    if (thread->index < sockets->count)
        rw_listeners_finish_at(&thread->worker, sockets->fds[thread->index]);
}

static void finished(struct rw_process *process, void *arg)
{
    struct rw_process_sockets *sockets = arg;
    rw_listeners_finish_at(&process->control, sockets->fds[0]);
    release(process, sockets);
}

static void close_due(struct rw_timer *timer)
{
    struct rw_process *process = rw_container_of(timer, struct rw_process, retire_timer);
    struct rw_loop *loop = process->control.loop;
    uint64_t now_ms = rw_loop_now_ms(loop), next_ms = 0;
    for (struct rw_list *at = process->retired.next, *next; at != &process->retired; at = next) {
        struct rw_process_sockets *sockets = rw_container_of(at, struct rw_process_sockets, link);
        next = at->next;
        if (sockets->close_ms <= now_ms &&
            rw_threads_visit(process, finish_thread, finished, sockets) == RW_OK)
            rw_list_remove(at);
        else if (sockets->close_ms <= now_ms)
            sockets->close_ms = now_ms + RETIRE_MS; /* no memory: later */
        if (rw_list_linked(at) && (!next_ms || sockets->close_ms < next_ms))
            next_ms = sockets->close_ms;
    }
    if (next_ms)
        rw_timer_start(loop, timer, next_ms);
}

static void retire(struct rw_process *process, struct rw_process_sockets *sockets)
{
    struct rw_loop *loop = process->control.loop;
    bool is_unix = strncmp(sockets->address, "unix:", 5) == 0;
    rw_list_remove(&sockets->link);
    rw_list_push_back(&process->retired, &sockets->link);
    sockets->close_ms = rw_loop_now_ms(loop) + (is_unix ? 0 : RETIRE_MS);
    process->retire_timer.fire = close_due;
    if (is_unix || !rw_timer_running(&process->retire_timer))
        rw_timer_start(loop, &process->retire_timer, sockets->close_ms);
}

/* No new connections come to the sockets without a listener. */
static void let_go(struct rw_process *process,
                   void (*then)(struct rw_process *process, struct rw_process_sockets *sockets))
{
    for (struct rw_list *at = process->sockets.next, *next; at != &process->sockets; at = next) {
        struct rw_process_sockets *sockets = rw_container_of(at, struct rw_process_sockets, link);
        next = at->next;
        if (sockets->wanted)
            continue;
        tell(process, RW_CHANNEL_RETIRE, sockets->address);
        then(process, sockets);
    }
}

void rw_process_retire_sockets(struct rw_process *process)
{
    let_go(process, retire);
}

static void still_wanted(struct rw_process *process, const struct rw_snapshot *snapshot)
{
    for (unsigned i = 0; snapshot && i < snapshot->listener_count; i++) {
        struct rw_process_sockets *sockets =
            sockets_at(process, snapshot->listeners[i].address_text);
        if (sockets)
            sockets->wanted = true;
    }
}

void rw_process_refuse_sockets(struct rw_process *process)
{
    /* One that has never served ends now. What it was given is not its to close: processes of the
     * program before may accept there, connections may wait for the next one. */
    if (!process->snapshot)
        return;
    for (struct rw_list *at = process->sockets.next; at != &process->sockets; at = at->next)
        rw_container_of(at, struct rw_process_sockets, link)->wanted = false;
    still_wanted(process, process->snapshot);
    still_wanted(process, process->admin);
    let_go(process, release);
}

void rw_process_forget_sockets(struct rw_process *process)
{
    rw_timer_stop(process->control.loop, &process->retire_timer);
    while (!rw_list_empty(&process->sockets))
        drop_sockets(rw_container_of(process->sockets.next, struct rw_process_sockets, link));
    while (!rw_list_empty(&process->retired))
        drop_sockets(rw_container_of(process->retired.next, struct rw_process_sockets, link));
}
