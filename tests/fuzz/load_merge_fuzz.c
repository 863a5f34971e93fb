/* A result of a load run that is to be merged: whatever it says, it is added or refused, and what
 * was added can be reported. */
#include "load/merge.h"
#include "load/report.h"

#include "base/alloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_load_merge *merge = rw_alloc_zero(sizeof(*merge));
    struct rw_text text = {0};
    char why[256];
    if (!merge || rw_load_merge_begin(merge))
        abort();
    struct rw_span json = rw_span((const char *)data, size);
    enum rw_err err = rw_load_merge_add(merge, json, why);
    rw_assert(err != RW_EINVAL || why[0]);
    if (!err) {
        err = rw_load_merge_add(merge, json, why);
        rw_assert(!err);
        rw_load_report_json(&merge->settings, &merge->result, &text);
        rw_load_report_text(&merge->settings, &merge->result, &text);
    }
    rw_text_free(&text);
    rw_load_merge_free(merge);
    rw_free(merge);
    return 0;
}
