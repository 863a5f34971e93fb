/* Configured upstreams for the tests of clusters, health and resolution, without a file. One at a
 * time: fixture_begin, fixture_add for each endpoint, then rw_clusters_make with its parts. */
#ifndef TESTS_UNIT_GATE_CLUSTER_FIXTURE_H
#define TESTS_UNIT_GATE_CLUSTER_FIXTURE_H

#include "gate/cluster/cluster.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIXTURE_ENDPOINTS_MAX = RW_CLUSTER_ENDPOINTS_MAX + 1 };

static struct {
    struct rw_config config;
    struct rw_config_dns dns;
    struct rw_config_upstream upstream;
    struct rw_config_connections connections;
    struct rw_config_passive_health passive;
    struct rw_config_active_health active;
    struct rw_config_endpoint endpoints[FIXTURE_ENDPOINTS_MAX];
    char texts[FIXTURE_ENDPOINTS_MAX][64];
    struct rw_arena arena;
    struct rw_conf_report report;
} fixture;

static inline void fixture_begin(const char *name)
{
    rw_arena_free(&fixture.arena);
    rw_arena_init(&fixture.arena, NULL, 0, 4096, 1 << 20);
    fixture.report = (struct rw_conf_report){.arena = &fixture.arena};
    fixture.dns =
        (struct rw_config_dns){.timeout_ms = 1500, .ttl_ms_min = 100, .ttl_ms_max = 60000};
    fixture.config = (struct rw_config){.dns = &fixture.dns};
    fixture.passive =
        (struct rw_config_passive_health){.failures = 3, .eject_ms = 1000, .eject_percent_max = 50};
    fixture.active = (struct rw_config_active_health){
        .path = RW_LITERAL("/health"),
        .interval_ms = 100,
        .timeout_ms = 50,
        .healthy_after = 2,
        .unhealthy_after = 2,
        .status_min = 200,
        .status_max = 299,
    };
    fixture.connections = (struct rw_config_connections){.idle_max = 8};
    fixture.upstream = (struct rw_config_upstream){
        .name = rw_span_text(name),
        .endpoints = {.items = fixture.endpoints},
        .connections = &fixture.connections,
        .passive_health = &fixture.passive,
        .connect_ms = 100,
    };
}

static inline void fixture_add(uint32_t weight, const char *format, ...)
{
    size_t at = fixture.upstream.endpoints.count++;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(fixture.texts[at], sizeof(fixture.texts[at]), format, arguments);
    va_end(arguments);
    fixture.endpoints[at] = (struct rw_config_endpoint){
        .address = rw_span(fixture.texts[at], (size_t)len), .weight = weight};
}

static inline enum rw_err fixture_make(struct rw_clusters *clusters, bool wait,
                                       struct rw_cluster **cluster)
{
    return rw_clusters_make(clusters, &fixture.config, &fixture.upstream, wait, &fixture.report,
                            cluster);
}

static inline void fixture_end(void)
{
    rw_arena_free(&fixture.arena);
}

/* The set in force, as one line: "10.0.0.1:80 10.0.0.2:80". */
static inline const char *fixture_names(struct rw_cluster *cluster)
{
    static char line[4096];
    size_t len = 0;
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    line[0] = '\0';
    for (unsigned i = 0; i < set->count && len < sizeof(line) - 128; i++)
        len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%.*s", i ? " " : "",
                                RW_SPAN_ARGS(set->endpoints[i]->name));
    return line;
}

#endif
