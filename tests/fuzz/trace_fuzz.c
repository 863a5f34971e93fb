/* traceparent against the grammar of the recommendation, read byte by byte. */
#include "base/err.h"
#include "watch/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_hex(struct rw_span text, bool may_be_zero)
{
    bool zero = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        zero = zero && c == '0';
    }
    return may_be_zero || !zero;
}

static bool valid_by_grammar(struct rw_span value)
{
    if (value.len < 55 || value.at[2] != '-' || value.at[35] != '-' || value.at[52] != '-')
        return false;
    struct rw_span version = rw_span(value.at, 2);
    if (!is_hex(version, true) || rw_span_is(version, "ff") ||
        !is_hex(rw_span(value.at + 3, 32), false) || !is_hex(rw_span(value.at + 36, 16), false) ||
        !is_hex(rw_span(value.at + 53, 2), true))
        return false;
    return value.len == 55 || (!rw_span_is(version, "00") && value.at[55] == '-');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span value = rw_span((const char *)data, size);
    bool valid = rw_traceparent_valid(value);
    rw_assert(valid == valid_by_grammar(value));
    if (valid)
        rw_assert(is_hex(rw_traceparent_trace_id(value), false));
    return 0;
}
