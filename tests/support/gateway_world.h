/* Two whole gateway workers in the simulated network, between scripted clients and scripted
 * origins.
 *
 * A simulation makes a world (rw_test_world_create), fills it with requests and clients, puts a
 * configuration into force, runs it (rw_test_world_run), and ends it (rw_test_world_end), which
 * checks that nothing is left. Each request has a number that is in its path; what both sides send
 * is a function of that number, so each peer checks every byte as it arrives. What must never
 * happen, if it happens, is told once by rw_test_fail; then the world stops.
 *
 * Peers use malloc, not base/alloc.h: only the gateway's memory is made to fail. The connections of
 * peers live as long as the world.
 */
#ifndef RW_TESTS_SUPPORT_GATEWAY_WORLD_H
#define RW_TESTS_SUPPORT_GATEWAY_WORLD_H

#include "gate/release/state.h"
#include "gate/worker.h"
#include "io/address.h"
#include "io/sim.h"
#include "support/peer_message.h"
#include "watch/metrics.h"

enum rw_test_route { RW_TEST_ROUTE_ORIGIN, RW_TEST_ROUTE_FIXED, RW_TEST_ROUTE_NONE };

/* How an origin fails a request; at byte `fault_at` of its answer. */
enum rw_test_fault {
    RW_TEST_FAULT_NONE,
    RW_TEST_FAULT_RESET,
    RW_TEST_FAULT_CLOSE,
    RW_TEST_FAULT_STALL,
    RW_TEST_FAULT_MALFORMED, /* a head that is none */
    RW_TEST_FAULT_OVERSIZE,  /* a head without an end */
    RW_TEST_FAULT_COUNT
};

/* What is wrong with a request. */
enum rw_test_flaw {
    RW_TEST_FLAW_NONE,
    RW_TEST_FLAW_HEAD,
    RW_TEST_FLAW_CHUNK,
    RW_TEST_FLAW_OVERSIZE,
    RW_TEST_FLAW_COUNT
};

enum { RW_TEST_SESSION_BYTES = 40, RW_TEST_TARGET_BYTES = 80, RW_TEST_TOKEN_BYTES = 400 };

struct rw_test_bytes {
    char *at;
    size_t len, room;
};

enum rw_test_result { RW_TEST_OPEN, RW_TEST_COMPLETE, RW_TEST_CUT };

struct rw_test_request {
    /* The client's script. */
    uint32_t id;
    struct rw_test_request
        *page; /* asks for what this one has asked for before; NULL: of its own */
    const char *method;
    enum rw_test_route route;
    enum rw_test_flaw flaw;
    enum rw_test_body framing;
    uint32_t body_bytes; /* of an upgrade: through the tunnel */
    uint8_t minor_version;
    bool expect, close, keep_alive, trailers, upgrade;
    bool socket;        /* an upgrade: to a WebSocket (peer_socket.h); over HTTP/2, too */
    bool hasty;         /* an upgrade: the first bytes go with the head */
    bool origin_ends;   /* an upgrade: the origin closes first */
    bool resets;        /* HTTP/2: the client resets the stream at some time */
    unsigned user;      /* whose it is: X-User */
    unsigned listener;  /* by which it was sent */
    const char *agent;  /* what the client calls itself; NULL: nothing */
    uint8_t accept;     /* gateway_coding.c: what codings it takes */
    uint8_t token, key; /* gateway_token.c: how good its token is, by which key */
    /* The origin's. */
    uint16_t status;
    enum rw_test_body answer;
    uint32_t answer_bytes;
    uint8_t interims;
    bool answer_early, answer_close, answer_trailers;
    bool silent; /* it never answers */
    enum rw_test_fault fault;
    uint32_t fault_at;
    bool fault_once;         /* what fails, does so the first time only */
    bool sours;              /* what is well the first time, fails from then on; */
    enum rw_test_fault sour; /* so, or with a status of 503 */
    unsigned visits;         /* requests whose page it is */
    /* What happened. */
    enum rw_test_result result;
    bool refused;       /* HTTP/2: by REFUSED_STREAM */
    bool stale;         /* it was given what was kept */
    bool answered_well; /* an origin has sent what may be kept */
    bool head_sent, all_sent, arrived_whole, from_origin;
    uint64_t sent_step;            /* when the head was */
    uint64_t sent_ms, answered_ms; /* ... and when that of the answer came; 0: it has not */
    uint32_t late_ms;              /* so much later its origin answers */
    uint64_t sent_generation;      /* of the configuration that was in force then; 0: not surely */
    uint16_t answered_status;
    uint8_t coding;             /* of the answer, from 1; 0: none */
    struct rw_test_bytes coded; /* what has come of it */
    unsigned arrivals;
    char session[RW_TEST_SESSION_BYTES]; /* that it is known by */
    bool has_session;                    /* the client had it already */
    bool session_known;                  /* an origin was told, for sure */
    char identity[64];                   /* that a dressed world's origin was told */
    char target[RW_TEST_TARGET_BYTES];   /* that it had first at an origin; empty: it had none */
    uint8_t version;                     /* of a rollout, from 1; 0: none was asked */
    uint16_t first_status;               /* what the origin said the first time, or would have */
};

struct rw_test_world;
struct rw_test_h2;
struct rw_test_socket;

/* How a peer sends: segments of at most so many bytes, with pauses. */
struct rw_test_pace {
    uint32_t segment_bytes_max, pause_ms_max;
};

enum rw_test_leave {
    RW_TEST_LEAVE_CLOSE, /* once everything is answered */
    RW_TEST_LEAVE_HALF,  /* half-closes after the last request */
    RW_TEST_LEAVE_STAY,  /* waits for the gateway to close */
};

enum rw_test_cut { RW_TEST_CUT_NONE, RW_TEST_CUT_RESET, RW_TEST_CUT_CLOSE, RW_TEST_CUT_HALF };

struct rw_test_client {
    struct rw_test_world *world;
    unsigned first, count; /* requests */
    unsigned depth;        /* how many may be under way at once */
    unsigned listener;
    struct rw_test_pace pace;
    enum rw_test_leave leave;
    enum rw_test_cut cut;
    uint32_t cut_after_bytes;
    uint32_t start_ms, think_ms_max;
    unsigned bytes_per_ms;
    bool speaks_h2;
    char session[RW_TEST_SESSION_BYTES]; /* a cookie; empty: it has none */
    /* Its own. */
    struct rw_sim_socket *socket;
    struct rw_test_h2 *h2;       /* NULL: HTTP/1 */
    struct rw_test_socket *talk; /* NULL: there was no WebSocket */
    struct rw_test_reader reader;
    struct rw_test_bytes out;
    size_t out_at, body_at;
    uint64_t sent_bytes;
    unsigned sending, answered; /* requests begun, and answered, from `first` */
    bool opened, ended, scheduled, waits, said_close, shut, interim, refused;
    bool talked; /* the WebSocket is over */
};

struct rw_test_origin {
    struct rw_test_world *world;
    struct rw_address address;
    struct rw_test_pace pace;
    unsigned idle_close; /* in 10,000 answers: it closes the connection it keeps, a little later */
    unsigned refuse;     /* in 10,000 connects */
    unsigned bytes_per_ms;
    unsigned version;     /* of a release: to which of its upstreams this address belongs */
    uint64_t listed_step; /* in a world that discovers: when it was an endpoint the last time */
    /* In a world that probes: by version, what its probes have come to. */
    bool sick, dead;
    unsigned turns;
    int bad_probes[2];                      /* in a row, as it has answered */
    const struct rw_endpoint *endpoints[2]; /* that it was after the last step */
    bool down[2];
    uint64_t asked_step; /* when it was up, or asked all the same, the last time */
};

/* The request whose path it has, and whose answer. */
static inline struct rw_test_request *rw_test_page(struct rw_test_request *request)
{
    return request->page ? request->page : request;
}

/* What a mirror has to find, if the client's part of it is whole. */
struct rw_test_mirror {
    uint64_t compared_bytes_max; /* of a body */
    uint64_t expected[RW_MIRROR_CELLS];
};

/* Whose requests are. */
enum { RW_TEST_USERS = 3, RW_TEST_VERSIONS = 2 };
#define RW_TEST_USER_FORMAT "user-%u"

/* What has become of a user's requests. */
struct rw_test_user {
    int stays_until; /* percent of the new version: at so many it was not given; -1: never asked */
    int moves_from;  /* ... and at so many it was */
    const struct rw_test_origin *origins[RW_TEST_VERSIONS]; /* that the hash has chosen */
};

/* By the configuration that is in force. */
struct rw_test_sticky {
    bool by_user;                  /* versions are given to users */
    unsigned share;                /* percent that the new version has */
    bool hashed[RW_TEST_VERSIONS]; /* each user has one origin of them */
    struct rw_test_user users[RW_TEST_USERS];
    unsigned listeners_min; /* that there have been: connections of one that was taken away go on by
                               the configuration before */
};

enum { RW_TEST_MIRRORED_MAX = 4 }; /* copies under way in a worker */
enum { RW_TEST_ORIGINS_MAX = 3, RW_TEST_LISTENERS_MAX = 2, RW_TEST_WORKERS = 2 };

/* Of the configuration that is in force; 0: no limit. */
struct rw_test_bodies {
    uint64_t limits[RW_TEST_LISTENERS_MAX];
    uint64_t policies[RW_TEST_LISTENERS_MAX + 1]; /* of the listeners, of the route */
    uint64_t least;                               /* of all there have been */
};

/* How each configuration rewrites what has come by a listener, or what is the route's; 0: it does
 * not. */
enum { RW_TEST_REWRITES_MAX = 8 };
struct rw_test_rewrites {
    uint8_t sets[RW_TEST_REWRITES_MAX][RW_TEST_LISTENERS_MAX + 1];
    unsigned count; /* of configurations */
};

/* Whose keys are believed: a bit for each. */
struct rw_test_tokens {
    uint8_t keys;         /* by the configuration that is in force */
    uint8_t ever, missed; /* by any there has been; not by any */
    bool keep;
    uint64_t refused;
};

/* What an origin was told of who asks. */
struct rw_test_told {
    unsigned subjects, tokens;
    struct rw_span subject;
};

/* What a listener compresses with, in order, and from how many bytes on. */
struct rw_test_offer {
    uint8_t order[3];
    unsigned count, bytes_min;
};

struct rw_test_coding {
    struct rw_test_offer listeners[RW_TEST_LISTENERS_MAX];
    uint64_t answers; /* that were compressed, and whole */
};

enum { RW_TEST_SESSIONS_MAX = 64 };
struct rw_test_session {
    char value[RW_TEST_SESSION_BYTES];
    const struct rw_test_origin *origins[RW_TEST_VERSIONS]; /* where it leads */
};

/* By the configuration that is in force. */
struct rw_test_sessions {
    bool in_force;
    struct rw_test_session seen[RW_TEST_SESSIONS_MAX];
    unsigned count;
    uint64_t stays; /* of the world: times that a session came again, and to the same origin */
};

struct rw_test_connection;    /* at an origin: gateway_origin.c */
struct rw_test_h2_connection; /* gateway_origin_h2.c */
struct rw_test_shadow;        /* gateway_shadow.c */
struct rw_test_directory;     /* gateway_directory.c */

/* Of an upstream in the configuration that is in force; 0: it is not probed. */
struct rw_test_health_settings {
    unsigned unhealthy_after, healthy_after, panic_percent;
};

enum rw_test_health_phase {
    RW_TEST_HEALTH_CHANGES,  /* while there are clients */
    RW_TEST_HEALTH_RECOVERS, /* all origins are well */
    RW_TEST_HEALTH_OVER      /* nobody probes any more */
};

struct rw_test_health {
    struct rw_test_health_settings settings[RW_TEST_VERSIONS];
    enum rw_test_health_phase phase;
    uint64_t due_ms;
    uint64_t bad, downs, panics, returns, drains; /* what there was */
};

/* How an origin answers a probe. */
struct rw_test_probe_answer {
    unsigned status;
    enum rw_test_cut cut;
    bool silent, babble, breaks_off;
};

/* As it is since a step, of a configuration. */
struct rw_test_rollout {
    bool broken;  /* the new version is */
    bool slow;    /* ... or this */
    bool buttons; /* people press some */
    uint64_t since_step, generation;
    enum rw_release_phase phase;
    unsigned counted[RW_TEST_VERSIONS]; /* answers since then */
    uint64_t backs, late_backs, steps;  /* what there was; late_backs: of versions that are slow */
};

/* Who waits for a connection while one is free, and was seen to so often. */
struct rw_test_waiting {
    const struct rw_list *who; /* NULL: nobody */
    uint64_t seen_ms;
    unsigned looks;
    bool looks_soon;
};

/* Where the upstreams' endpoints are found. */
enum rw_test_discovery {
    RW_TEST_CONFIGURED,
    RW_TEST_IN_FILE,
    RW_TEST_IN_ETCD,
    RW_TEST_IN_KUBERNETES
};

struct rw_test_world {
    struct rw_sim *sim;
    struct rw_random random;                   /* of the scripts */
    struct rw_worker workers[RW_TEST_WORKERS]; /* worker i has listener i */
    struct rw_worker *peers[RW_TEST_WORKERS];
    struct rw_metrics *metrics;
    struct rw_clusters *clusters;
    struct rw_known *known;       /* what is learned there */
    struct rw_snapshot *snapshot; /* in force; a reference */
    unsigned snapshots_alive;
    uint64_t generation;
    int fds[RW_TEST_LISTENERS_MAX];
    struct rw_address addresses[RW_TEST_LISTENERS_MAX];
    struct rw_test_request *requests;
    unsigned request_count;
    struct rw_test_client *clients;
    unsigned client_count;
    struct rw_test_origin origins[RW_TEST_ORIGINS_MAX];
    struct rw_test_origin nexts[RW_TEST_ORIGINS_MAX]; /* the same ones, of the new version */
    unsigned origin_count;
    struct rw_test_connection *connections;
    struct rw_test_h2_connection *h2_connections;
    struct rw_test_shadow *shadows;
    struct rw_test_directory *directory; /* NULL: there is none */
    enum rw_test_discovery discovers;    /* set before the world is created */
    bool released;                       /* requests are shared out among versions */
    struct rw_test_waiting waiting;
    struct rw_test_sticky sticky;
    uint64_t stays; /* times that a user had to come where it had come before, and did */
    bool rolls;     /* releases are rollouts: gateway_rollout.c */
    struct rw_test_rollout rollout;
    struct rw_release_states *release_states;
    int release_file;
    struct rw_rollouts *rollouts;
    bool probed; /* origins are: gateway_health.c */
    struct rw_test_health health;
    char *yaml; /* in force */
    struct rw_test_bodies bodies;
    uint64_t too_large; /* bodies that were refused */
    bool has_sessions;
    struct rw_test_sessions sessions;
    bool dressed; /* policies that add to everything: gateway_dressed.c */
    uint64_t dressed_answers;
    bool compresses; /* gateway_coding.c */
    struct rw_test_coding coding;
    bool has_tokens;
    struct rw_test_tokens tokens;
    bool rewrites; /* targets are rewritten: gateway_rewrite.c */
    struct rw_test_rewrites rewriting;
    uint64_t rewritten;
    bool limited; /* requests are counted by quotas: gateway_limits.c */
    struct rw_meters *meters;
    unsigned quota_of_all, quota_of_user;
    uint64_t refusals;   /* by these */
    unsigned copies_max; /* of requests that are mirrored, at once in a worker; 0: none are */
    struct rw_test_mirror mirror;
    bool http2;   /* what the origins speak */
    bool strict;  /* nothing fails: every request must succeed */
    bool harsh;   /* the network and memory fail */
    bool verbose; /* tell what happens */
    bool failed;
    bool draining;
    unsigned drained; /* workers */
    uint64_t drain_due_ms;
    size_t buffer_peak_bytes;
    bool filtered; /* lengths may be lost on the way */
    /* The most that any of the configurations allowed. */
    unsigned tries_max;
    struct rw_retry_budget_settings retries_max;
    bool hedges;     /* reads may be asked of a second origin */
    bool resident;   /* clients are bound to the region of the first origin */
    bool keeps;      /* answers are kept for when the origin fails */
    bool browns_out; /* the route has an answer of its own for when no origin can take a request */
    bool users;      /* requests have X-User */
    bool identifies; /* requests have API keys, and origins are told whose they are */
    uint64_t started_ms;
};

/* What a quota refuses with. */
#define RW_TEST_LIMITED_STATUS 429

/* The answer of a route that browns out. */
#define RW_TEST_LATER_STATUS 200
#define RW_TEST_LATER_TYPE "text/x-later"
#define RW_TEST_LATER_BODY "Later."

/* Whose key a request has; what its origin is told. */
enum { RW_TEST_CONSUMERS = 3 };
#define RW_TEST_KEY_FORMAT "key-of-consumer-%u"
#define RW_TEST_CONSUMER_FORMAT "consumer-%u"

/* gateway_world.c */
void rw_test_world_create(struct rw_test_world *world, uint64_t seed,
                          const struct rw_sim_faults *faults, size_t buffer_bytes_max);
/* Puts a configuration into force; the first one, or a reload. */
void rw_test_world_adopt(struct rw_test_world *world, const char *yaml);
/* Clients connect when the world runs. */
void rw_test_world_start(struct rw_test_world *world);
/* Until nothing happens any more, or for so long. */
void rw_test_world_run(struct rw_test_world *world, uint64_t ms_max);
void rw_test_world_drain(struct rw_test_world *world, uint32_t ms);
/* Everything must have ended by itself (`quiet`), or is cut off now; checks, and frees all. False:
 * something was wrong. */
bool rw_test_world_end(struct rw_test_world *world, bool quiet);

void rw_test_fail(struct rw_test_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rw_test_trace(struct rw_test_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Called by peers at each thing that happens to them. */
void rw_test_check(struct rw_test_world *world);
/* As rw_sim_at and rw_sim_peer_send, but memory does not fail. */
void rw_test_later(struct rw_test_world *world, uint32_t ms, void (*run)(void *user), void *user);
bool rw_test_send(struct rw_sim_socket *socket, struct rw_span bytes);
uint32_t rw_test_below(struct rw_test_world *world, uint32_t bound);
bool rw_test_chance(struct rw_test_world *world, unsigned percent);
uint32_t rw_test_pause(struct rw_test_world *world, const struct rw_test_pace *pace);

void rw_test_bytes_add(struct rw_test_bytes *bytes, const char *at, size_t len);
void rw_test_bytes_format(struct rw_test_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A body framed so, in chunks of odd sizes. */
void rw_test_bytes_body(struct rw_test_world *world, struct rw_test_bytes *bytes,
                        enum rw_test_body framing, uint32_t len, uint32_t id,
                        enum rw_test_side side, bool trailers);

/* gateway_client.c */
void rw_test_client_start(struct rw_test_client *client);
void rw_test_client_cut(struct rw_test_client *client, enum rw_test_cut cut);
void rw_test_client_free(struct rw_test_client *client);
/* The answer has a body that the client sees. */
bool rw_test_answer_has_body(const struct rw_test_request *request);

void rw_test_client_end(struct rw_test_client *client);
/* The final head of an answer, as text: from_origin is set. A piece of its body.
 * All of it. */
void rw_test_check_head(struct rw_test_client *client, const struct rw_test_reader *reader,
                        struct rw_test_request *r);
void rw_test_check_body(struct rw_test_client *client, const struct rw_test_reader *reader,
                        struct rw_test_request *r, struct rw_span bytes);
void rw_test_check_whole(struct rw_test_client *client, const struct rw_test_reader *reader,
                         const struct rw_test_request *r);

/* gateway_client_h2.c: what a client that speaks HTTP/2 has in place of the rest of
 * gateway_client.c. */
struct rw_test_h2 *rw_test_h2_create(struct rw_test_client *client);
void rw_test_h2_begin(struct rw_test_h2 *h2);
void rw_test_h2_receive(struct rw_test_h2 *h2, struct rw_span bytes);
void rw_test_h2_drain(struct rw_test_h2 *h2);
void rw_test_h2_end(struct rw_test_h2 *h2);
void rw_test_h2_free(struct rw_test_h2 *h2);

/* gateway_origin.c */
void rw_test_origin_listen(struct rw_test_origin *origin);
/* Every connection of the origins ends now. */
void rw_test_origins_cut(struct rw_test_world *world, enum rw_test_cut how);
void rw_test_connections_free(struct rw_test_world *world);
/* The same for origins of HTTP/2; gateway_origin_h2.c. */
void rw_test_h2_origin_listen(struct rw_test_origin *origin);
void rw_test_h2_origins_cut(struct rw_test_world *world, enum rw_test_cut how);
void rw_test_h2_connections_free(struct rw_test_world *world);
/* It has arrived once more, here. */
void rw_test_arrive(const struct rw_test_origin *origin, struct rw_test_request *request);
bool rw_test_idempotent(const struct rw_test_request *request);

/* gateway_shadow.c: at 10.1.0.9:9009 */
void rw_test_shadow_listen(struct rw_test_world *world);
void rw_test_shadows_free(struct rw_test_world *world);

/* gateway_limits.c: in a world that is `limited` */
void rw_test_limits_create(struct rw_test_world *world);
/* The policy, of listeners. */
void rw_test_limits_configure(struct rw_test_world *world, struct rw_test_bytes *yaml);
/* A client was told so. */
void rw_test_limits_refused(struct rw_test_world *world, const struct rw_test_request *request);
/* In the end. */
void rw_test_limits_check(struct rw_test_world *world);

/* gateway_sticky.c: who stays. Once; before each configuration that is put into force; when a head
 * was sent; when a request arrives. */
void rw_test_sticky_begin(struct rw_test_world *world);
void rw_test_sticky_reload(struct rw_test_world *world);
void rw_test_sticky_sent(const struct rw_test_client *client, struct rw_test_request *request);
void rw_test_sticky_arrived(struct rw_test_world *world, const struct rw_test_request *request,
                            const struct rw_test_origin *origin);

/* Nothing is repeated, and nobody asked twice: then the first choice is the only one. */
bool rw_test_is_calm(const struct rw_test_world *world);

/* gateway_bodies.c: before each configuration; in it, of a listener, or of the route (-1); when a
 * client is told so; when all of a body has arrived. */
void rw_test_bodies_reload(struct rw_test_world *world);
void rw_test_bodies_limit(struct rw_test_world *world, unsigned listener,
                          struct rw_test_bytes *yaml);
void rw_test_bodies_policy(struct rw_test_world *world, int listener, struct rw_test_bytes *yaml);
void rw_test_bodies_refused(struct rw_test_world *world, const struct rw_test_request *request);
void rw_test_bodies_arrived(struct rw_test_world *world, const struct rw_test_request *request);

/* gateway_dressed.c: of each listener; what an origin was sent; what a client is told. */
#define RW_TEST_PAGE_ORIGIN "https://a.example"
void rw_test_dressed_policies(struct rw_test_bytes *yaml);
void rw_test_dressed_arrived(struct rw_test_world *world, struct rw_test_request *request,
                             struct rw_span id, unsigned count);
void rw_test_dressed_answered(struct rw_test_world *world, const struct rw_test_reader *reader,
                              const struct rw_test_request *request);

/* gateway_rewrite.c: before each configuration; its policy, of a listener, or of the route (-1);
 * whose a target is (NULL: nobody's); a request has come to an origin, or its copy to a shadow. */
void rw_test_rewrite_reload(struct rw_test_world *world);
void rw_test_rewrite_policy(struct rw_test_world *world, int listener, struct rw_test_bytes *yaml);
struct rw_test_request *rw_test_rewrite_find(struct rw_test_world *world, struct rw_span target);
void rw_test_rewrite_arrived(struct rw_test_world *world, struct rw_test_request *request,
                             struct rw_span target, struct rw_span host);

/* gateway_token.c, in a world that has tokens: of a request; of each configuration; of a listener;
 * what a client sends as Authorization (NULL: nothing); a request was let in; it has come to an
 * origin; it was refused. */
void rw_test_token_plan(struct rw_test_world *world, struct rw_test_request *request);
void rw_test_token_reload(struct rw_test_world *world, struct rw_test_bytes *yaml);
void rw_test_token_policy(struct rw_test_world *world, struct rw_test_bytes *yaml);
const char *rw_test_token_field(const struct rw_test_request *request,
                                char field[RW_TEST_TOKEN_BYTES]);
void rw_test_token_admitted(struct rw_test_world *world, const struct rw_test_request *request);
void rw_test_token_arrived(struct rw_test_world *world, const struct rw_test_request *request,
                           const struct rw_test_told *told);
void rw_test_token_refused(struct rw_test_world *world, const struct rw_test_reader *reader,
                           const struct rw_test_request *request);

/* gateway_coding.c, in a world that compresses: of a request; before each configuration; of a
 * listener; what a client sends as Accept-Encoding (NULL: nothing); the head of its answer; a piece
 * of the body, and all of it (false: it is not compressed). */
void rw_test_coding_plan(struct rw_test_world *world, struct rw_test_request *request);
void rw_test_coding_reload(struct rw_test_world *world);
void rw_test_coding_policy(struct rw_test_world *world, unsigned listener,
                           struct rw_test_bytes *yaml);
const char *rw_test_coding_accept(const struct rw_test_request *request);
void rw_test_coding_answered(struct rw_test_world *world, const struct rw_test_reader *reader,
                             struct rw_test_request *request);
bool rw_test_coding_body(struct rw_test_request *request, struct rw_span bytes);
bool rw_test_coding_whole(struct rw_test_world *world, const struct rw_test_request *request);

/* gateway_session.c: before each configuration; its policy; what a client sends, in a world that
 * has sessions (NULL: nothing); what an origin is sent; what the client is told. */
void rw_test_session_reload(struct rw_test_world *world, bool in_force);
void rw_test_session_policy(struct rw_test_bytes *yaml);
const char *rw_test_session_cookie(const struct rw_test_client *client,
                                   struct rw_test_request *request);
void rw_test_session_arrived(const struct rw_test_origin *origin, struct rw_test_request *request,
                             const char *cookies);
void rw_test_session_answered(struct rw_test_client *client, const struct rw_test_reader *reader,
                              const struct rw_test_request *request);

/* gateway_rollout.c: in a world that rolls: once; of a release; once it is in force; when clients
 * start; when a request arrives; whether the share was another one since it was sent; the end. */
void rw_test_rollout_create(struct rw_test_world *world);
void rw_test_rollout_configure(struct rw_test_world *world, struct rw_test_bytes *yaml);
void rw_test_rollout_adopted(struct rw_test_world *world);
void rw_test_rollout_start(struct rw_test_world *world);
void rw_test_rollout_arrived(const struct rw_test_origin *origin, struct rw_test_request *request);
bool rw_test_rollout_moved(const struct rw_test_world *world,
                           const struct rw_test_request *request);
void rw_test_rollout_free(struct rw_test_world *world);

/* gateway_health.c: of an upstream; once it is in force; when clients start; a probe has come; when
 * a request arrives; after each step; at once. */
void rw_test_health_configure(struct rw_test_world *world, unsigned version,
                              struct rw_test_bytes *yaml);
void rw_test_health_adopted(struct rw_test_world *world);
void rw_test_health_start(struct rw_test_world *world);
struct rw_test_probe_answer rw_test_health_asked(struct rw_test_origin *origin,
                                                 struct rw_span host);
void rw_test_health_arrived(const struct rw_test_origin *origin,
                            const struct rw_test_request *request);
void rw_test_health_look(struct rw_test_world *world);
void rw_test_health_stop(struct rw_test_world *world);

/* gateway_waiting.c: whenever something happens */
void rw_test_waiting_look(struct rw_test_world *world);

/* gateway_directory.c: at 10.1.0.8:2379 or in a file, in a world that discovers */
void rw_test_directory_create(struct rw_test_world *world);
/* The option `discovery` of an upstream. */
void rw_test_directory_configure(const struct rw_test_world *world, struct rw_test_bytes *yaml);
void rw_test_directory_listen(struct rw_test_world *world);
/* After each step: notes which origins are endpoints. */
void rw_test_directory_look(struct rw_test_world *world);
/* Nothing happens any more: the upstreams have the endpoints that there are. */
void rw_test_directory_check(struct rw_test_world *world);
void rw_test_directory_free(struct rw_test_world *world);

/* gateway_plan.c: worlds with their configuration in force, ready to start; `world` is zeroed, but
 * may be strict already. */
void rw_test_plan(struct rw_test_world *world, uint64_t seed, bool verbose);
/* Another configuration, as the plan allows it. */
void rw_test_plan_reload(struct rw_test_world *world);

/* gateway_conversation.c: a small fixed world for each kind of request; its name, or NULL after the
 * last. */
const char *rw_test_conversation(struct rw_test_world *world, unsigned kind, bool verbose);

#endif
