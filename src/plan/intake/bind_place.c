#include "plan/intake/bind_place.h"

#include "plan/bill/bill.h"
#include "plan/controls/controls.h"
#include "plan/intake/reader.h"

#include <math.h>

/* ---- Sites ---- */

struct sites {
    const struct rw_intake *intake;
    struct rw_terms *terms;
    struct rw_conf_report *report;
};

/* The same place twice is one site. */
static void add_site(struct sites *sites, const struct rw_term_site *site)
{
    struct rw_terms *terms = sites->terms;
    for (unsigned i = 0; i < terms->site_count; i++)
        if (strcmp(terms->sites[i].provider, site->provider) == 0 &&
            strcmp(terms->sites[i].region, site->region) == 0) {
            terms->sites[i].weight += site->weight;
            return;
        }
    if (terms->site_count < RW_SITES_MAX)
        terms->sites[terms->site_count++] = *site;
    else
        rw_intake_tell(sites->report, site->place, "more than %d sites", "超过 %d 个站点",
                       RW_SITES_MAX);
}

static void add_fleet(struct sites *sites, const struct rw_intake_row *row,
                      const struct rw_term_site *site)
{
    struct rw_terms *terms = sites->terms;
    const struct rw_intake_value *shape = rw_intake_in(row, "shape");
    double machines = rw_intake_number(rw_intake_in(row, "count"));
    if (shape->there && shape->text.len && machines > 0 && terms->fleet_count < RW_SITES_MAX)
        terms->fleets[terms->fleet_count++] = (struct rw_term_fleet){
            site->provider, site->region, shape->text.at, machines, row->place};
}

/* What the rows say of their shares, and how many say nothing. */
static unsigned count_shares(const struct rw_intake_row *rows, size_t count, double *sum)
{
    unsigned silent = 0;
    *sum = 0;
    for (size_t i = 0; i < count; i++) {
        double share = rw_intake_number(rw_intake_in(&rows[i], "share"));
        silent += isnan(share);
        *sum += isnan(share) ? 0 : share;
    }
    return silent;
}

/* By shares, if any was given: who has none takes what they leave. Else by machines. */
static double weight_of(const struct rw_intake_row *row, unsigned silent, double shares)
{
    double share = rw_intake_number(rw_intake_in(row, "share"));
    double machines = rw_intake_number(rw_intake_in(row, "count"));
    if (!(shares > 0))
        return machines > 0 ? machines : 1;
    return isnan(share) ? fmax(0, 1 - shares) / silent : share;
}

/* A provider that no list has keeps the name that the customer wrote: the bill asks for its prices.
 * Texts of the intake end in a NUL. */
static void add_rows(struct sites *sites)
{
    size_t count = 0;
    const struct rw_intake_row *rows = rw_intake_rows(sites->intake, "sites", &count);
    double shares;
    unsigned silent = count_shares(rows, count, &shares);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *provider = rw_intake_in(&rows[i], "provider");
        const struct rw_intake_value *region = rw_intake_in(&rows[i], "region");
        struct rw_span named = region->there ? region->text : RW_LITERAL("");
        struct rw_term_site site = {.weight = weight_of(&rows[i], silent, shares),
                                    .place = rows[i].place};
        if (!provider->there || !(site.weight > 0))
            continue;
        if (!rw_bill_place(provider->text, named, &site.provider, &site.region))
            site.provider = provider->text.at;
        if (!site.region)
            site.region = named.len ? named.at : "any";
        add_site(sites, &site);
        add_fleet(sites, &rows[i], &site);
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

static void add_named(struct sites *sites)
{
    const struct rw_intake_value *value =
        rw_intake_get(sites->intake, "infrastructure.public_cloud");
    struct rw_span rest = value->there ? value->text : RW_LITERAL("");
    struct rw_span part = {0};
    while (next_part(&rest, &part)) {
        struct rw_term_site site = {.weight = 1, .place = value->place};
        if (rw_bill_place(part, RW_LITERAL(""), &site.provider, &site.region) && site.region)
            add_site(sites, &site);
    }
}

void rw_intake_bind_sites(const struct rw_intake *intake, struct rw_terms *terms,
                          struct rw_conf_report *report)
{
    struct sites sites = {intake, terms, report};
    terms->site_count = terms->fleet_count = 0;
    add_rows(&sites);
    if (terms->site_count == 0)
        add_named(&sites);
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
