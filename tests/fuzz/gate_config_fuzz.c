/* Any bytes as the gateway's own configuration: its tables and the checks over several records. */
#include "conf/redact.h"
#include "gate/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a read accepts can be shown, and what is shown holds nothing more than that. */
static void check_redacted(struct rw_span yaml)
{
    struct rw_text shown = {0}, again = {0};
    enum rw_err err = rw_conf_redact(yaml, &rw_config_record, &shown);
    rw_assert(!err || err == RW_ENOMEM || err == RW_ELIMIT);
    if (!err)
        err = rw_conf_redact(rw_text_span(&shown), &rw_config_record, &again);
    rw_assert(err || rw_span_eq(rw_text_span(&shown), rw_text_span(&again)));
    rw_text_free(&shown);
    rw_text_free(&again);
}

static void check_config(const struct rw_config *config)
{
    const struct rw_config_listener *listeners = config->listeners.items;
    const struct rw_config_route *routes = config->routes.items;
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    rw_assert(config->listeners.count > 0 && config->access_log && config->error_log);
    rw_assert(config->metrics && config->dns);
    for (size_t i = 0; i < config->listeners.count; i++) {
        rw_assert(listeners[i].name.len && listeners[i].address.len);
        rw_assert(listeners[i].timeouts && listeners[i].limits);
    }
    for (size_t i = 0; i < config->routes.count; i++) {
        rw_assert(routes[i].name.len && routes[i].match && routes[i].timeouts);
        rw_assert(routes[i].action.kind && routes[i].action.value);
    }
    for (size_t i = 0; i < config->upstreams.count; i++) {
        rw_assert(upstreams[i].name.len && upstreams[i].endpoints.count);
        rw_assert(upstreams[i].connections && upstreams[i].passive_health);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_config *config;
    struct rw_text text = {0};
    rw_arena_init(&arena, NULL, 0, 16 << 10, 64 << 20);
    enum rw_err err = rw_config_load_text(rw_span((const char *)data, size), "fuzz.yaml", &arena,
                                          &config, &report);
    rw_assert((err == RW_OK) == (report.count == 0) || err == RW_ENOMEM);
    rw_conf_report_print(&report, &text);
    if (!err) {
        check_config(config);
        check_redacted(rw_span((const char *)data, size));
    }
    rw_text_free(&text);
    rw_arena_free(&arena);
    return 0;
}
