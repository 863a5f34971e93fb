/* Reads YAML into structs by the tables of conf/schema.h.
 *
 * One call reads one file. `${NAME}` and `${NAME:-fallback}` in scalars are environment variables ("$$" is a dollar); a missing
 * variable without a fallback is a mistake. YAML merge keys and anchors work; duplicate keys are mistakes. Limits: 8 MiB of file, depth
 * 32, 100 mistakes. Any thread, no global state.
 */
#ifndef RW_CONF_READ_H
#define RW_CONF_READ_H

#include "base/text.h"
#include "conf/schema.h"

struct rw_conf_mistake {
    struct rw_conf_place place;
    struct rw_span path;    /* "routes[3].match.host" */
    struct rw_span message; /* what is wrong, what was expected, "did you mean ...?" */
};

struct rw_conf_report {
    struct rw_arena *arena; /* holds the mistakes */
    struct rw_span file;
    struct rw_conf_mistake *mistakes;
    size_t count, room;
    bool truncated;
};

/* Fills `out` (record->size bytes, zeroed first). RW_EINVAL when there are mistakes; RW_ENOENT, RW_EACCES when the file cannot be read
 * (also told as a mistake at place 0:0). */
RW_MUST_CHECK enum rw_err rw_conf_read_file(const char *path, const struct rw_conf_record *record,
                                            struct rw_arena *arena, void *out,
                                            struct rw_conf_report *report);
/* The same from memory; `name` is used in messages. */
RW_MUST_CHECK enum rw_err rw_conf_read_text(struct rw_span yaml, const char *name,
                                            const struct rw_conf_record *record,
                                            struct rw_arena *arena, void *out,
                                            struct rw_conf_report *report);

/* For checks after reading. */
void rw_conf_mistake_at(struct rw_conf_report *report, struct rw_conf_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "gateway.yaml:12:5: routes[0].upstream: unknown upstream "apj"; did you mean "api"?" one a line. */
void rw_conf_report_print(const struct rw_conf_report *report, struct rw_text *text);

/* The nearest of `names` by edit distance, or NULL when none is near. */
const char *rw_conf_nearest(struct rw_span name, const char *const *names, size_t count);

/* JSON Schema (draft 2020-12) and the reference manual (Markdown) of a record tree. */
void rw_conf_schema_json(const struct rw_conf_record *root, const char *title, struct rw_text *text);
void rw_conf_manual(const struct rw_conf_record *root, struct rw_text *text);

#endif
