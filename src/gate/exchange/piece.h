/* A piece of a body on its way through: bytes inside a buffer, and whether they are the last.
 *
 * Whoever is handed a piece may use the bytes during the call; to keep them longer it holds the
 * buffer. A piece without a buffer has bytes that outlive the exchange (static text, the snapshot,
 * the exchange's arena). An empty piece with `end` ends a body. */
#ifndef RW_GATE_EXCHANGE_PIECE_H
#define RW_GATE_EXCHANGE_PIECE_H

#include "io/buf.h"

#include <stdbool.h>

struct rw_piece {
    struct rw_buf *buf; /* NULL: static bytes */
    struct rw_span data;
    bool end;
};

/* What the receiver of a piece says: GO for more at once; HOLD until it says so itself; OVER: the
 * giver is out of it, and what it gave for may be gone already: touch nothing. */
enum rw_flow { RW_FLOW_GO, RW_FLOW_HOLD, RW_FLOW_OVER };

#endif
