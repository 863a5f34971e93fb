#include "plan/intake/measured.h"

#include "conf/file.h"
#include "conf/tree.h"
#include "plan/intake/measured_day.h"
#include "plan/intake/reader.h"
#include "plan/model/scale.h"

#include <math.h>
#include <stdlib.h>

enum {
    LOAD_BYTES_MAX = 8 << 20, /* of one result */
    FAILED_PER_CENT_MAX = 1,
};

struct points {
    double nodes[RW_INTAKE_ROWS_MAX], rates[RW_INTAKE_ROWS_MAX];
    size_t count;
};

/* Why a result is no measurement of what the system can do; empty: it is one. */
static struct rw_label objection(const struct rw_conf_node *load)
{
    struct rw_span verdict = rw_conf_tree_text(load, "verdict");
    const struct rw_conf_node *requests = rw_conf_tree_at(load, "requests");
    bool open = rw_span_is(rw_conf_tree_text(load, "loop"), "open");
    if (!rw_span_is(rw_conf_tree_text(load, "schema"), "ringway.load/1"))
        return RW_TEXTS("is no result of \"ringway load --out\"", "不是 ringway load --out 的结果");
    if (rw_span_is(verdict, "generator_late") || rw_span_is(verdict, "generator_busy"))
        return RW_TEXTS(
            "was limited by the load generator: give it more threads, or another machine",
            "受压测端限制：请增加其线程或换用其他机器");
    if (rw_span_is(verdict, "nothing_answered") || !(rw_measured_number(load, "rate") > 0))
        return RW_TEXTS("got no answers", "没有收到应答");
    if (rw_measured_number(requests, "failed") * 100 >
        rw_measured_number(requests, "answered") * FAILED_PER_CENT_MAX)
        return RW_TEXTS("has more than 1 % failed requests", "失败请求超过 1 %");
    if (open && rw_span_is(verdict, "sound"))
        return RW_TEXTS(
            "kept the rate that was asked for, so it does not show what the system can do: "
            "measure without --rate, or with one that it cannot keep",
            "保持了所要求的速率，不能说明系统上限：请不用 --rate，或用其无法保持的速率");
    return (struct rw_label){NULL, NULL};
}

/* ---- Verdicts: what the gateway does with a core ---- */

/* Of all loads and repetitions of one verdict. */
struct gateway {
    double served, cpu_seconds;
    double least, most; /* requests a second of one core, of one load */
};

static struct rw_label add_take(const struct rw_conf_node *take, struct gateway *gateway)
{
    double answered = rw_measured_number(take, "answered"),
           failed = rw_measured_number(take, "failed"),
           cpu_seconds = rw_measured_number(take, "cpu_seconds");
    if (!(cpu_seconds > 0))
        return RW_TEXTS(
            "does not know the gateway's processor time: verify has to start the gateway",
            "没有网关的处理器时间：网关须由 verify 启动");
    if (!(answered > 0) || failed * 100 > answered * FAILED_PER_CENT_MAX)
        return RW_TEXTS("has a load with more than 1 % failed requests",
                        "其中一次负载的失败请求超过 1 %");
    double rate = (answered - failed) / cpu_seconds;
    gateway->served += answered - failed;
    gateway->cpu_seconds += cpu_seconds;
    gateway->least = fmin(gateway->least, rate);
    gateway->most = fmax(gateway->most, rate);
    return (struct rw_label){NULL, NULL};
}

/* Why a verdict says nothing of the gateway in the plan; empty: it does. */
static struct rw_label add_verdict(const struct rw_conf_node *verdict, struct gateway *gateway)
{
    const struct rw_conf_entry *take = rw_conf_tree_entries(rw_conf_tree_at(verdict, "loads"));
    struct rw_label why = {NULL, NULL};
    if (!take)
        why = RW_TEXTS("has no load that ran", "其中没有执行过的负载");
    if (!rw_span_starts(rw_conf_tree_text(verdict, "url"), RW_LITERAL("https:")))
        return RW_TEXTS(
            "was loaded in plain HTTP: the gateways of the plan speak TLS (`url: https://...`)",
            "以明文 HTTP 施压：方案中的网关使用 TLS（`url: https://...`）");
    *gateway = (struct gateway){.least = INFINITY};
    for (; take && !why.en; take = take->next)
        why = add_take(take->node, gateway);
    return why;
}

/* What rows without a number of nodes say. */
struct proofs {
    struct gateway gateway;
    struct rw_measured_day day;
};

/* ---- Files ---- */

/* Beside the intake, unless the name says where. */
static const char *path_of(struct rw_intake *intake, struct rw_span name)
{
    const char *slash = strrchr(intake->file, '/');
    if (!slash || name.at[0] == '/')
        return name.at;
    struct rw_span path = rw_arena_format(&intake->arena, "%.*s/%s", (int)(slash - intake->file),
                                          intake->file, name.at);
    return path.at;
}

static bool is_verdict(const struct rw_conf_node *root)
{
    return rw_span_is(rw_conf_tree_text(root, "schema"), "ringway.verdict/1");
}

/* Why it says nothing; empty: `rate` is what was measured, or a part of `proofs` is filled. */
static struct rw_label take_result(const struct rw_conf_node *root, struct proofs *proofs,
                                   double *rate)
{
    if (rw_measured_is_day(root))
        return rw_measured_day(root, &proofs->day);
    if (is_verdict(root))
        return add_verdict(root, &proofs->gateway);
    *rate = rw_measured_number(root, "rate");
    return objection(root);
}

/* False: a mistake was told at the row. */
static bool read_result(struct rw_intake *intake, const struct rw_intake_value *run,
                        struct proofs *proofs, double *rate, struct rw_conf_report *report)
{
    struct rw_conf_report mistakes = {0};
    struct rw_conf_tree tree = {0};
    struct rw_text text = {0};
    const char *path = path_of(intake, run->text);
    struct rw_label why = {NULL, NULL};
    enum rw_err err = path ? rw_conf_slurp(path, LOAD_BYTES_MAX, true, &text) : RW_ENOMEM;
    if (!err) {
        err = rw_conf_tree_read(rw_text_span(&text), path, &intake->arena, &tree, &mistakes);
        why = err ? RW_TEXTS("is no JSON", "不是 JSON") : take_result(tree.root, proofs, rate);
        rw_conf_tree_free(&tree);
    }
    if (err == RW_ENOMEM)
        report->err = report->err ? report->err : RW_ENOMEM;
    else if (why.en)
        rw_intake_tell(report, run->place, "%s %s", "%s：%s", rw_conf_quote(report, run->text),
                       report->voice == RW_CONF_VOICE_CHINESE ? why.zh : why.en);
    else if (err)
        rw_intake_tell(report, run->place, "%s cannot be read: %s", "%s 无法读取：%s",
                       rw_conf_quote(report, run->text), rw_conf_err_text(report, err));
    rw_text_free(&text);
    return !err && !why.en;
}

static void tell_row(struct rw_conf_report *report, const struct rw_intake_row *row)
{
    rw_intake_tell(report, row->place,
                   "a measurement has a number of nodes above 0 and the file of its run",
                   "一次压测须有大于 0 的节点数及其结果文件");
}

/* A row without nodes is a verdict of the gateway or a simulated day, one with nodes a load on the
 * application. */
static bool read_row(struct rw_intake *intake, const struct rw_intake_row *row,
                     struct points *points, struct proofs *proofs, struct rw_conf_report *report)
{
    const struct rw_intake_value *nodes = rw_intake_in(row, "nodes"),
                                 *run = rw_intake_in(row, "run");
    struct proofs one = {0};
    double rate = 0;
    if (!run->there || (nodes->there && !(rw_intake_number(nodes) > 0))) {
        tell_row(report, row);
        return false;
    }
    if (!read_result(intake, run, &one, &rate, report))
        return false;
    bool of_nodes = rate > 0;
    if (nodes->there != of_nodes) {
        if (nodes->there)
            rw_intake_tell(report, row->place,
                           "a verdict is of one gateway, a simulation of a whole fleet: without a "
                           "number of nodes",
                           "verify 的结果针对单个网关，simulate 的结果针对整个集群：不填节点数");
        else
            tell_row(report, row);
        return false;
    }
    if (of_nodes) {
        points->nodes[points->count] = rw_intake_number(nodes);
        points->rates[points->count++] = rate;
    }
    if (one.gateway.cpu_seconds > 0)
        proofs->gateway = one.gateway;
    if (one.day.busiest > 0)
        proofs->day = one.day;
    return true;
}

/* False: a mistake was told. */
static bool read_rows(struct rw_intake *intake, struct points *points, struct proofs *proofs,
                      struct rw_conf_report *report)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "measurements", &count);
    bool right = true;
    for (size_t i = 0; i < count && !report->err; i++)
        right &= read_row(intake, &rows[i], points, proofs, report);
    return right && !report->err;
}

/* "ringway load, 4 runs: one.json (1: 812.4/s), two.json (2: 1,530/s)...". */
static const char *source_of(struct rw_intake *intake, const struct points *points,
                             const struct rw_model_usl *fit)
{
    size_t count, written = 0;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "measurements", &count);
    struct rw_text text = {0};
    rw_text_addf(&text, "ringway load, %zu runs, fitted within %.1f %%:", points->count,
                 100 * fit->error);
    for (size_t i = 0; i < count; i++) {
        if (!rw_intake_in(&rows[i], "nodes")->there)
            continue;
        rw_text_addf(&text, "%s %.80s (%g: %.1f/s)", written ? "," : "",
                     rw_intake_in(&rows[i], "run")->text.at, points->nodes[written],
                     points->rates[written]);
        written++;
    }
    struct rw_span kept = rw_arena_copy(&intake->arena, rw_text_span(&text));
    bool lost = text.err || !kept.at;
    rw_text_free(&text);
    return lost ? NULL : kept.at;
}

/* What the intake states itself stays. The spread is the error of the fit, twice. */
static void set(struct rw_input_value *value, double measured, double error, const char *source,
                const struct rw_intake_row *row, const char *file)
{
    if (value->present)
        return;
    *value = (struct rw_input_value){
        .present = true,
        .value = measured,
        .origin = RW_ORIGIN_MEASURED,
        .source = source,
        .file = file,
        .place = row->place,
    };
    if (error > 0 && measured > 0)
        value->spread = (struct rw_spread){RW_SPREAD_TRIANGULAR, measured * fmax(0, 1 - 2 * error),
                                           measured, measured * (1 + 2 * error)};
}

static void set_gateway(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                        const struct gateway *gateway, const struct rw_intake_row *row,
                        struct rw_conf_report *report)
{
    double rate = gateway->served / gateway->cpu_seconds;
    struct rw_span source =
        rw_arena_format(&intake->arena, "ringway verify: %.0f requests in %.2f s of processor time",
                        gateway->served, gateway->cpu_seconds);
    if (source.at)
        set(&values[RW_INPUT_GATEWAY_RATE], rate, (gateway->most - gateway->least) / rate / 4,
            source.at, row, intake->file);
    else
        report->err = RW_ENOMEM;
}

static void set_day(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                    const struct rw_measured_day *day, const struct rw_intake_row *row,
                    struct rw_conf_report *report)
{
    struct rw_span source = rw_arena_format(
        &intake->arena, "ringway simulate: %.0f requests/s at most, %.0f/s in the mean of %.0f h",
        day->busiest, day->mean, day->hours);
    if (!source.at) {
        report->err = RW_ENOMEM;
        return;
    }
    set(&values[RW_INPUT_PEAK_FACTOR], day->busiest / day->mean, 0, source.at, row, intake->file);
    set(&values[RW_INPUT_LOAD_RISE], day->rise, 0, source.at, row, intake->file);
}

static void bind_rows(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                      struct rw_conf_report *report)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "measurements", &count);
    struct points points = {.count = 0};
    struct proofs proofs = {0};
    struct rw_model_usl fit;
    if (!read_rows(intake, &points, &proofs, report))
        return;
    if (proofs.gateway.cpu_seconds > 0)
        set_gateway(intake, values, &proofs.gateway, rows, report);
    if (proofs.day.busiest > 0)
        set_day(intake, values, &proofs.day, rows, report);
    if (!points.count)
        return;
    if (!rw_model_usl_fit(points.nodes, points.rates, points.count, &fit) || !(fit.lambda1 > 0)) {
        rw_intake_tell(report, rows[0].place,
                       "a scalability curve needs runs with at least %d different numbers of nodes",
                       "扩展性曲线至少需要 %d 种不同节点数的压测", RW_MODEL_USL_POINTS_MIN);
        return;
    }
    const char *source = source_of(intake, &points, &fit);
    if (!source) {
        report->err = report->err ? report->err : RW_ENOMEM;
        return;
    }
    const struct rw_input_value *cores = &values[RW_INPUT_NODE_CORES];
    double node_cores =
        cores->present ? cores->value : rw_input_entry(RW_INPUT_NODE_CORES)->assumed;
    set(&values[RW_INPUT_CONTENTION], fit.sigma, 0, source, rows, intake->file);
    set(&values[RW_INPUT_COHERENCY], fit.kappa, 0, source, rows, intake->file);
    set(&values[RW_INPUT_SERVICE_TIME], node_cores / fit.lambda1, fit.error, source, rows,
        intake->file);
}

/* ---- Values that name their proof ---- */

static bool is_json_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static bool is_ours(struct rw_span schema)
{
    return rw_span_starts(schema, RW_LITERAL("ringway.load/")) ||
           rw_span_starts(schema, RW_LITERAL("ringway.verdict/")) ||
           rw_span_starts(schema, RW_LITERAL("ringway.simulated/"));
}

/* `measured: FILE` behind a value: the file is there, and this program wrote it. */
static void check_proof(struct rw_intake *intake, const struct rw_input_value *value,
                        struct rw_conf_report *report)
{
    struct rw_conf_report mistakes = {0};
    struct rw_conf_tree tree = {0};
    struct rw_text text = {0};
    struct rw_span name = rw_span_text(value->source);
    const char *path = path_of(intake, name);
    enum rw_err err = path ? rw_conf_slurp(path, LOAD_BYTES_MAX, true, &text) : RW_ENOMEM;
    bool read = !err;
    if (err && err != RW_ENOMEM)
        rw_intake_tell(report, value->place, "measured: %s cannot be read: %s",
                       "实测：%s 无法读取：%s", rw_conf_quote(report, name), rw_err_text(err));
    if (read)
        err = rw_conf_tree_read(rw_text_span(&text), path, &intake->arena, &tree, &mistakes);
    if (err == RW_ENOMEM)
        report->err = report->err ? report->err : RW_ENOMEM;
    else if (read && (err || !is_ours(rw_conf_tree_text(tree.root, "schema"))))
        rw_intake_tell(
            report, value->place, "measured: %s is no result of ringway load, verify or simulate",
            "实测：%s 不是 ringway load、verify 或 simulate 的结果", rw_conf_quote(report, name));
    rw_conf_tree_free(&tree);
    rw_text_free(&text);
}

void rw_intake_bind_measured(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                             struct rw_conf_report *report)
{
    for (unsigned i = 0; i < RW_INPUT_END && !report->err; i++)
        if (values[i].present && values[i].origin == RW_ORIGIN_MEASURED &&
            is_json_name(values[i].source))
            check_proof(intake, &values[i], report);
    bind_rows(intake, values, report);
}
