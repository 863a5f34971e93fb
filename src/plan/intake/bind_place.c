#include "plan/intake/bind_place.h"

#include "plan/bill/bill.h"
#include "plan/controls/controls.h"

#include <math.h>

/* ---- Sites ---- */

/* The same place twice is one site. `region` ends in a NUL: of an unknown one it is the name. */
static void add_site(struct rw_terms *terms, struct rw_span provider, struct rw_span region,
                     double weight, struct rw_conf_place place)
{
    struct rw_term_site site = {.weight = weight, .place = place};
    if (!rw_bill_place(provider, region, &site.provider, &site.region))
        return;
    if (!site.region)
        site.region = region.at;
    for (unsigned i = 0; i < terms->site_count; i++)
        if (strcmp(terms->sites[i].provider, site.provider) == 0 &&
            strcmp(terms->sites[i].region, site.region) == 0) {
            terms->sites[i].weight += weight;
            return;
        }
    if (terms->site_count < RW_SITES_MAX)
        terms->sites[terms->site_count++] = site;
}

static void add_rows(const struct rw_intake *intake, struct rw_terms *terms)
{
    size_t count = 0;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "sites", &count);
    for (size_t i = 0; i < count; i++) {
        double machines = rw_intake_number(rw_intake_in(&rows[i], "count"));
        const struct rw_intake_value *provider = rw_intake_in(&rows[i], "provider");
        const struct rw_intake_value *region = rw_intake_in(&rows[i], "region");
        add_site(terms, provider->there ? provider->text : RW_LITERAL(""),
                 region->there ? region->text : RW_LITERAL(""), machines > 0 ? machines : 1,
                 rows[i].place);
    }
}

/* "AWS北京（50节点）、Azure东欧（30节点）": the parts of an enumeration. */
static bool next_part(struct rw_span *rest, struct rw_span *part)
{
    static const char *const separators[] = {"、", "，", "；", "/", ",", ";", "+", "\n"};
    if (rest->len == 0)
        return false;
    size_t end = rest->len, skip = 0;
    for (size_t i = 0; i < rest->len && skip == 0; i++)
        for (size_t j = 0; j < sizeof(separators) / sizeof(*separators) && skip == 0; j++)
            if (rw_span_starts(rw_span_skip(*rest, i), rw_span_text(separators[j]))) {
                end = i;
                skip = strlen(separators[j]);
            }
    *part = rw_span(rest->at, end);
    *rest = rw_span_skip(*rest, end + skip);
    return true;
}

static void add_named(const struct rw_intake *intake, struct rw_terms *terms)
{
    const struct rw_intake_value *value = rw_intake_get(intake, "infrastructure.public_cloud");
    struct rw_span rest = value->there ? value->text : RW_LITERAL("");
    struct rw_span part = {0};
    while (next_part(&rest, &part))
        add_site(terms, part, RW_LITERAL(""), 1, value->place);
}

void rw_intake_bind_sites(const struct rw_intake *intake, struct rw_terms *terms)
{
    terms->site_count = 0;
    add_rows(intake, terms);
    if (terms->site_count == 0)
        add_named(intake, terms);
}

/* ---- Frameworks ---- */

static void add_framework(struct rw_terms *terms, const char *id)
{
    for (unsigned i = 0; i < terms->framework_count; i++)
        if (strcmp(terms->frameworks[i], id) == 0)
            return;
    if (terms->framework_count < RW_TERM_FRAMEWORKS_MAX)
        terms->frameworks[terms->framework_count++] = id;
}

void rw_intake_bind_frameworks(const struct rw_intake *intake, struct rw_terms *terms)
{
    static const char *const paths[] = {"constraints.compliance", "constraints.sovereignty",
                                        "constraints.audit",      "constraints.other",
                                        "goal.security",          "goal.other"};
    terms->framework_count = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const struct rw_intake_value *value = rw_intake_get(intake, paths[i]);
        for (size_t j = 0; value->there && j < (value->count ? value->count : 1); j++) {
            const char *ids[RW_FRAMEWORK_WORDS_MAX];
            struct rw_span text = value->count ? value->texts[j] : value->text;
            unsigned count = rw_controls_named(text, ids);
            for (unsigned k = 0; k < count; k++)
                add_framework(terms, ids[k]);
        }
    }
}
