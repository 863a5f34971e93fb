/* What is wrong with a peer's certificate, in words that say what to do about it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "io/tls_internal.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>

enum { ARENA_BYTES = 4096, NAMES_TOLD_MAX = 8, COMPLAINT_BYTES_MAX = 480 };

/* A peer's text goes into logs as it is. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((uint8_t)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void tell_time(struct rw_text *text, const char *what, int64_t seconds)
{
    char when[32] = "";
    rw_clock_format_rfc3339(when, seconds > 0 ? (uint64_t)seconds * RW_NS_PER_S : 0);
    rw_text_addf(text, "the certificate %s %.19sZ", what, when);
}

static void tell_names(struct rw_text *text, const struct rw_tls_peer *peer)
{
    rw_text_adds(text, "the certificate is for ");
    if (peer->san_count == 0)
        rw_text_adds(text, "no name");
    for (size_t i = 0; i < peer->san_count && i < NAMES_TOLD_MAX; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(peer->sans[i]));
    if (peer->san_count > NAMES_TOLD_MAX)
        rw_text_addf(text, " and %zu more", peer->san_count - NAMES_TOLD_MAX);
    rw_text_addf(text, ", wanted is %s", rw_tls_current->name ? rw_tls_current->name : "no name");
}

/* Empty: OpenSSL's own words say it all. */
static void tell(struct rw_text *text, const struct rw_tls_peer *peer, int error, int depth)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        tell_time(text, "expired at", peer->not_after);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        tell_time(text, "is not valid before", peer->not_before);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        tell_names(text, peer);
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        rw_text_addf(text, "its issuer is not known here: %.*s", RW_SPAN_ARGS(peer->issuer));
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        rw_text_addf(text, "it is signed by itself, and not known here: %.*s",
                     RW_SPAN_ARGS(peer->subject));
        return;
    default:
        return;
    }
    if (depth > 0)
        rw_text_addf(text, " (of the authority %.*s)", RW_SPAN_ARGS(peer->subject));
}

/* Only here is the certificate at hand: OpenSSL does not keep one that it refuses. */
int rw_tls_on_verify(int good, X509_STORE_CTX *context)
{
    char first[ARENA_BYTES];
    struct rw_arena arena;
    struct rw_tls_peer peer;
    struct rw_text text = {0};
    X509 *cert = X509_STORE_CTX_get_current_cert(context);
    struct rw_tls *tls = rw_tls_current;
    if (good || !cert || !tls || tls->complaint)
        return good;
    rw_arena_init(&arena, first, sizeof(first), ARENA_BYTES, 16 * ARENA_BYTES);
    if (rw_tls_describe(cert, &arena, &peer) == RW_OK)
        tell(&text, &peer, X509_STORE_CTX_get_error(context),
             X509_STORE_CTX_get_error_depth(context));
    if (text.len && !text.err)
        tls->complaint =
            rw_strdup(text.at, text.len < COMPLAINT_BYTES_MAX ? text.len : COMPLAINT_BYTES_MAX);
    if (tls->complaint)
        make_printable(tls->complaint);
    rw_text_free(&text);
    rw_arena_free(&arena);
    return good;
}
