#include "io/tls_internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

/* AES-256-CBC, then HMAC-SHA-256 over name, IV and ciphertext (RFC 5077 section 4): the form that
 * OpenSSL's callback offers. */

struct ticket_key {
    unsigned char name[16], aes[32], mac[32];
};

_Static_assert(sizeof(struct ticket_key) == RW_TLS_TICKET_KEY_WORDS * sizeof(uint64_t),
               "a key is whole words");

enum { READ_TRIES_MAX = 1000 };

static EVP_CIPHER *ticket_cipher;

enum rw_err rw_tls_ticket_init(void)
{
    ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return ticket_cipher ? RW_OK : RW_ENOMEM;
}

/* ---- The shared keys: a sequence lock, whose readers never write ---- */

static void write_key(struct rw_tls_ticket_keys *keys, int index, const struct ticket_key *key)
{
    uint64_t words[RW_TLS_TICKET_KEY_WORDS];
    memcpy(words, key, sizeof(words));
    for (int i = 0; i < RW_TLS_TICKET_KEY_WORDS; i++)
        atomic_store_explicit(&keys->words[index][i], words[i], memory_order_release);
    OPENSSL_cleanse(words, sizeof(words));
}

static void load_key(const struct rw_tls_ticket_keys *keys, int index, struct ticket_key *key)
{
    uint64_t words[RW_TLS_TICKET_KEY_WORDS];
    for (int i = 0; i < RW_TLS_TICKET_KEY_WORDS; i++)
        words[i] = atomic_load_explicit(&keys->words[index][i], memory_order_acquire);
    memcpy(key, words, sizeof(words));
    OPENSSL_cleanse(words, sizeof(words));
}

/* Which key has `name` (NULL: the current one), and a copy; -1: none, or a writer died half-way. */
static int find_key(const struct rw_tls_ticket_keys *keys, const unsigned char *name,
                    struct ticket_key *key)
{
    for (int tries = 0; tries < READ_TRIES_MAX; tries++) {
        uint64_t before = atomic_load_explicit(&keys->sequence, memory_order_acquire);
        int index = name ? RW_TLS_TICKET_KEYS - 1 : 0;
        if (before == 0)
            break;
        for (; index >= 0; index--) {
            load_key(keys, index, key);
            if (!name || CRYPTO_memcmp(key->name, name, sizeof(key->name)) == 0)
                break;
        }
        if (!(before & 1) && atomic_load_explicit(&keys->sequence, memory_order_relaxed) == before)
            return index;
    }
    return -1;
}

static bool make_keys(struct ticket_key *made, int count)
{
    return RAND_priv_bytes((unsigned char *)made, (int)sizeof(*made) * count) == 1;
}

static void publish(struct rw_tls_ticket_keys *keys, const struct ticket_key *made)
{
    uint64_t sequence = atomic_load_explicit(&keys->sequence, memory_order_relaxed) | 1;
    atomic_store_explicit(&keys->sequence, sequence, memory_order_relaxed);
    for (int i = 0; i < RW_TLS_TICKET_KEYS; i++)
        write_key(keys, i, &made[i]);
    atomic_store_explicit(&keys->sequence, sequence + 1, memory_order_release);
}

enum rw_err rw_tls_ticket_keys_init(struct rw_tls_ticket_keys *keys)
{
    struct ticket_key made[RW_TLS_TICKET_KEYS];
    if (atomic_load_explicit(&keys->sequence, memory_order_acquire) > 1)
        return RW_OK;
    if (!make_keys(made, RW_TLS_TICKET_KEYS))
        return RW_EIO;
    publish(keys, made);
    OPENSSL_cleanse(made, sizeof(made));
    return RW_OK;
}

enum rw_err rw_tls_ticket_keys_rotate(struct rw_tls_ticket_keys *keys)
{
    struct ticket_key made[RW_TLS_TICKET_KEYS];
    if (!make_keys(made, 1))
        return RW_EIO;
    for (int i = 1; i < RW_TLS_TICKET_KEYS; i++)
        load_key(keys, i - 1, &made[i]);
    publish(keys, made);
    OPENSSL_cleanse(made, sizeof(made));
    return RW_OK;
}

/* ---- OpenSSL's side ---- */

static bool init_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    static char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Returns -1: failure, 0: no such key (a full handshake follows), 1: done, 2: done, but give a new
 * ticket. */
int rw_tls_ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                           EVP_MAC_CTX *mac, int encrypt)
{
    (void)ssl;
    struct ticket_key key;
    int index = find_key(rw_tls_current->of.server->ticket_keys, encrypt ? NULL : name, &key);
    int result = -1;
    if (index < 0) {
        result = 0;
        goto out;
    }
    if (encrypt) {
        memcpy(name, key.name, sizeof(key.name));
        if (RAND_bytes(iv, 16) != 1)
            goto out;
    }
    if (init_mac(mac, &key) &&
        EVP_CipherInit_ex2(cipher, ticket_cipher, key.aes, iv, encrypt, NULL) == 1)
        result = index > 0 ? 2 : 1;
out:
    OPENSSL_cleanse(&key, sizeof(key));
    return result;
}
