/* HTTP/1.1 as scripted peers read it: written apart from src/http, so that the two can disagree.
 *
 * A peer gives every byte that arrives to rw_test_reader_feed; heads, body bytes and ends come out
 * as calls. What no gateway may send (a head that is none, two lengths, a bad chunk) is told by
 * `bad`, once, and then nothing more is read.
 */
#ifndef RW_TESTS_SUPPORT_PEER_MESSAGE_H
#define RW_TESTS_SUPPORT_PEER_MESSAGE_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_test_reader;

enum rw_test_body {
    RW_TEST_BODY_NONE,
    RW_TEST_BODY_LENGTH,
    RW_TEST_BODY_CHUNKED,
    RW_TEST_BODY_UNTIL_CLOSE,
    RW_TEST_BODY_RAW, /* no messages any more: a tunnel */
};

struct rw_test_reader_events {
    /* A head is complete (reader->head): what follows it? */
    enum rw_test_body (*head)(struct rw_test_reader *reader);
    void (*body)(struct rw_test_reader *reader, struct rw_span bytes);
    /* The body, if there was one, is complete. */
    void (*complete)(struct rw_test_reader *reader);
    void (*bad)(struct rw_test_reader *reader, const char *why);
};

enum rw_test_reader_state {
    RW_TEST_HEAD,
    RW_TEST_LENGTH,
    RW_TEST_CHUNK_SIZE,
    RW_TEST_CHUNK_DATA,
    RW_TEST_CHUNK_END,
    RW_TEST_TRAILERS,
    RW_TEST_UNTIL_CLOSE,
    RW_TEST_RAW,
    RW_TEST_BAD,
};

enum { RW_TEST_HEAD_BYTES_MAX = 70000, RW_TEST_LINE_BYTES_MAX = 200 };

struct rw_test_reader {
    const struct rw_test_reader_events *events;
    enum rw_test_reader_state state;
    char *head; /* NUL-terminated when complete; freed by rw_test_reader_free */
    size_t head_bytes, head_room;
    uint64_t remaining;  /* of a length or a chunk */
    uint64_t body_bytes; /* so far */
    char line[RW_TEST_LINE_BYTES_MAX];
    size_t line_bytes;
    char trailer[RW_TEST_LINE_BYTES_MAX]; /* the last one */
    bool stopped;                         /* by its owner: nothing more is read */
};

void rw_test_reader_feed(struct rw_test_reader *reader, struct rw_span bytes);
void rw_test_reader_free(struct rw_test_reader *reader);
/* Nothing of a next message has been read. */
bool rw_test_reader_between(const struct rw_test_reader *reader);

/* The field's value (at == NULL: there is none); its number of lines. */
struct rw_span rw_test_head_value(const struct rw_test_reader *reader, const char *name);
unsigned rw_test_head_count(const struct rw_test_reader *reader, const char *name);
/* The body as the fields say: chunked, a length (into *length), or none. */
enum rw_test_body rw_test_head_framing(const struct rw_test_reader *reader, uint64_t *length,
                                       const char **why);

/* Bodies are functions of a request's number and of who speaks. */
enum rw_test_side { RW_TEST_CLIENT, RW_TEST_ORIGIN };
void rw_test_body_fill(char *to, size_t len, uint32_t id, enum rw_test_side side, uint64_t offset);
bool rw_test_body_is(struct rw_span bytes, uint32_t id, enum rw_test_side side, uint64_t offset);

#endif
