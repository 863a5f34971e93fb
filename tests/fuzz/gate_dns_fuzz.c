/* Any bytes as a DNS reply: the walk over its records ends, and stays inside. */
#include "gate/cluster/resolve/resolve_name.h"

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > 65535)
        return 0;
    /* A block of its own, so that one byte too far is noticed. */
    unsigned char *copy = rw_alloc(size);
    if (!copy)
        return 0;
    memcpy(copy, bytes, size);
    rw_assert(rw_resolve_least_ttl(copy, (int)size) <= INT32_MAX);
    rw_free(copy);
    return 0;
}
