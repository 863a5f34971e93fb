/* The table of the whole file, and reading it. */
#include "verify/acceptance.h"

#include "load/settings.h"
#include "verify/acceptance_tables.h"
#include "verify/openslo.h"
#include "verify/target.h"

static const char *const schemas[] = {"ringway.acceptance/1", NULL};
static const struct rw_conf_variant_kind *const *const target_kinds = rw_target_kinds;

/* ---- A target ---- */

#define MEMBER(member) offsetof(struct rw_verify_target, member)

static const struct rw_conf_field target_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .max = 128,
        .doc = "What reports call it; without one, they say what it is.",
        .example = "Pages are quick",
    },
    {
        .name = "load",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(load_name),
        .max = 64,
        .doc = "The name of the load under which it must hold; without one, the first.",
        .example = "peak",
    },
    {
        .name = "target",
        .type = RW_CONF_VARIANT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(what),
        .variants = &target_kinds,
        .doc = "What must hold, one of:",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_target_record = {
    .name = "target",
    .doc = "Something that must hold.",
    .size = sizeof(struct rw_verify_target),
    .fields = target_fields,
    .place_offset = offsetof(struct rw_verify_target, place),
};

/* ---- The file ---- */

#define MEMBER(member) offsetof(struct rw_acceptance, member)

static const struct rw_conf_field fields[] = {
    {
        .name = "schema",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(schema),
        .names = schemas,
        .fallback = "ringway.acceptance/1",
        .doc = "The form of this file.",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .max = 256,
        .doc = "Of the system, for reports.",
        .example = "Shop",
    },
    {
        .name = "gateway",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(gateway),
        .record = &rw_acceptance_gateway_record,
        .doc = "The gateway to start. Without it, what runs at `url` is judged.",
    },
    {
        .name = "url",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(url),
        .min = 1,
        .max = 4096,
        .doc = "Where the load goes: a loopback address, or one that `--allow-target` names.",
        .example = "http://127.0.0.1:8080",
    },
    {
        .name = "ca",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(ca),
        .max = 4096,
        .doc = "With https: a file of certificates to trust instead of the system's; relative to "
               "the acceptance file.",
    },
    {
        .name = "insecure",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(insecure),
        .fallback = "false",
        .doc = "With https: trust any certificate.",
    },
    {
        .name = "servers",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(servers),
        .record = &rw_acceptance_server_record,
        .doc = "What stands behind the gateway: started, too, where it says how.",
    },
    {
        .name = "requests",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(requests),
        .record = &rw_acceptance_request_record,
        .doc = "What is sent; without it `GET /`.",
    },
    {
        .name = "load",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_UNIQUE,
        .offset = MEMBER(loads),
        .record = &rw_acceptance_load_record,
        .doc = "The loads, one after the other.",
    },
    {
        .name = "targets",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(targets),
        .record = &rw_acceptance_target_record,
        .doc = "What must hold, under one of the loads each.",
    },
    {
        .name = "openslo",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(openslo),
        .max = 4096,
        .doc =
            "A file with objectives (OpenSLO v1), which are targets, too: ratios with a bucket of "
            "a histogram (latency), other ratios (availability). Relative to this file.",
        .example = "openslo.yaml",
    },
    {
        .name = "faults",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(faults),
        .record = &rw_acceptance_fault_record,
        .doc = "What goes wrong, one after the other.",
    },
    {
        .name = "fault_repetitions",
        .type = RW_CONF_UINT,
        .offset = MEMBER(fault_repetitions),
        .fallback = "1",
        .min = 1,
        .max = RW_ACCEPTANCE_REPETITIONS_MAX,
        .doc = "How often each fault is caused; at most as often as all is repeated.",
    },
    {
        .name = "repetitions",
        .type = RW_CONF_UINT,
        .offset = MEMBER(repetitions),
        .fallback = "3",
        .min = 1,
        .max = RW_ACCEPTANCE_REPETITIONS_MAX,
        .doc = "How often all of it is done. Verdicts get surer with the square root of it; one "
               "alone says nothing of how runs differ.",
    },
    {
        .name = "confidence_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(confidence_percent),
        .fallback = "95",
        .min = 50,
        .max = 100,
        .doc = "How sure a verdict must be; below 100.",
    },
    {
        .name = "seed",
        .type = RW_CONF_UINT,
        .offset = MEMBER(seed),
        .fallback = "1",
        .doc = "Of what is random: arrivals, the order of requests.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_record = {
    .name = "acceptance",
    .doc = "The whole file.",
    .size = sizeof(struct rw_acceptance),
    .fields = fields,
    .place_offset = -1,
    .check = rw_acceptance_check,
};

/* ---- Reading ---- */

/* As seen from where the acceptance file is. */
static enum rw_err beside(const char *path, struct rw_arena *arena, struct rw_span *name)
{
    const char *slash = strrchr(path, '/');
    if (!name->len || name->at[0] == '/' || !slash)
        return RW_OK;
    *name = rw_arena_format(arena, "%.*s/%.*s", (int)(slash - path), path, RW_SPAN_ARGS(*name));
    return name->at ? RW_OK : RW_ENOMEM;
}

static enum rw_err find_files(const char *path, struct rw_arena *arena, struct rw_acceptance *file)
{
    struct rw_verify_server *servers = file->servers.items;
    enum rw_err err = file->gateway ? beside(path, arena, &file->gateway->config) : RW_OK;
    if (!err && file->gateway)
        err = beside(path, arena, &file->gateway->pid_file);
    for (size_t i = 0; i < file->servers.count && !err; i++)
        err = beside(path, arena, &servers[i].pid_file);
    if (!err)
        err = beside(path, arena, &file->ca);
    return err ? err : beside(path, arena, &file->openslo);
}

static enum rw_err add_objectives(struct rw_acceptance *file, struct rw_arena *arena,
                                  struct rw_conf_report *report)
{
    struct rw_text mistakes = {0};
    enum rw_err err = rw_openslo_read(file->openslo.at, arena, &file->targets, &mistakes);
    if (err && mistakes.len)
        rw_conf_mistake_at(report, file->openslo_place, "%.*s", (int)mistakes.len - 1, mistakes.at);
    rw_text_free(&mistakes);
    if (!err && !file->targets.count)
        rw_conf_mistake_at(report, file->openslo_place, "there is no objective in %s",
                           file->openslo.at);
    return !err && !file->targets.count ? RW_EINVAL : err;
}

enum rw_err rw_acceptance_read(const char *path, struct rw_arena *arena,
                               struct rw_acceptance **file, struct rw_conf_report *report)
{
    struct rw_acceptance *read = rw_arena_alloc(arena, sizeof(*read));
    *file = read;
    if (!read)
        return RW_ENOMEM;
    enum rw_err err = rw_conf_read_file(path, &rw_acceptance_record, arena, read, report);
    if (!err)
        err = find_files(path, arena, read);
    if (!err && read->openslo.len)
        err = add_objectives(read, arena, report);
    read->path = path;
    return err;
}

double rw_acceptance_load_seconds(const struct rw_acceptance *file)
{
    const struct rw_verify_load *loads = rw_acceptance_loads(file);
    double sum = 0;
    for (size_t i = 0; i < file->loads.count; i++)
        sum += (loads[i].duration_ms + loads[i].warmup_ms) / 1e3;
    return sum * file->repetitions;
}

double rw_acceptance_fault_seconds(const struct rw_verify_fault *fault)
{
    return (fault->before_ms + (double)fault->for_ms + fault->recovery_ms_max) / 1e3;
}

double rw_acceptance_seconds(const struct rw_acceptance *file)
{
    const struct rw_verify_fault *faults = rw_acceptance_faults(file);
    double sum = rw_acceptance_load_seconds(file);
    for (size_t i = 0; i < file->faults.count; i++)
        sum += rw_acceptance_fault_seconds(&faults[i]) * file->fault_repetitions;
    return sum;
}
