/* A JWK Set as a login service gives it. Every key that is taken has one kind, and algorithms of
 * that kind only. */
#include "base/err.h"
#include "policy/jwt/jwt_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rw_jwt_keys keys;
    struct rw_arena arena;
    char flaw[256] = "";
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    keys = (struct rw_jwt_keys){.arena = &arena};
    enum rw_err err = rw_jwt_keys_add_set(&keys, rw_span((const char *)data, size),
                                          (1u << RW_JWT_ALGORITHM_COUNT) - 1, flaw);
    rw_assert(err == RW_OK || err == RW_ENOMEM || (err == RW_EINVAL && flaw[0]));
    rw_assert(err || keys.count);
    for (unsigned i = 0; i < keys.count; i++) {
        const struct rw_jwt_key *key = &keys.items[i];
        rw_assert(key->algorithms && !(key->algorithms & ~rw_jwt_kind_algorithms(key->kind)));
        rw_assert((key->kind == RW_JWT_SECRET) == (key->public_key == NULL));
        rw_assert(key->id.len <= RW_JWT_KEY_ID_BYTES_MAX);
    }
    rw_jwt_keys_free(&keys);
    rw_arena_free(&arena);
    return 0;
}
