/* Volumes: stored data, links, the floor that distance puts under latency.
 *
 * As plan/model/queueing.h: plain functions, NaN for an argument outside the stated range. Decimal
 * units: 1 TB is 1e12 bytes, 1 Gbps is 1e9 bits a second.
 */
#ifndef RW_PLAN_MODEL_VOLUME_H
#define RW_PLAN_MODEL_VOLUME_H

/* D * T * rf * (1 + o) / k: ingest in TB a day >= 0, retention in days >= 0, replicas (or the
 * overhead of an erasure code) >= 1, overhead >= 0, compression ratio > 0. */
double rw_model_storage_tb(double ingest_tb_day, double retention_days, double replicas,
                           double overhead, double compression);
/* V_0 * (1 + g)^y, growth > -1. */
double rw_model_storage_grown_tb(double start_tb, double growth_year, double years);

/* Mean over a day; and the link for a busy hour of `peak_factor` >= 1 times that, filled to a
 * utilisation in (0, 1]. */
double rw_model_bandwidth_gbps(double bytes_day);
double rw_model_bandwidth_link_gbps(double mean_gbps, double peak_factor, double utilization);

/* Round trip through fibre (group index 1.468) that long, there and back. No route is shorter. */
double rw_model_distance_rtt_ms(double kilometres);
/* Great-circle distance on a sphere of 6371.0088 km (IUGG mean radius); degrees, latitude within
 * +-90, longitude within +-360. */
double rw_model_distance_km(double latitude_a, double longitude_a, double latitude_b,
                            double longitude_b);

#endif
