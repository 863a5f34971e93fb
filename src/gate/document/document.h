/* Documents that are fetched by https and kept: key sets of the policy `jwt`.
 *
 * Who compiles a snapshot uses one (rw_document_use), takes the text that there is, maybe none yet,
 * and drops the document with the snapshot. It is fetched from the loop: at once, again after
 * `refresh_ms`, and when somebody wants it (rw_document_want), but not within `refresh_ms_min` of
 * the last time. A text that is good and another one than before makes the registry call `changed`:
 * the configuration in force is compiled anew, with it. Whatever fails leaves the last good text,
 * is told in the log, and is tried again, later and later (gate/discovery/feed.h). Redirects are
 * not followed: they would make the configuration say less than what is trusted.
 *
 * Uses of the same URL with the same settings are one document, which outlives reloads with them;
 * one with other settings, but the same authority, begins with the text of the one before, or of a
 * process that has died (gate/known/known.h). The control thread's, but for
 * rw_document_want.
 */
#ifndef RW_GATE_DOCUMENT_DOCUMENT_H
#define RW_GATE_DOCUMENT_DOCUMENT_H

#include "conf/read.h"
#include "gate/config/config.h"
#include "io/loop.h"
#include "watch/metrics.h"

enum { RW_DOCUMENT_BYTES_MAX = 1 << 20, RW_DOCUMENT_FLAW_BYTES = 256 };

struct rw_document;
struct rw_documents;
struct rw_known;

struct rw_documents_options {
    struct rw_loop *loop;
    struct rw_known *known; /* texts outlive documents and processes there; NULL: they do not */
    struct rw_metrics_shard *metrics;
    void (*changed)(void *user); /* from the loop; may use and drop documents */
    void *user;
};

RW_MUST_CHECK enum rw_err rw_documents_create(const struct rw_documents_options *options,
                                              struct rw_documents **documents);
/* All documents were dropped, and the loop has made some turns since. */
void rw_documents_destroy(struct rw_documents *documents);

struct rw_document_settings {
    struct rw_span url;                     /* that rw_document_url_parse takes */
    const struct rw_config_tls_client *tls; /* not NULL */
    const struct rw_config_dns *dns;
    uint32_t refresh_ms, refresh_ms_min;
    /* Is it what is looked for? Else says why not. A function, not something with a life. */
    bool (*is_good)(struct rw_span text, char flaw[RW_DOCUMENT_FLAW_BYTES]);
};

/* A reference. Mistakes (certificates) go to the report: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_document_use(struct rw_documents *documents,
                                          const struct rw_document_settings *settings,
                                          struct rw_conf_report *report,
                                          struct rw_document **document);
/* For who only checks a configuration: are the files good that the settings name? RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_document_check(const struct rw_document_settings *settings,
                                            struct rw_conf_report *report);
/* NULL is fine. */
void rw_document_drop(struct rw_document *document);

/* The last good text, until the loop turns; empty: there was none yet. */
struct rw_span rw_document_text(const struct rw_document *document);

/* It may have changed. Any thread that holds a reference. */
void rw_document_want(struct rw_document *document);

#endif
