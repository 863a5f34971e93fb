#include "gate/discovery/discovery_secure.h"

static void tell(struct rw_conf_report *report, struct rw_conf_place place, enum rw_err err,
                 const struct rw_text *why)
{
    struct rw_span rest = why->len ? rw_text_span(why) : rw_span_text(rw_err_text(err)), line;
    while (rw_span_next(&rest, '\n', &line))
        if (line.len)
            rw_conf_mistake_at(report, place, "%.*s", RW_SPAN_ARGS(line));
}

enum rw_err rw_discovery_secure(const struct rw_config_tls_client *tls,
                                struct rw_conf_report *report, struct rw_tls_client **client)
{
    *client = NULL;
    if (!tls)
        return RW_OK;
    const struct rw_span alpn = RW_LITERAL("http/1.1");
    const struct rw_tls_client_options wanted = {
        .insecure = !tls->verify,
        .ca = tls->ca,
        .cert = tls->cert,
        .key = tls->key,
        .alpn = &alpn,
        .alpn_count = 1,
        .min_version = (enum rw_tls_version)tls->min_version,
    };
    struct rw_text why = {0};
    enum rw_err err = rw_tls_client_create(&wanted, client, &why);
    if (err && err != RW_ENOMEM)
        tell(report, tls->place, err, &why);
    rw_text_free(&why);
    if (err)
        *client = NULL;
    return !err || err == RW_ENOMEM ? err : RW_EINVAL;
}

void rw_discovery_describe_trust(const struct rw_config_tls_client *tls, struct rw_text *text)
{
    if (!tls)
        return;
    rw_text_adds(text, tls->verify ? " verified" : " unverified");
    if (tls->verify && tls->ca.len)
        rw_text_addf(text, " by %.*s", RW_SPAN_ARGS(tls->ca));
    if (tls->verify && tls->name.len)
        rw_text_addf(text, " as %.*s", RW_SPAN_ARGS(tls->name));
}

enum rw_err rw_discovery_secure_name(struct rw_discovery *discovery,
                                     const struct rw_config_tls_client *tls, const char **name)
{
    *name = NULL;
    if (!tls || !tls->name.len)
        return RW_OK;
    *name = rw_arena_copy(&discovery->arena, tls->name).at;
    return *name ? RW_OK : RW_ENOMEM;
}
