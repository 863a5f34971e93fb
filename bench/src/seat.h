/* Where a program that makes load sits: what the driver tells each of them, by the options --port,
 * --core and --board. The program has BENCH_SEAT_OPTIONS among its own, gives each option that
 * getopt_long finds to bench_seat_take first.
 */
#ifndef BENCH_SEAT_H
#define BENCH_SEAT_H

#include "board.h"

#include <getopt.h>
#include <stdbool.h>

struct bench_seat {
    int port;                  /* of the gateway; 0: not told yet */
    struct bench_board *board; /* NULL: there is no driver */
};

/* clang-format off */
#define BENCH_SEAT_OPTIONS                                                                         \
    {"port", required_argument, NULL, 'p'}, {"core", required_argument, NULL, 'C'},                \
    {"board", required_argument, NULL, 'B'}
/* clang-format on */

/* False: the option is none of these. What is wrong with its value ends the program. --core pins it
 * at once. */
bool bench_seat_take(struct bench_seat *seat, int option, const char *value);

/* Port and board have been told: an attacker needs both. */
bool bench_seat_complete(const struct bench_seat *seat);

/* The driver has had enough. There is one. */
bool bench_seat_told_to_stop(const struct bench_seat *seat);

/* Drops what the gateway says on a connection of an attacker. False: that was its last. */
bool bench_drop_answers(int fd);

#endif
