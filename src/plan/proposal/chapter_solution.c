/* The solution: where it runs and how it gets there, how it carries the load, what becomes of the
 * data, how it is kept safe and watched. Sentences stand in tables, figures come from the sheet. */
#include "plan/bill/bill.h"
#include "plan/choice.h"
#include "plan/controls/controls.h"
#include "plan/intake/intake.h"
#include "plan/proposal/points.h"

#define NONE ((struct rw_span){"", 0})
#define POINTS(points) (points), sizeof(points) / sizeof((points)[0])

/* ---- Where it runs ---- */

static void put_sites(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    const struct rw_bill *bill = proposal->plan->bill;
    struct rw_text text = {0};
    for (unsigned i = 0; bill && i < bill->site_count; i++)
        rw_text_addf(&text, "%s%.40s %.100s",
                     i ? rw_label_in(RW_TEXTS(", ", "、"), proposal->language) : "",
                     bill->sites[i].provider, bill->sites[i].region ? bill->sites[i].region : "");
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_doc_copy(proposal->doc, rw_text_span(&text))),
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)),
        RW_DOC_TEXT(rw_proposal_say(proposal, tier->profile->buys)),
    };
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
    if (!bill || !bill->site_count)
        return;
    rw_doc_item(proposal->doc,
                bill->site_assumed
                    ? RW_TEXTS("Place: {0}, assumed, for none was given; tier {1}: {2}.",
                               "部署地点：{0}（客户未指定，为假设）；{1} 档：{2}。")
                    : RW_TEXTS("Place: {0}; tier {1}: {2}.", "部署地点：{0}；{1} 档：{2}。"),
                arguments, 3);
}

static const struct rw_proposal_point move_points[] = {
    {RW_LABEL("Services move one by one, each behind a route of the gateway: first beside the old "
              "entry, then with a share of the traffic, then with all of it. The route's weight "
              "takes a step back within minutes.",
              "服务逐个迁移，各自位于网关的独立路由之后：先旁路，再放小比例流量，最后放全量；"
              "调整路由权重即可在分钟级回退。"),
     {NULL}},
    {RW_LABEL("{0} of stored data need {1} on the way; continuous replication and comparison keep "
              "both sides equal until acceptance.",
              "存量数据 {0}，传输约需 {1}；持续同步与比对使新旧两侧在验收前保持一致。"),
     {"intake.data.stored", "roadmap.transfer.days"}},
    {RW_LABEL("Old and new run side by side for {0}, which the costs contain.",
              "新旧系统并行 {0}，其费用已计入成本。"),
     {"intake.money.run_parallel"}},
};

/* ---- Load and data ---- */

static const struct rw_proposal_point load_points[] = {
    {RW_LABEL("Gateway: {0} nodes take {1} at the end of the term and hold {2} connections. They "
              "end TLS, limit clients, retry what may be retried, and shed load before the servers "
              "drown.",
              "网关：{0} 个节点承载期末峰值 {1} 与 {2} 条连接；终结 TLS、按客户端限速、"
              "对可重试的请求限额重试，并在后端过载前主动卸载。"),
     {"sizing.*.gateway_nodes", "sizing.rate_peak", "sizing.connections"}},
    {RW_LABEL("Application: {0} nodes carry the {1} that the cache leaves, at {2} when a zone is "
              "lost; expected answer at the stated percentile: {3}.",
              "应用：{0} 个节点承载缓存之后的 {1}，失去一个可用区时利用率为 {2}；"
              "目标分位的预期响应为 {3}。"),
     {"sizing.*.app_nodes", "sizing.origin_rate", "sizing.*.utilization",
      "sizing.*.response_tail"}},
    {RW_LABEL("Scaling: further nodes are ready within {0}; never more than {1} of the machines' "
              "capacity is planned for, so that a rise finds room until then.",
              "弹性：新增节点在 {0} 内就绪；规划利用率不超过 {1}，使负载上升在扩容完成前有余量。"),
     {"intake.load.scale_out_time", "sizing.utilization_max"}},
    {RW_LABEL("Cache: {0} nodes answer {1} of the requests. A higher share is the cheapest way to "
              "fewer machines.",
              "缓存：{0} 个节点应答 {1} 的请求；提高命中率是减少机器最便宜的办法。"),
     {"sizing.*.cache_nodes", "intake.load.cache_hit_share"}},
    {RW_LABEL("Database: {0} nodes of {1} cores take {2}; connections are pooled, {3} are enough.",
              "数据库：{0} 个节点（每节点 {1} 核）承载 {2}；连接经连接池复用，{3} 条即可。"),
     {"sizing.*.database_nodes", "sizing.*.database_cores", "sizing.query_rate",
      "sizing.database_connections"}},
};

static const struct rw_proposal_point data_points[] = {
    {RW_LABEL("The last {0} lie on fast disks, {1} with copies, indexes and room.",
              "最近 {0} 的数据存于高速存储，含副本、索引与余量共 {1}。"),
     {"sizing.days_hot", "sizing.*.storage_hot"}},
    {RW_LABEL("Older data lies on object storage: {0}, kept for {1} in all.",
              "更早的数据存于对象存储：{0}；总保存期限 {1}。"),
     {"sizing.*.storage_cold", "intake.data.retention"}},
    {RW_LABEL("Backups: {0}, as {1} full copies and increments of {2}; a restore is shown before "
              "anything goes live.",
              "备份：{0}，含 {1} 份全量与 {2} 的增量；上线前须演示一次恢复。"),
     {"sizing.*.storage_backup", "intake.data.backup_fulls", "intake.data.backup_days"}},
};

static void put_region_loss(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    static const struct rw_proposal_point standby[] = {
        {RW_LABEL("When a region is lost, the second one answers after {0}; what stands by there "
                  "is {1} of the capacity.",
                  "地域失效后，第二地域在 {0} 内恢复应答；待命容量为 {1}。"),
         {"sizing.*.recovery", "sizing.*.standby_share"}},
    };
    if (tier->profile->regions > 1)
        rw_proposal_points(proposal, tier, POINTS(standby));
    else
        rw_doc_item(
            proposal->doc,
            RW_TEXTS("When the region is lost, the system is restored from backup: how long "
                     "that takes is known after the first rehearsal, and not promised.",
                     "地域失效时由备份恢复；所需时间须经首次演练确定，不作承诺。"),
            NULL, 0);
}

/* ---- Security ---- */

static void put_words(struct rw_proposal *proposal, const char *path, struct rw_label text)
{
    struct rw_span words =
        proposal->intake ? rw_intake_text(proposal->intake, path) : RW_LITERAL("");
    struct rw_doc_argument arguments[] = {RW_DOC_TEXT(words)};
    if (words.len)
        rw_doc_item(proposal->doc, text, arguments, 1);
}

static void put_controls(struct rw_proposal *proposal)
{
    const struct rw_controls *controls = proposal->plan->controls;
    unsigned by[RW_CONTROL_STATUS_COUNT] = {0};
    for (unsigned i = 0; controls && i < controls->row_count; i++)
        by[controls->rows[i].status]++;
    struct rw_doc_argument counts[] = {
        rw_proposal_count(proposal, controls ? controls->row_count : 0),
        rw_proposal_count(proposal, by[RW_CONTROL_EVIDENCED] + by[RW_CONTROL_PARTLY]),
    };
    if (controls && controls->row_count)
        rw_doc_item(proposal->doc,
                    RW_TEXTS("Of {0} controls the gateway evidences {1}, wholly or in part; who "
                             "has the others stands under the controls.",
                             "合规控制共 {0} 项，网关可对其中 {1} 项出具全部或部分证据；"
                             "其余责任见“合规控制”。"),
                    counts, 2);
}

static void put_security(struct rw_proposal *proposal)
{
    rw_doc_item(proposal->doc,
                RW_TEXTS("TLS 1.2 and 1.3 towards clients and servers, certificates of both sides "
                         "between sites; only routes that are listed pass, the rest is refused.",
                         "对客户端与后端均使用 TLS 1.2/1.3，站点之间双向证书；"
                         "仅放行列出的路由，其余一律拒绝。"),
                NULL, 0);
    put_words(proposal, "infrastructure.security",
              RW_TEXTS("What guards the entry today stays in front: {0}.",
                       "现有安全组件保留在入口之前：{0}。"));
    put_words(proposal, "constraints.sovereignty",
              RW_TEXTS("Where data must stay, in the customer's words: {0}. The frames of the "
                       "drawing say whose law each place is under.",
                       "数据主权要求（客户原文）：{0}。架构图标明各地点所属法域。"));
    put_words(proposal, "constraints.audit",
              RW_TEXTS("Audits that were asked for: {0}. The log of every request and the versions "
                       "of the configuration are their evidence.",
                       "审计要求：{0}。逐请求日志与配置版本即为证据。"));
    put_controls(proposal);
}

/* ---- Running it ---- */

static const struct rw_proposal_point run_points[] = {
    {RW_LABEL(
         "Every request leaves a line with route, outcome, times and a trace id; rates, errors "
         "and latencies of each route and server are metrics. Alerts follow what is left of "
         "the downtime that the promise allows: {0}.",
         "每个请求留下一行日志（路由、结果、耗时、追踪号），各路由与后端的速率、错误与时延均为指标；"
         "告警以承诺所余的停机时间 {0} 为准。"),
     {"sizing.downtime_allowed"}},
    {RW_LABEL("Reckoned with: {0} incidents a year that redundancy does not cover, {1} each. "
              "Records of today's incidents should take their place.",
              "按每年 {0} 次冗余不能覆盖的故障、每次 {1} 计；应以现有故障记录替换。"),
     {"intake.goal.incidents", "intake.goal.incident_time"}},
    {RW_LABEL("Support: a first answer within {0} at any hour.", "支持：7x24，{0} 内首次响应。"),
     {"goals.*.support"}},
};

/* "MySQL 8.0, VMware vSphere 7.0": what is past its support, or will be within the term. */
static void put_versions(struct rw_proposal *proposal)
{
    const struct rw_findings *findings = &proposal->plan->findings;
    struct rw_text text = {0};
    for (unsigned i = 0; i < findings->count; i++) {
        const struct rw_finding *finding = &findings->at[i];
        if (finding->subject && (strcmp(finding->rule, "end_of_support") == 0 ||
                                 strcmp(finding->rule, "support_ends_in_term") == 0))
            rw_text_addf(&text, "%s%s",
                         text.len ? rw_label_in(RW_TEXTS(", ", "、"), proposal->language) : "",
                         finding->subject);
    }
    struct rw_doc_argument arguments[] = {
        RW_DOC_TEXT(rw_doc_copy(proposal->doc, rw_text_span(&text)))};
    if (text.len)
        rw_doc_item(
            proposal->doc,
            RW_TEXTS("Support has ended; replaced by supported versions in the first phase: {0}.",
                     "以下版本已停止支持，首阶段须升级：{0}。"),
            arguments, 1);
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

void rw_proposal_solution(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    if (!plan->tier_count)
        return;
    const struct rw_tier *tier = &plan->tiers[rw_plan_shown(proposal->plan)];
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_argument arguments[] = {RW_DOC_TEXT(rw_proposal_say(proposal, tier->label))};
    rw_doc_section(doc, 1, RW_TEXTS("The solution", "解决方案"));
    rw_doc_paragraph(
        doc,
        RW_TEXTS("Figures are of the tier **{0}**; the other tiers stand under sizing.",
                 "以下数字属 **{0}** 档；其余各档见“容量规划”。"),
        arguments, 1);
    rw_doc_section(doc, 2, RW_TEXTS("Where it runs, and how it gets there", "部署与迁移"));
    put_sites(proposal, tier);
    rw_proposal_points(proposal, tier, POINTS(move_points));
    put_versions(proposal);
    rw_doc_section(doc, 2, RW_TEXTS("How it carries the load", "性能与弹性"));
    rw_proposal_points(proposal, tier, POINTS(load_points));
    rw_doc_section(doc, 2, RW_TEXTS("What becomes of the data", "数据与容灾"));
    rw_proposal_points(proposal, tier, POINTS(data_points));
    put_region_loss(proposal, tier);
    rw_doc_section(doc, 2, RW_TEXTS("How it is kept safe", "安全与合规"));
    put_security(proposal);
    rw_doc_section(doc, 2, RW_TEXTS("How it is watched and run", "监控、运维与支持"));
    rw_proposal_points(proposal, tier, POINTS(run_points));
}
