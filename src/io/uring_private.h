/* Inside the io_uring backend: uring.c (waiting, listeners and watches) and uring_stream.c;
 * uring_bank.c: a ring with its buffers and its slots for sockets; uring_banks.c: further ones, for
 * more sockets than the process has descriptors; uring_answers.c: one for what we have connected;
 * uring_enter.c: when a turn begins.
 *
 * Each operation's user_data is the address of what it belongs to with the kind in the low three
 * bits; that memory stays until the operation's last completion. Streams count theirs in
 * rw_stream.operations, and a closing stream is closed when the count is zero: then nothing stale
 * can come. Operations of streams are asked for only when the ready list runs (rw_uring_settle),
 * never inside the owner's calls.
 */
#ifndef RW_IO_URING_PRIVATE_H
#define RW_IO_URING_PRIVATE_H

#include "base/slab.h"
#include "io/backend.h"

#include <liburing.h>

enum uring_kind {
    URING_RECEIVE,
    URING_SEND,
    URING_CONNECT, /* of one that is connected: the end of its sending */
    URING_HANGUP,
    URING_ACCEPT,
    URING_WATCH,
    URING_WAKE,    /* of nothing: the loop's; of the state: a further ring's */
    URING_IGNORED, /* of nothing: a cancellation; of a number: a descriptor that nobody took */
    URING_KIND_MASK = 7,
};

enum { LENT_GROUP = 0 };

/* Small buffers that the kernel may fill. Which buffer an identifier stands for is in `lent`; NULL:
 * none, since memory or the pool's cap was exhausted. Each has pages that the kernel has written
 * to, so a loop with little to do lends few: more when they turn out not to do for a turn. */
struct uring_lender {
    struct io_uring_buf_ring *ring;
    struct rw_buf **lent;
    unsigned count;   /* of the ring: the most that may be lent */
    unsigned wanted;  /* are lent, but for those that are missing */
    unsigned missing; /* could not be had */
    size_t room;
};

/* Slots of the ring's own table of files. The socket in a slot needs no descriptor, and a send that
 * names a slot takes no reference of the file, some 50 ns. */
struct uring_files {
    uint16_t *free; /* NULL: the kernel has given no table */
    unsigned count; /* in `free` */
};

struct uring_bank {
    struct io_uring ring;
    struct uring_lender lender;
    struct uring_files files;
};

/* How many events a turn waits for: see uring_enter.c. */
struct uring_gather {
    bool able;        /* the kernel has the wait (6.12) */
    unsigned arrived; /* receives of the first ring that the last turn has brought */
};

/* See uring_answers.c. */
struct uring_answers {
    unsigned bank; /* of streams that we connect; 0: they are in the first, too */
    unsigned row;  /* turns that have heard no other */
};

/* Descriptors are for sockets up to a number; above it their sockets are parked in the slots of
 * further rings, and the descriptors closed. */
struct uring_parking {
    int from;       /* the lowest such number; INT_MAX: no parking */
    unsigned first; /* ring of those */
    unsigned slots; /* of a ring */
    unsigned roomy; /* where to look first for a free slot */
    int signal_fd;  /* what the further rings have for us while we sleep; -1: there are none yet */
    uint64_t borrowed; /* descriptors, so far */
    bool listening;    /* they signal */
    bool armed;        /* a read of the signal is with the kernel, */
    uint64_t signal;   /* to here */
};

enum { URING_BANKS_MAX = 64 };

struct uring_state {
    /* The first is for everything, perhaps one for what we connect; the others have what is parked.
     * A stream's operations are all with one. */
    struct uring_bank *banks[URING_BANKS_MAX];
    unsigned count; /* of them */
    struct uring_answers answers;
    struct uring_gather gather;
    struct uring_parking parking;
    /* Sends of connected streams, in the order of their begin: they are asked for after all others
     * of the turn. Whoever shares the machine with us (an origin beside its gateway) is then woken
     * once for many: about 1 % of the time of a small exchange. */
    struct rw_stream *later, **later_end;
    int wake_fd;
    bool wake_armed;
    /* A receive ends by itself after so many bytes, and is asked for anew: what a stream gets that
     * its owner does not want any more is not much. In the place of `optlen`, which liburing does
     * not name yet; 0: the kernel knows no such limit (it came with 6.17). */
    unsigned receive_bytes_max;
    struct rw_slab sends; /* of struct rw_uring_send */
};

struct rw_uring_send {
    struct rw_stream *next; /* in uring_state.later */
    struct msghdr message;
    struct rw_parts rest;
};

/* NULL never: submits what is queued when the queue is full. */
struct io_uring_sqe *rw_uring_operation(struct uring_bank *bank, void *at, enum uring_kind kind);
/* Says what an operation is: io_uring_prep_WHAT(sqe, ...). Some versions of these clear user_data,
 * which says whose it is. */
#define RW_URING_PREPARE(sqe, what, ...)                                                           \
    do {                                                                                           \
        __u64 whose_ = (sqe)->user_data;                                                           \
        io_uring_prep_##what(sqe, __VA_ARGS__);                                                    \
        (sqe)->user_data = whose_;                                                                 \
    } while (0)
/* Tells the kernel now what is queued. */
void rw_uring_ask(struct uring_bank *bank);
void rw_uring_cancel(struct uring_bank *bank, void *at, enum uring_kind kind);
/* What a system call says that is over with the next try. */
bool rw_uring_passes(int result);

/* ---- uring_bank.c ---- */

struct uring_bank_options {
    unsigned setup; /* IORING_SETUP_, on top of what every ring has */
    unsigned submissions, completions;
    unsigned slots;
    unsigned buffers, buffers_first; /* lent at most, and at first */
};

/* Without a table of files (no memory, a low limit of descriptors) there are just no slots. */
RW_MUST_CHECK enum rw_err rw_uring_bank_open(struct rw_loop *loop,
                                             const struct uring_bank_options *options,
                                             struct uring_bank **bank);
void rw_uring_bank_close(struct uring_bank *bank);
/* Lends the buffers that could not be had before. */
void rw_uring_lend_missing(struct rw_loop *loop, struct uring_lender *lender);
/* A receive has found no buffer. False: there is none to be had. */
bool rw_uring_lend_more(struct uring_lender *lender);
/* The buffer that a completion filled; another takes its place with the kernel. */
struct rw_buf *rw_uring_take(struct rw_loop *loop, struct uring_lender *lender,
                             const struct io_uring_cqe *cqe);
/* 0: there is none. */
uint16_t rw_uring_file_take(struct uring_bank *bank, int fd);
/* The slot's file is open on until this. */
void rw_uring_file_give(struct uring_bank *bank, uint16_t slot);

/* ---- uring_banks.c ---- */

/* Submits what is queued with a further ring, and has completions ready; false: it has nothing to
 * do. */
bool rw_uring_bank_run(struct uring_bank *bank);
/* Opens a further one, which wakes the loop. */
RW_MUST_CHECK enum rw_err rw_uring_banks_add(struct rw_loop *loop,
                                             const struct uring_bank_options *options);
void rw_uring_banks_close(struct uring_state *state);
/* The stream has no descriptor. */
static inline bool rw_uring_parked(const struct rw_stream *stream)
{
    const struct uring_state *state = stream->loop->state;
    return stream->bank >= state->parking.first;
}
void rw_uring_parking_init(struct uring_state *state, int descriptors_max);
/* Nothing of the stream's is with the kernel. It stays as it is where that is not worth it or not
 * possible. */
void rw_uring_park(struct rw_stream *stream);
/* A descriptor for the few calls that need one: for rw_uring_return, within the same callback. -1:
 * there is none to be had. */
int rw_uring_borrow(const struct rw_stream *stream);
void rw_uring_return(const struct rw_stream *stream, int fd);
/* Options of SOL_SOCKET, of what is parked: done when the call returns. Where the kernel refuses,
 * nothing is changed. */
void rw_uring_set_option(const struct rw_stream *stream, int option, void *value, size_t bytes);
void rw_uring_get_option(const struct rw_stream *stream, int option, void *value, size_t bytes);
/* Submits what is queued with the further rings, and sees to it that they wake us. How long to wait
 * now (`wait_ms`, or 0 when they have something). */
int rw_uring_banks_before(struct uring_state *state, int wait_ms);
/* Has their completions ready. */
void rw_uring_banks_after(struct uring_state *state);
/* The read of the signal is over. */
void rw_uring_banks_signalled(struct uring_state *state);

/* ---- uring_answers.c ---- */

/* Where there is none to be had (descriptors, memory), all are in the first ring. */
void rw_uring_answers_open(struct rw_loop *loop);
/* As rw_uring_bank_run, of the ring of what we have connected; NULL: there is nothing. */
struct io_uring *rw_uring_answers_enter(struct uring_state *state);
/* They were so many that the next turn, too, hears none but these. */
bool rw_uring_answers_more(struct uring_state *state, size_t events);

/* ---- uring_enter.c ---- */

void rw_uring_gather_init(struct uring_state *state, bool prompt);
/* Submits what is queued, waits at most `wait_ms` (0: not at all, below 0: without end), and has
 * completions ready. What the system call says: below 0, an errno's negative. */
int rw_uring_enter(struct uring_state *state, int wait_ms);

/* ---- uring_stream.c ---- */

/* Asks for the sends that wait in state->later. */
void rw_uring_begin_later(struct uring_state *state);
void rw_uring_stream_done(struct rw_stream *stream, enum uring_kind kind,
                          const struct io_uring_cqe *cqe);
enum rw_err rw_uring_attach(struct rw_stream *stream);
enum rw_err rw_uring_connect(struct rw_stream *stream, const struct rw_connect_options *options);
void rw_uring_discard(struct rw_stream *stream);
void rw_uring_receive(struct rw_stream *stream, bool on, bool large);
enum rw_send rw_uring_send(struct rw_stream *stream, const struct iovec *parts, int count);
void rw_uring_shutdown(struct rw_stream *stream);
void rw_uring_close(struct rw_stream *stream, bool abort);
void rw_uring_settle(struct rw_stream *stream);
enum rw_err rw_uring_address(const struct rw_stream *stream, bool peer,
                             struct sockaddr_storage *address);

#endif
