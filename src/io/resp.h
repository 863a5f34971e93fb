/* RESP2, the protocol of Redis (redis.io/docs/reference/protocol-spec): commands out, replies in.
 * No I/O, no memory: a reply is looked at where its bytes are. Any thread.
 *
 * When rw_resp_whole says that a reply is there, rw_resp_next takes its values in order: an array
 * is its head, then its elements.
 */
#ifndef RW_IO_RESP_H
#define RW_IO_RESP_H

#include "base/err.h"
#include "base/text.h"

enum { RW_RESP_DEPTH_MAX = 4, RW_RESP_REPLY_BYTES_MAX = 1 << 20, RW_RESP_ITEMS_MAX = 1 << 16 };

enum rw_resp_kind { RW_RESP_STATUS, RW_RESP_ERROR, RW_RESP_INTEGER, RW_RESP_BULK, RW_RESP_ARRAY };

struct rw_resp_value {
    enum rw_resp_kind kind;
    bool null;           /* a bulk or array that is not there */
    struct rw_span text; /* STATUS, ERROR, BULK */
    int64_t number;      /* INTEGER; of an ARRAY: how many elements follow */
};

enum rw_resp_result { RW_RESP_WHOLE, RW_RESP_PART, RW_RESP_BAD };

/* Does `bytes` begin with a whole reply? Then *len is its length. */
enum rw_resp_result rw_resp_whole(struct rw_span bytes, size_t *len);

/* The next value of a whole reply; `rest` advances. False: it was the last. */
bool rw_resp_next(struct rw_span *rest, struct rw_resp_value *value);

/* A command is rw_resp_begin with the number of its words, then each word. */
void rw_resp_begin(struct rw_text *text, unsigned words);
void rw_resp_word(struct rw_text *text, struct rw_span word);

#endif
