/* The ledger: writes with numbers, sent one after the other while faults are caused. What the
 * gateway acknowledged is compared with what the built-in servers have seen: an acknowledged write
 * that nobody saw is lost, one that was seen twice was repeated by somebody who must not.
 *
 * A thread of its own with one connection: rw_ledger_open, then rw_ledger_start and rw_ledger_stop
 * as often as needed; then rw_ledger_sum. It never sends a number again, whatever becomes of it.
 */
#ifndef RW_VERIFY_LEDGER_H
#define RW_VERIFY_LEDGER_H

#include "verify/drive.h"
#include "verify/origin.h"
#include "verify/record.h"
#include "verify/wire.h"

#include <pthread.h>

enum { RW_LEDGER_REPLY_BYTES_MAX = 64 * 1024, RW_LEDGER_WAIT_MS_MAX = 5000 };

struct rw_ledger {
    /* Set before it is opened. */
    const struct rw_drive *drive;
    const struct rw_verify_target_data_loss *target;
    const struct rw_origin_counts *counts;
    /* Its own. */
    pthread_t thread;
    bool running;
    _Atomic bool stop;
    struct rw_wire wire;
    uint64_t sent;
    bool acknowledged[RW_LEDGER_WRITES_MAX];
};

/* RW_ETLS: the file of authorities, told in `why`. rw_ledger_close in any case. */
RW_MUST_CHECK enum rw_err rw_ledger_open(struct rw_ledger *ledger, struct rw_text *why);
void rw_ledger_close(struct rw_ledger *ledger);
/* RW_ELIMIT: no thread. */
RW_MUST_CHECK enum rw_err rw_ledger_start(struct rw_ledger *ledger);
/* Returns once the last write is answered, or given up. */
void rw_ledger_stop(struct rw_ledger *ledger);
void rw_ledger_sum(const struct rw_ledger *ledger, struct rw_ledger_sum *sum);

#endif
