#include "gate/release/release.h"

#include "gate/release/draw.h"

/* The same in every gateway: all of them have to draw the same users. */
static const uint64_t draw_key[2] = {0x72696e6777617921ull, 0x72656c6561736521ull};

static void add_text(struct rw_siphash *hash, struct rw_span text)
{
    uint64_t len = text.len;
    rw_siphash_add(hash, &len, sizeof(len));
    rw_siphash_add(hash, text.at, text.len);
}

void rw_release_prepare(struct rw_release *release)
{
    const struct rw_config_sticky *sticky = release->config->sticky;
    if (!sticky)
        return;
    for (unsigned i = 0; i < release->count; i++) {
        struct rw_release_version *version = &release->versions[i];
        rw_siphash_begin(&version->drawn, draw_key);
        add_text(&version->drawn, sticky->salt.len ? sticky->salt : release->route);
        add_text(&version->drawn, version->config->name);
    }
}

void rw_release_weights(const struct rw_release *release, double weights[RW_RELEASE_VERSIONS_MAX])
{
    for (unsigned i = 0; i < release->count; i++)
        weights[i] = release->versions[i].config->weight;
}

unsigned rw_release_for_user(const struct rw_release *release, struct rw_span user)
{
    double weights[RW_RELEASE_VERSIONS_MAX];
    uint64_t hashes[RW_RELEASE_VERSIONS_MAX];
    rw_release_weights(release, weights);
    for (unsigned i = 0; i < release->count; i++) {
        struct rw_siphash hash = release->versions[i].drawn;
        rw_siphash_add(&hash, user.at, user.len);
        hashes[i] = rw_siphash_end(&hash);
    }
    return rw_release_draw_user(weights, hashes, release->count);
}

unsigned rw_release_for_any(const struct rw_release *release, uint64_t random)
{
    double weights[RW_RELEASE_VERSIONS_MAX];
    rw_release_weights(release, weights);
    return rw_release_draw(weights, release->count, random);
}
