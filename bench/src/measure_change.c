/* Reloads and binary upgrades under load. Each change carries a new configuration in which the path
 * /generation-N exists for the new N only; a change counts when that path answers 200, so a signal
 * that was swallowed or merged with the one before cannot pass for a reload.
 */
#include "cases.h"
#include "net.h"
#include "process.h"

#include <signal.h>
#include <stdio.h>

#define EFFECT_PATIENCE_MS UINT64_C(5000)
#define EFFECT_POLL_MS 2
/* A peer may swallow a signal that comes while it is still busy with the one before. */
#define SEND_AGAIN_MS UINT64_C(300)
#define ALL_PATIENCE_MS UINT64_C(90000)
#define LEAVE_PATIENCE_MS 10000
#define LEAVE_POLL_MS 50
#define SETTLE_MS 1000
/* Memory is compared between this share of the changes and all of them: the first ones warm pools.
 */
#define FIRST_SHARE 5u
/* Flat means: less than 5% and 512 KiB of growth. Pages and pools breathe by about that much. */
#define GROWTH_SHARE_MAX 0.05
#define GROWTH_BYTES_MAX (512.0 * 1024)

static bool send_signal(const struct bench_instance *instance, int signal_number)
{
    pid_t root = bench_session_root(instance->session);
    if (root == 0 || kill(root, signal_number) != 0) {
        fprintf(stderr, "[%s is gone] ", instance->contender->name);
        return false;
    }
    return true;
}

static bool has_effect(const struct bench_instance *instance)
{
    char path[64];
    snprintf(path, sizeof path, "/generation-%u", instance->values.generation);
    bench_process_reap();
    return bench_probe(instance->values.port, path) == 200;
}

/* Sends the signal and waits until the new configuration answers. */
static bool change_once(const struct bench_instance *instance, int signal_number,
                        unsigned *sent_again)
{
    uint64_t begun_ns = bench_now_ns();
    uint64_t sent_ns = begun_ns;
    if (!send_signal(instance, signal_number)) {
        return false;
    }
    while (!has_effect(instance)) {
        uint64_t now = bench_now_ns();
        if (now - begun_ns > EFFECT_PATIENCE_MS * 1000000u) {
            fprintf(stderr, "[change %u took no effect] ", instance->values.generation);
            return false;
        }
        if (now - sent_ns > SEND_AGAIN_MS * 1000000u) {
            sent_ns = now;
            (*sent_again)++;
            if (!send_signal(instance, signal_number)) {
                return false;
            }
        }
        if (!bench_sleep_ms(EFFECT_POLL_MS)) {
            return false;
        }
    }
    return true;
}

/* Waits until the processes that a change replaced have gone. Not an error when they linger: their
 * memory then counts as growth. */
static bool await_leaving(const struct bench_instance *instance, size_t usual)
{
    pid_t members[BENCH_SESSION_PROCESSES_MAX];
    for (int waited = 0; waited < LEAVE_PATIENCE_MS; waited += LEAVE_POLL_MS) {
        bench_process_reap();
        if (bench_session_members(instance->session, members, BENCH_SESSION_PROCESSES_MAX) <=
            usual) {
            break;
        }
        if (!bench_sleep_ms(LEAVE_POLL_MS)) {
            return false;
        }
    }
    return bench_sleep_ms(SETTLE_MS);
}

static bool change_some(struct bench_laboratory *laboratory, struct bench_instance *instance,
                        int signal_number, unsigned changes, uint64_t deadline_ns)
{
    unsigned sent_again = 0;
    bool whole = true;
    for (unsigned i = 0; i < changes && whole; i++) {
        if (bench_now_ns() > deadline_ns) {
            fputs("[out of time] ", stderr);
            return false;
        }
        instance->values.generation++;
        bench_instance_configure(laboratory, instance);
        whole = change_once(instance, signal_number, &sent_again);
    }
    if (sent_again > 0) {
        fprintf(stderr, "[%u signals swallowed and sent again] ", sent_again);
    }
    return whole;
}

static bool measure_changes(struct bench_laboratory *laboratory, const struct bench_case *each,
                            struct bench_instance *instance, int signal_number,
                            struct bench_sample *sample)
{
    pid_t members[BENCH_SESSION_PROCESSES_MAX];
    unsigned first = each->changes / FIRST_SHARE;
    uint64_t deadline_ns = bench_now_ns() + ALL_PATIENCE_MS * 1000000u;
    if (signal_number == 0 ||
        !bench_client_start(laboratory, 0, each, instance, each->connections)) {
        return false;
    }
    size_t usual = bench_session_members(instance->session, members, BENCH_SESSION_PROCESSES_MAX);
    bool whole = change_some(laboratory, instance, signal_number, first, deadline_ns) &&
                 await_leaving(instance, usual);
    double before = (double)bench_session_memory(instance->session).own;
    whole = whole &&
            change_some(laboratory, instance, signal_number, each->changes - first, deadline_ns) &&
            await_leaving(instance, usual);
    double after = (double)bench_session_memory(instance->session).own;
    sample->failures = bench_client_stop(laboratory, 0);
    sample->value = (double)sample->failures;
    sample->growth = after - before;
    sample->grew = sample->growth > GROWTH_BYTES_MAX && sample->growth > GROWTH_SHARE_MAX * before;
    return whole;
}

bool bench_measure_reloads(struct bench_laboratory *laboratory, const struct bench_case *each,
                           struct bench_instance *instance, struct bench_sample *sample)
{
    return measure_changes(laboratory, each, instance, instance->contender->reload_signal, sample);
}

bool bench_measure_upgrades(struct bench_laboratory *laboratory, const struct bench_case *each,
                            struct bench_instance *instance, struct bench_sample *sample)
{
    return measure_changes(laboratory, each, instance, instance->contender->upgrade_signal, sample);
}
