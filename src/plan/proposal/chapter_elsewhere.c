/* Within the bill of materials: the same at other providers, and what has no price there. */
#include "plan/proposal/chapters.h"

#include "plan/bill/bill.h"
#include "plan/elsewhere/elsewhere.h"

#define NONE ((struct rw_span){"", 0})

static struct rw_span place_name(const struct rw_proposal *proposal,
                                 const struct rw_elsewhere_place *place)
{
    if (!place->provider)
        return rw_proposal_say(proposal, RW_TEXTS("This plan", "本方案"));
    return rw_proposal_provider(proposal, place->provider);
}

/* "eastus"; of the plan, its sites. */
static struct rw_span region_name(struct rw_proposal *proposal,
                                  const struct rw_elsewhere_place *place)
{
    const struct rw_bill *bill = proposal->plan->bill;
    if (place->provider)
        return rw_span_text(strcmp(place->region, "any") == 0 ? "—" : place->region);
    if (bill->site_count > 1)
        return rw_doc_format(proposal->doc,
                             proposal->language == RW_LANGUAGE_ZH ? "%u 个站点" : "%u sites",
                             bill->site_count);
    struct rw_span provider = rw_proposal_provider(proposal, bill->sites[0].provider);
    return rw_doc_format(proposal->doc, "%.*s %.100s", RW_SPAN_ARGS(provider),
                         bill->sites[0].region ? bill->sites[0].region : "");
}

static void put_label(struct rw_proposal *proposal, struct rw_doc_cell *cells,
                      struct rw_label label)
{
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, label));
}

static void put_regions(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    put_label(proposal, cells, RW_TEXTS("Region", "区域"));
    for (unsigned i = 0; i < elsewhere->place_count; i++) {
        const struct rw_elsewhere_place *place = &elsewhere->places[i];
        struct rw_span region = region_name(proposal, place);
        rw_doc_words(proposal->doc, &cells[i + 1],
                     place->other_law ? rw_doc_format(proposal->doc, "%.*s *", RW_SPAN_ARGS(region))
                                      : region);
    }
}

/* Machines of one number of cores differ in memory and in what is committed. */
static void put_machines(struct rw_proposal *proposal, struct rw_doc_table *table, unsigned which,
                         struct rw_label label)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    put_label(proposal, cells, label);
    for (unsigned i = 0; i < elsewhere->place_count; i++) {
        const char *machine = elsewhere->places[i].machines[which];
        if (machine)
            rw_doc_words(proposal->doc, &cells[i + 1],
                         rw_proposal_phrase(proposal, rw_span_text(machine)));
    }
}

static void put_prices(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    put_label(
        proposal, cells,
        RW_TEXTS("Prices: known, of these to re-quote, missing", "价格：已知、其中需询价、缺失"));
    for (unsigned i = 0; i < elsewhere->place_count; i++) {
        const struct rw_elsewhere_place *place = &elsewhere->places[i];
        rw_doc_words(proposal->doc, &cells[i + 1],
                     rw_doc_format(proposal->doc, "%u / %u / %u", place->prices_used,
                                   place->prices_doubtful, place->prices_missing));
    }
}

static void put_sums(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    for (unsigned k = 0; k < elsewhere->category_count; k++) {
        struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
        rw_doc_words(proposal->doc, &cells[0],
                     rw_proposal_category(proposal, elsewhere->categories[k]));
        for (unsigned i = 0; i < elsewhere->place_count; i++)
            rw_proposal_put(proposal, &cells[i + 1], elsewhere->places[i].categories[k]);
    }
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    put_label(proposal, cells, RW_TEXTS("Year 1, all of it", "第 1 年合计"));
    for (unsigned i = 0; i < elsewhere->place_count; i++)
        rw_proposal_put(proposal, &cells[i + 1], elsewhere->places[i].year);
}

static void put_table(struct rw_proposal *proposal)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    struct rw_doc *doc = proposal->doc;
    struct rw_span tier = rw_proposal_say(proposal, proposal->plan->tiers[elsewhere->tier].label);
    struct rw_doc_table *table = rw_doc_table(doc,
                                              rw_doc_format(doc,
                                                            proposal->language == RW_LANGUAGE_ZH
                                                                ? "%.*s：第 1 年在其他云商的费用"
                                                                : "%.*s: year 1 at other providers",
                                                            RW_SPAN_ARGS(tier)),
                                              NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    for (unsigned i = 0; i < elsewhere->place_count; i++)
        rw_doc_column(doc, table, RW_DOC_NUMBER, place_name(proposal, &elsewhere->places[i]), NONE);
    put_regions(proposal, table);
    put_sums(proposal, table);
    put_machines(proposal, table, 0, RW_TEXTS("Application machines", "应用节点机型"));
    put_machines(proposal, table, 1, RW_TEXTS("Database machines", "数据库节点机型"));
    put_prices(proposal, table);
}

/* ---- Gaps ---- */

static void put_gap(struct rw_proposal *proposal, struct rw_doc_table *table,
                    const struct rw_elsewhere_gap *gap)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, gap->label));
    rw_doc_words(doc, &cells[1],
                 gap->article ? rw_proposal_phrase(proposal, rw_span_text(gap->article))
                              : rw_proposal_say(proposal, RW_TEXTS("no such article in the list",
                                                                   "价目表无此类条目")));
    cells[2].tone = gap->stops ? RW_DOC_BAD : RW_DOC_WARNING;
    rw_doc_words(doc, &cells[2],
                 rw_proposal_say(proposal, gap->stops ? RW_TEXTS("stops the sum", "合计因此缺失")
                                                      : RW_TEXTS("not in the sum", "未计入合计")));
}

static void put_gaps(struct rw_proposal *proposal)
{
    const struct rw_elsewhere *elsewhere = proposal->plan->elsewhere;
    struct rw_doc *doc = proposal->doc;
    if (!elsewhere->gap_count)
        return;
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("What has no price there", "其他云商缺价的条目")),
        NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, RW_TEXTS("Article", "规格")),
                  NONE);
    rw_doc_column(doc, table, RW_DOC_STATUS,
                  rw_proposal_say(proposal, RW_TEXTS("What follows", "影响")), NONE);
    unsigned place = 0;
    for (unsigned i = 0; i < elsewhere->gap_count; i++) {
        const struct rw_elsewhere_gap *gap = &elsewhere->gaps[i];
        if (gap->place != place)
            rw_doc_group(doc, table, place_name(proposal, &elsewhere->places[gap->place]));
        place = gap->place;
        put_gap(proposal, table, gap);
    }
}

/* ---- All of it ---- */

static bool any(const struct rw_plan *plan, bool law)
{
    for (unsigned i = 1; i < plan->elsewhere->place_count; i++) {
        const struct rw_elsewhere_place *place = &plan->elsewhere->places[i];
        if (law ? place->other_law : strcmp(place->currency, plan->sheet.currency) != 0)
            return true;
    }
    return false;
}

void rw_proposal_elsewhere(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc *doc = proposal->doc;
    if (!plan->elsewhere || plan->elsewhere->place_count < 2)
        return;
    rw_doc_section(doc, 2, RW_TEXTS("The same at other providers", "换一家云商"));
    rw_doc_paragraph(
        doc,
        RW_TEXTS("The same sizes, all at one place of each provider, by the same list and with "
                 "your own prices. What is added up is the first year of running; moving, people "
                 "and what a contract would give are not in it. A sum is only as complete as its "
                 "list, and machines of one size differ in memory and commitment: see the rows "
                 "below it, and what has no price. Where a price is missing, there is no sum.",
                 "按相同的容量、全部部署于各云商的一处，采用同一价目表及自有价格逐项计算。仅为首年"
                 "运行费用，不含迁移、人员与合同优惠。合计是否完整取决于价目表；同核数机型的内存"
                 "与预留方式亦有差别，见表中各行与缺价条目。缺价即无合计。"),
        NULL, 0);
    put_table(proposal);
    if (any(plan, true))
        rw_doc_paragraph(doc,
                         RW_TEXTS("* The list has no prices of this provider under the law of the "
                                  "plan's site: its usual region stands in, for the price alone.",
                                  "* 价目表没有该云商在本方案站点所属法域内的价格：以其常用区域"
                                  "估算，仅供比价。"),
                         NULL, 0);
    if (any(plan, false))
        rw_doc_paragraph(doc,
                         RW_TEXTS("Amounts of a list in another currency stay in it: no rate was "
                                  "given.",
                                  "其他币种的目录价保持原币种：未提供汇率。"),
                         NULL, 0);
    put_gaps(proposal);
}
