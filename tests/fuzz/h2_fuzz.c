/* Bytes from a peer, into a server's engine or a client's. The first byte of an input says which,
 * and what the owner does; the second, in which pieces the rest comes; the third, which allocation
 * fails, if any. In pieces and whole it must tell the same, as long as it sends nothing of its own;
 * and at the end nothing is left. */
#include "base/alloc.h"
#include "support/h2_script.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SERVER = 1,
    ANSWER = 2,
    HOLD = 4,
    KEEP = 8,
    FAIL = 16,
    BARE = 32, /* the preface and SETTINGS are in the input too */
    INPUT_BYTES_MAX = 64 * 1024,
};

/* A client has asked for something before. */
static void ask(struct h2_world *world)
{
    for (int i = 0; i < 3; i++) {
        struct rw_h2_stream *stream = rw_h2_stream_open(&world->h2, NULL);
        if (!stream || !rw_h2_head_begin(&world->h2, stream, 64, 4))
            return;
        rw_h2_put_pseudo(&world->h2, RW_PSEUDO_METHOD, rw_span_text(i == 1 ? "HEAD" : "POST"));
        rw_h2_put_pseudo(&world->h2, RW_PSEUDO_SCHEME, RW_LITERAL("http"));
        rw_h2_put_pseudo(&world->h2, RW_PSEUDO_PATH, RW_LITERAL("/"));
        rw_h2_head_end(&world->h2, stream, i == 1, false);
        if (i == 2)
            (void)rw_h2_data(&world->h2, stream, NULL, RW_LITERAL("hello"), false, rw_span("", 0));
    }
}

static void play(struct h2_world *world, unsigned kind, struct rw_span bytes, size_t piece,
                 unsigned fail_at)
{
    h2_world_begin(world, kind & SERVER);
    world->answer = kind & ANSWER;
    world->hold = kind & HOLD;
    world->keep = kind & KEEP;
    world->settings.connect_protocol = kind & KEEP;
    h2_world_open(world);
    if (!(kind & BARE))
        h2_play(world, kind & SERVER ? "preface\nsettings" : "settings");
    if (!(kind & SERVER))
        ask(world);
    if (kind & FAIL)
        rw_alloc_fail_once(fail_at);
    h2_give(world, bytes, piece);
    rw_alloc_fail_never();
    rw_assert(world->h2.depth == 0 && !world->h2.busy && !world->h2.gone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct h2_world whole, pieces;
    if (size < 3 || size > INPUT_BYTES_MAX)
        return 0;
    unsigned kind = data[0];
    struct rw_span bytes = rw_span((const char *)data + 3, size - 3);
    play(&pieces, kind, bytes, 1 + data[1], data[2]);
    if (kind & SERVER && !(kind & (ANSWER | HOLD | FAIL))) {
        play(&whole, kind, bytes, RW_BUF_LARGE_BYTES, 0);
        h2_transcript(&whole);
        h2_transcript(&pieces);
        rw_assert(strcmp(whole.events_seen.text, pieces.events_seen.text) == 0);
        h2_world_end(&whole);
    }
    h2_world_end(&pieces);
    return 0;
}
