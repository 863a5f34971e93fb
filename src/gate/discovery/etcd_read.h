/* Reads what etcd's JSON gateway says (etcd.io, "API v3", gRPC gateway) into the groups of a
 * discovery: each key under the prefix is one. Bytes are Base64 there, and numbers of 64 bits are
 * texts. Whatever is not as expected is left out or refused, nothing is asserted: it comes from a
 * server.
 */
#ifndef RW_GATE_DISCOVERY_ETCD_READ_H
#define RW_GATE_DISCOVERY_ETCD_READ_H

#include "gate/discovery/discovery_kinds.h"

struct rw_etcd_reader {
    struct rw_discovery *discovery;
    struct rw_span what;       /* for the log */
    uint64_t revision;         /* up to which all is known */
    struct rw_text key, value; /* of the entry that is being read */
    struct rw_text why;        /* of a refusal, in etcd's words */
    bool lost;                 /* there was no memory for an entry */
};

enum rw_etcd_said {
    RW_ETCD_TAKEN,
    RW_ETCD_UNKNOWN,     /* it is not etcd who speaks */
    RW_ETCD_COMPACTED,   /* what the watch was to begin with is gone: all must be listed */
    RW_ETCD_BEHIND,      /* its revisions are lower than what is known: it was set back, the same */
    RW_ETCD_CANCELED,    /* `why` says why */
    RW_ETCD_UNAVAILABLE, /* the same, and another member may know better */
    RW_ETCD_NO_MEMORY,   /* a part of it was lost: all must be listed */
};

void rw_etcd_reader_free(struct rw_etcd_reader *reader);

/* The answer to a range: all that there is. */
enum rw_etcd_said rw_etcd_read_range(struct rw_etcd_reader *reader, const json_t *answer);
/* A line of a watch. */
enum rw_etcd_said rw_etcd_read_events(struct rw_etcd_reader *reader, const json_t *line);
/* An answer with a status that is none of success: fills `why`. */
void rw_etcd_read_error(struct rw_etcd_reader *reader, unsigned status, struct rw_span bytes);

void rw_etcd_add_base64(struct rw_text *to, struct rw_span bytes);

#endif
