#include "io/resp.h"

enum { NUMBER_DIGITS_MAX = 20 };

static bool kind_of(char c, enum rw_resp_kind *kind)
{
    static const char marks[] = {[RW_RESP_STATUS] = '+',
                                 [RW_RESP_ERROR] = '-',
                                 [RW_RESP_INTEGER] = ':',
                                 [RW_RESP_BULK] = '$',
                                 [RW_RESP_ARRAY] = '*'};
    for (unsigned i = 0; i < sizeof(marks); i++)
        if (marks[i] == c) {
            *kind = i;
            return true;
        }
    return false;
}

static bool number_of(struct rw_span text, int64_t *number)
{
    uint64_t value;
    bool negative = text.len && text.at[0] == '-';
    if (text.len > NUMBER_DIGITS_MAX || !rw_span_to_u64(rw_span_skip(text, negative), &value) ||
        value > INT64_MAX)
        return false;
    *number = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* The line up to CRLF; `rest` advances past it. */
static enum rw_resp_result take_line(struct rw_span *rest, struct rw_span *line)
{
    ptrdiff_t end = rw_span_find(*rest, '\n');
    if (end < 0)
        return RW_RESP_PART;
    if (end == 0 || rest->at[end - 1] != '\r')
        return RW_RESP_BAD;
    *line = rw_span(rest->at, (size_t)end - 1);
    *rest = rw_span_skip(*rest, (size_t)end + 1);
    return RW_RESP_WHOLE;
}

static enum rw_resp_result take_bulk(struct rw_span *rest, struct rw_resp_value *value)
{
    if (value->number < 0) {
        value->null = true;
        return value->number == -1 ? RW_RESP_WHOLE : RW_RESP_BAD;
    }
    if (value->number > RW_RESP_REPLY_BYTES_MAX)
        return RW_RESP_BAD;
    size_t len = (size_t)value->number;
    if (rest->len < len + 2)
        return RW_RESP_PART;
    if (rest->at[len] != '\r' || rest->at[len + 1] != '\n')
        return RW_RESP_BAD;
    value->text = rw_span(rest->at, len);
    *rest = rw_span_skip(*rest, len + 2);
    return RW_RESP_WHOLE;
}

/* One value; of an array only its head. */
static enum rw_resp_result take(struct rw_span *rest, struct rw_resp_value *value)
{
    struct rw_span line;
    *value = (struct rw_resp_value){0};
    if (rest->len == 0)
        return RW_RESP_PART;
    if (!kind_of(rest->at[0], &value->kind))
        return RW_RESP_BAD;
    enum rw_resp_result result = take_line(rest, &line);
    if (result != RW_RESP_WHOLE)
        return result;
    line = rw_span_skip(line, 1);
    if (value->kind == RW_RESP_STATUS || value->kind == RW_RESP_ERROR) {
        value->text = line;
        return RW_RESP_WHOLE;
    }
    if (!number_of(line, &value->number))
        return RW_RESP_BAD;
    if (value->kind == RW_RESP_BULK)
        return take_bulk(rest, value);
    if (value->kind == RW_RESP_ARRAY && value->number < 0) {
        value->null = true;
        return value->number == -1 ? RW_RESP_WHOLE : RW_RESP_BAD;
    }
    return RW_RESP_WHOLE;
}

enum rw_resp_result rw_resp_whole(struct rw_span bytes, size_t *len)
{
    struct rw_span rest = bytes;
    int64_t open[RW_RESP_DEPTH_MAX + 1] = {1}; /* values still to come, by depth */
    unsigned depth = 0, items = 0;
    while (depth > 0 || open[0] > 0) {
        struct rw_resp_value value;
        enum rw_resp_result result = take(&rest, &value);
        if (result == RW_RESP_PART)
            return bytes.len > RW_RESP_REPLY_BYTES_MAX ? RW_RESP_BAD : RW_RESP_PART;
        if (result == RW_RESP_BAD || ++items > RW_RESP_ITEMS_MAX)
            return RW_RESP_BAD;
        open[depth]--;
        if (value.kind == RW_RESP_ARRAY && !value.null && value.number > 0) {
            if (depth == RW_RESP_DEPTH_MAX || value.number > RW_RESP_ITEMS_MAX)
                return RW_RESP_BAD;
            open[++depth] = value.number;
        }
        while (depth > 0 && open[depth] == 0)
            depth--;
    }
    *len = bytes.len - rest.len;
    return RW_RESP_WHOLE;
}

bool rw_resp_next(struct rw_span *rest, struct rw_resp_value *value)
{
    return rest->len && take(rest, value) == RW_RESP_WHOLE;
}

void rw_resp_begin(struct rw_text *text, unsigned words)
{
    rw_text_addf(text, "*%u\r\n", words);
}

void rw_resp_word(struct rw_text *text, struct rw_span word)
{
    rw_text_addf(text, "$%zu\r\n", word.len);
    rw_text_add(text, word);
    rw_text_adds(text, "\r\n");
}
