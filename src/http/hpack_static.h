/* The static table (RFC 7541 appendix A), and what a table's entry says to decoder and encoder.
 * Private to hpack_*.c. Filled before main; then read by any thread.
 */
#ifndef RW_HTTP_HPACK_STATIC_H
#define RW_HTTP_HPACK_STATIC_H

#include "http/hpack.h"

enum {
    RW_HPACK_STATIC_COUNT = 61,
    RW_HPACK_ENTRY_BYTES = 32, /* added to name and value, RFC 7541 section 4.1 */
    RW_HPACK_INDEX_STATUS_200 = 8,
};

/* Why a field makes its message malformed. Up to FAULT_NAME_LAST the name alone is at fault, which
 * a literal that borrows the name inherits. */
enum rw_hpack_fault {
    RW_HPACK_FAULT_NONE,
    RW_HPACK_FAULT_NAME_EMPTY,
    RW_HPACK_FAULT_NAME,
    RW_HPACK_FAULT_PSEUDO,
    RW_HPACK_FAULT_CONNECTION,
    RW_HPACK_FAULT_NAME_LAST = RW_HPACK_FAULT_CONNECTION,
    RW_HPACK_FAULT_VALUE,
    RW_HPACK_FAULT_BLANK,
    RW_HPACK_FAULT_TE,
    RW_HPACK_FAULT_METHOD,
    RW_HPACK_FAULT_STATUS,
};

/* What is known of a name, or of a name and a value. */
struct rw_hpack_kind {
    uint8_t id;     /* enum rw_field_id */
    uint8_t pseudo; /* 0, or 1 + enum rw_pseudo */
    uint8_t fault;  /* enum rw_hpack_fault */
    uint8_t method; /* enum rw_method, if it is :method */
};

/* A field as a table has it. */
struct rw_hpack_field {
    struct rw_span name; /* lower case */
    struct rw_span value;
    struct rw_hpack_kind kind;
};

extern const struct rw_hpack_field rw_hpack_static[RW_HPACK_STATIC_COUNT + 1]; /* from 1 */

/* The first entry with that name, 0: none. */
extern uint8_t rw_hpack_static_of_id[RW_FIELD_COUNT];
extern const uint8_t rw_hpack_static_of_pseudo[RW_PSEUDO_COUNT];
/* Of a name without an id. `hash` is rw_hpack_hash_name of it. */
unsigned rw_hpack_static_find(struct rw_span name, uint32_t hash);

/* Case does not matter to it. */
uint32_t rw_hpack_hash_name(struct rw_span name);
/* Of a value, going on from its name's. */
uint32_t rw_hpack_hash_value(uint32_t hash, struct rw_span value);

struct rw_span rw_hpack_pseudo_name(enum rw_pseudo which);

#endif
