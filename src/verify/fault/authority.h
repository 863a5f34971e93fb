/* An authority that issues certificates with a flaw, for faults of an upstream's certificate.
 *
 * verify makes one, has the gateway trust it beside the CA that it trusts anyway (one file with
 * both certificates, `tls.ca` of the upstream), and issues what a relay then shows in the server's
 * place. So the flaw is all that is wrong with it: not the issuer, not the chain. Its key is made
 * for the run and never leaves the process. Any thread, one at a time.
 */
#ifndef RW_VERIFY_FAULT_AUTHORITY_H
#define RW_VERIFY_FAULT_AUTHORITY_H

#include "base/text.h"

struct rw_authority;

enum rw_certificate_flaw {
    RW_CERTIFICATE_SOUND,
    RW_CERTIFICATE_EXPIRED,   /* a day ago */
    RW_CERTIFICATE_WRONG_NAME /* for "wrong-name.invalid" */
};

/* RW_ENOMEM; RW_ETLS: what OpenSSL refused. */
RW_MUST_CHECK enum rw_err rw_authority_create(struct rw_authority **authority);
void rw_authority_destroy(struct rw_authority *authority); /* NULL is fine */

/* Its own certificate, PEM, added to the text: what is to be trusted. */
RW_MUST_CHECK enum rw_err rw_authority_certificate(const struct rw_authority *authority,
                                                   struct rw_text *pem);

/* A certificate for a host name or IP address, or several with commas between, and its key, PEM,
 * added to the texts, which may be one. RW_EINVAL: a name cannot stand in one. */
RW_MUST_CHECK enum rw_err rw_authority_issue(const struct rw_authority *authority,
                                             struct rw_span names, enum rw_certificate_flaw flaw,
                                             struct rw_text *certificate, struct rw_text *key);

#endif
