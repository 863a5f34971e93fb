#include "gate/known/known_store.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/sealed.h"
#include "gate/known/known_note.h"

#include <unistd.h>

/* Another layout has another mark. */
static const char mark[16] = "ringway known 1";

struct head {
    char mark[sizeof(mark)];
    uint64_t bytes;    /* of what follows, */
    uint64_t checksum; /* and its hash */
};

/* Before each note's key and text. */
struct record {
    uint64_t key_bytes, text_bytes, until_ms, follows;
};

/* ---- Out ---- */

static void write_note(struct rw_known_note *note, struct rw_text *text)
{
    if (!rw_known_refresh(note))
        text->err = RW_ENOMEM;
    if (!note->text.len)
        return;
    const struct rw_known_use *writer = rw_known_writer(note);
    const struct record record = {note->key.len, note->text.len, note->until_ms,
                                  writer && writer->follows};
    rw_text_add(text, rw_span((const char *)&record, sizeof(record)));
    rw_text_add(text, note->key);
    rw_text_add(text, rw_text_span(&note->text));
}

void rw_known_seal(struct rw_span notes, struct rw_text *text)
{
    struct head head = {.bytes = notes.len, .checksum = rw_hash(notes.at, notes.len, 0)};
    memcpy(head.mark, mark, sizeof(mark));
    rw_text_add(text, rw_span((const char *)&head, sizeof(head)));
    rw_text_add(text, notes);
}

void rw_known_write(struct rw_known *known, struct rw_text *text)
{
    struct rw_text notes = {0};
    for (unsigned i = 0; i < RW_KNOWN_BUCKETS; i++) {
        const struct rw_list *bucket = &known->buckets[i];
        for (struct rw_list *item = bucket->next; item != bucket; item = item->next)
            write_note(rw_container_of(item, struct rw_known_note, link), &notes);
    }
    rw_known_seal(rw_text_span(&notes), text);
    if (notes.err)
        text->err = notes.err;
    rw_text_free(&notes);
}

static enum rw_err store_text(struct rw_span bytes, int *fd)
{
    enum rw_err err = rw_sealed_begin("ringway-known", fd);
    if (err)
        return err;
    err = rw_sealed_add(*fd, bytes);
    if (!err)
        err = rw_sealed_end(*fd);
    if (err) {
        close(*fd);
        *fd = -1;
    }
    return err;
}

enum rw_err rw_known_store(struct rw_known *known, int *fd)
{
    struct rw_text text = {0};
    uint64_t begin_ns = rw_clock_monotonic_ns();
    rw_known_write(known, &text);
    enum rw_err err = text.err;
    if (!err && text.len > RW_KNOWN_BYTES_MAX)
        err = RW_ELIMIT;
    if (!err)
        err = store_text(rw_text_span(&text), fd);
    rw_text_free(&text);
    known->stored_ms = rw_loop_now_ms(known->options.loop);
    known->store_ms = (rw_clock_monotonic_ns() - begin_ns) / RW_NS_PER_MS;
    return err;
}

/* ---- In ---- */

/* A moment that has not come yet is of another clock. */
static uint64_t until_of(const struct rw_known *known, const struct record *record)
{
    uint64_t now_ms = rw_loop_now_ms(known->options.loop);
    return record->follows || record->until_ms > now_ms ? now_ms : record->until_ms;
}

static enum rw_err read_note(struct rw_known *known, struct rw_span *rest)
{
    struct rw_span bytes, key, text;
    struct record record;
    struct rw_known_note *note;
    if (!rw_span_take(rest, sizeof(record), &bytes))
        return RW_EPROTO;
    memcpy(&record, bytes.at, sizeof(record));
    if (!rw_span_take(rest, record.key_bytes, &key) ||
        !rw_span_take(rest, record.text_bytes, &text) || rw_known_find(known, key))
        return RW_EPROTO;
    if (rw_known_add(known, key, &note))
        return RW_ENOMEM;
    note->until_ms = until_of(known, &record);
    rw_text_add(&note->text, text);
    return note->text.err;
}

enum rw_err rw_known_read(struct rw_known *known, struct rw_span bytes)
{
    struct head head;
    if (bytes.len < sizeof(head))
        return RW_EPROTO;
    memcpy(&head, bytes.at, sizeof(head));
    struct rw_span rest = rw_span_skip(bytes, sizeof(head));
    if (memcmp(head.mark, mark, sizeof(mark)) != 0 || head.bytes != rest.len ||
        head.checksum != rw_hash(rest.at, rest.len, 0))
        return RW_EPROTO;
    enum rw_err err = RW_OK;
    while (!err && rest.len)
        err = read_note(known, &rest);
    if (err)
        rw_known_settle(known);
    else
        rw_known_store_soon(known); /* what it was followed until is known from now on */
    return err;
}

enum rw_err rw_known_load(struct rw_known *known, int fd)
{
    struct rw_span bytes;
    enum rw_err err = rw_sealed_map(fd, RW_KNOWN_BYTES_MAX, &bytes);
    if (err)
        return err;
    err = rw_known_read(known, bytes);
    rw_sealed_unmap(bytes);
    return err;
}
