/* Within conf: decode.c walks records; value.c decodes what stands in one field.
 */
#ifndef RW_CONF_DECODE_H
#define RW_CONF_DECODE_H

#include "conf/reader.h"

enum { RW_CONF_FIELDS_MAX = 64, RW_CONF_NAMES_MAX = 128 };

/* Bytes of one value of the field's type. */
size_t rw_conf_type_size(const struct rw_conf_field *field);

/* Keeps a copy of `site`, and expands its node's text. NULL at the limit of values or when out of
 * memory: the caller goes back at once. */
struct rw_conf_site *rw_conf_site_add(struct rw_conf_reader *reader,
                                      const struct rw_conf_site *site);

/* Tells that there are too many values, and stops the read. */
void rw_conf_tell_limit(struct rw_conf_reader *reader, struct rw_conf_site *parent,
                        struct rw_conf_place place);

/* What stands at `node` (NULL: nothing) into the member at `to`, with the field's default. */
void rw_conf_decode_field(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                          struct rw_conf_site *site, struct rw_conf_node *node, void *to);

/* `out` is zeroed. `node` NULL: all defaults. */
void rw_conf_decode_record(struct rw_conf_reader *reader, const struct rw_conf_record *record,
                           struct rw_conf_site *site, struct rw_conf_node *node, void *out);

/* One value, neither list nor map. */
void rw_conf_decode_one(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                        struct rw_conf_site *site, struct rw_conf_node *node, void *to);

/* The words that stand for a value that no message shows: it is a secret, or comes from the
 * environment. NULL: it may be shown. */
const char *rw_conf_hidden(const struct rw_conf_site *site);

/* `key: null`, `key: ~`, `key:`. */
bool rw_conf_is_null(struct rw_conf_node *node);

/* Memory for results; NULL is remembered in reader->err. */
void *rw_conf_result(struct rw_conf_reader *reader, size_t size);

const struct rw_conf_field *rw_conf_find_field(const struct rw_conf_record *record,
                                               struct rw_span key);
/* Is its text left as it is: also that which stands in place of a record? */
bool rw_conf_is_verbatim(const struct rw_conf_field *field);
/* The kinds of a VARIANT, ended by NULL; none when nobody registered any. */
const struct rw_conf_variant_kind *const *rw_conf_kinds(const struct rw_conf_field *field);
const struct rw_conf_variant_kind *rw_conf_find_kind(const struct rw_conf_field *field,
                                                     struct rw_span key);

static inline bool rw_conf_halted(const struct rw_conf_reader *reader)
{
    return reader->stopped || reader->err;
}

static inline bool rw_conf_is_merge(const struct rw_conf_entry *entry)
{
    return rw_span_is(entry->key, "<<");
}

#endif
