#include "conf/records.h"

#include "conf/decode.h"

#include <stdio.h>

static bool known(const struct rw_conf_records *records, const struct rw_conf_record *record)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->items[i] == record)
            return true;
    return false;
}

static void add(struct rw_conf_records *records, const struct rw_conf_record *record)
{
    if (!record || known(records, record))
        return;
    rw_assert(records->count < RW_CONF_RECORDS_MAX);
    records->items[records->count++] = record;
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        if (field->type == RW_CONF_RECORD)
            add(records, field->record);
        if (field->type == RW_CONF_VARIANT)
            for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field); *kind;
                 kind++)
                add(records, (*kind)->record);
    }
}

void rw_conf_records(const struct rw_conf_record *root, struct rw_conf_records *records)
{
    records->count = 0;
    add(records, root);
}

char *rw_conf_record_id(const struct rw_conf_records *records, const struct rw_conf_record *record,
                        char *to)
{
    unsigned same = 1;
    for (size_t i = 0; i < records->count && records->items[i] != record; i++)
        same += strcmp(records->items[i]->name, record->name) == 0;
    if (same > 1)
        snprintf(to, RW_CONF_RECORD_NAME_MAX, "%s-%u", record->name, same);
    else
        snprintf(to, RW_CONF_RECORD_NAME_MAX, "%s", record->name);
    for (char *c = to; *c; c++)
        if (*c == ' ')
            *c = '_';
    return to;
}
