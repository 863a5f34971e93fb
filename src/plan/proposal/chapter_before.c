/* What there is today, drawn from the customer's own words: no more is known of it. */
#include "plan/proposal/chapters.h"

#include "plan/intake/intake.h"

#define NONE ((struct rw_span){"", 0})

enum { SITES_DRAWN = 8 };

struct drawing {
    struct rw_proposal *proposal;
    struct rw_doc_diagram *diagram;
    struct rw_doc_box *last; /* what the next box is reached from */
};

static struct rw_span words_of(const struct drawing *drawing, const char *path)
{
    return rw_intake_text(drawing->proposal->intake, path);
}

static struct rw_doc_box *add_box(struct drawing *drawing, struct rw_doc_zone *zone,
                                  struct rw_label label, struct rw_span detail)
{
    struct rw_doc *doc = drawing->proposal->doc;
    struct rw_doc_box *box =
        rw_doc_box(doc, drawing->diagram, zone, rw_proposal_say(drawing->proposal, label), detail);
    if (drawing->last)
        rw_doc_link(doc, drawing->diagram, drawing->last, box, NONE);
    return box;
}

/* The components in a row: what a request passes on its way. */
static void add_chain(struct drawing *drawing, struct rw_doc_zone *zone, struct rw_span services)
{
    struct rw_span security = words_of(drawing, "infrastructure.security");
    struct rw_span middleware = words_of(drawing, "infrastructure.middleware");
    struct rw_span database = words_of(drawing, "infrastructure.database");
    if (security.len)
        drawing->last = add_box(drawing, zone, RW_TEXTS("Security", "安全组件"), security);
    drawing->last = add_box(drawing, zone, RW_TEXTS("Application", "应用"), services);
    if (middleware.len)
        drawing->last = add_box(drawing, zone, RW_TEXTS("Middleware", "中间件"), middleware);
    if (database.len)
        drawing->last = add_box(drawing, zone, RW_TEXTS("Database", "数据库"), database);
}

static void add_sites(struct drawing *drawing, struct rw_doc_box *users)
{
    struct rw_doc *doc = drawing->proposal->doc;
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(drawing->proposal->intake, "sites", &count);
    for (size_t i = 0; i < count && i < SITES_DRAWN; i++) {
        struct rw_span provider = rw_intake_in(&rows[i], "provider")->text;
        struct rw_span region = rw_intake_in(&rows[i], "region")->text;
        struct rw_doc_zone *zone = rw_doc_zone(
            doc, drawing->diagram, NULL, RW_DOC_REGION,
            rw_doc_format(doc, "%.*s %.*s", (int)(provider.len < 100 ? provider.len : 100),
                          provider.at, (int)(region.len < 100 ? region.len : 100), region.at));
        drawing->last = users;
        if (i == 0)
            add_chain(drawing, zone, rw_intake_in(&rows[i], "shape")->text);
        else
            add_box(drawing, zone, RW_TEXTS("Application", "应用"),
                    rw_intake_in(&rows[i], "shape")->text);
    }
}

static void add_clouds(struct drawing *drawing, struct rw_doc_box *users)
{
    struct rw_doc *doc = drawing->proposal->doc;
    struct rw_span public_cloud = words_of(drawing, "infrastructure.public_cloud");
    struct rw_span private_cloud = words_of(drawing, "infrastructure.private_cloud");
    struct rw_span services = words_of(drawing, "infrastructure.services");
    struct rw_span first = public_cloud.len ? public_cloud : private_cloud;
    struct rw_doc_zone *zone = rw_doc_zone(
        doc, drawing->diagram, NULL, RW_DOC_PROVIDER,
        first.len ? first
                  : rw_proposal_say(drawing->proposal, RW_TEXTS("Today's system", "现有系统")));
    drawing->last = users;
    add_chain(drawing, zone, services);
    if (!public_cloud.len || !private_cloud.len)
        return;
    zone = rw_doc_zone(doc, drawing->diagram, NULL, RW_DOC_PROVIDER, private_cloud);
    drawing->last = users;
    add_box(drawing, zone, RW_TEXTS("Private cloud", "私有云"), NONE);
}

void rw_proposal_before(struct rw_proposal *proposal)
{
    static const char *const known[] = {"infrastructure.public_cloud",
                                        "infrastructure.private_cloud", "infrastructure.database",
                                        "infrastructure.middleware"};
    struct rw_doc *doc = proposal->doc;
    size_t sites = 0;
    bool any = false;
    if (!proposal->intake)
        return;
    rw_intake_rows(proposal->intake, "sites", &sites);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        any |= rw_intake_text(proposal->intake, known[i]).len > 0;
    if (!any && !sites)
        return;
    struct drawing drawing = {.proposal = proposal};
    drawing.diagram = rw_doc_diagram(
        doc, rw_proposal_say(proposal, RW_TEXTS("Architecture today, as the customer describes it",
                                                "现状架构（按客户描述）")));
    struct rw_doc_zone *outside =
        rw_doc_zone(doc, drawing.diagram, NULL, RW_DOC_OUTSIDE,
                    rw_proposal_say(proposal, RW_TEXTS("Internet", "互联网")));
    struct rw_doc_box *users = add_box(&drawing, outside, RW_TEXTS("Users", "用户"), NONE);
    if (sites)
        add_sites(&drawing, users);
    else
        add_clouds(&drawing, users);
}
