/* JSON texts (RFC 8259) as flat trees, to compare two of them. Nothing is copied: tokens point into
 * the text. Pure functions; any thread.
 */
#ifndef RW_POLICY_MIRROR_JSON_TREE_H
#define RW_POLICY_MIRROR_JSON_TREE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

enum { RW_JSON_DEPTH_MAX = 64, RW_JSON_NODES_MAX = 16384, RW_JSON_COMPARISONS_MAX = 60000 };

enum rw_json_type { RW_JSON_OBJECT, RW_JSON_ARRAY, RW_JSON_STRING, RW_JSON_NUMBER, RW_JSON_WORD };

struct rw_json_node {
    struct rw_span key;  /* of a member: between its quotes, as written; at NULL: none */
    struct rw_span text; /* of a leaf: as written, of a string between its quotes */
    uint32_t next;       /* index of what follows the node and all below it */
    uint8_t type;        /* enum rw_json_type */
};

/* The root is nodes[0]; what is below a node follows it. */
struct rw_json_tree {
    struct rw_json_node *nodes;
    uint32_t count, room;
};

/* RW_EPROTO: not JSON; RW_ELIMIT: too deep, too many values; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_json_parse(struct rw_span text, struct rw_arena *arena,
                                        struct rw_json_tree *tree);

/* Paths that may differ: JSON Pointers (RFC 6901), in which `*` is any member or element. */
struct rw_json_ignored {
    const struct rw_span *paths;
    size_t count;
};

/* How many values differ, at most `most`; `where` gets a line for each: its path and how, never a
 * value. Members may stand in any order; 1 and 1.0 are the same number. RW_ELIMIT: it takes too
 * long. */
RW_MUST_CHECK enum rw_err rw_json_compare(const struct rw_json_tree *a,
                                          const struct rw_json_tree *b,
                                          const struct rw_json_ignored *ignored, unsigned most,
                                          unsigned *count, struct rw_text *where);

#endif
