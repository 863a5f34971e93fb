/* Where a policy that asks who somebody is finds the answer: a field, a parameter of the query or a
 * cookie. What is there several times with several values is nobody's; what has been looked at is
 * taken out of the request, so that origins and their logs never have it. Worker threads. */
#ifndef RW_POLICY_IDENTITY_CREDENTIAL_H
#define RW_POLICY_IDENTITY_CREDENTIAL_H

#include "gate/exchange/policy.h"

enum rw_credential_kind { RW_CREDENTIAL_HEADER, RW_CREDENTIAL_QUERY, RW_CREDENTIAL_COOKIE };

struct rw_credential {
    enum rw_credential_kind kind;
    struct rw_span name;
};

enum rw_credential_found { RW_CREDENTIAL_NONE, RW_CREDENTIAL_ONE, RW_CREDENTIAL_SEVERAL };

/* The value, decoded; in the request or in the exchange's arena. Without memory for decoding it
 * stays encoded, and so is nobody's. */
enum rw_credential_found rw_credential_find(const struct rw_credential *credential,
                                            struct rw_exchange *x, struct rw_span *value);

/* From what goes upstream, and from what later policies see. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_credential_remove(const struct rw_credential *credential,
                                               struct rw_exchange *x);

/* "header X-Api-Key" */
void rw_credential_explain(const struct rw_credential *credential, struct rw_text *text);

/* For a check of the configuration: may the credential stand in a field of this name? */
void rw_credential_check_header(const struct rw_span *name, struct rw_conf_report *report);

#endif
