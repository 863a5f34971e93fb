/* Tables of `discovery`: endpoints that are found at run time. */
#include "gate/config/config_tables.h"
#include "io/address.h"

#include <stdlib.h>

enum { SERVERS_MAX = 16, LABEL_BYTES_MAX = 64, LOGIN_BYTES_MAX = 256 };

/* ---- etcd ---- */

#define MEMBER(member) offsetof(struct rw_config_etcd, member)
static const struct rw_conf_field etcd_fields[] = {
    {
        .name = "servers",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_REMOTE,
        .offset = MEMBER(servers),
        .doc = "Client addresses of the members, address or name with a port; the first that works "
               "is asked.",
        .example = "[10.0.0.1:2379, 10.0.0.2:2379]",
    },
    {
        .name = "prefix",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(prefix),
        .min = 1,
        .max = 1024,
        .doc =
            "Each key that begins so is an endpoint. Its value is an address, or a JSON object with "
            "`address`, `weight`, `priority`, `zone`, `region`, `cloud`.",
        .example = "/services/app/",
    },
    {
        .name = "username",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(username),
        .min = 1,
        .max = LOGIN_BYTES_MAX,
        .doc =
            "Where etcd has authentication: a user who may read the prefix. The token of the login is "
            "renewed when it has run out.",
        .example = "ringway",
    },
    {
        .name = "password",
        .type = RW_CONF_SECRET,
        .offset = MEMBER(password),
        .doc = "Of `username`.",
        .example = "file:/etc/ringway/etcd-password",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "TLS towards the servers. Without it, connections are plain.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_etcd(void *value, struct rw_conf_report *report)
{
    struct rw_config_etcd *etcd = value;
    const struct rw_span *servers = etcd->servers.items;
    for (size_t i = 0; i < etcd->servers.count; i++)
        rw_config_check_remote(report, &servers[i]);
    if (etcd->servers.count > SERVERS_MAX)
        rw_conf_mistake_on(report, &etcd->servers, "at most %d servers", (int)SERVERS_MAX);
    if (etcd->username.len && !etcd->password.len)
        rw_conf_mistake_on(report, &etcd->username, "\"username\" needs \"password\"");
    if (etcd->password.len && !etcd->username.len)
        rw_conf_mistake_on(report, &etcd->password, "\"password\" needs \"username\"");
    if (etcd->password.len > LOGIN_BYTES_MAX)
        rw_conf_mistake_on(report, &etcd->password, "longer than %d bytes", (int)LOGIN_BYTES_MAX);
}

static const struct rw_conf_record etcd_record = {
    .name = "discovery.etcd",
    .doc = "Keys of etcd (version 3), listed and then watched.",
    .size = sizeof(struct rw_config_etcd),
    .fields = etcd_fields,
    .place_offset = -1,
    .check = check_etcd,
};

/* ---- Kubernetes ---- */

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

static const char *const family_names[] = {[RW_CONFIG_FAMILY_ANY] = "any",
                                           [RW_CONFIG_FAMILY_IPV4] = "ipv4",
                                           [RW_CONFIG_FAMILY_IPV6] = "ipv6",
                                           NULL};

#define MEMBER(member) offsetof(struct rw_config_kubernetes, member)
static const struct rw_conf_field kubernetes_fields[] = {
    {
        .name = "server",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REMOTE,
        .offset = MEMBER(server),
        .doc = "The API server, address or name with a port. By default what Kubernetes says in "
               "`KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.",
        .example = "10.96.0.1:443",
    },
    {
        .name = "namespace",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(namespace),
        .fallback = "default",
        .min = 1,
        .max = 63,
        .doc = "Of the service.",
    },
    {
        .name = "service",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(service),
        .min = 1,
        .max = 63,
        .doc = "The service whose EndpointSlices are followed.",
        .example = "app",
    },
    {
        .name = "port",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(port),
        .min = 1,
        .max = 63,
        .doc = "Name or number of the port. By default the first.",
        .example = "http",
    },
    {
        .name = "family",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(family),
        .names = family_names,
        .fallback = "any",
        .doc =
            "Of a service with IPv4 and IPv6 every pod has two addresses: `ipv4` or `ipv6` takes "
            "one of them, `any` both, as two endpoints.",
    },
    {
        .name = "token_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(token_file),
        .fallback = ACCOUNT "token",
        .min = 0,
        .max = 4095,
        .doc = "The token to show, read anew for every request; an empty name for none.",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "TLS towards the API server. By default with the authority of the service account, "
               "`" ACCOUNT "ca.crt`.",
    },
    {
        .name = "plain",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(plain),
        .fallback = "false",
        .doc = "No TLS: for a proxy beside the gateway (`kubectl proxy`).",
    },
    {.name = NULL},
};
#undef MEMBER

/* A name of Kubernetes (RFC 1123): it goes into a URL as it is. */
static void check_name(struct rw_conf_report *report, const struct rw_span *name)
{
    for (size_t i = 0; i < name->len; i++) {
        char c = name->at[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (fits)
            continue;
        rw_conf_mistake_on(report, name,
                           "%s is no name of Kubernetes: small letters, digits, - and .",
                           rw_conf_quote(report, *name));
        return;
    }
}

static void take_server(struct rw_conf_report *report, struct rw_config_kubernetes *kubernetes)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    if (kubernetes->server.len)
        return;
    if (!host || !port) {
        rw_conf_mistake_on(
            report, &kubernetes->server,
            "\"server\" is missing, and KUBERNETES_SERVICE_HOST is not set: this does "
            "not run in a cluster");
        return;
    }
    kubernetes->server = rw_arena_format(rw_conf_results(report),
                                         strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct rw_address address;
    if (!kubernetes->server.at)
        report->err = RW_ENOMEM;
    else if (rw_address_parse(kubernetes->server, &address))
        rw_conf_mistake_on(report, &kubernetes->server,
                           "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address");
}

static void take_tls(struct rw_conf_report *report, struct rw_config_kubernetes *kubernetes)
{
    if (kubernetes->plain && kubernetes->tls)
        rw_conf_mistake_on(report, &kubernetes->tls, "\"tls\" has no effect with \"plain: true\"");
    if (kubernetes->plain || kubernetes->tls)
        return;
    kubernetes->tls = rw_arena_zero(rw_conf_results(report), sizeof(*kubernetes->tls));
    if (!kubernetes->tls) {
        report->err = RW_ENOMEM;
        return;
    }
    kubernetes->tls->verify = true;
    kubernetes->tls->ca = RW_LITERAL(ACCOUNT "ca.crt");
}

static void check_kubernetes(void *value, struct rw_conf_report *report)
{
    struct rw_config_kubernetes *kubernetes = value;
    check_name(report, &kubernetes->namespace);
    check_name(report, &kubernetes->service);
    rw_config_check_remote(report, &kubernetes->server);
    take_server(report, kubernetes);
    take_tls(report, kubernetes);
}

static const struct rw_conf_record kubernetes_record = {
    .name = "discovery.kubernetes",
    .doc = "A service of Kubernetes: its EndpointSlices, listed and then watched.",
    .size = sizeof(struct rw_config_kubernetes),
    .fields = kubernetes_fields,
    .place_offset = -1,
    .check = check_kubernetes,
};

/* ---- Either ---- */

#define MEMBER(member) offsetof(struct rw_config_discovery, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(file),
        .min = 1,
        .max = 4095,
        .doc =
            "A YAML or JSON file with a list `endpoints` as an upstream has it, with IP addresses; "
            "it is looked at once a second.",
        .example = "/run/ringway/app.yaml",
    },
    {
        .name = "etcd",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(etcd),
        .record = &etcd_record,
        .doc = "Keys of etcd.",
    },
    {
        .name = "kubernetes",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(kubernetes),
        .record = &kubernetes_record,
        .doc = "A service of Kubernetes.",
    },
    {
        .name = "zone",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.zone),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "Of endpoints that do not say theirs.",
        .example = "eu-west-1a",
    },
    {
        .name = "region",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.region),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "The same for the region.",
        .example = "eu-west-1",
    },
    {
        .name = "cloud",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(locality.cloud),
        .min = 1,
        .max = LABEL_BYTES_MAX,
        .doc = "The same for the cloud.",
        .example = "aws",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_config_discovery *discovery = value;
    int kinds =
        (discovery->file.len > 0) + (discovery->etcd != NULL) + (discovery->kubernetes != NULL);
    if (kinds != 1)
        rw_conf_mistake_at(report, discovery->place,
                           "expected one of \"file\", \"etcd\" and \"kubernetes\"");
}

const struct rw_conf_record rw_config_discovery_record = {
    .name = "upstream.discovery",
    .doc = "Endpoints that are found at run time. Those of the configuration are used until it is "
           "known for the first time what there is.",
    .size = sizeof(struct rw_config_discovery),
    .fields = fields,
    .place_offset = offsetof(struct rw_config_discovery, place),
    .check = check,
};
