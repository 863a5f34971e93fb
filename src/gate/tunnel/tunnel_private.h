/* The tunnel's struct. Private to gate/tunnel/tunnel*.c. */
#ifndef RW_GATE_TUNNEL_TUNNEL_PRIVATE_H
#define RW_GATE_TUNNEL_TUNNEL_PRIVATE_H

#include "gate/tunnel/tunnel.h"
#include "watch/access.h"

#include <stddef.h>

/* Towards a side. */
struct rw_tunnel_way {
    struct rw_buf *queue; /* by rw_buf.next; the first `sending` are with the stream */
    uint64_t bytes;       /* that came from the other side */
};

/* Of a side. */
struct rw_tunnel_half {
    uint8_t sending;       /* buffers of the way towards it whose send is pending */
    uint8_t receiving : 2; /* what its stream was told last */
    bool ended : 1;        /* no more bytes will come from it */
    bool shut : 1;         /* it was told that no more will come */
    bool bulk : 1;         /* bytes come from it faster than small buffers take */
};

/* What is kept of the client's address. */
enum rw_tunnel_address { RW_TUNNEL_UNIX, RW_TUNNEL_IPV4, RW_TUNNEL_IPV6 };

/* Thousands of these are idle at a time: what is here counts. */
struct rw_tunnel {
    const struct rw_tunnel_terms *terms; /* a reference */
    struct rw_stream *client;            /* NULL: not yet, or closed */
    struct rw_upstream_connection *upstream;
    struct rw_tunnel_way ways[2]; /* towards a side */
    uint64_t active_ms;           /* when the last byte moved */
    uint64_t started_ns;
    uint32_t upstream_us; /* UINT32_MAX: not told */
    struct rw_tunnel_half halves[2];
    uint16_t status : 10;
    uint16_t protocol : 3;   /* enum rw_tunnel_protocol */
    uint16_t identified : 1; /* its consumer is kept */
    uint16_t https : 1;
    uint16_t over : 1;
    uint16_t path_bytes : 12;
    uint16_t address : 2; /* enum rw_tunnel_address */
    uint16_t traced : 1;
    uint16_t resident : 1;              /* its client's place and residency rule are kept */
    uint8_t reason;                     /* enum rw_reason */
    uint8_t text_bytes[RW_TUNNEL_PATH]; /* of the texts other than the path, which comes last */
    char tail[]; /* the observer's state, trace id, address, place and rule, consumer, texts */
};
_Static_assert(sizeof(struct rw_tunnel) == 88 && offsetof(struct rw_tunnel, tail) == 88,
               "see above; and the observer's state is aligned");
_Static_assert(RW_ACCESS_PATH_BYTES_MAX < 1 << 12, "path_bytes");

/* ---- tunnel.c: what happens to a side ---- */

/* From now on bytes flow; `ended`: the client's on_end has come. */
void rw_tunnel_flow(struct rw_tunnel *tunnel, struct rw_stream *client, struct rw_buf *early,
                    bool ended);
void rw_tunnel_on_data(struct rw_tunnel *tunnel, enum rw_tunnel_side from, struct rw_buf *buf);
void rw_tunnel_on_end(struct rw_tunnel *tunnel, enum rw_tunnel_side from, enum rw_err err);
void rw_tunnel_on_sent(struct rw_tunnel *tunnel, enum rw_tunnel_side to, enum rw_err err);
void rw_tunnel_on_closed(struct rw_tunnel *tunnel, enum rw_tunnel_side side);
void rw_tunnel_drain(struct rw_tunnel *tunnel);
void rw_tunnel_on_alarm(struct rw_tunnel *tunnel); /* of a tunnel with an observer */

/* ---- tunnel_client.c ---- */

/* While there is a client. */
void rw_tunnel_alarm_off(struct rw_tunnel *tunnel);

/* ---- tunnel_log.c ---- */

/* With what it holds but the connections and buffers. */
void rw_tunnel_free(struct rw_tunnel *tunnel);
/* The end: counts, and writes the line. `endpoint` may be NULL. */
void rw_tunnel_log(const struct rw_tunnel *tunnel, const struct rw_endpoint *endpoint);

#endif
