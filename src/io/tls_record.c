#include "base/alloc.h"
#include "io/backend.h"
#include "io/tls_internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* The record protection of TLS 1.3 (RFC 8446 section 5), for a server's connections whose handshake
 * is over. libssl keeps some 14 KB for each connection, of which nothing but two keys is needed
 * from then on; it also copies each byte twice. So after a while (rw_tls_settle_ms) a connection is
 * taken over: its keys and sequence numbers come here, its SSL is freed. What can still happen then
 * is little: data, KeyUpdate, alerts. */

enum {
    HEADER_BYTES = 5,
    TAG_BYTES = 16,
    NONCE_BYTES = 12,
    TEXT_BYTES_MAX = 16384,
    BODY_BYTES_MAX = TEXT_BYTES_MAX + 256,
    TRIVIAL_MAX = 32, /* empty records, KeyUpdates or warnings, in a row */
};

enum { TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23 };

enum {
    ALERT_CLOSE_NOTIFY = 0,
    ALERT_UNEXPECTED_MESSAGE = 10,
    ALERT_BAD_RECORD_MAC = 20,
    ALERT_RECORD_OVERFLOW = 22,
    ALERT_ILLEGAL_PARAMETER = 47,
    ALERT_DECODE_ERROR = 50,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_USER_CANCELED = 90,
};

enum { MESSAGE_KEY_UPDATE = 24 };

uint32_t rw_tls_records_max = RW_TLS_RECORDS_MAX;

static const struct rw_span prefix = {"tls13 ", 6};
static const struct rw_span no_data = {"", 0};

static EVP_CIPHER *ciphers[3];

enum rw_err rw_tls_record_init(void)
{
    static const char *const names[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    for (int i = 0; i < 3; i++) {
        ciphers[i] = EVP_CIPHER_fetch(rw_tls_library, names[i], NULL);
        if (!ciphers[i])
            return RW_ENOMEM;
    }
    return RW_OK;
}

/* ---- While libssl still does it: secrets and sequence numbers ---- */

/* From here on it is libssl's for good, and the old secrets must not outlive their keys. */
static void keys_moved(struct rw_tls *tls)
{
    tls->flags |= RW_TLS_KEYS_MOVED;
    if (!tls->records)
        return;
    struct rw_tls_direction *both[] = {&tls->records->receive, &tls->records->send};
    for (int i = 0; i < 2; i++) {
        OPENSSL_cleanse(both[i]->secret, sizeof(both[i]->secret));
        both[i]->secret_bytes = 0;
    }
}

void rw_tls_note_secret(struct rw_tls *tls, struct rw_span label, const unsigned char *secret,
                        size_t bytes)
{
    bool clients = rw_span_is(label, "c ap traffic");
    if (rw_span_is(label, "traffic upd"))
        keys_moved(tls);
    if (tls->flags & RW_TLS_CLIENT || (!clients && !rw_span_is(label, "s ap traffic")))
        return;
    if (!tls->of.server->takeover)
        return;
    if (!tls->records)
        tls->records = rw_alloc_zero(sizeof(*tls->records));
    if (!tls->records || bytes > sizeof(tls->records->receive.secret))
        return;
    struct rw_tls_direction *direction = clients ? &tls->records->receive : &tls->records->send;
    memcpy(direction->secret, secret, bytes);
    direction->secret_bytes = (uint8_t)bytes;
}

/* The two secrets come at different times: for want of memory one may be missing, and a key made
 * from nothing would be everybody's. */
bool rw_tls_has_secrets(const struct rw_tls *tls)
{
    const struct rw_tls_records *records = tls->records;
    return records && records->send.secret_bytes &&
           records->send.secret_bytes == records->receive.secret_bytes;
}

/* Follows the records in a stream of bytes, to know the sequence number. */
void rw_tls_count_records(struct rw_tls_direction *direction, const char *at, size_t bytes)
{
    while (bytes) {
        if (direction->skip) {
            size_t take = direction->skip < bytes ? direction->skip : bytes;
            direction->skip -= (uint32_t)take;
            at += take;
            bytes -= take;
            continue;
        }
        direction->header[direction->header_bytes++] = (unsigned char)*at++;
        bytes--;
        if (direction->header_bytes < HEADER_BYTES)
            continue;
        direction->header_bytes = 0;
        direction->skip = (uint32_t)direction->header[3] << 8 | direction->header[4];
        direction->sequence += direction->header[0] == TYPE_DATA;
    }
}

static bool between_records(const struct rw_tls_direction *direction)
{
    return direction->skip == 0 && direction->header_bytes == 0;
}

/* ---- Keys ---- */

static bool set_key(const struct rw_tls_records *records, struct rw_tls_direction *direction,
                    int encrypt)
{
    unsigned char key[EVP_MAX_KEY_LENGTH];
    size_t key_bytes = (size_t)EVP_CIPHER_get_key_length(records->cipher);
    bool good = rw_tls_expand_label(direction->secret_bytes, direction->secret, prefix,
                                    RW_LITERAL("key"), no_data, key, key_bytes) &&
                rw_tls_expand_label(direction->secret_bytes, direction->secret, prefix,
                                    RW_LITERAL("iv"), no_data, direction->iv, NONCE_BYTES) &&
                EVP_CipherInit_ex2(direction->cipher, records->cipher, key, NULL, encrypt, NULL);
    OPENSSL_cleanse(key, sizeof(key));
    return good;
}

/* RFC 8446 section 7.2. */
static bool next_key(const struct rw_tls_records *records, struct rw_tls_direction *direction,
                     int encrypt)
{
    unsigned char next[sizeof(direction->secret)];
    size_t bytes = direction->secret_bytes;
    if (!rw_tls_expand_label(bytes, direction->secret, prefix, RW_LITERAL("traffic upd"), no_data,
                             next, bytes))
        return false;
    memcpy(direction->secret, next, bytes);
    OPENSSL_cleanse(next, sizeof(next));
    direction->sequence = 0;
    return set_key(records, direction, encrypt);
}

static bool start_record(struct rw_tls_direction *direction, const unsigned char *header)
{
    unsigned char nonce[NONCE_BYTES];
    int done;
    memcpy(nonce, direction->iv, NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[NONCE_BYTES - 1 - i] ^= (unsigned char)(direction->sequence >> (8 * i));
    direction->sequence++;
    return EVP_CipherInit_ex2(direction->cipher, NULL, NULL, nonce, -1, NULL) == 1 &&
           EVP_CipherUpdate(direction->cipher, NULL, &done, header, HEADER_BYTES) == 1;
}

/* ---- Taking over ---- */

/* By the number that TLS gives it; NULL: not one of TLS 1.3. */
static const EVP_CIPHER *cipher_by_number(unsigned number)
{
    switch (number) {
    case 0x1301:
        return ciphers[0];
    case 0x1302:
        return ciphers[1];
    case 0x1303:
        return ciphers[2];
    default:
        return NULL;
    }
}

static unsigned cipher_number(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    return cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0;
}

/* What rw_tls_info and rw_tls_peer will want to know. */
static bool keep_info(struct rw_tls *tls)
{
    struct rw_tls_records *records = tls->records;
    struct rw_tls_info info;
    rw_tls_info_of_ssl(tls->ssl, &info);
    size_t bytes = info.alpn.len + info.sni.len;
    if (bytes) {
        records->text = rw_alloc(bytes);
        if (!records->text)
            return false;
        if (info.alpn.len)
            memcpy(records->text, info.alpn.at, info.alpn.len);
        if (info.sni.len)
            memcpy(records->text + info.alpn.len, info.sni.at, info.sni.len);
    }
    records->alpn_bytes = (uint16_t)info.alpn.len;
    records->sni_bytes = (uint16_t)info.sni.len;
    records->cipher_name = info.cipher;
    records->resumed = info.resumed;
    records->peer_verified = info.peer_verified;
    X509_free(records->peer); /* of an attempt before this one */
    records->peer = SSL_get1_peer_certificate(tls->ssl);
    return true;
}

bool rw_tls_can_take_over(const struct rw_tls *tls)
{
    const struct rw_tls_records *records = tls->records;
    const SSL_SESSION *session = SSL_get0_session(tls->ssl);
    return rw_tls_has_secrets(tls) && !(tls->flags & RW_TLS_KEYS_MOVED) &&
           between_records(&records->receive) && between_records(&records->send) &&
           !SSL_has_pending(tls->ssl) && !SSL_in_init(tls->ssl) &&
           SSL_get_shutdown(tls->ssl) == 0 && cipher_by_number(cipher_number(tls->ssl)) &&
           session &&
           SSL_SESSION_get_max_fragment_length(session) == TLSEXT_max_fragment_length_DISABLED;
}

bool rw_tls_records_begin(struct rw_tls_records *records, unsigned cipher)
{
    records->cipher = cipher_by_number(cipher);
    records->receive.cipher = EVP_CIPHER_CTX_new();
    records->send.cipher = EVP_CIPHER_CTX_new();
    if (records->cipher && records->receive.cipher && records->send.cipher &&
        set_key(records, &records->receive, 0) && set_key(records, &records->send, 1))
        return true;
    EVP_CIPHER_CTX_free(records->receive.cipher);
    EVP_CIPHER_CTX_free(records->send.cipher);
    records->receive.cipher = records->send.cipher = NULL;
    return false;
}

void rw_tls_take_over(struct rw_tls *tls)
{
    if (!tls->records->text && !keep_info(tls))
        return;
    if (!rw_tls_records_begin(tls->records, cipher_number(tls->ssl)))
        return;
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    tls->ssl = NULL;
}

void rw_tls_records_free(struct rw_tls_records *records)
{
    if (!records)
        return;
    EVP_CIPHER_CTX_free(records->receive.cipher);
    EVP_CIPHER_CTX_free(records->send.cipher);
    X509_free(records->peer);
    rw_free(records->text);
    OPENSSL_cleanse(records, sizeof(*records));
    rw_free(records);
}

/* ---- Sending ---- */

/* One record, from as many parts as it takes. */
static bool seal(struct rw_tls *tls, int type, const struct iovec *parts, size_t bytes)
{
    struct rw_tls_direction *direction = &tls->records->send;
    size_t body = bytes + 1 + TAG_BYTES;
    struct rw_buf *buf = rw_tls_out(tls, HEADER_BYTES + body);
    if (!buf)
        return false;
    unsigned char *to = (unsigned char *)buf->data + buf->end, inner = (unsigned char)type;
    const unsigned char header[HEADER_BYTES] = {TYPE_DATA, 3, 3, (unsigned char)(body >> 8),
                                                (unsigned char)body};
    int done;
    memcpy(to, header, HEADER_BYTES);
    bool good = start_record(direction, header);
    to += HEADER_BYTES;
    for (; good && bytes; parts++) {
        size_t take = parts->iov_len < bytes ? parts->iov_len : bytes;
        good = EVP_CipherUpdate(direction->cipher, to, &done, parts->iov_base, (int)take) == 1;
        to += take;
        bytes -= take;
    }
    good = good && EVP_CipherUpdate(direction->cipher, to, &done, &inner, 1) == 1 &&
           EVP_CipherFinal_ex(direction->cipher, to + 1, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(direction->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, to + 1) == 1;
    if (good)
        buf->end += (uint32_t)(HEADER_BYTES + body);
    return good;
}

static bool seal_bytes(struct rw_tls *tls, int type, const void *from, size_t bytes)
{
    struct iovec part = {(void *)(uintptr_t)from, bytes};
    return seal(tls, type, &part, bytes);
}

static bool update_own_key(struct rw_tls *tls)
{
    static const unsigned char key_update[] = {MESSAGE_KEY_UPDATE, 0, 0, 1, 0};
    tls->records->update_due = false;
    return seal_bytes(tls, TYPE_HANDSHAKE, key_update, sizeof(key_update)) &&
           next_key(tls->records, &tls->records->send, 1);
}

bool rw_tls_seal_data(struct rw_tls *tls, struct rw_parts *rest)
{
    size_t room = RW_BUF_LARGE_BYTES - sizeof(struct rw_parts);
    const size_t overhead = HEADER_BYTES + 1 + TAG_BYTES;
    struct rw_tls_records *records = tls->records;
    if ((records->update_due || records->send.sequence >= rw_tls_records_max) &&
        !update_own_key(tls))
        return false;
    while (rest->count && room > overhead + 1) {
        size_t bytes = rw_parts_bytes(rest->parts, rest->count);
        bytes = bytes < TEXT_BYTES_MAX ? bytes : TEXT_BYTES_MAX;
        bytes = bytes < room - overhead ? bytes : room - overhead;
        if (!seal(tls, TYPE_DATA, rest->parts, bytes))
            return false;
        rw_tls_skip_parts(rest, bytes);
        room -= bytes + overhead;
    }
    return true;
}

void rw_tls_seal_close(struct rw_tls *tls)
{
    static const unsigned char alert[] = {1, ALERT_CLOSE_NOTIFY};
    (void)seal_bytes(tls, TYPE_ALERT, alert, sizeof(alert));
}

/* ---- Receiving ---- */

static enum rw_tls_outcome broken(struct rw_tls *tls, unsigned char alert, const char *reason)
{
    const unsigned char bytes[] = {2, alert};
    tls->reason = reason;
    if (!(tls->flags & RW_TLS_NOTIFIED)) /* close_notify is the last that we say */
        (void)seal_bytes(tls, TYPE_ALERT, bytes, sizeof(bytes));
    return RW_TLS_BROKEN;
}

/* For what a peer could send forever without ever saying anything. */
static enum rw_tls_outcome count_trivial(struct rw_tls *tls, const char *reason)
{
    if (++tls->records->trivial > TRIVIAL_MAX)
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, reason);
    return RW_TLS_FULL;
}

static size_t in_bytes(const struct rw_tls *tls, size_t enough)
{
    size_t total = 0;
    for (const struct rw_buf *buf = tls->in; buf && total < enough; buf = buf->next)
        total += buf->end - buf->start;
    return total;
}

static void in_copy(const struct rw_tls *tls, size_t skip, unsigned char *to, size_t bytes)
{
    for (const struct rw_buf *buf = tls->in; bytes; buf = buf->next) {
        size_t len = buf->end - buf->start;
        if (skip >= len) {
            skip -= len;
            continue;
        }
        size_t take = len - skip < bytes ? len - skip : bytes;
        memcpy(to, buf->data + buf->start + skip, take);
        to += take;
        bytes -= take;
        skip = 0;
    }
}

static void in_skip(struct rw_tls *tls, size_t bytes)
{
    while (bytes) {
        struct rw_buf *buf = tls->in;
        size_t take = buf->end - buf->start < bytes ? buf->end - buf->start : bytes;
        buf->start += (uint32_t)take;
        bytes -= take;
        if (buf->start == buf->end) {
            tls->in = buf->next;
            buf->next = NULL;
            rw_buf_drop(buf);
        }
    }
}

/* Decrypts `bytes` of the record's body; where it goes on is remembered by the cipher. */
static bool decrypt(struct rw_tls *tls, size_t skip, unsigned char *to, size_t bytes)
{
    int done;
    for (const struct rw_buf *buf = tls->in; bytes; buf = buf->next) {
        size_t len = buf->end - buf->start;
        if (skip >= len) {
            skip -= len;
            continue;
        }
        size_t take = len - skip < bytes ? len - skip : bytes;
        if (EVP_CipherUpdate(tls->records->receive.cipher, to, &done,
                             (const unsigned char *)buf->data + buf->start + skip, (int)take) != 1)
            return false;
        to += take;
        bytes -= take;
        skip = 0;
    }
    return true;
}

/* Decrypts the record at the front of `in`: text and padding to `to`, the last byte, which is the
 * type when there is no padding, to `last`. */
static bool open_record(struct rw_tls *tls, const unsigned char *header, size_t body,
                        unsigned char *to, unsigned char *last)
{
    struct rw_tls_direction *direction = &tls->records->receive;
    unsigned char tag[TAG_BYTES], none[TAG_BYTES];
    size_t inner = body - TAG_BYTES;
    int done;
    in_copy(tls, HEADER_BYTES + inner, tag, TAG_BYTES);
    return start_record(direction, header) &&
           EVP_CIPHER_CTX_ctrl(direction->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
           decrypt(tls, HEADER_BYTES, to, inner - 1) &&
           decrypt(tls, HEADER_BYTES + inner - 1, last, 1) &&
           EVP_CipherFinal_ex(direction->cipher, none, &done) == 1;
}

static enum rw_tls_outcome take_alert(struct rw_tls *tls, const unsigned char *text, size_t bytes)
{
    if (bytes == 0)
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, "empty alert");
    if (bytes != 2)
        return broken(tls, ALERT_DECODE_ERROR, "malformed alert");
    if (text[1] == ALERT_CLOSE_NOTIFY)
        return RW_TLS_ENDED;
    if (text[1] == ALERT_USER_CANCELED)
        return count_trivial(tls, "too many warnings");
    tls->reason = SSL_alert_desc_string_long(text[1]);
    return RW_TLS_BROKEN;
}

/* A KeyUpdate is the only message left. It may come in fragments, but its end is the end of a
 * record (RFC 8446 section 5.1), since the next record has the next key. */
static enum rw_tls_outcome take_handshake(struct rw_tls *tls, const unsigned char *text,
                                          size_t bytes)
{
    struct rw_tls_records *records = tls->records;
    unsigned char *message = records->message;
    if (bytes == 0 || bytes > sizeof(records->message) - records->message_bytes)
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, "unexpected message");
    memcpy(message + records->message_bytes, text, bytes);
    records->message_bytes += (uint8_t)bytes;
    if (message[0] != MESSAGE_KEY_UPDATE)
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, "unexpected message");
    if (records->message_bytes < sizeof(records->message))
        return RW_TLS_FULL;
    records->message_bytes = 0;
    if (memcmp(message + 1, "\0\0\1", 3) != 0)
        return broken(tls, ALERT_DECODE_ERROR, "malformed KeyUpdate");
    if (message[4] > 1)
        return broken(tls, ALERT_ILLEGAL_PARAMETER, "malformed KeyUpdate");
    if (!next_key(records, &records->receive, 0))
        return broken(tls, ALERT_INTERNAL_ERROR, "no next key");
    records->update_due |= message[4] == 1;
    return count_trivial(tls, "too many key updates");
}

static enum rw_tls_outcome take_data(struct rw_tls *tls, struct rw_buf *buf, size_t bytes)
{
    if (tls->records->message_bytes)
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, "data within a message");
    if (bytes == 0)
        return count_trivial(tls, "too many empty records");
    buf->end += (uint32_t)bytes;
    tls->records->trivial = 0;
    return RW_TLS_FULL;
}

/* What a record's text means: FULL stands for "go on". */
static enum rw_tls_outcome take_text(struct rw_tls *tls, struct rw_buf *buf, size_t bytes,
                                     unsigned char type)
{
    const unsigned char *text = (const unsigned char *)buf->data + buf->end;
    while (type == 0 && bytes)
        type = text[--bytes];
    switch (type) {
    case TYPE_DATA:
        return take_data(tls, buf, bytes);
    case TYPE_ALERT:
        return take_alert(tls, text, bytes);
    case TYPE_HANDSHAKE:
        return take_handshake(tls, text, bytes);
    default:
        return broken(tls, ALERT_UNEXPECTED_MESSAGE, "unexpected record");
    }
}

enum rw_tls_outcome rw_tls_open_data(struct rw_tls *tls, struct rw_buf *buf)
{
    for (;;) {
        unsigned char header[HEADER_BYTES], last;
        size_t have = in_bytes(tls, HEADER_BYTES + BODY_BYTES_MAX);
        if (have < HEADER_BYTES)
            return RW_TLS_DRY;
        in_copy(tls, 0, header, HEADER_BYTES);
        size_t body = (size_t)header[3] << 8 | header[4];
        if (header[0] != TYPE_DATA)
            return broken(tls, ALERT_UNEXPECTED_MESSAGE, "unexpected record");
        if (body > BODY_BYTES_MAX)
            return broken(tls, ALERT_RECORD_OVERFLOW, "record too long");
        if (body < TAG_BYTES + 1)
            return broken(tls, ALERT_BAD_RECORD_MAC, "record too short");
        if (have < HEADER_BYTES + body)
            return RW_TLS_DRY;
        size_t text = body - TAG_BYTES - 1;
        if (text > TEXT_BYTES_MAX)
            return broken(tls, ALERT_RECORD_OVERFLOW, "record too long");
        if (text > rw_buf_space(buf))
            return RW_TLS_FULL;
        if (!open_record(tls, header, body, (unsigned char *)buf->data + buf->end, &last))
            return broken(tls, ALERT_BAD_RECORD_MAC, "bad record mac");
        in_skip(tls, HEADER_BYTES + body);
        enum rw_tls_outcome outcome = take_text(tls, buf, text, last);
        if (outcome != RW_TLS_FULL)
            return outcome;
    }
}

/* Bytes that complete no record yet go into the room behind those before them: else a peer who
 * sends one at a time would hold a buffer for each. */
bool rw_tls_gather(struct rw_tls *tls, struct rw_buf *buf)
{
    struct rw_buf *last = tls->in_last;
    size_t bytes = buf->end - buf->start;
    if (last->references > 1 || rw_buf_space(last) < bytes)
        return false;
    memcpy(last->data + last->end, buf->data + buf->start, bytes);
    last->end += (uint32_t)bytes;
    rw_buf_drop(buf);
    return true;
}
