/* The words that stand around numbers: units, currencies, bounds, rates. Whoever needs a further
 * word adds a line. */
#include "conf/read.h"
#include "plan/intake/amount_scan.h"

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0
#define YEAR (365.25 * DAY)
#define MONTH (YEAR / 12)

#define TIME(text, power, seconds)                                                                 \
    {                                                                                              \
        .word = (text), .dimension = RW_DIMENSION_TIME, .exponent = (power), .factor = (seconds)   \
    }
#define MANY(text)                                                                                 \
    {                                                                                              \
        .word = (text), .dimension = RW_DIMENSION_COUNT, .factor = 1                               \
    }
#define RATE(text, period)                                                                         \
    {                                                                                              \
        .word = (text), .dimension = RW_DIMENSION_COUNT, .factor = 1, .per = (period)              \
    }
#define DECIMAL(text, kind, power)                                                                 \
    {                                                                                              \
        .word = (text), .dimension = (kind), .exponent = (power), .factor = 1                      \
    }
#define BINARY(text, kind, bits)                                                                   \
    {                                                                                              \
        .word = (text), .dimension = (kind), .factor = (double)(1ull << (bits)), .binary = true    \
    }
#define LINE(text, power)                                                                          \
    {                                                                                              \
        .word = (text), .dimension = RW_DIMENSION_BITS, .exponent = (power), .factor = 1,          \
        .per = RW_PER_SECOND                                                                       \
    }
#define MONEY(text, code)                                                                          \
    {                                                                                              \
        .word = (text), .dimension = RW_DIMENSION_MONEY, .factor = 1, .currency = (code)           \
    }

static const struct rw_amount_unit units[] = {
    DECIMAL("%", RW_DIMENSION_FRACTION, -2),
    DECIMAL("‰", RW_DIMENSION_FRACTION, -3),
    DECIMAL("percent", RW_DIMENSION_FRACTION, -2),
    TIME("ns", -9, 1),
    TIME("us", -6, 1),
    TIME("µs", -6, 1),
    TIME("微秒", -6, 1),
    TIME("ms", -3, 1),
    TIME("msec", -3, 1),
    TIME("毫秒", -3, 1),
    TIME("milliseconds", -3, 1),
    TIME("s", 0, 1),
    TIME("sec", 0, 1),
    TIME("second", 0, 1),
    TIME("seconds", 0, 1),
    TIME("秒", 0, 1),
    TIME("秒钟", 0, 1),
    TIME("m", 0, MINUTE),
    TIME("min", 0, MINUTE),
    TIME("mins", 0, MINUTE),
    TIME("minute", 0, MINUTE),
    TIME("minutes", 0, MINUTE),
    TIME("分", 0, MINUTE),
    TIME("分钟", 0, MINUTE),
    TIME("h", 0, HOUR),
    TIME("hr", 0, HOUR),
    TIME("hrs", 0, HOUR),
    TIME("hour", 0, HOUR),
    TIME("hours", 0, HOUR),
    TIME("小时", 0, HOUR),
    TIME("个小时", 0, HOUR),
    TIME("d", 0, DAY),
    TIME("day", 0, DAY),
    TIME("days", 0, DAY),
    TIME("天", 0, DAY),
    TIME("日", 0, DAY),
    TIME("week", 0, 7 * DAY),
    TIME("weeks", 0, 7 * DAY),
    TIME("周", 0, 7 * DAY),
    TIME("星期", 0, 7 * DAY),
    TIME("个星期", 0, 7 * DAY),
    TIME("month", 0, MONTH),
    TIME("months", 0, MONTH),
    TIME("个月", 0, MONTH),
    TIME("quarter", 0, YEAR / 4),
    TIME("quarters", 0, YEAR / 4),
    TIME("季度", 0, YEAR / 4),
    TIME("个季度", 0, YEAR / 4),
    TIME("y", 0, YEAR),
    TIME("yr", 0, YEAR),
    TIME("year", 0, YEAR),
    TIME("years", 0, YEAR),
    TIME("年", 0, YEAR),
    DECIMAL("B", RW_DIMENSION_BYTES, 0),
    DECIMAL("byte", RW_DIMENSION_BYTES, 0),
    DECIMAL("bytes", RW_DIMENSION_BYTES, 0),
    DECIMAL("字节", RW_DIMENSION_BYTES, 0),
    DECIMAL("KB", RW_DIMENSION_BYTES, 3),
    DECIMAL("MB", RW_DIMENSION_BYTES, 6),
    DECIMAL("GB", RW_DIMENSION_BYTES, 9),
    DECIMAL("TB", RW_DIMENSION_BYTES, 12),
    DECIMAL("PB", RW_DIMENSION_BYTES, 15),
    DECIMAL("EB", RW_DIMENSION_BYTES, 18),
    BINARY("KiB", RW_DIMENSION_BYTES, 10),
    BINARY("MiB", RW_DIMENSION_BYTES, 20),
    BINARY("GiB", RW_DIMENSION_BYTES, 30),
    BINARY("TiB", RW_DIMENSION_BYTES, 40),
    BINARY("PiB", RW_DIMENSION_BYTES, 50),
    LINE("bps", 0),
    LINE("kbps", 3),
    LINE("Mbps", 6),
    LINE("Gbps", 9),
    LINE("Tbps", 12),
    DECIMAL("bit", RW_DIMENSION_BITS, 0),
    DECIMAL("kbit", RW_DIMENSION_BITS, 3),
    DECIMAL("Mbit", RW_DIMENSION_BITS, 6),
    DECIMAL("Gbit", RW_DIMENSION_BITS, 9),
    RATE("QPS", RW_PER_SECOND),
    RATE("TPS", RW_PER_SECOND),
    RATE("RPS", RW_PER_SECOND),
    RATE("IOPS", RW_PER_SECOND),
    RATE("req/s", RW_PER_SECOND),
    MONEY("美元", "USD"),
    MONEY("美金", "USD"),
    MONEY("刀", "USD"),
    MONEY("USD", "USD"),
    MONEY("dollars", "USD"),
    MONEY("元", "CNY"),
    MONEY("元人民币", "CNY"),
    MONEY("人民币", "CNY"),
    MONEY("CNY", "CNY"),
    MONEY("RMB", "CNY"),
    MONEY("yuan", "CNY"),
    MONEY("欧元", "EUR"),
    MONEY("EUR", "EUR"),
    MONEY("euros", "EUR"),
    MONEY("英镑", "GBP"),
    MONEY("GBP", "GBP"),
    MONEY("港元", "HKD"),
    MONEY("港币", "HKD"),
    MONEY("HKD", "HKD"),
    MONEY("日元", "JPY"),
    MONEY("JPY", "JPY"),
    MONEY("新加坡元", "SGD"),
    MONEY("新元", "SGD"),
    MONEY("SGD", "SGD"),
    DECIMAL("km", RW_DIMENSION_LENGTH, 0),
    DECIMAL("公里", RW_DIMENSION_LENGTH, 0),
    DECIMAL("千米", RW_DIMENSION_LENGTH, 0),
    {.word = "miles", .dimension = RW_DIMENSION_LENGTH, .factor = 1.609344},
    MANY("倍"),
    MANY("人"),
    MANY("笔"),
    MANY("次"),
    MANY("台"),
    MANY("个"),
    MANY("家"),
    MANY("条"),
    MANY("节点"),
    MANY("实例"),
    MANY("x"),
    MANY("times"),
    MANY("users"),
    MANY("nodes"),
    MANY("requests"),
};

enum { UNITS = sizeof(units) / sizeof(*units) };

const struct rw_amount_unit *rw_amount_unit(struct rw_amount_scan *scan)
{
    const struct rw_amount_unit *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < UNITS; i++) {
        size_t len = rw_amount_word_len(scan, units[i].word);
        if (len > longest) {
            longest = len;
            best = &units[i];
        }
    }
    /* "Tb" may be meant as terabits: nobody can tell. */
    const char *first = scan->text.at + scan->at;
    if (best && best->dimension == RW_DIMENSION_BYTES && longest == 2 && first[1] == 'b' &&
        first[0] >= 'A' && first[0] <= 'Z')
        return NULL;
    scan->at += longest;
    return best;
}

const char *rw_amount_nearest_unit(struct rw_span word, unsigned dimensions)
{
    const char *names[UNITS];
    size_t count = 0;
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].dimension & dimensions)
            names[count++] = units[i].word;
    return rw_conf_nearest(word, names, count);
}

/* ---- What is counted ---- */

/* In English a word of these, or its plural, has to stand there; in Chinese one of them within. */
static const char *const nouns[] = {
    "user",      "customer", "client",       "account",    "member",     "subscriber",
    "visitor",   "employee", "person",       "people",     "company",    "companies",
    "tenant",    "airline",  "merchant",     "partner",    "request",    "transaction",
    "order",     "claim",    "application",  "call",       "query",      "queries",
    "operation", "message",  "event",        "record",     "row",        "reading",
    "point",     "login",    "session",      "connection", "node",       "server",
    "machine",   "host",     "vm",           "instance",   "core",       "cpu",
    "vcpu",      "broker",   "partition",    "topic",      "replica",    "copy",
    "copies",    "service",  "microservice", "component",  "part",       "device",
    "sensor",    "vehicle",  "aircraft",     "policy",     "policies",   "contract",
    "document",  "file",     "image",        "incident",   "time",       "trip",
    "rack",      "site",     "region",       "zone",       "deployment", "item",
    "rps",       "qps",      "tps",          "用户",       "客户",       "人",
    "账号",      "账户",     "会员",         "访客",       "公司",       "企业",
    "机构",      "商户",     "租户",         "伙伴",       "请求",       "交易",
    "订单",      "理赔",     "申请",         "调用",       "查询",       "操作",
    "消息",      "事件",     "记录",         "数据",       "登录",       "会话",
    "连接",      "节点",     "服务",         "主机",       "机器",       "实例",
    "核",        "分区",     "主题",         "副本",       "组件",       "部分",
    "设备",      "传感器",   "车",           "飞机",       "保单",       "合同",
    "文档",      "文件",     "图片",         "故障",       "机柜",       "站点",
    "地域",      "可用区",   "部署",         "笔",         "次",         "倍",
    "台",        "家",       "条",           "个",         "份",         "件",
    "项",        "架",       "辆",           "并发",       "往返",
};

static bool is_plural_of(struct rw_span word, struct rw_span noun)
{
    if (word.len == noun.len + 1 && (word.at[noun.len] | 0x20) == 's')
        word.len--;
    return rw_span_eq_nocase(word, noun);
}

static bool has_english(struct rw_span words, struct rw_span noun)
{
    struct rw_span word;
    while (rw_span_next(&words, ' ', &word))
        if (is_plural_of(word, noun))
            return true;
    return false;
}

bool rw_amount_noun(struct rw_span words)
{
    for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++) {
        struct rw_span noun = rw_span_text(nouns[i]);
        bool english = noun.at[0] >= 'a' && noun.at[0] <= 'z';
        if (english ? has_english(words, noun)
                    : memmem(words.at, words.len, noun.at, noun.len) != NULL)
            return true;
    }
    return false;
}

/* ---- Words with one meaning each ---- */

struct meaning {
    const char *word;
    int meaning;
};

static int find_meaning(struct rw_amount_scan *scan, const struct meaning *words, size_t count)
{
    size_t longest = 0;
    int meaning = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = rw_amount_word_len(scan, words[i].word);
        if (len > longest) {
            longest = len;
            meaning = words[i].meaning;
        }
    }
    scan->at += longest;
    return meaning;
}

#define FIND(scan, words) find_meaning(scan, words, sizeof(words) / sizeof(*(words)))

static const char *const codes[] = {NULL, "USD", "CNY", "EUR", "GBP", "HKD", "SGD", "JPY"};

static const struct meaning currencies[] = {
    {"$", 1},   {"US$", 1}, {"USD", 1},    {"美元", 1}, {"¥", 2},   {"￥", 2},
    {"CNY", 2}, {"RMB", 2}, {"人民币", 2}, {"€", 3},    {"EUR", 3}, {"£", 4},
    {"GBP", 4}, {"HK$", 5}, {"HKD", 5},    {"S$", 6},   {"SGD", 6}, {"JPY", 7},
};

const char *rw_amount_currency(struct rw_amount_scan *scan)
{
    return codes[FIND(scan, currencies)];
}

static const struct meaning bounds_before[] = {
    {"<", RW_BOUND_BELOW},         {"小于", RW_BOUND_BELOW},
    {"低于", RW_BOUND_BELOW},      {"少于", RW_BOUND_BELOW},
    {"短于", RW_BOUND_BELOW},      {"below", RW_BOUND_BELOW},
    {"under", RW_BOUND_BELOW},     {"less than", RW_BOUND_BELOW},
    {"before", RW_BOUND_BELOW},    {"<=", RW_BOUND_AT_MOST},
    {"≤", RW_BOUND_AT_MOST},       {"=<", RW_BOUND_AT_MOST},
    {"不超过", RW_BOUND_AT_MOST},  {"不高于", RW_BOUND_AT_MOST},
    {"不大于", RW_BOUND_AT_MOST},  {"至多", RW_BOUND_AT_MOST},
    {"最多", RW_BOUND_AT_MOST},    {"at most", RW_BOUND_AT_MOST},
    {"within", RW_BOUND_AT_MOST},  {"up to", RW_BOUND_AT_MOST},
    {"by", RW_BOUND_AT_MOST},      {"max", RW_BOUND_AT_MOST},
    {">", RW_BOUND_ABOVE},         {"大于", RW_BOUND_ABOVE},
    {"高于", RW_BOUND_ABOVE},      {"超过", RW_BOUND_ABOVE},
    {"超", RW_BOUND_ABOVE},        {"多于", RW_BOUND_ABOVE},
    {"above", RW_BOUND_ABOVE},     {"over", RW_BOUND_ABOVE},
    {"more than", RW_BOUND_ABOVE}, {">=", RW_BOUND_AT_LEAST},
    {"≥", RW_BOUND_AT_LEAST},      {"=>", RW_BOUND_AT_LEAST},
    {"不低于", RW_BOUND_AT_LEAST}, {"不少于", RW_BOUND_AT_LEAST},
    {"不小于", RW_BOUND_AT_LEAST}, {"至少", RW_BOUND_AT_LEAST},
    {"最少", RW_BOUND_AT_LEAST},   {"at least", RW_BOUND_AT_LEAST},
    {"min", RW_BOUND_AT_LEAST},    {"约", RW_BOUND_ABOUT},
    {"大约", RW_BOUND_ABOUT},      {"近", RW_BOUND_ABOUT},
    {"~", RW_BOUND_ABOUT},         {"≈", RW_BOUND_ABOUT},
    {"about", RW_BOUND_ABOUT},     {"around", RW_BOUND_ABOUT},
    {"approx.", RW_BOUND_ABOUT},   {"approximately", RW_BOUND_ABOUT},
};

static const struct meaning bounds_after[] = {
    {"+", RW_BOUND_AT_LEAST},       {"以上", RW_BOUND_AT_LEAST},  {"起", RW_BOUND_AT_LEAST},
    {"or more", RW_BOUND_AT_LEAST}, {"内", RW_BOUND_AT_MOST},     {"以内", RW_BOUND_AT_MOST},
    {"之内", RW_BOUND_AT_MOST},     {"以下", RW_BOUND_AT_MOST},   {"or less", RW_BOUND_AT_MOST},
    {"左右", RW_BOUND_ABOUT},       {"上下", RW_BOUND_ABOUT},     {"前", RW_BOUND_BELOW},
    {"之前", RW_BOUND_BELOW},       {"以前", RW_BOUND_BELOW},     {"前完成", RW_BOUND_BELOW},
    {"之前完成", RW_BOUND_BELOW},   {"内完成", RW_BOUND_AT_MOST},
};

enum rw_bound rw_amount_bound_before(struct rw_amount_scan *scan)
{
    return (enum rw_bound)FIND(scan, bounds_before);
}

enum rw_bound rw_amount_bound_after(struct rw_amount_scan *scan)
{
    return (enum rw_bound)FIND(scan, bounds_after);
}

static const struct meaning pers_before[] = {
    {"每秒", RW_PER_SECOND},    {"每分钟", RW_PER_MINUTE}, {"每小时", RW_PER_HOUR},
    {"每日", RW_PER_DAY},       {"每天", RW_PER_DAY},      {"日均", RW_PER_DAY},
    {"daily", RW_PER_DAY},      {"每周", RW_PER_WEEK},     {"weekly", RW_PER_WEEK},
    {"每月", RW_PER_MONTH},     {"月均", RW_PER_MONTH},    {"monthly", RW_PER_MONTH},
    {"每季度", RW_PER_QUARTER}, {"每季", RW_PER_QUARTER},  {"quarterly", RW_PER_QUARTER},
    {"每年", RW_PER_YEAR},      {"年均", RW_PER_YEAR},     {"yearly", RW_PER_YEAR},
    {"annually", RW_PER_YEAR},
};

static const struct meaning periods[] = {
    {"s", RW_PER_SECOND},    {"sec", RW_PER_SECOND},      {"second", RW_PER_SECOND},
    {"秒", RW_PER_SECOND},   {"min", RW_PER_MINUTE},      {"minute", RW_PER_MINUTE},
    {"分钟", RW_PER_MINUTE}, {"分", RW_PER_MINUTE},       {"h", RW_PER_HOUR},
    {"hour", RW_PER_HOUR},   {"hr", RW_PER_HOUR},         {"小时", RW_PER_HOUR},
    {"d", RW_PER_DAY},       {"day", RW_PER_DAY},         {"天", RW_PER_DAY},
    {"日", RW_PER_DAY},      {"week", RW_PER_WEEK},       {"周", RW_PER_WEEK},
    {"month", RW_PER_MONTH}, {"mo", RW_PER_MONTH},        {"月", RW_PER_MONTH},
    {"个月", RW_PER_MONTH},  {"quarter", RW_PER_QUARTER}, {"季度", RW_PER_QUARTER},
    {"季", RW_PER_QUARTER},  {"year", RW_PER_YEAR},       {"yr", RW_PER_YEAR},
    {"y", RW_PER_YEAR},      {"年", RW_PER_YEAR},
};

enum rw_per rw_amount_per_before(struct rw_amount_scan *scan)
{
    return (enum rw_per)FIND(scan, pers_before);
}

enum rw_per rw_amount_per_after(struct rw_amount_scan *scan)
{
    struct rw_amount_scan ahead = *scan;
    rw_amount_blanks(&ahead);
    enum rw_per per = (enum rw_per)FIND(&ahead, pers_before);
    if (!per && (rw_amount_char(&ahead, '/') || rw_amount_word(&ahead, "per") ||
                 rw_amount_word(&ahead, "a") || rw_amount_word(&ahead, "每"))) {
        rw_amount_blanks(&ahead);
        per = (enum rw_per)FIND(&ahead, periods);
    }
    if (per)
        *scan = ahead;
    return per;
}

bool rw_amount_zero_time(struct rw_amount_scan *scan)
{
    static const struct meaning zeros[] = {
        {"零停机", 1},        {"零容忍停机", 1},  {"零容忍", 1},
        {"不允许停机", 1},    {"不停机", 1},      {"不可停机", 1},
        {"zero downtime", 1}, {"no downtime", 1}, {"zero tolerance", 1},
    };
    return FIND(scan, zeros) != 0;
}

double rw_per_seconds(enum rw_per per)
{
    static const double seconds[RW_PER_COUNT] = {
        [RW_PER_SECOND] = 1,         [RW_PER_MINUTE] = MINUTE, [RW_PER_HOUR] = HOUR,
        [RW_PER_DAY] = DAY,          [RW_PER_WEEK] = 7 * DAY,  [RW_PER_MONTH] = MONTH,
        [RW_PER_QUARTER] = YEAR / 4, [RW_PER_YEAR] = YEAR,
    };
    return seconds[per];
}
