/* The io_uring backend: one submit-and-wait a turn carries everything that the turn asked for. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/prefetch.h"
#include "io/uring_private.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SUBMISSIONS = 1024,
    COMPLETIONS = 8192,
    COMPLETIONS_PER_BATCH = 256,
    BATCHES_PER_TURN = 4,
    RECEIVE_BYTES_MAX = 64 * 1024,
    LENT_BUFFERS_FIRST = 32,
    LENT_BUFFERS_MAX = 256,
    SLOTS = 4096,
    SENDS_PER_PAGE = 16,
    OWNER_BYTES = 256, /* what a stream is the first member of: a connection, about */
    OWNER_AHEAD = 6,   /* completions */
    TOLD_AHEAD = 3,
};

struct watch_node {
    struct rw_watch *watch; /* NULL: stopped, to be freed with its last completion */
};

bool rw_uring_passes(int result)
{
    return result == -EINTR || result == -EBUSY || result == -EAGAIN || result == -ENOMEM;
}

void rw_uring_ask(struct uring_bank *bank)
{
    int result = io_uring_submit(&bank->ring);
    rw_assert(result >= 0 || rw_uring_passes(result));
}

struct io_uring_sqe *rw_uring_operation(struct uring_bank *bank, void *at, enum uring_kind kind)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&bank->ring)))
        rw_uring_ask(bank);
    sqe->user_data = (uintptr_t)at | kind;
    return sqe;
}

void rw_uring_cancel(struct uring_bank *bank, void *at, enum uring_kind kind)
{
    struct io_uring_sqe *sqe = rw_uring_operation(bank, NULL, URING_IGNORED);
    RW_URING_PREPARE(sqe, cancel64, (uintptr_t)at | kind, 0);
}

/* Of what has no stream. */
static struct uring_bank *first(const struct rw_loop *loop)
{
    return ((const struct uring_state *)loop->state)->banks[0];
}

/* ---- The ring ---- */

/* What the kernel says to a multishot receive with a limit from a descriptor that is none. It looks
 * at the request first: EINVAL is a kernel that knows no limit, EBADF one that has no objection. */
static int ask_for_limit(struct io_uring *ring)
{
    struct io_uring_cqe *answer;
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_recv_multishot(sqe, -1, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->file_index = RECEIVE_BYTES_MAX;
    int result = io_uring_submit_and_wait(ring, 1);
    return result >= 0 && io_uring_peek_cqe(ring, &answer) == 0 ? answer->res : result;
}

static bool receives_can_have_limits;

static void probe_limits(void)
{
    struct io_uring ring;
    if (io_uring_queue_init(1, &ring, 0) != 0)
        return;
    receives_can_have_limits = ask_for_limit(&ring) == -EBADF;
    io_uring_queue_exit(&ring);
}

static bool limits_receives(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, probe_limits) == 0 && receives_can_have_limits;
}

static void uring_destroy(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    rw_uring_banks_close(state);
    rw_uring_bank_close(state->banks[0]);
    rw_slab_destroy(&state->sends);
    close(state->wake_fd);
    rw_free(state);
}

static void init_state(struct uring_state *state, const struct rw_loop_options *options)
{
    state->count = 1;
    state->receive_bytes_max = limits_receives() ? RECEIVE_BYTES_MAX : 0;
    state->later_end = &state->later;
    state->parking.from = INT_MAX;
    state->parking.signal_fd = -1;
    rw_uring_gather_init(state, options->prompt);
    rw_slab_init(&state->sends, sizeof(struct rw_uring_send), SENDS_PER_PAGE, SIZE_MAX);
}

static enum rw_err uring_create(struct rw_loop *loop, const struct rw_loop_options *options)
{
    struct uring_state *state = rw_alloc_zero(sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    struct uring_bank_options ring = {.submissions = SUBMISSIONS,
                                      .completions = COMPLETIONS,
                                      .slots = SLOTS,
                                      .buffers = LENT_BUFFERS_MAX,
                                      .buffers_first = LENT_BUFFERS_FIRST};
    enum rw_err err = rw_uring_bank_open(loop, &ring, &state->banks[0]);
    if (err) {
        rw_free(state);
        return err;
    }
    init_state(state, options);
    loop->state = state;
    state->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (state->wake_fd < 0) {
        err = rw_err_from_errno(errno);
        uring_destroy(loop);
        return err;
    }
    if (options->answers_first)
        rw_uring_answers_open(loop);
    rw_uring_parking_init(state, options->descriptors_max);
    return RW_OK;
}

static void uring_wake(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    uint64_t one = 1;
    ssize_t written = write(state->wake_fd, &one, sizeof(one));
    rw_assert(written == (ssize_t)sizeof(one));
}

/* Each write makes a completion; the counter is never read. */
static void arm_wake(struct uring_state *state)
{
    struct io_uring_sqe *sqe = rw_uring_operation(state->banks[0], NULL, URING_WAKE);
    RW_URING_PREPARE(sqe, poll_multishot, state->wake_fd, POLLIN);
    state->wake_armed = true;
}

/* ---- Listeners ---- */

/* A poll, and plain accepts when it fires. A multishot accept would wait exclusively, and the ring
 * of a process that was killed goes on waiting for a while: it would swallow the wake-up for a
 * connection that its successor, on the same socket, is to accept. */
static void arm_accept(struct rw_listener_state *state)
{
    struct rw_listener *listener = state->listener;
    struct io_uring_sqe *sqe = rw_uring_operation(first(listener->loop), state, URING_ACCEPT);
    RW_URING_PREPARE(sqe, poll_add, listener->fd, POLLIN);
    state->armed = true;
}

static enum rw_err uring_listen(struct rw_listener_state *state)
{
    int one = 1;
    /* Accepted sockets inherit it; a Unix socket has no such option. */
    setsockopt(state->listener->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    arm_accept(state);
    return RW_OK;
}

static void uring_unlisten(struct rw_listener_state *state)
{
    state->closing = true;
    if (state->armed)
        rw_uring_cancel(first(state->listener->loop), state, URING_ACCEPT);
    else
        rw_loop_listener_closed(state);
}

static void on_acceptable(struct rw_listener_state *state)
{
    state->armed = false;
    if (state->closing) {
        rw_loop_listener_closed(state);
        return;
    }
    int errno_value = rw_listener_accept(state);
    if (state->closing)
        return; /* in a callback */
    if (errno_value == 0 || errno_value == EAGAIN)
        arm_accept(state);
    else
        rw_loop_listener_pause(state, errno_value);
}

/* ---- Watches ---- */

static void arm_watch(struct rw_loop *loop, struct watch_node *node)
{
    const struct rw_watch *watch = node->watch;
    unsigned events = (watch->events & RW_WATCH_READ ? POLLIN : 0u) |
                      (watch->events & RW_WATCH_WRITE ? POLLOUT : 0u);
    struct io_uring_sqe *sqe = rw_uring_operation(first(loop), node, URING_WATCH);
    RW_URING_PREPARE(sqe, poll_add, watch->fd, events);
}

static enum rw_err uring_watch(struct rw_watch *watch)
{
    struct watch_node *node = rw_alloc(sizeof(*node));
    if (!node)
        return RW_ENOMEM;
    node->watch = watch;
    watch->backend = node;
    arm_watch(watch->loop, node);
    return RW_OK;
}

static void uring_unwatch(struct rw_watch *watch)
{
    struct watch_node *node = watch->backend;
    watch->backend = NULL;
    node->watch = NULL;
    rw_uring_cancel(first(watch->loop), node, URING_WATCH);
}

static void on_watch(struct rw_loop *loop, struct watch_node *node, int result)
{
    struct rw_watch *watch = node->watch;
    if (watch && result > 0) {
        unsigned ready = (result & (POLLIN | POLLHUP | POLLERR) ? RW_WATCH_READ : 0u) |
                         (result & (POLLOUT | POLLHUP | POLLERR) ? RW_WATCH_WRITE : 0u);
        watch->ready(watch, ready & watch->events);
    }
    if (node->watch)
        arm_watch(loop, node);
    else
        rw_free(node);
}

/* ---- Turns ---- */

static void *target(const struct io_uring_cqe *cqe)
{
    return (void *)(uintptr_t)(cqe->user_data & ~(__u64)URING_KIND_MASK);
}

static void on_wake(struct uring_state *state, const void *whose, bool more)
{
    if (whose)
        rw_uring_banks_signalled(state);
    else if (!more)
        state->wake_armed = false;
}

static void dispatch(struct rw_loop *loop, const struct io_uring_cqe *cqe)
{
    struct uring_state *state = loop->state;
    void *at = target(cqe);
    enum uring_kind kind = cqe->user_data & URING_KIND_MASK;
    switch (kind) {
    case URING_RECEIVE:
        state->gather.arrived += ((const struct rw_stream *)at)->bank == 0;
        rw_uring_stream_done(at, kind, cqe);
        break;
    case URING_SEND:
    case URING_CONNECT:
    case URING_HANGUP:
        rw_uring_stream_done(at, kind, cqe);
        break;
    case URING_ACCEPT:
        on_acceptable(at);
        break;
    case URING_WATCH:
        on_watch(loop, at, cqe->res);
        break;
    case URING_WAKE:
        on_wake(state, at, cqe->flags & IORING_CQE_F_MORE);
        break;
    case URING_IGNORED:
        if (at && cqe->res >= 0)
            close(cqe->res);
        break;
    }
}

/* First the owner's object is asked for, then, when that is there, the owner asks for the rest. */
static void look_ahead(const struct io_uring_cqe *batch, unsigned count)
{
    if (count > OWNER_AHEAD)
        rw_prefetch(target(&batch[OWNER_AHEAD]), OWNER_BYTES);
    if (count <= TOLD_AHEAD)
        return;
    enum uring_kind kind = batch[TOLD_AHEAD].user_data & URING_KIND_MASK;
    const struct rw_stream *stream = target(&batch[TOLD_AHEAD]);
    if ((kind == URING_RECEIVE || kind == URING_SEND) && stream->events->on_ahead)
        stream->events->on_ahead(stream);
}

/* A batch is copied out before its callbacks run, so that what they ask for never finds the queue
 * full. */
static unsigned dispatch_batch(struct rw_loop *loop, struct io_uring *ring)
{
    struct io_uring_cqe *ready[COMPLETIONS_PER_BATCH], batch[COMPLETIONS_PER_BATCH];
    unsigned count = io_uring_peek_batch_cqe(ring, ready, COMPLETIONS_PER_BATCH);
    for (unsigned i = 0; i < count; i++)
        batch[i] = *ready[i];
    io_uring_cq_advance(ring, count);
    for (unsigned i = 0; i < count; i++) {
        look_ahead(&batch[i], count - i);
        dispatch(loop, &batch[i]);
    }
    return count;
}

static size_t dispatch_ring(struct rw_loop *loop, struct io_uring *ring)
{
    size_t events = 0;
    for (size_t i = 1; i <= BATCHES_PER_TURN; i++) {
        events += dispatch_batch(loop, ring);
        if (events < i * COMPLETIONS_PER_BATCH)
            break;
    }
    return events;
}

static void prepare_turn(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    if (!state->wake_armed)
        arm_wake(state);
    for (unsigned i = 0; i < state->count; i++)
        if (state->banks[i]->lender.missing)
            rw_uring_lend_missing(loop, &state->banks[i]->lender);
    rw_uring_begin_later(state);
}

static size_t hear_answers(struct rw_loop *loop)
{
    struct io_uring *ring = rw_uring_answers_enter(loop->state);
    /* To wake is to be wakeful: who has heard nothing may still go to sleep. */
    if (!ring || !io_uring_cq_ready(ring))
        return 0;
    rw_loop_woke(loop);
    return dispatch_ring(loop, ring);
}

static size_t hear_all(struct rw_loop *loop, int wait_ms)
{
    struct uring_state *state = loop->state;
    if (state->count > 1)
        wait_ms = rw_uring_banks_before(state, wait_ms);
    int result = rw_uring_enter(state, wait_ms);
    /* EEXIST would mean that another thread than the creator's runs the loop. */
    rw_assert(result >= 0 || result == -ETIME || rw_uring_passes(result));
    rw_loop_woke(loop);
    if (state->count > 1)
        rw_uring_banks_after(state);
    state->gather.arrived = 0;
    size_t events = 0;
    for (unsigned i = 0; i < state->count; i++)
        events += dispatch_ring(loop, &state->banks[i]->ring);
    return events;
}

static size_t uring_wait(struct rw_loop *loop, int wait_ms)
{
    prepare_turn(loop);
    size_t answers = hear_answers(loop);
    if (!loop->catching_up && rw_uring_answers_more(loop->state, answers))
        return answers;
    return answers + hear_all(loop, answers ? 0 : wait_ms);
}

static uint64_t uring_now_ns(const struct rw_loop *loop)
{
    (void)loop;
    return rw_clock_monotonic_ns();
}

static uint64_t uring_wall_ns(const struct rw_loop *loop)
{
    (void)loop;
    return rw_clock_wall_ns();
}

const struct rw_io_backend rw_backend_uring = {
    .name = "io_uring",
    .kind = RW_LOOP_IO_URING,
    .create = uring_create,
    .destroy = uring_destroy,
    .wait = uring_wait,
    .wake = uring_wake,
    .now_ns = uring_now_ns,
    .wall_ns = uring_wall_ns,
    .attach = rw_uring_attach,
    .connect = rw_uring_connect,
    .discard = rw_uring_discard,
    .receive = rw_uring_receive,
    .send = rw_uring_send,
    .shutdown = rw_uring_shutdown,
    .close = rw_uring_close,
    .ready = rw_uring_settle,
    .address = rw_uring_address,
    .listen = uring_listen,
    .unlisten = uring_unlisten,
    .relisten = arm_accept,
    .refuse = rw_socket_refuse,
    .watch = uring_watch,
    .unwatch = uring_unwatch,
};
