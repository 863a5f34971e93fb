/* The attacker of the case floods: as lean as a program with sockets can be. All that one
 * connection says is made beforehand and leaves with as few sends as the socket takes; when the
 * gateway ends a connection it is closed with a reset (nothing lingers, no port stays in use) and
 * the next one is opened in its place.
 *
 *   bench_flood --port N --flood NAME --core N --board FD
 *
 * On the board: `responses` counts connections that are over, `body_bytes` bytes sent. It begins
 * when the board's record_from_ns is set, so that its preparations are not measured, and runs until
 * the board says stop.
 */
#include "board.h"
#include "flood_script.h"
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 64 /* connections at once; a power of two */
#define PAUSE_NS 100000
#define LEFT_MAX (1024 * 1024)

struct connection {
    int fd;
    size_t sent;
    uint64_t sent_ns; /* when all had been sent; 0: not yet */
};

struct flood {
    int port;
    const struct flood_script *script;
    struct bench_board *board;
    uint8_t *bytes;
    size_t length;
    struct connection connections[SLOTS];
};

static void parse_options(struct flood *flood, int count, char **arguments)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"flood", required_argument, NULL, 'f'},
                                          {"core", required_argument, NULL, 'C'},
                                          {"board", required_argument, NULL, 'B'},
                                          {NULL, 0, NULL, 0}};
    int option;
    int board_fd = -1;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        switch (option) {
        case 'p':
            flood->port = (int)bench_parse_number("--port", optarg, 1, 65535);
            break;
        case 'f':
            flood->script = flood_script_find(optarg);
            break;
        case 'C':
            bench_pin((int)bench_parse_number("--core", optarg, -1, 4096));
            break;
        case 'B':
            board_fd = (int)bench_parse_number("--board", optarg, 0, 1 << 20);
            break;
        default:
            exit(2);
        }
    }
    flood->board =
        mmap(NULL, sizeof *flood->board, PROT_READ | PROT_WRITE, MAP_SHARED, board_fd, 0);
    if (flood->port == 0 || flood->script == NULL || flood->board == MAP_FAILED) {
        bench_fail("usage: bench_flood --port N --flood NAME --core N --board FD");
    }
}

/* Returns false when the gateway has ended it. */
static bool send_rest(const struct flood *flood, struct connection *connection)
{
    while (connection->sent < flood->length) {
        ssize_t count = send(connection->fd, flood->bytes + connection->sent,
                             flood->length - connection->sent, MSG_NOSIGNAL);
        if (count < 0) {
            return errno == EAGAIN;
        }
        connection->sent += (size_t)count;
    }
    if (connection->sent_ns == 0 && flood->script->stay_ms > 0) {
        connection->sent_ns = bench_now_ns();
    }
    return true;
}

/* On the loopback a connection is made by the time that connect returns, even if that cannot say
 * so. */
static void open_connection(const struct flood *flood, struct connection *connection)
{
    static const struct linger reset = {.l_onoff = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)flood->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *connection = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    if (connection->fd < 0) {
        bench_fail("no socket");
    }
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)connect(connection->fd, (struct sockaddr *)&address, sizeof address);
    (void)send_rest(flood, connection); /* what went wrong is seen when it is looked at */
}

static void close_connection(struct flood *flood, struct connection *connection)
{
    close(connection->fd);
    bench_board_add(&flood->board->responses, 1);
    bench_board_add(&flood->board->body_bytes, connection->sent);
}

static bool wants_to_leave(const struct flood *flood, const struct connection *connection)
{
    return connection->sent_ns > 0 &&
           bench_now_ns() - connection->sent_ns > flood->script->stay_ms * 1000000u;
}

/* Drops what the gateway says. Returns false when that was its last. */
static bool drop_answers(const struct connection *connection)
{
    ssize_t count;
    do {
        count = recv(connection->fd, NULL, LEFT_MAX, MSG_TRUNC);
    } while (count > 0);
    return count < 0 && errno == EAGAIN;
}

/* Returns false when the connection is over. */
static bool take_turn(const struct flood *flood, struct connection *connection)
{
    return drop_answers(connection) && !wants_to_leave(flood, connection) &&
           send_rest(flood, connection);
}

/* The oldest connection is looked at, and no other: its end is the next to come. */
static void run(struct flood *flood)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (size_t i = 0; i < SLOTS; i++) {
        open_connection(flood, &flood->connections[i]);
    }
    size_t oldest = 0;
    while (__atomic_load_n(&flood->board->stop, __ATOMIC_RELAXED) == 0) {
        struct connection *connection = &flood->connections[oldest % SLOTS];
        if (take_turn(flood, connection)) {
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
            continue;
        }
        close_connection(flood, connection);
        open_connection(flood, connection);
        oldest++;
    }
}

int main(int count, char **arguments)
{
    static struct flood flood;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    parse_options(&flood, count, arguments);
    prctl(PR_SET_TIMERSLACK, 1UL);
    flood.bytes = flood_script_make(flood.script, &flood.length);
    __atomic_store_n(&flood.board->ready, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&flood.board->record_from_ns, __ATOMIC_ACQUIRE) == 0 &&
           __atomic_load_n(&flood.board->stop, __ATOMIC_RELAXED) == 0) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    run(&flood);
    return 0;
}
