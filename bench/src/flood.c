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
#include "flood_script.h"
#include "net.h"
#include "seat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 64 /* connections at once; a power of two */
#define PAUSE_NS 100000

struct connection {
    int fd;
    size_t sent;
    uint64_t sent_ns; /* when all had been sent; 0: not yet */
};

struct flood {
    struct bench_seat seat;
    const struct flood_script *script;
    uint8_t *bytes;
    size_t length;
    struct connection connections[SLOTS];
};

static void parse_options(struct flood *flood, int count, char **arguments)
{
    static const struct option names[] = {
        BENCH_SEAT_OPTIONS, {"flood", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        if (option == 'f') {
            flood->script = flood_script_find(optarg);
        } else if (!bench_seat_take(&flood->seat, option, optarg)) {
            exit(2);
        }
    }
    if (!bench_seat_complete(&flood->seat) || flood->script == NULL) {
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
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)flood->seat.port)};
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
    bench_board_add(&flood->seat.board->responses, 1);
    bench_board_add(&flood->seat.board->body_bytes, connection->sent);
}

static bool wants_to_leave(const struct flood *flood, const struct connection *connection)
{
    return connection->sent_ns > 0 &&
           bench_now_ns() - connection->sent_ns > flood->script->stay_ms * 1000000u;
}

/* Returns false when the connection is over. */
static bool take_turn(const struct flood *flood, struct connection *connection)
{
    return bench_drop_answers(connection->fd) && !wants_to_leave(flood, connection) &&
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
    while (!bench_seat_told_to_stop(&flood->seat)) {
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
    __atomic_store_n(&flood.seat.board->ready, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&flood.seat.board->record_from_ns, __ATOMIC_ACQUIRE) == 0 &&
           !bench_seat_told_to_stop(&flood.seat)) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    run(&flood);
    return 0;
}
