#include "verify/system.h"

#include "base/clock.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_US = 5000,
    FREE_LOOKS = 400,
    STEADY_LOOKS = 10,
    STOP_MS_MAX = 10000,
    WORD_BYTES_MORE = 256
};

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
                           const struct rw_config *config, const _Atomic bool *stop,
                           struct rw_text *why)
{
    const struct rw_acceptance *file = drive->file;
    bool ours = config && !file->gateway->pid_file.len;
    *system = (struct rw_system){
        .file = file, .drive = drive, .counts_fd = -1, .stop = stop, .gateway.log = -1};
    for (size_t i = 0; i < file->servers.count; i++)
        system->servers[i].log = -1;
    find_self();
    enum rw_err err = rw_tailor_open(&system->tailor, file, ours ? config : NULL, why);
    if (!err)
        err = rw_origin_counts_open(&system->counts, &system->counts_fd);
    if (!err && config && config->admin)
        err = rw_address_parse(config->admin->address, &system->admin);
    if (!err && ours && asks_for_clock(file)) {
        err = rw_clock_shim_open(&system->clock);
        system->has_clock = !err;
    }
    if (err)
        rw_system_close(system);
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

/* Whether it had begun to listen before is a matter of milliseconds, and says nothing. */
static void tell_end(const struct rw_process *process, struct rw_text *why)
{
    rw_text_addf(why, "%s has ended by itself", process->name);
    if (WIFSIGNALED(process->status))
        rw_text_addf(why, " (%s)", strsignal(WTERMSIG(process->status)));
    rw_text_adds(why, ":\n");
    rw_process_last_words(process, why);
}

/* Accepting once is not enough: whoever fails to start may have come as far as that. */
enum rw_err rw_system_wait(const struct rw_system *system, struct rw_process *process,
                           const struct rw_address *address, uint32_t ms_max, struct rw_text *why)
{
    uint64_t end_ns = rw_clock_monotonic_ns() + ms_max * RW_NS_PER_MS;
    char place[RW_ADDRESS_TEXT_MAX];
    unsigned steady = 0;
    for (;;) {
        if (process && !rw_process_runs(process)) {
            tell_end(process, why);
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
    rw_text_addf(why, "nobody listens at %.*s after %.1f s", (int)len, place, ms_max / 1e3);
    if (process) {
        rw_text_addf(why, "; %s says:\n", process->name);
        rw_process_last_words(process, why);
    } else {
        rw_text_adds(why, "\n");
    }
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

/* Where the server itself listens, and a relay in its place. */
static enum rw_err relay_server(struct rw_system *system, unsigned index, struct rw_faults *faults,
                                struct rw_text *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    struct rw_address address = system->listens[index], *listens = &system->listens[index];
    enum rw_err err =
        server->listens.len ? rw_address_parse(server->listens, listens) : find_port(listens);
    if (!err)
        err = check_free(&address, server->name.at, why);
    if (!err)
        err = rw_faults_relay(faults, &address, listens, &system->relays[index]);
    if (err && !why->len)
        rw_text_addf(why, "the relay in front of %s: %s\n", server->name.at, rw_err_text(err));
    return err;
}

/* What runs already listens where it does, whether faults are caused or not. */
static bool needs_relay(const struct rw_verify_server *server, enum rw_system_stage stage)
{
    bool can_have_one = server->origin || rw_verify_server_is_placed(server) || server->listens.len;
    return can_have_one && (stage == RW_SYSTEM_DISTURBED || !is_ours(server));
}

static enum rw_err open_names(struct rw_system *system, struct rw_faults *faults)
{
    struct rw_address any;
    enum rw_err err = rw_address_parse(RW_LITERAL("127.0.0.1:0"), &any);
    if (!err)
        err = rw_faults_names(faults, &any, &system->names);
    return err ? err : rw_tailor_names(&system->tailor, faults);
}

bool rw_system_needs_faults(const struct rw_system *system)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    bool needed = system->tailor.names;
    for (unsigned i = 0; i < system->file->servers.count; i++)
        needed = needed || needs_relay(&servers[i], RW_SYSTEM_QUIET);
    return needed;
}

enum rw_err rw_system_place(struct rw_system *system, struct rw_faults *faults,
                            enum rw_system_stage stage, struct rw_text *why)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(system->file);
    enum rw_err err = RW_OK;
    system->stage = stage;
    system->names = NULL;
    for (unsigned i = 0; !err && i < system->file->servers.count; i++) {
        system->relays[i] = NULL;
        err = rw_address_parse(servers[i].address, &system->listens[i]);
        if (!err && faults && needs_relay(&servers[i], stage))
            err = relay_server(system, i, faults, why);
    }
    if (!err && faults && system->tailor.names)
        err = open_names(system, faults);
    if (!err)
        err = rw_tailor_write(&system->tailor,
                              system->names ? rw_names_address(system->names) : NULL);
    if (err && !why->len)
        rw_text_addf(why, "%s\n", rw_err_text(err));
    return err;
}

static enum rw_err start_origin(struct rw_system *system, unsigned index)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    const struct rw_tailored_tls *tls = rw_tailor_tls(&system->tailor, server->upstream);
    char counts[16], identity[16], place[RW_ADDRESS_TEXT_MAX + 1];
    place[rw_address_format(place, &system->listens[index].storage)] = '\0';
    snprintf(counts, sizeof(counts), "%d", system->counts_fd);
    snprintf(identity, sizeof(identity), "%d", tls ? tls->identity : -1);
    bool secure = tls && tls->identity >= 0;
    char *const arguments[] = {self,
                               "verify",
                               "--origin",
                               (char *)server->name.at,
                               "--origin-listen",
                               place,
                               "--origin-counts",
                               counts,
                               (char *)system->file->path,
                               secure ? "--origin-identity" : NULL,
                               identity,
                               NULL};
    return rw_process_start(&system->servers[index], server->name.at, arguments);
}

/* `{address}`, `{host}` and `{port}` in a word of a command: where it is to listen. */
static void fill_word(struct rw_span word, const struct rw_address *listens, char *to, size_t room)
{
    char address[RW_ADDRESS_TEXT_MAX + 1], host[RW_ADDRESS_TEXT_MAX + 1], port[8];
    const struct {
        struct rw_span name;
        const char *value;
    } values[] = {{RW_LITERAL("{address}"), address},
                  {RW_LITERAL("{host}"), host},
                  {RW_LITERAL("{port}"), port}};
    address[rw_address_format(address, &listens->storage)] = '\0';
    host[rw_address_format_host(host, rw_address_sockaddr(listens))] = '\0';
    snprintf(port, sizeof(port), "%u", rw_address_port(&listens->storage));
    size_t len = 0;
    while (word.len && len + 1 < room) {
        const char *value = NULL;
        for (size_t i = 0; i < sizeof(values) / sizeof(*values) && !value; i++)
            if (rw_span_starts(word, values[i].name)) {
                value = values[i].value;
                word = rw_span_skip(word, values[i].name.len);
            }
        if (value) {
            len += (size_t)snprintf(to + len, room - len, "%s", value);
        } else {
            to[len++] = word.at[0];
            word = rw_span_skip(word, 1);
        }
    }
    to[len < room ? len : room - 1] = '\0';
}

enum rw_err rw_system_command(const struct rw_system *system, unsigned index,
                              const struct rw_conf_list *command, struct rw_process *process)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    const struct rw_span *words = command->items;
    char *arguments[RW_PROCESS_ARGUMENTS_MAX + 1] = {NULL};
    struct rw_arena arena;
    enum rw_err err = RW_OK;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    for (size_t i = 0; !err && i < command->count && i < RW_PROCESS_ARGUMENTS_MAX; i++) {
        size_t room = words[i].len + WORD_BYTES_MORE;
        arguments[i] = rw_arena_alloc(&arena, room);
        if (arguments[i])
            fill_word(words[i], &system->listens[index], arguments[i], room);
        else
            err = RW_ENOMEM;
    }
    if (!err)
        err = rw_process_start(process, server->name.at, arguments);
    rw_arena_free(&arena);
    return err;
}

enum rw_err rw_system_start_server(struct rw_system *system, unsigned index, struct rw_text *why)
{
    const struct rw_verify_server *server = &rw_acceptance_servers(system->file)[index];
    const struct rw_address *listens = &system->listens[index];
    struct rw_process *process = &system->servers[index];
    if (!is_ours(server))
        return RW_OK;
    enum rw_err err = check_free(listens, server->name.at, why);
    if (!err)
        err = server->origin ? start_origin(system, index)
                             : rw_system_command(system, index, &server->command, process);
    return err ? err : rw_system_wait(system, process, listens, server->start_ms_max, why);
}

/* ---- All of it ---- */

static enum rw_err start_gateway(struct rw_system *system, struct rw_text *why)
{
    const struct rw_verify_gateway *gateway = system->file->gateway;
    char *arguments[RW_CLOCK_SHIM_ARGUMENTS + 4] = {NULL};
    char **at = arguments;
    if (system->stage == RW_SYSTEM_DISTURBED && system->has_clock) {
        rw_clock_shim_arguments(&system->clock, at);
        at += RW_CLOCK_SHIM_ARGUMENTS;
    }
    *at++ = self;
    *at++ = "serve";
    *at = (char *)rw_tailor_path(&system->tailor);
    enum rw_err err = check_free(&system->drive->address, "the gateway", why);
    if (!err)
        err = rw_process_start(&system->gateway, "the gateway", arguments);
    system->gateway.file = rw_tailor_path(&system->tailor);
    system->gateway.file_shown = gateway->config.at;
    return err ? err
               : rw_system_wait(system, &system->gateway, &system->drive->address,
                                gateway->start_ms_max, why);
}

enum rw_err rw_system_start(struct rw_system *system, struct rw_text *why)
{
    const struct rw_verify_gateway *gateway = system->file->gateway;
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < system->file->servers.count; i++)
        err = rw_system_start_server(system, i, why);
    if (!err && gateway && !gateway->pid_file.len)
        err = start_gateway(system, why);
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
        tell_end(process, why);
        all = false;
    }
    return all;
}

/* In the reverse order: who is asked by others ends after these, and need not wait for them. */
void rw_system_stop(struct rw_system *system)
{
    rw_process_stop(&system->gateway, STOP_MS_MAX);
    rw_process_close(&system->gateway);
    for (size_t i = system->file->servers.count; i-- > 0;) {
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
    rw_tailor_close(&system->tailor);
}
