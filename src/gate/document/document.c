#include "gate/document/document.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/log.h"
#include "gate/cluster/resolve/place.h"
#include "gate/discovery/discovery_secure.h"
#include "gate/discovery/feed.h"
#include "gate/document/document_url.h"
#include "gate/known/known.h"

#include <stdatomic.h>
#include <stdio.h>

enum { LOOK_MS = 1000, BLOCK_BYTES = 4096, ARENA_BYTES_MAX = 64 * 1024 };

struct rw_documents {
    struct rw_documents_options options;
    struct rw_list all;
};

struct rw_document {
    struct rw_list link; /* until the last reference is gone */
    struct rw_documents *of;
    unsigned references;
    struct rw_arena arena; /* of the texts */
    struct rw_span identity, what;
    struct rw_document_url url;
    const char *tls_name;
    uint32_t refresh_ms, refresh_ms_min;
    bool (*is_good)(struct rw_span text, char flaw[RW_DOCUMENT_FLAW_BYTES]);

    struct rw_known_use known;
    struct rw_tls_client *tls;
    struct rw_resolver *resolver; /* NULL: the host is an address */
    struct rw_place place;
    struct rw_feed *feed; /* one fetch, with its tries; NULL: none is under way */
    bool ending;          /* the feed is being closed */
    struct rw_timer timer;
    uint64_t fetched_ms; /* 0: never */
    struct rw_text text;
    char flaw[RW_DOCUMENT_FLAW_BYTES];
    _Atomic bool wanted;
};

/* ---- Fetching ---- */

static void look_later(struct rw_document *document)
{
    struct rw_loop *loop = document->of->options.loop;
    rw_timer_start(loop, &document->timer, rw_loop_now_ms(loop) + LOOK_MS);
}

static void count(const struct rw_document *document, enum rw_counter counter)
{
    if (document->of->options.metrics)
        rw_metrics_count(document->of->options.metrics, counter, 1);
}

static void request(void *user, struct rw_span host, struct rw_text *text, bool *stream)
{
    const struct rw_document_url *url = &((struct rw_document *)user)->url;
    const char *slash = url->target.len && url->target.at[0] == '/' ? "" : "/";
    (void)host;
    (void)stream;
    rw_text_addf(text,
                 "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\nAccept: application/json, "
                 "application/jwk-set+json\r\nUser-Agent: ringway\r\nConnection: close\r\n\r\n",
                 slash, RW_SPAN_ARGS(url->target), RW_SPAN_ARGS(url->authority));
}

static void end_fetch(struct rw_document *document)
{
    if (document->ending)
        return;
    document->ending = true;
    rw_feed_close(document->feed);
}

/* False: no memory, the text is as before. */
static bool keep(struct rw_document *document, struct rw_span bytes)
{
    struct rw_text text = {0};
    rw_text_add(&text, bytes);
    if (text.err) {
        rw_text_free(&text);
        return false;
    }
    rw_text_free(&document->text);
    document->text = text;
    rw_known_changed(&document->known);
    rw_log_info("keys", "%.*s: taken, %zu bytes", RW_SPAN_ARGS(document->what), bytes.len);
    document->of->options.changed(document->of->options.user);
    return true;
}

static const char *take(void *user, unsigned status, struct rw_span bytes)
{
    struct rw_document *document = user;
    snprintf(document->flaw, sizeof(document->flaw), "answered with status %u%s", status,
             status / 100 == 3 ? ": redirects are not followed" : "");
    if (status != 200 || !document->is_good(bytes, document->flaw))
        return document->flaw;
    if (!rw_span_eq(bytes, rw_text_span(&document->text)) && !keep(document, bytes))
        return "no memory";
    rw_known_follows(&document->known, true);
    document->fetched_ms = rw_loop_now_ms(document->of->options.loop);
    atomic_store_explicit(&document->wanted, false, memory_order_relaxed);
    count(document, RW_COUNTER_KEYS_FETCHED);
    end_fetch(document);
    return NULL;
}

static void failed(void *user, struct rw_span why)
{
    struct rw_document *document = user;
    (void)why;
    rw_known_follows(&document->known, false);
    count(document, RW_COUNTER_KEYS_FAILED);
}

static void free_document(struct rw_document *document)
{
    rw_tls_client_drop(document->tls);
    rw_text_free(&document->text);
    rw_arena_free(&document->arena);
    rw_free(document);
}

static void on_closed(void *user)
{
    struct rw_document *document = user;
    document->feed = NULL;
    document->ending = false;
    if (document->references == 0)
        free_document(document);
}

/* By the address, which is what the log tells besides the URL. While there is none the answer of
 * DNS brings the feed on (rw_feed_retry). */
static const char *locate(void *user, unsigned server, struct rw_feed_target *target)
{
    struct rw_document *document = user;
    (void)server;
    return rw_place_next(&document->place, &target->address) ? "" : NULL;
}

static const struct rw_feed_events feed_events = {.locate = locate,
                                                  .request = request,
                                                  .take = take,
                                                  .failed = failed,
                                                  .on_closed = on_closed};

/* Without memory the timer comes back to it. */
static void fetch(struct rw_document *document)
{
    struct rw_feed_options options = {
        .tls_name = document->tls_name,
        .events = &feed_events,
        .user = document,
        .what = document->what,
        .server_count = 1,
        .bytes_max = RW_DOCUMENT_BYTES_MAX,
    };
    options.tls = rw_tls_client_hold(document->tls);
    if (rw_feed_create(document->of->options.loop, &options, &document->feed) == RW_OK)
        return;
    document->feed = NULL;
    rw_tls_client_drop(options.tls);
}

static bool is_due(const struct rw_document *document)
{
    uint64_t now_ms = rw_loop_now_ms(document->of->options.loop);
    uint64_t age_ms = now_ms - document->fetched_ms;
    bool wanted = atomic_load_explicit(&document->wanted, memory_order_relaxed);
    return !document->fetched_ms || age_ms >= document->refresh_ms ||
           (wanted && age_ms >= document->refresh_ms_min);
}

static void look(struct rw_timer *timer)
{
    struct rw_document *document = rw_container_of(timer, struct rw_document, timer);
    if (!document->feed && is_due(document))
        fetch(document);
    look_later(document);
}

static void on_resolved(struct rw_resolve_use *use)
{
    struct rw_document *document = rw_container_of(use, struct rw_document, place.use);
    if (!document->feed && is_due(document))
        fetch(document);
    else if (document->feed && !document->ending)
        rw_feed_retry(document->feed);
}

/* ---- Making one ---- */

static void describe(const struct rw_document_settings *settings, struct rw_text *text)
{
    const struct rw_config_tls_client *tls = settings->tls;
    const struct rw_span *servers = settings->dns->servers.items;
    const struct rw_span parts[] = {settings->url, tls->ca, tls->name, tls->cert, tls->key};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        rw_text_addf(text, "%.*s\n", RW_SPAN_ARGS(parts[i]));
    for (size_t i = 0; i < settings->dns->servers.count; i++)
        rw_text_addf(text, "%.*s\n", RW_SPAN_ARGS(servers[i]));
    rw_text_addf(text, "%d %d %u %u", tls->verify, tls->min_version, settings->refresh_ms,
                 settings->refresh_ms_min);
}

static struct rw_document *find(const struct rw_documents *documents, struct rw_span identity)
{
    for (struct rw_list *at = documents->all.next; at != &documents->all; at = at->next) {
        struct rw_document *document = rw_container_of(at, struct rw_document, link);
        if (rw_span_eq(document->identity, identity))
            return document;
    }
    return NULL;
}

static void write_known(struct rw_known_use *use, struct rw_text *text)
{
    const struct rw_document *document = rw_container_of(use, struct rw_document, known);
    rw_text_add(text, rw_text_span(&document->text));
}

/* What was fetched before, by another one of this URL that trusts the same authority or by another
 * process, is better than nothing. */
static enum rw_err begin_with_known(struct rw_document *document,
                                    const struct rw_config_tls_client *tls)
{
    struct rw_known_use *known = &document->known;
    struct rw_text key = {0};
    rw_text_add(&key, document->what);
    rw_discovery_describe_trust(tls, &key);
    known->write = write_known;
    if (!key.err)
        rw_known_hold(document->of->options.known, rw_text_span(&key), known);
    rw_text_free(&key);
    struct rw_span text = rw_known_text(known);
    uint64_t age_ms = rw_loop_now_ms(document->of->options.loop) - rw_known_until_ms(known);
    if (!text.len)
        return RW_OK;
    if (!document->is_good(text, document->flaw)) {
        rw_log_warn("keys", "%.*s: what was known before is of no use: %s",
                    RW_SPAN_ARGS(document->what), document->flaw);
        return RW_OK;
    }
    rw_text_add(&document->text, text);
    rw_log_info("keys", "%.*s: begins with what was known %.1f s ago, until there is an answer",
                RW_SPAN_ARGS(document->what), (double)age_ms / 1e3);
    return document->text.err;
}

static enum rw_err find_server(struct rw_document *document, const struct rw_config_dns *dns)
{
    struct rw_place *place = &document->place;
    enum rw_err err = rw_place_set_host(place, document->url.host, document->url.port);
    if (!err && place->named)
        err = rw_resolver_create(document->of->options.loop, document->of->options.known, dns,
                                 &document->resolver);
    return err ? err : rw_place_start(place, document->resolver, on_resolved);
}

static enum rw_err copy_texts(struct rw_document *document,
                              const struct rw_document_settings *settings, struct rw_span identity)
{
    struct rw_span url = rw_arena_copy(&document->arena, settings->url);
    struct rw_span name =
        settings->tls->name.len ? rw_arena_copy(&document->arena, settings->tls->name) : url;
    document->identity = rw_arena_copy(&document->arena, identity);
    document->what =
        rw_arena_format(&document->arena, "jwt keys %.*s", RW_SPAN_ARGS(settings->url));
    if (!url.at || !name.at || !document->identity.at || !document->what.at)
        return RW_ENOMEM;
    const char *flaw = rw_document_url_parse(url, &document->url);
    rw_assert(!flaw); /* by contract */
    if (!settings->tls->name.len)
        name = rw_arena_copy(&document->arena, document->url.host);
    document->tls_name = name.at;
    return name.at ? RW_OK : RW_ENOMEM;
}

static void let_go(struct rw_document *document)
{
    rw_timer_stop(document->of->options.loop, &document->timer);
    rw_known_drop(&document->known);
    rw_place_stop(&document->place);
    if (document->resolver)
        rw_resolver_destroy(document->resolver);
    document->resolver = NULL;
    if (!document->feed)
        free_document(document);
    else
        end_fetch(document); /* then on_closed frees it */
}

static enum rw_err make(struct rw_documents *documents, const struct rw_document_settings *settings,
                        struct rw_span identity, struct rw_document **document)
{
    struct rw_document *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->of = documents;
    made->refresh_ms = settings->refresh_ms;
    made->refresh_ms_min = settings->refresh_ms_min;
    made->is_good = settings->is_good;
    made->timer.fire = look;
    rw_arena_init(&made->arena, NULL, 0, BLOCK_BYTES, ARENA_BYTES_MAX);
    enum rw_err err = copy_texts(made, settings, identity);
    if (!err)
        err = find_server(made, settings->dns);
    if (!err)
        err = begin_with_known(made, settings->tls);
    if (err) {
        let_go(made);
        return err;
    }
    rw_list_push_back(&documents->all, &made->link);
    rw_timer_start(documents->options.loop, &made->timer, rw_loop_now_ms(documents->options.loop));
    *document = made;
    return RW_OK;
}

/* ---- For who compiles ---- */

/* Certificates may have changed: the next connection has them. */
static void secure(struct rw_document *document, struct rw_tls_client *tls)
{
    rw_tls_client_drop(document->tls);
    document->tls = tls;
    if (document->feed && !document->ending)
        rw_feed_secure(document->feed, rw_tls_client_hold(tls));
}

enum rw_err rw_document_use(struct rw_documents *documents,
                            const struct rw_document_settings *settings,
                            struct rw_conf_report *report, struct rw_document **document)
{
    struct rw_tls_client *tls = NULL;
    struct rw_text identity = {0};
    enum rw_err err = rw_discovery_secure(settings->tls, report, &tls);
    if (err)
        return err;
    describe(settings, &identity);
    struct rw_document *found = identity.err ? NULL : find(documents, rw_text_span(&identity));
    err = identity.err;
    if (!err && !found)
        err = make(documents, settings, rw_text_span(&identity), &found);
    rw_text_free(&identity);
    if (err) {
        rw_tls_client_drop(tls);
        return err;
    }
    secure(found, tls);
    found->references++;
    *document = found;
    return RW_OK;
}

enum rw_err rw_document_check(const struct rw_document_settings *settings,
                              struct rw_conf_report *report)
{
    struct rw_tls_client *tls = NULL;
    enum rw_err err = rw_discovery_secure(settings->tls, report, &tls);
    rw_tls_client_drop(tls);
    return err;
}

void rw_document_drop(struct rw_document *document)
{
    if (!document || --document->references > 0)
        return;
    rw_list_remove(&document->link);
    let_go(document);
}

struct rw_span rw_document_text(const struct rw_document *document)
{
    return rw_text_span(&document->text);
}

void rw_document_want(struct rw_document *document)
{
    if (!atomic_load_explicit(&document->wanted, memory_order_relaxed))
        atomic_store_explicit(&document->wanted, true, memory_order_relaxed);
}

/* ---- All of them ---- */

enum rw_err rw_documents_create(const struct rw_documents_options *options,
                                struct rw_documents **documents)
{
    struct rw_documents *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->options = *options;
    rw_list_init(&made->all);
    *documents = made;
    return RW_OK;
}

void rw_documents_destroy(struct rw_documents *documents)
{
    if (!documents)
        return;
    rw_assert(rw_list_empty(&documents->all));
    rw_free(documents);
}
