/* Sites as they are named, and regions that no provider has. */
#include "plan/lint/rules.h"

/* A part of a text about one site: until the next comma, conjunction or bracket that opens. */
static size_t chunk_len(struct rw_span text)
{
    static const char *const ends[] = {"，", "；", "。", "、", "与",
                                       "和", "及", ";",  ", ", " and "};
    for (size_t i = 1; i < text.len; i++)
        for (size_t end = 0; end < sizeof(ends) / sizeof(*ends); end++)
            if (rw_span_starts(rw_span_skip(text, i), rw_span_text(ends[end])))
                return i;
    return text.len;
}

static const struct rw_lint_provider *provider_in(const struct rw_lint *lint, struct rw_span text,
                                                  size_t *behind)
{
    const struct rw_lint_provider *found = NULL;
    for (unsigned i = 0; i < lint->facts.provider_count; i++) {
        size_t at, len;
        if (rw_lint_find(text, lint->facts.providers[i].words, &at, &len) &&
            (!found || at + len < *behind)) {
            found = &lint->facts.providers[i];
            *behind = at + len;
        }
    }
    return found;
}

/* The region of the provider with the longest name in the text. */
static const struct rw_lint_region *region_in(const struct rw_lint *lint, const char *provider,
                                              struct rw_span text, struct rw_span *name)
{
    const struct rw_lint_region *found = NULL;
    size_t longest = 0, at, len;
    for (unsigned i = 0; i < lint->facts.region_count; i++) {
        const struct rw_lint_region *region = &lint->facts.regions[i];
        if (strcmp(region->provider, provider) != 0)
            continue;
        if ((rw_lint_find(text, region->words, &at, &len) ||
             rw_lint_find(text, region->name, &at, &len)) &&
            len > longest) {
            longest = len;
            found = region;
            *name = rw_span(text.at + at, len);
        }
    }
    return found;
}

static const struct rw_lint_area *area_in(const struct rw_lint *lint, struct rw_span text,
                                          size_t *at, size_t *len)
{
    const struct rw_lint_area *found = NULL;
    size_t here, size;
    *len = 0;
    for (unsigned i = 0; i < lint->facts.area_count; i++)
        if (rw_lint_find(text, lint->facts.areas[i].words, &here, &size) && size > *len) {
            found = &lint->facts.areas[i];
            *at = here;
            *len = size;
        }
    return found;
}

static void add_site(struct rw_lint *lint, const char *place, const struct rw_intake_value *value,
                     struct rw_span name)
{
    const struct rw_lint_place *known = rw_lint_facts_place(&lint->facts, place);
    if (!known || lint->site_count == RW_LINT_SITES_MAX)
        return;
    for (size_t i = 0; i < lint->site_count; i++)
        if (lint->sites[i].place == known)
            return;
    lint->sites[lint->site_count++] = (struct rw_lint_site){known, value, name};
}

static void find_in_chunk(struct rw_lint *lint, const struct rw_intake_value *value,
                          const char *provider, struct rw_span chunk)
{
    size_t behind = 0, at, len;
    struct rw_span name;
    if (!provider) {
        const struct rw_lint_provider *found = provider_in(lint, chunk, &behind);
        provider = found ? found->id : NULL;
    }
    const struct rw_lint_region *region = provider ? region_in(lint, provider, chunk, &name) : NULL;
    if (region) {
        add_site(lint, region->place, value, name);
        return;
    }
    for (unsigned i = 0; i < lint->facts.place_count; i++)
        if (rw_lint_find(chunk, lint->facts.places[i].words, &at, &len)) {
            add_site(lint, lint->facts.places[i].id, value, rw_span(chunk.at + at, len));
            return;
        }
    const struct rw_lint_area *area = provider ? area_in(lint, chunk, &at, &len) : NULL;
    if (area)
        add_site(lint, area->place, value, rw_span(chunk.at + at, len));
}

static bool names_sites(const struct rw_lint_text *text)
{
    return strcmp(text->section->name, "infrastructure") == 0 ||
           strcmp(text->section->name, "pains") == 0;
}

static const char *provider_of(const struct rw_lint *lint, struct rw_span name)
{
    size_t behind = 0;
    const struct rw_lint_provider *provider = provider_in(lint, name, &behind);
    return provider ? provider->id : "";
}

void rw_lint_find_sites(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(lint->intake, "sites", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *region = rw_intake_in(&sites[i], "region");
        if (region->there)
            find_in_chunk(lint, region,
                          provider_of(lint, rw_intake_in(&sites[i], "provider")->text),
                          region->text);
    }
    for (size_t i = 0; i < lint->text_count; i++) {
        struct rw_span rest = lint->texts[i].text;
        while (names_sites(&lint->texts[i]) && rest.len) {
            size_t len = chunk_len(rest);
            find_in_chunk(lint, lint->texts[i].value, NULL, rw_span(rest.at, len));
            rest = rw_span_skip(rest, len);
        }
    }
}

/* ---- Regions that do not exist ---- */

/* What a provider has nearest to a place. */
static const char *nearest_region(const struct rw_lint *lint, const char *provider,
                                  const char *place)
{
    const struct rw_lint_place *wanted = rw_lint_facts_place(&lint->facts, place);
    const char *nearest = "";
    double least = 1e9;
    for (unsigned i = 0; wanted && i < lint->facts.region_count; i++) {
        const struct rw_lint_region *region = &lint->facts.regions[i];
        const struct rw_lint_place *here = rw_lint_facts_place(&lint->facts, region->place);
        if (strcmp(region->provider, provider) != 0 || !here)
            continue;
        double distance = rw_lint_distance(here, wanted);
        if (distance < least) {
            least = distance;
            nearest = region->name;
        }
    }
    return nearest;
}

static bool told(const struct rw_lint *lint, const char *subject)
{
    for (unsigned i = 0; i < lint->findings->count; i++)
        if (strcmp(lint->findings->at[i].rule, lint->rule->name) == 0 &&
            lint->findings->at[i].subject && strcmp(lint->findings->at[i].subject, subject) == 0)
            return true;
    return false;
}

static void tell_region(struct rw_lint *lint, const struct rw_intake_value *value,
                        const struct rw_lint_provider *provider, struct rw_span name,
                        const char *nearest)
{
    struct rw_span rest = rw_span_text(provider->words), word = {0};
    rw_intake_next_word(&rest, &word);
    const char *subject = rw_lint_format(lint, "%.*s %.*s", RW_SPAN_ARGS(word), RW_SPAN_ARGS(name));
    if (told(lint, subject))
        return;
    struct rw_label action = {0};
    if (nearest && *nearest)
        action = (struct rw_label){
            .en =
                rw_lint_format(lint, "name the region by its technical name; nearest: %s", nearest),
            .zh = rw_lint_format(lint, "请写明区域的技术名称；最近的区域：%s", nearest)};
    rw_lint_tell(lint, &(struct rw_lint_hit){.value = value,
                                             .claimed = rw_lint_quantity(1, RW_UNIT_COUNT),
                                             .possible = rw_lint_quantity(0, RW_UNIT_COUNT),
                                             .subject = subject,
                                             .action = action});
}

/* Directly behind the provider's name, perhaps after blanks. */
static void check_chunk(struct rw_lint *lint, const struct rw_intake_value *value,
                        struct rw_span chunk)
{
    size_t behind = 0, at, len;
    struct rw_span name;
    const struct rw_lint_provider *provider = provider_in(lint, chunk, &behind);
    if (!provider)
        return;
    struct rw_span rest = rw_span_trim(rw_span_skip(chunk, behind));
    const struct rw_lint_area *area = area_in(lint, rest, &at, &len);
    if (!area || at > 0)
        return;
    const struct rw_lint_region *region = region_in(lint, provider->id, rest, &name);
    if (!region || (name.at != rest.at))
        tell_region(lint, value, provider, rw_span(rest.at, len),
                    nearest_region(lint, provider->id, area->place));
}

static void check_site(struct rw_lint *lint, const struct rw_intake_row *site)
{
    const struct rw_intake_value *region = rw_intake_in(site, "region");
    size_t behind = 0, at, len;
    struct rw_span name;
    const struct rw_lint_provider *provider =
        provider_in(lint, rw_intake_in(site, "provider")->text, &behind);
    if (!provider || !region->there || region_in(lint, provider->id, region->text, &name))
        return;
    const char *nearest = NULL;
    enum rw_region_answer answer =
        rw_reference_region(&lint->reference, provider->id, region->text, &nearest);
    const struct rw_lint_area *area = area_in(lint, region->text, &at, &len);
    if (area)
        nearest = nearest_region(lint, provider->id, area->place);
    if (answer == RW_REGION_UNKNOWN || (area && answer != RW_REGION_EXISTS))
        tell_region(lint, region, provider, region->text, nearest);
}

void rw_lint_region(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(lint->intake, "sites", &count);
    for (size_t i = 0; i < count; i++)
        check_site(lint, &sites[i]);
    for (size_t i = 0; i < lint->text_count; i++) {
        struct rw_span rest = lint->texts[i].text;
        while (names_sites(&lint->texts[i]) && rest.len) {
            size_t len = chunk_len(rest);
            check_chunk(lint, lint->texts[i].value, rw_span(rest.at, len));
            rest = rw_span_skip(rest, len);
        }
    }
}
