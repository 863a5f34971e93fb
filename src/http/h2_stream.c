/* Streams by their ids. Ids of open streams lie close together, so the low bits are the hash. */
#include "http/h2_engine.h"

#include "base/alloc.h"

enum { BUCKETS_FIRST = 32 };

/* ---- The table ---- */

bool rw_h2_table_make(struct rw_h2 *h2)
{
    if (h2->table)
        return true;
    struct rw_h2_table *table = rw_alloc_zero(sizeof(*table));
    struct rw_h2_stream **buckets = table ? rw_alloc_zero(BUCKETS_FIRST * sizeof(*buckets)) : NULL;
    if (!buckets) {
        rw_free(table);
        return false;
    }
    table->buckets = buckets;
    table->mask = BUCKETS_FIRST - 1;
    if (h2->forgot)
        table->resets = RW_H2_RESET_IDS + 1;
    for (unsigned i = 0; i < RW_H2_URGENCIES; i++)
        rw_list_init(&table->ready[i]);
    rw_list_init(&table->woken);
    h2->table = table;
    return true;
}

void rw_h2_table_free(struct rw_h2 *h2)
{
    if (!h2->table)
        return;
    rw_free(h2->table->buckets);
    rw_free(h2->table);
    h2->table = NULL;
}

static inline struct rw_h2_stream **bucket(const struct rw_h2_table *table, uint32_t id)
{
    return &table->buckets[(id >> 1) & table->mask];
}

/* Without memory chains grow longer, and nothing else. Not while somebody walks over them. */
static void grow(struct rw_h2 *h2)
{
    struct rw_h2_table old = *h2->table;
    uint32_t count = (old.mask + 1) * 2;
    struct rw_h2_stream **buckets =
        h2->depth ? NULL : rw_alloc_zero(count * sizeof(struct rw_h2_stream *));
    if (!buckets)
        return;
    h2->table->buckets = buckets;
    h2->table->mask = count - 1;
    for (uint32_t i = 0; i <= old.mask; i++) {
        for (struct rw_h2_stream *stream = old.buckets[i], *next; stream; stream = next) {
            next = stream->chain;
            struct rw_h2_stream **to = bucket(h2->table, stream->id);
            stream->chain = *to;
            *to = stream;
        }
    }
    rw_free(old.buckets);
}

static void insert(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (h2->stream_count > h2->table->mask)
        grow(h2);
    struct rw_h2_stream **to = bucket(h2->table, stream->id);
    stream->chain = *to;
    *to = stream;
    h2->stream_count++;
}

static void take_out(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct rw_h2_stream **at = bucket(h2->table, stream->id);
    while (*at != stream)
        at = &(*at)->chain;
    /* Its own link stays, for a walk that stands here. */
    *at = stream->chain;
    h2->stream_count--;
}

struct rw_h2_stream *rw_h2_stream_find(const struct rw_h2 *h2, uint32_t id)
{
    if (!h2->table)
        return NULL;
    struct rw_h2_stream *stream = *bucket(h2->table, id);
    while (stream && stream->id != id)
        stream = stream->chain;
    return stream;
}

void rw_h2_each(struct rw_h2 *h2, void (*each)(struct rw_h2 *h2, struct rw_h2_stream *stream))
{
    if (!h2->table)
        return;
    rw_h2_enter(h2);
    for (uint32_t i = 0; i <= h2->table->mask; i++)
        for (struct rw_h2_stream *stream = h2->table->buckets[i]; stream; stream = stream->chain)
            if (!stream->gone)
                each(h2, stream);
    rw_h2_leave(h2);
    rw_h2_sweep(h2);
}

/* ---- One stream ---- */

/* Of a size that the compiler knows, it makes a string instruction, which is slow to begin. */
static void clear(struct rw_h2_stream *stream)
{
    size_t size = sizeof(*stream);
    __asm__("" : "+r"(size));
    memset(stream, 0, size);
}

struct rw_h2_stream *rw_h2_stream_new(struct rw_h2 *h2, uint32_t id)
{
    const struct rw_h2_settings *settings = h2->settings;
    if (!rw_h2_table_make(h2))
        return NULL;
    struct rw_h2_stream *stream = rw_slab_get(h2->streams);
    if (!stream)
        return NULL;
    clear(stream);
    stream->id = id;
    stream->urgency = RW_H2_URGENCY_DEFAULT;
    stream->incremental = true;
    stream->send_window = (int32_t)h2->peer_window_bytes;
    stream->receive_window = (int32_t)settings->stream_window_bytes;
    /* Until the peer has ours, it knows the default (RFC 9113 section 6.9.3). */
    if (!h2->settings_acked && stream->receive_window < RW_H2_WINDOW_BYTES_DEFAULT)
        stream->receive_window = RW_H2_WINDOW_BYTES_DEFAULT;
    stream->announced = UINT64_MAX;
    insert(h2, stream);
    h2->open_count++;
    return stream;
}

void rw_h2_stream_name(struct rw_h2 *h2, struct rw_h2_stream *stream, uint32_t id)
{
    take_out(h2, stream);
    stream->id = id;
    insert(h2, stream);
}

void rw_h2_stream_drop_waiting(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    uint32_t bytes = 0;
    for (struct rw_buf *buf = stream->waiting, *next; buf; buf = next) {
        next = buf->next;
        bytes += buf->end - buf->start;
        rw_buf_drop(buf);
    }
    stream->waiting = stream->waiting_last = NULL;
    rw_list_remove(&stream->woken);
    if (bytes)
        rw_h2_credit(h2, bytes);
}

void rw_h2_stream_drop(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    rw_assert(!stream->gone);
    rw_h2_unready(h2, stream);
    take_out(h2, stream);
    h2->open_count -= !stream->closed;
    stream->closed = stream->gone = true;
    if (h2->data_stream == stream) {
        h2->data_stream = NULL;
        if (h2->data_left > h2->data_padding)
            rw_h2_credit(h2, h2->data_left - h2->data_padding);
    }
    rw_h2_stream_drop_waiting(h2, stream);
    rw_buf_drop(stream->out_buf);
    stream->out_buf = NULL;
    stream->next_gone = h2->gone;
    h2->gone = stream;
}

void rw_h2_free_gone(struct rw_h2 *h2)
{
    while (h2->gone) {
        struct rw_h2_stream *stream = h2->gone;
        h2->gone = stream->next_gone;
        rw_slab_put(h2->streams, stream);
    }
}

static void end_now(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    /* A client's stream without a head does not exist for the server. */
    if (!stream->closed && stream->id && !h2->ended) {
        rw_h2_put_number(h2, RW_H2_RST_STREAM, stream->id, code);
        rw_h2_note_reset(h2, stream->id);
    }
    rw_h2_stream_drop(h2, stream);
}

void rw_h2_stream_settle(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (!stream->sent_end || stream->gone)
        return;
    if (stream->received_end && !stream->closed) {
        stream->closed = true;
        h2->open_count--;
    }
    if (stream->forgotten)
        end_now(h2, stream, h2->settings->server ? RW_H2_NO_ERROR : RW_H2_CANCEL);
}

void rw_h2_stream_lost(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    rw_h2_stream_drop(h2, stream);
    if (stream->forgotten)
        return;
    rw_h2_enter(h2);
    h2->events->on_reset(h2, stream, code);
    rw_h2_leave(h2);
}

void rw_h2_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    if (stream->gone)
        return;
    end_now(h2, stream, code);
    if (!h2->busy)
        rw_h2_sweep(h2);
}

/* ---- Streams that we have reset ---- */

void rw_h2_note_reset(struct rw_h2 *h2, uint32_t id)
{
    struct rw_h2_table *table = h2->table;
    if (table)
        table->reset_ids[table->resets++ % RW_H2_RESET_IDS] = id;
    else
        h2->forgot = true; /* there was no memory for one */
}

enum rw_h2_was_reset rw_h2_was_reset(const struct rw_h2 *h2, uint32_t id)
{
    const struct rw_h2_table *table = h2->table;
    if (!table)
        return RW_H2_MAYBE_RESET;
    for (unsigned i = 0; i < RW_H2_RESET_IDS; i++)
        if (table->reset_ids[i] == id)
            return RW_H2_WAS_RESET;
    return table->resets > RW_H2_RESET_IDS ? RW_H2_MAYBE_RESET : RW_H2_NOT_RESET;
}

/* ---- Streams of a client ---- */

uint32_t rw_h2_room(const struct rw_h2 *h2)
{
    uint32_t max = h2->settings->streams_max < h2->peer_streams_max ? h2->settings->streams_max
                                                                    : h2->peer_streams_max;
    if (h2->settings->server || h2->ended || h2->goaway_received || h2->goaway_sent ||
        h2->own_next_id > RW_H2_STREAM_ID_MAX || h2->open_count >= max)
        return 0;
    return max - h2->open_count;
}

struct rw_h2_stream *rw_h2_stream_open(struct rw_h2 *h2, void *user)
{
    struct rw_h2_stream *stream = rw_h2_room(h2) ? rw_h2_stream_new(h2, 0) : NULL;
    if (stream)
        stream->user = user;
    return stream;
}
