/* The admin API: an origin of its own on the admin listener, answered on the control thread.
 *
 *   GET  /livez /readyz                     200 or 503
 *   GET  /metrics                           Prometheus text
 *   GET  /status /config /routes /upstreams /connections /limits /releases /mirrors
 *   GET  /mirrors.html /mirrors.md          the migration check for people
 *   POST /reload /drain /releases/ROUTE/ACTION
 *
 * It listens on loopback unless told otherwise. A browser's cross-site request is refused (it
 * carries Origin or Sec-Fetch-Site), so that no web page can reload or drain a gateway behind its
 * user's back; so is a Host that is not the listener's, an address or localhost (DNS rebinding).
 */
#ifndef RW_ADMIN_ADMIN_H
#define RW_ADMIN_ADMIN_H

#include "gate/exchange/origin.h"

/* What the process behind it does for it; all on the control thread. Documents are JSON except
 * metrics and config. */
struct rw_admin_host {
    void *user;
    bool (*ready)(void *user);
    void (*metrics)(void *user, struct rw_text *text);
    void (*status)(void *user, struct rw_text *json);
    void (*config)(void *user, struct rw_text *yaml);
    void (*routes)(void *user, struct rw_text *json);
    void (*upstreams)(void *user, struct rw_text *json);
    void (*connections)(void *user, struct rw_text *json);
    void (*limits)(void *user, struct rw_text *json);
    void (*releases)(void *user, struct rw_text *json);
    void (*mirrors)(void *user, struct rw_text *json);
    void (*mirrors_html)(void *user, struct rw_text *html);
    void (*mirrors_markdown)(void *user, struct rw_text *markdown);
    /* RW_EINVAL: refused, and why stands in `why`. */
    enum rw_err (*reload)(void *user, struct rw_text *why);
    void (*drain)(void *user);
    /* rw_rollouts_act. */
    enum rw_err (*act)(void *user, struct rw_span route, struct rw_span action,
                       struct rw_text *why);
};

/* Its instance is a struct rw_admin_host *. */
extern const struct rw_origin rw_admin_origin;

#endif
