#include "plan/lint/facts.h"

#include "plan/facts/embed.h"
#include "plan/facts/fields.h"

#include <math.h>
#include <stdlib.h>

#define TEXT(type, member, needed)                                                                 \
    {                                                                                              \
#member, RW_FACTS_TEXT, needed, offsetof(struct rw_lint_##type, member)                    \
    }

static const struct rw_facts_field component_fields[] = {
    TEXT(component, id, true),          TEXT(component, words, true),
    TEXT(component, older_than, false), TEXT(component, older_ended, false),
    TEXT(component, source, false),     {0},
};

static const struct rw_facts_field limit_fields[] = {
    TEXT(limit, words, true), TEXT(limit, what, true),   TEXT(limit, bytes_max, true),
    TEXT(limit, limit, true), TEXT(limit, source, true), {0},
};

static const struct rw_facts_field provider_fields[] = {
    TEXT(provider, id, true),
    TEXT(provider, words, true),
    {0},
};

static const struct rw_facts_field place_fields[] = {
    TEXT(place, id, true),        TEXT(place, words, true),     TEXT(place, latitude, true),
    TEXT(place, longitude, true), TEXT(place, mainland, false), {0},
};

static const struct rw_facts_field region_fields[] = {
    TEXT(region, provider, true),
    TEXT(region, name, true),
    TEXT(region, place, true),
    TEXT(region, words, true),
    {0},
};

static const struct rw_facts_field area_fields[] = {
    TEXT(area, words, true),
    TEXT(area, place, true),
    {0},
};

static const struct rw_facts_field standard_fields[] = {
    TEXT(standard, id, true),         TEXT(standard, words, true),
    TEXT(standard, kind, true),       TEXT(standard, types, false),
    TEXT(standard, retired, false),   TEXT(standard, current, false),
    TEXT(standard, instead_en, true), TEXT(standard, instead_zh, true),
    TEXT(standard, source, true),     {0},
};

static const struct rw_facts_field family_fields[] = {
    TEXT(family, name, true),    TEXT(family, words, true),
    TEXT(family, mark, false),   TEXT(family, known, false),
    TEXT(family, levels, false), TEXT(family, most, false),
    TEXT(family, source, true),  {0},
};

static enum rw_err decode(struct rw_lint_facts *facts, struct rw_conf_report *report)
{
    enum rw_err err = RW_OK;
#define DECODE(one, many)                                                                          \
    static const struct rw_facts_record one##_record = {#one, one##_fields,                        \
                                                        sizeof(struct rw_lint_##one), -1};         \
    void *many = NULL;                                                                             \
    if (!err)                                                                                      \
        err = rw_facts_decode_list(&one##_record, rw_conf_tree_at(facts->tree.root, #many),        \
                                   &facts->arena, report, &many, &facts->one##_count);             \
    facts->many = many;
    RW_LINT_LISTS(DECODE)
#undef DECODE
    return err;
}

static void take_words(struct rw_lint_facts *facts, struct rw_conf_report *report)
{
    const struct {
        const char *key;
        const char **to;
    } words[] = {
        {"world", &facts->world},         {"known_standards", &facts->known_standards},
        {"certified", &facts->certified}, {"rules", &facts->rules},
        {"named", &facts->named},         {"absolute", &facts->absolute},
        {"global", &facts->global},       {"between_sites", &facts->between_sites},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct rw_span text = rw_conf_tree_text(facts->tree.root, words[i].key);
        *words[i].to = text.at;
        if (text.len == 0)
            rw_conf_mistake_at(report, (struct rw_conf_place){1, 1}, "%s is missing", words[i].key);
    }
}

enum rw_err rw_lint_facts_load(struct rw_lint_facts *facts, struct rw_conf_report *report)
{
    enum { BYTES_MAX = 4 << 20 };
    *facts = (struct rw_lint_facts){0};
    rw_arena_init(&facts->arena, NULL, 0, 16 << 10, BYTES_MAX);
    enum rw_err err =
        rw_conf_tree_read(rw_facts_embedded(RW_FACTS_LINT), rw_facts_file_name(RW_FACTS_LINT),
                          &facts->arena, &facts->tree, report);
    if (!err)
        err = decode(facts, report);
    if (!err)
        take_words(facts, report);
    if (!err && report->err)
        err = report->err;
    return !err && report->count ? RW_EINVAL : err;
}

void rw_lint_facts_free(struct rw_lint_facts *facts)
{
    rw_conf_tree_free(&facts->tree);
    rw_arena_free(&facts->arena);
    *facts = (struct rw_lint_facts){0};
}

const struct rw_lint_place *rw_lint_facts_place(const struct rw_lint_facts *facts, const char *id)
{
    for (unsigned i = 0; i < facts->place_count; i++)
        if (strcmp(facts->places[i].id, id) == 0)
            return &facts->places[i];
    return NULL;
}

static double radians(const char *degrees)
{
    return strtod(degrees, NULL) * M_PI / 180;
}

double rw_lint_distance(const struct rw_lint_place *a, const struct rw_lint_place *b)
{
    const double earth_km = 6371;
    double latitude_a = radians(a->latitude), latitude_b = radians(b->latitude);
    double across = sin((latitude_b - latitude_a) / 2);
    double along = sin((radians(b->longitude) - radians(a->longitude)) / 2);
    double half = across * across + cos(latitude_a) * cos(latitude_b) * along * along;
    return 2 * earth_km * asin(fmin(1, sqrt(half)));
}

double rw_lint_round_trip(double kilometres)
{
    const double refraction = 1.468, light_km_s = 299792.458;
    return 2 * kilometres * refraction / light_km_s;
}
