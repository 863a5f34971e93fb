#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static uint64_t hash_in_parts(const unsigned char *at, size_t len, size_t part)
{
    struct rw_siphash hash;
    rw_siphash_begin(&hash, key);
    for (size_t done = 0; done < len; done += part)
        rw_siphash_add(&hash, at + done, len - done < part ? len - done : part);
    return rw_siphash_end(&hash);
}

/* The vectors of the paper's appendix A and of its reference implementation. */
static void vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {
        {0, 0x726fdb47dd0e0e31},
        {1, 0x74f839c593dc67fd},
        {8, 0x93f5f5799a932462},
        {15, 0xa129ca6149be45e5},
    };
    unsigned char bytes[16];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(hash_in_parts(bytes, cases[i].len, 16), cases[i].hash);
}

static void parts_make_no_difference(void **state)
{
    (void)state;
    unsigned char bytes[67];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 37);
    for (size_t len = 0; len <= sizeof(bytes); len++)
        for (size_t part = 1; part <= sizeof(bytes); part++)
            assert_int_equal(hash_in_parts(bytes, len, part), hash_in_parts(bytes, len, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(parts_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
