/* The io_uring backend: one submit-and-wait a turn carries everything that the turn asked for. */
#include "base/alloc.h"
#include "base/clock.h"
#include "io/uring_private.h"

#include <errno.h>
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
    SENDS_PER_PAGE = 16,
    CACHE_LINE_BYTES = 64,
    PREFETCHED_LINES = 3,
    PREFETCHED_AHEAD = 3, /* completions */
    RING_ALIGNMENT = 4096,
};

struct watch_node {
    struct rw_watch *watch; /* NULL: stopped, to be freed with its last completion */
};

/* Failures that are over with the next try. */
static bool passes(int result)
{
    return result == -EINTR || result == -EBUSY || result == -EAGAIN || result == -ENOMEM;
}

void rw_uring_ask(struct uring_state *state)
{
    int result = io_uring_submit(&state->ring);
    rw_assert(result >= 0 || passes(result));
}

struct io_uring_sqe *rw_uring_operation(struct uring_state *state, void *at, enum uring_kind kind)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&state->ring)))
        rw_uring_ask(state);
    sqe->user_data = (uintptr_t)at | kind;
    return sqe;
}

void rw_uring_cancel(struct uring_state *state, void *at, enum uring_kind kind)
{
    struct io_uring_sqe *sqe = rw_uring_operation(state, NULL, URING_IGNORED);
    RW_URING_PREPARE(sqe, cancel64, (uintptr_t)at | kind, 0);
}

/* ---- Buffers ---- */

/* Lends the kernel a buffer under an identifier; false: there is none to be had. */
static bool lend(struct rw_loop *loop, struct uring_lender *lender, unsigned short identifier)
{
    struct rw_buf *buf = rw_buf_get(&loop->buffers, lender->room);
    lender->lent[identifier] = buf;
    if (!buf)
        return false;
    io_uring_buf_ring_add(lender->ring, buf->data, buf->room, identifier,
                          io_uring_buf_ring_mask(lender->count), 0);
    io_uring_buf_ring_advance(lender->ring, 1);
    return true;
}

static void lend_missing(struct rw_loop *loop, struct uring_lender *lender)
{
    for (unsigned i = 0; i < lender->wanted && lender->missing; i++) {
        if (lender->lent[i])
            continue;
        if (!lend(loop, lender, (unsigned short)i))
            return;
        lender->missing--;
    }
}

/* The next turn lends them. Those that found none in this turn all ask; once is enough. */
bool rw_uring_lend_more(struct uring_lender *lender)
{
    if (lender->missing == lender->wanted)
        return false;
    if (!lender->missing && lender->wanted < lender->count) {
        lender->missing = lender->wanted;
        lender->wanted *= 2;
    }
    return true;
}

struct rw_buf *rw_uring_take(struct rw_loop *loop, const struct io_uring_cqe *cqe)
{
    struct uring_state *state = loop->state;
    struct uring_lender *lender = &state->lender;
    unsigned short identifier = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    rw_assert(identifier < lender->wanted && lender->lent[identifier]);
    struct rw_buf *buf = lender->lent[identifier];
    if (!lend(loop, lender, identifier))
        lender->missing++;
    return buf;
}

static size_t ring_bytes(const struct uring_lender *lender)
{
    size_t bytes = lender->count * sizeof(struct io_uring_buf);
    return (bytes + RING_ALIGNMENT - 1) / RING_ALIGNMENT * RING_ALIGNMENT;
}

static enum rw_err open_lender(struct rw_loop *loop, struct uring_state *state,
                               struct uring_lender *lender)
{
    /* A small pool is not all lent out. */
    while (lender->count > 1 && lender->count * lender->room > loop->buffers.cap_bytes / 4)
        lender->count /= 2;
    lender->ring = rw_alloc_aligned(RING_ALIGNMENT, ring_bytes(lender));
    lender->lent = rw_alloc_zero(lender->count * sizeof(struct rw_buf *));
    if (!lender->ring || !lender->lent)
        return RW_ENOMEM;
    io_uring_buf_ring_init(lender->ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)lender->ring,
        .ring_entries = lender->count,
        .bgid = LENT_GROUP,
    };
    int result = io_uring_register_buf_ring(&state->ring, &registration, 0);
    if (result < 0)
        return result == -ENOMEM ? RW_ENOMEM : RW_EUNSUPPORTED;
    lender->wanted = lender->count < LENT_BUFFERS_FIRST ? lender->count : LENT_BUFFERS_FIRST;
    lender->missing = lender->wanted;
    lend_missing(loop, lender);
    return lender->missing == lender->wanted ? RW_ENOMEM : RW_OK;
}

static void close_lender(struct uring_lender *lender)
{
    for (unsigned i = 0; lender->lent && i < lender->count; i++)
        rw_buf_drop(lender->lent[i]);
    rw_free(lender->lent);
    rw_free(lender->ring);
}

/* ---- The ring ---- */

/* The kernel does its part of the work inside our one system call where it can (6.1), else where it
 * interrupts least. SINGLE_ISSUER came with 6.0, as did multishot receive: without it this backend
 * cannot work. */
static enum rw_err open_ring(struct io_uring *ring)
{
    static const unsigned choices[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    };
    int result = -EINVAL;
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && result == -EINVAL; i++) {
        struct io_uring_params params = {.flags = choices[i] | IORING_SETUP_CQSIZE,
                                         .cq_entries = COMPLETIONS};
        result = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
    }
    if (result == 0)
        return RW_OK;
    return result == -ENOMEM || result == -EMFILE || result == -ENFILE ? rw_err_from_errno(-result)
                                                                       : RW_EUNSUPPORTED;
}

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
    io_uring_queue_exit(&state->ring);
    rw_uring_files_close(state);
    close_lender(&state->lender);
    rw_slab_destroy(&state->sends);
    close(state->wake_fd);
    rw_free(state);
}

static enum rw_err uring_create(struct rw_loop *loop, const struct rw_loop_options *options)
{
    struct uring_state *state = rw_alloc_zero(sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    enum rw_err err = open_ring(&state->ring);
    if (err) {
        rw_free(state);
        return err;
    }
    state->lender = (struct uring_lender){.count = LENT_BUFFERS_MAX, .room = RW_BUF_SMALL_BYTES};
    state->receive_bytes_max = limits_receives() ? RECEIVE_BYTES_MAX : 0;
    rw_uring_gather_init(state, options->coalesce_ms);
    rw_slab_init(&state->sends, sizeof(struct rw_uring_send), SENDS_PER_PAGE, SIZE_MAX);
    state->later_end = &state->later;
    loop->state = state;
    state->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    err = state->wake_fd < 0 ? rw_err_from_errno(errno) : RW_OK;
    if (!err)
        err = open_lender(loop, state, &state->lender);
    rw_uring_files_open(state);
    if (err)
        uring_destroy(loop);
    return err;
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
    struct io_uring_sqe *sqe = rw_uring_operation(state, NULL, URING_WAKE);
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
    struct io_uring_sqe *sqe = rw_uring_operation(listener->loop->state, state, URING_ACCEPT);
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
        rw_uring_cancel(state->listener->loop->state, state, URING_ACCEPT);
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

static void arm_watch(struct uring_state *state, struct watch_node *node)
{
    const struct rw_watch *watch = node->watch;
    unsigned events = (watch->events & RW_WATCH_READ ? POLLIN : 0u) |
                      (watch->events & RW_WATCH_WRITE ? POLLOUT : 0u);
    struct io_uring_sqe *sqe = rw_uring_operation(state, node, URING_WATCH);
    RW_URING_PREPARE(sqe, poll_add, watch->fd, events);
}

static enum rw_err uring_watch(struct rw_watch *watch)
{
    struct watch_node *node = rw_alloc(sizeof(*node));
    if (!node)
        return RW_ENOMEM;
    node->watch = watch;
    watch->backend = node;
    arm_watch(watch->loop->state, node);
    return RW_OK;
}

static void uring_unwatch(struct rw_watch *watch)
{
    struct watch_node *node = watch->backend;
    watch->backend = NULL;
    node->watch = NULL;
    rw_uring_cancel(watch->loop->state, node, URING_WATCH);
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
        arm_watch(loop->state, node);
    else
        rw_free(node);
}

/* ---- Turns ---- */

static void *target(const struct io_uring_cqe *cqe)
{
    return (void *)(uintptr_t)(cqe->user_data & ~(__u64)URING_KIND_MASK);
}

static void dispatch(struct rw_loop *loop, const struct io_uring_cqe *cqe)
{
    void *at = target(cqe);
    enum uring_kind kind = cqe->user_data & URING_KIND_MASK;
    switch (kind) {
    case URING_RECEIVE:
        ((struct uring_state *)loop->state)->gather.arrived++;
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
        if (!(cqe->flags & IORING_CQE_F_MORE))
            ((struct uring_state *)loop->state)->wake_armed = false;
        break;
    case URING_IGNORED:
        break;
    }
}

/* With hundreds of connections in turn, none is in the cache any more when it is its turn again. */
static void prefetch(const struct io_uring_cqe *cqe)
{
    const char *at = target(cqe);
    for (unsigned line = 0; at && line < PREFETCHED_LINES; line++)
        __builtin_prefetch(at + line * (size_t)CACHE_LINE_BYTES);
}

/* A batch is copied out before its callbacks run, so that what they ask for never finds the queue
 * full. */
static unsigned dispatch_batch(struct rw_loop *loop)
{
    struct uring_state *state = loop->state;
    struct io_uring_cqe *ready[COMPLETIONS_PER_BATCH], batch[COMPLETIONS_PER_BATCH];
    unsigned count = io_uring_peek_batch_cqe(&state->ring, ready, COMPLETIONS_PER_BATCH);
    for (unsigned i = 0; i < count; i++)
        batch[i] = *ready[i];
    io_uring_cq_advance(&state->ring, count);
    for (unsigned i = 0; i < count; i++) {
        if (i + PREFETCHED_AHEAD < count)
            prefetch(&batch[i + PREFETCHED_AHEAD]);
        dispatch(loop, &batch[i]);
    }
    return count;
}

static size_t uring_wait(struct rw_loop *loop, int wait_ms)
{
    struct uring_state *state = loop->state;
    if (!state->wake_armed)
        arm_wake(state);
    if (state->lender.missing)
        lend_missing(loop, &state->lender);
    rw_uring_begin_later(state);
    int result = rw_uring_enter(state, wait_ms);
    /* EEXIST would mean that another thread than the creator's runs the loop. */
    rw_assert(result >= 0 || result == -ETIME || passes(result));
    rw_loop_woke(loop);
    state->gather.arrived = 0;
    size_t events = 0;
    for (size_t i = 1; i <= BATCHES_PER_TURN; i++) {
        events += dispatch_batch(loop);
        if (events < i * COMPLETIONS_PER_BATCH)
            break;
    }
    return events;
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
    .address = rw_socket_address,
    .listen = uring_listen,
    .unlisten = uring_unlisten,
    .relisten = arm_accept,
    .refuse = rw_socket_refuse,
    .watch = uring_watch,
    .unwatch = uring_unwatch,
};
