/* Where figures come from is told in the words of the data files, which are English. In a Chinese
 * proposal these phrases are said in Chinese; what is not here is a proper name: a product, a
 * document, a file. */
#include "plan/proposal/chapters.h"

static const struct rw_label phrases[] = {
    /* Prices. */
    RW_LABEL("AWS price list API, generated into a Go file", "AWS 价目 API（生成的 Go 文件）"),
    RW_LABEL("the same for AWS China", "AWS 中国价目 API（生成的 Go 文件）"),
    RW_LABEL("Azure Retail Prices API, generated into a Go file",
             "Azure 零售价 API（生成的 Go 文件）"),
    RW_LABEL("SkyPilot instance catalogue v8", "SkyPilot 实例目录 v8"),
    RW_LABEL("Google Cloud Billing SKUs resolved per machine type",
             "Google Cloud 计费 SKU（按机型解析）"),
    RW_LABEL("Alibaba Cloud ECS API prices built into a price server",
             "阿里云 ECS API 价格（价格服务内置）"),
    RW_LABEL("expected outputs of Infracost CI tests; the date is the last change of that file",
             "Infracost 持续集成测试的期望输出；日期为该文件最后修改日"),
    RW_LABEL("issue quoting amazonaws.cn price pages", "引用 amazonaws.cn 价格页的问题单"),
    RW_LABEL("AWS reserved offerings table", "AWS 预留产品表"),
    RW_LABEL("export of ec2instances.info inside a small project",
             "ec2instances.info 的导出（小型项目内）"),
    RW_LABEL("the provider's naming of machine types", "云商机型命名规则"),
    RW_LABEL("prices: the list's first region for the plan's currency",
             "价目表中与方案币种相符的首个区域"),
    RW_LABEL("controls.yaml: the frameworks that were asked for",
             "controls.yaml：客户要求的合规框架"),
    RW_LABEL("the regions' own names", "区域名称"),
    RW_LABEL("assumed: one site", "假设：单一站点"),
    RW_LABEL("sites of the intake", "需求中的站点"),
    RW_LABEL("its standby is a second region", "待命容量位于第二地域"),
    RW_LABEL("one region", "单一地域"),
    RW_LABEL("not looked up", "未查询"),
    RW_LABEL("by definition", "按定义"),
    RW_LABEL("on_demand", "按需"),
    RW_LABEL("reserved_1y_no_upfront", "1 年预留（无预付）"),
    RW_LABEL("reserved_3y_no_upfront", "3 年预留（无预付）"),
    RW_LABEL("reserved_3y_all_upfront", "3 年预留（全预付）"),
    RW_LABEL("committed_1y", "1 年承诺"),
    RW_LABEL("committed_3y", "3 年承诺"),
    RW_LABEL("; to be quoted anew: ", "；须重新询价："),
    RW_LABEL("older than 12 months", "超过 12 个月"),
    RW_LABEL("undated", "日期不明"),
    RW_LABEL("approximate", "估计值"),
    RW_LABEL("of another region", "取自其他区域"),
    RW_LABEL("AWS Support plan pricing, the provider's page", "AWS 支持计划价格页"),
    RW_LABEL("support prices of Google Cloud as a reseller states them, valid from 2024-11-01",
             "经销商所述 Google Cloud 支持价格（2024-11-01 起）"),
    RW_LABEL("traffic prices of Google Cloud as a consultancy states them",
             "咨询机构所述 Google Cloud 流量价格"),
    RW_LABEL("Azure support plans as licensing consultants state them",
             "许可咨询机构所述 Azure 支持计划"),
    RW_LABEL("Alibaba Cloud, billing of the edge firewall of DCDN (0.05 CNY for a unit of 5,000 "
             "requests)",
             "阿里云 DCDN 边缘 WAF 计费说明（每单元 5,000 次请求 0.05 元）"),
    RW_LABEL("at least 15,000 USD a month", "每月至少 15,000 美元"),
    RW_LABEL("at least 100 USD a month", "每月至少 100 美元"),
    RW_LABEL("a capacity unit for TCP", "TCP 容量单位"),
    RW_LABEL("draws of the plan", "本方案的抽样"),
    RW_LABEL("the template's hints", "模板提示语"),
    RW_LABEL("another region's", "其他区域的价格"),
    RW_LABEL("vendor shape", "云商机型规格"),
    RW_LABEL("100,000 connections or 1 GB an hour", "每小时 10 万连接或 1 GB"),
    /* Rules. */
    RW_LABEL("Little's law", "利特尔法则"),
    RW_LABEL("arithmetic on the intake's own numbers", "由需求自身的数字推算"),
    RW_LABEL("an absolute cannot be tested", "绝对化的要求无法验收"),
    RW_LABEL("product of the parts", "各部分之积"),
    RW_LABEL("interactive response-time law", "交互式响应时间定律"),
    RW_LABEL("M/M/1 percentile, one server", "M/M/1 分位数（单服务器）"),
    RW_LABEL("great circle on a 6371 km sphere; light in fibre of refractive index 1.468",
             "半径 6371 公里球面大圆距离；光纤折射率 1.468"),
    RW_LABEL("great circle", "大圆距离"),
    RW_LABEL("light in fibre of refractive index", "光纤中光速，折射率"),
    RW_LABEL("saving / share", "节省额 / 占比"),
    RW_LABEL("365 days", "按 365 天"),
    RW_LABEL("(benefits - costs) / costs, at the least cost and the highest benefits",
             "（收益 - 成本）/ 成本，取最低成本与最高收益"),
    RW_LABEL("1 - downtime / 91.25 d", "1 - 停机时间 / 91.25 天"),
    RW_LABEL("(1 - availability) x 91.25 d", "（1 - 可用性）× 91.25 天"),
    RW_LABEL("drafting rule of this project", "本项目的拟稿规则"),
    RW_LABEL("releases are supported for two years, and the two latest get fixes; 1.0 ended on",
             "各版本支持两年，最新两个版本获得修复；1.0 终止于"),
    RW_LABEL("critical path of the roadmap", "路线图的关键路径"),
    RW_LABEL("the works that are laid in the phase, with their dependencies",
             "划入该阶段的工作及其依赖关系"),
    RW_LABEL("the support that each tier has", "各档所含支持"),
    RW_LABEL("years since renewal", "续约后年数"),
};

/* The longest phrase at the beginning of a text. */
static const struct rw_label *find_phrase(struct rw_span text)
{
    const struct rw_label *found = NULL;
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (rw_span_starts(text, rw_span_text(phrases[i].en)) &&
            (!found || strlen(phrases[i].en) > strlen(found->en)))
            found = &phrases[i];
    return found;
}

struct rw_span rw_proposal_phrase(struct rw_proposal *proposal, struct rw_span text)
{
    struct rw_text out = {0};
    if (proposal->language == RW_LANGUAGE_EN)
        return text;
    while (text.len) {
        const struct rw_label *phrase = find_phrase(text);
        if (phrase)
            rw_text_adds(&out, phrase->zh);
        else
            rw_text_add(&out, rw_span(text.at, 1));
        text = rw_span_skip(text, phrase ? strlen(phrase->en) : 1);
    }
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(&out));
    if (out.err && !proposal->doc->err)
        proposal->doc->err = out.err;
    rw_text_free(&out);
    return kept;
}
