/* A gateway without a network, for tests of origins and policies: a configuration as text, a worker
 * with its loop, and a front that hands over requests and keeps the answers.
 *
 *   rw_fixture_open(&fixture, rw_origin_kinds, rw_policy_kinds, yaml);
 *   rw_fixture_ask(&fixture, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL);
 *   ... fixture.status, rw_fixture_field(&fixture, "Location"), fixture.body ...
 *   rw_fixture_close(&fixture);
 *
 * The kinds are arguments, so that a test of a lower layer need not link the higher ones. */
#ifndef RW_TESTS_SUPPORT_EXCHANGE_FIXTURE_H
#define RW_TESTS_SUPPORT_EXCHANGE_FIXTURE_H

#include "base/text.h"
#include "gate/cluster/cluster.h"
#include "gate/snapshot.h"
#include "gate/worker.h"

struct rw_fixture {
    struct rw_metrics *metrics;
    struct rw_meters *meters;
    struct rw_worker worker;
    struct rw_clusters *clusters;
    struct rw_snapshot *snapshot; /* NULL: the configuration has mistakes */
    struct rw_text mistakes;      /* as `ringway check` prints them */

    /* How the front behaves from the next request on. */
    bool hold;          /* HOLD after every piece, and the resume comes from the loop */
    const char *client; /* IP address of the connection; NULL: 192.0.2.7; "": a Unix socket */
    bool https;         /* as if the connection had TLS */
    unsigned listener;  /* which one the request comes in at */
    unsigned cut_after; /* cuts the exchange after so many pieces; 0: never */
    size_t body_piece; /* the request body comes in pieces of so many bytes; 0: all with the head */
    void (*after_first_piece)(void); /* called when the first piece of the answer is held */
    uint64_t fail_after; /* n: the n-th allocation while the exchange runs fails; 0: none */

    /* What came of the last request. */
    struct rw_exchange *x; /* while it is under way */
    bool finished, aborted, ended;
    bool held;
    bool request_held;           /* it takes no more of the request's body just now */
    struct rw_span request_rest; /* of that, what it has not been given */
    unsigned status;
    unsigned pieces;
    uint64_t length;     /* of a body that has one; UINT64_MAX: none was told */
    struct rw_text head; /* "Name: value\n" */
    struct rw_text body;
    struct rw_text request_head; /* of the request as the origin saw it */
    char target[512], host[256]; /* upstream_target, upstream_host at the end */
    char reason[64];
};

/* Asserts that what is not the configuration's fault works. */
void rw_fixture_open(struct rw_fixture *fixture, const struct rw_conf_variant_kind *const *origins,
                     const struct rw_conf_variant_kind *const *policies, const char *yaml);
void rw_fixture_close(struct rw_fixture *fixture);
/* Opens and closes it with a configuration that is wrong, which a mistake says in these words. */
void rw_fixture_expect_mistake(struct rw_fixture *fixture,
                               const struct rw_conf_variant_kind *const *origins,
                               const struct rw_conf_variant_kind *const *policies, const char *yaml,
                               const char *told);

/* One request, to its end. `head` with its empty line; `body` NULL: none. */
void rw_fixture_ask(struct rw_fixture *fixture, const char *head, const char *body);
/* The same for "GET target" at host a.test. */
void rw_fixture_get(struct rw_fixture *fixture, const char *target);

/* The value of a field of the answer; "" when it is not there; "a, b" for several. Valid until the
 * next call. */
const char *rw_fixture_field(const struct rw_fixture *fixture, const char *name);
/* The same for the request as the origin saw it. */
const char *rw_fixture_request_field(const struct rw_fixture *fixture, const char *name);
/* The body as text, "" when empty. */
const char *rw_fixture_body(const struct rw_fixture *fixture);

#endif
