/* Within plan/bill: which articles of a provider fill which role, in one table.
 */
#ifndef RW_PLAN_BILL_CATALOG_H
#define RW_PLAN_BILL_CATALOG_H

#include "report/label.h"

#include <stddef.h>

/* X(name, word of the cells' ids, what it is for (a category of FOCUS), label en, label zh) */
#define RW_BILL_ROLES(X)                                                                           \
    X(COMPUTE, "app", "Compute", "Application machines", "应用节点")                               \
    X(GATEWAY, "gateway", "Compute", "Gateway machines", "网关节点")                               \
    X(DATABASE, "database", "Databases", "Database machines", "数据库节点")                        \
    X(CACHE, "cache", "Databases", "Cache machines", "缓存节点")                                   \
    X(STORAGE_HOT, "storage_hot", "Storage", "Fast storage", "高速存储")                           \
    X(STORAGE_COLD, "storage_cold", "Storage", "Object storage", "对象存储")                       \
    X(STORAGE_BACKUP, "storage_backup", "Storage", "Backups", "备份存储")                          \
    X(LOGS, "logs", "Storage", "Access log", "访问日志")                                           \
    X(EGRESS, "egress", "Networking", "Traffic to the internet", "互联网出口流量")                 \
    X(ZONES, "zones", "Networking", "Traffic between zones", "可用区间流量")                       \
    X(TRANSFER, "transfer", "Networking", "Traffic between regions", "区域间流量")                 \
    X(ENTRY, "entry", "Networking", "Load balancer before the gateways", "网关前负载均衡")         \
    X(ENTRY_UNITS, "entry_units", "Networking", "Load balancer, capacity units",                   \
      "负载均衡容量单位")                                                                          \
    X(ENTRY_DATA, "entry_data", "Networking", "Load balancer, data", "负载均衡流量")               \
    X(NAT, "nat", "Networking", "NAT gateways", "NAT 网关")                                        \
    X(LINK, "link", "Networking", "Dedicated link, two ports", "专线（双端口）")                   \
    X(FIREWALL, "firewall", "Security", "Web application firewall", "Web 应用防火墙")              \
    X(FIREWALL_RULES, "firewall_rules", "Security", "Firewall, rules", "防火墙规则")               \
    X(FIREWALL_REQUESTS, "firewall_requests", "Security", "Firewall, requests inspected",          \
      "防火墙检测请求")                                                                            \
    X(FIREWALL_UNITS, "firewall_units", "Security", "Firewall, capacity units", "防火墙容量单位")  \
    X(MONITOR, "monitor", "Management and Governance", "Monitoring machines", "监控节点")          \
    X(SUPPORT, "support", "Other", "Support plan of the provider", "云商支持计划")                 \
    X(SUPPORT_FAST, "support_fast", "Other",                                                       \
      "Support plan of the provider, first answer in 15 "                                          \
      "minutes",                                                                                   \
      "云商支持计划（15 分钟首次响应）")

enum rw_bill_role {
#define RW_BILL_ROLE_ENUM(name, word, category, en, zh) RW_BILL_##name,
    RW_BILL_ROLES(RW_BILL_ROLE_ENUM)
#undef RW_BILL_ROLE_ENUM
        RW_BILL_ROLE_COUNT
};

struct rw_bill_role_entry {
    const char *word, *category;
    struct rw_label label;
};
extern const struct rw_bill_role_entry rw_bill_roles[RW_BILL_ROLE_COUNT];

/* How a provider's bill calls it, in the pairs of FOCUS 1.2 (ServiceCategory, ServiceSubcategory):
 * a database on a rented machine is a virtual machine there. */
struct rw_bill_service {
    const char *category, *subcategory;
};
extern const struct rw_bill_service rw_bill_services[RW_BILL_ROLE_COUNT];

enum { RW_BILL_SKUS_MAX = 10, RW_BILL_STEPS_MAX = 4 };

struct rw_bill_article {
    const char *provider;
    enum rw_bill_role role;
    const char *service, *unit;
    const char *skus[RW_BILL_SKUS_MAX]; /* machines: candidates; steps: one each; links: 1, 10, 100
                                           Gbit/s; others: one */
    double upto[RW_BILL_STEPS_MAX];     /* EGRESS: where each step ends, GiB a month; 0: no end */
    double gib_each;                    /* sold in pieces of so many GiB; 0: by the GiB */
    double ways;                        /* how often a byte is charged; 0: once */
};

/* NULL: the list has no such article of the provider. One that the list does not have at all sells
 * what is bought on premises, by the same names, in a price file of the user's. */
const struct rw_bill_article *rw_bill_article(const char *provider, enum rw_bill_role role);

/* The terms to look for, best first, for so many committed years; NULL-terminated. */
const char *const *rw_bill_terms(double years_committed);

#endif
