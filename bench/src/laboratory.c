#include "laboratory.h"
#include "cases.h"
#include "certificate.h"
#include "net.h"
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* Below the range from which the kernel takes ports for outgoing connections. */
#define FIRST_PORT 20000
#define LAST_PORT 32000
#define START_PATIENCE_MS 15000
#define CLIENT_PATIENCE_MS 20000
#define STOP_PATIENCE_MS 7000
#define POLL_MS 20
#define PROBE_TIMEOUT_MS 1000
#define METRICS_BYTES_MAX ((size_t)256 << 20) /* 10,000 routes have a great many series */

static int blocking_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PROBE_TIMEOUT_MS / 1000};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool answers(int port)
{
    int fd = blocking_connect(port);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

int bench_probe(int port, const char *path)
{
    char text[512];
    int status = 0;
    int fd = blocking_connect(port);
    if (fd < 0) {
        return 0;
    }
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n", path);
    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) == length) {
        ssize_t count = recv(fd, text, sizeof text - 1, 0);
        text[count > 0 ? count : 0] = '\0';
        if (sscanf(text, "HTTP/1.1 %d", &status) != 1) {
            status = 0;
        }
    }
    close(fd);
    return status;
}

/* The value of one of Ringway's metrics, its labels included; false: it does not tell. */
static bool read_metric(const struct bench_instance *instance, const char *name, uint64_t *value)
{
    static const char ask[] =
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    char *text = bench_allocate(1, METRICS_BYTES_MAX);
    size_t length = 0;
    ssize_t count = 0;
    int fd = blocking_connect(instance->values.admin_port);
    if (fd >= 0 && send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) == (ssize_t)sizeof ask - 1) {
        while (length < METRICS_BYTES_MAX - 1 &&
               (count = recv(fd, text + length, METRICS_BYTES_MAX - 1 - length, 0)) > 0) {
            length += (size_t)count;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    const char *line = strstr(text, name);
    *value = line != NULL ? strtoull(line + strlen(name), NULL, 10) : 0;
    free(text);
    return line != NULL;
}

uint64_t bench_lines_dropped(const struct bench_instance *instance)
{
    uint64_t dropped = 0;
    bool is_ringway = instance->contender == &bench_contenders[BENCH_RINGWAY] ||
                      instance->contender == &bench_contenders[BENCH_BASELINE];
    if (is_ringway && !read_metric(instance, "\nringway_access_log_dropped_total ", &dropped)) {
        bench_fail("%s does not tell how many lines of its log it dropped",
                   instance->contender->name);
    }
    return dropped;
}

uint64_t bench_floods_counted(const struct bench_instance *instance, const char *flood)
{
    uint64_t counted = 0;
    char name[128];
    snprintf(name, sizeof name, "\nringway_http2_floods_total{flood=\"%s\"} ", flood);
    return read_metric(instance, name, &counted) ? counted : 0;
}

static int take_port(struct bench_laboratory *laboratory)
{
    while (laboratory->next_port < LAST_PORT) {
        int port = laboratory->next_port++;
        if (!answers(port)) {
            return port;
        }
    }
    bench_fail("no free port from %d to %d", FIRST_PORT, LAST_PORT);
}

/* Waits until the port answers; false when the process ended first or time is up. */
static bool await_port(int port, pid_t session)
{
    for (int waited = 0; waited < START_PATIENCE_MS; waited += POLL_MS) {
        bench_process_reap();
        if (answers(port)) {
            return true;
        }
        if (bench_session_root(session) == 0 || !bench_sleep_ms(POLL_MS)) {
            return false;
        }
    }
    return false;
}

bool bench_origin_revive(struct bench_laboratory *laboratory, const struct bench_case *each,
                         unsigned which)
{
    char program[4096];
    char port[16];
    char delay[16];
    char slots[16];
    char stall[16];
    char period[16];
    char output[128];
    snprintf(program, sizeof program, "%s/%s", laboratory->programs,
             each->origin_h2 ? "bench_origin_h2" : "bench_origin");
    snprintf(port, sizeof port, "%d", laboratory->origin_ports[which]);
    snprintf(delay, sizeof delay, "%u", each->origin_ms[which]);
    snprintf(slots, sizeof slots, "%u", each->origin_slots);
    snprintf(stall, sizeof stall, "%u", each->stall_ms);
    snprintf(period, sizeof period, "%u", each->period_ms > 0 ? each->period_ms : 1);
    snprintf(output, sizeof output, "%s/origin-%u.output", laboratory->directory, which);
    char *arguments[] = {program, port, each->origin_h2 ? NULL : delay, slots, stall, period, NULL};
    pid_t origin = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                              .output_path = output,
                                                              .core = BENCH_CLIENT_CORE,
                                                              .inherited_fd = -1,
                                                              .realtime = each->realtime});
    laboratory->origins[which] = origin;
    if (await_port(laboratory->origin_ports[which], origin)) {
        return true;
    }
    if (!bench_interrupted()) {
        bench_fail("the origin did not start");
    }
    return false;
}

/* In memory only, for whoever asks it on loopback. */
static bool start_redis(struct bench_laboratory *laboratory)
{
    char port[16];
    char output[128];
    laboratory->redis_port = take_port(laboratory);
    snprintf(port, sizeof port, "%d", laboratory->redis_port);
    snprintf(output, sizeof output, "%s/redis.output", laboratory->directory);
    char *arguments[] = {
        "redis-server",        "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir",
        laboratory->directory, NULL};
    laboratory->redis = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                                   .output_path = output,
                                                                   .core = BENCH_CLIENT_CORE,
                                                                   .inherited_fd = -1});
    if (await_port(laboratory->redis_port, laboratory->redis)) {
        return true;
    }
    if (!bench_interrupted()) {
        bench_fail("redis-server did not start");
    }
    return false;
}

bool bench_origin_start(struct bench_laboratory *laboratory, const struct bench_case *each)
{
    if (each->shared_rate > 0 && !start_redis(laboratory)) {
        return false;
    }
    unsigned count = each->origins > 0 ? each->origins : 1;
    for (unsigned which = 0; which < count; which++) {
        laboratory->origin_ports[which] = take_port(laboratory);
        if (!bench_origin_revive(laboratory, each, which)) {
            return false;
        }
    }
    return true;
}

void bench_origin_kill(struct bench_laboratory *laboratory, unsigned which)
{
    kill(laboratory->origins[which], SIGKILL);
    bench_session_end(laboratory->origins[which]);
    laboratory->origins[which] = 0;
}

void bench_origin_stop(struct bench_laboratory *laboratory)
{
    for (unsigned which = 0; which < BENCH_ORIGINS_MAX; which++) {
        bench_session_end(laboratory->origins[which]);
        laboratory->origins[which] = 0;
    }
    bench_session_end(laboratory->redis);
    laboratory->redis = 0;
}

/* In memory, if nobody wishes otherwise: at a million lines a second it would be the disk that is
 * measured. */
static const char *temporary_directory(void)
{
    const char *wish = getenv("TMPDIR");
    if (wish != NULL) {
        return wish;
    }
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

void bench_laboratory_open(struct bench_laboratory *laboratory)
{
    int length = snprintf(laboratory->directory, sizeof laboratory->directory, "%s/bench-XXXXXX",
                          temporary_directory());
    if (length >= (int)sizeof laboratory->directory || mkdtemp(laboratory->directory) == NULL) {
        laboratory->directory[0] = '\0';
        bench_fail("cannot make a temporary directory: %s", strerror(errno));
    }
    laboratory->next_port = FIRST_PORT + (int)(getpid() % 500) * 20;
    for (int which = 0; which < BENCH_CLIENTS_MAX; which++) {
        laboratory->clients[which].board_fd = -1;
    }
    bench_certificate_write(laboratory->directory);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void bench_laboratory_close(struct bench_laboratory *laboratory)
{
    for (int which = 0; which < BENCH_CLIENTS_MAX; which++) {
        bench_session_end(laboratory->clients[which].session);
        laboratory->clients[which].session = 0;
    }
    for (int role = 0; role < BENCH_ROLES; role++) {
        bench_instance_stop(&laboratory->instances[role]);
    }
    bench_origin_stop(laboratory);
    if (laboratory->directory[0] != '\0') {
        nftw(laboratory->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        laboratory->directory[0] = '\0';
    }
}

void bench_instance_configure(struct bench_laboratory *laboratory, struct bench_instance *instance)
{
    char from[4096];
    if (instance->contender->template_file == NULL) {
        return;
    }
    snprintf(from, sizeof from, "%s/%s", laboratory->templates, instance->contender->template_file);
    bench_template_expand(&instance->values, from, instance->config_path);
}

/* The argument as the program will see it; heap memory. */
static char *expand_argument(const struct bench_laboratory *laboratory,
                             const struct bench_instance *instance, const char *argument)
{
    char *text = NULL;
    if (strcmp(argument, "@CONFIG@") == 0) {
        text = strdup(instance->config_path);
    } else if (strcmp(argument, "ringway") == 0) {
        text = strdup(laboratory->ringway);
    } else if (strcmp(argument, "bench_floor") == 0) {
        if (asprintf(&text, "%s/%s", laboratory->programs, argument) < 0) {
            text = NULL;
        }
    } else {
        text = bench_template_line(&instance->values, argument);
    }
    if (text == NULL) {
        bench_fail("out of memory");
    }
    return text;
}

static void show_output(const char *name, const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");
    fprintf(stderr, "bench: %s did not start; it said:\n", name);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        fprintf(stderr, "  %s", line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void launch_instance(const struct bench_laboratory *laboratory,
                            const struct bench_case *each, struct bench_instance *instance,
                            const char *output)
{
    char *arguments[BENCH_ARGUMENTS_MAX + 1] = {NULL};
    for (int i = 0; i < BENCH_ARGUMENTS_MAX && instance->contender->command[i] != NULL; i++) {
        arguments[i] = expand_argument(laboratory, instance, instance->contender->command[i]);
    }
    instance->session = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                                   .output_path = output,
                                                                   .core = BENCH_GATEWAY_CORE,
                                                                   .inherited_fd = -1,
                                                                   .realtime = each->realtime});
    for (int i = 0; arguments[i] != NULL; i++) {
        free(arguments[i]);
    }
}

bool bench_instance_start(struct bench_laboratory *laboratory, enum bench_role role,
                          const struct bench_case *each)
{
    struct bench_instance *instance = &laboratory->instances[role];
    char output[256];
    *instance = (struct bench_instance){.contender = &bench_contenders[role]};
    snprintf(instance->directory, sizeof instance->directory, "%s/%s", laboratory->directory,
             instance->contender->name);
    snprintf(instance->config_path, sizeof instance->config_path, "%s/%s/config",
             laboratory->directory, instance->contender->name);
    snprintf(output, sizeof output, "%s/output", instance->directory);
    mkdir(instance->directory, 0700);
    bench_certificate_link(laboratory->directory, instance->directory);
    instance->values = (struct bench_template){
        .port = take_port(laboratory),
        .admin_port = take_port(laboratory),
        .origin_ports = laboratory->origin_ports,
        .origins = role == BENCH_BASELINE ? each->baseline_origins : each->origins,
        .overload = each->overload,
        .by_latency = each->by_latency,
        .policies = each->policies,
        .shared_rate = each->shared_rate,
        .redis_port = laboratory->redis_port,
        .directory = instance->directory,
        .tls = each->tls,
        .large = each->large,
        .compressed = each->compressed,
        .tcp = each->tcp,
        .changing = each->changing,
        .h2 = each->streams > 0,
        .origin_h2 = each->origin_h2,
        .reply = each->reply,
        .unguarded = each->floods && role == BENCH_BASELINE,
        .routes = role == BENCH_BASELINE ? each->baseline_routes : each->routes,
        .consumers = each->consumers,
    };
    bench_instance_configure(laboratory, instance);
    launch_instance(laboratory, each, instance, output);
    if (!await_port(instance->values.port, instance->session)) {
        if (!bench_interrupted()) {
            show_output(instance->contender->name, output);
        }
        bench_instance_stop(instance);
        return false;
    }
    return true;
}

void bench_instance_stop(struct bench_instance *instance)
{
    bench_session_end(instance->session);
    instance->session = 0;
}

static void open_board(struct bench_load_client *client)
{
    if (client->board != NULL) {
        munmap(client->board, sizeof *client->board);
        close(client->board_fd);
    }
    client->board_fd = memfd_create("bench-board", MFD_CLOEXEC);
    if (client->board_fd < 0 || ftruncate(client->board_fd, sizeof *client->board) != 0) {
        bench_fail("cannot make a board: %s", strerror(errno));
    }
    client->board =
        mmap(NULL, sizeof *client->board, PROT_READ | PROT_WRITE, MAP_SHARED, client->board_fd, 0);
    if (client->board == MAP_FAILED) {
        bench_fail("cannot map a board: %s", strerror(errno));
    }
}

static bool await_client(struct bench_load_client *client)
{
    for (int waited = 0; waited < CLIENT_PATIENCE_MS; waited += POLL_MS) {
        bench_process_reap();
        if (__atomic_load_n(&client->board->ready, __ATOMIC_ACQUIRE) != 0) {
            return true;
        }
        if (bench_session_root(client->session) == 0 || !bench_sleep_ms(POLL_MS)) {
            return false;
        }
    }
    return false;
}

static void launch_client(const struct bench_laboratory *laboratory,
                          struct bench_load_client *client, const struct bench_case *each,
                          const struct bench_instance *instance, unsigned connections)
{
    char program[4096];
    char output[128];
    char numbers[9][16];
    const unsigned values[9] = {(unsigned)instance->values.port,
                                connections,
                                each->rate == 0 ? 1 : each->rate,
                                instance->values.routes,
                                each->body_bytes,
                                (unsigned)client->board_fd,
                                BENCH_CLIENT_CORE,
                                each->streams,
                                each->consumers};
    for (int i = 0; i < 9; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%u", values[i]);
    }
    snprintf(program, sizeof program, "%s/bench_client", laboratory->programs);
    snprintf(output, sizeof output, "%s/client.output", laboratory->directory);
    char *arguments[] = {program,
                         "--port",
                         numbers[0],
                         "--connections",
                         numbers[1],
                         "--rate",
                         numbers[2],
                         "--routes",
                         numbers[3],
                         "--body",
                         numbers[4],
                         "--board",
                         numbers[5],
                         "--core",
                         numbers[6],
                         "--streams",
                         numbers[7],
                         "--consumers",
                         numbers[8],
                         "--mode",
                         (char *)each->client_mode,
                         "--path",
                         (char *)each->path,
                         each->tls                                 ? "--tls"
                         : each->compressed                        ? "--gzip"
                         : each->upgrade                           ? "--upgrade"
                         : each->overload || each->shared_rate > 0 ? "--refusals"
                                                                   : NULL,
                         NULL};
    client->session = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                                 .output_path = output,
                                                                 .core = BENCH_CLIENT_CORE,
                                                                 .inherited_fd = client->board_fd,
                                                                 .realtime = each->realtime});
}

static void launch_attack(const struct bench_laboratory *laboratory,
                          struct bench_load_client *client, const struct bench_case *each,
                          const struct bench_instance *instance, unsigned connections)
{
    char program[4096];
    char output[128];
    char numbers[5][16];
    const unsigned values[5] = {(unsigned)instance->values.port, connections, each->attack_rate,
                                (unsigned)client->board_fd, BENCH_CLIENT_CORE};
    for (int i = 0; i < 5; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%u", values[i]);
    }
    snprintf(program, sizeof program, "%s/bench_attack", laboratory->programs);
    snprintf(output, sizeof output, "%s/attack.output", laboratory->directory);
    char *arguments[] = {program,    "--port",  numbers[0], "--connections", numbers[1], "--rate",
                         numbers[2], "--board", numbers[3], "--core",        numbers[4], NULL};
    client->session = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                                 .output_path = output,
                                                                 .core = BENCH_CLIENT_CORE,
                                                                 .inherited_fd = client->board_fd,
                                                                 .realtime = each->realtime});
}

static void launch_flood(const struct bench_laboratory *laboratory,
                         struct bench_load_client *client, int port, const char *flood)
{
    char program[4096];
    char output[128];
    char numbers[3][16];
    const int values[3] = {port, client->board_fd, BENCH_CLIENT_CORE};
    for (int i = 0; i < 3; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    }
    snprintf(program, sizeof program, "%s/bench_flood", laboratory->programs);
    snprintf(output, sizeof output, "%s/flood.output", laboratory->directory);
    char *arguments[] = {program,  "--port",   numbers[0], "--board",     numbers[1],
                         "--core", numbers[2], "--flood",  (char *)flood, NULL};
    client->session = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                                 .output_path = output,
                                                                 .core = BENCH_CLIENT_CORE,
                                                                 .inherited_fd = client->board_fd});
}

static void report_client(const struct bench_load_client *client)
{
    static const char *const texts[] = {
#define FAILURE_TEXT(kind, text) text,
        BENCH_FAILURES(FAILURE_TEXT)
#undef FAILURE_TEXT
    };
    for (int kind = 0; kind < BENCH_FAILURE_KINDS; kind++) {
        uint64_t count = bench_board_read(&client->board->failures[kind]);
        if (count > 0) {
            fprintf(stderr, "[%lu x %s] ", (unsigned long)count, texts[kind]);
        }
    }
}

bool bench_client_start(struct bench_laboratory *laboratory, int which,
                        const struct bench_case *each, const struct bench_instance *instance,
                        unsigned connections)
{
    struct bench_load_client *client = &laboratory->clients[which];
    open_board(client);
    launch_client(laboratory, client, each, instance, connections);
    if (!await_client(client)) {
        if (!bench_interrupted()) {
            fprintf(stderr, "bench: %s: only %lu answers came for %u connections\n",
                    instance->contender->name,
                    (unsigned long)bench_board_read(&client->board->responses), connections);
        }
        bench_client_stop(laboratory, which);
        return false;
    }
    return true;
}

bool bench_attack_start(struct bench_laboratory *laboratory, int which,
                        const struct bench_case *each, const struct bench_instance *instance,
                        unsigned connections)
{
    struct bench_load_client *client = &laboratory->clients[which];
    open_board(client);
    launch_attack(laboratory, client, each, instance, connections);
    if (!await_client(client)) {
        bench_client_stop(laboratory, which);
        return false;
    }
    return true;
}

bool bench_flood_start(struct bench_laboratory *laboratory, int which, int port, const char *flood)
{
    struct bench_load_client *client = &laboratory->clients[which];
    open_board(client);
    launch_flood(laboratory, client, port, flood);
    if (!await_client(client)) {
        bench_client_stop(laboratory, which);
        return false;
    }
    return true;
}

int bench_door_start(struct bench_laboratory *laboratory, pid_t *session)
{
    char program[4096];
    char output[128];
    char number[16];
    int port = take_port(laboratory);
    snprintf(number, sizeof number, "%d", port);
    snprintf(program, sizeof program, "%s/bench_floor", laboratory->programs);
    snprintf(output, sizeof output, "%s/door.output", laboratory->directory);
    char *arguments[] = {program, number, "0", NULL};
    *session = bench_process_start(&(struct bench_launch){.arguments = arguments,
                                                          .output_path = output,
                                                          .core = BENCH_GATEWAY_CORE,
                                                          .inherited_fd = -1});
    if (await_port(port, *session)) {
        return port;
    }
    bench_session_end(*session);
    return 0;
}

uint64_t bench_client_stop(struct bench_laboratory *laboratory, int which)
{
    struct bench_load_client *client = &laboratory->clients[which];
    __atomic_store_n(&client->board->stop, 1, __ATOMIC_RELAXED);
    for (int waited = 0; waited < STOP_PATIENCE_MS && bench_session_root(client->session) != 0;
         waited += POLL_MS) {
        if (!bench_sleep_ms(POLL_MS)) {
            break;
        }
        bench_process_reap();
    }
    bench_session_end(client->session);
    client->session = 0;
    if (!bench_interrupted()) {
        report_client(client);
    }
    return bench_board_failures(client->board);
}
