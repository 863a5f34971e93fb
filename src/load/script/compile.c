#include "load/script/compile.h"

#include "base/alloc.h"
#include "conf/file.h"
#include "load/script/regex.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>

enum { NAMES_MAX = 1024 };

void *rw_load_compile_memory(struct rw_load_compiler *compiler, size_t size)
{
    void *block = rw_arena_zero(compiler->arena, size ? size : 1);
    if (!block)
        compiler->report->err = RW_ENOMEM;
    return block;
}

/* ---- Files ---- */

static struct rw_span path_of(const struct rw_load_compiler *compiler, struct rw_span path)
{
    struct rw_span file = compiler->report->file;
    while (file.len && file.at[file.len - 1] != '/')
        file.len--;
    return path.at[0] == '/' ? path
                             : rw_arena_format(compiler->arena, "%.*s%.*s", RW_SPAN_ARGS(file),
                                               RW_SPAN_ARGS(path));
}

const struct rw_span *rw_load_compile_file(struct rw_load_compiler *compiler,
                                           const struct rw_span *path, size_t bytes_max)
{
    struct rw_text text = {0};
    char room[48];
    struct rw_span *kept = rw_load_compile_memory(compiler, sizeof(*kept));
    struct rw_span full = path_of(compiler, *path);
    if (!kept || !full.at)
        return NULL;
    enum rw_err err = rw_conf_slurp(full.at, bytes_max, true, &text);
    if (!err) {
        *kept = rw_arena_copy(compiler->arena, rw_text_span(&text));
        err = kept->at ? RW_OK : RW_ENOMEM;
    }
    rw_text_free(&text);
    if (err == RW_ENOMEM)
        compiler->report->err = err;
    else if (err)
        rw_conf_mistake_on(compiler->report, path, "%s cannot be read: %s",
                           rw_conf_quote(compiler->report, full),
                           rw_conf_slurp_flaw(err, bytes_max, room));
    return err ? NULL : kept;
}

/* ---- Names ---- */

static bool is_name(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = rw_lower(text.at[i]);
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(i && ((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return text.len > 0;
}

/* `value` is what the name stands at. */
static void add_name(struct rw_load_compiler *compiler, const void *value,
                     const struct rw_load_name *name)
{
    struct rw_load_names *names = &compiler->names;
    for (size_t i = 0; i < names->count; i++)
        if (rw_span_eq(names->items[i].name, name->name)) {
            rw_conf_mistake_on(compiler->report, value, "the variable %s is there already",
                               rw_conf_quote(compiler->report, name->name));
            return;
        }
    if (!is_name(name->name))
        rw_conf_mistake_on(compiler->report, value,
                           "%s is no name of a variable: letters, digits, \"_\", \"-\"",
                           rw_conf_quote(compiler->report, name->name));
    else if (names->count == NAMES_MAX)
        rw_conf_mistake_on(compiler->report, value, "more than %d variables", NAMES_MAX);
    else
        names->items[names->count++] = *name;
}

static void add_constants(struct rw_load_compiler *compiler)
{
    const struct rw_conf_list *list = &compiler->config->variables;
    const struct rw_conf_pair *pairs = list->items;
    for (size_t i = 0; i < list->count; i++)
        add_name(compiler, &pairs[i].value,
                 &(struct rw_load_name){
                     .name = pairs[i].key, .origin = RW_LOAD_TEXT, .text = pairs[i].value});
}

unsigned rw_load_compile_capture(struct rw_load_compiler *compiler,
                                 const struct rw_load_config_capture *capture)
{
    struct rw_load_names *names = &compiler->names;
    struct rw_load_scenario *scenario = compiler->scenario;
    for (size_t i = compiler->names_of_file; i < names->count; i++)
        if (rw_span_eq(names->items[i].name, capture->as))
            return names->items[i].item;
    if (scenario->capture_count == RW_LOAD_CAPTURES_MAX) {
        rw_conf_mistake_on(compiler->report, &capture->as, "a scenario has at most %d captures",
                           RW_LOAD_CAPTURES_MAX);
        return 0;
    }
    add_name(compiler, &capture->as,
             &(struct rw_load_name){
                 .name = capture->as, .origin = RW_LOAD_CAPTURE, .item = scenario->capture_count});
    return scenario->capture_count++;
}

/* ---- Templates ---- */

static const char *nearest(struct rw_load_compiler *compiler, struct rw_span unknown)
{
    const char *known[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < compiler->names.count; i++)
        known[count++] = compiler->names.items[i].name.at;
    return rw_conf_hint(compiler->report, unknown, known, count);
}

/* Which rows a user needs is known by what its scenario's templates use. */
static void note_uses(struct rw_load_compiler *compiler, const struct rw_load_template *template)
{
    for (unsigned i = 0; i < template->count; i++)
        if (template->pieces[i].origin == RW_LOAD_COLUMN)
            compiler->scenario->uses[template->pieces[i].set] = true;
}

void rw_load_compile_template(struct rw_load_compiler *compiler, const struct rw_span *text,
                              enum rw_load_encoding encoding, struct rw_load_template *to)
{
    char flaw[128] = "";
    struct rw_span unknown;
    enum rw_err err = rw_load_template_compile(*text, encoding, &compiler->names, compiler->arena,
                                               to, flaw, &unknown);
    if (err == RW_ENOMEM)
        compiler->report->err = err;
    else if (err && unknown.at && compiler->names_lack)
        return; /* it may be a column of what could not be read */
    else if (err && unknown.at)
        rw_conf_mistake_on(compiler->report, text, "unknown variable %s%s",
                           rw_conf_quote(compiler->report, unknown), nearest(compiler, unknown));
    else if (err)
        rw_conf_mistake_on(compiler->report, text, "%s", flaw);
    else
        note_uses(compiler, to);
}

/* ---- Data ---- */

static void compile_data(struct rw_load_compiler *compiler, const struct rw_load_config_data *from,
                         unsigned set)
{
    struct rw_load_data *data = &compiler->script->data[set];
    char flaw[128] = "";
    *data = (struct rw_load_data){
        .name = from->name,
        .order = (enum rw_load_order)from->order,
        .columns = from->columns.items,
        .column_count = (unsigned)from->columns.count,
    };
    const struct rw_span *text =
        from->file.len ? rw_load_compile_file(compiler, &from->file, RW_LOAD_DATA_BYTES_MAX) : NULL;
    if (!text) {
        compiler->names_lack = true;
        return;
    }
    enum rw_err err = rw_load_data_parse(*text, !data->columns, compiler->arena, data, flaw);
    compiler->names_lack |= err != RW_OK;
    if (err == RW_ENOMEM)
        compiler->report->err = err;
    else if (err)
        rw_conf_mistake_on(compiler->report, &from->file, "%s: %s",
                           rw_conf_quote(compiler->report, from->file), flaw);
    for (unsigned i = 0; !err && i < data->column_count; i++) {
        struct rw_span name = rw_arena_copy(compiler->arena, data->columns[i]);
        if (name.at)
            add_name(compiler, &from->file,
                     &(struct rw_load_name){
                         .name = name, .origin = RW_LOAD_COLUMN, .set = set, .item = i});
    }
}

static void compile_names(struct rw_load_compiler *compiler)
{
    static const struct rw_load_name own[] = {
        {.name = {"iteration", 9}, .origin = RW_LOAD_ITERATION},
        {.name = {"uuid", 4}, .origin = RW_LOAD_UUID},
    };
    const struct rw_conf_list *data = &compiler->config->data;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        compiler->names.items[compiler->names.count++] = own[i];
    add_constants(compiler);
    compiler->script->data_count = (unsigned)data->count;
    for (unsigned i = 0; i < data->count; i++)
        compile_data(compiler, (const struct rw_load_config_data *)data->items + i, i);
    compiler->names_of_file = compiler->names.count;
}

/* ---- Scenarios ---- */

static void compile_scenario(struct rw_load_compiler *compiler,
                             const struct rw_load_config_scenario *from,
                             struct rw_load_scenario *scenario)
{
    const struct rw_load_config_step *steps = from->steps.items;
    compiler->scenario = scenario;
    compiler->socket_open = false;
    compiler->names.count = compiler->names_of_file;
    *scenario = (struct rw_load_scenario){.name = from->name, .weight = from->weight};
    scenario->steps =
        rw_load_compile_memory(compiler, from->steps.count * sizeof(*scenario->steps));
    for (size_t i = 0; scenario->steps && i < from->steps.count; i++) {
        bool own = steps[i].think.len > 0;
        rw_load_compile_step(compiler, &steps[i], own ? steps[i].think : from->think,
                             own ? (const void *)&steps[i].think : &from->think,
                             &scenario->steps[scenario->step_count++]);
    }
}

static size_t count_steps(const struct rw_load_config *config)
{
    const struct rw_load_config_scenario *scenarios = config->scenarios.items;
    size_t count = 0;
    for (size_t i = 0; i < config->scenarios.count; i++)
        count += scenarios[i].steps.count;
    return count;
}

static bool compile_scenarios(struct rw_load_compiler *compiler)
{
    struct rw_load_config *config = compiler->config;
    struct rw_load_script *script = compiler->script;
    size_t steps = count_steps(config);
    if (steps > RW_LOAD_REQUESTS_MAX) {
        rw_conf_mistake_on(compiler->report, &config->scenarios, "more than %d steps in all",
                           RW_LOAD_REQUESTS_MAX);
        return true;
    }
    config->requests = rw_load_compile_memory(compiler, steps * sizeof(*config->requests));
    script->scenarios =
        rw_load_compile_memory(compiler, config->scenarios.count * sizeof(*script->scenarios));
    if (!config->requests || !script->scenarios)
        return false;
    const struct rw_load_config_scenario *scenarios = config->scenarios.items;
    for (size_t i = 0; i < config->scenarios.count; i++)
        compile_scenario(compiler, &scenarios[i], &script->scenarios[script->scenario_count++]);
    return true;
}

void rw_load_script_compile(struct rw_load_config *config, struct rw_conf_report *report)
{
    struct rw_load_compiler compiler = {
        .config = config, .report = report, .arena = rw_conf_results(report)};
    json_set_alloc_funcs(rw_alloc, rw_free);
    compiler.script = rw_load_compile_memory(&compiler, sizeof(*compiler.script));
    compiler.names.items =
        rw_load_compile_memory(&compiler, NAMES_MAX * sizeof(*compiler.names.items));
    if (!compiler.script || !compiler.names.items)
        return;
    config->script = compiler.script;
    compiler.script->users = config->users;
    compile_names(&compiler);
    (void)compile_scenarios(&compiler);
}

void rw_load_script_free(struct rw_load_script *script)
{
    for (unsigned i = 0; script && i < script->check_count; i++)
        rw_load_regex_destroy((struct rw_load_regex *)script->checks[i]->regex);
}

/* ---- The settings ---- */

static double rate_of(struct rw_span text)
{
    double rate = 0;
    bool good = rw_load_parse_rate(text, &rate);
    rw_assert(good);
    return rate;
}

static void set_profile(const struct rw_load_config *config, struct rw_load_settings *settings)
{
    struct rw_profile *profile = &settings->profile;
    const struct rw_load_config_phase *phases = config->phases.items;
    double whole = (config->duration_ms + config->warmup_ms) / 1000.0;
    profile->arrivals = (enum rw_arrivals)config->arrivals;
    settings->closed = !config->rate.len && !config->phases.count;
    settings->warmup_seconds = config->warmup_ms / 1000.0;
    settings->closed_seconds = whole;
    if (config->rate.len) {
        double rate = rate_of(config->rate);
        profile->phases[profile->phase_count++] = (struct rw_phase){whole, rate, rate};
    }
    for (size_t i = 0; i < config->phases.count; i++) {
        double from = rate_of(phases[i].rate);
        double to = phases[i].to.len ? rate_of(phases[i].to) : from;
        profile->phases[profile->phase_count++] =
            (struct rw_phase){phases[i].for_ms / 1000.0, from, to};
    }
}

static void set_settings(const struct rw_load_config *config, struct rw_load_settings *settings)
{
    set_profile(config, settings);
    settings->protocol = (enum rw_load_protocol_kind)config->protocol;
    settings->connections = config->connections;
    settings->streams = settings->protocol == RW_LOAD_H2 ? config->streams : 1;
    settings->processes = config->processes;
    settings->threads = config->threads;
    settings->timeout_ms = config->timeout_ms;
    settings->seed = config->seed;
    settings->script = config->script;
    settings->requests = config->requests;
    settings->request_count = config->request_count;
}

enum rw_err rw_load_script_read(const char *path, struct rw_arena *arena,
                                struct rw_load_config *config, struct rw_load_settings *settings,
                                struct rw_conf_report *report)
{
    enum rw_err err = rw_conf_read_file(path, &rw_load_config_record, arena, config, report);
    settings->script = config->script;
    if (!err)
        set_settings(config, settings);
    return err;
}
