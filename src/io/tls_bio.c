#include "io/tls_internal.h"

#include "io/backend.h"

#include <openssl/bio.h>
#include <string.h>

/* OpenSSL's view of the transport. One BIO serves all connections of a thread: it has no state,
 * what it reads and writes is rw_tls_current's. (libssl keeps references to it, and links its
 * handshake buffer in front of it, but never looks back from it.) */

_Thread_local struct rw_tls *rw_tls_current;

static BIO_METHOD *method;
static pthread_key_t bio_key;

void rw_tls_drop_buffers(struct rw_buf **first)
{
    while (*first) {
        struct rw_buf *buf = *first;
        *first = buf->next;
        buf->next = NULL;
        rw_buf_drop(buf);
    }
}

static int bio_read(BIO *bio, char *to, size_t room, size_t *done)
{
    struct rw_tls *tls = rw_tls_current;
    BIO_clear_retry_flags(bio);
    *done = 0;
    while (room && tls->in) {
        struct rw_buf *buf = tls->in;
        size_t take = buf->end - buf->start;
        take = take < room ? take : room;
        memcpy(to + *done, buf->data + buf->start, take);
        if (tls->flags & RW_TLS_COUNTED)
            rw_tls_count_records(&tls->records->receive, buf->data + buf->start, take);
        buf->start += (uint32_t)take;
        *done += take;
        room -= take;
        if (buf->start == buf->end) {
            tls->in = buf->next;
            buf->next = NULL;
            rw_buf_drop(buf);
        }
    }
    if (*done)
        return 1;
    BIO_set_retry_read(bio);
    return -1;
}

struct rw_buf *rw_tls_out(struct rw_tls *tls, size_t bytes)
{
    struct rw_buf *last = tls->out ? tls->out_last : NULL;
    size_t need = bytes + sizeof(struct rw_parts); /* what tls.c keeps at the end of a flight */
    if (last && rw_buf_space(last) >= need)
        return last;
    struct rw_buf *buf = NULL;
    if (tls->out_count < RW_TLS_OUT_BUFFERS_MAX)
        buf = rw_buf_get(&tls->stream->loop->buffers,
                         need > RW_BUF_SMALL_BYTES ? RW_BUF_LARGE_BYTES : RW_BUF_SMALL_BYTES);
    if (!buf) {
        tls->flags |= RW_TLS_OUT_OF_MEMORY;
        return NULL;
    }
    if (last)
        last->next = buf;
    else
        tls->out = buf;
    tls->out_last = buf;
    tls->out_count++;
    return buf;
}

/* Takes everything or fails for good: records are never written in halves that wait for each other.
 */
static int bio_write(BIO *bio, const char *from, size_t bytes, size_t *done)
{
    struct rw_tls *tls = rw_tls_current;
    struct rw_buf *buf = rw_tls_out(tls, bytes);
    BIO_clear_retry_flags(bio);
    *done = 0;
    if (!buf)
        return -1;
    memcpy(buf->data + buf->end, from, bytes);
    if (tls->flags & RW_TLS_COUNTED)
        rw_tls_count_records(&tls->records->send, from, bytes);
    buf->end += (uint32_t)bytes;
    *done = bytes;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static void free_thread_bio(void *bio)
{
    BIO_free(bio);
}

enum rw_err rw_tls_bio_init(void)
{
    if (pthread_key_create(&bio_key, free_thread_bio))
        return RW_ENOMEM;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringway");
    if (!method || !BIO_meth_set_read_ex(method, bio_read) ||
        !BIO_meth_set_write_ex(method, bio_write) || !BIO_meth_set_ctrl(method, bio_ctrl) ||
        !BIO_meth_set_create(method, bio_create))
        return RW_ENOMEM;
    return RW_OK;
}

BIO *rw_tls_bio(void)
{
    BIO *bio = pthread_getspecific(bio_key);
    if (!bio) {
        bio = BIO_new(method);
        if (!bio)
            return NULL;
        if (pthread_setspecific(bio_key, bio)) {
            BIO_free(bio);
            return NULL;
        }
    }
    BIO_up_ref(bio);
    return bio;
}
