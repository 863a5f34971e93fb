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

uint64_t rw_release_id(const struct rw_release *release)
{
    const struct rw_config_version *version = release->versions[release->rollout->candidate].config;
    struct rw_siphash hash;
    rw_siphash_begin(&hash, draw_key);
    add_text(&hash, release->route);
    add_text(&hash, version->name);
    add_text(&hash, version->upstream);
    uint64_t id = rw_siphash_end(&hash);
    return id ? id : 1;
}

/* Of the version that comes in; what serves nobody shows how it begins. */
static double rollout_share(const struct rw_rollout *rollout)
{
    uint32_t begins =
        rollout->config->automatic ? rw_rollout_stage(rollout->config, 1)->percent : 0;
    return (rollout->state ? atomic_load_explicit(&rollout->state->percent, memory_order_relaxed)
                           : begins) /
           100.0;
}

void rw_release_shares(const struct rw_release *release, double shares[RW_RELEASE_VERSIONS_MAX])
{
    const struct rw_rollout *rollout = release->rollout;
    double sum = 0, share = rollout ? rollout_share(rollout) : 0;
    for (unsigned i = 0; i < release->count; i++) {
        shares[i] = rollout && i == rollout->candidate ? 0 : release->versions[i].config->weight;
        sum += shares[i];
    }
    for (unsigned i = 0; i < release->count; i++)
        shares[i] = shares[i] / sum * (1 - share);
    if (rollout)
        shares[rollout->candidate] = share;
}

unsigned rw_release_for_user(const struct rw_release *release, struct rw_span user)
{
    double shares[RW_RELEASE_VERSIONS_MAX];
    uint64_t hashes[RW_RELEASE_VERSIONS_MAX];
    rw_release_shares(release, shares);
    for (unsigned i = 0; i < release->count; i++) {
        struct rw_siphash hash = release->versions[i].drawn;
        rw_siphash_add(&hash, user.at, user.len);
        hashes[i] = rw_siphash_end(&hash);
    }
    return rw_release_draw_user(shares, hashes, release->count);
}

unsigned rw_release_for_any(const struct rw_release *release, uint64_t random)
{
    double shares[RW_RELEASE_VERSIONS_MAX];
    rw_release_shares(release, shares);
    return rw_release_draw(shares, release->count, random);
}
