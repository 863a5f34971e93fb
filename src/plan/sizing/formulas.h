/* Within plan/sizing: the formulas of the chapter, each over the models of plan/model. */
#ifndef RW_PLAN_SIZING_FORMULAS_H
#define RW_PLAN_SIZING_FORMULAS_H

#include "plan/formula.h"

/* Machines that are idle for more than the rest are no answer to a latency target. */
#define RW_SIZING_UTILIZATION_LEAST 0.2

/* {0} x (1 + {1})^{2} */
extern const struct rw_formula rw_sizing_grown;
/* Users {0}, response {1}, think time {2}. */
extern const struct rw_formula rw_sizing_interactive;
/* In flight {0}, time in the system {1}. */
extern const struct rw_formula rw_sizing_little;
/* Transactions a day {0}, requests of one {1}, peak over mean {2}. */
extern const struct rw_formula rw_sizing_daily_peak;
/* Peak rate {0}, peak over mean {1}. */
extern const struct rw_formula rw_sizing_mean;
/* Rate {0} over a month of 730 hours. */
extern const struct rw_formula rw_sizing_month;
/* {0} x (1 - {1}) */
extern const struct rw_formula rw_sizing_passed;
/* Rise of load {0}, time to scale out {1}. */
extern const struct rw_formula rw_sizing_headroom;
/* Service time {0}, its variation {1}, percentile {2}: the service time of that percentile. */
extern const struct rw_formula rw_sizing_service_tail;
/* What of the latency is left to the application {0}, service time at the percentile {1}: the
 * highest utilisation that keeps it; 1 when that is below RW_SIZING_UTILIZATION_LEAST. */
extern const struct rw_formula rw_sizing_latency_limit;
/* {0} - {1} - {2} */
extern const struct rw_formula rw_sizing_less;
/* Round trip {0} of a request and of its queries {1}. */
extern const struct rw_formula rw_sizing_hops;
/* Distance {0}, round trips {1}. */
extern const struct rw_formula rw_sizing_distance;
/* Service time {0}, cores {1}, highest utilisation {2}: rate of a node. */
extern const struct rw_formula rw_sizing_node_rate;
/* Today's rate {0}, growth {1}, years {2}, cache hits {3}, queries of a request {4}, time of one
 * {5}, utilisation {6}: 8 where one such node bears the peak, else 16. */
extern const struct rw_formula rw_sizing_database_cores;
/* Rate {0}, rate of one node {1}, sigma {2}, kappa {3}: nodes by the Universal Scalability Law. */
extern const struct rw_formula rw_sizing_usl_nodes;
/* Nodes {0}, zones {1}: with the loss of a zone, and at least one in each. */
extern const struct rw_formula rw_sizing_zone_loss;
/* ceil({0} x {1}) */
extern const struct rw_formula rw_sizing_standby;
/* Erlangs {0}, nodes of a region {1}, zones {2}, cores {3}: when a zone is gone. */
extern const struct rw_formula rw_sizing_utilization;
/* Service time {0}, utilisation {1}. */
extern const struct rw_formula rw_sizing_response;
/* Rate of queries {0}, their time {1}, nodes {2}, zones {3}, cores of a node {4}: with a zone lost.
 */
extern const struct rw_formula rw_sizing_query_response;
/* Queries of a request {0}, the mean of one {1}, percentile {2}, calls side by side {3}. */
extern const struct rw_formula rw_sizing_queries_tail;
/* Rate of queries {0}, their time {1}: connections so that 99 of 100 wait less than a query. */
extern const struct rw_formula rw_sizing_connections;

/* New a day {0}, days {1}. */
extern const struct rw_formula rw_sizing_kept;
/* Retention {0}, hot days {1}, years that the system has run {2}: of the hot days those there are,
 * and those beyond them. */
extern const struct rw_formula rw_sizing_days_kept;
extern const struct rw_formula rw_sizing_days_cold;
/* Requests a month {0}, bytes of a line {1}, days {2}. */
extern const struct rw_formula rw_sizing_logs;
/* Requests a month {0}, bytes in {1}, bytes out {2}, their compression {3}. */
extern const struct rw_formula rw_sizing_entry;
/* Raw {0}, copies {1}, overhead {2}, compression {3}. */
extern const struct rw_formula rw_sizing_stored;
/* Raw {0}, compression {1}, fulls {2}, change a day {3}, days {4}. */
extern const struct rw_formula rw_sizing_backup;
/* Hot {0}, regions {1}, standby share {2}, copies {3}: what the other region holds, too. */
extern const struct rw_formula rw_sizing_hot_regions;
/* Requests a month {0}, bytes {1}, compression {2}, share {3}. */
extern const struct rw_formula rw_sizing_egress;
/* Requests a month {0}, bytes in {1} and out {2}, zones {3}: between zones. */
extern const struct rw_formula rw_sizing_between_zones;
/* New a day {0}, compression {1}, regions {2}: between regions in a month. */
extern const struct rw_formula rw_sizing_between_regions;
/* Rate {0}, bytes {1}, compression {2}, utilisation {3}. */
extern const struct rw_formula rw_sizing_link;
/* New a day {0}, peak over mean {1}, compression {2}, utilisation {3}. */
extern const struct rw_formula rw_sizing_replication_link;
/* Stored {0}, days {1}, utilisation {2}: what copies it in time. */
extern const struct rw_formula rw_sizing_move_link;
/* Bytes of the base {0}, of a connection {1}, connections {2}, nodes {3}. */
extern const struct rw_formula rw_sizing_gateway_memory;

/* Nodes {0}, regions {1}, nodes that one watches {2}: two for each so many in each region. */
extern const struct rw_formula rw_sizing_monitors;

/* Availability of a machine {0}, nodes {1}, zones {2}: enough of them run. */
extern const struct rw_formula rw_sizing_machines;
/* Zone {0}, zones {1}: at most one is lost. */
extern const struct rw_formula rw_sizing_zones;
/* What a region holds {0}, a region's outage {1}, failover {2}: with the other region. */
extern const struct rw_formula rw_sizing_regions;
/* Incidents {0} a year, time of each {1}. */
extern const struct rw_formula rw_sizing_incidents;
/* Availability {0} to minutes a quarter, and back. */
extern const struct rw_formula rw_sizing_downtime;
extern const struct rw_formula rw_sizing_availability_of;

#endif
