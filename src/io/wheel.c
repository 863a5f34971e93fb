#include "io/wheel.h"

#include "base/err.h"

void rw_wheel_init(struct rw_wheel *wheel, uint64_t now_ms)
{
    wheel->now_ms = now_ms;
    rw_list_init(&wheel->overdue);
    for (int level = 0; level < RW_WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (int slot = 0; slot < RW_WHEEL_SLOTS; slot++)
            rw_list_init(&wheel->slots[level][slot]);
    }
}

bool rw_wheel_empty(struct rw_wheel *wheel)
{
    return rw_wheel_next_ms(wheel) == UINT64_MAX;
}

static void place(struct rw_wheel *wheel, struct rw_timer *timer)
{
    if (timer->due_ms <= wheel->now_ms) {
        rw_list_push_back(&wheel->overdue, &timer->link);
        return;
    }
    int highest_bit = 63 - __builtin_clzll(timer->due_ms ^ wheel->now_ms);
    int level = highest_bit / RW_WHEEL_BITS;
    unsigned slot = (timer->due_ms >> (level * RW_WHEEL_BITS)) % RW_WHEEL_SLOTS;
    rw_list_push_back(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= 1ull << slot;
}

void rw_wheel_add(struct rw_wheel *wheel, struct rw_timer *timer, uint64_t due_ms)
{
    rw_list_remove(&timer->link);
    timer->due_ms = due_ms;
    place(wheel, timer);
}

/* The slot that comes next and the time at which it begins; NULL when there is none. Stopping a
 * timer does not clear the bit of its slot, so that is done here. */
static struct rw_list *next_slot(struct rw_wheel *wheel, uint64_t *begin_ms)
{
    for (int level = 0; level < RW_WHEEL_LEVELS; level++)
        while (wheel->occupied[level]) {
            unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
            struct rw_list *list = &wheel->slots[level][slot];
            if (rw_list_empty(list)) {
                wheel->occupied[level] &= wheel->occupied[level] - 1;
                continue;
            }
            int shift = level * RW_WHEEL_BITS;
            int above = shift + RW_WHEEL_BITS;
            uint64_t base = above < 64 ? wheel->now_ms >> above << above : 0;
            *begin_ms = base | (uint64_t)slot << shift;
            return list;
        }
    return NULL;
}

uint64_t rw_wheel_next_ms(struct rw_wheel *wheel)
{
    uint64_t begin_ms;
    if (!rw_list_empty(&wheel->overdue))
        return wheel->now_ms;
    return next_slot(wheel, &begin_ms) ? begin_ms : UINT64_MAX;
}

static void move_all(struct rw_list *to, struct rw_list *from)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(from)))
        rw_list_push_back(to, item);
}

static void fire_all(struct rw_list *due)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(due))) {
        struct rw_timer *timer = rw_container_of(item, struct rw_timer, link);
        timer->fire(timer);
    }
}

void rw_wheel_run(struct rw_wheel *wheel, uint64_t now_ms)
{
    struct rw_list *slot;
    uint64_t begin_ms;
    struct rw_list due;
    rw_list_init(&due);
    move_all(&due, &wheel->overdue);
    while ((slot = next_slot(wheel, &begin_ms)) && begin_ms <= now_ms) {
        struct rw_list moving;
        rw_list_init(&moving);
        move_all(&moving, slot);
        wheel->now_ms = begin_ms;
        struct rw_list *item;
        while ((item = rw_list_pop_front(&moving)))
            place(wheel, rw_container_of(item, struct rw_timer, link));
        move_all(&due, &wheel->overdue);
    }
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
    fire_all(&due);
}
