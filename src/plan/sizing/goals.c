/* What the promises leave: utilisation by the latency target, downtime by the availability. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

/* What of the target is not the application's own: the network, and the queries one by one, each at
 * its mean, on a database that does nothing else. */
static uint32_t add_latency_left(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t queries = rw_sizing_add(
        sizing, NULL, "query_time",
        RW_TEXTS("Queries of a request, one by one", "单请求查询总时间"), RW_UNIT_SECONDS,
        &rw_formula_product, 2, in[RW_INPUT_QUERIES_PER_REQUEST], in[RW_INPUT_QUERY_TIME]);
    return rw_sizing_add(
        sizing, NULL, "latency_left",
        RW_TEXTS("What the latency target leaves to the application", "时延目标中留给应用的时间"),
        RW_UNIT_SECONDS, &rw_sizing_less, 3, in[RW_INPUT_LATENCY], sizing->network_time, queries);
}

static void add_utilization(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    sizing->service_tail =
        rw_sizing_add(sizing, NULL, "service_tail",
                      RW_TEXTS("CPU time at the target's percentile", "目标分位的 CPU 时间"),
                      RW_UNIT_SECONDS, &rw_sizing_service_tail, 3, in[RW_INPUT_SERVICE_TIME],
                      in[RW_INPUT_SERVICE_VARIATION], in[RW_INPUT_LATENCY_PERCENTILE]);
    uint32_t headroom = rw_sizing_add(
        sizing, NULL, "utilization_headroom",
        RW_TEXTS("Utilisation that leaves time to scale out", "留出扩容时间的利用率"),
        RW_UNIT_SHARE, &rw_sizing_headroom, 2, in[RW_INPUT_LOAD_RISE], in[RW_INPUT_SCALE_OUT_TIME]);
    uint32_t latency = headroom;
    if (rw_sizing_known(sizing, RW_INPUT_LATENCY))
        latency = rw_sizing_add(
            sizing, NULL, "utilization_latency",
            RW_TEXTS("Utilisation that keeps the latency target", "满足时延目标的利用率"),
            RW_UNIT_SHARE, &rw_sizing_latency_limit, 2, add_latency_left(sizing),
            sizing->service_tail);
    sizing->utilization_max = rw_sizing_add(sizing, NULL, "utilization_max",
                                            RW_TEXTS("Highest utilisation", "最高利用率"),
                                            RW_UNIT_SHARE, &rw_formula_least, 2, headroom, latency);
}

/* Within a region a request passes from the gateway to the application and back, and so does each
 * query to the database; from afar, light in fibre adds its own. */
static void add_network(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t zone_trip = rw_sheet_choose(
        &sizing->plan->sheet, "sizing.zone_trip",
        RW_TEXTS("Round trip between zones", "可用区间往返时间"), RW_UNIT_SECONDS, 0.001,
        RW_TEXTS("zones of a region are up to some 100 km apart; measure it",
                 "同一地域的可用区相距可达约 100 公里；请实测"));
    uint32_t near = rw_sizing_add(
        sizing, NULL, "network_region", RW_TEXTS("Network within the region", "地域内网络时间"),
        RW_UNIT_SECONDS, &rw_sizing_hops, 2, zone_trip, in[RW_INPUT_QUERIES_PER_REQUEST]);
    sizing->network_time = near;
    if (!rw_sizing_known(sizing, RW_INPUT_DISTANCE))
        return;
    uint32_t far =
        rw_sizing_add(sizing, NULL, "network_distance",
                      RW_TEXTS("Light over the distance", "距离决定的光传播时间"), RW_UNIT_SECONDS,
                      &rw_sizing_distance, 2, in[RW_INPUT_DISTANCE], in[RW_INPUT_ROUND_TRIPS]);
    sizing->network_time =
        rw_sizing_add(sizing, NULL, "network_time", RW_TEXTS("Time in the network", "网络时间"),
                      RW_UNIT_SECONDS, &rw_formula_sum, 2, near, far);
}

/* The promise in both units, whichever was stated. */
static void add_downtime(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    bool stated = rw_sizing_known(sizing, RW_INPUT_DOWNTIME_ALLOWED);
    rw_sizing_add(sizing, NULL, "downtime_allowed",
                  RW_TEXTS("Downtime that the promises leave", "承诺所余的停机时间"),
                  RW_UNIT_MINUTES_PER_QUARTER, stated ? &rw_formula_same : &rw_sizing_downtime, 1,
                  in[stated ? RW_INPUT_DOWNTIME_ALLOWED : RW_INPUT_AVAILABILITY]);
    sizing->incidents = rw_sizing_add(
        sizing, NULL, "availability_incidents",
        RW_TEXTS("Availability that incidents leave", "故障后所余可用性"), RW_UNIT_SHARE,
        &rw_sizing_incidents, 2, in[RW_INPUT_INCIDENTS_PER_YEAR], in[RW_INPUT_INCIDENT_TIME]);
    rw_sizing_add(sizing, NULL, "downtime_incidents",
                  RW_TEXTS("Downtime of the incidents alone", "仅故障造成的停机时间"),
                  RW_UNIT_MINUTES_PER_QUARTER, &rw_sizing_downtime, 1, sizing->incidents);
}

static bool asks_for(const struct rw_terms *terms, const char *framework)
{
    for (unsigned i = 0; i < terms->framework_count; i++)
        if (strcmp(terms->frameworks[i], framework) == 0)
            return true;
    return false;
}

/* A line for each request: it is evidence, and so kept as long as the strictest rule wants. */
static void add_logs(struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &sizing->plan->sheet;
    bool card = asks_for(&sizing->plan->terms, "pci_dss_4_0_1");
    sizing->log_line = rw_sheet_choose(
        sheet, "sizing.log_line",
        RW_TEXTS("A line of the access log, compressed", "每行访问日志（压缩后）"), RW_UNIT_BYTES,
        50,
        RW_TEXTS("some 400 bytes, an eighth of it when compressed; sampling makes it less",
                 "约 400 字节，压缩后约八分之一；采样可减少"));
    sizing->log_days = rw_sheet_choose(
        sheet, "sizing.log_days", RW_TEXTS("Days the access log is kept", "访问日志保存天数"),
        RW_UNIT_DAYS, card ? 365 : 180,
        card ? RW_TEXTS("PCI DSS 10.5.1: twelve months", "PCI DSS 10.5.1：十二个月")
             : RW_TEXTS("six months, as MLPS and CSL article 21 want",
                        "六个月，等保与网络安全法第二十一条"));
}

void rw_sizing_goals(struct rw_sizing *sizing)
{
    add_network(sizing);
    add_utilization(sizing);
    add_downtime(sizing);
    add_logs(sizing);
}
