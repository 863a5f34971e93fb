#include "plan/inputs.h"

#define BENCH "bench/RESULTS.md, 2026-11-20"

#define MISSING .assumed = NAN
#define CERTAIN(value) .assumed = (value), .origin = RW_ORIGIN_ASSUMED
#define BETWEEN(value, from, to)                                                                   \
    .assumed = (value), .origin = RW_ORIGIN_ASSUMED, .shape = RW_SPREAD_TRIANGULAR, .low = (from), \
    .high = (to)
#define SKEWED(value, from, to)                                                                    \
    .assumed = (value), .origin = RW_ORIGIN_ASSUMED, .shape = RW_SPREAD_LOGNORMAL, .low = (from),  \
    .high = (to)
#define MEASURED(value, text, from, to)                                                            \
    .assumed = (value), .origin = RW_ORIGIN_MEASURED, .source = (text),                            \
    .shape = RW_SPREAD_TRIANGULAR, .low = (from), .high = (to)

static const struct rw_input_entry entries[RW_INPUT_END] = {
    [RW_INPUT_USERS] = {"intake.load.users", RW_LABEL("Registered users", "注册用户数"),
                        RW_UNIT_COUNT, MISSING,
                        .reason = RW_LABEL("accounts and cost per user cannot be told",
                                           "无法计算账户规模与单用户成本")},
    [RW_INPUT_ACTIVE_SHARE] = {"intake.load.active_share",
                               RW_LABEL("Users active at the peak, share", "峰值在线比例"),
                               RW_UNIT_SHARE, BETWEEN(0.02, 0.25, 2.5),
                               .reason = RW_LABEL(
                                   "used when nobody counted who is online at once: 2 of 100 "
                                   "registered users",
                                   "未统计同时在线人数时使用：每百名注册用户中两名同时在线")},
    [RW_INPUT_CONCURRENT_USERS] = {"intake.load.concurrent_users",
                                   RW_LABEL("Users active at the peak", "峰值在线用户数"),
                                   RW_UNIT_COUNT, MISSING,
                                   .reason = RW_LABEL("the peak follows from requests a day or in "
                                                      "flight, if those are known",
                                                      "峰值改由日请求量或在途请求数推算")},
    [RW_INPUT_CONCURRENT_REQUESTS] = {"intake.load.concurrent_requests",
                                      RW_LABEL("Requests in flight at the peak", "峰值在途请求数"),
                                      RW_UNIT_COUNT, MISSING,
                                      .reason = RW_LABEL("the peak follows from users or requests "
                                                         "a day, if those are known",
                                                         "峰值改由用户数或日请求量推算")},
    [RW_INPUT_THINK_TIME] = {"intake.load.think_time", RW_LABEL("Think time", "思考时间"),
                             RW_UNIT_SECONDS, BETWEEN(30, 0.34, 2),
                             .reason = RW_LABEL("a person reads some 30 s between two actions; "
                                                "without a think time nothing can be sized from "
                                                "users: measure it",
                                                "人在两次操作之间约停留 30 秒；没有思考时间就无法由"
                                                "用户数推算负载，请实测")},
    [RW_INPUT_PEAK_RATE] = {"intake.load.peak_rate", RW_LABEL("Peak rate stated", "所述峰值速率"),
                            RW_UNIT_PER_SECOND, MISSING,
                            .reason = RW_LABEL("the peak is derived from users or transactions",
                                               "峰值由用户数或交易量推算")},
    [RW_INPUT_TRANSACTIONS_PER_DAY] = {"intake.load.transactions_per_day",
                                       RW_LABEL("Transactions a day", "日均交易量"),
                                       RW_UNIT_PER_DAY, MISSING,
                                       .reason = RW_LABEL("the mean load cannot be told",
                                                          "无法计算平均负载")},
    [RW_INPUT_REQUESTS_PER_TRANSACTION] =
        {"intake.load.requests_per_transaction",
         RW_LABEL("Requests of one transaction", "每笔交易的请求数"), RW_UNIT_ONE,
         BETWEEN(20, 0.5, 2.5),
         .reason = RW_LABEL("a business transaction takes some 20 calls of an API",
                            "一笔业务约需 20 次接口调用")},
    [RW_INPUT_PEAK_FACTOR] = {"intake.load.peak_factor",
                              RW_LABEL("Peak over the daily mean", "峰值与日均之比"), RW_UNIT_ONE,
                              BETWEEN(5, 0.6, 2),
                              .reason = RW_LABEL("a working day in one time zone has its peak at "
                                                 "about five times the mean",
                                                 "单时区业务峰值约为日均的五倍")},
    [RW_INPUT_GROWTH] = {"intake.load.growth", RW_LABEL("Growth a year", "年增长率"), RW_UNIT_SHARE,
                         BETWEEN(0.2, 0, 2.5),
                         .reason = RW_LABEL("no growth was stated; 20 % a year leaves a margin",
                                            "未说明增长率；按每年 20 % 留出余量")},
    [RW_INPUT_SERVICE_TIME] = {"intake.load.service_time",
                               RW_LABEL("CPU time of a request", "单请求 CPU 时间"),
                               RW_UNIT_SECONDS, SKEWED(0.005, 0.4, 2.5),
                               .reason =
                                   RW_LABEL("5 ms of one core for a business request; measure "
                                            "it, for the fleet grows in proportion",
                                            "单个业务请求按单核 5 毫秒计；机器数与之成正比，"
                                            "请实测")},
    [RW_INPUT_SERVICE_VARIATION] = {"intake.load.service_variation",
                                    RW_LABEL("Variation of the CPU time (cv²)",
                                             "CPU 时间离散度 cv²"),
                                    RW_UNIT_ONE, BETWEEN(4, 0.25, 3),
                                    .reason = RW_LABEL("4 to 20 is common for web work: measure it",
                                                       "Web 业务常见 4 至 20，请实测")},
    [RW_INPUT_CONTENTION] = {"intake.load.contention", RW_LABEL("Contention σ", "争用系数 σ"),
                             RW_UNIT_SHARE, CERTAIN(0),
                             .reason = RW_LABEL("no measured points: nodes are taken to scale "
                                                "linearly, which a load test has to show",
                                                "没有实测点：按线性扩展计，须由压测证明")},
    [RW_INPUT_COHERENCY] = {"intake.load.coherency", RW_LABEL("Coherency κ", "一致性系数 κ"),
                            RW_UNIT_ONE, CERTAIN(0),
                            .reason =
                                RW_LABEL("no measured points: nodes are taken not to wait for "
                                         "each other",
                                         "没有实测点：按节点互不等待计")},
    [RW_INPUT_NODE_CORES] = {"intake.load.node_cores",
                             RW_LABEL("Cores of an application node", "应用节点核数"),
                             RW_UNIT_COUNT, CERTAIN(4),
                             .reason = RW_LABEL("4 cores and 16 GiB: sold by every provider",
                                                "4 核 16 GiB：各家云均有此规格")},
    [RW_INPUT_LOAD_RISE] = {"intake.load.rise",
                            RW_LABEL("Fastest rise of load", "负载最快上升速度"), RW_UNIT_SHARE,
                            BETWEEN(0.001, 0, 4),
                            .reason = RW_LABEL("share of the peak gained in a second: 6 % a minute",
                                               "每秒增长峰值的千分之一，即每分钟 6 %")},
    [RW_INPUT_SCALE_OUT_TIME] = {"intake.load.scale_out_time",
                                 RW_LABEL("Time to add a node", "扩容所需时间"), RW_UNIT_SECONDS,
                                 BETWEEN(180, 0.5, 2),
                                 .reason = RW_LABEL("detect, schedule, start and warm up",
                                                    "发现、调度、启动与预热")},
    [RW_INPUT_REQUEST_BYTES] = {"intake.load.request_bytes",
                                RW_LABEL("Size of a request", "请求大小"), RW_UNIT_BYTES,
                                SKEWED(2000, 0.5, 2),
                                .reason = RW_LABEL("head and a small JSON body",
                                                   "请求头与较小的 JSON 正文")},
    [RW_INPUT_RESPONSE_BYTES] =
        {"intake.load.response_bytes", RW_LABEL("Size of an answer", "响应大小"), RW_UNIT_BYTES,
         SKEWED(20000, 0.4, 2.5),
         .reason = RW_LABEL("JSON of a list or a page's data", "列表或页面数据的 JSON")},
    [RW_INPUT_CACHE_HIT_SHARE] = {"intake.load.cache_hit_share",
                                  RW_LABEL("Cache hit rate", "缓存命中率"), RW_UNIT_SHARE,
                                  BETWEEN(0.3, 0, 1.67),
                                  .reason = RW_LABEL("reads that are the same for many users",
                                                     "对多数用户相同的读取")},
    [RW_INPUT_COMPRESSION_TRAFFIC] = {"intake.load.compression",
                                      RW_LABEL("Compression of answers", "响应压缩比"), RW_UNIT_ONE,
                                      BETWEEN(3, 0.5, 1.67),
                                      .reason =
                                          RW_LABEL("gzip or brotli on JSON gains 3 to 5 times",
                                                   "gzip 或 brotli 压缩 JSON 约 3 至 5 倍")},
    [RW_INPUT_EGRESS_SHARE] = {"intake.load.egress_share",
                               RW_LABEL("Answers that leave the cloud", "出云流量占比"),
                               RW_UNIT_SHARE, CERTAIN(1),
                               .reason = RW_LABEL("users are outside the provider's network",
                                                  "用户在云服务商网络之外")},
    [RW_INPUT_INSPECTED_SHARE] =
        {"intake.load.inspected_share",
         RW_LABEL("Requests that the firewall inspects", "Web 应用防火墙检测的请求占比"),
         RW_UNIT_SHARE, BETWEEN(0.2, 0.5, 5),
         .reason = RW_LABEL("logins, writes and uploads; reads of the cache pass the gateway's "
                            "own rules only",
                            "登录、写入与上传；命中缓存的读取仅经网关自身规则")},
    [RW_INPUT_QUERIES_PER_REQUEST] = {"intake.load.queries_per_request",
                                      RW_LABEL("Queries of a request", "每请求查询数"), RW_UNIT_ONE,
                                      BETWEEN(3, 0.34, 2.5),
                                      .reason = RW_LABEL("statements that reach the database",
                                                         "到达数据库的语句数")},
    [RW_INPUT_QUERY_TIME] = {"intake.load.query_time", RW_LABEL("Time of a query", "单次查询时间"),
                             RW_UNIT_SECONDS, SKEWED(0.002, 0.5, 2.5),
                             .reason = RW_LABEL("indexed reads and small writes",
                                                "走索引的读取与小写入")},
    [RW_INPUT_GATEWAY_RATE] = {"intake.load.gateway_rate",
                               RW_LABEL("Gateway: requests of one core", "网关单核请求速率"),
                               RW_UNIT_PER_SECOND, MEASURED(79930, BENCH ", tls-64", 0.5, 1.1)},
    [RW_INPUT_GATEWAY_CONNECTION] = {"intake.load.gateway_connection",
                                     RW_LABEL("Gateway: an idle TLS connection",
                                              "网关每空闲 TLS 连接内存"),
                                     RW_UNIT_BYTES, MEASURED(6748, BENCH ", idle-tls", 0.97, 1.5)},
    [RW_INPUT_GATEWAY_BASE] = {"intake.load.gateway_base",
                               RW_LABEL("Gateway: memory at the start", "网关启动内存"),
                               RW_UNIT_BYTES, MEASURED(8081408, BENCH ", idle-base", 1, 1.5)},
    [RW_INPUT_FAN_OUT] = {"intake.load.fan_out",
                          RW_LABEL("Calls that a request waits for", "单请求并行调用数"),
                          RW_UNIT_COUNT, CERTAIN(5),
                          .reason = RW_LABEL("services behind one request, called side by side",
                                             "一个请求背后并行调用的服务数")},
    [RW_INPUT_DISTANCE] = {"intake.load.distance",
                           RW_LABEL("Distance to the furthest site", "最远站点距离"),
                           RW_UNIT_KILOMETRES, MISSING,
                           .reason = RW_LABEL("the floor that distance puts under latency is not "
                                              "checked",
                                              "无法检查距离决定的时延下限")},
    [RW_INPUT_ROUND_TRIPS] = {"intake.load.round_trips",
                              RW_LABEL("Round trips of an operation", "单次操作往返次数"),
                              RW_UNIT_COUNT, CERTAIN(1),
                              .reason =
                                  RW_LABEL("on a connection that is already open", "连接已建立")},
    [RW_INPUT_LATENCY] = {"intake.goal.latency", RW_LABEL("Latency target", "时延目标"),
                          RW_UNIT_SECONDS, MISSING,
                          .reason = RW_LABEL("no utilisation follows from a latency target",
                                             "无法由时延目标推出利用率上限")},
    [RW_INPUT_LATENCY_PERCENTILE] = {"intake.goal.latency_percentile",
                                     RW_LABEL("Share of requests within it", "达标请求占比"),
                                     RW_UNIT_SHARE, CERTAIN(0.99),
                                     .reason =
                                         RW_LABEL("a target without a percentile is taken for "
                                                  "99 of 100 requests",
                                                  "未说明分位数时按 P99 理解")},
    [RW_INPUT_AVAILABILITY] = {"intake.goal.availability",
                               RW_LABEL("Availability target", "可用性目标"), RW_UNIT_SHARE,
                               MISSING,
                               .reason = RW_LABEL("what is bought is not checked against a promise",
                                                  "无法核对承诺的可用性")},
    [RW_INPUT_DOWNTIME_ALLOWED] = {"intake.goal.downtime",
                                   RW_LABEL("Downtime allowed", "允许停机时间"),
                                   RW_UNIT_MINUTES_PER_QUARTER, MISSING,
                                   .reason = RW_LABEL("it follows from the availability target",
                                                      "由可用性目标推算")},
    [RW_INPUT_RECOVERY_TIME] = {"intake.goal.recovery_time",
                                RW_LABEL("Recovery time objective", "恢复时间目标 RTO"),
                                RW_UNIT_SECONDS, MISSING,
                                .reason =
                                    RW_LABEL("no failover time is checked", "无法核对切换时间")},
    [RW_INPUT_RECOVERY_POINT] = {"intake.goal.recovery_point",
                                 RW_LABEL("Recovery point objective", "恢复点目标 RPO"),
                                 RW_UNIT_SECONDS, MISSING,
                                 .reason =
                                     RW_LABEL("no replication lag is checked", "无法核对复制延迟")},
    [RW_INPUT_INCIDENTS_PER_YEAR] = {"intake.goal.incidents",
                                     RW_LABEL("Incidents a year", "每年故障次数"), RW_UNIT_ONE,
                                     BETWEEN(4, 0.5, 3),
                                     .reason =
                                         RW_LABEL("changes gone wrong and what no redundancy "
                                                  "covers: one a quarter",
                                                  "变更失误等冗余不能覆盖的故障：每季度一次")},
    [RW_INPUT_INCIDENT_TIME] = {"intake.goal.incident_time",
                                RW_LABEL("Time to repair", "故障修复时间"), RW_UNIT_SECONDS,
                                SKEWED(900, 0.34, 3),
                                .reason = RW_LABEL("to notice, decide and roll back",
                                                   "发现、决策并回滚")},
    [RW_INPUT_REGION_OUTAGE] = {"intake.goal.region_outage",
                                RW_LABEL("Length of a region's outage", "地域故障持续时间"),
                                RW_UNIT_SECONDS, SKEWED(14400, 0.5, 2.5),
                                .reason = RW_LABEL("public reports of large outages tell of hours",
                                                   "公开的大规模故障报告多为数小时")},
    [RW_INPUT_NODE_AVAILABILITY] = {"intake.goal.node_availability",
                                    RW_LABEL("Availability of one machine", "单机可用性"),
                                    RW_UNIT_SHARE, CERTAIN(0.995),
                                    .reason = RW_LABEL("the commitment of large providers for a "
                                                       "single instance",
                                                       "主要云商对单实例的承诺")},
    [RW_INPUT_ZONE_AVAILABILITY] = {"intake.goal.zone_availability",
                                    RW_LABEL("Availability of a zone", "单可用区可用性"),
                                    RW_UNIT_SHARE, CERTAIN(0.999),
                                    .reason = RW_LABEL("no provider commits to a zone; a planning "
                                                       "value",
                                                       "云商不对单可用区承诺；规划取值")},
    [RW_INPUT_REGION_AVAILABILITY] = {"intake.goal.region_availability",
                                      RW_LABEL("Availability of a region", "地域可用性"),
                                      RW_UNIT_SHARE, CERTAIN(0.9999),
                                      .reason = RW_LABEL("region-level commitment over two or more "
                                                         "zones",
                                                         "跨两个以上可用区的地域级承诺")},
    [RW_INPUT_DATABASE_AVAILABILITY] =
        {"intake.goal.database_availability",
         RW_LABEL("Availability of a database over zones", "跨可用区数据库可用性"), RW_UNIT_SHARE,
         CERTAIN(0.9995),
         .reason = RW_LABEL("the commitment for a managed MySQL in "
                            "several zones",
                            "托管 MySQL 多可用区的承诺")},
    [RW_INPUT_NETWORK_AVAILABILITY] = {"intake.goal.network_availability",
                                       RW_LABEL("Availability of entry and links",
                                                "入口与链路可用性"),
                                       RW_UNIT_SHARE, CERTAIN(0.9999),
                                       .reason = RW_LABEL("load balancer and DNS together",
                                                          "负载均衡与 DNS 合计")},
    [RW_INPUT_DATA_PER_DAY] = {"intake.data.per_day", RW_LABEL("New data a day", "日新增数据"),
                               RW_UNIT_BYTES_PER_DAY, MISSING,
                               .reason = RW_LABEL("storage can only be told for what is stored now",
                                                  "仅能按现有数据计算存储")},
    [RW_INPUT_DATA_STORED] = {"intake.data.stored", RW_LABEL("Data stored today", "现有数据量"),
                              RW_UNIT_BYTES, MISSING,
                              .reason = RW_LABEL("migration and storage of what exists cannot be "
                                                 "told",
                                                 "无法计算存量数据的迁移与存储")},
    [RW_INPUT_RETENTION] = {"intake.data.retention", RW_LABEL("Retention", "保存期限"),
                            RW_UNIT_DAYS, CERTAIN(365),
                            .reason = RW_LABEL("a year, until the legal duty is named for each "
                                               "class of data",
                                               "先按一年计，待逐类明确法定期限")},
    [RW_INPUT_RETENTION_HOT] = {"intake.data.retention_hot",
                                RW_LABEL("Of it on fast storage", "热数据期限"), RW_UNIT_DAYS,
                                BETWEEN(30, 0.5, 3),
                                .reason =
                                    RW_LABEL("what is older is rarely read", "更早的数据很少读取")},
    [RW_INPUT_REPLICAS] = {"intake.data.replicas",
                           RW_LABEL("Copies on fast storage", "热数据副本数"), RW_UNIT_COUNT,
                           CERTAIN(3),
                           .reason = RW_LABEL("one in each zone; object storage replicates itself",
                                              "每个可用区一份；对象存储自带副本")},
    [RW_INPUT_STORAGE_OVERHEAD] = {"intake.data.overhead",
                                   RW_LABEL("Indexes, logs, free space", "索引、日志与空闲"),
                                   RW_UNIT_SHARE, BETWEEN(0.3, 0.67, 2),
                                   .reason = RW_LABEL("on top of the data itself", "在数据之外")},
    [RW_INPUT_COMPRESSION_DATA] = {"intake.data.compression",
                                   RW_LABEL("Compression of data at rest", "静态数据压缩比"),
                                   RW_UNIT_ONE, BETWEEN(1.5, 0.67, 2),
                                   .reason = RW_LABEL("records and text; images and video gain "
                                                      "nothing",
                                                      "记录与文本；图片视频几乎不可压缩")},
    [RW_INPUT_BACKUP_FULLS] = {"intake.data.backup_fulls",
                               RW_LABEL("Full backups kept", "保留的全量备份"), RW_UNIT_COUNT,
                               CERTAIN(2),
                               .reason =
                                   RW_LABEL("the last one and the one before", "最近一份与上一份")},
    [RW_INPUT_BACKUP_CHANGE] = {"intake.data.backup_change", RW_LABEL("Changes a day", "日变化率"),
                                RW_UNIT_SHARE, BETWEEN(0.02, 0.25, 2.5),
                                .reason = RW_LABEL("share of hot data that a daily increment holds",
                                                   "每日增量占热数据的比例")},
    [RW_INPUT_BACKUP_DAYS] = {"intake.data.backup_days",
                              RW_LABEL("Days of increments kept", "增量备份保留天数"), RW_UNIT_DAYS,
                              CERTAIN(35),
                              .reason = RW_LABEL("five weeks, so that a monthly mistake can be "
                                                 "undone",
                                                 "五周，可撤销按月发现的错误")},
    [RW_INPUT_MOVE_TIME] = {"intake.data.move_time",
                            RW_LABEL("Time to copy what exists", "存量数据迁移时间"), RW_UNIT_DAYS,
                            BETWEEN(30, 0.5, 2),
                            .reason = RW_LABEL("a month beside the daily work",
                                               "在日常业务之外用一个月")},
    [RW_INPUT_LINK_UTILIZATION] = {"intake.data.link_utilization",
                                   RW_LABEL("Highest use of a link", "链路最高利用率"),
                                   RW_UNIT_SHARE, CERTAIN(0.7),
                                   .reason = RW_LABEL("a fuller link loses packets in bursts",
                                                      "更高则突发时丢包")},
    [RW_INPUT_BUDGET_TOTAL] = {"intake.money.budget", RW_LABEL("Budget, in all", "总预算"),
                               RW_UNIT_MONEY, MISSING,
                               .reason = RW_LABEL("costs are not compared with a budget",
                                                  "无法与预算比较")},
    [RW_INPUT_BUDGET_PER_YEAR] = {"intake.money.budget_year", RW_LABEL("Budget a year", "年度预算"),
                                  RW_UNIT_MONEY, MISSING,
                                  .reason =
                                      RW_LABEL("the budget is taken as a whole", "按总预算处理")},
    [RW_INPUT_BUDGET_INITIAL] = {"intake.money.budget_initial",
                                 RW_LABEL("Of it at the beginning", "初期建设预算"), RW_UNIT_MONEY,
                                 MISSING,
                                 .reason =
                                     RW_LABEL("the first payment is not limited", "首付不受限")},
    [RW_INPUT_BUILD] =
        {"intake.money.build",
         RW_LABEL("Cost of building and moving", "建设与迁移费用"), RW_UNIT_MONEY, MISSING,
         .reason =
             RW_LABEL("the initial budget is taken for it, else a share of a year's resources",
                      "以初期预算计，否则按年资源费用的比例计")},
    [RW_INPUT_BUILD_SHARE] =
        {"intake.money.build_share",
         RW_LABEL("Building and moving, of a year's resources", "建设与迁移占年资源费用比例"),
         RW_UNIT_SHARE, BETWEEN(0.5, 0.5, 2),
         .reason = RW_LABEL(
             "no estimate of the work was given: half of what the resources cost in a year; ask for an offer",
             "未提供工作量估算：按年资源费用的一半计；请索取报价")},
    [RW_INPUT_OPERATE_SHARE] = {"intake.money.operate_share",
                                RW_LABEL("People who run it, of the resources",
                                         "运维服务占资源费用比例"),
                                RW_UNIT_SHARE, BETWEEN(0.25, 0.6, 2),
                                .reason = RW_LABEL(
                                    "a quarter of the resources, as where a budget parts 80 to 20",
                                    "资源费用的四分之一，即 80/20 的分配")},
    [RW_INPUT_TERM] = {"intake.money.term", RW_LABEL("Term of the subscription", "订阅期限"),
                       RW_UNIT_YEARS, CERTAIN(3),
                       .reason = RW_LABEL("three years, as framework agreements usually are",
                                          "框架协议通常为三年")},
    [RW_INPUT_HORIZON] = {"intake.money.horizon", RW_LABEL("Years compared", "比较年限"),
                          RW_UNIT_YEARS, CERTAIN(5),
                          .reason = RW_LABEL("both ways of buying over the same five years",
                                             "两种采购方式按相同的五年比较")},
    [RW_INPUT_DISCOUNT_RATE] = {"intake.money.discount_rate", RW_LABEL("Discount rate", "折现率"),
                                RW_UNIT_SHARE, BETWEEN(0.08, 0.6, 1.6),
                                .reason = RW_LABEL("no default is a fact: ask your finance "
                                                   "department",
                                                   "没有通用取值：请向财务部门确认")},
    [RW_INPUT_FEE_RISE] = {"intake.money.fee_rise",
                           RW_LABEL("Fee rise at a review, at most", "年度评审调价上限"),
                           RW_UNIT_SHARE, BETWEEN(0.03, 0, 1.67),
                           .reason = RW_LABEL("a cap for the framework agreement, to be negotiated",
                                              "框架协议的调价上限，待谈判")},
    [RW_INPUT_RENEWAL_RISE] = {"intake.money.renewal_rise", RW_LABEL("Rise at renewal", "续约涨幅"),
                               RW_UNIT_SHARE, BETWEEN(0.05, 0, 2),
                               .reason = RW_LABEL("after the term; to be agreed in advance",
                                                  "期满后；应预先约定")},
    [RW_INPUT_ONE_OFF_SHARE] = {"intake.money.one_off_share",
                                RW_LABEL("One-off price over the term's fees",
                                         "一次性价格与订阅期费用之比"),
                                RW_UNIT_SHARE, BETWEEN(0.8, 0.8, 1.25),
                                .reason =
                                    RW_LABEL("no quotation for a purchase was given; ask for one",
                                             "未提供一次性采购报价；请索取")},
    [RW_INPUT_UPKEEP] = {"intake.money.upkeep",
                         RW_LABEL("Maintenance of a purchase, a year", "一次性采购的年维护费率"),
                         RW_UNIT_SHARE, BETWEEN(0.18, 0.83, 1.22),
                         .reason = RW_LABEL("15 % to 22 % of the price is usual",
                                            "通常为价格的 15 % 至 22 %")},
    [RW_INPUT_RESIDUAL] = {"intake.money.residual",
                           RW_LABEL("Residual value at the horizon", "期末残值率"), RW_UNIT_SHARE,
                           CERTAIN(0),
                           .reason = RW_LABEL("software and configured systems resell for nothing",
                                              "软件与已配置系统无转售价值")},
    [RW_INPUT_KPI_SHARE] = {"intake.money.kpi_share",
                            RW_LABEL("Of a payment at stake", "与指标挂钩的付款比例"),
                            RW_UNIT_SHARE, CERTAIN(0.1),
                            .reason = RW_LABEL("10 % of each quarter's fee, to be negotiated",
                                               "每季度费用的 10 %，待谈判")},
    [RW_INPUT_KPI_CHANCE] = {"intake.money.kpi_chance",
                             RW_LABEL("Chance that a quarter's goals are met", "单季度达标概率"),
                             RW_UNIT_SHARE, BETWEEN(0.9, 0.67, 1.11),
                             .reason = RW_LABEL("no history yet; replace it by measured quarters",
                                                "尚无历史；以后用实测季度替换")},
    [RW_INPUT_COST_NOW] = {"intake.money.cost_now",
                           RW_LABEL("Cost of today's system a year", "现系统年成本"), RW_UNIT_MONEY,
                           MISSING,
                           .reason = RW_LABEL("no saving can be counted against it",
                                              "无法计算由此产生的节省")},
    [RW_INPUT_LOSS_PER_MINUTE] = {"intake.money.loss_per_minute",
                                  RW_LABEL("Loss for a minute of downtime", "每分钟停机损失"),
                                  RW_UNIT_MONEY, MISSING,
                                  .reason = RW_LABEL("less downtime brings nothing that can be "
                                                     "counted",
                                                     "减少停机的收益无法计入")},
    [RW_INPUT_DOWNTIME_NOW] = {"intake.money.downtime_now",
                               RW_LABEL("Downtime today", "现有停机时间"),
                               RW_UNIT_MINUTES_PER_QUARTER, MISSING,
                               .reason =
                                   RW_LABEL("less downtime brings nothing that can be counted",
                                            "减少停机的收益无法计入")},
    [RW_INPUT_RUN_PARALLEL] = {"intake.money.run_parallel",
                               RW_LABEL("Both systems run for", "新旧并行期"), RW_UNIT_MONTHS,
                               BETWEEN(3, 0.67, 2),
                               .reason = RW_LABEL("until the old system is switched off",
                                                  "直至旧系统下线")},
    [RW_INPUT_GOAL_SAVING] = {"intake.money.goal_saving", RW_LABEL("Saving wanted", "成本节省目标"),
                              RW_UNIT_SHARE, MISSING,
                              .reason = RW_LABEL("no goal to compare with", "没有可比较的目标")},
    [RW_INPUT_GOAL_ROI] = {"intake.money.goal_roi", RW_LABEL("ROI promised", "承诺的投资回报率"),
                           RW_UNIT_SHARE, MISSING,
                           .reason = RW_LABEL("no goal to compare with", "没有可比较的目标")},
};

const struct rw_input_entry *rw_input_entry(enum rw_input input)
{
    rw_assert(input < RW_INPUT_END);
    return &entries[input];
}

static struct rw_spread spread_of(const struct rw_input_entry *entry, double value)
{
    double low = value * entry->low, high = value * entry->high;
    if (entry->unit == RW_UNIT_SHARE && high > 1)
        high = 1;
    if (entry->shape == RW_SPREAD_NONE || !(low < high))
        return (struct rw_spread){0};
    return (struct rw_spread){entry->shape, low, value, high};
}

/* What somebody stated is certain unless he says otherwise; what was assumed has its range. */
static void take_value(struct rw_cell *cell, const struct rw_input_value *value,
                       const struct rw_input_entry *entry)
{
    cell->origin = value->origin;
    cell->value = value->value;
    cell->reason = value->reason;
    cell->source = value->source;
    cell->file = value->file;
    cell->place = value->place;
    cell->spread = value->spread;
    if (value->spread.shape == RW_SPREAD_NONE && value->origin == RW_ORIGIN_ASSUMED)
        cell->spread = spread_of(entry, value->value);
}

static void take_default(struct rw_cell *cell, const struct rw_input_entry *entry)
{
    cell->origin = isnan(entry->assumed) ? RW_ORIGIN_GIVEN : entry->origin;
    cell->value = entry->assumed;
    cell->reason = entry->reason;
    cell->source = entry->source;
    if (!isnan(entry->assumed))
        cell->spread = spread_of(entry, entry->assumed);
}

void rw_inputs_add(struct rw_sheet *sheet, const struct rw_input_value values[RW_INPUT_END],
                   uint32_t cells[RW_INPUT_END])
{
    for (unsigned input = 0; input < RW_INPUT_END; input++) {
        const struct rw_input_entry *entry = rw_input_entry((enum rw_input)input);
        struct rw_cell cell = {.id = entry->id, .label = entry->label, .unit = entry->unit};
        if (entry->unit == RW_UNIT_MONEY)
            cell.currency = sheet->currency;
        if (values[input].present)
            take_value(&cell, &values[input], entry);
        else
            take_default(&cell, entry);
        cells[input] = rw_sheet_add(sheet, &cell);
    }
}
