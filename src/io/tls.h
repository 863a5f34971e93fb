/* TLS 1.2 and 1.3 for streams (OpenSSL).
 *
 * Story: the control thread makes a struct rw_tls_server for each listener from certificate files
 * and one struct rw_tls_client for each upstream, and publishes them with a configuration snapshot.
 * Neither ever changes: a reload makes new ones and drops the old, which live on until the last
 * connection that uses them is closed. A worker thread gives one of them to rw_stream_attach or
 * rw_stream_connect, and from then on the calls and callbacks of the stream carry plain text. When
 * on_open has told that the handshake is through, rw_tls_info says what was negotiated. Session
 * tickets let any thread, process and reload resume what another began, since all use one struct
 * rw_tls_ticket_keys, in shared memory if the caller likes, which the control thread rotates.
 *
 * What a stream tells with TLS:
 *   on_open  RW_OK; RW_EVERIFY: the peer's certificate is missing or not trusted; RW_ETLS: anything
 * else that is TLS's (rw_tls_error_text has OpenSSL's reason); else what the transport met
 * (RW_ECLOSED, RW_ERESET, ...). on_end   RW_OK: the peer said close_notify. RW_ECLOSED: the
 * transport ended without it, so the last message may be cut short (RFC 8446 section 6.1). RW_ETLS:
 * a record was bad. rw_stream_shutdown and rw_stream_close send close_notify, as far as that needs
 * no waiting. Handshakes have no time limit here: the caller sets a timer and closes.
 *
 * A handshake's flight leaves with one send. A TLS 1.3 ticket is made when it is first of use: it
 * travels in front of the first bytes that the server sends, not in a packet of its own. No early
 * data (0-RTT), no renegotiation, no compression.
 */
#ifndef RW_IO_TLS_H
#define RW_IO_TLS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "base/text.h"
#include "io/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Once in a process, before threads start: prepares OpenSSL (also done by the first create; kept
 * apart so that its cost and its memory functions are settled early). */
RW_MUST_CHECK enum rw_err rw_tls_init(void);

enum rw_tls_version { RW_TLS_1_2, RW_TLS_1_3 };

/* ---- Ticket keys (RFC 5077 section 4, RFC 8446 section 4.6.1) ---- */

/* A server's TLS 1.3 connection that lives longer than this is carried on without OpenSSL's
 * connection object: 12 KB less memory while it is idle, and fewer copies. For tests and
 * measurements; set before there are connections. */
enum { RW_TLS_SETTLE_MS = 1000 };
extern uint32_t rw_tls_settle_ms; /* RW_TLS_SETTLE_MS at start */

enum { RW_TLS_TICKET_KEYS = 3, RW_TLS_TICKET_KEY_WORDS = 10 };

/* The current key makes tickets; it and the two before it open them. Plain memory without pointers:
 * put it where everybody who serves the same names can see it (MAP_SHARED | MAP_ANONYMOUS before
 * fork, or a memfd that an upgrade hands on). One writer at a time; any number of readers in any
 * number of threads and processes. */
struct rw_tls_ticket_keys {
    _Atomic uint64_t sequence; /* odd while the writer writes; 0: never initialised */
    _Atomic uint64_t
        words[RW_TLS_TICKET_KEYS][RW_TLS_TICKET_KEY_WORDS]; /* name, AES-256 key, HMAC key */
};

/* `keys` is zeroed memory, or was initialised before (nothing happens then). RW_EIO when there is
 * no randomness. */
RW_MUST_CHECK enum rw_err rw_tls_ticket_keys_init(struct rw_tls_ticket_keys *keys);
/* Makes a new current key and forgets the oldest. Called by the control thread every ticket
 * lifetime / 2. On RW_EIO nothing has changed. */
RW_MUST_CHECK enum rw_err rw_tls_ticket_keys_rotate(struct rw_tls_ticket_keys *keys);

/* ---- Servers ---- */

struct rw_tls_certificate_files {
    struct rw_span cert; /* PEM: leaf first, then intermediates */
    struct rw_span key;  /* PEM, without a pass phrase */
};

enum rw_tls_client_auth { RW_TLS_AUTH_OFF, RW_TLS_AUTH_OPTIONAL, RW_TLS_AUTH_REQUIRED };

enum {
    RW_TLS_CERTIFICATES_MAX = 10000,
    RW_TLS_ALPN_MAX = 8,
    RW_TLS_PEM_BYTES_MAX = 4 * 1024 * 1024
};

/* Read during rw_tls_server_create only. */
struct rw_tls_server_options {
    /* Chosen by SNI: an exact name before "*.domain" (one label); the first one when nothing fits
     * or nothing was asked. Of several for one name, one of each key type (ECDSA, RSA, Ed25519) is
     * used, as the client can; for the same type the first one listed wins. */
    const struct rw_tls_certificate_files *certificates;
    size_t certificate_count;
    /* In order of preference. A client that offers none of these gets no_application_protocol (RFC
     * 7301 section 3.2); one that offers nothing is served. Count 0: ALPN is ignored. */
    const struct rw_span *alpn;
    size_t alpn_count;
    enum rw_tls_version min_version;
    struct rw_span
        ciphers; /* of TLS 1.2, in OpenSSL's words; empty: ECDHE with AES-GCM or ChaCha20 */
    enum rw_tls_client_auth client_auth;
    /* PEM file of CAs, needed unless AUTH_OFF. OPTIONAL: a client may show no certificate, but a
     * wrong one fails. */
    struct rw_span client_ca;
    struct rw_tls_ticket_keys
        *ticket_keys;      /* outlives the server; NULL: no tickets, no resumption */
    uint32_t ticket_s;     /* lifetime of a ticket; 0: 7200; at most 604800 */
    uint32_t ticket_count; /* sent after a full TLS 1.3 handshake, at most 4; 0: 1 */
    /* TLS 1.3 connections stay with libssl for good: more memory, somebody else's code. */
    bool no_takeover;
    /* Expired, not yet valid, or without a name: RW_OK all the same, and the complaint stands in
     * `why` (a start-up that must not fail for one of many certificates). Else it is RW_EINVAL. */
    bool tolerate_dates;
};

struct rw_tls_server;

/* Every mistake is added to `why`, one line each, with the file it is about: unreadable file
 * (RW_EACCES, RW_ENOENT), no certificate or key in it, certificate and key do not match, expired,
 * not yet valid, no subject alternative name, key too weak, bad cipher list (all RW_EINVAL).
 * RW_ENOMEM as ever. The server starts with one reference. */
RW_MUST_CHECK enum rw_err rw_tls_server_create(const struct rw_tls_server_options *options,
                                               struct rw_tls_server **server, struct rw_text *why);
/* Any thread. Each stream holds one itself until it is closed. */
struct rw_tls_server *rw_tls_server_hold(struct rw_tls_server *server);
void rw_tls_server_drop(struct rw_tls_server *server); /* NULL is fine */

/* For metrics and the admin API: how many certificates there are, and when each of them, numbered
 * as in the options, ends (seconds since 1970). */
size_t rw_tls_server_certificates(const struct rw_tls_server *server);
int64_t rw_tls_server_not_after(const struct rw_tls_server *server, size_t certificate);

/* ---- Clients ---- */

struct rw_tls_client_options {
    bool insecure;       /* do not verify the server: for tests and the very careless */
    struct rw_span ca;   /* PEM file; empty: the system's store */
    struct rw_span name; /* SNI and name (or IP address) to verify when rw_connect_options has none;
                            may be empty */
    struct rw_span cert, key; /* both or neither: shown when the server asks */
    const struct rw_span *alpn;
    size_t alpn_count;
    enum rw_tls_version min_version;
    bool no_resumption; /* else the latest ticket for each name is kept and used once */
};

enum { RW_TLS_CLIENT_SESSIONS_MAX = 256 }; /* tickets kept by one client */

struct rw_tls_client;

/* As rw_tls_server_create. A connection that has a name neither here nor in rw_connect_options
 * fails with RW_EVERIFY unless `insecure`. */
RW_MUST_CHECK enum rw_err rw_tls_client_create(const struct rw_tls_client_options *options,
                                               struct rw_tls_client **client, struct rw_text *why);
struct rw_tls_client *rw_tls_client_hold(struct rw_tls_client *client);
void rw_tls_client_drop(struct rw_tls_client *client); /* NULL is fine */
/* Of the certificate that it shows; 0: it has none. */
int64_t rw_tls_client_not_after(const struct rw_tls_client *client);

/* ---- What was negotiated: after on_open(RW_OK), on the stream's thread ---- */

struct rw_tls_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_128_GCM_SHA256" */
    struct rw_span alpn; /* empty: none */
    struct rw_span sni;  /* as sent, lower case not guaranteed; empty: none */
    bool resumed;
    bool peer_verified; /* the peer showed a certificate, and it is trusted */
};

/* False for a plain stream. Cheap; the spans live until the stream is closed. */
bool rw_tls_info(const struct rw_stream *stream, struct rw_tls_info *info);

struct rw_tls_peer {
    struct rw_span subject, issuer; /* RFC 4514 text */
    struct rw_span serial;          /* hexadecimal, upper case */
    struct rw_span fingerprint;     /* SHA-256 of the certificate, hexadecimal, lower case */
    const struct rw_span
        *sans; /* "DNS:a.example", "IP:10.0.0.1", "URI:spiffe://...", "email:a@b.example" */
    size_t san_count;
    int64_t not_before, not_after; /* seconds since 1970 */
};

enum { RW_TLS_SANS_MAX = 256 }; /* of one certificate; the rest is not listed */

/* What the peer's certificate says, computed now, in `arena`. RW_ENOENT: it showed none. */
RW_MUST_CHECK enum rw_err rw_tls_peer(const struct rw_stream *stream, struct rw_arena *arena,
                                      struct rw_tls_peer *peer);

/* Why this stream failed, in OpenSSL's words, and of a certificate what is wrong with it
 * ("certificate verify failed: certificate has expired: the certificate expired at
 * 2026-01-01T00:00:00Z"); "" when TLS has nothing to say. Valid until the next call on this thread.
 */
const char *rw_tls_error_text(const struct rw_stream *stream);

#endif
