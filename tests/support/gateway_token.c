/* Who asks says so by a token that is signed, in a world that has tokens: good ones, and in worlds
 * that are not strict also others; reloads bring other keys. What must hold: with a token that is
 * not good, or no more, or by a key that the configuration does not have, nobody comes to an origin
 * or is given a page; with a good one nobody is refused; the origin is told whose it is, and gets
 * the token itself only where it is to be kept. */
#include "support/gateway_world.h"
#include "support/jwt_maker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WALL_S = 1767225600, BRIEF_S = 2, LONG_S = 1000000, KEYS = 2 };

/* What a request has for a token. */
enum kind {
    GOOD,
    BRIEF,   /* good until a second after the start of the world */
    EXPIRED, /* long ago */
    EARLY,   /* not good yet */
    FORGED,  /* signed with another secret */
    ALTERED, /* signed for other claims */
    NONE,
    KINDS
};

static const char *const secrets[KEYS] = {"a-secret-of-the-simulation-that-is-long",
                                          "another-one-that-is-as-long-as-it-has-to-be"};

void rw_test_token_plan(struct rw_test_world *world, struct rw_test_request *r)
{
    r->token = GOOD;
    if (world->strict)
        return;
    r->key = r->user && rw_test_chance(world, 30);
    if (r->user == 0 && rw_test_chance(world, 80)) /* mostly the same one, that is remembered */
        r->token = BRIEF;
    else if (rw_test_chance(world, 40))
        r->token = (uint8_t)(1 + rw_test_below(world, KINDS - 1));
}

/* ---- The configuration ---- */

void rw_test_token_reload(struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    struct rw_test_tokens *tokens = &world->tokens;
    tokens->keys = world->strict ? 1 : (uint8_t)(1 + rw_test_below(world, 3));
    tokens->keys |= (uint8_t)(rw_test_chance(world, 30) << 1);
    tokens->ever |= tokens->keys;
    tokens->missed |= (uint8_t)~tokens->keys;
    tokens->keep = rw_test_chance(world, 50);
    rw_test_bytes_format(yaml, "identity: { claim_fields: { sub: X-Subject } }\n");
}

void rw_test_token_policy(struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    const struct rw_test_tokens *tokens = &world->tokens;
    rw_test_bytes_format(yaml, " jwt: { keys: [");
    for (unsigned key = 0; key < KEYS; key++)
        if (tokens->keys >> key & 1)
            rw_test_bytes_format(yaml, " { id: k%u, secret: \"%s\", algorithms: HS256 },", key,
                                 secrets[key]);
    rw_test_bytes_format(yaml,
                         " ], claims: sub, leeway: 0s, failures_max: 0, cache_tokens: %u, keep: "
                         "%s },",
                         rw_test_chance(world, 50) ? 4 : 4096, tokens->keep ? "true" : "false");
}

/* ---- Requests ---- */

const char *rw_test_token_field(const struct rw_test_request *r, char field[RW_TEST_TOKEN_BYTES])
{
    char header[80], claims[120];
    uint64_t until_s = WALL_S + (r->token == BRIEF ? BRIEF_S : r->token == EXPIRED ? 0 : LONG_S);
    uint64_t from_s = r->token == EARLY ? WALL_S + LONG_S / 2 : WALL_S;
    if (r->token == NONE)
        return NULL;
    snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"k%u\"}", r->key);
    snprintf(claims, sizeof(claims),
             "{\"sub\":\"" RW_TEST_USER_FORMAT "\",\"exp\":%" PRIu64 ",\"nbf\":%" PRIu64 "}",
             r->user, until_s, from_s);
    const char *secret =
        r->token == FORGED ? "nobody-knows-of-this-secret-but-a-forger" : secrets[r->key];
    struct rw_text token = rw_test_jwt(header, claims, rw_span_text(secret));
    if (r->token == ALTERED) { /* what is signed is not what it says */
        struct rw_text other =
            rw_test_jwt(header, "{\"sub\":\"user-9\",\"exp\":9999999999}", rw_span_text(secret));
        snprintf(field, RW_TEST_TOKEN_BYTES, "Bearer %.*s%s",
                 (int)(strrchr(token.at, '.') - token.at), token.at, strrchr(other.at, '.'));
        rw_text_free(&other);
    } else {
        snprintf(field, RW_TEST_TOKEN_BYTES, "Bearer %s", token.at);
    }
    rw_text_free(&token);
    return field;
}

/* ---- What becomes of them ---- */

static bool is_over(const struct rw_test_request *r, uint64_t at_ms)
{
    return r->token == BRIEF && at_ms >= BRIEF_S * 1000;
}

/* By the configuration in force, or where that is not sure, by any that there was. */
static bool has_key(const struct rw_test_world *world, const struct rw_test_request *r)
{
    bool sure = r->sent_generation == world->generation;
    return (sure ? world->tokens.keys : world->tokens.ever) >> r->key & 1;
}

void rw_test_token_admitted(struct rw_test_world *world, const struct rw_test_request *r)
{
    if (r->token > BRIEF || is_over(r, r->sent_ms) || !has_key(world, r))
        rw_test_fail(world, "%u: admitted with a token of kind %u by key %u", r->id, r->token,
                     r->key);
}

void rw_test_token_arrived(struct rw_test_world *world, const struct rw_test_request *r,
                           const struct rw_test_told *told)
{
    char subject[32];
    bool sure = r->sent_generation == world->generation;
    rw_test_token_admitted(world, r);
    snprintf(subject, sizeof(subject), RW_TEST_USER_FORMAT, r->user);
    if (told->subjects != 1 || !rw_span_is(told->subject, subject))
        rw_test_fail(world, "%u: of %s, and told to be %u of %.*s", r->id, subject, told->subjects,
                     RW_SPAN_ARGS(told->subject));
    if (sure && told->tokens != world->tokens.keep)
        rw_test_fail(world, "%u: %u tokens come to the origin", r->id, told->tokens);
}

void rw_test_token_refused(struct rw_test_world *world, const struct rw_test_reader *reader,
                           const struct rw_test_request *r)
{
    bool sure = r->sent_generation == world->generation;
    uint8_t all = sure ? world->tokens.keys : (uint8_t)~world->tokens.missed;
    struct rw_span challenge = rw_test_head_value(reader, "WWW-Authenticate");
    bool told = memmem(challenge.at, challenge.len, "invalid_token", 13) != NULL;
    world->tokens.refused++;
    if (!rw_span_starts(challenge, RW_LITERAL("Bearer")) || told != (r->token != NONE))
        rw_test_fail(world, "%u: is challenged by %.*s", r->id, RW_SPAN_ARGS(challenge));
    if (r->token <= BRIEF && !is_over(r, rw_sim_now_ms(world->sim)) && all >> r->key & 1)
        rw_test_fail(world, "%u: refused, though its token is good", r->id);
}
