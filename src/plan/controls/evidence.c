#include "plan/controls/evidence.h"

#define FEATURE(name, en, zh, ...)                                                                 \
    static const struct rw_gate_feature name = {RW_LABEL(en, zh), {__VA_ARGS__}}

FEATURE(tls_clients, "TLS 1.2 or 1.3 only towards clients, forward secrecy by default",
        "对客户端仅允许 TLS 1.2/1.3，默认前向保密", "listener.tls.min_version",
        "listener.tls.ciphers");
FEATURE(tls_upstreams, "TLS with verified names towards the systems behind",
        "对后端启用 TLS 并校验证书名称", "upstream.tls.verify", "upstream.tls.ca",
        "upstream.tls.min_version");
FEATURE(mutual_tls, "certificates of both sides between sites and partners",
        "站点与合作方之间双向证书", "listener.tls.client_auth", "listener.tls.client_ca",
        "upstream.tls.cert");
FEATURE(certificates, "the certificates in use, one list, read again when they change",
        "在用证书集中列出，变更即重新加载", "listener.tls.certificates", "certificate.cert");
FEATURE(routes, "only listed routes are served, by host, path, method and field; all else gets 404",
        "仅放行列出的路由（主机、路径、方法、头），其余 404", "gateway.routes", "route.match");
FEATURE(addresses, "clients let through or refused by address, per listener or route",
        "按地址放行或拒绝，可按监听口或路由设置", "policy.address.allow", "policy.address.deny");
FEATURE(listeners, "every exposed address is one entry of the configuration",
        "每个对外地址均在配置中列出", "gateway.listeners", "listener.address");
FEATURE(admin_inside, "administration only on loopback or a Unix socket unless allowed",
        "管理接口默认仅限本机或 Unix 套接字", "admin.address", "admin.allow_remote");
FEATURE(access_log, "a line for each request: time, client, route, result, trace",
        "每个请求一行日志：时间、客户端、路由、结果、追踪号", "access_log.path",
        "access_log.rotate_size", "access_log.rotate_keep");
FEATURE(error_log, "reloads, refusals and failures of the gateway itself, as JSON lines",
        "网关自身的重载、拒绝与故障日志（JSON）", "error_log.path", "error_log.level");
FEATURE(metrics, "rates, latencies, errors and capacity in Prometheus form",
        "请求量、时延、错误与容量指标（Prometheus）", "gateway.metrics", "metrics.series_max");
FEATURE(limits, "sizes, times and floods bounded before anything reaches the systems behind",
        "请求大小、时长与洪泛在到达后端前受限", "listener.limits", "listener.timeouts",
        "listener.http2.floods");
FEATURE(rate_limits, "requests of a client, a route or a key limited, also over several gateways",
        "按客户端、路由或键限速，可跨网关共享", "policy.rate_limit.limits",
        "policy.rate_limit.limit.requests", "policy.rate_limit.limit.shared");
FEATURE(redundancy, "several endpoints, active and passive health, retries within a budget",
        "多端点、主动与被动健康检查、限额重试", "upstream.endpoints", "upstream.health",
        "upstream.passive_health", "upstream.retries");
FEATURE(configuration, "the configuration is one checked file: versioned, diffed, reviewed",
        "配置为单一可校验文件，可版本化、比对、评审", "gateway.watch_file");
FEATURE(response_headers, "security fields set, revealing ones removed, for all answers",
        "统一设置安全响应头并去除泄露信息", "policy.headers.response");
FEATURE(upstreams, "each system behind, with its addresses, is an entry of the configuration",
        "每个后端系统及其地址均在配置中列出", "gateway.upstreams", "endpoint.address");

FEATURE(residency, "requests of clients from named countries kept to named regions, or refused",
        "指定国家或地区的请求只进入指定区域，或予以拒绝", "policy.residency.rules",
        "policy.residency.rule.regions", "endpoint.region");
FEATURE(browser_fields, "content security policy and other fields for browsers, on all answers",
        "全部应答附带内容安全策略等浏览器安全字段", "policy.security_headers.content_security",
        "policy.security_headers.hsts");
FEATURE(releases, "versions come in by stages beside the old one, turned back when they are worse",
        "新版本与旧版本并行、分阶段放量，变差即自动回退", "release.versions", "release.rollout");

#define BY(...)                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct rw_evidence rw_evidences[] = {
    {"mlps2_l3.8.1.2.1", false, BY(&listeners, &redundancy, &metrics)},
    {"mlps2_l3.8.1.2.2", true, BY(&tls_clients, &mutual_tls, &certificates)},
    {"mlps2_l3.8.1.3.1", false, BY(&listeners, &upstreams)},
    {"mlps2_l3.8.1.3.2", false, BY(&routes, &addresses)},
    {"mlps2_l3.8.1.3.5", false, BY(&access_log)},
    {"mlps2_l3.8.1.4.3", false, BY(&access_log, &error_log)},
    {"mlps2_l3.8.1.4.4", false, BY(&listeners, &admin_inside, &limits, &rate_limits)},
    {"mlps2_l3.8.1.4.7", false, BY(&tls_clients, &tls_upstreams)},
    {"mlps2_l3.8.1.4.8", false, BY(&tls_clients, &tls_upstreams)},
    {"mlps2_l3.8.1.4.9", false, BY(&redundancy)},
    {"mlps2_l3.8.1.5", false, BY(&admin_inside, &configuration, &metrics)},
    {"cn_law.CSL-21", false, BY(&access_log)},
    {"cn_law.CSL-37", false, BY(&residency)},
    {"cn_law.NDSR-9", false, BY(&tls_clients, &routes)},
    {"cn_law.INCIDENT-2025", false, BY(&access_log, &error_log)},
    {"pipl.38-40", false, BY(&residency)},
    {"pipl.51", false, BY(&tls_clients, &tls_upstreams)},
    {"pipl.57", false, BY(&access_log)},
    {"gdpr.25", false, BY(&routes)},
    {"gdpr.32", false, BY(&tls_clients, &tls_upstreams, &redundancy)},
    {"gdpr.33", false, BY(&access_log, &error_log)},
    {"gdpr.44-46", false, BY(&residency)},
    {"ccpa.1798.100", false, BY(&tls_clients)},
    {"ccpa.1798.150", false, BY(&tls_clients, &tls_upstreams)},
    {"pci_dss_4_0_1.1.2.7", false, BY(&configuration, &routes)},
    {"pci_dss_4_0_1.2.2.7", true, BY(&admin_inside)},
    {"pci_dss_4_0_1.4.2.1", true, BY(&tls_clients, &tls_upstreams, &certificates)},
    {"pci_dss_4_0_1.6.4.3", false, BY(&response_headers, &browser_fields)},
    {"pci_dss_4_0_1.6.5.1", false, BY(&configuration, &releases)},
    {"pci_dss_4_0_1.10.2.1", false, BY(&access_log, &error_log)},
    {"pci_dss_4_0_1.10.2.2", false, BY(&access_log)},
    {"pci_dss_4_0_1.10.5.1", false, BY(&access_log)},
    {"pci_dss_4_0_1.12.3.3", true, BY(&tls_clients, &tls_upstreams)},
    {"pci_dss_4_0_1.12.5.2", false, BY(&routes, &upstreams)},
    {"soc2_tsc.CC2", false, BY(&listeners, &upstreams)},
    {"soc2_tsc.CC3", false, BY(&routes, &upstreams)},
    {"soc2_tsc.CC5", false, BY(&configuration)},
    {"soc2_tsc.CC6.1", false, BY(&routes, &tls_clients, &certificates)},
    {"soc2_tsc.CC6.6", false, BY(&limits, &addresses, &rate_limits)},
    {"soc2_tsc.CC6.7", false, BY(&tls_clients, &tls_upstreams, &upstreams)},
    {"soc2_tsc.CC7.1", false, BY(&configuration, &error_log)},
    {"soc2_tsc.CC7.2", false, BY(&metrics)},
    {"soc2_tsc.CC7.3-7.5", false, BY(&access_log, &error_log)},
    {"soc2_tsc.CC8.1", false, BY(&configuration, &releases)},
    {"soc2_tsc.A1.1", false, BY(&metrics)},
    {"soc2_tsc.A1.2", false, BY(&redundancy)},
    {"iso27001_2022.A.5.9", false, BY(&listeners, &routes, &upstreams, &certificates)},
    {"iso27001_2022.A.5.14", true, BY(&tls_clients, &mutual_tls, &routes)},
    {"iso27001_2022.A.5.15", false, BY(&routes, &addresses)},
    {"iso27001_2022.A.5.24-5.28", false, BY(&access_log, &error_log)},
    {"iso27001_2022.A.8.6", false, BY(&metrics)},
    {"iso27001_2022.A.8.9", false, BY(&configuration)},
    {"iso27001_2022.A.8.14", false, BY(&redundancy)},
    {"iso27001_2022.A.8.15", false, BY(&access_log, &error_log)},
    {"iso27001_2022.A.8.16", false, BY(&metrics)},
    {"iso27001_2022.A.8.20-8.22", false, BY(&listeners, &routes, &admin_inside)},
    {"iso27001_2022.A.8.31-8.32", false, BY(&configuration, &releases)},
    {"iso27001_2022.A.8.24", true, BY(&tls_clients, &tls_upstreams, &certificates)},
    {"iso27001_2022.A.8.26", false, BY(&limits, &rate_limits)},
    {0},
};

const struct rw_evidence *rw_evidence_of(const char *control)
{
    const struct rw_evidence *evidence = rw_evidences;
    while (evidence->control && strcmp(evidence->control, control) != 0)
        evidence++;
    return evidence->control ? evidence : NULL;
}
