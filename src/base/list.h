/* Intrusive doubly linked list; an item not in a list has next == NULL. */
#ifndef RW_BASE_LIST_H
#define RW_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rw_list {
    struct rw_list *next, *prev;
};

#define rw_container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void rw_list_init(struct rw_list *head)
{
    head->next = head->prev = head;
}

static inline bool rw_list_empty(const struct rw_list *head)
{
    return head->next == head;
}

static inline bool rw_list_linked(const struct rw_list *item)
{
    return item->next != NULL;
}

static inline void rw_list_insert_after(struct rw_list *where, struct rw_list *item)
{
    item->next = where->next;
    item->prev = where;
    where->next->prev = item;
    where->next = item;
}

static inline void rw_list_push_front(struct rw_list *head, struct rw_list *item)
{
    rw_list_insert_after(head, item);
}

static inline void rw_list_push_back(struct rw_list *head, struct rw_list *item)
{
    rw_list_insert_after(head->prev, item);
}

/* Unlinking an item that is in no list does nothing. */
static inline void rw_list_remove(struct rw_list *item)
{
    if (!item->next)
        return;
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = item->prev = NULL;
}

static inline struct rw_list *rw_list_pop_front(struct rw_list *head)
{
    struct rw_list *item = head->next;
    if (item == head)
        return NULL;
    rw_list_remove(item);
    return item;
}

#endif
