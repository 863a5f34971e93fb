/* One step: what of its request is constant is written down, the rest becomes templates; its checks
 * and captures. */
#include "load/script/compile.h"

#include "conf/scalar.h"
#include "load/script/regex.h"

/* ---- Checks ---- */

struct source {
    struct rw_span header, json;
    const struct rw_span *regex;
};

static const struct rw_load_regex *compile_regex(struct rw_load_compiler *compiler,
                                                 const struct rw_span *pattern)
{
    char flaw[192] = "";
    struct rw_load_regex *regex = NULL;
    enum rw_err err = rw_load_regex_create(*pattern, flaw, &regex);
    if (err == RW_ENOMEM)
        compiler->report->err = err;
    else if (err)
        rw_conf_mistake_on(compiler->report, pattern, "not a regular expression: %s", flaw);
    return regex;
}

static void set_source(struct rw_load_compiler *compiler, const struct source *source,
                       struct rw_load_check *check)
{
    if (source->header.len) {
        check->part = RW_LOAD_FIELD;
        check->name = source->header;
    } else if (source->json.len) {
        check->part = RW_LOAD_JSON;
        check->name = source->json;
    } else if (source->regex->len) {
        check->part = RW_LOAD_MATCH;
        check->regex = compile_regex(compiler, source->regex);
    }
}

struct rw_load_check *rw_load_compile_new_check(struct rw_load_compiler *compiler,
                                                struct rw_load_step *step, const void *place)
{
    struct rw_load_script *script = compiler->script;
    if (script->check_count == RW_LOAD_CHECKS_MAX) {
        rw_conf_mistake_on(compiler->report, place, "more than %d checks and captures in all",
                           RW_LOAD_CHECKS_MAX);
        return NULL;
    }
    struct rw_load_check *check = &step->checks[step->check_count++];
    *check = (struct rw_load_check){.part = RW_LOAD_BODY, .capture = -1};
    check->number = script->check_count;
    script->checks[script->check_count] = check;
    script->check_steps[script->check_count++] = step->request;
    return check;
}

static struct rw_span status_text(struct rw_load_compiler *compiler,
                                  const struct rw_load_check *check)
{
    struct rw_span text = rw_arena_format(
        compiler->arena, check->part == RW_LOAD_GRPC ? "gRPC status is" : "status is");
    for (unsigned i = 0; i < check->status_count && text.at; i++)
        text = rw_arena_format(compiler->arena, "%s%s %u", text.at, i ? " or" : "",
                               check->statuses[i]);
    return text;
}

/* As a report says it: `json /id equals "7"`. */
static void describe(struct rw_load_compiler *compiler, const struct rw_load_config_check *from,
                     struct rw_load_check *check)
{
    struct rw_arena *arena = compiler->arena;
    const char *part = check->part == RW_LOAD_FIELD  ? "header "
                       : check->part == RW_LOAD_JSON ? "json "
                       : from->regex.len             ? "regex "
                                                     : "body";
    struct rw_span name = check->part == RW_LOAD_MATCH ? from->regex : check->name;
    char below[32];
    if (check->part == RW_LOAD_STATUS || check->part == RW_LOAD_GRPC)
        check->text = status_text(compiler, check);
    else if (check->part == RW_LOAD_LATENCY)
        check->text =
            rw_arena_format(arena, "below %s", rw_conf_format_duration(below, from->below_ms));
    else
        check->text =
            rw_arena_format(arena, "%s%.*s%s%.*s%s%.*s", part, RW_SPAN_ARGS(name),
                            from->equals.len ? " equals " : "", RW_SPAN_ARGS(from->equals),
                            from->contains.len ? " contains " : "", RW_SPAN_ARGS(from->contains));
    if (!check->text.at)
        compiler->report->err = RW_ENOMEM;
}

static void compile_check(struct rw_load_compiler *compiler,
                          const struct rw_load_config_check *from, struct rw_load_step *step)
{
    struct rw_load_check *check = rw_load_compile_new_check(compiler, step, from);
    if (!check)
        return;
    set_source(compiler, &(struct source){from->header, from->json, &from->regex}, check);
    if (from->status.count || from->grpc.count)
        check->part = from->grpc.count ? RW_LOAD_GRPC : RW_LOAD_STATUS;
    const struct rw_conf_list *statuses = from->grpc.count ? &from->grpc : &from->status;
    for (size_t i = 0; i < statuses->count && i < RW_LOAD_STATUSES_MAX; i++)
        check->statuses[check->status_count++] = (uint16_t)((uint32_t *)statuses->items)[i];
    if (from->below_ms)
        check->part = RW_LOAD_LATENCY;
    check->below_ns = from->below_ms * 1000000ull;
    check->has_equals = from->equals.len > 0;
    check->has_contains = from->contains.len > 0;
    rw_load_compile_template(compiler, &from->equals, RW_LOAD_AS_IS, &check->equals);
    rw_load_compile_template(compiler, &from->contains, RW_LOAD_AS_IS, &check->contains);
    describe(compiler, from, check);
    step->judges_status |= check->part == RW_LOAD_STATUS;
    step->judges_grpc |= check->part == RW_LOAD_GRPC;
}

static void compile_capture(struct rw_load_compiler *compiler,
                            const struct rw_load_config_capture *from, struct rw_load_step *step)
{
    struct rw_load_check *check = rw_load_compile_new_check(compiler, step, from);
    if (!check)
        return;
    set_source(compiler, &(struct source){from->header, from->json, &from->regex}, check);
    check->capture = (int)rw_load_compile_capture(compiler, from);
    check->text = rw_arena_format(compiler->arena, "captures %.*s", RW_SPAN_ARGS(from->as));
    if (!check->text.at)
        compiler->report->err = RW_ENOMEM;
}

/* Checks first: a capture's name is for the steps that follow. */
static void compile_checks(struct rw_load_compiler *compiler,
                           const struct rw_load_config_step *from, struct rw_load_step *step)
{
    const struct rw_load_config_check *checks = from->checks.items;
    const struct rw_load_config_capture *captures = from->captures.items;
    size_t count = from->checks.count + from->captures.count + 1; /* gRPC's */
    step->checks = rw_load_compile_memory(compiler, count * sizeof(*step->checks));
    if (!step->checks)
        return;
    for (size_t i = 0; i < from->checks.count; i++)
        compile_check(compiler, &checks[i], step);
    for (size_t i = 0; i < from->captures.count; i++)
        compile_capture(compiler, &captures[i], step);
    step->looks_at_body = step->has_answer;
    for (unsigned i = 0; i < step->check_count; i++) {
        enum rw_load_part part = step->checks[i].part;
        step->looks_at_body |=
            part == RW_LOAD_JSON || part == RW_LOAD_MATCH || part == RW_LOAD_BODY;
    }
}

/* ---- The request ---- */

/* A step's own field stands for one of the file's with the same name. */
static bool is_overridden(const struct rw_load_config_step *step, struct rw_span name)
{
    const struct rw_conf_pair *own = step->headers.items;
    for (size_t i = 0; i < step->headers.count; i++)
        if (rw_span_eq_nocase(own[i].key, name))
            return true;
    return false;
}

void rw_load_compile_header(struct rw_load_compiler *compiler, const struct rw_conf_pair *pair,
                            struct rw_load_request *request, const struct rw_load_step *step)
{
    struct rw_load_template *template = &step->headers[request->header_count];
    if (request->header_count == RW_LOAD_HEADERS_MAX) {
        rw_conf_mistake_on(compiler->report, &pair->value, "more than %d header fields",
                           RW_LOAD_HEADERS_MAX);
        return;
    }
    if (!rw_is_token(pair->key) || rw_span_is_nocase(pair->key, "host") ||
        rw_span_is_nocase(pair->key, "content-length"))
        rw_conf_mistake_on(compiler->report, &pair->value,
                           rw_is_token(pair->key) ? "this field is made of the target and the body"
                                                  : "a name that no field has");
    rw_load_compile_template(compiler, &pair->value, RW_LOAD_AS_IS, template);
    bool constant = rw_load_template_is_constant(template);
    struct rw_span value = rw_span_trim(rw_load_template_text(template));
    if (constant && !rw_is_field_value(value))
        rw_conf_mistake_on(compiler->report, &pair->value, "a value that no field has");
    request->headers[request->header_count++] =
        (struct rw_load_header){pair->key, constant ? value : RW_LITERAL("")};
    request->varies |= !constant;
}

static void compile_headers(struct rw_load_compiler *compiler,
                            const struct rw_load_config_step *from, struct rw_load_request *request,
                            struct rw_load_step *step)
{
    const struct rw_conf_list *common = &compiler->config->headers;
    const struct rw_conf_pair *pairs = common->items, *own = from->headers.items;
    /* One more than there may be: what is too much is compiled all the same. */
    step->headers =
        rw_load_compile_memory(compiler, (RW_LOAD_HEADERS_MAX + 1) * sizeof(*step->headers));
    for (size_t i = 0; step->headers && i < common->count; i++)
        if (!is_overridden(from, pairs[i].key))
            rw_load_compile_header(compiler, &pairs[i], request, step);
    for (size_t i = 0; step->headers && i < from->headers.count; i++)
        rw_load_compile_header(compiler, &own[i], request, step);
}

static void compile_target(struct rw_load_compiler *compiler,
                           const struct rw_load_config_step *from, struct rw_load_request *request,
                           struct rw_load_step *step)
{
    const struct rw_span *path = from->open.len ? &from->open : &from->path;
    if (path->len && path->at[0] != '/' && !rw_span_starts(*path, RW_LITERAL("${")))
        rw_conf_mistake_on(compiler->report, path, "a path begins with \"/\"");
    rw_load_compile_template(compiler, path, RW_LOAD_AS_TARGET, &step->target);
    if (!rw_load_template_is_constant(&step->target)) {
        request->varies = true;
        return;
    }
    request->target = rw_load_template_text(&step->target);
    for (size_t i = 0; i < request->target.len; i++)
        if (request->target.at[i] <= ' ' || request->target.at[i] > '~') {
            rw_conf_mistake_on(compiler->report, path,
                               "characters that no URL has: they are written as %%20 and the like");
            return;
        }
}

static void compile_body(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                         struct rw_load_request *request, struct rw_load_step *step)
{
    if (from->body_file.len) {
        const struct rw_span *bytes =
            rw_load_compile_file(compiler, &from->body_file, RW_LOAD_BODY_FILE_BYTES_MAX);
        request->body = bytes ? *bytes : RW_LITERAL("");
    } else if (from->body.len) {
        rw_load_compile_template(compiler, &from->body, RW_LOAD_AS_IS, &step->body);
        if (rw_load_template_is_constant(&step->body))
            request->body = rw_load_template_text(&step->body);
        else
            request->varies = true;
    }
}

static void name_request(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                         struct rw_load_request *request)
{
    bool has_body = from->body.len || from->body_file.len || from->grpc;
    request->method = from->method.len ? from->method
                      : has_body       ? RW_LITERAL("POST")
                                       : RW_LITERAL("GET");
    request->name = from->name;
    if (!from->name.len)
        request->name =
            rw_arena_format(compiler->arena, "%.*s %.*s",
                            RW_SPAN_ARGS(from->open.len ? RW_LITERAL("open") : request->method),
                            RW_SPAN_ARGS(from->open.len ? from->open : from->path));
    if (!request->name.at)
        compiler->report->err = RW_ENOMEM;
}

/* Where no check is about it. */
static void check_grpc_status(struct rw_load_compiler *compiler, const void *place,
                              struct rw_load_step *step)
{
    struct rw_load_check *check = rw_load_compile_new_check(compiler, step, place);
    if (!check)
        return;
    check->part = RW_LOAD_GRPC;
    check->statuses[check->status_count++] = 0;
    check->text = RW_LITERAL("gRPC status is 0");
}

/* ---- Think time ---- */

/* "1s" or "500ms-2s". */
static bool read_think(struct rw_span text, struct rw_load_step *step)
{
    ptrdiff_t dash = rw_span_find(text, '-');
    struct rw_span least = dash < 0 ? text : rw_span(text.at, (size_t)dash);
    struct rw_span most = dash < 0 ? text : rw_span_skip(text, (size_t)dash + 1);
    return !rw_conf_duration(least, &step->think_ms_least) &&
           !rw_conf_duration(most, &step->think_ms_most) &&
           step->think_ms_least <= step->think_ms_most;
}

void rw_load_compile_step(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                          struct rw_span think, const void *think_place, struct rw_load_step *step)
{
    struct rw_load_config *config = compiler->config;
    struct rw_load_request *request = &config->requests[config->request_count];
    *step = (struct rw_load_step){
        .request = config->request_count++, .times = from->times, .every_ms = from->every_ms};
    request->weight = 1;
    if (from->path.len || from->open.len) {
        name_request(compiler, from, request);
        compile_target(compiler, from, request, step);
        compile_headers(compiler, from, request, step);
        compile_body(compiler, from, request, step);
    }
    if (from->grpc)
        rw_load_compile_grpc(compiler, from->grpc, request, step);
    if (!from->path.len)
        rw_load_compile_socket(compiler, from, request, step);
    compile_checks(compiler, from, step);
    if (from->grpc && !step->judges_grpc)
        check_grpc_status(compiler, &from->path, step);
    if (think.len && !read_think(think, step))
        rw_conf_mistake_on(compiler->report, think_place,
                           "expected a time like 1s, or two like 500ms-2s");
}
