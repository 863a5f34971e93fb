#include "gate/release/draw.h"

#include "base/err.h"

#include <math.h>

enum { FRACTION_BITS = 53 };

/* In (0, 1), never at an end. */
static double unit(uint64_t bits)
{
    return ((double)(bits >> (64 - FRACTION_BITS)) + 0.5) / (double)(1ull << FRACTION_BITS);
}

unsigned rw_release_draw(const double *weights, unsigned count, uint64_t random)
{
    double sum = 0, at = 0;
    unsigned last = count;
    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    double drawn = unit(random) * sum;
    for (unsigned i = 0; i < count; i++) {
        if (weights[i] <= 0)
            continue;
        at += weights[i];
        last = i;
        if (drawn < at)
            break;
    }
    rw_assert(last < count);
    return last;
}

unsigned rw_release_draw_user(const double *weights, const uint64_t *hashes, unsigned count)
{
    double lowest = INFINITY;
    unsigned winner = count;
    for (unsigned i = 0; i < count; i++) {
        if (weights[i] <= 0)
            continue;
        double bid = -log(unit(hashes[i])) / weights[i];
        if (winner == count || bid < lowest) {
            lowest = bid;
            winner = i;
        }
    }
    rw_assert(winner < count);
    return winner;
}
