/* Where it runs, what stands by for what, and under whose law. */
#include "plan/bill/line.h"

/* A region's name, or how it begins; the longer ones first. */
static const struct law {
    const char *provider, *region, *law;
} laws[] = {
    {"aws_cn", "", "CN"},
    {"azure_cn", "", "CN"},
    {"", "cn-hongkong", "HK"},
    {"", "cn-", "CN"},
    {"", "china", "CN"},
    {"", "eu-west-2", "UK"},
    {"", "uksouth", "UK"},
    {"", "ukwest", "UK"},
    {"", "europe-west2", "UK"},
    {"", "europe-west6", "CH"},
    {"", "eu-central-2", "CH"},
    {"", "eu-", "EU"},
    {"", "europe", "EU"},
    {"", "westeurope", "EU"},
    {"", "northeurope", "EU"},
    {"", "polandcentral", "EU"},
    {"", "germany", "EU"},
    {"", "france", "EU"},
    {"", "sweden", "EU"},
    {"", "italy", "EU"},
    {"", "spain", "EU"},
    {"", "switzerland", "CH"},
    {"", "southcentralus", "US"},
    {"", "northcentralus", "US"},
    {"", "us-", "US"},
    {"", "eastus", "US"},
    {"", "westus", "US"},
    {"", "centralus", "US"},
    {"", "ap-southeast-1", "SG"},
    {"", "southeastasia", "SG"},
    {"", "asia-southeast1", "SG"},
    {"", "sa-east-1", "BR"},
    {"", "brazil", "BR"},
    {"", "southamerica-east1", "BR"},
    {"", "ca-", "CA"},
    {"", "canada", "CA"},
    {"", "northamerica-northeast", "CA"},
    {"", "ap-northeast-1", "JP"},
    {"", "ap-northeast-3", "JP"},
    {"", "japan", "JP"},
    {"", "asia-northeast1", "JP"},
    {"", "ap-northeast-2", "KR"},
    {"", "korea", "KR"},
    {"", "ap-south-1", "IN"},
    {"", "centralindia", "IN"},
    {"", "asia-south1", "IN"},
    {"", "ap-southeast-2", "AU"},
    {"", "australia", "AU"},
    {"", "ap-southeast-3", "ID"},
    {"", "me-central-1", "AE"},
    {"", "uae", "AE"},
    {"", "af-south-1", "ZA"},
    {"", "southafrica", "ZA"},
    {"", "ap-east-1", "HK"},
    {"", "eastasia", "HK"},
    {"", "asia-east2", "HK"},
};

static const char *law_of(const char *provider, const char *region)
{
    for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
        bool by_provider = *laws[i].provider && strcmp(provider, laws[i].provider) == 0;
        bool by_region =
            *laws[i].region && strncmp(region, laws[i].region, strlen(laws[i].region)) == 0;
        if (by_provider || by_region)
            return laws[i].law;
    }
    return NULL;
}

static bool is_own(const struct rw_term_site *site)
{
    return strcmp(site->provider, "onprem") == 0;
}

const char *rw_bill_jurisdiction(const struct rw_term_site *site)
{
    const char *provider, *region;
    if (is_own(site) && rw_bill_city(rw_span_text(site->region), &provider, &region))
        return law_of(provider, region);
    return law_of(site->provider, site->region);
}

/* ---- Findings ---- */

static void tell(struct rw_plan *plan, struct rw_finding finding)
{
    finding.cells[0] = finding.cells[1] = RW_CELL_NONE;
    finding.numbers[0].value = finding.numbers[1].value = NAN;
    rw_findings_add(&plan->findings, &finding);
}

static const char *name_of(struct rw_plan *plan, const struct rw_term_site *site)
{
    return rw_sheet_text(&plan->sheet, "%s %s", site->provider, site->region);
}

/* Rules about data cannot be judged for a place that nobody chose. */
static void tell_assumed(struct rw_plan *plan)
{
    const char *site = name_of(plan, &plan->bill->sites[0]);
    tell(plan, (struct rw_finding){
                   .rule = "site_assumed",
                   .severity = RW_SEVERITY_NOTE,
                   .text = RW_LABEL("Nobody said where the system is to run: {2} is assumed",
                                    "未说明部署位置：按 {2} 估算"),
                   .action = RW_LABEL("Name provider and region of each site, with its share",
                                      "请列出各站点的云厂商、区域及占比"),
                   .subject = site,
                   .source = "prices: the list's first region for the plan's currency",
               });
    if (plan->terms.framework_count)
        tell(plan,
             (struct rw_finding){
                 .rule = "residency_open",
                 .severity = RW_SEVERITY_WARNING,
                 .text = RW_LABEL("Rules about where data may be are to be kept, but {2} is "
                                  "an assumption for the prices: nothing is said about "
                                  "residency, and other regions have other prices",
                                  "要求遵守数据驻留规则，但 {2} 只是计价假设：不作数据驻留结论，"
                                  "其他区域价格不同"),
                 .action = RW_LABEL("Decide where data of which persons is kept; then name the "
                                    "sites",
                                    "请先确定各类人员数据的存放地，再列出站点"),
                 .subject = site,
                 .source = "controls.yaml: the frameworks that were asked for",
             });
}

static void tell_left_out(struct rw_plan *plan, const struct rw_term_site *site)
{
    tell(plan,
         (struct rw_finding){
             .rule = "site_unpriced",
             .severity = RW_SEVERITY_NOTE,
             .text = RW_LABEL("The machines on premises stay as they are: nothing is bought there, "
                              "as no price file has prices for {2}",
                              "本地站点维持现状：价格文件中没有 {2} 的价格，清单不含本地采购"),
             .action = RW_LABEL("Give prices of servers and storage in a price file of your own, "
                                "if the site is part of the plan",
                                "如方案包含本地站点，请以自有价格文件提供服务器与存储价格"),
             .subject = site->provider,
             .source = "data/plan/prices.yaml",
             .file = plan->terms.file,
             .place = site->place,
         });
}

static void tell_region(struct rw_plan *plan, const struct rw_term_site *site)
{
    tell(plan, (struct rw_finding){
                   .rule = "region_unknown",
                   .severity = RW_SEVERITY_WARNING,
                   .text = RW_LABEL("The price list knows no region \"{2}\": prices of another "
                                    "region stand in for it",
                                    "价格表中没有区域“{2}”：以其他区域的价格代替"),
                   .action = RW_LABEL("Name the region by its technical name; if it is right, ask "
                                      "the provider for its prices",
                                      "请写明区域的技术名称；如名称无误，请向供应商询价"),
                   .subject = name_of(plan, site),
                   .source = "data/plan/prices.yaml",
                   .file = plan->terms.file,
                   .place = site->place,
               });
}

static void tell_provider(struct rw_plan *plan, const struct rw_term_site *site)
{
    tell(plan,
         (struct rw_finding){
             .rule = "provider_unpriced",
             .severity = RW_SEVERITY_WARNING,
             .text = RW_LABEL("The price list has nothing of {2}: the totals stop until a price "
                              "file has its prices",
                              "价格表中没有 {2} 的任何价格：在自有价格文件补充之前，相关合计缺失"),
             .action = RW_LABEL("Lay its prices over the list, by the names of articles on "
                                "premises: server, storage, egress_internet",
                                "请以自有价格文件补充，条目名称与本地采购相同：server、storage、"
                                "egress_internet"),
             .subject = site->provider,
             .source = "data/plan/prices.yaml",
             .file = plan->terms.file,
             .place = site->place,
         });
}

static void tell_standby(struct rw_plan *plan, const struct rw_term_site *site)
{
    tell(plan, (struct rw_finding){
                   .rule = "standby_at_home",
                   .severity = RW_SEVERITY_NOTE,
                   .text = RW_LABEL(
                       "No other site is under the same law as {2}: what stands by for it "
                       "is priced in a second region of the same provider, not at the "
                       "other sites",
                       "没有其他站点与 {2} 同属一个法域：其待命容量按同一云商的第二地域计价，"
                       "不放在其他站点"),
                   .action = RW_LABEL("If data may cross that border, say so with the legal basis",
                                      "如数据可以出境，请说明其法律依据"),
                   .subject = name_of(plan, site),
                   .source = "the regions' own names",
                   .file = plan->terms.file,
                   .place = site->place,
               });
}

/* ---- Sites ---- */

bool rw_bill_sells(const struct rw_prices *prices, const char *provider, const char *region)
{
    for (unsigned i = 0; i < prices->list_count; i++)
        for (unsigned j = 0; j < prices->lists[i].row_count; j++) {
            const struct rw_price *row = &prices->lists[i].rows[j];
            if (strcmp(row->provider, provider) == 0 &&
                (!region || strcmp(row->region, region) == 0))
                return true;
        }
    return false;
}

/* The next site under the same law; the site itself when there is none. */
static unsigned standby_of(const struct rw_bill *bill, unsigned site)
{
    const char *law = rw_bill_jurisdiction(&bill->sites[site]);
    for (unsigned k = 1; law && k < bill->site_count; k++) {
        unsigned other = (site + k) % bill->site_count;
        const char *theirs = rw_bill_jurisdiction(&bill->sites[other]);
        if (theirs && strcmp(law, theirs) == 0)
            return other;
    }
    return site;
}

static bool any_tier_stands_by(const struct rw_plan *plan)
{
    for (unsigned i = 0; i < plan->tier_count; i++)
        if (plan->tiers[i].profile->regions > 1)
            return true;
    return false;
}

static void choose_standby(struct rw_plan *plan)
{
    struct rw_bill *bill = plan->bill;
    for (unsigned i = 0; i < bill->site_count; i++) {
        bill->standby[i] = standby_of(bill, i);
        if (bill->site_count > 1 && bill->standby[i] == i && any_tier_stands_by(plan))
            tell_standby(plan, &bill->sites[i]);
    }
}

static bool named_before(const struct rw_terms *terms, unsigned site)
{
    for (unsigned i = 0; i < site; i++)
        if (strcmp(terms->sites[i].provider, terms->sites[site].provider) == 0)
            return true;
    return false;
}

/* Nothing is rented anywhere: then what stands on premises is the plan itself. */
static bool all_own(const struct rw_terms *terms)
{
    for (unsigned i = 0; i < terms->site_count; i++)
        if (!is_own(&terms->sites[i]))
            return false;
    return true;
}

/* Beside a provider, what stands on premises is part of the bill once somebody gives prices for
 * it. */
void rw_bill_choose_sites(struct rw_plan *plan)
{
    static const struct rw_term_site china = {"alibaba", "cn-beijing", 1, {0, 0}};
    static const struct rw_term_site world = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_bill *bill = plan->bill;
    const struct rw_terms *terms = &plan->terms;
    for (unsigned i = 0; i < terms->site_count; i++) {
        const struct rw_term_site *site = &terms->sites[i];
        bool own = is_own(site), sold = rw_bill_sells(plan->prices, site->provider, NULL);
        bool stays = own && !sold && !all_own(terms);
        if (!stays)
            bill->sites[bill->site_count++] = *site;
        /* Prices for "any" region say nothing about which there are. */
        if (stays)
            tell_left_out(plan, site);
        else if (!sold && !named_before(terms, i))
            tell_provider(plan, site);
        else if (sold && !own && !rw_bill_sells(plan->prices, site->provider, site->region))
            tell_region(plan, site);
    }
    if (!bill->site_count) {
        bill->site_assumed = true;
        bill->sites[bill->site_count++] = strcmp(plan->sheet.currency, "CNY") == 0 ? china : world;
        tell_assumed(plan);
    }
    choose_standby(plan);
}

static void tell_doubts(struct rw_plan *plan)
{
    const struct rw_bill *bill = plan->bill;
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "price_requote",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("{0} of {1} prices are to be quoted anew: older than 12 months, "
                             "undated, approximate, or of another region",
                             "共 {1} 项价格，其中 {0} 项须重新询价：超过12个月、日期不明、为估计值"
                             "或取自其他区域"),
            .action =
                RW_LABEL("Ask the providers before the proposal is signed", "签约前向供应商询价"),
            .numbers = {{.value = bill->prices_doubtful, .unit = RW_UNIT_COUNT},
                        {.value = bill->prices_used, .unit = RW_UNIT_COUNT}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .source = "data/plan/prices.yaml",
        });
}

static void tell_omissions(struct rw_plan *plan)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "cost_left_out",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("{0} kinds of cost are not in the totals, each for a reason that the "
                             "bill of materials tells",
                             "有 {0} 类费用未计入合计，原因见物料清单"),
            .action =
                RW_LABEL("Ask for them, and lay them over the list in a price file of your own",
                         "请询价，并以自有价格文件补充"),
            .numbers = {{.value = plan->bill->omission_count, .unit = RW_UNIT_COUNT},
                        {.value = NAN}},
            .cells = {RW_CELL_NONE, RW_CELL_NONE},
            .source = "src/plan/bill",
        });
}

void rw_bill_tell(struct rw_plan *plan)
{
    if (plan->bill->prices_doubtful)
        tell_doubts(plan);
    if (plan->bill->omission_count)
        tell_omissions(plan);
}
