/* Within conf: the records of a tree, each once, in the order in which a reader of the tables meets
 * them. For the schema and the manual.
 */
#ifndef RW_CONF_RECORDS_H
#define RW_CONF_RECORDS_H

#include "base/text.h"
#include "conf/schema.h"

enum { RW_CONF_RECORDS_MAX = 512, RW_CONF_RECORD_NAME_MAX = 96 };

struct rw_conf_records {
    const struct rw_conf_record *items[RW_CONF_RECORDS_MAX];
    size_t count;
};

void rw_conf_records(const struct rw_conf_record *root, struct rw_conf_records *records);

/* The record's name with '_' for blanks, unique in the tree: `to` has RW_CONF_RECORD_NAME_MAX
 * bytes; returns `to`. */
char *rw_conf_record_id(const struct rw_conf_records *records, const struct rw_conf_record *record,
                        char *to);

#endif
