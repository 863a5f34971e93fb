/* The ledger: writes with numbers, sent one after the other while faults are caused. Those that the
 * gateway acknowledged are looked for afterwards: one that is not there is lost.
 *
 * Where the target says how a write is read back (`read`), each is, through the gateway, once all
 * faults are over; whether reads tell what is lost is tried before the first one. Else the built-in
 * servers have counted: what they have not seen is lost, what they have seen twice was repeated by
 * somebody who must not.
 *
 * rw_ledger_open; then for each repetition rw_ledger_prove, rw_ledger_start and rw_ledger_stop (a
 * thread of its own with one connection), rw_ledger_read_back; then rw_ledger_sum. It never sends a
 * number again, whatever becomes of it.
 */
#ifndef RW_VERIFY_LEDGER_H
#define RW_VERIFY_LEDGER_H

#include "verify/drive.h"
#include "verify/origin.h"
#include "verify/record.h"
#include "verify/wire.h"

#include <pthread.h>

enum {
    RW_LEDGER_WAIT_MS_MAX = 5000,
    RW_LEDGER_PATIENCE_MS = 20000, /* without an answer that tells: reads are given up */
    RW_LEDGER_LATE_MS = 3000       /* what is missing is looked for once more after that time */
};

/* What is known of a write. */
enum rw_ledger_write {
    RW_LEDGER_UNANSWERED, /* or not acknowledged: it may be there, or not */
    RW_LEDGER_ACKNOWLEDGED,
    RW_LEDGER_FOUND, /* by its read, as the next */
    RW_LEDGER_MISSING
};

struct rw_ledger {
    /* Set before it is opened. */
    const struct rw_drive *drive;
    const struct rw_verify_target_data_loss *target;
    const struct rw_origin_counts *counts;
    const _Atomic bool *interrupted; /* of the run: reads are given up */
    /* Its own. */
    pthread_t thread;
    bool running;
    _Atomic bool stop;
    struct rw_wire wire;
    struct rw_text text, body; /* of the request that is being made */
    enum rw_ledger_blind blind;
    uint64_t first; /* the number of the first write */
    uint64_t sent, read;
    uint8_t writes[RW_LEDGER_WRITES_MAX]; /* enum rw_ledger_write */
};

/* RW_ETLS: the file of authorities, told in `why`. rw_ledger_close in any case. */
RW_MUST_CHECK enum rw_err rw_ledger_open(struct rw_ledger *ledger, struct rw_text *why);
void rw_ledger_close(struct rw_ledger *ledger);
/* The system runs, no fault has been caused. */
void rw_ledger_prove(struct rw_ledger *ledger);
/* RW_ELIMIT: no thread. */
RW_MUST_CHECK enum rw_err rw_ledger_start(struct rw_ledger *ledger);
/* Returns once the last write is answered, or given up. */
void rw_ledger_stop(struct rw_ledger *ledger);
/* The system still runs, all faults are over: what has been written since the last time. */
void rw_ledger_read_back(struct rw_ledger *ledger);
void rw_ledger_sum(const struct rw_ledger *ledger, struct rw_ledger_sum *sum);

#endif
