/* The architecture that the plan comes to, drawn: what fails together, and where data must stay. */
#include "plan/proposal/chapters.h"

#include "plan/bill/bill.h"

#include <stdio.h>

#define NONE ((struct rw_span){"", 0})

enum { ZONES_DRAWN = 3, SITES_DRAWN = 3 };

/* One failure domain's boxes. */
struct domain {
    struct rw_doc_box *gateway, *application, *data;
};

struct drawing {
    struct rw_proposal *proposal;
    const struct rw_tier *tier;
    struct rw_doc_diagram *diagram;
    struct rw_doc_box *users;
    struct domain last; /* the one before: where replicas come from */
    bool any;
};

static struct rw_span provider_name(const struct rw_proposal *proposal, const char *id)
{
    static const struct {
        const char *id;
        struct rw_label name;
    } providers[] = {
        {"aws", RW_LABEL("AWS", "AWS")},
        {"aws_cn", RW_LABEL("AWS China", "AWS 中国")},
        {"azure", RW_LABEL("Azure", "Azure")},
        {"azure_cn", RW_LABEL("Azure China", "Azure 中国")},
        {"gcp", RW_LABEL("Google Cloud", "Google Cloud")},
        {"alibaba", RW_LABEL("Alibaba Cloud", "阿里云")},
        {"onprem", RW_LABEL("On premises", "本地机房")},
    };
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (id && strcmp(providers[i].id, id) == 0)
            return rw_proposal_say(proposal, providers[i].name);
    }
    return rw_span_text(id);
}

/* "12 nodes": its share of the nodes "sizing.TIER.NAME" in one of `zones`. */
static struct rw_span nodes_each(const struct drawing *drawing, const char *name, unsigned zones)
{
    struct rw_proposal *proposal = drawing->proposal;
    double nodes = rw_sheet_value(&proposal->plan->sheet,
                                  rw_plan_find(proposal->plan, "sizing", drawing->tier, name));
    if (!isfinite(nodes) || nodes <= 0)
        return NONE;
    double each = ceil(nodes / zones);
    return rw_doc_format(
        proposal->doc, proposal->language == RW_LANGUAGE_ZH ? "节点：约 %.0f" : "nodes: about %.0f",
        each);
}

static struct rw_doc_box *add_box(struct drawing *drawing, struct rw_doc_zone *zone,
                                  struct rw_label label, struct rw_span detail)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct rw_doc_box *box =
        rw_doc_box(proposal->doc, drawing->diagram, zone, rw_proposal_say(proposal, label), detail);
    box->change = RW_DOC_ADDED;
    return box;
}

static struct domain add_domain(struct drawing *drawing, struct rw_doc_zone *region,
                                unsigned number, bool standby)
{
    struct rw_proposal *proposal = drawing->proposal;
    unsigned zones = drawing->tier->profile->zones;
    struct rw_doc_zone *zone = rw_doc_zone(
        proposal->doc, drawing->diagram, region, RW_DOC_FAILURE_DOMAIN,
        rw_doc_format(proposal->doc, proposal->language == RW_LANGUAGE_ZH ? "可用区 %u" : "Zone %u",
                      number + 1));
    const char *suffix = standby ? "_nodes_standby" : "_nodes";
    char names[3][48];
    const char *const kinds[] = {"gateway", "app", "database"};
    for (size_t i = 0; i < 3; i++)
        snprintf(names[i], sizeof(names[i]), "%s%s", kinds[i], suffix);
    struct domain domain = {
        .gateway = add_box(drawing, zone, RW_TEXTS("Ringway gateway", "Ringway 网关"),
                           nodes_each(drawing, names[0], zones)),
        .application = add_box(drawing, zone, RW_TEXTS("Application", "应用服务"),
                               nodes_each(drawing, names[1], zones)),
        .data = add_box(drawing, zone, RW_TEXTS("Database", "数据库"),
                        nodes_each(drawing, names[2], zones)),
    };
    struct rw_doc *doc = proposal->doc;
    rw_doc_link(doc, drawing->diagram, drawing->users, domain.gateway, NONE)->dashed = standby;
    rw_doc_link(doc, drawing->diagram, domain.gateway, domain.application, NONE);
    rw_doc_link(doc, drawing->diagram, domain.application, domain.data, NONE);
    return domain;
}

static void replicate(struct drawing *drawing, const struct domain *from, const struct domain *to,
                      struct rw_label label)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct rw_doc_link *link = rw_doc_link(proposal->doc, drawing->diagram, from->data, to->data,
                                           rw_proposal_say(proposal, label));
    link->dashed = link->beside = true;
}

static void add_region(struct drawing *drawing, const struct rw_term_site *site,
                       struct rw_span name, bool standby)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct rw_doc_zone *provider =
        rw_doc_zone(proposal->doc, drawing->diagram, NULL, RW_DOC_PROVIDER,
                    provider_name(proposal, site->provider));
    struct rw_doc_zone *region =
        rw_doc_zone(proposal->doc, drawing->diagram, provider, RW_DOC_REGION, name);
    /* Of a place that was only assumed for its prices, nothing is said about whose law it is under.
     */
    if (!proposal->plan->bill->site_assumed)
        region->residency = rw_span_text(rw_bill_jurisdiction(site));
    unsigned zones = standby ? 1 : drawing->tier->profile->zones;
    for (unsigned i = 0; i < zones && i < ZONES_DRAWN; i++) {
        struct domain domain = add_domain(drawing, region, i, standby);
        if (drawing->any)
            replicate(drawing, &drawing->last, &domain,
                      i ? RW_TEXTS("synchronous", "同步复制")
                        : RW_TEXTS("asynchronous", "异步复制"));
        drawing->last = domain;
        drawing->any = true;
    }
}

static void draw_tier(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    const struct rw_bill *bill = proposal->plan->bill;
    struct drawing drawing = {.proposal = proposal, .tier = tier};
    drawing.diagram = rw_doc_diagram(
        proposal->doc, rw_proposal_say(proposal, RW_TEXTS("Architecture afterwards", "目标架构")));
    struct rw_doc_zone *outside =
        rw_doc_zone(proposal->doc, drawing.diagram, NULL, RW_DOC_OUTSIDE,
                    rw_proposal_say(proposal, RW_TEXTS("Internet", "互联网")));
    drawing.users = rw_doc_box(proposal->doc, drawing.diagram, outside,
                               rw_proposal_say(proposal, RW_TEXTS("Users", "用户")), NONE);
    for (unsigned i = 0; i < bill->site_count && i < SITES_DRAWN; i++)
        add_region(&drawing, &bill->sites[i], rw_span_text(bill->sites[i].region), false);
    for (unsigned i = 0; i < bill->site_count && i < SITES_DRAWN; i++)
        if (tier->profile->regions > 1 && bill->standby[i] == i)
            add_region(
                &drawing, &bill->sites[i],
                rw_proposal_say(proposal, RW_TEXTS("Second region: standby", "第二地域（待命）")),
                true);
}

static void put_after(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    const struct rw_tier *tier = rw_proposal_recommended(proposal);
    if (!plan->bill || !plan->bill->site_count || !plan->tier_count)
        return;
    tier = tier ? tier : &plan->tiers[plan->tier_count - 1];
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)),
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->profile->buys)),
    };
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS("Drawn for the tier **{0}**: {1}. What stands in one dashed frame "
                 "fails together; a coloured frame says whose law the data stays under.",
                 "按 **{0}** 档绘制：{1}。虚线框内为同一故障域；彩色框标明数据所属法域。"),
        arguments, 2);
    draw_tier(proposal, tier);
}

void rw_proposal_architecture(struct rw_proposal *proposal)
{
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Architecture", "技术架构"));
    rw_proposal_before(proposal);
    put_after(proposal);
}
