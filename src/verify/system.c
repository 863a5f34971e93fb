#include "verify/system.h"

#include "base/clock.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_US = 5000, FREE_LOOKS = 400, STEADY_LOOKS = 10, STOP_MS_MAX = 10000 };

/* As another program would start it: "/proc/self/exe" is that one's own. */
static char self[PATH_MAX];

static void find_self(void)
{
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
}

static bool asks_for_clock(const struct rw_acceptance *file)
{
    const struct rw_verify_fault *faults = rw_acceptance_faults(file);
    for (size_t i = 0; i < file->faults.count; i++)
        if (faults[i].class == RW_FAULT_CLOCK_STEP)
            return true;
    return false;
}

enum rw_err rw_system_open(struct rw_system *system, const struct rw_drive *drive,
                           const struct rw_config *config, const _Atomic bool *stop)
{
    const struct rw_acceptance *file = drive->file;
    *system = (struct rw_system){
        .file = file, .drive = drive, .counts_fd = -1, .stop = stop, .gateway.log = -1};
    for (size_t i = 0; i < file->servers.count; i++)
        system->servers[i].log = -1;
    find_self();
    enum rw_err err = rw_origin_counts_open(&system->counts, &system->counts_fd);
    if (!err && config && config->admin)
        err = rw_address_parse(config->admin->address, &system->admin);
    if (!err && config && asks_for_clock(file)) {
        err = rw_clock_shim_open(&system->clock);
        system->has_clock = !err;
    }
    return err;
}

/* ---- Waiting until somebody listens ---- */

static bool accepts(const struct rw_address *address)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, rw_address_sockaddr(address), address->bytes) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static void tell_end(const struct rw_process *process, const char *what, struct rw_text *why)
{
    rw_text_addf(why, "%s %s:\n", process->name, what);
    rw_process_last_words(process, why);
}

/* Accepting once is not enough: whoever fails to start may have come as far as that. */
static enum rw_err wait_until_up(struct rw_system *system, struct rw_process *process,
                                 const struct rw_address *address, uint32_t ms_max,
                                 struct rw_text *why)
{
    uint64_t end_ns = rw_clock_monotonic_ns() + ms_max * RW_NS_PER_MS;
    char place[RW_ADDRESS_TEXT_MAX];
    unsigned steady = 0;
    for (;;) {
        if (!rw_process_runs(process)) {
            tell_end(process, "has ended at once", why);
            return RW_ECLOSED;
        }
        steady = accepts(address) ? steady + 1 : 0;
        if (steady == STEADY_LOOKS)
            return RW_OK;
        if (atomic_load(system->stop))
            return RW_ECANCELED;
        if (rw_clock_monotonic_ns() > end_ns)
            break;
        usleep(LOOK_US);
    }
    size_t len = rw_address_format(place, &address->storage);
    rw_text_addf(why, "nobody listens at %.*s after %.1f s; ", (int)len, place, ms_max / 1e3);
    tell_end(process, "says", why);
    return RW_ETIMEDOUT;
}

/* Were somebody there already, the load would go to a system that nobody asked about. What the last
 * repetition has left may take a moment to go. */
static enum rw_err check_free(const struct rw_address *address, const char *name,
                              struct rw_text *why)
{
    char place[RW_ADDRESS_TEXT_MAX];
    for (unsigned looks = 0; looks < FREE_LOOKS; looks++) {
        if (!accepts(address))
            return RW_OK;
        usleep(LOOK_US);
    }
    size_t len = rw_address_format(place, &address->storage);
    rw_text_addf(why, "%s cannot be started: somebody listens at %.*s already\n", name, (int)len,
                 place);
    return RW_EADDRINUSE;
}

/* ---- Servers ---- */

static bool is_ours(const struct rw_verify_server *server)
{
    return server->origin || server->command.count;
}

/* One that nobody has at this moment. */
static enum rw_err find_port(struct rw_address *address)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(loopback);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, bytes) == 0 &&
                getsockname(fd, (struct sockaddr *)&loopback, &bytes) == 0;
    if (fd >= 0)
        close(fd);
    memcpy(&address->storage, &loopback, sizeof(loopback));
    address->bytes = sizeof(loopback);
    return good ? RW_OK : RW_EIO;
}

/* Where the server itself listens, and a relay in its place if it can have one. */
static enum rw_err place_server(struct rw_system *system, unsigned index, struct rw_faults *faults,
                                struct rw_text *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    struct rw_address address, *listens = &system->listens[index];
    enum rw_err err = rw_address_parse(server->address, &address);
    *listens = address;
    system->relays[index] = NULL;
    if (err || !faults || (!server->origin && !server->listens.len))
        return err;
    err = server->listens.len ? rw_address_parse(server->listens, listens) : find_port(listens);
    if (!err)
        err = check_free(&address, server->name.at, why);
    if (!err)
        err = rw_faults_relay(faults, &address, listens, &system->relays[index]);
    if (err && !why->len)
        rw_text_addf(why, "the relay in front of %s: %s\n", server->name.at, rw_err_text(err));
    return err;
}

static enum rw_err start_origin(struct rw_system *system, unsigned index)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    char fd[16], place[RW_ADDRESS_TEXT_MAX + 1];
    place[rw_address_format(place, &system->listens[index].storage)] = '\0';
    snprintf(fd, sizeof(fd), "%d", system->counts_fd);
    char *const arguments[] = {
        self,  "verify",          "--origin", (char *)server->name.at,    "--origin-listen",
        place, "--origin-counts", fd,         (char *)system->file->path, NULL};
    return rw_process_start(&system->servers[index], server->name.at, arguments);
}

static enum rw_err start_command(struct rw_system *system, unsigned index)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    const struct rw_span *words = server->command.items;
    char *arguments[RW_PROCESS_ARGUMENTS_MAX + 1] = {NULL};
    for (size_t i = 0; i < server->command.count && i < RW_PROCESS_ARGUMENTS_MAX; i++)
        arguments[i] = (char *)words[i].at;
    return rw_process_start(&system->servers[index], server->name.at, arguments);
}

static enum rw_err start_server(struct rw_system *system, unsigned index, struct rw_text *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    const struct rw_address *listens = &system->listens[index];
    if (!is_ours(server))
        return RW_OK;
    enum rw_err err = check_free(listens, server->name.at, why);
    if (!err)
        err = server->origin ? start_origin(system, index) : start_command(system, index);
    if (err)
        return err;
    return wait_until_up(system, &system->servers[index], listens, server->start_ms_max, why);
}

/* ---- All of it ---- */

static enum rw_err start_gateway(struct rw_system *system, const struct rw_faults *faults,
                                 struct rw_text *why)
{
    const struct rw_verify_gateway *gateway = system->file->gateway;
    char *arguments[RW_CLOCK_SHIM_ARGUMENTS + 4] = {NULL};
    char **at = arguments;
    if (faults && system->has_clock) {
        rw_clock_shim_arguments(&system->clock, at);
        at += RW_CLOCK_SHIM_ARGUMENTS;
    }
    *at++ = self;
    *at++ = "serve";
    *at = (char *)gateway->config.at;
    enum rw_err err = check_free(&system->drive->address, "the gateway", why);
    if (!err)
        err = rw_process_start(&system->gateway, "the gateway", arguments);
    return err ? err
               : wait_until_up(system, &system->gateway, &system->drive->address,
                               gateway->start_ms_max, why);
}

enum rw_err rw_system_start(struct rw_system *system, struct rw_faults *faults, struct rw_text *why)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < system->file->servers.count; i++)
        err = place_server(system, i, faults, why);
    for (unsigned i = 0; !err && i < system->file->servers.count; i++)
        err = start_server(system, i, why);
    if (!err && system->file->gateway)
        err = start_gateway(system, faults, why);
    if (err && !why->len)
        rw_text_addf(why, "%s\n", rw_err_text(err));
    return err;
}

bool rw_system_runs(struct rw_system *system, struct rw_text *why)
{
    bool all = true;
    for (unsigned i = 0; i <= system->file->servers.count; i++) {
        struct rw_process *process =
            i < system->file->servers.count ? &system->servers[i] : &system->gateway;
        if (!process->pid || rw_process_runs(process))
            continue;
        tell_end(process, "has ended by itself", why);
        all = false;
    }
    return all;
}

void rw_system_stop(struct rw_system *system)
{
    rw_process_stop(&system->gateway, STOP_MS_MAX);
    rw_process_close(&system->gateway);
    for (unsigned i = 0; i < system->file->servers.count; i++) {
        rw_process_stop(&system->servers[i], STOP_MS_MAX);
        rw_process_close(&system->servers[i]);
    }
}

void rw_system_close(struct rw_system *system)
{
    rw_system_stop(system);
    if (system->has_clock)
        rw_clock_shim_close(&system->clock);
    rw_origin_counts_close(system->counts, system->counts_fd);
}

/* ---- For faults ---- */

static bool serves(const struct rw_verify_server *server, const struct rw_dependency *dependency)
{
    if ((enum rw_dependency_kind)server->kind != dependency->kind)
        return false;
    return dependency->kind == RW_DEPENDENCY_REDIS ||
           rw_span_eq(server->upstream, dependency->name);
}

static bool is_gateways_own(enum rw_dependency_kind kind)
{
    return kind == RW_DEPENDENCY_WORKER || kind == RW_DEPENDENCY_LIMITS ||
           kind == RW_DEPENDENCY_CLOCK || kind == RW_DEPENDENCY_CONFIGURATION;
}

void rw_system_target(struct rw_system *system, const struct rw_dependency *dependency,
                      struct rw_system_target *target)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    struct rw_fault_target *to = &target->target;
    *target = (struct rw_system_target){.target.dependency = dependency};
    to->relays = target->relays;
    to->pids = target->pids;
    for (size_t i = 0; i < system->file->servers.count; i++) {
        if (!serves(&servers[i], dependency))
            continue;
        if (system->relays[i])
            target->relays[to->relay_count++] = system->relays[i];
        if (system->servers[i].pid)
            target->pids[to->pid_count++] = system->servers[i].pid;
    }
    to->front = &system->drive->address;
    to->front_tls = system->drive->tls[0];
    to->front_host = system->drive->authority;
    to->front_path = system->drive->requests[0].target;
    to->admin = system->admin.bytes ? &system->admin : NULL;
    if (system->has_clock && system->gateway.pid)
        to->clock = &system->clock;
    if (is_gateways_own(dependency->kind) && system->gateway.pid)
        target->pids[to->pid_count++] = system->gateway.pid;
}

enum rw_err rw_system_revive(struct rw_system *system, const struct rw_dependency *dependency,
                             struct rw_text *why)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < system->file->servers.count; i++) {
        if (!serves(&servers[i], dependency) || rw_process_runs(&system->servers[i]))
            continue;
        rw_process_close(&system->servers[i]);
        err = start_server(system, i, why);
    }
    return err;
}

double rw_system_cpu_seconds(const struct rw_system *system)
{
    return system->gateway.pid ? rw_process_cpu_seconds(system->gateway.pid) : __builtin_nan("");
}
