#include "conf/tree.h"

void rw_conf_tree_free(struct rw_conf_tree *tree)
{
    rw_arena_free(&tree->nodes);
    *tree = (struct rw_conf_tree){0};
}

const struct rw_conf_node *rw_conf_tree_at(const struct rw_conf_node *map, const char *key)
{
    if (!map || map->kind != RW_CONF_NODE_MAP)
        return NULL;
    const struct rw_conf_entry *entry = map->entries;
    while (entry && !rw_span_is(entry->key, key))
        entry = entry->next;
    return entry ? entry->node : NULL;
}

struct rw_span rw_conf_tree_text(const struct rw_conf_node *map, const char *key)
{
    const struct rw_conf_node *node = rw_conf_tree_at(map, key);
    return node && node->kind == RW_CONF_NODE_SCALAR ? node->text : RW_LITERAL("");
}

const struct rw_conf_entry *rw_conf_tree_entries(const struct rw_conf_node *node)
{
    return node && node->kind != RW_CONF_NODE_SCALAR ? node->entries : NULL;
}
