/* The sizing chapter: from the load and the promises to what has to be there.
 *
 * rw_sizing_chapter runs after the inputs and before the bill. Shared cells, of the end of the
 * term:
 *
 *   sizing.rate_today         PER_SECOND   requests at the busiest second, now
 *   sizing.rate_peak          PER_SECOND   and with the growth
 *   sizing.rate_mean          PER_SECOND
 *   sizing.requests_month     PER_MONTH
 *   sizing.connections        COUNT        open at the peak
 *   sizing.origin_rate        PER_SECOND   what passes the cache
 *   sizing.cores_needed       ERLANGS      of the application at the peak
 *   sizing.utilization_max    SHARE        from head-room and from the latency target
 *   sizing.data_raw           BYTES        what comes in and is kept, before copies
 *   sizing.egress_month       BYTES        a month, to the internet
 *   sizing.link               BITS_PER_SECOND  of the entry at the peak
 *   sizing.downtime_allowed, sizing.downtime_incidents   MINUTES_PER_QUARTER
 *
 * and for each tier (sizing.t1.* ...):
 *
 *   app_nodes                 COUNT        application nodes of the first region, zone loss
 *                                          included
 *   app_nodes_standby         COUNT        in the second region; 0 without one
 *   gateway_nodes, gateway_nodes_standby   COUNT
 *   database_nodes, database_nodes_standby COUNT
 *   cache_nodes               COUNT
 *   database_cores, cache_cores   COUNT    of one such node; the bill buys as many
 *   nodes                     COUNT        all of them
 *   cores                     COUNT        of all application and gateway nodes
 *   memory                    BYTES        of all application and gateway nodes
 *   storage_hot               BYTES        fast storage, copies and overhead included
 *   storage_cold              BYTES        object storage
 *   storage_backup            BYTES        object storage
 *   storage_logs              BYTES        object storage: the gateway's access log
 *   storage_billed            BYTES        the four together
 *   egress_month              BYTES        a month, to the internet
 *   entry_month               BYTES        a month, through the entry, both ways
 *   transfer_zones, transfer_regions   BYTES   a month, between zones, between regions
 *   link                      BITS_PER_SECOND  between the regions or to the customer's site
 *   availability              SHARE        of the composed system
 *   downtime                  MINUTES_PER_QUARTER  expected
 *   recovery                  SECONDS      when a region is lost
 *   response                  SECONDS      mean, at the peak: work, database and network
 *   response_tail             SECONDS      the same at the percentile of the target
 *
 * What grows has further cells for each year before the last, sized for the load at the end of that
 * year: sizing.rate_peak.1, sizing.t1.app_nodes.1 and so on; rw_sizing_of_year finds them. */
#ifndef RW_PLAN_SIZING_SIZING_H
#define RW_PLAN_SIZING_SIZING_H

#include "plan/plan.h"

RW_MUST_CHECK enum rw_err rw_sizing_chapter(struct rw_plan *plan);

/* "sizing.TIER.NAME" of a year from 1; of the last year the cell of the end of the term. */
uint32_t rw_sizing_of_year(const struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                           unsigned year);

#endif
