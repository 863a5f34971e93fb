/* Notes (known.h) in memory that another process can have: a memfd without a name, sealed when it
 * is whole, so that a process that dies while it writes leaves the one before.
 *
 * Whoever loads believes nothing: another version's, one that was cut or changed anywhere, or that
 * is not sealed, is refused as a whole. */
#ifndef RW_GATE_KNOWN_KNOWN_STORE_H
#define RW_GATE_KNOWN_KNOWN_STORE_H

#include "gate/known/known.h"

enum { RW_KNOWN_BYTES_MAX = 256 << 20 }; /* of all notes together */

/* In a new descriptor, close-on-exec, which is the caller's. RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_known_store(struct rw_known *known, int *fd);
/* Before anybody holds a note. The descriptor stays the caller's. RW_EPROTO: nothing that is
 * stored, nothing was loaded. */
RW_MUST_CHECK enum rw_err rw_known_load(struct rw_known *known, int fd);

/* The same without a descriptor. */
RW_MUST_CHECK enum rw_err rw_known_read(struct rw_known *known, struct rw_span bytes);
void rw_known_write(struct rw_known *known, struct rw_text *text);
/* Behind the head that it is read with. */
void rw_known_seal(struct rw_span notes, struct rw_text *text);

#endif
