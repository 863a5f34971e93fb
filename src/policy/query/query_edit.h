/* The edits of the policy `query`, on a query as text: what is not touched stays byte for byte and
 * in its order. query.c compiles them, and calls rw_query_edit twice for a request: once to
 * measure, once to write. Pure; any thread. */
#ifndef RW_POLICY_QUERY_QUERY_EDIT_H
#define RW_POLICY_QUERY_QUERY_EDIT_H

#include "http/pairs.h"

/* Names are plain: what the encodings of a request's names say is compared with them. */
struct rw_query_removal {
    struct rw_span name; /* empty with `prefix`: all */
    bool prefix;         /* and whatever begins so */
};

struct rw_query_rename {
    struct rw_span name;
    struct rw_span to; /* encoded */
    bool gone;         /* `to` is one of those that are set: the parameter is not needed */
};

struct rw_query_put {
    struct rw_span name, encoded; /* the same name, plain and encoded */
    bool set;                     /* all others of this name go */
};

struct rw_query_edits {
    struct rw_query_removal *removals;
    struct rw_query_rename *renames;
    struct rw_query_put *puts;
    unsigned removal_count, rename_count, put_count;
};

/* Removals, then renames (of what a parameter was called in the request: there are no chains), then
 * puts, at the end. `values`: encoded, one for each put. Writes at `to` (NULL: only measures); how
 * many bytes. */
size_t rw_query_edit(const struct rw_query_edits *edits, struct rw_span query,
                     const struct rw_span *values, char *to);

#endif
