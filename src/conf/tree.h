/* YAML as a tree of nodes, for data whose shape no table describes: models with inputs of their
 * own, a document that may be written in two languages.
 *
 * The same reader, limits and messages as conf/read.h, without the tables: rw_conf_tree_read
 * returns nodes with their places, the caller walks them and tells mistakes by
 * rw_conf_mistake_at. Nothing is expanded from the environment. Any thread, no global state.
 */
#ifndef RW_CONF_TREE_H
#define RW_CONF_TREE_H

#include "conf/read.h"

enum rw_conf_node_kind { RW_CONF_NODE_SCALAR, RW_CONF_NODE_LIST, RW_CONF_NODE_MAP };

struct rw_conf_entry;

struct rw_conf_node {
    enum rw_conf_node_kind kind;
    bool plain;       /* SCALAR: without quotes, so that null and ~ mean that nothing is given */
    bool raw;         /* SCALAR: holds a dollar, not expanded yet */
    bool environment; /* SCALAR: part of it came from the environment */
    bool broken;      /* already told: nothing more is said about it */
    struct rw_conf_place place;
    struct rw_span text;           /* SCALAR: NUL-terminated */
    struct rw_conf_entry *entries; /* LIST and MAP */
    size_t count;
};

/* A node's place in a list or mapping; an alias is a second entry for the same node. */
struct rw_conf_entry {
    struct rw_conf_entry *next;
    struct rw_conf_node *node;
    struct rw_span key; /* MAP */
    struct rw_conf_place key_place;
};

struct rw_conf_tree {
    const struct rw_conf_node *root; /* NULL: an empty file */
    struct rw_arena nodes;
};

/* Mistakes go to the report, in `arena` unless it has one of its own. RW_EINVAL: there are some;
 * RW_ENOMEM. rw_conf_tree_free afterwards, whatever the outcome. */
RW_MUST_CHECK enum rw_err rw_conf_tree_read(struct rw_span yaml, const char *name,
                                            struct rw_arena *arena, struct rw_conf_tree *tree,
                                            struct rw_conf_report *report);
void rw_conf_tree_free(struct rw_conf_tree *tree);

/* The node at a mapping's key; NULL: none, or `map` is NULL or no mapping. */
const struct rw_conf_node *rw_conf_tree_at(const struct rw_conf_node *map, const char *key);
/* A scalar's text at a mapping's key; empty: none. */
struct rw_span rw_conf_tree_text(const struct rw_conf_node *map, const char *key);
/* The first entry of a list or mapping; NULL: none, or `node` is NULL or a scalar. */
const struct rw_conf_entry *rw_conf_tree_entries(const struct rw_conf_node *node);

#endif
