/* Private to io/tls*.c: what the parts of the TLS layer share.
 *
 *   tls.c         a stream's connection: hooks, handshake, records in, failures
 *   tls_send.c    and records out, with the end of sending
 *   tls_record.c  record protection without libssl, for connections that live longer
 *   tls_kdf.c     the TLS 1.3 key schedule, and the library context that uses it
 *   tls_bio.c     how OpenSSL reads and writes: straight from and to the loop's buffers
 *   tls_server.c  rw_tls_server: certificates by name, one SSL_CTX for each set of them
 *   tls_client.c  rw_tls_client: trust, names, kept sessions
 *   tls_pem.c     files, certificates and keys, and what may be wrong with them
 *   tls_ticket.c  ticket keys
 *   tls_info.c    what was negotiated, who the peer is, why it failed
 *
 * OpenSSL's callbacks (BIO, SNI, tickets) find the connection by rw_tls_current, set around each
 * call into libssl: cheaper than ex_data, which costs an allocation for each connection.
 */
#ifndef RW_IO_TLS_INTERNAL_H
#define RW_IO_TLS_INTERNAL_H

#include "base/arena.h"
#include "base/map.h"
#include "io/backend.h"
#include "io/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>

/* rw_tls.flags */
enum {
    RW_TLS_OPEN = 1 << 0,          /* the handshake is through */
    RW_TLS_FAILED = 1 << 1,        /* and what failed has been told */
    RW_TLS_WANTED = 1 << 2,        /* the owner receives */
    RW_TLS_LARGE = 1 << 3,         /* into large buffers */
    RW_TLS_RAW_END = 1 << 4,       /* no more bytes will come */
    RW_TLS_END_TOLD = 1 << 5,      /* on_end was called */
    RW_TLS_SENDING = 1 << 6,       /* the owner waits for on_sent */
    RW_TLS_REST = 1 << 7,          /* and part of it is not encrypted yet: rest_of(flight) */
    RW_TLS_SHUTDOWN = 1 << 8,      /* shut down as soon as nothing is in flight */
    RW_TLS_NOTIFIED = 1 << 9,      /* close_notify was given to the transport */
    RW_TLS_TICKET_DUE = 1 << 10,   /* to be made before the first bytes are sent */
    RW_TLS_TICKET_ASKED = 1 << 11, /* the client can resume (RFC 8446 section 4.2.9) */
    RW_TLS_OUT_OF_MEMORY = 1 << 12,
    RW_TLS_CLIENT = 1 << 13,
    RW_TLS_PEER_ENDED = 1 << 15, /* close_notify has come */
    RW_TLS_COUNTED = 1 << 16,    /* records are counted, to know the sequence numbers */
    RW_TLS_KEYS_MOVED = 1 << 17, /* libssl has seen a KeyUpdate */
    RW_TLS_RUNNING = 1 << 14,    /* within a hook that will look for more itself */
};

enum { RW_TLS_OUT_BUFFERS_MAX = 8 };

/* FULL: the buffer is, or there is more to look at. */
enum rw_tls_outcome { RW_TLS_FULL, RW_TLS_DRY, RW_TLS_ENDED, RW_TLS_BROKEN };

struct rw_tls {
    SSL *ssl; /* NULL: taken over by `records` */
    struct rw_tls_records *records;
    struct rw_timer settled; /* the connection has lived long enough to be taken over */
    struct rw_stream *stream;
    struct rw_buf *in, *in_last;   /* records received, not yet read by OpenSSL */
    struct rw_buf *out, *out_last; /* records to send */
    struct rw_buf *flight; /* records that the transport has and will say when they are gone */
    union {
        struct rw_tls_server *server;
        struct rw_tls_client *client;
    } of;
    char *name;      /* the client's: whom it talks to */
    char *complaint; /* what is wrong with the peer's certificate; NULL: see verify_error */
    uint32_t flags;
    uint32_t out_count;
    uint32_t sealed;    /* records that libssl has made with the present key, at least */
    const char *reason; /* of the first failure; static, may be NULL */
    enum rw_err failure;
    int verify_error; /* X509_V_ERR_ */
};

/* The connection whose SSL is being called on this thread. */
extern _Thread_local struct rw_tls *rw_tls_current;

/* ---- tls.c ---- */

/* Before each call into libssl: what other code on this thread left behind would be taken for
 * ours. */
void rw_tls_begin(struct rw_tls *tls);
/* Notes why it failed, and sends the alert that has been made. */
enum rw_err rw_tls_note_failure(struct rw_tls *tls);
/* From the loop: tells the owner, once. */
void rw_tls_tell_end(struct rw_tls *tls, enum rw_err err);
/* libssl makes them with what it does next. */
void rw_tls_ask_for_tickets(struct rw_tls *tls);

/* ---- tls_send.c ---- */

/* For records that nobody waits for, as those of the handshake. False: the connection is broken. */
bool rw_tls_flush_if_free(struct rw_tls *tls);
/* The last record of a connection about to be closed: whatever does not leave at once never does.
 */
void rw_tls_flush_at_once(struct rw_tls *tls);
void rw_tls_skip_parts(struct rw_parts *rest, size_t bytes);

/* ---- tls_bio.c ---- */

/* This thread's BIO, a new reference; NULL when out of memory. */
BIO *rw_tls_bio(void);
/* RW_ENOMEM when OpenSSL gives no method. Called by rw_tls_init. */
RW_MUST_CHECK enum rw_err rw_tls_bio_init(void);
void rw_tls_drop_buffers(struct rw_buf **first);
/* The end of `out`, with room for `bytes` in a row; NULL when memory or the limit is exhausted (and
 * flagged). */
struct rw_buf *rw_tls_out(struct rw_tls *tls, size_t bytes);

/* ---- tls_info.c, tls_verify.c ---- */

/* What rw_tls_peer tells, of this certificate. */
RW_MUST_CHECK enum rw_err rw_tls_describe(X509 *cert, struct rw_arena *arena,
                                          struct rw_tls_peer *peer);
/* OpenSSL's verify callback: notes what is wrong, changes nothing. */
int rw_tls_on_verify(int good, X509_STORE_CTX *context);

/* ---- tls_kdf.c ---- */

/* Where all algorithms of TLS come from. */
extern OSSL_LIB_CTX *rw_tls_library;
RW_MUST_CHECK enum rw_err rw_tls_library_init(void);
/* HKDF-Expand-Label (RFC 8446 section 7.1); `hash_bytes` (32 or 48) names the hash. False when a
 * length is out of range. */
bool rw_tls_expand_label(size_t hash_bytes, const unsigned char *secret, struct rw_span prefix,
                         struct rw_span label, struct rw_span data, unsigned char *to,
                         size_t bytes);

/* ---- tls_record.c ---- */

struct rw_tls_direction {
    EVP_CIPHER_CTX *cipher; /* NULL: libssl still does it */
    uint64_t sequence;
    uint32_t skip; /* bytes left of the record that is being counted */
    uint8_t header_bytes;
    uint8_t secret_bytes; /* 32 or 48, as the hash; 0: not noted */
    unsigned char header[5];
    unsigned char iv[12];
    unsigned char secret[48];
};

struct rw_tls_records {
    struct rw_tls_direction receive, send;
    const EVP_CIPHER *cipher;
    bool update_due; /* the peer asked for a KeyUpdate */
    uint8_t message_bytes;
    unsigned char message[5]; /* a KeyUpdate that comes in fragments */
    bool resumed, peer_verified;
    unsigned trivial; /* messages in a row that carried no data */
    const char *cipher_name;
    X509 *peer;
    char *text; /* ALPN, then SNI */
    uint16_t alpn_bytes, sni_bytes;
};

RW_MUST_CHECK enum rw_err rw_tls_record_init(void);
/* How many records one key protects before the next takes over: AES-GCM can do 2^24.5 (RFC 8446
 * section 5.5). Less in tests, set before there are connections. */
enum { RW_TLS_RECORDS_MAX = 1 << 24 };
extern uint32_t rw_tls_records_max;

/* From the key schedule: notes the traffic secrets. */
void rw_tls_note_secret(struct rw_tls *tls, struct rw_span label, const unsigned char *secret,
                        size_t bytes);
void rw_tls_count_records(struct rw_tls_direction *direction, const char *at, size_t bytes);
/* Whether both have been noted. */
bool rw_tls_has_secrets(const struct rw_tls *tls);
/* Makes the keys of both directions, which have their secrets and sequence numbers, for a cipher by
 * its number in TLS. False: out of memory, and nothing has changed. */
RW_MUST_CHECK bool rw_tls_records_begin(struct rw_tls_records *records, unsigned cipher);
/* Whether libssl stands between two records, with nothing begun. */
bool rw_tls_can_take_over(const struct rw_tls *tls);
/* On failure libssl goes on. */
void rw_tls_take_over(struct rw_tls *tls);
void rw_tls_records_free(struct rw_tls_records *records);
/* Encrypts as much as one large buffer holds into `out`. */
bool rw_tls_seal_data(struct rw_tls *tls, struct rw_parts *rest);
void rw_tls_seal_close(struct rw_tls *tls);
/* Decrypts records of `in` into `buf` until it is full or something else comes. BROKEN: the alert
 * is in `out`. */
enum rw_tls_outcome rw_tls_open_data(struct rw_tls *tls, struct rw_buf *buf);
/* Moves the bytes of `buf` behind those of `in`, and drops it; false: no room there. */
bool rw_tls_gather(struct rw_tls *tls, struct rw_buf *buf);

/* ---- tls_info.c ---- */

void rw_tls_info_of_ssl(SSL *ssl, struct rw_tls_info *info);

/* ---- tls_pem.c ---- */

struct rw_tls_identity {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* may be NULL */
    int64_t not_after;
};

/* Adds one line to `why`: "`file`: what". */
void rw_tls_complain(struct rw_text *why, struct rw_span file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* OpenSSL's reason for its latest error, or `otherwise`; empties its queue. */
const char *rw_tls_reason(const char *otherwise);
RW_MUST_CHECK enum rw_err rw_tls_identity_load(const struct rw_tls_certificate_files *files,
                                               struct rw_tls_identity *identity,
                                               struct rw_text *why);
void rw_tls_identity_free(struct rw_tls_identity *identity);
/* Expired, not yet valid, without names: false, and a line in `why`. */
bool rw_tls_identity_current(const struct rw_tls_identity *identity, struct rw_span file,
                             struct rw_text *why);
/* Since 1970; 0 when malformed. */
int64_t rw_tls_seconds(const ASN1_TIME *when);
/* Adds every certificate of a PEM file to `store`, and its name to `names` (may be NULL). */
RW_MUST_CHECK enum rw_err rw_tls_authorities_load(struct rw_span file, X509_STORE *store,
                                                  STACK_OF(X509_NAME) * names, struct rw_text *why);

/* ---- tls_ticket.c ---- */

/* The type that SSL_CTX_set_tlsext_ticket_key_evp_cb asks for. */
int rw_tls_ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                           EVP_MAC_CTX *mac, int encrypt);
RW_MUST_CHECK enum rw_err rw_tls_ticket_init(void);

/* ---- tls_server.c ---- */

enum { RW_TLS_KEY_TYPES = 3 }; /* ECDSA, RSA, Ed25519 */

/* One SSL_CTX: a set of certificates for the same names. */
struct rw_tls_context {
    struct rw_tls_context *next;
    SSL_CTX *ssl;
    const struct rw_tls_identity *identities[RW_TLS_KEY_TYPES]; /* while the server is made */
};

struct rw_tls_server {
    _Atomic uint32_t references;
    struct rw_arena arena;
    struct rw_map names; /* lower case, "*.domain" for wildcards -> struct rw_tls_context */
    struct rw_tls_context *contexts;
    struct rw_tls_context *usual; /* when no name fits */
    struct rw_tls_ticket_keys *ticket_keys;
    unsigned char *alpn; /* as on the wire */
    unsigned alpn_bytes;
    uint32_t ticket_count;
    bool takeover;
    size_t certificates;
    int64_t *not_after; /* of each of them */
};

/* What both sides' SSL_CTX have in common; NULL when out of memory. */
SSL_CTX *rw_tls_context_new(const SSL_METHOD *method, enum rw_tls_version min_version);
/* The wire form (RFC 7301 section 3.1) in `arena`. RW_EINVAL for an empty or too long name. */
RW_MUST_CHECK enum rw_err rw_tls_alpn_wire(const struct rw_span *alpn, size_t count,
                                           struct rw_arena *arena, unsigned char **wire,
                                           unsigned *bytes);

/* ---- tls_client.c ---- */

struct rw_tls_session {
    char *name; /* NULL: free */
    SSL_SESSION *session;
};

struct rw_tls_client {
    _Atomic uint32_t references;
    struct rw_arena arena;
    SSL_CTX *ssl;
    char *name;        /* may be NULL */
    int64_t not_after; /* 0: no certificate */
    bool insecure, resumption;
    uint64_t seed;
    pthread_mutex_t lock; /* of the sessions */
    struct rw_tls_session
        sessions[RW_TLS_CLIENT_SESSIONS_MAX]; /* by hash of the name; a newcomer displaces */
};

/* Prepares `tls->ssl` for `name`: SNI, verification, session. */
RW_MUST_CHECK enum rw_err rw_tls_client_prepare(struct rw_tls *tls, const char *name);

#endif
