/* What the attackers of the case floods say: for each flood all the bytes of one connection, made
 * once. They say a little more than the gateway's default limits allow: what is sent beyond that is
 * the attacker's own expense. Shared by the attacker and the driver.
 */
#ifndef BENCH_FLOOD_SCRIPT_H
#define BENCH_FLOOD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flood_script {
    const char *name;
    const char *limit; /* as ringway_http2_floods_total names it; NULL: the attacker leaves first */
    uint8_t *(*begin)(uint8_t *to);           /* what comes first, or NULL */
    uint8_t *(*add)(uint8_t *to, uint32_t i); /* one of what there is too much of */
    uint32_t count;
    bool windowless;  /* SETTINGS_INITIAL_WINDOW_SIZE is 0 */
    unsigned stay_ms; /* so long after its last byte the attacker leaves; 0: never */
};

extern const struct flood_script flood_scripts[];
extern const size_t flood_scripts_count;

/* What it costs to be turned away before a word: by a door (laboratory.h). */
#define FLOOD_KNOCK "accept and close"

/* NULL: there is none of that name. */
const struct flood_script *flood_script_find(const char *name);

/* All that is said on one connection; free() it. */
uint8_t *flood_script_make(const struct flood_script *script, size_t *length);

#endif
