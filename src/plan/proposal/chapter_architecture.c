/* The architecture that the plan comes to, drawn: what fails together, and where data must stay. */
#include "plan/proposal/chapters.h"

#include "plan/bill/bill.h"
#include "plan/intake/intake.h"

#define NONE ((struct rw_span){"", 0})

enum { ZONES_DRAWN = 3, SITES_DRAWN = 3, REGIONS_DRAWN = SITES_DRAWN + 1 };

/* One failure domain's boxes. */
struct domain {
    struct rw_doc_box *gateway, *application, *data;
};

/* A region's own boxes, and those of its first and last domain. */
struct region {
    struct rw_doc_box *balancer, *storage;
    struct domain first, last;
    bool standby;
};

struct drawing {
    struct rw_proposal *proposal;
    const struct rw_tier *tier;
    struct rw_doc_diagram *diagram;
    struct rw_doc_box *entry; /* where requests come from: the users, or what guards them today */
    struct region regions[REGIONS_DRAWN];
    unsigned region_count;
    double weights; /* of all sites */
};

struct rw_span rw_proposal_provider(const struct rw_proposal *proposal, const char *id)
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

/* "12 nodes": what one of `zones` has of the nodes "sizing.TIER.NAME" that are the site's. */
static struct rw_span nodes_each(const struct drawing *drawing, const char *name, double share,
                                 unsigned zones)
{
    struct rw_proposal *proposal = drawing->proposal;
    double nodes = rw_sheet_value(&proposal->plan->sheet,
                                  rw_plan_find(proposal->plan, "sizing", drawing->tier, name));
    if (!isfinite(nodes) || nodes <= 0)
        return NONE;
    double each = ceil(nodes * share / zones - 1e-9);
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

static struct rw_doc_link *join(struct drawing *drawing, const struct rw_doc_box *from,
                                const struct rw_doc_box *to, struct rw_span label)
{
    return rw_doc_link(drawing->proposal->doc, drawing->diagram, from, to, label);
}

static struct rw_doc_zone *add_zone(struct drawing *drawing, struct rw_doc_zone *parent,
                                    enum rw_doc_zone_kind kind, struct rw_span label)
{
    return rw_doc_zone(drawing->proposal->doc, drawing->diagram, parent, kind, label);
}

/* The value of "sizing.TIER.NAME" with its unit; nothing when there is none. */
static struct rw_span amount_of(const struct drawing *drawing, const char *name)
{
    const struct rw_plan *plan = drawing->proposal->plan;
    uint32_t cell = rw_plan_find(plan, "sizing", drawing->tier, name);
    if (!(rw_sheet_value(&plan->sheet, cell) > 0))
        return NONE;
    return rw_proposal_quantity(drawing->proposal, rw_sheet_quantity(&plan->sheet, cell));
}

static void replicate(struct drawing *drawing, const struct rw_doc_box *from,
                      const struct rw_doc_box *to, struct rw_label label)
{
    struct rw_doc_link *link = join(drawing, from, to, rw_proposal_say(drawing->proposal, label));
    link->dashed = link->beside = true;
}

static struct domain add_domain(struct drawing *drawing, struct rw_doc_zone *parent,
                                unsigned number, double share, bool standby)
{
    struct rw_proposal *proposal = drawing->proposal;
    unsigned zones = drawing->tier->profile->zones;
    struct rw_doc_zone *zone = add_zone(
        drawing, parent, RW_DOC_FAILURE_DOMAIN,
        rw_doc_format(proposal->doc, proposal->language == RW_LANGUAGE_ZH ? "可用区 %u" : "Zone %u",
                      number + 1));
    const char *const names[][2] = {{"gateway_nodes", "gateway_nodes_standby"},
                                    {"app_nodes", "app_nodes_standby"},
                                    {"database_nodes", "database_nodes_standby"}};
    struct rw_span details[3];
    for (size_t i = 0; i < 3; i++)
        details[i] = nodes_each(drawing, names[i][standby], share, zones);
    struct domain domain = {
        .gateway = add_box(drawing, zone, RW_TEXTS("Ringway gateway", "Ringway 网关"), details[0]),
        .application = add_box(drawing, zone, RW_TEXTS("Application", "应用服务"), details[1]),
        .data = add_box(drawing, zone, RW_TEXTS("Database", "数据库"), details[2]),
    };
    join(drawing, domain.gateway, domain.application, NONE);
    join(drawing, domain.application, domain.data, NONE);
    return domain;
}

/* What a region has besides its zones: it goes on when one of them is lost. */
static void add_services(struct drawing *drawing, struct rw_doc_zone *zone, struct region *region,
                         double share)
{
    struct rw_doc_box *watch =
        add_box(drawing, zone, RW_TEXTS("Metrics, logs, traces", "监控、日志、追踪"),
                rw_proposal_say(drawing->proposal, RW_TEXTS("of every request", "逐请求")));
    struct rw_doc_box *cache =
        add_box(drawing, zone, RW_TEXTS("Cache, in all zones", "缓存（跨可用区）"),
                nodes_each(drawing, "cache_nodes", share, 1));
    region->storage = add_box(drawing, zone, RW_TEXTS("Objects, backups", "对象存储与备份"),
                              amount_of(drawing, "storage_backup"));
    join(drawing, region->first.application, cache, NONE);
    join(drawing, region->first.gateway, watch, NONE)->dashed = true;
    join(drawing, region->first.data, region->storage, NONE)->dashed = true;
}

/* Between two regions: two ways, so that the loss of one is no loss of the data's. */
static void interconnect(struct drawing *drawing, struct rw_doc_zone *zone,
                         const struct region *from, const struct region *to, bool same_provider)
{
    struct rw_doc_box *link =
        same_provider ? add_box(drawing, zone, RW_TEXTS("Provider's backbone", "云商骨干网"),
                                amount_of(drawing, "link"))
                      : add_box(drawing, zone, RW_TEXTS("Two dedicated links", "双路专线"),
                                amount_of(drawing, "link"));
    replicate(drawing, from->last.data, link, RW_TEXTS("asynchronous", "异步复制"));
    replicate(drawing, link, to->first.data, RW_TEXTS("", ""));
}

static void add_region(struct drawing *drawing, const struct rw_term_site *site,
                       struct rw_span name, bool standby)
{
    struct rw_proposal *proposal = drawing->proposal;
    if (drawing->region_count == REGIONS_DRAWN)
        return;
    struct region *region = &drawing->regions[drawing->region_count++];
    region->standby = standby;
    struct rw_doc_zone *provider =
        add_zone(drawing, NULL, RW_DOC_PROVIDER, rw_proposal_provider(proposal, site->provider));
    struct rw_doc_zone *zone = add_zone(drawing, provider, RW_DOC_REGION, name);
    /* Of a place that was only assumed for its prices, nothing is said about whose law it is under.
     */
    if (!proposal->plan->bill->site_assumed)
        zone->residency = rw_span_text(rw_bill_jurisdiction(site));
    region->balancer =
        add_box(drawing, zone, RW_TEXTS("Load balancer", "负载均衡"),
                standby ? rw_proposal_say(proposal, RW_TEXTS("at failover", "切换时启用")) : NONE);
    join(drawing, drawing->entry, region->balancer, NONE)->dashed = standby;
    unsigned zones = drawing->tier->profile->zones;
    double share = site->weight / drawing->weights;
    for (unsigned i = 0; i < zones && i < ZONES_DRAWN; i++) {
        struct domain domain = add_domain(drawing, zone, i, share, standby);
        join(drawing, region->balancer, domain.gateway, NONE)->dashed = standby;
        if (i)
            replicate(drawing, region->last.data, domain.data, RW_TEXTS("synchronous", "同步复制"));
        else
            region->first = domain;
        region->last = domain;
    }
    add_services(drawing, zone, region, share);
}

/* What stays of today's: in front, what guards it; behind, the systems to connect. */
static void add_entry(struct drawing *drawing)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct rw_doc_zone *outside = add_zone(
        drawing, NULL, RW_DOC_OUTSIDE, rw_proposal_say(proposal, RW_TEXTS("Internet", "互联网")));
    drawing->entry = rw_doc_box(proposal->doc, drawing->diagram, outside,
                                rw_proposal_say(proposal, RW_TEXTS("Users", "用户")), NONE);
    struct rw_span guard =
        proposal->intake ? rw_intake_text(proposal->intake, "infrastructure.security") : NONE;
    if (!guard.len)
        return;
    struct rw_doc_box *box =
        rw_doc_box(proposal->doc, drawing->diagram, outside,
                   rw_proposal_say(proposal, RW_TEXTS("Guard of today", "现有安全组件")), guard);
    join(drawing, drawing->entry, box, NONE);
    drawing->entry = box;
}

/* The next site of the intake on premises where nothing is bought: it stays as it is, and is to be
 * reached. */
static const struct rw_intake_row *next_staying(const struct rw_proposal *proposal, size_t *at)
{
    size_t count = 0;
    const struct rw_bill *bill = proposal->plan->bill;
    const struct rw_intake_row *rows =
        proposal->intake ? rw_intake_rows(proposal->intake, "sites", &count) : NULL;
    for (unsigned i = 0; i < bill->site_count; i++)
        if (strcmp(bill->sites[i].provider, "onprem") == 0)
            return NULL; /* part of the plan */
    while (*at < count) {
        const struct rw_intake_row *row = &rows[(*at)++];
        const char *provider = NULL, *region = NULL;
        if (rw_bill_place(rw_intake_in(row, "provider")->text, rw_intake_in(row, "region")->text,
                          &provider, &region) &&
            strcmp(provider, "onprem") == 0)
            return row;
    }
    return NULL;
}

static void add_staying(struct drawing *drawing, struct rw_doc_zone *zone,
                        struct rw_doc_box *gateway)
{
    struct rw_proposal *proposal = drawing->proposal;
    const struct rw_intake_row *row;
    size_t at = 0;
    while ((row = next_staying(proposal, &at))) {
        const struct rw_intake_value *name = rw_intake_in(row, "name");
        struct rw_span label = name->there
                                   ? name->text
                                   : rw_proposal_say(proposal, RW_TEXTS("On premises", "本地机房"));
        join(drawing, gateway,
             rw_doc_box(proposal->doc, drawing->diagram, zone, label,
                        rw_intake_in(row, "shape")->text),
             rw_proposal_say(proposal, RW_TEXTS("dedicated link", "专线")));
    }
}

/* The lanes of what stays and of what is outside stand above the regions; their boxes come when
 * there is something to link them to. */
struct outside {
    struct rw_doc_zone *legacy, *models;
};

static struct outside add_outside(struct drawing *drawing)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct outside outside = {NULL, NULL};
    size_t first = 0;
    bool legacy = proposal->intake && rw_intake_text(proposal->intake, "constraints.legacy").len;
    if (legacy || next_staying(proposal, &first))
        outside.legacy =
            add_zone(drawing, NULL, RW_DOC_PROVIDER,
                     rw_proposal_say(
                         proposal, RW_TEXTS("The customer's systems that stay", "保留的客户系统")));
    if (rw_proposal_mentions(proposal, "OpenAI|Anthropic|大模型|模型推理|推理集群|AI服务|AI推理|"
                                       "LLM|language model|inference|AI provider|AI services"))
        outside.models = add_zone(
            drawing, NULL, RW_DOC_OUTSIDE,
            rw_proposal_say(proposal, RW_TEXTS("AI providers (outside the residency of the data)",
                                               "AI 服务商（不在数据所属法域内）")));
    return outside;
}

static void connect_outside(struct drawing *drawing, const struct outside *outside)
{
    struct rw_proposal *proposal = drawing->proposal;
    struct rw_doc_box *gateway = drawing->regions[0].first.gateway;
    if (outside->legacy)
        add_staying(drawing, outside->legacy, gateway);
    if (outside->legacy && rw_intake_text(proposal->intake, "constraints.legacy").len) {
        struct rw_doc_box *box =
            rw_doc_box(proposal->doc, drawing->diagram, outside->legacy,
                       rw_proposal_say(proposal, RW_TEXTS("Systems to connect", "遗留系统")),
                       rw_intake_text(proposal->intake, "constraints.legacy"));
        join(drawing, gateway, box, rw_intake_text(proposal->intake, "constraints.protocol"));
    }
    if (outside->models) {
        struct rw_doc_box *box =
            add_box(drawing, outside->models, RW_TEXTS("Models", "模型推理服务"),
                    rw_proposal_say(proposal, RW_TEXTS("limited per route", "按路由限额与鉴权")));
        join(drawing, gateway, box, NONE);
    }
}

static struct rw_doc_zone *add_between(struct drawing *drawing)
{
    return add_zone(drawing, NULL, RW_DOC_OUTSIDE,
                    rw_proposal_say(drawing->proposal, RW_TEXTS("Between the sites", "站点互联")));
}

/* Regions of one provider are joined by it; sites of one's own are not. */
static bool joined_by_provider(const struct rw_term_site *a, const struct rw_term_site *b)
{
    return strcmp(a->provider, b->provider) == 0 && strcmp(a->provider, "onprem") != 0;
}

static void draw_tier(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    const struct rw_bill *bill = proposal->plan->bill;
    struct drawing drawing = {.proposal = proposal, .tier = tier};
    drawing.diagram = rw_doc_diagram(
        proposal->doc, rw_proposal_say(proposal, RW_TEXTS("Architecture afterwards", "目标架构")));
    for (unsigned i = 0; i < bill->site_count; i++)
        drawing.weights += bill->sites[i].weight;
    add_entry(&drawing);
    struct outside outside = add_outside(&drawing);
    for (unsigned i = 0; i < bill->site_count && i < SITES_DRAWN; i++) {
        struct rw_doc_zone *between = i ? add_between(&drawing) : NULL;
        add_region(&drawing, &bill->sites[i], rw_span_text(bill->sites[i].region), false);
        if (i)
            interconnect(&drawing, between, &drawing.regions[i - 1], &drawing.regions[i],
                         joined_by_provider(&bill->sites[i - 1], &bill->sites[i]));
    }
    unsigned sites = drawing.region_count;
    for (unsigned i = 0; i < sites; i++) {
        if (tier->profile->regions < 2 || bill->standby[i] != i ||
            drawing.region_count == REGIONS_DRAWN)
            continue;
        struct rw_doc_zone *between = add_between(&drawing);
        add_region(
            &drawing, &bill->sites[i],
            rw_proposal_say(proposal, RW_TEXTS("Second region: standby", "第二地域（待命）")),
            true);
        interconnect(&drawing, between, &drawing.regions[i],
                     &drawing.regions[drawing.region_count - 1],
                     joined_by_provider(&bill->sites[i], &bill->sites[i]));
    }
    connect_outside(&drawing, &outside);
}

static void put_after(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    if (!plan->bill || !plan->bill->site_count || !plan->tier_count)
        return;
    const struct rw_tier *tier = rw_proposal_shown(proposal);
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)),
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->profile->buys)),
    };
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS("Drawn for the tier **{0}**: {1}. What stands in one dashed frame "
                 "fails together; a frame with a country says whose law the data stays under. "
                 "Blue boxes are new, grey ones stay.",
                 "按 **{0}** 档绘制：{1}。虚线框内为同一故障域；标有国家或地区的框为数据所属法域。"
                 "蓝框为新增，灰框为保留。"),
        arguments, 2);
    draw_tier(proposal, tier);
}

void rw_proposal_architecture(struct rw_proposal *proposal)
{
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Architecture", "技术架构"));
    rw_proposal_before(proposal);
    put_after(proposal);
}
