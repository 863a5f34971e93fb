/* The table of the whole file, and reading it. */
#include "verify/acceptance.h"

#include "load/settings.h"
#include "verify/acceptance_tables.h"
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
        .name = "what",
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
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(targets),
        .record = &rw_acceptance_target_record,
        .doc = "What must hold, under one of the loads each.",
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

enum rw_err rw_acceptance_read(const char *path, struct rw_arena *arena,
                               struct rw_acceptance **file, struct rw_conf_report *report)
{
    struct rw_acceptance *read = rw_arena_alloc(arena, sizeof(*read));
    *file = read;
    if (!read)
        return RW_ENOMEM;
    enum rw_err err = rw_conf_read_file(path, &rw_acceptance_record, arena, read, report);
    if (!err && read->gateway)
        err = beside(path, arena, &read->gateway->config);
    if (!err)
        err = beside(path, arena, &read->ca);
    read->path = path;
    return err;
}

double rw_acceptance_seconds(const struct rw_acceptance *file)
{
    const struct rw_verify_load *loads = rw_acceptance_loads(file);
    double sum = 0;
    for (size_t i = 0; i < file->loads.count; i++)
        sum += (loads[i].duration_ms + loads[i].warmup_ms) / 1e3;
    return sum * file->repetitions;
}
