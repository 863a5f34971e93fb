/* What can go wrong with what a gateway depends on: two lists and the table that joins them.
 *
 * A dependency (an upstream, DNS, the clock, ...) is of one kind; a class of fault applies to some
 * kinds. Every (dependency, class) pair that applies to a configuration is a pair of chaos
 * coverage: exercised or not, passed or not. Both lists are closed; files, reports and messages
 * take names and words from here and nowhere else. Constant data; any thread.
 */
#ifndef RW_VERIFY_FAULT_CLASS_H
#define RW_VERIFY_FAULT_CLASS_H

#include "base/err.h"
#include "base/span.h"
#include "conf/scalar.h"
#include "conf/schema.h"
#include "gate/config/config.h"
#include "report/label.h"

/* Enumerator, name in files, English, Chinese. */
#define RW_DEPENDENCY_KINDS(X)                                                                     \
    X(RW_DEPENDENCY_UPSTREAM, "upstream", "upstream", "上游服务")                                  \
    X(RW_DEPENDENCY_DNS, "dns", "name resolution", "域名解析")                                     \
    X(RW_DEPENDENCY_CERTIFICATE, "certificate", "upstream certificate", "上游证书")                \
    X(RW_DEPENDENCY_REDIS, "redis", "Redis", "Redis")                                              \
    X(RW_DEPENDENCY_DATABASE, "database", "database", "数据库")                                    \
    X(RW_DEPENDENCY_BROKER, "broker", "message broker", "消息队列")                                \
    X(RW_DEPENDENCY_WORKER, "worker", "worker process", "工作进程")                                \
    X(RW_DEPENDENCY_LIMITS, "limits", "process limits", "进程资源")                                \
    X(RW_DEPENDENCY_CLOCK, "clock", "clock", "系统时钟")                                           \
    X(RW_DEPENDENCY_CLIENTS, "clients", "clients", "客户端")                                       \
    X(RW_DEPENDENCY_CONFIGURATION, "configuration", "configuration", "配置")

enum rw_dependency_kind {
#define RW_DEPENDENCY_ENUM(id, name, en, zh) id,
    RW_DEPENDENCY_KINDS(RW_DEPENDENCY_ENUM)
#undef RW_DEPENDENCY_ENUM
        RW_DEPENDENCY_KIND_COUNT
};

enum rw_fault_class {
    /* On the way to a server, by a relay (relay.h). */
    RW_FAULT_REFUSE,
    RW_FAULT_RESET,
    RW_FAULT_DELAY,
    RW_FAULT_THROTTLE,
    RW_FAULT_TRUNCATE,
    RW_FAULT_STALL,
    RW_FAULT_BLACKHOLE,
    /* To a process. */
    RW_FAULT_KILL,
    RW_FAULT_STOP,
    /* In what names mean (names.h). */
    RW_FAULT_DNS_FAIL,
    RW_FAULT_DNS_UNKNOWN,
    RW_FAULT_DNS_SILENT,
    RW_FAULT_DNS_LIE,
    /* In what a server shows (impostor.h). */
    RW_FAULT_CERTIFICATE_EXPIRED,
    RW_FAULT_CERTIFICATE_NAME,
    /* In what the gateway itself lives on. */
    RW_FAULT_DESCRIPTORS,
    RW_FAULT_MEMORY,
    RW_FAULT_CLOCK_STEP,
    /* From those who use or run it. */
    RW_FAULT_SLOW_SENDERS,
    RW_FAULT_SLOW_READERS,
    RW_FAULT_RELOAD_STORM,
    RW_FAULT_CLASS_COUNT
};

struct rw_fault_class_info {
    const char *name;         /* in files and reports: "reset" */
    struct rw_label title;    /* "Connections are reset" */
    struct rw_label observed; /* what is counted at the other side: "connections reset" */
    unsigned kinds;           /* bits 1 << enum rw_dependency_kind */
};

const struct rw_fault_class_info *rw_fault_class_info(enum rw_fault_class fault);

const char *rw_dependency_name(enum rw_dependency_kind kind);
struct rw_label rw_dependency_title(enum rw_dependency_kind kind);

/* RW_ENOENT: none is called so. */
RW_MUST_CHECK enum rw_err rw_fault_class_find(struct rw_span name, enum rw_fault_class *fault);

static inline bool rw_fault_applies(enum rw_fault_class fault, enum rw_dependency_kind kind)
{
    return rw_fault_class_info(fault)->kinds >> kind & 1;
}

/* ---- What a configuration depends on ---- */

struct rw_dependency {
    enum rw_dependency_kind kind;
    struct rw_span name; /* of the upstream; of a kind that there is once, the kind's own name */
    struct rw_conf_place place; /* in the configuration; line 0: not from there */
};

enum { RW_DEPENDENCIES_MAX = 1024 };

struct rw_dependencies {
    struct rw_dependency *items;
    size_t count;
};

/* The kinds in their order, upstreams in that of the file. DNS is there when an endpoint has a
 * name, a certificate for each upstream that is verified, Redis when limits are shared. Names
 * point into the configuration. RW_ENOMEM; RW_ELIMIT: more than RW_DEPENDENCIES_MAX. */
RW_MUST_CHECK enum rw_err rw_dependencies_of(const struct rw_config *config, struct rw_arena *arena,
                                             struct rw_dependencies *dependencies);

/* It has a name that is looked up: no IP address, no path, not localhost, for which the resolver
 * needs no server. `address`: its parts. */
bool rw_endpoint_has_name(const struct rw_config_endpoint *endpoint,
                          struct rw_conf_address *address);

/* How many pairs apply. */
size_t rw_fault_pairs(const struct rw_dependencies *dependencies);

/* The pair with this number, dependencies first: for (i < rw_fault_pairs). */
void rw_fault_pair(const struct rw_dependencies *dependencies, size_t index,
                   const struct rw_dependency **dependency, enum rw_fault_class *fault);

#endif
