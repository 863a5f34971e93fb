/* A record tree with every type and flag there is, for the tests and the fuzzer of conf. */
#ifndef RW_SUPPORT_CONF_SAMPLE_H
#define RW_SUPPORT_CONF_SAMPLE_H

#include "conf/read.h"

enum { SAMPLE_BYTES_MAX = 64 << 20 };

struct sample_point {
    struct rw_span name;
    uint32_t x, y;
    struct rw_conf_place place;
};

struct sample_circle {
    uint32_t radius;
};

struct sample {
    bool flag;
    uint32_t number;
    int32_t integer;
    uint32_t duration_ms;
    uint64_t size;
    struct rw_span text, secret, address, remote, cidr;
    int color;
    struct sample_point *point;
    struct sample_point *always;
    struct rw_conf_list points, texts, numbers, colors, map;
    struct rw_conf_variant shape;
    struct rw_conf_variant extra;
};

static const struct rw_conf_field sample_point_fields[] = {
    {.name = "name", .type = RW_CONF_TEXT, .offset = offsetof(struct sample_point, name)},
    {.name = "x",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct sample_point, x),
     .flags = RW_CONF_REQUIRED,
     .max = 100,
     .example = "1"},
    {.name = "y",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct sample_point, y),
     .fallback = "7"},
    {.name = NULL},
};

static inline void sample_check_point(void *value, struct rw_conf_report *report)
{
    struct sample_point *point = value;
    if (point->x == 13)
        rw_conf_mistake_on(report, &point->x, "13 brings bad luck");
    if (point->y == 13)
        rw_conf_mistake_at(report, point->place, "13 brings bad luck, %s",
                           rw_conf_quote(report, point->name));
}

static const struct rw_conf_record sample_point_record = {
    .name = "point",
    .doc = "A point, or its x alone.",
    .size = sizeof(struct sample_point),
    .fields = sample_point_fields,
    .place_offset = offsetof(struct sample_point, place),
    .scalar_field = "x",
    .check = sample_check_point,
};

static const struct rw_conf_field sample_always_fields[] = {
    {.name = "y",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct sample_point, y),
     .fallback = "5"},
    {.name = NULL},
};

static const struct rw_conf_record sample_always_record = {
    .name = "always",
    .doc = "There even when nobody wrote it.",
    .size = sizeof(struct sample_point),
    .fields = sample_always_fields,
    .place_offset = -1,
};

static const struct rw_conf_field sample_circle_fields[] = {
    {.name = "radius",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct sample_circle, radius),
     .fallback = "3"},
    {.name = NULL},
};

static const struct rw_conf_record sample_circle_record = {
    .name = "circle",
    .size = sizeof(struct sample_circle),
    .fields = sample_circle_fields,
    .place_offset = -1,
};

static const struct rw_conf_variant_kind sample_circle = {.name = "circle",
                                                          .record = &sample_circle_record,
                                                          .doc = "Round."};
static const struct rw_conf_variant_kind sample_square = {.name = "square",
                                                          .doc = "With four corners.",
                                                          .example = "big"};
static const struct rw_conf_variant_kind *const sample_shape_kinds[] = {&sample_circle,
                                                                        &sample_square, NULL};
static const struct rw_conf_variant_kind *const *const sample_shapes = sample_shape_kinds;
static const struct rw_conf_variant_kind sample_extra = {.name = "extra",
                                                         .record = &sample_point_record,
                                                         .doc = "More."};
static const struct rw_conf_variant_kind *const sample_extra_kinds[] = {&sample_extra, NULL};
static const struct rw_conf_variant_kind *const *const sample_extras = sample_extra_kinds;

static const char *const sample_colors[] = {"red", "green", "blue", "1.5", NULL};

static const struct rw_conf_field sample_fields[] = {
    {.name = "flag",
     .type = RW_CONF_BOOL,
     .offset = offsetof(struct sample, flag),
     .fallback = "true",
     .doc = "Yes | no."},
    {.name = "number",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct sample, number),
     .fallback = "10",
     .min = 1,
     .max = 99},
    {.name = "integer", .type = RW_CONF_INT, .offset = offsetof(struct sample, integer)},
    {.name = "duration",
     .type = RW_CONF_DURATION,
     .offset = offsetof(struct sample, duration_ms),
     .fallback = "1.5s",
     .min = 1,
     .max = 3600000},
    {.name = "size",
     .type = RW_CONF_SIZE,
     .offset = offsetof(struct sample, size),
     .fallback = "64KiB"},
    {.name = "text",
     .type = RW_CONF_TEXT,
     .offset = offsetof(struct sample, text),
     .min = 1,
     .max = 8},
    {.name = "secret",
     .type = RW_CONF_SECRET,
     .offset = offsetof(struct sample, secret),
     .min = 8,
     .max = 64},
    {.name = "address", .type = RW_CONF_ADDRESS, .offset = offsetof(struct sample, address)},
    {.name = "remote",
     .type = RW_CONF_ADDRESS,
     .flags = RW_CONF_REMOTE,
     .offset = offsetof(struct sample, remote)},
    {.name = "cidr", .type = RW_CONF_CIDR, .offset = offsetof(struct sample, cidr)},
    {.name = "color",
     .type = RW_CONF_ENUM,
     .offset = offsetof(struct sample, color),
     .names = sample_colors,
     .fallback = "green"},
    {.name = "point",
     .type = RW_CONF_RECORD,
     .offset = offsetof(struct sample, point),
     .record = &sample_point_record},
    {.name = "always",
     .type = RW_CONF_RECORD,
     .flags = RW_CONF_ALWAYS,
     .offset = offsetof(struct sample, always),
     .record = &sample_always_record},
    {.name = "points",
     .type = RW_CONF_RECORD,
     .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
     .offset = offsetof(struct sample, points),
     .record = &sample_point_record},
    {.name = "texts",
     .type = RW_CONF_TEXT,
     .flags = RW_CONF_LIST,
     .offset = offsetof(struct sample, texts),
     .fallback = "[a, b]"},
    {.name = "numbers",
     .type = RW_CONF_UINT,
     .flags = RW_CONF_LIST,
     .offset = offsetof(struct sample, numbers)},
    {.name = "colors",
     .type = RW_CONF_ENUM,
     .flags = RW_CONF_LIST,
     .offset = offsetof(struct sample, colors),
     .names = sample_colors},
    {.name = "map",
     .type = RW_CONF_TEXT,
     .flags = RW_CONF_MAP,
     .offset = offsetof(struct sample, map)},
    {.name = "shape",
     .type = RW_CONF_VARIANT,
     .flags = RW_CONF_REQUIRED,
     .offset = offsetof(struct sample, shape),
     .variants = &sample_shapes,
     .doc = "One of them."},
    {.name = "more",
     .type = RW_CONF_VARIANT,
     .offset = offsetof(struct sample, extra),
     .variants = &sample_extras,
     .doc = "And this."},
    {.name = NULL},
};

static const struct rw_conf_record sample_record = {
    .name = "sample",
    .doc = "Everything.",
    .size = sizeof(struct sample),
    .fields = sample_fields,
    .place_offset = -1,
};

#endif
