/* struct rw_h2: what the owner of an HTTP/2 connection embeds. Included by http/h2.h, which tells
 * its use. The owner reads `user`, `reason`, `refused`, `peer_connect_protocol` and nothing else.
 *
 * What only a connection with streams needs is in struct rw_h2_table, made with the first stream
 * and given back by rw_h2_rest.
 */
#ifndef RW_HTTP_H2_CONNECTION_H
#define RW_HTTP_H2_CONNECTION_H

struct rw_h2_table;

struct rw_h2 {
    void *user;
    const char *reason; /* in on_head, on_reset and on_error: what was wrong; or NULL */
    const struct rw_h2_settings *settings;
    const struct rw_h2_events *events;
    struct rw_buf_pool *buffers;
    struct rw_slab *streams;
    struct rw_h2_table *table; /* NULL: no stream yet */
    struct rw_h2_stream *gone; /* to be freed when no event is on the stack */
    uint64_t now_ms;
    uint64_t partial_ms; /* see rw_h2_partial_ms */

    /* Receiving. */
    char *in; /* a frame that is not whole yet, header and payload; NULL: in `partial` */
    uint32_t in_bytes;
    char partial[10];      /* a frame header, and the length of padding */
    uint8_t preface_bytes; /* of the client's preface, still to come */
    uint8_t block_flags;   /* of the HEADERS frame under way */
    uint32_t block_id;     /* its stream; 0: none */
    uint32_t block_bytes;  /* gathered in `block` */
    uint32_t block_room;
    uint32_t block_frames; /* CONTINUATION frames among them */
    uint32_t data_left;    /* of the DATA frame under way, padding included */
    char *block;
    struct rw_h2_stream *data_stream; /* NULL: nobody wants it */
    uint8_t data_padding;
    bool data_end;

    bool settings_received : 1;     /* the first SETTINGS frame */
    bool settings_acked : 1;        /* ours are in force at the peer */
    bool peer_connect_protocol : 1; /* RFC 8441: the server takes extended CONNECT */
    bool busy : 1;                  /* in a call that tells events: streams that are gone stay */
    bool forgot : 1;                /* which streams were reset before the table was made */
    bool priorities_said : 1; /* SETTINGS_NO_RFC7540_PRIORITIES of the peer is known, and is: */
    bool priorities_off : 1;
    bool asked : 1;       /* on_output was told, and rw_h2_wake has not come */
    bool goaway_sent : 1; /* a final one */
    bool goaway_received : 1;
    bool ended : 1; /* an error of the connection */
    bool error_told : 1;
    bool no_memory : 1; /* no buffer for DATA: waits for output to be sent */
    uint8_t pings;      /* of ours, unanswered */
    uint8_t ready_bits; /* urgencies with streams that are ready */
    uint8_t error_flood;
    uint8_t error_code;
    uint16_t depth; /* events on the stack */

    int32_t send_window;
    int32_t receive_window;
    uint32_t unreported;
    uint32_t peer_window_bytes; /* of a new stream */
    uint32_t peer_streams_max;
    uint32_t peer_head_bytes_max;
    uint32_t peer_goaway_id;      /* of its GOAWAY */
    int64_t window_change;        /* of a SETTINGS frame under way */
    uint32_t peer_last_id;        /* the last stream that the peer has opened */
    uint32_t own_next_id;         /* client */
    uint32_t goaway_id;           /* of ours: streams above it are passed over */
    uint32_t gap_first, gap_last; /* the latest ids that the peer has left out */
    uint32_t stream_count;        /* in the table */
    uint32_t open_count;          /* and not ended both ways */
    uint32_t refused;             /* streams of the peer's, with REFUSED_STREAM, so far; wraps */

    /* Sending. */
    struct rw_buf *out_first, *out_last;
    struct rw_buf *sending_last; /* the last one that rw_h2_output gave, up to sending_end */
    uint32_t sending_end;
    uint32_t out_bytes; /* not yet sent */
    char *head_start;   /* of the head under way: its frame header */
    char *head_at;
    char *head_limit;
    struct rw_h2_stream *head_stream;

    struct rw_hpack_decoder decoder;
    struct rw_hpack_encoder encoder;

    /* Floods: each level sinks by its number times the milliseconds gone by. */
    uint64_t flood_ms;
    uint32_t flood_levels[RW_H2_FLOOD_CONTINUATIONS];
    uint32_t window_updates_due; /* that what was sent explains */
};

#endif
