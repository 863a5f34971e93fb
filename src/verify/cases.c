#include "verify/cases.h"

#include "gate/config/config.h"
#include "verify/fit.h"

/* ---- What there is to disturb ---- */

static bool has_dependency(const struct rw_dependencies *dependencies, enum rw_dependency_kind kind,
                           struct rw_span name)
{
    for (size_t i = 0; i < dependencies->count; i++)
        if (dependencies->items[i].kind == kind && rw_span_eq(dependencies->items[i].name, name))
            return true;
    return false;
}

/* What the configuration does not show: servers that the file names. Of Redis there is one. */
static enum rw_err add_servers(const struct rw_acceptance *file, struct rw_arena *arena,
                               struct rw_dependencies *dependencies)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(file);
    size_t most = dependencies->count + file->servers.count;
    struct rw_dependency *items = rw_arena_zero(arena, (most + 1) * sizeof(*items));
    if (!items)
        return RW_ENOMEM;
    for (size_t i = 0; i < dependencies->count; i++)
        items[i] = dependencies->items[i];
    dependencies->items = items;
    for (size_t i = 0; i < file->servers.count; i++) {
        enum rw_dependency_kind kind = (enum rw_dependency_kind)servers[i].kind;
        struct rw_span name = kind == RW_DEPENDENCY_REDIS ? rw_span_text(rw_dependency_name(kind))
                                                          : servers[i].upstream;
        if (!has_dependency(dependencies, kind, name))
            items[dependencies->count++] =
                (struct rw_dependency){.kind = kind, .name = name, .place = servers[i].place};
    }
    return RW_OK;
}

/* Of a gateway whose configuration is not known, and of one that nobody knows. */
static enum rw_err add_outside(const struct rw_acceptance *file, struct rw_arena *arena,
                               struct rw_dependencies *dependencies)
{
    static const enum rw_dependency_kind kinds[] = {RW_DEPENDENCY_CLIENTS, RW_DEPENDENCY_WORKER,
                                                    RW_DEPENDENCY_LIMITS};
    size_t count = file->gateway ? 3 : 1;
    dependencies->items = rw_arena_zero(arena, count * sizeof(*dependencies->items));
    if (!dependencies->items)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++)
        dependencies->items[dependencies->count++] = (struct rw_dependency){
            .kind = kinds[i], .name = rw_span_text(rw_dependency_name(kinds[i]))};
    return RW_OK;
}

static enum rw_err read_config(const struct rw_acceptance *file, struct rw_arena *arena,
                               struct rw_record *record, struct rw_text *why)
{
    struct rw_conf_report mistakes = {0};
    struct rw_config *config;
    enum rw_err err = rw_config_load(file->gateway->config.at, arena, &config, &mistakes);
    if (err) {
        rw_conf_report_print(&mistakes, why);
        return err == RW_ENOMEM ? err : RW_EINVAL;
    }
    record->config = config;
    err = rw_acceptance_fits(file, config, why);
    return err ? err : rw_dependencies_of(config, arena, &record->dependencies);
}

/* ---- Cases ---- */

struct making {
    const struct rw_acceptance *file;
    struct rw_record *record;
    struct rw_case *cases;
    struct rw_text *why;
};

static bool add_case(struct making *making, unsigned fault, const struct rw_dependency *dependency)
{
    if (making->record->case_count == RW_CASES_MAX)
        return false;
    making->cases[making->record->case_count++] = (struct rw_case){fault, dependency};
    return true;
}

static void tell_unknown(const struct making *making, const struct rw_verify_fault *fault,
                         bool applies_elsewhere)
{
    const struct rw_dependencies *dependencies = &making->record->dependencies;
    rw_text_addf(making->why, "%s:%u:%u: ", making->file->path, fault->place.line,
                 fault->place.column);
    if (!applies_elsewhere) {
        rw_text_addf(making->why,
                     "nothing here can suffer from %s: `gateway` and `servers` say what there is\n",
                     fault->cause.at);
        return;
    }
    rw_text_addf(making->why, "%s cannot be caused on \"%s\"; it can on", fault->cause.at,
                 fault->on.at);
    const char *separator = "";
    for (size_t i = 0; i < dependencies->count; i++) {
        if (!rw_fault_applies(fault->class, dependencies->items[i].kind))
            continue;
        rw_text_addf(making->why, "%s %.*s", separator, RW_SPAN_ARGS(dependencies->items[i].name));
        separator = ",";
    }
    rw_text_adds(making->why, "\n");
}

static enum rw_err add_fault(struct making *making, unsigned index)
{
    const struct rw_verify_fault *fault = &rw_acceptance_faults(making->file)[index];
    const struct rw_dependencies *dependencies = &making->record->dependencies;
    bool applies = false, found = false;
    for (size_t i = 0; i < dependencies->count; i++) {
        const struct rw_dependency *dependency = &dependencies->items[i];
        if (!rw_fault_applies(fault->class, dependency->kind))
            continue;
        applies = true;
        if (fault->on.len && !rw_span_eq(fault->on, dependency->name))
            continue;
        found = true;
        if (!add_case(making, index, dependency))
            return RW_ELIMIT;
    }
    if (!found)
        tell_unknown(making, fault, applies);
    return found ? RW_OK : RW_EINVAL;
}

enum rw_err rw_cases_make(const struct rw_acceptance *file, struct rw_arena *arena,
                          struct rw_record *record, struct rw_text *why)
{
    struct making making = {.file = file, .record = record, .why = why};
    bool known = file->gateway && file->gateway->config.len;
    enum rw_err err = known ? read_config(file, arena, record, why)
                            : add_outside(file, arena, &record->dependencies);
    if (!err)
        err = add_servers(file, arena, &record->dependencies);
    if (err)
        return err;
    making.cases = rw_arena_zero(arena, RW_CASES_MAX * sizeof(*making.cases));
    if (!making.cases)
        return RW_ENOMEM;
    record->cases = making.cases;
    for (unsigned i = 0; i < file->faults.count; i++) {
        enum rw_err wrong = add_fault(&making, i);
        err = err ? err : wrong;
    }
    return err ? err : rw_record_take_cases(record, file->fault_repetitions);
}

double rw_cases_seconds(const struct rw_acceptance *file, const struct rw_record *record)
{
    const struct rw_verify_fault *faults = rw_acceptance_faults(file);
    double sum = 0;
    for (unsigned i = 0; i < record->case_count; i++)
        sum += rw_acceptance_fault_seconds(&faults[record->cases[i].fault]);
    return rw_acceptance_load_seconds(file) + sum * record->fault_repetitions;
}
