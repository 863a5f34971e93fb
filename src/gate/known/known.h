/* What was learned at run time and is in no file: endpoints of a discovery, addresses of names, key
 * sets by URL. Each is a note: a text under a key that says what it is about ("name app.internal").
 *
 * Who learns something holds the note of its key (rw_known_hold), and begins with the text that
 * there is: what whoever held it before knew, with other settings before a reload, or in a process
 * that has died since. When something has changed it says so (rw_known_changed), and its `write`
 * is asked for the text later, before the notes are stored (known_store.h) or another one begins
 * with them. Of several that hold a note the newest one writes it. A note that nobody holds goes.
 *
 * A note is as old as the last moment in which its holder saw changes (rw_known_follows).
 *
 * Nothing here fails for those who learn: without memory there is no note, and that is told in the
 * log. `known` NULL: nothing is ever known, nothing is noted. One thread, that of the loop.
 */
#ifndef RW_GATE_KNOWN_KNOWN_H
#define RW_GATE_KNOWN_KNOWN_H

#include "base/list.h"
#include "base/text.h"
#include "io/loop.h"

enum {
    RW_KNOWN_STORE_MS = 100,  /* so long at the least between two times that all is stored */
    RW_KNOWN_AGAIN_MS = 1000, /* where that failed */
};

struct rw_known;
struct rw_known_note;

struct rw_known_options {
    struct rw_loop *loop;
    /* Something is to be stored, some time after it has changed, and again after a while if the
     * result is false; NULL: nobody stores. */
    bool (*changed)(void *user);
    void *user;
};

RW_MUST_CHECK enum rw_err rw_known_create(const struct rw_known_options *options,
                                          struct rw_known **known);
/* Nobody holds a note any more. NULL is fine. */
void rw_known_destroy(struct rw_known *known);

/* Embedded in the holder's struct; all zero: holds nothing. */
struct rw_known_use {
    struct rw_list link;
    struct rw_known_note *note;
    bool follows;
    /* Adds what is known, or nothing if that is nothing: then the note stays as it was. */
    void (*write)(struct rw_known_use *use, struct rw_text *text);
};

/* `write` is set. */
void rw_known_hold(struct rw_known *known, struct rw_span key, struct rw_known_use *use);
/* What was known when it was held; empty: nothing. Until rw_known_changed. */
struct rw_span rw_known_text(const struct rw_known_use *use);
/* Until when that was so, of the loop's milliseconds. */
uint64_t rw_known_until_ms(const struct rw_known_use *use);
/* `write` would say something else now. */
void rw_known_changed(struct rw_known_use *use);
/* From now on changes are seen, or are not. */
void rw_known_follows(struct rw_known_use *use, bool follows);
/* Holding nothing is fine. */
void rw_known_drop(struct rw_known_use *use);

/* Notes of another process that nobody has held until now go. */
void rw_known_settle(struct rw_known *known);

/* Gauges for the scrape: ringway_known_age_seconds{what=}. */
void rw_known_expose(const struct rw_known *known, struct rw_text *text);

#endif
