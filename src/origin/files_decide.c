#include "origin/files_private.h"

/* ---- Dates ---- */

bool rw_files_date(struct rw_span text, time_t *seconds)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate */
        "%a, %d-%b-%y %H:%M:%S GMT", /* RFC 850, with the day's name in full */
        "%a %b %d %H:%M:%S %Y",      /* asctime */
    };
    char copy[64];
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at ? text.at : "", text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct tm parts = {0};
        const char *end = strptime(copy, forms[i], &parts);
        if (end && *end == '\0') {
            *seconds = timegm(&parts);
            return true;
        }
    }
    return false;
}

/* ---- Entity tags (RFC 9110 section 8.8.3) ---- */

/* Is the tag, or "*", in the lists of all fields of this name? A tag may hold commas: the list is
 * read tag by tag. */
static bool list_has_tag(struct rw_span list, struct rw_span tag, bool weak_too)
{
    if (rw_span_is(list, "*"))
        return true;
    while (list.len) {
        bool weak = rw_span_starts(list, RW_LITERAL("W/"));
        struct rw_span rest = weak ? rw_span_skip(list, 2) : list;
        if (rest.len == 0 || rest.at[0] != '"')
            return false;
        ptrdiff_t end = rw_span_find(rw_span_skip(rest, 1), '"');
        if (end < 0)
            return false;
        struct rw_span one = rw_span(rest.at, (size_t)end + 2);
        if (rw_span_eq(one, tag) && (weak_too || !weak))
            return true;
        list = rw_span_trim(rw_span_skip(rest, one.len));
        if (list.len && list.at[0] != ',')
            return false;
        while (list.len && (list.at[0] == ',' || list.at[0] == ' ' || list.at[0] == '\t'))
            list = rw_span_skip(list, 1);
    }
    return false;
}

static bool any_list_has_tag(const struct rw_message *request, enum rw_field_id id,
                             struct rw_span tag, bool weak_too)
{
    for (unsigned i = 0; i < request->field_count; i++)
        if (request->fields[i].id == id && list_has_tag(request->fields[i].value, tag, weak_too))
            return true;
    return false;
}

/* ---- Conditions ---- */

static bool precondition_failed(const struct rw_message *request,
                                const struct rw_files_version *version)
{
    time_t since;
    if (rw_message_find(request, RW_FIELD_IF_MATCH))
        return !any_list_has_tag(request, RW_FIELD_IF_MATCH, version->etag, false);
    return rw_files_date(rw_message_value(request, RW_FIELD_IF_UNMODIFIED_SINCE), &since) &&
           version->modified > since;
}

static bool not_modified(const struct rw_message *request, const struct rw_files_version *version)
{
    time_t since;
    if (rw_message_find(request, RW_FIELD_IF_NONE_MATCH))
        return any_list_has_tag(request, RW_FIELD_IF_NONE_MATCH, version->etag, true);
    return rw_files_date(rw_message_value(request, RW_FIELD_IF_MODIFIED_SINCE), &since) &&
           version->modified <= since;
}

/* The client has parts of this very version (strong comparison; RFC 9110 section 13.1.5). */
static bool range_applies(const struct rw_message *request, const struct rw_files_version *version)
{
    const struct rw_field *field = rw_message_find(request, RW_FIELD_IF_RANGE);
    time_t date;
    if (!field)
        return true;
    if (field->value.len && field->value.at[0] == '"')
        return rw_span_eq(field->value, version->etag);
    return rw_files_date(field->value, &date) && date == version->modified;
}

/* ---- Ranges (RFC 9110 section 14.1.2) ---- */

static enum rw_files_outcome last_bytes(struct rw_span text, uint64_t size,
                                        struct rw_files_range *range)
{
    uint64_t count;
    if (!rw_span_to_u64(text, &count))
        return RW_FILES_WHOLE;
    if (count == 0 || size == 0)
        return RW_FILES_UNSATISFIABLE;
    range->bytes = count < size ? count : size;
    range->start = size - range->bytes;
    return RW_FILES_PART;
}

static enum rw_files_outcome read_range(struct rw_span text, uint64_t size,
                                        struct rw_files_range *range)
{
    if (text.len < 6 || !rw_span_is_nocase(rw_span(text.at, 6), "bytes="))
        return RW_FILES_WHOLE;
    text = rw_span_trim(rw_span_skip(text, 6));
    ptrdiff_t dash = rw_span_find(text, '-');
    if (dash < 0)
        return RW_FILES_WHOLE;
    struct rw_span first = rw_span(text.at, (size_t)dash);
    struct rw_span last = rw_span_skip(text, (size_t)dash + 1);
    if (first.len == 0)
        return last_bytes(last, size, range);
    uint64_t from, to = UINT64_MAX;
    if (!rw_span_to_u64(first, &from) || (last.len && !rw_span_to_u64(last, &to)) || to < from)
        return RW_FILES_WHOLE;
    if (from >= size)
        return RW_FILES_UNSATISFIABLE;
    range->start = from;
    range->bytes = (to < size ? to + 1 : size) - from;
    return RW_FILES_PART;
}

enum rw_files_outcome rw_files_decide(const struct rw_message *request,
                                      const struct rw_files_version *version,
                                      struct rw_files_range *range)
{
    *range = (struct rw_files_range){0, version->bytes};
    if (precondition_failed(request, version))
        return RW_FILES_FAILED;
    if (not_modified(request, version))
        return RW_FILES_NOT_MODIFIED;
    const struct rw_field *field = rw_message_find(request, RW_FIELD_RANGE);
    if (!field || request->method != RW_METHOD_GET || !range_applies(request, version))
        return RW_FILES_WHOLE;
    return read_range(field->value, version->bytes, range);
}
