#include "gate/identity/consumers.h"

#include "base/alloc.h"
#include "base/map.h"
#include "gate/identity/digest.h"

#include <openssl/crypto.h>

struct slot {
    uint8_t digest[RW_DIGEST_BYTES];
    const struct rw_consumer *consumer; /* NULL: nobody's */
};

struct rw_consumers {
    struct rw_consumer *items;
    size_t count, with_keys;
    struct rw_digest *digest;
    struct slot *slots;
    size_t slot_count;        /* a power of two, twice the keys at least */
    struct rw_span issuer;    /* of all tokens; empty: nobody has asked yet */
    struct rw_map by_subject; /* issuer, a line break, subject */
};

/* ---- Keys ---- */

/* The slot that has this digest, or the free one where it belongs. */
static struct slot *slot_of(const struct rw_consumers *consumers, const uint8_t *digest)
{
    size_t index;
    memcpy(&index, digest, sizeof(index));
    for (;; index++) {
        struct slot *slot = &consumers->slots[index & (consumers->slot_count - 1)];
        if (!slot->consumer || CRYPTO_memcmp(slot->digest, digest, RW_DIGEST_BYTES) == 0)
            return slot;
    }
}

static enum rw_err digest_of(const struct rw_consumers *consumers, struct rw_span key,
                             uint8_t digest[RW_DIGEST_BYTES])
{
    if (rw_consumer_digest_written(key))
        return rw_consumer_digest_parse(key, digest);
    return rw_digest_of(consumers->digest, 0, key, digest);
}

static enum rw_err add_key(struct rw_consumers *consumers, const struct rw_consumer *consumer,
                           struct rw_span key, struct rw_conf_report *report)
{
    uint8_t digest[RW_DIGEST_BYTES];
    enum rw_err err = digest_of(consumers, key, digest);
    if (err)
        return err;
    struct slot *slot = slot_of(consumers, digest);
    if (slot->consumer) {
        rw_conf_mistake_at(report, consumer->config->place,
                           "the consumer %s has a key that %s in line %u has, too",
                           rw_conf_quote(report, consumer->config->name),
                           rw_conf_quote(report, slot->consumer->config->name),
                           slot->consumer->config->place.line);
        return RW_EINVAL;
    }
    memcpy(slot->digest, digest, sizeof(digest));
    slot->consumer = consumer;
    return RW_OK;
}

static enum rw_err make_slots(struct rw_consumers *consumers, const struct rw_config *config,
                              struct rw_arena *arena)
{
    const struct rw_config_consumer *items = config->consumers.items;
    size_t keys = 0;
    for (size_t i = 0; i < config->consumers.count; i++) {
        keys += items[i].keys.count;
        consumers->with_keys += items[i].keys.count > 0;
    }
    consumers->slot_count = 2;
    while (consumers->slot_count < 2 * keys)
        consumers->slot_count *= 2;
    consumers->slots = rw_arena_zero(arena, consumers->slot_count * sizeof(*consumers->slots));
    return consumers->slots ? RW_OK : RW_ENOMEM;
}

/* ---- Subjects ---- */

enum { SUBJECT_BYTES_MAX = 1024 };

/* No field value has a line break, so that no two pairs have one text. Empty: longer than any. */
static struct rw_span subject_key(char to[SUBJECT_BYTES_MAX], struct rw_span issuer,
                                  struct rw_span subject)
{
    if (issuer.len + 1 + subject.len > SUBJECT_BYTES_MAX)
        return (struct rw_span){0};
    if (issuer.len)
        memcpy(to, issuer.at, issuer.len);
    to[issuer.len] = '\n';
    memcpy(to + issuer.len + 1, subject.at, subject.len);
    return rw_span(to, issuer.len + 1 + subject.len);
}

static enum rw_err add_subject(struct rw_consumers *consumers, struct rw_consumer *consumer,
                               const struct rw_config_subject *subject, struct rw_arena *arena,
                               struct rw_conf_report *report)
{
    char text[SUBJECT_BYTES_MAX];
    struct rw_span key = rw_arena_copy(arena, subject_key(text, subject->issuer, subject->subject));
    if (!key.at)
        return RW_ENOMEM;
    const struct rw_consumer *other = rw_map_get(&consumers->by_subject, key);
    if (!other)
        return rw_map_put(&consumers->by_subject, key, consumer);
    rw_conf_mistake_at(report, subject->place, "the consumer %s in line %u has this subject, too",
                       rw_conf_quote(report, other->config->name), other->config->place.line);
    return RW_EINVAL;
}

/* ---- All of it ---- */

static enum rw_err add_consumer(struct rw_consumers *consumers,
                                const struct rw_config_consumer *config, struct rw_arena *arena,
                                struct rw_conf_report *report)
{
    const struct rw_span *keys = config->keys.items;
    const struct rw_config_subject *subjects = config->subjects.items;
    struct rw_consumer *consumer = &consumers->items[consumers->count++];
    *consumer = (struct rw_consumer){
        .config = config, .identity = {.consumer = config->name, .tenant = config->tenant}};
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < config->keys.count && result != RW_ENOMEM; i++) {
        enum rw_err err = add_key(consumers, consumer, keys[i], report);
        result = err ? err : result;
    }
    for (size_t i = 0; i < config->subjects.count && result != RW_ENOMEM; i++) {
        enum rw_err err = add_subject(consumers, consumer, &subjects[i], arena, report);
        result = err ? err : result;
    }
    return result;
}

enum rw_err rw_consumers_create(const struct rw_config *config, unsigned workers,
                                struct rw_arena *arena, struct rw_conf_report *report,
                                struct rw_consumers **made)
{
    const struct rw_config_consumer *items = config->consumers.items;
    struct rw_consumers *consumers = rw_arena_zero(arena, sizeof(*consumers));
    if (!consumers)
        return RW_ENOMEM;
    *made = consumers;
    rw_map_init(&consumers->by_subject, 0);
    consumers->items =
        rw_arena_zero(arena, (config->consumers.count + 1) * sizeof(*consumers->items));
    enum rw_err result = consumers->items ? make_slots(consumers, config, arena) : RW_ENOMEM;
    if (!result)
        result = rw_digest_create(workers, &consumers->digest);
    for (size_t i = 0; i < config->consumers.count && result != RW_ENOMEM; i++) {
        enum rw_err err = add_consumer(consumers, &items[i], arena, report);
        result = err ? err : result;
    }
    return result;
}

void rw_consumers_destroy(struct rw_consumers *consumers)
{
    if (!consumers)
        return;
    rw_map_free(&consumers->by_subject);
    rw_digest_destroy(consumers->digest);
}

size_t rw_consumers_with_keys(const struct rw_consumers *consumers)
{
    return consumers->with_keys;
}

const struct rw_consumer *rw_consumers_by_key(const struct rw_consumers *consumers, unsigned worker,
                                              struct rw_span key)
{
    uint8_t digest[RW_DIGEST_BYTES];
    if (rw_digest_of(consumers->digest, worker, key, digest))
        return NULL;
    return slot_of(consumers, digest)->consumer;
}

bool rw_consumers_accept_issuer(struct rw_consumers *consumers, struct rw_span issuer)
{
    if (issuer.len == 0)
        return false;
    if (consumers->issuer.len == 0)
        consumers->issuer = issuer;
    return rw_span_eq(consumers->issuer, issuer);
}

const struct rw_consumer *rw_consumers_by_subject(const struct rw_consumers *consumers,
                                                  struct rw_span issuer, struct rw_span subject)
{
    char text[SUBJECT_BYTES_MAX];
    struct rw_span key = subject_key(text, issuer, subject);
    const struct rw_consumer *found = key.at ? rw_map_get(&consumers->by_subject, key) : NULL;
    if (found)
        return found;
    key = subject_key(text, (struct rw_span){0}, subject);
    return key.at ? rw_map_get(&consumers->by_subject, key) : NULL;
}
