/* Within conf: the document that YAML text becomes, and the state of one read.
 *
 * rw_conf_compose (document.c) turns text into nodes in the scratch arena; rw_conf_decode
 * (decode.c) walks them along the tables and leaves a site for each value it met, so that a later
 * mistake can say where that value stood. All of it goes when the read is over; only what the
 * tables asked for stays, in the caller's arena.
 */
#ifndef RW_CONF_READER_H
#define RW_CONF_READER_H

#include "conf/tree.h"

/* One value that was decoded: from where, and to where. */
struct rw_conf_site {
    struct rw_conf_site *older; /* of all sites */
    struct rw_conf_site *parent;
    struct rw_span key;        /* in the parent, or empty */
    ptrdiff_t index;           /* in the parent's list, or -1 */
    struct rw_conf_node *node; /* NULL: not in the file */
    const void *to;
    const void *member;  /* the parent's member, where `to` is what it points to; a pair's value */
    size_t size;         /* bytes at `to` */
    struct rw_span kept; /* the text that was stored, when it is one */
    bool verbatim;       /* of a field that is RW_CONF_VERBATIM: nothing is expanded in it */
    bool secret;         /* RW_CONF_SECRET, or a pair whose key names a credential: never shown */
};

struct rw_conf_reader {
    struct rw_arena *arena;  /* results */
    struct rw_arena scratch; /* nodes and sites */
    struct rw_conf_report *report;
    struct rw_conf_site *sites; /* newest first */
    size_t nodes, values, expanded;
    bool stopped;    /* a limit was told: nothing more is decoded */
    enum rw_err err; /* RW_ENOMEM */
};

/* The document's root, or NULL: nothing in it, or told in the report, or RW_ENOMEM in reader->err.
 */
struct rw_conf_node *rw_conf_compose(struct rw_conf_reader *reader, struct rw_span yaml);

/* Replaces ${...} and $$ in the text of the site's node. */
void rw_conf_expand(struct rw_conf_reader *reader, const struct rw_conf_site *site);

/* `root` may be NULL: an empty file. */
void rw_conf_decode(struct rw_conf_reader *reader, const struct rw_conf_record *record,
                    struct rw_conf_node *root, void *out);

/* A mistake at a node, with the path of a site (NULL: none). */
void rw_conf_mistake_node(struct rw_conf_reader *reader, const struct rw_conf_site *site,
                          struct rw_conf_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
