/* What floods cost. Each is sent to a gateway of its own, so that nothing of the one before is
 * remembered, from its first connection on; so the time includes what it takes until the gateway
 * knows the address. A flood that does not do what its script says has no value.
 */
#include "cases.h"
#include "flood_script.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

/* Lets the attacker loose for the case's time. False: it could not be, or nothing came of it. */
static bool attack(struct bench_laboratory *laboratory, const struct bench_case *each, int port,
                   pid_t victim, const char *flood, struct bench_flood_cost *cost)
{
    if (!bench_flood_start(laboratory, 0, port, flood)) {
        return false;
    }
    struct bench_board *board = laboratory->clients[0].board;
    pid_t sender = laboratory->clients[0].session;
    uint64_t gateway_ns = bench_session_cpu_ns(victim), sender_ns = bench_session_cpu_ns(sender);
    __atomic_store_n(&board->record_from_ns, 1, __ATOMIC_RELEASE);
    bool whole = bench_sleep_ms(bench_run_ms(each));
    gateway_ns = bench_session_cpu_ns(victim) - gateway_ns;
    sender_ns = bench_session_cpu_ns(sender) - sender_ns;
    double connections = (double)bench_board_read(&board->responses);
    bench_client_stop(laboratory, 0);
    *cost = (struct bench_flood_cost){
        .name = flood,
        .gateway_us = (double)gateway_ns / 1e3 / connections,
        .sender_us = (double)sender_ns / 1e3 / connections,
        .ratio = (double)gateway_ns / (double)sender_ns,
    };
    return whole && connections > 0 && sender_ns > 0;
}

static bool measure_flood(struct bench_laboratory *laboratory, const struct bench_case *each,
                          struct bench_instance *instance, const struct flood_script *script,
                          struct bench_flood_cost *cost)
{
    enum bench_role role = (enum bench_role)(instance - laboratory->instances);
    bench_instance_stop(instance);
    if (!bench_instance_start(laboratory, role, each) ||
        !attack(laboratory, each, instance->values.port, instance->session, script->name, cost)) {
        return false;
    }
    if (script->limit != NULL && bench_floods_counted(instance, script->limit) == 0) {
        fprintf(stderr, "[no flood %s] ", script->limit);
        return false;
    }
    return true;
}

/* What the kernel asks of both sides for a connection that is closed when it is accepted. */
static bool measure_door(struct bench_laboratory *laboratory, const struct bench_case *each,
                         struct bench_flood_cost *cost)
{
    pid_t door = 0;
    int port = bench_door_start(laboratory, &door);
    bool whole = port != 0 && attack(laboratory, each, port, door, FLOOD_KNOCK, cost);
    bench_session_end(door);
    return whole;
}

bool bench_measure_floods(struct bench_laboratory *laboratory, const struct bench_case *each,
                          struct bench_instance *instance, struct bench_sample *sample)
{
    for (size_t i = 0; i < flood_scripts_count; i++) {
        struct bench_flood_cost *cost = &sample->costs[sample->floods];
        if (!measure_flood(laboratory, each, instance, &flood_scripts[i], cost)) {
            return false;
        }
        fprintf(stderr, "[%s %.2f] ", cost->name, cost->ratio);
        sample->value = fmax(sample->value, cost->ratio);
        sample->floods++;
    }
    return measure_door(laboratory, each, &sample->costs[sample->floods++]);
}
