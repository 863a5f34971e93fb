#include "seat.h"

#include "net.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define ANSWERS_MAX (1024 * 1024) /* at once */

static struct bench_board *map_board(int fd)
{
    struct bench_board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (board == MAP_FAILED) {
        bench_fail("cannot map the board: %s", strerror(errno));
    }
    return board;
}

bool bench_seat_take(struct bench_seat *seat, int option, const char *value)
{
    switch (option) {
    case 'p':
        seat->port = (int)bench_parse_number("--port", value, 1, 65535);
        return true;
    case 'C':
        bench_pin((int)bench_parse_number("--core", value, -1, 4096));
        return true;
    case 'B':
        seat->board = map_board((int)bench_parse_number("--board", value, 0, 1 << 20));
        return true;
    default:
        return false;
    }
}

bool bench_seat_complete(const struct bench_seat *seat)
{
    return seat->port != 0 && seat->board != NULL;
}

bool bench_seat_told_to_stop(const struct bench_seat *seat)
{
    return __atomic_load_n(&seat->board->stop, __ATOMIC_RELAXED) != 0;
}

bool bench_drop_answers(int fd)
{
    ssize_t count;
    do {
        count = recv(fd, NULL, ANSWERS_MAX, MSG_TRUNC);
    } while (count > 0);
    return count < 0 && errno == EAGAIN;
}
