/* What policies that ask who somebody is have in common: who has to have credentials, and what
 * becomes of a request whose credentials are missing or wrong.
 *
 * The answer is 401 with the same text whatever was wrong, so that it helps nobody to guess; what
 * it was is in the metrics. Requests without valid credentials are counted for each address, and
 * from a number of them in a minute on the answer is 429: whoever has credentials that are known to
 * be valid is not concerned, from whatever address. Worker threads, but for compile and check. */
#ifndef RW_POLICY_IDENTITY_CHALLENGE_H
#define RW_POLICY_IDENTITY_CHALLENGE_H

#include "gate/exchange/policy.h"
#include "gate/limit/meter.h"
#include "watch/metrics.h"

enum rw_challenge_required { RW_REQUIRED_ALWAYS, RW_REQUIRED_UNLESS_KNOWN, RW_REQUIRED_NEVER };

extern const char *const rw_challenge_required_names[];

struct rw_challenge_config {
    int required; /* enum rw_challenge_required */
    struct rw_span realm;
    uint32_t failures_max;
};

/* Rows of the table of a policy whose record has one of these as `member`. */
#define RW_CHALLENGE_FIELDS(owner, member)                                                         \
    {                                                                                              \
        .name = "required",                                                                        \
        .type = RW_CONF_ENUM,                                                                      \
        .offset = offsetof(struct owner, member.required),                                         \
        .names = rw_challenge_required_names,                                                      \
        .fallback = "always",                                                                      \
        .doc = "Who has to have credentials: everybody (`always`), whom no policy before has "     \
               "identified (`unless_known`), or nobody (`never`). Credentials that are there and " \
               "wrong are refused all the same.",                                                  \
    },                                                                                             \
        {                                                                                          \
            .name = "realm",                                                                       \
            .type = RW_CONF_TEXT,                                                                  \
            .offset = offsetof(struct owner, member.realm),                                        \
            .fallback = "ringway",                                                                 \
            .min = 1,                                                                              \
            .max = 128,                                                                            \
            .doc = "What WWW-Authenticate says the credentials are for.",                          \
        },                                                                                         \
    {                                                                                              \
        .name = "failures_max", .type = RW_CONF_UINT,                                              \
        .offset = offsetof(struct owner, member.failures_max), .fallback = "120", .min = 0,        \
        .max = 1000000,                                                                            \
        .doc = "So many requests without valid credentials in a minute from one address (IPv6: "   \
               "from one /64) are answered with 401, the others with 429. 0: no limit.",           \
    }

struct rw_challenge {
    const struct rw_challenge_config *config;
    struct rw_meters *meters; /* NULL: nothing is counted */
    struct rw_meter_rate rate;
    uint64_t hash_key[2];
    struct rw_span missing, wrong; /* values of WWW-Authenticate */
};

/* For the policy's check of its record. */
void rw_challenge_check(const struct rw_challenge_config *config, struct rw_conf_report *report);

/* `scheme`: of RFC 9110 section 11.1; `error`: what is added for credentials that are wrong, or "".
 */
RW_MUST_CHECK enum rw_err rw_challenge_compile(struct rw_compile *compile,
                                               const struct rw_challenge_config *config,
                                               const char *scheme, const char *error,
                                               struct rw_challenge *challenge);

/* There are no credentials: NEXT if there need not be. `counter` counts a refusal. */
enum rw_verdict rw_challenge_missing(const struct rw_challenge *challenge, struct rw_exchange *x,
                                     enum rw_counter counter);
/* Has the address of the client sent so many already that the next would get 429? For whoever would
 * have much to do to find out whether credentials are right. */
bool rw_challenge_blocked(const struct rw_challenge *challenge, const struct rw_exchange *x);
enum rw_verdict rw_challenge_wrong(const struct rw_challenge *challenge, struct rw_exchange *x,
                                   enum rw_counter counter);

#endif
