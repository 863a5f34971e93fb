/* What the customer wrote that hurts, was tried, or must be connected, and what this plan has to
 * say to each: by the words of the text. What nothing answers is said, too. */
#include "plan/choice.h"
#include "plan/intake/intake.h"
#include "plan/proposal/points.h"

#define NONE ((struct rw_span){"", 0})

struct answer {
    const char *words; /* parted by '|'; "" for any */
    struct rw_proposal_point point;
};

/* The first that fits counts: narrow ones stand before wide ones. */
static const struct answer pain_answers[] = {
    {"流失|投诉|声誉|满意|churn|complaint|reputation|satisf",
     {RW_LABEL("A consequence: it follows from the causes above. Its value today and a measurement "
               "are needed before it counts as a benefit.",
               "属结果性指标，随上述原因改善；给出当前数值与统计方法后方可计入收益。"),
      {NULL}}},
    {"CDN|Argo|加速",
     {RW_LABEL("Not repeated: it shortens the way to static content, not the way between sites. "
               "Answers that may be cached are cached at the gateway.",
               "不再沿用：CDN 只缩短静态内容的路径，不改变站点间路径；可缓存的应答由网关缓存。"),
      {NULL}}},
    {"SD-WAN|BGP|抖动|波动|路由策略|拥塞|jitter|congestion|routing",
     {RW_LABEL(
          "Sites joined by two dedicated links with measured latency and failover; what "
          "distance costs stays, and data is copied asynchronously where it is too much.",
          "站点间以双路专线互联，时延实测并可切换；距离造成的时延无法消除，超出处改为异步复制。"),
      {NULL}}},
    {"扩缩容|扩容|自动化扩|弹性|autoscal|scaling",
     {RW_LABEL("Nodes are added by rule within {0}; {1} of the machines' capacity is the most that "
               "is planned for.",
               "按规则自动扩容，{0} 内就绪；规划利用率不超过 {1}。"),
      {"intake.load.scale_out_time", "sizing.utilization_max"}}},
    {"TPS|QPS|吞吐|throughput|网关|gateway",
     {RW_LABEL("Gateways for {0} on {1} nodes: {2} a core, measured.",
               "网关按 {0} 规划，共 {1} 个节点；单核 {2} 为实测值。"),
      {"sizing.rate_peak", "sizing.*.gateway_nodes", "intake.load.gateway_rate"}}},
    {"并发|登录|缓慢|延迟|时延|慢|处理时间|响应|slow|latency|delay|concurren",
     {RW_LABEL(
          "Sized for {0}: {1} at the stated percentile. Overload is refused early at the gateway "
          "instead of slowing everybody.",
          "按 {0} 规划，目标分位响应 {1}；过载时由网关尽早拒绝，不拖慢全部用户。"),
      {"sizing.rate_peak", "sizing.*.response_tail"}}},
    {"分片|数据库|database|shard",
     {RW_LABEL("{0} database nodes for {1}; shards are checked against the measured load in the "
               "assessment.",
               "数据库 {0} 个节点承载 {1}；分片方案在评估阶段以实测负载核对。"),
      {"sizing.*.database_nodes", "sizing.query_rate"}}},
    {"算力|服务器不足|容量|capacity|machines|扩展受限|扩展性",
     {RW_LABEL("{0} nodes of the application in place of fixed machines; more are added by rule.",
               "以 {0} 个应用节点取代固定主机，并按规则增减。"),
      {"sizing.*.app_nodes"}}},
    {"监控|日志|故障定位|分散|monitor|logging|locat",
     {RW_LABEL(
          "One line and one trace id for each request, metrics of every route and server in one "
          "format, from all sites.",
          "每个请求一行日志与一个追踪号，各站点、各路由与后端的指标格式统一。"),
      {NULL}}},
    {"停机|宕机|中断|故障|失败|单点|单节点|崩溃|不可用|downtime|outage|stops|down|crash|crashes|fails|"
     "failure|unavailable|failover|one node|single node|single point|second server",
     {RW_LABEL("{0} of expected availability, {1} of downtime.", "预期可用性 {0}，停机 {1}。"),
      {"sizing.*.availability", "sizing.*.downtime"}}},
    {"版本|锁定|升级|无法升级|upgrade|version|outdated",
     {RW_LABEL(
          "Supported versions in the first phase; what cannot be upgraded is kept behind a route "
          "of its own until it is replaced.",
          "首阶段升级至受支持版本；暂不能升级的系统置于独立路由之后，直至替换。"),
      {NULL}}},
    {"配置|漂移|剧本|手工|人工|drift|manual|playbook",
     {RW_LABEL(
          "Configuration is one checked file under version control, and the environment is built "
          "from code; what is changed by hand is seen.",
          "配置为一份可校验、可版本化的文件，环境由代码构建，手工改动可被发现。"),
      {NULL}}},
    {"成本|费用|飙升|cost|expens",
     {RW_LABEL("A year costs {0}; each line of the bill opens to its quantity and price.",
               "年运行成本 {0}；清单每一项均可展开至数量与单价。"),
      {"money.*.cost_year"}}},
    {"审计|合规|audit|complian",
     {RW_LABEL("Controls with evidence, and who has the rest, stand under the controls.",
               "可出具证据的控制项及其余责任见“合规控制”。"),
      {NULL}}},
    {"运维|脚本|operations|scripts",
     {RW_LABEL("Runbooks, training and a failover by the customer's own team are part of the "
               "handover; the first answer of the support comes within {0}.",
               "交付包含运维手册、培训与由客户团队完成的切换演练；支持 {0} 内首次响应。"),
      {"goals.*.support"}}},
    {"WAF|安全|security|attack",
     {RW_LABEL("The guard of today stays in front; only listed routes pass, within limits.",
               "现有安全组件保留在前，仅放行列出的路由并加以限额。"),
      {NULL}}},
    {"",
     {RW_LABEL("Nothing in this plan answers it as it is written: give it a number or a cause.",
               "按现有描述，本方案没有与之对应的措施：请给出数值或原因。"),
      {NULL}}},
};

static const struct answer system_answers[] = {
    {"IDoc|RFC|BAPI",
     {RW_LABEL("No HTTP: an adapter of the system's maker stays beside it; its HTTP side gets a "
               "route of its own.",
               "非 HTTP 接口：保留其原厂适配器，适配器的 HTTP 侧使用独立路由。"),
      {NULL}}},
    {"SOAP|REST|XML|HTTP|gRPC|GraphQL",
     {RW_LABEL("HTTP: a route of its own, with limits, timeouts and a log line for every call.",
               "HTTP 类接口：使用独立路由，设置限额与超时，每次调用留有日志。"),
      {NULL}}},
    {"AI|推理|模型|inference|model",
     {RW_LABEL(
          "A route and an upstream of its own; limits per key. What leaves the residency of the "
          "data is to be examined first.",
          "使用独立路由与上游，按密钥限额；数据出境须先评估。"),
      {NULL}}},
    {"东南亚|边缘|节点|数据中心|edge|region|data centre|data center",
     {RW_LABEL("A further site is a further entry under `sites`: the plan sizes and prices it.",
               "在“站点”中增加一项即可纳入规划与报价。"),
      {NULL}}},
    {"COBOL|AS400|AS/400|大型机|mainframe|MQ|TCP",
     {RW_LABEL(
          "Where it speaks TCP, the gateway passes it on as a tunnel; where it speaks neither, "
          "an adapter is needed.",
          "以 TCP 通信者由网关按隧道转发；否则需要适配器。"),
      {NULL}}},
    {"",
     {RW_LABEL(
          "Name the system and its protocol: only then can the route or the adapter be planned.",
          "请给出系统名称与接口协议，方可规划路由或适配器。"),
      {NULL}}},
};

static const struct answer *find_answer(const struct answer *answers, struct rw_span text)
{
    while (*answers->words && !rw_proposal_has_word(text, answers->words))
        answers++;
    return answers;
}

struct asked {
    const char *path;
    const struct answer *answers;
};

/* `last`: the answer of the row above, which is not said again. */
static void put_row(struct rw_proposal *proposal, struct rw_doc_table *table,
                    const struct asked *asked, const struct rw_tier *tier, struct rw_span text,
                    const struct answer **last)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_intake_value *value = rw_intake_get(proposal->intake, asked->path);
    const struct answer *answer = find_answer(asked->answers, text);
    struct rw_span said = rw_proposal_point_text(proposal, tier, &answer->point);
    if (!said.len) { /* a figure of it is missing */
        while (*answer->words)
            answer++;
        said = rw_proposal_say(proposal, answer->point.text);
    }
    if (*last == answer)
        said = rw_proposal_say(proposal, RW_TEXTS("As above.", "同上。"));
    *last = answer;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, rw_intake_field_label(value->field)));
    rw_doc_words(doc, &cells[1], text);
    rw_doc_words(doc, &cells[2], said);
}

static bool any_said(const struct rw_proposal *proposal, const struct asked *asked, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= rw_intake_text(proposal->intake, asked[i].path).len > 0;
    return any;
}

static void put_table(struct rw_proposal *proposal, struct rw_label caption,
                      const struct asked *asked, size_t count)
{
    const struct rw_label titles[] = {RW_LABEL("What", "类别"),
                                      RW_LABEL("In the customer's words", "客户描述"),
                                      RW_LABEL("In this plan", "本方案的对策")};
    struct rw_doc *doc = proposal->doc;
    struct rw_plan *plan = proposal->plan;
    const struct rw_tier *tier = &plan->tiers[rw_plan_shown(plan)];
    struct rw_doc_table *table = rw_doc_table(doc, rw_proposal_say(proposal, caption), NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, titles[i]), NONE);
    const struct answer *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *value = rw_intake_get(proposal->intake, asked[i].path);
        for (size_t t = 0; value->there && value->texts && t < value->count; t++)
            if (value->texts[t].len)
                put_row(proposal, table, &asked[i], tier, value->texts[t], &last);
    }
}

void rw_proposal_answers(struct rw_proposal *proposal)
{
    static const struct asked pains[] = {
        {"pains.problem", pain_answers},
        {"pains.system", pain_answers},
        {"pains.business", pain_answers},
        {"pains.impact", pain_answers},
        {"pains.cause", pain_answers},
        {"pains.operations", pain_answers},
        {"infrastructure.bottleneck", pain_answers},
        {"infrastructure.operations", pain_answers},
        {"infrastructure.version_lock", pain_answers},
        {"infrastructure.drift", pain_answers},
        {"pains.tried", pain_answers},
        {"pains.outcome", pain_answers},
    };
    enum { COUNT = sizeof(pains) / sizeof(pains[0]) };
    if (!proposal->intake || !proposal->plan->tier_count || !any_said(proposal, pains, COUNT))
        return;
    rw_doc_section(proposal->doc, 2, RW_TEXTS("What hurts, and what answers it", "痛点与对策"));
    put_table(proposal, RW_TEXTS("Pains, causes and what was tried", "痛点、根因与已尝试方案"),
              pains, COUNT);
}

void rw_proposal_systems(struct rw_proposal *proposal)
{
    static const struct asked systems[] = {
        {"constraints.legacy", system_answers},
        {"constraints.protocol", system_answers},
        {"constraints.future", system_answers},
    };
    enum { COUNT = sizeof(systems) / sizeof(systems[0]) };
    if (!proposal->intake || !proposal->plan->tier_count || !any_said(proposal, systems, COUNT))
        return;
    rw_doc_section(proposal->doc, 2,
                   RW_TEXTS("What it connects to, and what it leaves room for", "兼容性与扩展"));
    put_table(proposal, RW_TEXTS("Systems to connect and room to keep", "遗留系统与未来扩展"),
              systems, COUNT);
}
