/* Streams on io_uring.
 *
 * Small: one multishot receive stays with the kernel, into buffers lent to it. Bulk: a poll, then
 * plain recv and send, since a buffer that is filled, sent and filled again stays in the cache,
 * while lent ones come around cold. Turning receiving off does not cancel it, since most pauses
 * pass without data: only when bytes come meanwhile are they held on the stream and the receive is
 * cancelled, so that the peer is slowed down; and each receive ends by itself after some bytes,
 * because the kernel hands over all that is there before it hears of it. While no receive is armed
 * a poll for a hang-up tells resets.
 */
#include "base/alloc.h"
#include "io/address.h"
#include "io/uring_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    RECEIVE_ARMED = RW_STREAM_BACKEND,
    ARMED_POLL = RW_STREAM_BACKEND << 1,    /* what is armed is bulk's poll */
    CANCELLING = RW_STREAM_BACKEND << 2,    /* the receive is being cancelled */
    RECEIVE_ENDED = RW_STREAM_BACKEND << 3, /* no more bytes will come; on_end may be due */
    HANGUP_ARMED = RW_STREAM_BACKEND << 4,
    CONNECT_DUE = RW_STREAM_BACKEND << 5, /* to be asked for */
    ABORTING = RW_STREAM_BACKEND << 6,
    READABLE = RW_STREAM_BACKEND << 7, /* bulk: there may be something to read */
    BULK = RW_STREAM_BACKEND
           << 8, /* has carried bulk: stays with poll and recv, since changing costs a round */
    CONNECTED = RW_STREAM_BACKEND << 9, /* by us, not accepted */
    /* Sends begun, up to the number from which a slot of the table of files pays. */
    SENDS_ONE = RW_STREAM_BACKEND << 10,
    SENDS_FOR_SLOT = 31 * SENDS_ONE,
    LIMITED = RW_STREAM_BACKEND << 15, /* what is armed has a limit: receive_bytes_max */
};

/* From here on a send is tried at once. */
enum { DIRECT_SEND_BYTES_MIN = 32 * 1024 };

static struct uring_state *state_of(const struct rw_stream *stream)
{
    return stream->loop->state;
}

static void set(struct rw_stream *stream, uint32_t flags)
{
    stream->flags |= flags;
}

static void clear(struct rw_stream *stream, uint32_t flags)
{
    stream->flags &= ~flags;
}

static struct uring_bank *bank_of(const struct rw_stream *stream)
{
    return state_of(stream)->banks[stream->bank];
}

static struct io_uring_sqe *begin(struct rw_stream *stream, enum uring_kind kind)
{
    stream->operations++;
    return rw_uring_operation(bank_of(stream), stream, kind);
}

/* The operation has been prepared with stream->fd. */
static void by_slot(const struct rw_stream *stream, struct io_uring_sqe *sqe)
{
    if (!stream->slot)
        return;
    sqe->fd = stream->slot;
    sqe->flags |= IOSQE_FIXED_FILE;
}

/* What is parked has no descriptor to poll and read. */
static bool is_bulk(const struct rw_stream *stream)
{
    return stream->flags & BULK && !rw_uring_parked(stream);
}

/* ---- Bytes that came while receiving was off: a queue by rw_buf.next, in stream->backend ---- */

static void hold(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_buf **at = (struct rw_buf **)&stream->backend;
    while (*at)
        at = &(*at)->next;
    buf->next = NULL;
    *at = buf;
}

static struct rw_buf *take_held(struct rw_stream *stream)
{
    struct rw_buf *buf = stream->backend;
    stream->backend = buf->next;
    buf->next = NULL;
    return buf;
}

static void drop_held(struct rw_stream *stream)
{
    while (stream->backend)
        rw_buf_drop(take_held(stream));
}

/* ---- Asking the kernel ---- */

static void arm_poll(struct rw_stream *stream)
{
    struct io_uring_sqe *sqe = begin(stream, URING_RECEIVE);
    RW_URING_PREPARE(sqe, poll_add, stream->fd, POLLIN | POLLRDHUP);
    by_slot(stream, sqe);
    set(stream, RECEIVE_ARMED | ARMED_POLL);
}

static void arm_receive(struct rw_stream *stream)
{
    struct io_uring_sqe *sqe = begin(stream, URING_RECEIVE);
    RW_URING_PREPARE(sqe, recv_multishot, stream->fd, NULL, 0, 0);
    by_slot(stream, sqe);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = LENT_GROUP;
    sqe->file_index = state_of(stream)->receive_bytes_max;
    clear(stream, ARMED_POLL | READABLE | LIMITED);
    set(stream, RECEIVE_ARMED | (sqe->file_index ? LIMITED : 0u));
}

static void cancel_receive(struct rw_stream *stream)
{
    if ((stream->flags & (RECEIVE_ARMED | CANCELLING)) != RECEIVE_ARMED)
        return;
    set(stream, CANCELLING);
    rw_uring_cancel(bank_of(stream), stream, URING_RECEIVE);
}

static void arm_hangup(struct rw_stream *stream)
{
    struct io_uring_sqe *sqe = begin(stream, URING_HANGUP);
    RW_URING_PREPARE(sqe, poll_add, stream->fd, POLLERR | POLLHUP);
    by_slot(stream, sqe);
    set(stream, HANGUP_ARMED);
}

static void begin_connect(struct rw_stream *stream)
{
    struct rw_address *to = stream->pending;
    clear(stream, CONNECT_DUE);
    struct io_uring_sqe *sqe = begin(stream, URING_CONNECT);
    RW_URING_PREPARE(sqe, connect, stream->fd, (struct sockaddr *)&to->storage, to->bytes);
    by_slot(stream, sqe);
}

static void take_slot(struct rw_stream *stream)
{
    if ((stream->flags & SENDS_FOR_SLOT) == SENDS_FOR_SLOT || rw_uring_parked(stream))
        return;
    stream->flags += SENDS_ONE;
    if ((stream->flags & SENDS_FOR_SLOT) == SENDS_FOR_SLOT)
        stream->slot = rw_uring_file_take(bank_of(stream), stream->fd);
}

static void ask_send(struct rw_stream *stream)
{
    struct rw_uring_send *send = stream->pending;
    struct io_uring_sqe *sqe = rw_uring_operation(bank_of(stream), stream, URING_SEND);
    if (send->rest.count == 1) {
        struct iovec *part = &send->rest.parts[0];
        RW_URING_PREPARE(sqe, send, stream->fd, part->iov_base, part->iov_len,
                         MSG_NOSIGNAL | MSG_WAITALL);
    } else {
        send->message =
            (struct msghdr){.msg_iov = send->rest.parts, .msg_iovlen = (size_t)send->rest.count};
        RW_URING_PREPARE(sqe, sendmsg, stream->fd, &send->message, MSG_NOSIGNAL | MSG_WAITALL);
    }
    by_slot(stream, sqe);
}

static void begin_send(struct rw_stream *stream)
{
    struct uring_state *state = state_of(stream);
    struct rw_uring_send *send = stream->pending;
    stream->operations++;
    take_slot(stream);
    if (!(stream->flags & CONNECTED)) {
        ask_send(stream);
        return;
    }
    send->next = NULL;
    *state->later_end = stream;
    state->later_end = &send->next;
}

void rw_uring_begin_later(struct uring_state *state)
{
    struct rw_stream *stream = state->later;
    state->later = NULL;
    state->later_end = &state->later;
    while (stream) {
        struct rw_stream *next = ((struct rw_uring_send *)stream->pending)->next;
        ask_send(stream);
        stream = next;
    }
}

/* ---- Bringing the stream to where it should be ---- */

static bool wants_bulk(const struct rw_stream *stream)
{
    uint32_t needed = RW_STREAM_RECEIVING | READABLE;
    return !rw_stream_closing(stream) && (stream->flags & needed) == needed;
}

static void read_bulk_once(struct rw_stream *stream)
{
    struct rw_buf *buf = rw_buf_get_for(&stream->loop->buffers, stream->flags & RW_STREAM_LARGE);
    if (!buf) {
        clear(stream, READABLE);
        rw_loop_stream_starved(stream);
        return;
    }
    ssize_t got = recv(stream->fd, buf->data, buf->room, MSG_DONTWAIT);
    if (got < (ssize_t)buf->room)
        clear(stream, READABLE);
    if (got > 0) {
        buf->end = (uint32_t)got;
        rw_stream_tell_data(stream, buf);
        return;
    }
    int errno_value = errno;
    rw_buf_drop(buf);
    if (got < 0 && (errno_value == EAGAIN || errno_value == EINTR))
        return;
    stream->error = got < 0 ? rw_err_from_errno(errno_value) : stream->error;
    set(stream, RECEIVE_ENDED);
}

static void settle_bulk(struct rw_stream *stream)
{
    if (wants_bulk(stream))
        read_bulk_once(stream);
    if (rw_stream_closing(stream) || rw_list_linked(&stream->ready))
        return;
    if (stream->flags & RECEIVE_ENDED && stream->flags & RW_STREAM_RECEIVING)
        rw_stream_tell_end(stream, stream->error);
    else if (stream->flags & RW_STREAM_RECEIVING && !wants_bulk(stream))
        arm_poll(stream);
    else
        rw_loop_stream_ready(stream); /* there is more, or the owner has changed its mind */
}

static void settle_receiving(struct rw_stream *stream)
{
    if (stream->flags & RECEIVE_ENDED) {
        rw_stream_tell_end(stream, stream->error);
        return;
    }
    bool bulk = is_bulk(stream);
    bool armed = stream->flags & RECEIVE_ARMED;
    if (armed && bulk != !!(stream->flags & ARMED_POLL))
        cancel_receive(stream); /* goes on the other way when that is done */
    else if (!armed && bulk)
        settle_bulk(stream);
    else if (!armed)
        arm_receive(stream);
}

static void settle_silent(struct rw_stream *stream)
{
    if (stream->flags & RECEIVE_ENDED && stream->error)
        rw_stream_tell_end(stream, stream->error);
    else if (!(stream->flags & (RECEIVE_ARMED | HANGUP_ARMED | RECEIVE_ENDED)))
        arm_hangup(stream);
}

void rw_uring_settle(struct rw_stream *stream)
{
    if (stream->flags & CONNECT_DUE)
        begin_connect(stream);
    if (stream->flags & (RW_STREAM_CONNECTING | RW_STREAM_END_TOLD))
        return;
    while (stream->backend && stream->flags & RW_STREAM_RECEIVING) {
        rw_stream_tell_data(stream, take_held(stream));
        if (rw_stream_closing(stream))
            return;
    }
    if (stream->flags & RW_STREAM_RECEIVING)
        settle_receiving(stream);
    else
        settle_silent(stream);
}

/* ---- Calls ---- */

enum rw_err rw_uring_attach(struct rw_stream *stream)
{
    rw_uring_park(stream);
    rw_loop_stream_ready(stream);
    return RW_OK;
}

enum rw_err rw_uring_connect(struct rw_stream *stream, const struct rw_connect_options *options)
{
    struct rw_address *to = rw_alloc(sizeof(*to));
    if (!to)
        return RW_ENOMEM;
    memcpy(&to->storage, options->address, options->address_bytes);
    to->bytes = options->address_bytes;
    enum rw_err err = rw_socket_create(options, &stream->fd);
    if (err) {
        rw_free(to);
        return err;
    }
    stream->pending = to;
    stream->bank = (uint16_t)state_of(stream)->answers.bank;
    rw_uring_park(stream);
    set(stream, CONNECT_DUE | CONNECTED);
    rw_loop_stream_ready(stream);
    return RW_OK;
}

/* The kernel closes the socket. */
static void let_go(struct rw_stream *stream)
{
    if (stream->slot)
        rw_uring_file_give(bank_of(stream), stream->slot);
    stream->slot = 0;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* Nothing has been asked of the kernel yet. */
void rw_uring_discard(struct rw_stream *stream)
{
    rw_assert(stream->operations == 0);
    rw_list_remove(&stream->ready);
    if (stream->flags & RW_STREAM_CONNECTING)
        rw_free(stream->pending);
    let_go(stream);
}

void rw_uring_receive(struct rw_stream *stream, bool on, bool large)
{
    clear(stream, RW_STREAM_RECEIVING | RW_STREAM_LARGE);
    if (on)
        set(stream, RW_STREAM_RECEIVING | (large ? RW_STREAM_LARGE | BULK : 0u));
    rw_loop_stream_ready(stream);
}

enum rw_send rw_uring_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    size_t bytes = rw_parts_bytes(parts, count);
    ssize_t sent = 0;
    if (bytes >= DIRECT_SEND_BYTES_MIN && !rw_uring_parked(stream))
        sent = rw_socket_send(stream->fd, parts, count);
    if (sent == (ssize_t)bytes)
        return RW_SEND_DONE;
    if (sent < 0 && errno != EAGAIN) {
        stream->error = rw_err_from_errno(errno);
        return RW_SEND_FAILED;
    }
    struct rw_uring_send *send = rw_slab_get(&state_of(stream)->sends);
    if (!send)
        return RW_SEND_FAILED;
    rw_parts_set(&send->rest, parts, count, sent < 0 ? 0 : (size_t)sent);
    stream->pending = send;
    begin_send(stream);
    return RW_SEND_PENDING;
}

/* Where there is no descriptor to borrow a thread of the kernel's does it, which costs more. */
void rw_uring_shutdown(struct rw_stream *stream)
{
    int fd = rw_uring_borrow(stream);
    if (fd >= 0) {
        shutdown(fd, SHUT_WR);
        rw_uring_return(stream, fd);
        return;
    }
    struct io_uring_sqe *sqe = begin(stream, URING_CONNECT);
    RW_URING_PREPARE(sqe, shutdown, stream->fd, SHUT_WR);
    by_slot(stream, sqe);
}

static void reset_at_close(struct rw_stream *stream)
{
    struct linger linger = {.l_onoff = 1};
    if (rw_uring_parked(stream))
        rw_uring_set_option(stream, SO_LINGER, &linger, sizeof(linger));
    else
        rw_socket_reset_at_close(stream->fd);
}

enum rw_err rw_uring_address(const struct rw_stream *stream, bool peer,
                             struct sockaddr_storage *address)
{
    int fd = rw_uring_borrow(stream);
    enum rw_err err = rw_socket_address(fd, peer, address);
    rw_uring_return(stream, fd);
    return err;
}

static void finish_close(struct rw_stream *stream)
{
    bool connecting = stream->flags & RW_STREAM_CONNECTING;
    if (stream->pending && connecting)
        rw_free(stream->pending);
    else if (stream->pending)
        rw_slab_put(&state_of(stream)->sends, stream->pending);
    stream->pending = NULL;
    if (stream->flags & ABORTING)
        reset_at_close(stream);
    let_go(stream);
    rw_loop_stream_closed(stream);
}

void rw_uring_close(struct rw_stream *stream, bool abort)
{
    if (abort)
        set(stream, ABORTING);
    drop_held(stream);
    if (stream->operations == 0) {
        finish_close(stream);
        return;
    }
    if (stream->pending)
        rw_uring_begin_later(state_of(stream));
    struct io_uring_sqe *sqe = rw_uring_operation(bank_of(stream), NULL, URING_IGNORED);
    if (rw_uring_parked(stream))
        RW_URING_PREPARE(sqe, cancel_fd, stream->slot,
                         IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD_FIXED);
    else
        RW_URING_PREPARE(sqe, cancel_fd, stream->fd, IORING_ASYNC_CANCEL_ALL);
    /* The bytes of a send are the caller's again: the kernel must have taken or forgotten them. */
    if (stream->pending)
        rw_uring_ask(bank_of(stream));
}

/* ---- Completions ---- */

static void on_connected(struct rw_stream *stream, int result)
{
    clear(stream, RW_STREAM_CONNECTING);
    rw_free(stream->pending);
    stream->pending = NULL;
    enum rw_err err = result < 0 ? rw_socket_connect_error(-result) : RW_OK;
    if (err)
        set(stream, RW_STREAM_END_TOLD);
    rw_stream_tell_opened(stream, err);
}

static void on_sent(struct rw_stream *stream, int result)
{
    struct rw_uring_send *send = stream->pending;
    enum rw_err err = RW_OK;
    if (result < 0 && result != -EINTR && result != -EAGAIN)
        err = rw_err_from_errno(-result);
    if (result > 0)
        rw_parts_set(&send->rest, send->rest.parts, send->rest.count, (size_t)result);
    if (!err && send->rest.count) {
        begin_send(stream);
        return;
    }
    stream->pending = NULL;
    rw_slab_put(&state_of(stream)->sends, send);
    if (err) {
        /* The kernel reports an error once: no receive or poll may tell it again. */
        stream->error = err;
        if (!(stream->flags & RECEIVE_ARMED))
            set(stream, RECEIVE_ENDED);
    }
    rw_stream_tell_sent(stream, err);
}

static void on_bytes(struct rw_stream *stream, struct rw_buf *buf)
{
    if (rw_stream_closing(stream)) {
        rw_buf_drop(buf);
    } else if (stream->flags & RW_STREAM_RECEIVING && !stream->backend) {
        rw_stream_tell_data(stream, buf);
    } else {
        hold(stream, buf);
        if (!(stream->flags & RW_STREAM_RECEIVING))
            cancel_receive(stream);
    }
}

/* The receive is over: why, and whether another makes sense. */
static void on_receive_over(struct rw_stream *stream, int result)
{
    if (result == 0) {
        set(stream, RECEIVE_ENDED);
    } else if (result == -EINVAL && stream->flags & LIMITED) {
        state_of(stream)->receive_bytes_max = 0; /* an older kernel */
        rw_loop_stream_ready(stream);
    } else if (result == -ENOBUFS) {
        if (!rw_uring_lend_more(&bank_of(stream)->lender))
            rw_loop_stream_starved(stream);
    } else if (result < 0 && result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
        set(stream, RECEIVE_ENDED);
        stream->error = rw_err_from_errno(-result);
    }
}

static void on_received(struct rw_stream *stream, const struct io_uring_cqe *cqe)
{
    bool more = cqe->flags & IORING_CQE_F_MORE;
    if (!more) {
        clear(stream, RECEIVE_ARMED | CANCELLING);
        set(stream, READABLE); /* for bulk: worth a try */
    }
    if (stream->flags & ARMED_POLL) {
        clear(stream, ARMED_POLL);
        return;
    }
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        struct rw_buf *buf = rw_uring_take(stream->loop, &bank_of(stream)->lender, cqe);
        if (cqe->res > 0) {
            buf->end = (uint32_t)cqe->res;
            on_bytes(stream, buf);
            if (!more && !rw_stream_closing(stream))
                rw_loop_stream_ready(stream);
            return;
        }
        rw_buf_drop(buf);
    }
    if (!rw_stream_closing(stream) && !more)
        on_receive_over(stream, cqe->res);
}

static void on_hangup(struct rw_stream *stream)
{
    if (stream->flags & (RW_STREAM_RECEIVING | RECEIVE_ARMED)) {
        clear(stream, HANGUP_ARMED);
        return; /* the receive tells */
    }
    /* HANGUP_ARMED stays: when both directions have ended in order, a new poll would end at once.
     */
    int errno_value = 0;
    if (rw_uring_parked(stream))
        rw_uring_get_option(stream, SO_ERROR, &errno_value, sizeof(errno_value));
    enum rw_err err =
        rw_uring_parked(stream) ? rw_err_from_errno(errno_value) : rw_socket_error(stream->fd);
    if (!err)
        return;
    set(stream, RECEIVE_ENDED);
    stream->error = err;
}

void rw_uring_stream_done(struct rw_stream *stream, enum uring_kind kind,
                          const struct io_uring_cqe *cqe)
{
    bool closing = rw_stream_closing(stream);
    /* Before any callback: a close in it looks at the count. */
    if (!(cqe->flags & IORING_CQE_F_MORE))
        stream->operations--;
    if (kind == URING_RECEIVE)
        on_received(stream, cqe);
    else if (closing)
        ; /* nobody wants to know */
    else if (kind == URING_SEND)
        on_sent(stream, cqe->res);
    else if (kind == URING_HANGUP)
        on_hangup(stream);
    else if (stream->flags & RW_STREAM_CONNECTING)
        on_connected(stream, cqe->res);
    if (closing && stream->operations == 0)
        finish_close(stream);
    if (!rw_stream_closing(stream) && !rw_list_linked(&stream->ready))
        rw_uring_settle(stream);
}
