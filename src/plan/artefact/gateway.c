/* A configuration to start from: names of machines are to be replaced, numbers are the plan's. */
#include "plan/artefact/shared.h"

enum {
    endpoints_max = 16, /* more are found by a name */
    connections_min = 1000,
    connections_max = 10000000,
    usual_connections = 100000,
};

/* Of one worker thread, with as much again as the plan expects: a node may be lost. */
static double connections_of(const struct rw_plan *plan, unsigned tier)
{
    double all = rw_sheet_value_of(&plan->sheet, "sizing.connections");
    double nodes = rw_artefact_sizing(plan, tier, "gateway_nodes");
    double cores = rw_plan_input(plan, RW_INPUT_NODE_CORES);
    double each = ceil(2 * all / fmax(1, nodes) / fmax(1, cores));
    if (isnan(each))
        return usual_connections;
    return fmin(connections_max, fmax(connections_min, each));
}

/* What one address may ask for: far above what one user of the plan does, as many may stand behind
 * one address. */
static double client_rate(const struct rw_plan *plan)
{
    double rate = rw_sheet_value_of(&plan->sheet, "sizing.rate_peak");
    double users = rw_plan_input(plan, RW_INPUT_CONCURRENT_USERS);
    double each = 100 * ceil(rate / users);
    return isfinite(each) ? fmin(1000000, fmax(200, each)) : 200;
}

static void add_listener(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    rw_text_adds(text, "\nlisteners:\n"
                       "  - name: public\n"
                       "    address: \":8080\"\n"
                       "    # With your certificate at these places, on port 443:\n"
                       "    # tls:\n"
                       "    #   min_version: \"1.2\"\n"
                       "    #   certificates:\n"
                       "    #     - cert: /etc/ringway/tls/fullchain.pem\n"
                       "    #       key: /etc/ringway/tls/key.pem\n");
    rw_text_addf(text, "    limits: { connections: %.0f }\n", connections_of(plan, tier));
    rw_text_adds(text, "    policies:\n"
                       "      - headers:\n"
                       "          response:\n"
                       "            remove: [Server, X-Powered-By]\n"
                       "            set:\n"
                       "              X-Content-Type-Options: nosniff\n"
                       "              Referrer-Policy: strict-origin-when-cross-origin\n"
                       "      - rate_limit:\n"
                       "          dry_run: true # see in the metrics whom it would refuse, then "
                       "remove this line\n");
    rw_text_addf(
        text, "          limits: [{ name: client, requests: %.0f, per: second, key: address }]\n",
        client_rate(plan));
}

/* Ten times the target: an answer that late has failed its purpose, and holds resources. */
static void add_routes(const struct rw_plan *plan, struct rw_text *text)
{
    double latency = rw_plan_input(plan, RW_INPUT_LATENCY);
    rw_text_adds(text, "\nroutes:\n"
                       "  - name: alive\n"
                       "    match: /healthz\n"
                       "    respond: ok\n"
                       "  - name: app\n"
                       "    match: /*\n"
                       "    upstream: app\n");
    if (latency > 0) {
        rw_text_adds(text, "    timeouts: { first_byte: ");
        rw_artefact_milliseconds(fmin(600, 10 * latency), text);
        rw_text_adds(text, " } # ten times the target\n");
    }
    rw_text_adds(text, "    policies: [{ compress: {} }]\n");
}

static void add_upstream(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    double nodes = rw_artefact_sizing(plan, tier, "app_nodes");
    rw_text_adds(text, "\nupstreams:\n"
                       "  - name: app\n"
                       "    balance: least_requests\n");
    if (isnan(nodes) || nodes > endpoints_max) {
        if (!isnan(nodes))
            rw_text_addf(text, "    # %.0f nodes: their records are looked up.\n", nodes);
        rw_text_adds(text, "    endpoints: [\"srv:_http._tcp.app.internal\"]\n");
    } else {
        rw_text_adds(text, "    endpoints:\n");
        for (int i = 1; i <= (int)fmax(1, nodes); i++)
            rw_text_addf(text, "      - app-%d.internal:8080\n", i);
    }
    rw_text_adds(text, "    health: { path: /healthz, interval: 2s, timeout: 1s }\n"
                       "    passive_health: { failures: 5, eject: 10s }\n"
                       "    connect_timeout: 1s\n");
}

static bool asks_for(const struct rw_plan *plan, const char *framework)
{
    for (unsigned i = 0; i < plan->terms.framework_count; i++)
        if (strcmp(plan->terms.frameworks[i], framework) == 0)
            return true;
    return false;
}

static void add_logs(const struct rw_plan *plan, struct rw_text *text)
{
    rw_text_adds(text, "\n# Take these lines to a store that nobody can change");
    if (asks_for(plan, "pci_dss_4_0_1"))
        rw_text_adds(text, "; PCI DSS 10.5.1: twelve months, three of them at hand");
    if (asks_for(plan, "mlps2_l3") || asks_for(plan, "cn_law"))
        rw_text_adds(text, "; MLPS and CSL 21: six months at least");
    rw_text_adds(text, ".\naccess_log: \"-\"\n"
                       "error_log: { path: \"-\", level: info }\n"
                       "metrics: { series_max: 2000 }\n"
                       "admin: \"127.0.0.1:9901\"\n"
                       "drain_timeout: 30s\n");
}

void rw_artefact_gateway(const struct rw_plan *plan, unsigned tier, struct rw_text *text)
{
    rw_artefact_head(plan, tier, "Gateway configuration", text);
    add_listener(plan, tier, text);
    add_routes(plan, text);
    add_upstream(plan, tier, text);
    add_logs(plan, text);
}
