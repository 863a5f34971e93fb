#include "plan/bill/catalog.h"

#include <stdbool.h>
#include <string.h>

const struct rw_bill_role_entry rw_bill_roles[RW_BILL_ROLE_COUNT] = {
#define RW_BILL_ROLE_ENTRY(name, word, category, en, zh)                                           \
    [RW_BILL_##name] = {word, category, RW_LABEL(en, zh)},
    RW_BILL_ROLES(RW_BILL_ROLE_ENTRY)
#undef RW_BILL_ROLE_ENTRY
};

#define MACHINE                                                                                    \
    {                                                                                              \
        "Compute", "Virtual Machines"                                                              \
    }
#define TRAFFIC                                                                                    \
    {                                                                                              \
        "Networking", "Network Connectivity"                                                       \
    }
#define BALANCER                                                                                   \
    {                                                                                              \
        "Networking", "Network Routing"                                                            \
    }
#define WALL                                                                                       \
    {                                                                                              \
        "Networking", "Network Security"                                                           \
    }
#define HELP                                                                                       \
    {                                                                                              \
        "Management and Governance", "Support"                                                     \
    }

const struct rw_bill_service rw_bill_services[RW_BILL_ROLE_COUNT] = {
    [RW_BILL_COMPUTE] = MACHINE,
    [RW_BILL_GATEWAY] = MACHINE,
    [RW_BILL_DATABASE] = MACHINE,
    [RW_BILL_CACHE] = MACHINE,
    [RW_BILL_MONITOR] = MACHINE,
    [RW_BILL_STORAGE_HOT] = {"Storage", "Block Storage"},
    [RW_BILL_STORAGE_COLD] = {"Storage", "Object Storage"},
    [RW_BILL_STORAGE_BACKUP] = {"Storage", "Backup Storage"},
    [RW_BILL_LOGS] = {"Storage", "Object Storage"},
    [RW_BILL_EGRESS] = TRAFFIC,
    [RW_BILL_ZONES] = TRAFFIC,
    [RW_BILL_TRANSFER] = TRAFFIC,
    [RW_BILL_LINK] = TRAFFIC,
    [RW_BILL_ENTRY] = BALANCER,
    [RW_BILL_ENTRY_UNITS] = BALANCER,
    [RW_BILL_ENTRY_DATA] = BALANCER,
    [RW_BILL_NAT] = {"Networking", "Network Infrastructure"},
    [RW_BILL_FIREWALL] = WALL,
    [RW_BILL_FIREWALL_RULES] = WALL,
    [RW_BILL_FIREWALL_REQUESTS] = WALL,
    [RW_BILL_FIREWALL_UNITS] = WALL,
    [RW_BILL_SUPPORT] = HELP,
    [RW_BILL_SUPPORT_FAST] = HELP,
};

/* clang-format off */
#define AWS_GENERAL {"m7i.xlarge", "m6i.xlarge", "m5.xlarge", "m7i.2xlarge", "m6i.2xlarge"}
#define AWS_MEMORY {"r7i.2xlarge", "r6i.2xlarge"}
#define AZURE_GENERAL {"D4s_v6", "D4s_v5", "D4s_v3", "D8s_v6", "D8s_v5"}
#define GOOGLE_GENERAL {"n2-standard-4", "e2-standard-4", "c3-standard-4", "n2-standard-8"}
#define ALIBABA_GENERAL {"ecs.g7.xlarge", "ecs.g8i.xlarge", "ecs.g6.xlarge", "ecs.g7.2xlarge"}
#define SERVER {"standard"}

static const struct rw_bill_article articles[] = {
    {"aws", RW_BILL_COMPUTE, "ec2", "hour", AWS_GENERAL, {0}, 0, 0},
    {"aws", RW_BILL_GATEWAY, "ec2", "hour", AWS_GENERAL, {0}, 0, 0},
    {"aws", RW_BILL_DATABASE, "ec2", "hour", AWS_MEMORY, {0}, 0, 0},
    {"aws", RW_BILL_CACHE, "ec2", "hour", AWS_MEMORY, {0}, 0, 0},
    {"aws", RW_BILL_STORAGE_HOT, "ebs", "gb_month", {"gp3.storage"}, {0}, 0, 0},
    {"aws", RW_BILL_STORAGE_COLD, "s3", "gb_month", {"standard_ia"}, {0}, 0, 0},
    {"aws", RW_BILL_STORAGE_BACKUP, "s3", "gb_month", {"glacier_flexible"}, {0}, 0, 0},
    {"aws", RW_BILL_LOGS, "s3", "gb_month", {"standard_ia"}, {0}, 0, 0},
    {"aws", RW_BILL_EGRESS, "egress_internet", "gb",
     {"first_10tb", "next_40tb", "next_100tb", "over_150tb"}, {10240, 51200, 153600, 0}, 0, 0},
    {"aws", RW_BILL_ZONES, "egress_cross_az", "gb", {"each_direction"}, {0}, 0, 2},
    {"aws", RW_BILL_TRANSFER, "egress_inter_region", "gb", {"to_other_regions"}, {0}, 0, 0},
    {"aws", RW_BILL_ENTRY, "nlb", "hour", {"load_balancer"}, {0}, 0, 0},
    {"aws", RW_BILL_ENTRY_UNITS, "nlb", "lcu_hour", {"nlcu"}, {0}, 0, 0},
    {"aws", RW_BILL_NAT, "nat_gateway", "hour", {"gateway"}, {0}, 0, 0},
    {"aws", RW_BILL_LINK, "direct_connect", "hour", {"port.1g", "port.10g", "port.100g"}, {0}, 0, 0},
    {"aws", RW_BILL_FIREWALL, "waf", "month", {"web_acl"}, {0}, 0, 0},
    {"aws", RW_BILL_FIREWALL_RULES, "waf", "month", {"rule"}, {0}, 0, 0},
    {"aws", RW_BILL_FIREWALL_REQUESTS, "waf", "1m_requests", {"requests"}, {0}, 0, 0},
    {"aws", RW_BILL_MONITOR, "ec2", "hour", AWS_GENERAL, {0}, 0, 0},
    {"aws", RW_BILL_SUPPORT, "support", "usd_spent",
     {"business.first_10k", "business.10k_to_80k", "business.80k_to_250k", "business.over_250k"},
     {10000, 80000, 250000, 0}, 0, 0},
    {"aws", RW_BILL_SUPPORT_FAST, "support", "usd_spent",
     {"enterprise.first_150k", "enterprise.150k_to_500k", "enterprise.500k_to_1m", "enterprise.over_1m"},
     {150000, 500000, 1000000, 0}, 0, 0},

    {"aws_cn", RW_BILL_COMPUTE, "ec2", "hour", {"m6i.xlarge", "m5.xlarge", "m6i.2xlarge"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_GATEWAY, "ec2", "hour", {"m6i.xlarge", "m5.xlarge", "m6i.2xlarge"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_DATABASE, "ec2", "hour", {"r6i.2xlarge"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_CACHE, "ec2", "hour", {"r6i.2xlarge"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_STORAGE_HOT, "ebs", "gb_month", {"gp3.storage"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_STORAGE_COLD, "s3", "gb_month", {"standard_ia"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_STORAGE_BACKUP, "s3", "gb_month", {"glacier_flexible"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_LOGS, "s3", "gb_month", {"standard_ia"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_EGRESS, "egress_internet", "gb", {"all"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_TRANSFER, "transit_gateway", "gb", {"data"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_LINK, "direct_connect", "hour", {"port.1g", "port.10g", "port.100g"}, {0}, 0, 0},
    {"aws_cn", RW_BILL_MONITOR, "ec2", "hour", {"m6i.xlarge", "m5.xlarge", "m6i.2xlarge"}, {0}, 0, 0},

    {"azure", RW_BILL_COMPUTE, "vm", "hour", AZURE_GENERAL, {0}, 0, 0},
    {"azure", RW_BILL_GATEWAY, "vm", "hour", AZURE_GENERAL, {0}, 0, 0},
    {"azure", RW_BILL_DATABASE, "vm", "hour", {"E8s_v5"}, {0}, 0, 0},
    {"azure", RW_BILL_CACHE, "vm", "hour", {"E8s_v5"}, {0}, 0, 0},
    {"azure", RW_BILL_STORAGE_HOT, "managed_disk", "month", {"premium_p10_128gib"}, {0}, 128, 0},
    {"azure", RW_BILL_STORAGE_COLD, "blob", "gb_month", {"cool_zrs"}, {0}, 0, 0},
    {"azure", RW_BILL_STORAGE_BACKUP, "blob", "gb_month", {"cool_grs"}, {0}, 0, 0},
    {"azure", RW_BILL_LOGS, "blob", "gb_month", {"cool_zrs"}, {0}, 0, 0},
    {"azure", RW_BILL_EGRESS, "egress_internet", "gb",
     {"first_100gb", "up_to_10tb", "over_10tb"}, {100, 10240, 0}, 0, 0},
    {"azure", RW_BILL_TRANSFER, "vnet_peering", "gb", {"intra_region_each_way"}, {0}, 0, 2},
    {"azure", RW_BILL_ENTRY_DATA, "load_balancer", "gb", {"data"}, {0}, 0, 0},
    {"azure", RW_BILL_NAT, "nat_gateway", "hour", {"gateway"}, {0}, 0, 0},
    {"azure", RW_BILL_LINK, "expressroute", "month", {"circuit.1g", "circuit.10g", "circuit.100g"}, {0}, 0, 0},
    {"azure", RW_BILL_FIREWALL, "application_gateway", "hour", {"waf_v2.fixed"}, {0}, 0, 0},
    {"azure", RW_BILL_FIREWALL_UNITS, "application_gateway", "cu_hour", {"waf_v2.capacity_unit"}, {0}, 0, 0},
    {"azure", RW_BILL_MONITOR, "vm", "hour", AZURE_GENERAL, {0}, 0, 0},
    {"azure", RW_BILL_SUPPORT, "support", "month", {"prodirect"}, {0}, 0, 0},

    {"gcp", RW_BILL_COMPUTE, "compute", "hour", GOOGLE_GENERAL, {0}, 0, 0},
    {"gcp", RW_BILL_GATEWAY, "compute", "hour", GOOGLE_GENERAL, {0}, 0, 0},
    {"gcp", RW_BILL_DATABASE, "compute", "hour", {"n2-standard-8", "n2-standard-16"}, {0}, 0, 0},
    {"gcp", RW_BILL_CACHE, "compute", "hour", {"n2-standard-8", "n2-standard-16"}, {0}, 0, 0},
    {"gcp", RW_BILL_STORAGE_HOT, "disk", "gb_month", {"pd_ssd"}, {0}, 0, 0},
    {"gcp", RW_BILL_STORAGE_COLD, "cloud_storage", "gb_month", {"nearline"}, {0}, 0, 0},
    {"gcp", RW_BILL_STORAGE_BACKUP, "cloud_storage", "gb_month", {"coldline"}, {0}, 0, 0},
    {"gcp", RW_BILL_LOGS, "cloud_storage", "gb_month", {"nearline"}, {0}, 0, 0},
    {"gcp", RW_BILL_EGRESS, "egress_internet", "gb",
     {"first_1tb", "1_to_10tb", "over_10tb"}, {1024, 10240, 0}, 0, 0},
    {"gcp", RW_BILL_ZONES, "egress_cross_zone", "gb", {"between_zones"}, {0}, 0, 0},
    {"gcp", RW_BILL_TRANSFER, "egress_inter_region", "gb", {"between_regions"}, {0}, 0, 0},
    {"gcp", RW_BILL_ENTRY, "load_balancing", "hour", {"forwarding_rule"}, {0}, 0, 0},
    {"gcp", RW_BILL_ENTRY_DATA, "load_balancing", "gb", {"data"}, {0}, 0, 0},
    {"gcp", RW_BILL_NAT, "nat", "hour", {"gateway"}, {0}, 0, 0},
    {"gcp", RW_BILL_LINK, "interconnect", "month",
     {"dedicated_10g", "dedicated_10g", "dedicated_100g"}, {0}, 0, 0},
    {"gcp", RW_BILL_MONITOR, "compute", "hour", GOOGLE_GENERAL, {0}, 0, 0},
    {"gcp", RW_BILL_SUPPORT, "support", "usd_spent",
     {"enhanced.first_10k", "enhanced.10k_to_80k", "enhanced.80k_to_250k", "enhanced.over_250k"},
     {10000, 80000, 250000, 0}, 0, 0},
    {"gcp", RW_BILL_SUPPORT_FAST, "support", "usd_spent",
     {"premium.first_150k", "premium.150k_to_500k", "premium.500k_to_1m", "premium.over_1m"},
     {150000, 500000, 1000000, 0}, 0, 0},

    {"alibaba", RW_BILL_COMPUTE, "ecs", "hour", ALIBABA_GENERAL, {0}, 0, 0},
    {"alibaba", RW_BILL_GATEWAY, "ecs", "hour", ALIBABA_GENERAL, {0}, 0, 0},
    {"alibaba", RW_BILL_DATABASE, "ecs", "hour", {"ecs.r7.2xlarge"}, {0}, 0, 0},
    {"alibaba", RW_BILL_CACHE, "ecs", "hour", {"ecs.r7.2xlarge"}, {0}, 0, 0},
    {"alibaba", RW_BILL_STORAGE_HOT, "disk", "gb_month", {"essd_pl1"}, {0}, 0, 0},
    {"alibaba", RW_BILL_STORAGE_COLD, "oss", "gb_month", {"infrequent_access"}, {0}, 0, 0},
    {"alibaba", RW_BILL_STORAGE_BACKUP, "oss", "gb_month", {"archive"}, {0}, 0, 0},
    {"alibaba", RW_BILL_LOGS, "oss", "gb_month", {"infrequent_access"}, {0}, 0, 0},
    {"alibaba", RW_BILL_EGRESS, "egress_internet", "gb", {"all"}, {0}, 0, 0},
    {"alibaba", RW_BILL_TRANSFER, "cen", "gb", {"between_regions"}, {0}, 0, 0},
    {"alibaba", RW_BILL_LINK, "express_connect", "month", {"port.1g", "port.10g", "port.100g"}, {0}, 0, 0},
    {"alibaba", RW_BILL_FIREWALL_REQUESTS, "waf", "1m_requests", {"edge_requests"}, {0}, 0, 0},
    {"alibaba", RW_BILL_MONITOR, "ecs", "hour", ALIBABA_GENERAL, {0}, 0, 0},

    {"onprem", RW_BILL_COMPUTE, "server", "month", SERVER, {0}, 0, 0},
    {"onprem", RW_BILL_GATEWAY, "server", "month", SERVER, {0}, 0, 0},
    {"onprem", RW_BILL_DATABASE, "server", "month", SERVER, {0}, 0, 0},
    {"onprem", RW_BILL_CACHE, "server", "month", SERVER, {0}, 0, 0},
    {"onprem", RW_BILL_STORAGE_HOT, "storage", "gb_month", {"flash"}, {0}, 0, 0},
    {"onprem", RW_BILL_STORAGE_COLD, "storage", "gb_month", {"object"}, {0}, 0, 0},
    {"onprem", RW_BILL_STORAGE_BACKUP, "storage", "gb_month", {"backup"}, {0}, 0, 0},
    {"onprem", RW_BILL_LOGS, "storage", "gb_month", {"object"}, {0}, 0, 0},
    {"onprem", RW_BILL_EGRESS, "egress_internet", "gb", {"all"}, {0}, 0, 0},
    {"onprem", RW_BILL_LINK, "carrier", "month", {"link.1g", "link.10g", "link.100g"}, {0}, 0, 0},
    {"onprem", RW_BILL_MONITOR, "server", "month", SERVER, {0}, 0, 0},
};
/* clang-format on */

static bool is_listed(const char *provider)
{
    for (size_t i = 0; i < sizeof(articles) / sizeof(*articles); i++)
        if (strcmp(articles[i].provider, provider) == 0)
            return true;
    return false;
}

const struct rw_bill_article *rw_bill_article(const char *provider, enum rw_bill_role role)
{
    const char *shop = is_listed(provider) ? provider : "onprem";
    for (size_t i = 0; i < sizeof(articles) / sizeof(*articles); i++)
        if (articles[i].role == role && strcmp(articles[i].provider, shop) == 0)
            return &articles[i];
    return NULL;
}

const char *const *rw_bill_terms(double years_committed)
{
    static const char *const three[] = {
        "reserved_3y_no_upfront", "committed_3y", "reserved_3y_all_upfront",
        "reserved_1y_no_upfront", "committed_1y", NULL};
    static const char *const one[] = {"reserved_1y_no_upfront", "committed_1y", NULL};
    static const char *const none[] = {NULL};
    return years_committed >= 3 ? three : years_committed >= 1 ? one : none;
}
