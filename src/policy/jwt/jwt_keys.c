#include "policy/jwt/jwt_keys.h"

#include "policy/jwt/jwk.h"
#include "policy/jwt/jwt_token.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

void rw_jwt_keys_free(struct rw_jwt_keys *keys)
{
    for (unsigned i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->items[i].public_key);
    keys->count = 0;
}

static enum rw_err add(struct rw_jwt_keys *keys, struct rw_jwt_key key, char flaw[256])
{
    struct rw_span id = key.id.len ? rw_arena_copy(keys->arena, key.id) : RW_LITERAL("");
    if (id.at && keys->count < RW_JWT_KEYS_MAX) {
        key.id = id;
        keys->items[keys->count++] = key;
        return RW_OK;
    }
    EVP_PKEY_free(key.public_key);
    if (!id.at)
        return RW_ENOMEM;
    snprintf(flaw, 256, "more than %d keys", (int)RW_JWT_KEYS_MAX);
    return RW_EINVAL;
}

/* ---- Sets ---- */

static enum rw_err add_jwk(struct rw_jwt_keys *keys, const json_t *jwk, unsigned algorithms,
                           char flaw[256])
{
    struct rw_jwt_key key = {0};
    enum rw_err err = rw_jwk_read(jwk, keys->arena, &key, flaw);
    if (err == RW_EUNSUPPORTED)
        return RW_OK;
    if (err)
        return err;
    key.algorithms &= algorithms;
    if (key.algorithms)
        return add(keys, key, flaw);
    EVP_PKEY_free(key.public_key);
    return RW_OK;
}

static enum rw_err add_members(struct rw_jwt_keys *keys, const json_t *set, unsigned algorithms,
                               char flaw[256])
{
    const json_t *members = json_object_get(set, "keys");
    unsigned before = keys->count;
    char why[256];
    if (!json_is_array(members)) {
        snprintf(flaw, 256, "no JWK Set: the list \"keys\" is missing");
        return RW_EINVAL;
    }
    for (size_t i = 0; i < json_array_size(members); i++) {
        enum rw_err err = add_jwk(keys, json_array_get(members, i), algorithms, why);
        if (err == RW_EINVAL)
            snprintf(flaw, 256, "keys[%zu]: %.200s", i, why);
        if (err)
            return err;
    }
    if (keys->count > before)
        return RW_OK;
    snprintf(flaw, 256, "none of its %zu keys is for the given algorithms",
             json_array_size(members));
    return RW_EINVAL;
}

enum rw_err rw_jwt_keys_add_set(struct rw_jwt_keys *keys, struct rw_span json, unsigned algorithms,
                                char flaw[256])
{
    json_t *set;
    enum rw_err err = json.len <= RW_JWT_SET_BYTES_MAX ? rw_jwt_json(json, &set) : RW_EINVAL;
    if (err == RW_EINVAL)
        snprintf(flaw, 256,
                 "no JSON object without repeated names, of at most %d levels and %d bytes",
                 (int)RW_JWT_DEPTH_MAX, (int)RW_JWT_SET_BYTES_MAX);
    if (err)
        return err;
    err = add_members(keys, set, algorithms, flaw);
    json_decref(set);
    return err;
}

/* ---- Single keys ---- */

enum rw_err rw_jwt_keys_add_pem(struct rw_jwt_keys *keys, struct rw_span pem, struct rw_span id,
                                unsigned algorithms, char flaw[256])
{
    struct rw_jwt_key key = {.id = id};
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len);
    if (!bio)
        return RW_ENOMEM;
    key.public_key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (!key.public_key) {
        snprintf(flaw, 256, "no public key in PEM");
        return RW_EINVAL;
    }
    enum rw_err err = rw_jwk_classify(&key, flaw);
    key.algorithms &= algorithms;
    if (!err && !key.algorithms) {
        snprintf(flaw, 256, "the key is for none of the given algorithms");
        err = RW_EINVAL;
    }
    if (!err)
        return add(keys, key, flaw);
    EVP_PKEY_free(key.public_key);
    return err;
}

enum rw_err rw_jwt_keys_add_secret(struct rw_jwt_keys *keys, struct rw_span secret,
                                   struct rw_span id, unsigned algorithms, char flaw[256])
{
    struct rw_jwt_key key = {.id = id, .kind = RW_JWT_SECRET, .secret = secret};
    key.algorithms = rw_jwt_kind_algorithms(RW_JWT_SECRET) & algorithms;
    enum rw_err err = rw_jwk_check_secret(secret, flaw);
    return err ? err : add(keys, key, flaw);
}

/* ---- Looking up ---- */

const struct rw_jwt_key *rw_jwt_keys_next(const struct rw_jwt_keys *keys,
                                          enum rw_jwt_algorithm algorithm, struct rw_span id,
                                          unsigned *from)
{
    while (*from < keys->count) {
        const struct rw_jwt_key *key = &keys->items[(*from)++];
        bool named = !id.at || !key->id.len || rw_span_eq(key->id, id);
        if (named && key->algorithms & 1u << algorithm)
            return key;
    }
    return NULL;
}
