/* Load client for the bench: see client.h for the parts, bench_client --help for the options. */
#include "client.h"
#include "net.h"
#include "seat.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 512
#define DRAIN_NS 5000000000u

static volatile sig_atomic_t stop_asked;

static const char help[] =
    "bench_client --port N [options]: loads a gateway on 127.0.0.1, checks every answer\n"
    "  --mode closed|open|handshake|idle   how requests follow each other (closed)\n"
    "  --connections N                     connections (64)\n"
    "  --streams N                         HTTP/2, N requests at once on a connection (0: HTTP/1.1)\n"
    "  --rate N                            requests per second, open mode (1000)\n"
    "  --path PATH                         what to ask for (/)\n"
    "  --routes N                          ask for /route-NNNNN/item, NNNNN random below N\n"
    "  --consumers N                       with X-Api-Key: bench-consumer-NNNNN, random below N\n"
    "  --body N                            bytes that every answer must have (128)\n"
    "  --gzip                              ask for gzip and accept nothing else, of any length\n"
    "  --refusals                          503 is an answer, counted for itself\n"
    "  --upgrade                           ask for WebSocket: every answer must be 101\n"
    "  --tls                               TLS 1.3, AES-128-GCM, X25519, never resumed\n"
    "  --core N                            the core to run on (any)\n"
    "  --seconds N                         how long, 0 until told to stop (0)\n"
    "  --board FD                          shared page inherited from the driver\n";

struct options {
    struct bench_seat seat;
    long seconds;
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
    case 'm':
        client->mode = parse_mode(optarg);
        break;
    case 'c':
        client->connections_wanted =
            (uint32_t)bench_parse_number("--connections", optarg, 1, 60000);
        break;
    case 'x':
        client->streams = (uint32_t)bench_parse_number("--streams", optarg, 0, CLIENT_STREAMS_MAX);
        break;
    case 'r':
        client->rate = (uint64_t)bench_parse_number("--rate", optarg, 1, 10000000);
        break;
    case 'P':
        client->path = optarg;
        break;
    case 'n':
        client->routes = (uint32_t)bench_parse_number("--routes", optarg, 0, 100000);
        break;
    case 'k':
        client->consumers = (uint32_t)bench_parse_number("--consumers", optarg, 0, 100000);
        break;
    case 'b':
        client->body_bytes_expected = (uint64_t)bench_parse_number("--body", optarg, 0, 1 << 30);
        break;
    case 'g':
        client->gzip = true;
        break;
    case 'f':
        client->refusals = true;
        break;
    case 'u':
        client->upgrade = true;
        break;
    case 't':
        options->tls = true;
        break;
    case 's':
        options->seconds = bench_parse_number("--seconds", optarg, 0, 86400);
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
    static const struct option names[] = {BENCH_SEAT_OPTIONS,
                                          {"mode", required_argument, NULL, 'm'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"streams", required_argument, NULL, 'x'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"path", required_argument, NULL, 'P'},
                                          {"routes", required_argument, NULL, 'n'},
                                          {"consumers", required_argument, NULL, 'k'},
                                          {"body", required_argument, NULL, 'b'},
                                          {"gzip", no_argument, NULL, 'g'},
                                          {"upgrade", no_argument, NULL, 'u'},
                                          {"refusals", no_argument, NULL, 'f'},
                                          {"tls", no_argument, NULL, 't'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        if (!bench_seat_take(&options->seat, option, optarg)) {
            apply_option(client, options, option);
        }
    }
    client->port = options->seat.port;
    if (client->port == 0 || optind != count) {
        fputs(help, stderr);
        exit(2);
    }
    if (client->mode == CLIENT_HANDSHAKE) {
        options->tls = true;
        client->body_bytes_expected = 0;
    }
    if (client->streams > 0 &&
        (client->routes > 0 || client->consumers > 0 || client->mode == CLIENT_HANDSHAKE)) {
        fputs("bench_client: --streams goes with one path, no consumers, and requests\n", stderr);
        exit(2);
    }
}

static void prepare_request(struct client *client)
{
    static const char upgrade_fields[] =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    int length = snprintf(client->request, sizeof client->request,
                          "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench/1\r\n"
                          "%s%s%s\r\n",
                          client->routes > 0 ? "/route-00000/item" : client->path,
                          client->upgrade ? upgrade_fields : "Accept: */*\r\n",
                          client->gzip ? "Accept-Encoding: gzip\r\n" : "",
                          client->consumers > 0 ? "X-Api-Key: bench-consumer-00000\r\n" : "");
    if (length >= (int)sizeof client->request || strlen(client->path) > CLIENT_PATH_BYTES_MAX) {
        bench_fail("the path is too long");
    }
    client->request_length = (size_t)length;
    client->route_at = strlen("GET /route-");
    client->consumer_at = (size_t)length - strlen("00000\r\n\r\n");
}

static void wait_for_events(struct client *client)
{
    static struct epoll_event events[EVENTS_MAX];
    struct timespec sleep = client_pace_sleep(client);
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
    client_pace_open(client);
    while (!stop_asked && !client_stopping(client) && (stop_ns == 0 || bench_now_ns() < stop_ns)) {
        wait_for_events(client);
        if (client->mode == CLIENT_OPEN && client->pace_start_ns != 0) {
            client_pace_due(client);
        }
    }
    client->stop = true;
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
    struct client client = {.path = "/",
                            .connections_wanted = 64,
                            .body_bytes_expected = 128,
                            .rate = 1000,
                            .random = 1};
    struct options options = {0};
    struct sigaction on_stop = {.sa_handler = on_stop_signal};

    parse_options(&client, &options, count, arguments);
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);
    bench_raise_descriptor_limit();
    prepare_request(&client);
    client.board =
        options.seat.board ? options.seat.board : bench_allocate(1, sizeof *client.board);
    client.tls_context = options.tls ? client_tls_context(client.streams > 0) : NULL;
    client.connections = bench_allocate(client.connections_wanted, sizeof *client.connections);
    for (uint32_t i = 0; i < client.connections_wanted; i++) {
        client.connections[i].fd = -1;
    }
    client.epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    uint64_t begun_ns = bench_now_ns();
    run(&client, options.seconds > 0 ? begun_ns + (uint64_t)options.seconds * 1000000000u : 0);
    if (options.seat.board == NULL) {
        print_summary(&client, begun_ns);
    }
    return bench_board_failures(client.board) == 0 ? 0 : 1;
}
