/* A policy: one rule on requests and responses. Each has a folder in policy/ (code, config table,
 * manual text, test) and is a const struct listed in the one ordered array of policy/registry.c.
 *
 * compile runs on the control thread, once per use and snapshot (of a `placeless` policy: once for
 * all uses of the same text). on_request runs at
 * REQUEST_POLICIES in the order listener, route; on_response at RESPONSE_POLICIES in the reverse
 * order, for every response, the gateway's own too. A policy never does I/O and never blocks.
 */
#ifndef RW_GATE_EXCHANGE_POLICY_H
#define RW_GATE_EXCHANGE_POLICY_H

#include "gate/exchange/origin.h"
#include "gate/identity/identity.h"

/* What a policy keeps with an exchange for its on_response: the first member of a struct in the
 * exchange's arena. */
struct rw_policy_note {
    struct rw_policy_note *next;
    const void *instance; /* whose it is */
};

static inline void rw_policy_keep(struct rw_exchange *x, struct rw_policy_note *note,
                                  const void *instance)
{
    *note = (struct rw_policy_note){.next = x->notes, .instance = instance};
    x->notes = note;
}

/* NULL: on_request kept none, or was not asked. */
static inline struct rw_policy_note *rw_policy_kept(const struct rw_exchange *x,
                                                    const void *instance)
{
    struct rw_policy_note *note = x->notes;
    while (note && note->instance != instance)
        note = note->next;
    return note;
}

enum rw_verdict {
    RW_VERDICT_NEXT,  /* go on */
    RW_VERDICT_REPLY, /* x->response is made (rw_exchange_make_reply): answer with it. From
                         on_response: in place of the origin's, which the policy has zeroed before;
                         the origin is canceled and the further policies are not asked */
    RW_VERDICT_FAIL,  /* out of memory or over a cap: answered as such */
    /* From on_request only: */
    RW_VERDICT_WAIT, /* after rw_exchange_wait: it is asked again when the time is over; policies
                        before it are not */
    RW_VERDICT_CUT /* x->reason says why: the client gets no answer, its connection (stream) is cut
                    */
};

struct rw_policy {
    struct rw_conf_variant_kind
        kind; /* key, record, manual text; kind.user points back to this struct */
    /* An instance depends on what is written only, not on the route or listener, and no note is
     * kept under it: one may serve many places. */
    bool placeless;
    enum rw_err (*compile)(struct rw_compile *compile, const void *config, void **instance);
    void (*destroy)(void *instance); /* NULL: nothing */
    /* Once all routes are there: for each one that the policy is asked for, is there something in
     * them that cannot work together? Mistakes go to the report: RW_EINVAL. NULL: there is not. */
    enum rw_err (*check_route)(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report);
    /* Of a policy that finds out who asks: does a request that it lets pass have this part of an
     * identity, as far as it depends on this policy? NULL: it is none. */
    bool (*tells)(const void *instance, enum rw_identity_part part, struct rw_span claim);
    enum rw_verdict (*on_request)(struct rw_exchange *x,
                                  const void *instance); /* NULL: not concerned */
    enum rw_verdict (*on_response)(struct rw_exchange *x,
                                   const void *instance);        /* NULL: not concerned */
    void (*explain)(const void *instance, struct rw_text *text); /* one line */
    /* What it makes of the client of an exchange that is only thought of: request, route, listener,
     * client and arena are there, no worker. Added to that line, with what stands between; what
     * on_request would leave in the exchange is left. NULL: it does not look at the client. */
    void (*explain_client)(struct rw_exchange *x, const void *instance, struct rw_text *text);
};

#endif
