/* Any bytes as a configuration: no crash, no leak, and a report that says what the result says. */
#include "base/utf8.h"
#include "support/conf_sample.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct rw_span text)
{
    while (text.len) {
        size_t len = rw_utf8_length(text);
        rw_assert(len > 0);
        rw_assert((unsigned char)text.at[0] >= 0x20);
        text = rw_span_skip(text, len);
    }
}

static void check_report(const struct rw_conf_report *report, enum rw_err err)
{
    rw_assert((err == RW_OK) == (report->count == 0) || err == RW_ENOMEM);
    rw_assert(report->count <= RW_CONF_MISTAKES_MAX);
    for (size_t i = 0; i < report->count; i++) {
        check_text(report->mistakes[i].message);
        rw_assert(report->mistakes[i].message.len > 0);
    }
    struct rw_text text = {0};
    rw_conf_report_print(report, &text);
    rw_text_free(&text);
}

static void touch(struct rw_span text)
{
    rw_assert(text.at && strlen(text.at) == text.len);
}

static void check_sample(const struct sample *sample)
{
    touch(sample->text);
    touch(sample->address);
    touch(sample->remote);
    touch(sample->cidr);
    rw_assert(sample->always && sample->shape.kind && sample->shape.value);
    rw_assert(sample->number >= 1 && sample->number <= 99);
    for (size_t i = 0; i < sample->texts.count; i++)
        touch(((struct rw_span *)sample->texts.items)[i]);
    for (size_t i = 0; i < sample->map.count; i++)
        touch(((struct rw_conf_pair *)sample->map.items)[i].value);
    for (size_t i = 0; i < sample->points.count; i++)
        rw_assert(((struct sample_point *)sample->points.items)[i].x <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    if (!begun)
        setenv("RW_FUZZ", "a value", 1);
    begun = true;
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 16 << 10, SAMPLE_BYTES_MAX);
    struct rw_conf_report report = {0};
    struct sample sample;
    enum rw_err err = rw_conf_read_text(rw_span((const char *)data, size), "fuzz.yaml",
                                        &sample_record, &arena, &sample, &report);
    check_report(&report, err);
    if (!err)
        check_sample(&sample);
    rw_arena_free(&arena);
    return 0;
}
