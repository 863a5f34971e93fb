#include "gate/known/known.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/map.h"
#include "gate/known/known_note.h"
#include "watch/metrics.h"

enum { STORE_SHARE = 20 }; /* storing takes one part in so many of the thread's time, at most */

static uint64_t now_ms(const struct rw_known *known)
{
    return rw_loop_now_ms(known->options.loop);
}

/* ---- Notes ---- */

static struct rw_list *bucket_of(struct rw_known *known, struct rw_span key)
{
    return &known->buckets[rw_hash(key.at, key.len, 0) % RW_KNOWN_BUCKETS];
}

struct rw_known_note *rw_known_find(struct rw_known *known, struct rw_span key)
{
    struct rw_list *bucket = bucket_of(known, key);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_known_note *note = rw_container_of(item, struct rw_known_note, link);
        if (rw_span_eq(note->key, key))
            return note;
    }
    return NULL;
}

enum rw_err rw_known_add(struct rw_known *known, struct rw_span key, struct rw_known_note **note)
{
    struct rw_known_note *made = rw_alloc_zero(sizeof(*made) + key.len + 1);
    if (!made)
        return RW_ENOMEM;
    if (key.len)
        memcpy(made->key_text, key.at, key.len);
    made->key = rw_span(made->key_text, key.len);
    made->known = known;
    made->until_ms = now_ms(known);
    rw_list_init(&made->uses);
    rw_list_push_back(bucket_of(known, key), &made->link);
    *note = made;
    return RW_OK;
}

void rw_known_remove(struct rw_known_note *note)
{
    rw_list_remove(&note->link);
    rw_text_free(&note->text);
    rw_free(note);
}

struct rw_known_use *rw_known_writer(const struct rw_known_note *note)
{
    return rw_list_empty(&note->uses) ? NULL
                                      : rw_container_of(note->uses.next, struct rw_known_use, link);
}

bool rw_known_refresh(struct rw_known_note *note)
{
    struct rw_known_use *writer = rw_known_writer(note);
    struct rw_text text = {0};
    if (!note->stale || !writer)
        return true;
    writer->write(writer, &text);
    enum rw_err err = text.err;
    bool news = !err && text.len;
    rw_text_free(news ? &note->text : &text);
    if (news)
        note->text = text;
    note->stale = err != RW_OK;
    return !err;
}

/* ---- Storing ---- */

static void store_after(struct rw_known *known, uint64_t ms)
{
    uint64_t due_ms = known->stored_ms + known->store_ms * STORE_SHARE;
    if (due_ms < now_ms(known) + ms)
        due_ms = now_ms(known) + ms;
    rw_timer_start(known->options.loop, &known->timer, due_ms);
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_known *known = rw_container_of(timer, struct rw_known, timer);
    if (!known->options.changed(known->options.user))
        store_after(known, RW_KNOWN_AGAIN_MS);
}

void rw_known_store_soon(struct rw_known *known)
{
    if (known->options.changed && !rw_timer_running(&known->timer))
        store_after(known, RW_KNOWN_STORE_MS);
}

/* ---- For who learns ---- */

void rw_known_hold(struct rw_known *known, struct rw_span key, struct rw_known_use *use)
{
    use->note = NULL;
    use->follows = false;
    if (!known)
        return;
    struct rw_known_note *note = rw_known_find(known, key);
    if (!note && rw_known_add(known, key, &note)) {
        rw_log_limited(RW_LOG_WARN, "known",
                       "%.*s: no memory: a process that starts again will not know it",
                       RW_SPAN_ARGS(key));
        return;
    }
    rw_assert(note && rw_list_linked(&note->uses));
    struct rw_known_use *before = rw_known_writer(note);
    if (before && before->follows)
        note->until_ms = now_ms(known);
    if (!rw_known_refresh(note))
        rw_log_limited(RW_LOG_WARN, "known", "%.*s: no memory for what is known of it",
                       RW_SPAN_ARGS(key));
    note->stale = false;
    use->note = note;
    rw_list_push_front(&note->uses, &use->link);
    if (note->text.len)
        rw_known_store_soon(known); /* this one does not follow yet */
}

struct rw_span rw_known_text(const struct rw_known_use *use)
{
    return use->note ? rw_text_span(&use->note->text) : RW_LITERAL("");
}

uint64_t rw_known_until_ms(const struct rw_known_use *use)
{
    return use->note ? use->note->until_ms : 0;
}

static bool writes(const struct rw_known_use *use)
{
    return use->note && rw_known_writer(use->note) == use;
}

void rw_known_changed(struct rw_known_use *use)
{
    if (!writes(use))
        return;
    use->note->stale = true;
    rw_known_store_soon(use->note->known);
}

void rw_known_follows(struct rw_known_use *use, bool follows)
{
    if (use->follows == follows)
        return;
    use->follows = follows;
    if (!writes(use))
        return;
    use->note->until_ms = now_ms(use->note->known);
    rw_known_store_soon(use->note->known);
}

void rw_known_drop(struct rw_known_use *use)
{
    struct rw_known_note *note = use->note;
    if (!note)
        return;
    /* The one before knows better than nobody. */
    bool wrote = writes(use);
    use->note = NULL;
    rw_list_remove(&use->link);
    if (wrote)
        rw_known_store_soon(note->known);
    if (rw_list_empty(&note->uses))
        rw_known_remove(note);
    else if (wrote)
        note->stale = true;
}

/* ---- To see it ---- */

static void expose_note(const struct rw_known_note *note, struct rw_text *text)
{
    const struct rw_known_use *writer = rw_known_writer(note);
    rw_text_adds(text, "ringway_known_age_seconds{what=\"");
    rw_metrics_expose_label(text, note->key);
    rw_text_adds(text, "\"} ");
    if (writer && writer->follows)
        rw_text_adds(text, "0\n");
    else if (note->text.len || note->stale)
        rw_text_addf(text, "%.3f\n", (double)(now_ms(note->known) - note->until_ms) / 1e3);
    else
        rw_text_adds(text, "+Inf\n");
}

void rw_known_expose(const struct rw_known *known, struct rw_text *text)
{
    rw_metrics_expose_head(text, "ringway_known_age_seconds", "gauge",
                           "How old that is which was learned at run time: 0 while changes are "
                           "seen, +Inf: it was never known");
    for (unsigned i = 0; i < RW_KNOWN_BUCKETS; i++) {
        const struct rw_list *bucket = &known->buckets[i];
        for (struct rw_list *item = bucket->next; item != bucket; item = item->next)
            expose_note(rw_container_of(item, struct rw_known_note, link), text);
    }
}

/* ---- All of them ---- */

void rw_known_settle(struct rw_known *known)
{
    for (unsigned i = 0; i < RW_KNOWN_BUCKETS; i++) {
        struct rw_list *item = known->buckets[i].next;
        while (item != &known->buckets[i]) {
            struct rw_known_note *note = rw_container_of(item, struct rw_known_note, link);
            item = item->next;
            if (rw_list_empty(&note->uses))
                rw_known_remove(note);
        }
    }
}

enum rw_err rw_known_create(const struct rw_known_options *options, struct rw_known **known)
{
    struct rw_known *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->options = *options;
    made->timer.fire = on_timer;
    for (unsigned i = 0; i < RW_KNOWN_BUCKETS; i++)
        rw_list_init(&made->buckets[i]);
    *known = made;
    return RW_OK;
}

void rw_known_destroy(struct rw_known *known)
{
    if (!known)
        return;
    rw_timer_stop(known->options.loop, &known->timer);
    rw_known_settle(known);
    for (unsigned i = 0; i < RW_KNOWN_BUCKETS; i++)
        rw_assert(rw_list_empty(&known->buckets[i]));
    rw_free(known);
}
