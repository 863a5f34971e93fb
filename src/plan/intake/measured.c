#include "plan/intake/measured.h"

#include "conf/file.h"
#include "conf/tree.h"
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

static double number_at(const struct rw_conf_node *map, const char *key)
{
    struct rw_span text = rw_conf_tree_text(map, key);
    char *end = NULL;
    double value = text.len ? strtod(text.at, &end) : NAN;
    return end && *end == 0 ? value : NAN;
}

/* Why a result is no measurement of what the system can do; NULL: it is one. */
static const char *objection(const struct rw_conf_node *load)
{
    struct rw_span verdict = rw_conf_tree_text(load, "verdict");
    const struct rw_conf_node *requests = rw_conf_tree_at(load, "requests");
    bool open = rw_span_is(rw_conf_tree_text(load, "loop"), "open");
    if (!rw_span_is(rw_conf_tree_text(load, "schema"), "ringway.load/1"))
        return "is no result of \"ringway load --out\"";
    if (rw_span_is(verdict, "generator_late"))
        return "was limited by the load generator: give it more threads, or another machine";
    if (rw_span_is(verdict, "nothing_answered") || !(number_at(load, "rate") > 0))
        return "got no answers";
    if (number_at(requests, "failed") * 100 > number_at(requests, "answered") * FAILED_PER_CENT_MAX)
        return "has more than 1 % failed requests";
    if (open && rw_span_is(verdict, "sound"))
        return "kept the rate that was asked for, so it does not show what the system can do: "
               "measure without --rate, or with one that it cannot keep";
    return NULL;
}

/* ---- Verdicts: what the gateway does with a core ---- */

/* Of all loads and repetitions of one verdict. */
struct gateway {
    double served, cpu_seconds;
    double least, most; /* requests a second of one core, of one load */
};

static const char *add_take(const struct rw_conf_node *take, struct gateway *gateway)
{
    double answered = number_at(take, "answered"), failed = number_at(take, "failed"),
           cpu_seconds = number_at(take, "cpu_seconds");
    if (!(cpu_seconds > 0))
        return "does not know the gateway's processor time: verify has to start the gateway";
    if (!(answered > 0) || failed * 100 > answered * FAILED_PER_CENT_MAX)
        return "has a load with more than 1 % failed requests";
    double rate = (answered - failed) / cpu_seconds;
    gateway->served += answered - failed;
    gateway->cpu_seconds += cpu_seconds;
    gateway->least = fmin(gateway->least, rate);
    gateway->most = fmax(gateway->most, rate);
    return NULL;
}

/* Why a verdict says nothing of the gateway in the plan; NULL: it does. */
static const char *add_verdict(const struct rw_conf_node *verdict, struct gateway *gateway)
{
    const struct rw_conf_entry *take = rw_conf_tree_entries(rw_conf_tree_at(verdict, "loads"));
    const char *why = take ? NULL : "has no load that ran";
    if (!rw_span_starts(rw_conf_tree_text(verdict, "url"), RW_LITERAL("https:")))
        return "was loaded in plain HTTP: the gateways of the plan speak TLS (`url: https://...`)";
    *gateway = (struct gateway){.least = INFINITY};
    for (; take && !why; take = take->next)
        why = add_take(take->node, gateway);
    return why;
}

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

/* What the file says: a rate, or NaN and a mistake at the row. A verdict fills `gateway`, and has
 * the rate of one core. */
static double read_rate(struct rw_intake *intake, const struct rw_intake_value *run,
                        struct gateway *gateway, struct rw_conf_report *report)
{
    struct rw_conf_report mistakes = {0};
    struct rw_conf_tree tree = {0};
    struct rw_text text = {0};
    double rate = NAN;
    const char *path = path_of(intake, run->text), *why = NULL;
    enum rw_err err = path ? rw_conf_slurp(path, LOAD_BYTES_MAX, true, &text) : RW_ENOMEM;
    if (!err) {
        err = rw_conf_tree_read(rw_text_span(&text), path, &intake->arena, &tree, &mistakes);
        bool verdict = !err && is_verdict(tree.root);
        why = err ? "is no JSON" : verdict ? add_verdict(tree.root, gateway) : objection(tree.root);
        rate = err || why ? NAN
               : verdict  ? gateway->served / gateway->cpu_seconds
                          : number_at(tree.root, "rate");
        rw_conf_tree_free(&tree);
    }
    if (err == RW_ENOMEM)
        report->err = report->err ? report->err : RW_ENOMEM;
    else if (why)
        rw_conf_mistake_at(report, run->place, "%s %s", rw_conf_quote(report, run->text), why);
    else if (err)
        rw_conf_mistake_at(report, run->place, "%s cannot be read: %s",
                           rw_conf_quote(report, run->text), rw_err_text(err));
    rw_text_free(&text);
    return rate;
}

/* A row without nodes is a verdict of the gateway, one with nodes a load on the application. */
static bool read_row(struct rw_intake *intake, const struct rw_intake_row *row,
                     struct points *points, struct gateway *gateway, struct rw_conf_report *report)
{
    const struct rw_intake_value *nodes = rw_intake_in(row, "nodes"),
                                 *run = rw_intake_in(row, "run");
    struct gateway one = {0};
    if (!run->there || (nodes->there && !(rw_intake_number(nodes) > 0))) {
        rw_conf_mistake_at(report, row->place,
                           "a measurement has a number of nodes above 0 and the file of its run");
        return false;
    }
    double rate = read_rate(intake, run, &one, report);
    if (!(rate > 0))
        return false;
    if (nodes->there != !(one.cpu_seconds > 0)) {
        rw_conf_mistake_at(report, row->place,
                           nodes->there ? "a verdict is of one gateway: without a number of nodes"
                                        : "a measurement has a number of nodes above 0 and the "
                                          "file of its run");
        return false;
    }
    if (!nodes->there) {
        *gateway = one;
        return true;
    }
    points->nodes[points->count] = rw_intake_number(nodes);
    points->rates[points->count++] = rate;
    return true;
}

/* False: a mistake was told. */
static bool read_rows(struct rw_intake *intake, struct points *points, struct gateway *gateway,
                      struct rw_conf_report *report)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "measurements", &count);
    bool right = true;
    for (size_t i = 0; i < count && !report->err; i++)
        right &= read_row(intake, &rows[i], points, gateway, report);
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

void rw_intake_bind_measured(struct rw_intake *intake, struct rw_input_value values[RW_INPUT_END],
                             struct rw_conf_report *report)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "measurements", &count);
    struct points points = {.count = 0};
    struct gateway gateway = {0};
    struct rw_model_usl fit;
    if (!read_rows(intake, &points, &gateway, report))
        return;
    if (gateway.cpu_seconds > 0)
        set_gateway(intake, values, &gateway, rows, report);
    if (!points.count)
        return;
    if (!rw_model_usl_fit(points.nodes, points.rates, points.count, &fit) || !(fit.lambda1 > 0)) {
        rw_conf_mistake_at(report, rows[0].place,
                           "a scalability curve needs runs with at least %d different numbers of "
                           "nodes",
                           RW_MODEL_USL_POINTS_MIN);
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
