/* Any bytes as what another process had learned: as a whole, and as each text that a note can have.
 * Whatever is taken can be told, and is the same when it is written and read again. */
#include "gate/cluster/resolve/resolve_name.h"
#include "gate/discovery/discovery_known.h"
#include "gate/known/known_store.h"

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_endpoints(struct rw_span text)
{
    static const struct rw_locality nowhere;
    struct rw_discovery *discovery, *again;
    struct rw_text first = {0}, second = {0};
    if (rw_discovery_create(NULL, RW_LITERAL("app"), RW_LITERAL("x"), &nowhere, &discovery))
        return;
    if (rw_discovery_create(NULL, RW_LITERAL("app"), RW_LITERAL("x"), &nowhere, &again)) {
        rw_discovery_free(discovery);
        return;
    }
    bool taken = rw_discovery_read_known(discovery, text) == RW_OK;
    rw_assert(taken == discovery->answered && (taken || !discovery->group_count));
    rw_discovery_write_known(discovery, &first);
    if (taken) {
        rw_assert(rw_discovery_read_known(again, rw_text_span(&first)) == RW_OK);
        rw_discovery_write_known(again, &second);
        rw_assert(rw_span_eq(rw_text_span(&first), rw_text_span(&second)));
    }
    rw_text_free(&first);
    rw_text_free(&second);
    rw_discovery_free(discovery);
    rw_discovery_free(again);
}

static void read_addresses(struct rw_span text)
{
    struct rw_resolved *found = rw_alloc_zero(RW_RESOLVE_ADDRESSES_MAX * sizeof(*found));
    struct rw_text first = {0};
    size_t count, again;
    if (!found)
        return;
    if (rw_resolve_read_known(text, found, &count) == RW_OK) {
        rw_assert(count > 0 && count <= RW_RESOLVE_ADDRESSES_MAX);
        rw_resolve_write_known(found, count, &first);
        rw_assert(rw_resolve_read_known(rw_text_span(&first), found, &again) == RW_OK);
        rw_assert(again == count);
    }
    rw_text_free(&first);
    rw_free(found);
}

static void read_notes(struct rw_loop *loop, struct rw_span bytes)
{
    struct rw_known *known;
    struct rw_text text = {0};
    const struct rw_known_options options = {.loop = loop};
    if (rw_known_create(&options, &known))
        return;
    if (rw_known_read(known, bytes) == RW_OK)
        rw_known_write(known, &text);
    rw_text_free(&text);
    rw_known_destroy(known);
}

/* Once as it is, once behind a head that is in order, which no chance finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rw_loop *loop;
    const struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    if (!loop && rw_loop_create(&options, &loop))
        return 0;
    const struct rw_span bytes = rw_span((const char *)data, size);
    struct rw_text sealed = {0};
    read_endpoints(bytes);
    read_addresses(bytes);
    read_notes(loop, bytes);
    rw_known_seal(bytes, &sealed);
    if (!sealed.err)
        read_notes(loop, rw_text_span(&sealed));
    rw_text_free(&sealed);
    return 0;
}
