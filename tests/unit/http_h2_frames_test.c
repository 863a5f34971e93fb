/* Frames and states of streams, RFC 9113 sections 3 to 6, as a table: what a client (or a server)
 * sends after the preface, and what the engine makes of it. Each case runs whole, byte by byte and
 * in pieces of seven bytes, with the same outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/h2_script.h"

#include <stdio.h>
#include <stdlib.h>

struct frame_case {
    const char *section;
    const char *script; /* behind the preface and SETTINGS */
    const char *outcome;
};

static const struct frame_case server_cases[] = {
    {"8.1 a request", "get 1", "head 1 GET / end; HEADERS 1 200; DATA 1 end \"hello\""},
    {"8.1 two requests", "get 1\nget 3",
     "head 1 GET / end; head 3 GET / end; HEADERS 1 200; DATA 1 end \"hello\"; HEADERS 3 200; "
     "DATA 3 end \"hello\""},
};

static void run_case(const struct frame_case *c, bool server, size_t piece)
{
    enum { ROOM = 1 << 18 };
    struct h2_world world;
    char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    h2_world_begin(&world, server);
    world.answer = true;
    h2_world_open(&world);
    h2_play(&world, server ? "preface\nsettings" : "settings");
    h2_give(&world, rw_span(bytes, h2_script_bytes(c->script, bytes, ROOM)), piece);
    if (strcmp(world.transcript, c->outcome) != 0) {
        print_error("%s (pieces of %zu)\n  script   %s\n  expected %s\n  got      %s\n", c->section,
                    piece, c->script, c->outcome, world.transcript);
        fail();
    }
    h2_world_end(&world);
    free(bytes);
}

static void test_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(server_cases) / sizeof(server_cases[0]); i++)
        run_case(&server_cases[i], true, RW_BUF_LARGE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
