/* What is bought, as Terraform to go on from: for each place an entry with health checks, groups of
 * gateways and applications that scale over several zones, database and cache machines spread over
 * them, and the rest as a table of what to add. The pieces are those of data/plan/terraform;
 * networks, images and identities are the customer's and stand as variables. */
#include "plan/artefact/shared.h"
#include "plan/bill/bill.h"
#include "plan/facts/embed.h"

#include <stdio.h>

struct provider {
    const char *id, *source, *version, *configuration;
    enum rw_facts_file pieces;
};

static const struct provider providers[] = {
    {"aws", "hashicorp/aws", "~> 5.0", "region", RW_FACTS_TERRAFORM_AWS},
    {"aws_cn", "hashicorp/aws", "~> 5.0", "region", RW_FACTS_TERRAFORM_AWS},
    {"azure", "hashicorp/azurerm", "~> 4.0", NULL, RW_FACTS_TERRAFORM_AZURE},
    {"gcp", "hashicorp/google", "~> 6.0", "region", RW_FACTS_TERRAFORM_GCP},
    {"alibaba", "aliyun/alicloud", "~> 1.0", "region", RW_FACTS_TERRAFORM_ALIBABA},
};

/* A region of a site: its own, or the second one in which it stands by for itself. */
struct place {
    unsigned site;
    bool second;
    char name[8]; /* "s1", "s1b" */
    const struct provider *provider;
};

static const struct provider *find_provider(const char *id)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
        if (strcmp(providers[i].id, id) == 0)
            return &providers[i];
    return NULL;
}

enum { PLACES_MAX = 2 * RW_SITES_MAX };

static unsigned find_places(const struct rw_plan *plan, unsigned tier, struct place *places)
{
    const struct rw_bill *bill = plan->bill;
    unsigned count = 0;
    for (unsigned i = 0; i < bill->site_count; i++) {
        const struct provider *provider = find_provider(bill->sites[i].provider);
        bool second = plan->tiers[tier].profile->regions > 1 && bill->standby[i] == i;
        for (unsigned k = 0; provider && k <= second; k++) {
            struct place *place = &places[count++];
            *place = (struct place){.site = i, .second = k == 1, .provider = provider};
            snprintf(place->name, sizeof(place->name), "s%u%s", i + 1, k ? "b" : "");
        }
    }
    return count;
}

/* ---- Texts ---- */

/* A text as HCL has it, so that what the intake said stays one. */
static void add_quoted(struct rw_text *text, const char *value)
{
    rw_text_adds(text, "\"");
    for (const char *at = value; *at; at++) {
        bool template = (*at == '$' || *at == '%') && at[1] == '{';
        if (*at == '"' || *at == '\\')
            rw_text_adds(text, "\\");
        if (template)
            rw_text_add(text, rw_span(at, 1));
        rw_text_add(text, (unsigned char)*at < 0x20 ? RW_LITERAL(" ") : rw_span(at, 1));
    }
    rw_text_adds(text, "\"");
}

/* An article's name within quotes: what no provider has in one becomes a dash. */
static void add_name(struct rw_text *text, const char *name)
{
    for (const char *at = name; *at; at++) {
        char c = rw_lower(*at);
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._-", c);
        rw_text_add(text, kept ? rw_span(at, 1) : RW_LITERAL("-"));
    }
}

/* "hashicorp/aws" is called "aws" in the files. */
static const char *local_name(const struct provider *provider)
{
    return strchr(provider->source, '/') + 1;
}

/* ---- Pieces ---- */

/* What is filled into a piece. */
struct values {
    const struct place *place;
    const char *name, *sku;
    unsigned zones;
    double least, start, most; /* machines */
    double busy;               /* utilisation planned for */
};

static void add_zone_numbers(struct rw_text *text, unsigned zones)
{
    rw_text_adds(text, "[");
    for (unsigned i = 0; i < zones; i++)
        rw_text_addf(text, "%s\"%u\"", i ? ", " : "", i + 1);
    rw_text_adds(text, "]");
}

static void add_value(struct rw_text *text, struct rw_span key, const struct values *values)
{
    if (rw_span_is(key, "S"))
        rw_text_adds(text, values->place->name);
    else if (rw_span_is(key, "NAME"))
        rw_text_adds(text, values->name);
    else if (rw_span_is(key, "SKU"))
        add_name(text, values->sku);
    else if (rw_span_is(key, "ZONES"))
        rw_text_addf(text, "%u", values->zones);
    else if (rw_span_is(key, "ZONE_NUMBERS"))
        add_zone_numbers(text, values->zones);
    else if (rw_span_is(key, "MIN"))
        rw_text_addf(text, "%.0f", values->least);
    else if (rw_span_is(key, "START"))
        rw_text_addf(text, "%.0f", values->start);
    else if (rw_span_is(key, "MAX"))
        rw_text_addf(text, "%.0f", values->most);
    else if (rw_span_is(key, "CPU"))
        rw_text_addf(text, "%.0f", 100 * values->busy);
    else if (rw_span_is(key, "CPU_LOW"))
        rw_text_addf(text, "%.0f", 50 * values->busy);
    else if (rw_span_is(key, "CPU_SHARE"))
        rw_text_addf(text, "%.2f", values->busy);
    else
        rw_assert(!"a key of data/plan/terraform that nobody fills in");
}

/* The piece "#: NAME" of the provider's file. */
static struct rw_span find_piece(const struct provider *provider, const char *name)
{
    char head[32];
    snprintf(head, sizeof(head), "#: %s\n", name);
    struct rw_span file = rw_facts_embedded(provider->pieces);
    const char *begin = memmem(file.at, file.len, head, strlen(head));
    rw_assert(begin);
    struct rw_span piece = rw_span_skip(file, (size_t)(begin - file.at) + strlen(head));
    const char *end = memmem(piece.at, piece.len, "\n#: ", 4);
    return end ? rw_span(piece.at, (size_t)(end - piece.at)) : piece;
}

static void add_piece(struct rw_text *text, const char *name, const struct values *values)
{
    struct rw_span rest = find_piece(values->place->provider, name);
    rw_text_adds(text, "\n");
    for (;;) {
        const char *at = memchr(rest.at, '@', rest.len);
        const char *end = at ? memchr(at + 1, '@', rest.len - (size_t)(at + 1 - rest.at)) : NULL;
        if (!end)
            break;
        rw_text_add(text, rw_span(rest.at, (size_t)(at - rest.at)));
        add_value(text, rw_span(at + 1, (size_t)(end - at - 1)), values);
        rest = rw_span_skip(rest, (size_t)(end + 1 - rest.at));
    }
    rw_text_add(text, rest);
}

/* ---- Providers and variables ---- */

static bool first_of_its_source(const struct place *places, unsigned number)
{
    for (unsigned i = 0; i < number; i++)
        if (strcmp(places[i].provider->source, places[number].provider->source) == 0)
            return false;
    return true;
}

static void add_provider(const struct place *place, struct rw_text *text)
{
    rw_text_addf(text, "\nprovider \"%s\" {\n  alias = \"%s\"\n", local_name(place->provider),
                 place->name);
    if (place->provider->configuration)
        rw_text_addf(text, "  %s = local.%s_region\n", place->provider->configuration, place->name);
    else
        rw_text_adds(text, "  features {}\n");
    rw_text_adds(text, "}\n");
}

static void add_providers(const struct place *places, unsigned count, struct rw_text *text)
{
    rw_text_adds(text, "\nterraform {\n  required_version = \">= 1.5\"\n  required_providers {\n");
    for (unsigned i = 0; i < count; i++)
        if (first_of_its_source(places, i))
            rw_text_addf(text,
                         "    %s = {\n      source  = \"%s\"\n      version = \"%s\"\n    }\n",
                         local_name(places[i].provider), places[i].provider->source,
                         places[i].provider->version);
    rw_text_adds(text, "  }\n}\n");
    for (unsigned i = 0; i < count; i++)
        add_provider(&places[i], text);
    for (unsigned i = 0; i < count; i++)
        if (places[i].second)
            rw_text_addf(text,
                         "\nvariable \"%s_region\" {\n  type        = string\n"
                         "  description = \"Second region, under the same law as the first\"\n}\n",
                         places[i].name);
}

/* ---- Machines ---- */

static bool is_machine(const struct rw_bill_item *item)
{
    bool database = strcmp(item->category, "Databases") == 0;
    return strcmp(item->unit, "hour") == 0 && (database || strcmp(item->category, "Compute") == 0);
}

/* "app" is also what is parted into "app_base" and "app_burst". */
static bool is_part_of(const struct rw_bill_item *item, const char *name)
{
    size_t length = strlen(name);
    return strncmp(item->name, name, length) == 0 &&
           (item->name[length] == 0 || item->name[length] == '_');
}

/* Of machines that are bought for a site, those of its second region: as the nodes part. */
static double split(const struct rw_plan *plan, unsigned tier, const struct place *place,
                    const char *name, double machines)
{
    char first[32], second[48];
    snprintf(first, sizeof(first), "%s_nodes", name);
    snprintf(second, sizeof(second), "%s_standby", first);
    double nodes = rw_artefact_sizing(plan, tier, first);
    double standby = rw_artefact_sizing(plan, tier, second);
    bool parted = plan->tiers[tier].profile->regions > 1 &&
                  plan->bill->standby[place->site] == place->site && standby > 0 && nodes > 0;
    double away = parted ? rint(machines * standby / (nodes + standby)) : 0;
    return place->second ? away : machines - away;
}

/* False: no machines of that name are bought there. */
static bool count_machines(const struct rw_plan *plan, unsigned tier, const char *name,
                           struct values *values)
{
    const struct rw_bill *bill = plan->bill;
    double least = 0, start = 0, most = 0;
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (item->tier != tier || item->site != values->place->site || !is_machine(item) ||
            !is_part_of(item, name))
            continue;
        double now = rw_sheet_value(&plan->sheet, item->quantity[0]);
        values->sku = item->sku;
        start += now;
        least += strstr(item->name, "_burst") ? 0 : now;
        most += rw_sheet_value(&plan->sheet, item->quantity[bill->years - 1]);
    }
    values->name = name;
    values->least = split(plan, tier, values->place, name, least);
    values->start = split(plan, tier, values->place, name, start);
    values->most = split(plan, tier, values->place, name, most);
    /* Where nothing runs before it is needed, all of it may. */
    if (values->place->second && values->most == 0)
        values->most = most;
    return isfinite(start) && isfinite(most) && start > 0;
}

static void add_place(const struct rw_plan *plan, unsigned tier, const struct place *place,
                      struct rw_text *text)
{
    static const struct {
        const char *name, *piece;
    } parts[] = {
        {"gateway", "gateway"}, {"app", "app"}, {"database", "machines"}, {"cache", "machines"}};
    struct values values = {
        .place = place,
        .zones = plan->tiers[tier].profile->zones,
        .busy = rw_artefact_sizing(plan, tier, "utilization_max"),
    };
    values.busy = isfinite(values.busy) ? values.busy : plan->tiers[tier].profile->headroom;
    rw_text_addf(text, "\n# ---- %s%s ----\n", place->name,
                 place->second ? ": stands by in a second region" : "");
    add_piece(text, "variables", &values);
    add_piece(text, "entry", &values);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (count_machines(plan, tier, parts[i].name, &values))
            add_piece(text, parts[i].piece, &values);
}

/* ---- The rest ---- */

static void add_regions(const struct rw_plan *plan, const struct place *places, unsigned count,
                        struct rw_text *text)
{
    for (unsigned i = 0; i < plan->bill->site_count; i++) {
        rw_text_addf(text, "  s%u_region = ", i + 1);
        add_quoted(text, plan->bill->sites[i].region);
        rw_text_adds(text, "\n");
    }
    for (unsigned i = 0; i < count; i++)
        if (places[i].second)
            rw_text_addf(text, "  %s_region = var.%s_region\n", places[i].name, places[i].name);
}

static void add_planned(const struct rw_plan *plan, const struct rw_bill_item *item,
                        struct rw_text *text)
{
    rw_text_addf(text,
                 "    { site = \"s%u\", provider = \"%s\", region = local.s%u_region, "
                 "service = \"",
                 item->site + 1, item->provider, item->site + 1);
    add_name(text, item->service);
    rw_text_adds(text, "\", sku = \"");
    add_name(text, item->sku);
    rw_text_adds(text, "\", quantity = ");
    rw_number_write(text, rw_sheet_value(&plan->sheet, item->quantity[0]));
    rw_text_adds(text, ", unit = \"");
    add_name(text, item->unit);
    rw_text_adds(text, "\" },\n");
}

static void add_rest(const struct rw_plan *plan, unsigned tier, const struct place *places,
                     unsigned count, struct rw_text *text)
{
    rw_text_adds(text, "\n# Bought, too: add them as your landing zone has them.\nlocals {\n");
    add_regions(plan, places, count, text);
    rw_text_adds(text, "  planned = [\n");
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        bool written = is_machine(item) && find_provider(item->provider);
        if (item->tier == tier && !written && rw_bill_item_bought(plan, item))
            add_planned(plan, item, text);
    }
    rw_text_adds(text, "  ]\n}\n");
}

void rw_artefact_terraform(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    struct place places[PLACES_MAX];
    rw_artefact_head(plan, tier, "Terraform skeleton", text);
    if (!plan->bill)
        return;
    unsigned count = find_places(plan, tier, places);
    add_providers(places, count, text);
    for (unsigned i = 0; i < count; i++)
        add_place(plan, tier, &places[i], text);
    add_rest(plan, tier, places, count, text);
}
