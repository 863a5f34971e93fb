/* How faults get at the parts of the system, and how these come back. */
#include "verify/attach.h"
#include "verify/system.h"

#include <stdio.h>

static bool serves(const struct rw_verify_server *server, const struct rw_dependency *dependency)
{
    enum rw_dependency_kind kind = dependency->kind;
    if (kind == RW_DEPENDENCY_CERTIFICATE) /* it is an upstream's */
        kind = RW_DEPENDENCY_UPSTREAM;
    if ((enum rw_dependency_kind)server->kind != kind)
        return false;
    return kind == RW_DEPENDENCY_REDIS || rw_span_eq(server->upstream, dependency->name);
}

static bool is_gateways_own(enum rw_dependency_kind kind)
{
    return kind == RW_DEPENDENCY_WORKER || kind == RW_DEPENDENCY_LIMITS ||
           kind == RW_DEPENDENCY_CLOCK || kind == RW_DEPENDENCY_CONFIGURATION;
}

/* 0: it is not known. */
static pid_t pid_of_server(const struct rw_system *system, unsigned index, char *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    if (server->pid_file.len)
        return rw_attach(server->pid_file.at, &system->listens[index], why, RW_FAULT_WHY_BYTES);
    return system->servers[index].pid;
}

static pid_t pid_of_gateway(const struct rw_system *system, char *why)
{
    const struct rw_verify_gateway *gateway = system->file->gateway;
    if (gateway && gateway->pid_file.len)
        return rw_attach(gateway->pid_file.at, &system->drive->address, why, RW_FAULT_WHY_BYTES);
    return system->gateway.pid;
}

static void add_servers(struct rw_system *system, const struct rw_dependency *dependency,
                        struct rw_system_target *target)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    struct rw_fault_target *to = &target->target;
    for (unsigned i = 0; i < system->file->servers.count; i++) {
        if (!serves(&servers[i], dependency))
            continue;
        pid_t pid = pid_of_server(system, i, target->why);
        if (system->relays[i])
            target->relays[to->relay_count++] = system->relays[i];
        if (pid)
            target->pids[to->pid_count++] = pid;
    }
}

/* What the gateway asks and trusts. */
static void add_tailored(struct rw_system *system, const struct rw_dependency *dependency,
                         struct rw_fault_target *to)
{
    const struct rw_tailored_tls *tls = rw_tailor_tls(&system->tailor, dependency->name);
    to->names = system->names;
    if (dependency->kind != RW_DEPENDENCY_CERTIFICATE || !tls)
        return;
    to->authority = system->tailor.authority;
    to->server_name = tls->names;
}

void rw_system_target(struct rw_system *system, const struct rw_dependency *dependency,
                      struct rw_system_target *target)
{
    struct rw_fault_target *to = &target->target;
    *target = (struct rw_system_target){.target.dependency = dependency};
    to->relays = target->relays;
    to->pids = target->pids;
    add_servers(system, dependency, target);
    add_tailored(system, dependency, to);
    to->front = &system->drive->address;
    to->front_tls = system->drive->tls[0];
    to->front_host = system->drive->authority;
    to->front_path = system->drive->requests[0].target;
    to->admin = system->admin.bytes ? &system->admin : NULL;
    if (system->has_clock && system->gateway.pid)
        to->clock = &system->clock;
    pid_t gateway = is_gateways_own(dependency->kind) ? pid_of_gateway(system, target->why) : 0;
    if (gateway)
        target->pids[to->pid_count++] = gateway;
}

/* ---- Back to life ---- */

/* By the command of the file, or by whoever looks after it. */
static enum rw_err revive_attached(struct rw_system *system, unsigned index, struct rw_text *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    struct rw_process restart = {.log = -1};
    enum rw_err err = RW_OK;
    if (server->restart.count)
        err = rw_system_command(system, index, &server->restart, &restart);
    if (!err)
        err = rw_system_wait(system, NULL, &system->listens[index], server->start_ms_max, why);
    if (err)
        rw_text_addf(why, "%s was killed, and %s\n", server->name.at,
                     server->restart.count ? "its restart command did not bring it back"
                                           : "nobody has started it again: say how by `restart`");
    if (err && restart.log >= 0)
        rw_process_last_words(&restart, why);
    rw_process_forget(&restart);
    return err;
}

enum rw_err rw_system_revive(struct rw_system *system, const struct rw_dependency *dependency,
                             struct rw_text *why)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < system->file->servers.count; i++) {
        if (!serves(&servers[i], dependency))
            continue;
        if (servers[i].pid_file.len) {
            err = revive_attached(system, i, why);
        } else if (!rw_process_runs(&system->servers[i])) {
            rw_process_close(&system->servers[i]);
            err = rw_system_start_server(system, i, why);
        }
    }
    return err;
}

double rw_system_cpu_seconds(const struct rw_system *system)
{
    char why[RW_FAULT_WHY_BYTES];
    pid_t pid = pid_of_gateway(system, why);
    return pid ? rw_process_cpu_seconds(pid) : __builtin_nan("");
}
