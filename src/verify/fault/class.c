#include "verify/fault/class.h"

#define KIND(name) (1u << RW_DEPENDENCY_##name)

enum {
    SERVERS = KIND(UPSTREAM) | KIND(REDIS) | KIND(DATABASE) | KIND(BROKER), /* reached over TCP */
    PROCESSES = SERVERS | KIND(WORKER),
};

static const struct rw_fault_class_info classes[RW_FAULT_CLASS_COUNT] = {
    [RW_FAULT_REFUSE] = {.name = "refuse",
                         .title = RW_LABEL("Connections are refused", "拒绝连接"),
                         .observed = RW_LABEL("connections cut or refused", "被切断或拒绝的连接数"),
                         .kinds = SERVERS},
    [RW_FAULT_RESET] = {.name = "reset",
                        .title = RW_LABEL("Connections are reset", "连接被重置"),
                        .observed = RW_LABEL("connections reset", "被重置的连接数"),
                        .kinds = SERVERS},
    [RW_FAULT_DELAY] = {.name = "delay",
                        .title = RW_LABEL("Answers come late", "响应延迟"),
                        .observed = RW_LABEL("bytes held back", "被延后的字节数"),
                        .kinds = SERVERS},
    [RW_FAULT_THROTTLE] = {.name = "throttle",
                           .title = RW_LABEL("Answers come slowly", "响应限速"),
                           .observed = RW_LABEL("bytes let through slowly", "限速放行的字节数"),
                           .kinds = SERVERS},
    [RW_FAULT_TRUNCATE] = {.name = "truncate",
                           .title = RW_LABEL("Answers are cut short", "响应被截断"),
                           .observed = RW_LABEL("answers cut short", "被截断的响应数"),
                           .kinds = SERVERS},
    [RW_FAULT_STALL] = {.name = "stall",
                        .title = RW_LABEL("Answers stop in the middle, or never begin",
                                          "响应中途停住或迟迟不来"),
                        .observed = RW_LABEL("connections stalled", "停住的连接数"),
                        .kinds = SERVERS},
    [RW_FAULT_BLACKHOLE] = {.name = "blackhole",
                            .title = RW_LABEL("Requests vanish on the way", "请求在途中消失"),
                            .observed = RW_LABEL("bytes swallowed", "被吞掉的字节数"),
                            .kinds = SERVERS},
    [RW_FAULT_KILL] = {.name = "kill",
                       .title = RW_LABEL("The process is killed", "进程被杀死"),
                       .observed = RW_LABEL("processes gone", "消失的进程数"),
                       .kinds = PROCESSES},
    [RW_FAULT_STOP] = {.name = "stop",
                       .title = RW_LABEL("The process stands still", "进程被冻结"),
                       .observed = RW_LABEL("processes stopped", "被冻结的进程数"),
                       .kinds = PROCESSES},
    [RW_FAULT_DNS_FAIL] = {.name = "dns_fail",
                           .title = RW_LABEL("DNS fails (SERVFAIL)", "DNS 故障（SERVFAIL）"),
                           .observed = RW_LABEL("queries failed", "失败的查询数"),
                           .kinds = KIND(DNS)},
    [RW_FAULT_DNS_UNKNOWN] = {.name = "dns_unknown",
                              .title = RW_LABEL("DNS denies the name (NXDOMAIN)",
                                                "DNS 否认域名（NXDOMAIN）"),
                              .observed = RW_LABEL("queries denied", "被否认的查询数"),
                              .kinds = KIND(DNS)},
    [RW_FAULT_DNS_SILENT] = {.name = "dns_silent",
                             .title = RW_LABEL("DNS does not answer", "DNS 无应答"),
                             .observed = RW_LABEL("queries left unanswered", "未应答的查询数"),
                             .kinds = KIND(DNS)},
    [RW_FAULT_DNS_LIE] = {.name = "dns_lie",
                          .title = RW_LABEL("DNS gives a wrong address", "DNS 给出错误地址"),
                          .observed = RW_LABEL("answers that lied", "虚假应答数"),
                          .kinds = KIND(DNS)},
    [RW_FAULT_CERTIFICATE_EXPIRED] = {.name = "certificate_expired",
                                      .title =
                                          RW_LABEL("The certificate has expired", "证书已过期"),
                                      .observed = RW_LABEL("handshakes with an expired certificate",
                                                           "出示过期证书的握手数"),
                                      .kinds = KIND(CERTIFICATE)},
    [RW_FAULT_CERTIFICATE_NAME] = {.name = "certificate_name",
                                   .title = RW_LABEL("The certificate is for another name",
                                                     "证书域名不符"),
                                   .observed = RW_LABEL("handshakes with another's certificate",
                                                        "出示他人证书的握手数"),
                                   .kinds = KIND(CERTIFICATE)},
    [RW_FAULT_DESCRIPTORS] = {.name = "descriptors",
                              .title = RW_LABEL("Descriptors run out", "文件描述符耗尽"),
                              .observed = RW_LABEL("connections that found no descriptor",
                                                   "得不到描述符的连接数"),
                              .kinds = KIND(LIMITS)},
    [RW_FAULT_MEMORY] = {.name = "memory",
                         .title = RW_LABEL("Memory runs out", "内存耗尽"),
                         .observed =
                             RW_LABEL("processes that could not grow", "无法再申请内存的进程数"),
                         .kinds = KIND(LIMITS)},
    [RW_FAULT_CLOCK_STEP] = {.name = "clock_step",
                             .title = RW_LABEL("The clock jumps", "时钟跳变"),
                             .observed =
                                 RW_LABEL("milliseconds that the clock jumped", "时钟跳变的毫秒数"),
                             .kinds = KIND(CLOCK)},
    [RW_FAULT_SLOW_SENDERS] = {.name = "slow_senders",
                               .title = RW_LABEL("Clients send byte by byte", "客户端逐字节发送"),
                               .observed =
                                   RW_LABEL("connections that sent slowly", "缓慢发送的连接数"),
                               .kinds = KIND(CLIENTS)},
    [RW_FAULT_SLOW_READERS] = {.name = "slow_readers",
                               .title = RW_LABEL("Clients do not read their answers",
                                                 "客户端不读取响应"),
                               .observed =
                                   RW_LABEL("connections that did not read", "不读取响应的连接数"),
                               .kinds = KIND(CLIENTS)},
    [RW_FAULT_RELOAD_STORM] = {.name = "reload_storm",
                               .title = RW_LABEL("Reloads come in a storm", "频繁重载配置"),
                               .observed = RW_LABEL("reloads done", "完成的重载次数"),
                               .kinds = KIND(CONFIGURATION)},
};

static const struct {
    const char *name;
    struct rw_label title;
} kinds[RW_DEPENDENCY_KIND_COUNT] = {
#define KIND_ENTRY(id, key, english, chinese) [id] = {key, RW_LABEL(english, chinese)},
    RW_DEPENDENCY_KINDS(KIND_ENTRY)
#undef KIND_ENTRY
};

const struct rw_fault_class_info *rw_fault_class_info(enum rw_fault_class fault)
{
    rw_assert(fault < RW_FAULT_CLASS_COUNT);
    return &classes[fault];
}

const char *rw_dependency_name(enum rw_dependency_kind kind)
{
    rw_assert(kind < RW_DEPENDENCY_KIND_COUNT);
    return kinds[kind].name;
}

struct rw_label rw_dependency_title(enum rw_dependency_kind kind)
{
    rw_assert(kind < RW_DEPENDENCY_KIND_COUNT);
    return kinds[kind].title;
}

enum rw_err rw_fault_class_find(struct rw_span name, enum rw_fault_class *fault)
{
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++)
        if (rw_span_is(name, classes[i].name)) {
            *fault = (enum rw_fault_class)i;
            return RW_OK;
        }
    return RW_ENOENT;
}
