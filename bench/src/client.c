/* Load client for the bench: see client.h for the parts, bench_client --help for the options. */
#include "client.h"
#include "net.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 512
#define OPENING_MAX 32u
#define LOOK_MS 20
#define DRAIN_NS 5000000000u

static volatile sig_atomic_t stop_asked;

static const char help[] =
    "bench_client --port N [options]: loads an HTTP/1.1 gateway on 127.0.0.1, checks every answer\n"
    "  --mode closed|open|handshake|idle   how requests follow each other (closed)\n"
    "  --connections N                     connections (64)\n"
    "  --rate N                            requests per second, open mode (1000)\n"
    "  --path PATH                         what to ask for (/)\n"
    "  --routes N                          ask for /route-NNNNN/item, NNNNN random below N\n"
    "  --body N                            bytes that every answer must have (128)\n"
    "  --tls                               TLS 1.3, AES-128-GCM, X25519, never resumed\n"
    "  --core N                            the core to run on (any)\n"
    "  --seconds N                         how long, 0 until told to stop (0)\n"
    "  --board FD                          shared page inherited from the driver\n";

struct options {
    const char *path;
    long seconds;
    int board_fd;
    bool tls;
};

static void on_stop_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static enum client_mode parse_mode(const char *name)
{
    static const char *const names[] = {
        [CLIENT_CLOSED] = "closed",
        [CLIENT_OPEN] = "open",
        [CLIENT_HANDSHAKE] = "handshake",
        [CLIENT_IDLE] = "idle",
    };
    for (size_t mode = 0; mode < sizeof names / sizeof names[0]; mode++) {
        if (strcmp(names[mode], name) == 0) {
            return (enum client_mode)mode;
        }
    }
    fprintf(stderr, "bench_client: unknown mode \"%s\"\n", name);
    exit(2);
}

static void apply_option(struct client *client, struct options *options, int option)
{
    switch (option) {
    case 'p':
        client->port = (int)bench_parse_number("--port", optarg, 1, 65535);
        break;
    case 'm':
        client->mode = parse_mode(optarg);
        break;
    case 'c':
        client->connections_wanted =
            (uint32_t)bench_parse_number("--connections", optarg, 1, 60000);
        break;
    case 'r':
        client->rate = (uint64_t)bench_parse_number("--rate", optarg, 1, 10000000);
        break;
    case 'P':
        options->path = optarg;
        break;
    case 'n':
        client->routes = (uint32_t)bench_parse_number("--routes", optarg, 0, 100000);
        break;
    case 'b':
        client->body_bytes_expected = (uint64_t)bench_parse_number("--body", optarg, 0, 1 << 30);
        break;
    case 't':
        options->tls = true;
        break;
    case 'C':
        bench_pin((int)bench_parse_number("--core", optarg, -1, 4096));
        break;
    case 's':
        options->seconds = bench_parse_number("--seconds", optarg, 0, 86400);
        break;
    case 'B':
        options->board_fd = (int)bench_parse_number("--board", optarg, 0, 1 << 20);
        break;
    case 'h':
        fputs(help, stdout);
        exit(0);
    default:
        fputs(help, stderr);
        exit(2);
    }
}

static void parse_options(struct client *client, struct options *options, int count,
                          char **arguments)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"mode", required_argument, NULL, 'm'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"path", required_argument, NULL, 'P'},
                                          {"routes", required_argument, NULL, 'n'},
                                          {"body", required_argument, NULL, 'b'},
                                          {"tls", no_argument, NULL, 't'},
                                          {"core", required_argument, NULL, 'C'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"board", required_argument, NULL, 'B'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        apply_option(client, options, option);
    }
    if (client->port == 0 || optind != count) {
        fputs(help, stderr);
        exit(2);
    }
    if (client->mode == CLIENT_HANDSHAKE) {
        options->tls = true;
        client->body_bytes_expected = 0;
    }
}

static void prepare_request(struct client *client, const char *path)
{
    int length = snprintf(client->request, sizeof client->request,
                          "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench/1\r\n"
                          "Accept: */*\r\n\r\n",
                          client->routes > 0 ? "/route-00000/item" : path);
    if (length >= (int)sizeof client->request) {
        bench_fail("the path is too long");
    }
    client->request_length = (size_t)length;
    client->route_at = strlen("GET /route-");
}

static struct bench_board *map_board(int fd)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *board = mmap(NULL, sizeof(struct bench_board), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (board == MAP_FAILED) {
        bench_fail("cannot map the board: %s", strerror(errno));
    }
    return board;
}

static bool stopping(const struct client *client)
{
    return stop_asked || __atomic_load_n(&client->board->stop, __ATOMIC_RELAXED) != 0;
}

/* Opens connections, a few at a time, so that neither backlog nor peak memory distorts the start.
 */
static void open_more(struct client *client)
{
    while (client->opened < client->connections_wanted &&
           client->opened - client->answered < OPENING_MAX) {
        client_open(client, &client->connections[client->opened++]);
    }
}

static void append_ready(struct client *client, struct client_connection *connection)
{
    connection->listed = true;
    connection->next_ready = NULL;
    if (client->ready_first == NULL) {
        client->ready_first = connection;
    } else {
        client->ready_last->next_ready = connection;
    }
    client->ready_last = connection;
}

static struct client_connection *take_ready(struct client *client)
{
    struct client_connection *connection = client->ready_first;
    client->ready_first = connection->next_ready;
    connection->listed = false;
    return connection;
}

/* Open mode: sends every request that is due, as far as there are connections free to carry it.
 * What finds none is sent late, and its latency still counts from when it was due. */
static void send_due(struct client *client)
{
    uint64_t now = bench_now_ns();
    while (client->ready_first != NULL) {
        uint64_t due = client->pace_start_ns + client->pace_sent * 1000000000u / client->rate;
        if (due > now) {
            return;
        }
        struct client_connection *connection = take_ready(client);
        if (connection->step != STEP_READY) {
            continue; /* lost while idle; it comes back to the list once it is open again */
        }
        client->pace_sent++;
        client_send(client, connection, due);
    }
}

void client_pace_ready(struct client *client, struct client_connection *connection)
{
    if (stopping(client)) {
        return;
    }
    if (client->mode == CLIENT_OPEN && connection->answered_before) {
        if (!connection->listed) {
            append_ready(client, connection);
        }
        return;
    }
    client_send(client, connection, bench_now_ns());
}

static void record_latency(struct client *client, const struct client_connection *connection)
{
    struct bench_board *board = client->board;
    uint64_t from = bench_board_read(&board->record_from_ns);
    if (from != 0 && connection->due_ns >= from &&
        connection->due_ns < bench_board_read(&board->record_until_ns)) {
        bench_histogram_record(&board->latency_ns, bench_now_ns() - connection->due_ns);
    }
}

static void note_all_answered(struct client *client)
{
    if (client->board->ready == 0 && client->answered == client->connections_wanted) {
        client->pace_start_ns = bench_now_ns();
        __atomic_store_n(&client->board->ready, 1, __ATOMIC_RELEASE);
    }
}

void client_pace_answered(struct client *client, struct client_connection *connection)
{
    note_all_answered(client);
    if (client->opened < client->connections_wanted) {
        open_more(client);
    }
    if (connection->step != STEP_READY) {
        return; /* being opened anew; client_pace_ready() follows */
    }
    switch (client->mode) {
    case CLIENT_OPEN:
        record_latency(client, connection);
        client_pace_ready(client, connection);
        break;
    case CLIENT_IDLE:
        bench_board_add(&client->board->held, 1);
        break;
    case CLIENT_CLOSED:
    case CLIENT_HANDSHAKE:
        client_pace_ready(client, connection);
        break;
    }
}

/* While it records, the client does not sleep: in a virtual machine, setting a timer and waking up
 * cost more than a request, and on a core that is busy with them everybody's answers queue. The
 * kernel keeps a share of each second from real-time programs; rounds well below one second do not
 * touch it. */
static bool is_recording(const struct client *client)
{
    return client->mode == CLIENT_OPEN && client->pace_start_ns != 0 &&
           bench_board_read(&client->board->record_from_ns) != 0 &&
           bench_now_ns() < bench_board_read(&client->board->record_until_ns);
}

/* How long to sleep: until the next request is due, or until it is time to look at the board. */
static struct timespec time_to_sleep(const struct client *client)
{
    struct timespec sleep = {.tv_nsec = LOOK_MS * 1000000};
    if (is_recording(client)) {
        return (struct timespec){.tv_nsec = 0};
    }
    if (client->mode == CLIENT_OPEN && client->ready_first != NULL && client->pace_start_ns != 0 &&
        !stopping(client)) {
        uint64_t due = client->pace_start_ns + client->pace_sent * 1000000000u / client->rate;
        uint64_t now = bench_now_ns();
        uint64_t left = due > now ? due - now : 0;
        if (left < (uint64_t)sleep.tv_nsec) {
            sleep.tv_nsec = (long)left;
        }
    }
    return sleep;
}

static void wait_for_events(struct client *client)
{
    static struct epoll_event events[EVENTS_MAX];
    struct timespec sleep = time_to_sleep(client);
    if (sleep.tv_nsec == 0) {
        sched_yield(); /* the origin may share the core */
    }
    int count = epoll_pwait2(client->epoll_fd, events, EVENTS_MAX, &sleep, NULL);
    for (int i = 0; i < count; i++) {
        client_on_event(client, events[i].data.ptr, events[i].events);
    }
    if (count == 0) {
        for (uint32_t i = 0; i < client->opened; i++) {
            if (client->connections[i].step == STEP_NONE) {
                client_open(client, &client->connections[i]);
            }
        }
    }
}

static void run(struct client *client, uint64_t stop_ns)
{
    open_more(client);
    while (!stopping(client) && (stop_ns == 0 || bench_now_ns() < stop_ns)) {
        wait_for_events(client);
        if (client->mode == CLIENT_OPEN && client->pace_start_ns != 0) {
            send_due(client);
        }
    }
    stop_asked = 1;
    uint64_t patience_ns = bench_now_ns() + DRAIN_NS;
    while (client->under_way > 0 && bench_now_ns() < patience_ns) {
        wait_for_events(client);
    }
    bench_board_add(&client->board->failures[BENCH_FAILURE_UNANSWERED], client->under_way);
}

static void print_summary(const struct client *client, uint64_t begun_ns)
{
    const struct bench_board *board = client->board;
    double seconds = (double)(bench_now_ns() - begun_ns) / 1e9;
    static const char *const texts[] = {
#define FAILURE_TEXT(name, text) text,
        BENCH_FAILURES(FAILURE_TEXT)
#undef FAILURE_TEXT
    };
    printf("%lu answers in %.2f s, %.0f per second, %lu reopened, %lu held\n", board->responses,
           seconds, (double)board->responses / seconds, board->reopened, board->held);
    for (int kind = 0; kind < BENCH_FAILURE_KINDS; kind++) {
        if (board->failures[kind] > 0) {
            printf("%lu failed: %s\n", board->failures[kind], texts[kind]);
        }
    }
}

int main(int count, char **arguments)
{
    struct client client = {
        .connections_wanted = 64, .body_bytes_expected = 128, .rate = 1000, .random = 1};
    struct options options = {.path = "/", .board_fd = -1};
    struct sigaction on_stop = {.sa_handler = on_stop_signal};

    parse_options(&client, &options, count, arguments);
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);
    bench_raise_descriptor_limit();
    prepare_request(&client, options.path);
    client.board = map_board(options.board_fd);
    client.tls_context = options.tls ? client_tls_context() : NULL;
    client.connections = bench_allocate(client.connections_wanted, sizeof *client.connections);
    for (uint32_t i = 0; i < client.connections_wanted; i++) {
        client.connections[i].fd = -1;
    }
    client.epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    uint64_t begun_ns = bench_now_ns();
    run(&client, options.seconds > 0 ? begun_ns + (uint64_t)options.seconds * 1000000000u : 0);
    if (options.board_fd < 0) {
        print_summary(&client, begun_ns);
    }
    return bench_board_failures(client.board) == 0 ? 0 : 1;
}
