/* Reads YAML into structs by the tables of conf/schema.h.
 *
 * One call reads one file: the text becomes a tree of nodes with places (document.c), the tree
 * fills the structs by the tables (decode.c), and each record's own check runs. Afterwards the
 * report says what is wrong, all of it, in the order of the file.
 * `${NAME}` and `${NAME:-fallback}` in values are environment variables ("$$" is a dollar); a
 * missing variable without a fallback is a mistake (fields that are RW_CONF_VERBATIM are left as
 * they are). YAML merge keys and anchors work; the root
 * takes keys that begin with "x-" as a place for anchors. Duplicate keys, tags and further
 * documents are mistakes. No message ever shows a secret or a value from the environment. Any
 * thread, no global state.
 */
#ifndef RW_CONF_READ_H
#define RW_CONF_READ_H

#include "base/text.h"
#include "conf/schema.h"

/* Limits of one file. Values counts each use of an alias anew, so that a few lines cannot unfold
 * into gigabytes. */
enum {
    RW_CONF_FILE_BYTES_MAX = 8 << 20,
    RW_CONF_DEPTH_MAX = 32,
    RW_CONF_NODES_MAX = 2000000,
    RW_CONF_VALUES_MAX = 4000000,
    RW_CONF_TEXT_BYTES_MAX = 1 << 20, /* one value, expanded */
    RW_CONF_EXPANDED_BYTES_MAX = 8 << 20,
    RW_CONF_SECRET_BYTES_MAX = 64 << 10,
    RW_CONF_MISTAKES_MAX = 100,
    RW_CONF_ATTEMPTS_MAX = 200, /* to tell one, repetitions included */
    RW_CONF_PAIRS_MAX = 1000,   /* of one MAP */
    RW_CONF_SCRATCH_BYTES_MAX = 1 << 30,
};

struct rw_conf_mistake {
    struct rw_conf_place place;
    struct rw_span path;    /* "routes[3].match.host" */
    struct rw_span message; /* what is wrong, what was expected, "did you mean ...?" */
};

struct rw_conf_reader;

/* The language of those mistakes that have a text in both. */
enum rw_conf_voice {
    RW_CONF_VOICE_OWN, /* the file's, as far as its reader knows; English */
    RW_CONF_VOICE_ENGLISH,
    RW_CONF_VOICE_CHINESE
};

/* Zeroed by the caller before a read, who may set `arena` and `voice`. */
struct rw_conf_report {
    struct rw_arena *arena; /* holds the mistakes; NULL: the arena that the read fills */
    struct rw_span file;
    struct rw_conf_mistake *mistakes;
    size_t count, room, attempts;
    enum rw_conf_voice voice;
    bool truncated;                /* there were more than RW_CONF_MISTAKES_MAX */
    enum rw_err err;               /* RW_ENOMEM: a mistake could not be kept */
    struct rw_conf_reader *reader; /* during a read: knows where each value stood */
};

/* Fills `out` (record->size bytes, zeroed first). RW_EINVAL when there are mistakes; RW_ENOENT,
 * RW_EACCES when the file cannot be read (also told as a mistake at place 0:0); RW_ENOMEM when the
 * arena or the heap is at its end. After RW_EINVAL `out` has what could be read, and what was left
 * out or wrong has its default or is zero: enough to look for further mistakes, not to be used.
 * After other errors it is of no use. */
RW_MUST_CHECK enum rw_err rw_conf_read_file(const char *path, const struct rw_conf_record *record,
                                            struct rw_arena *arena, void *out,
                                            struct rw_conf_report *report);
/* The same from memory; `name` is used in messages. */
RW_MUST_CHECK enum rw_err rw_conf_read_text(struct rw_span yaml, const char *name,
                                            const struct rw_conf_record *record,
                                            struct rw_arena *arena, void *out,
                                            struct rw_conf_report *report);

/* Why a file cannot be read, in the language of the report. */
const char *rw_conf_err_text(const struct rw_conf_report *report, enum rw_err err);

/* For checks after reading. Within a record's check the path is found from the place. */
void rw_conf_mistake_at(struct rw_conf_report *report, struct rw_conf_place place,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For a record's check: about the struct member or list item at `value` (a nested record's: the
 * member that points to it); finds its place and path. A member that is not in the file is told at
 * the record that lacks it. */
void rw_conf_mistake_on(struct rw_conf_report *report, const void *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Nothing more is taken: whoever would search at length for what to tell need not. */
bool rw_conf_report_full(struct rw_conf_report *report);

/* Where the member or item at `value` stands; 0:0 when it is not in the file. Only in a record's
 * check. */
struct rw_conf_place rw_conf_place_of(const struct rw_conf_report *report, const void *value);

/* Where the results of the read live, for what a record's check fills in. Only in a record's check.
 */
struct rw_arena *rw_conf_results(const struct rw_conf_report *report);

/* A text for a message: in quotes, escaped, shortened; without its content when it came from the
 * environment. In the report's arena, NUL-terminated, never NULL. */
const char *rw_conf_quote(struct rw_conf_report *report, struct rw_span text);

/* "; did you mean "api"?" or "", in the report's arena. */
const char *rw_conf_hint(struct rw_conf_report *report, struct rw_span name,
                         const char *const *names, size_t count);

/* "gateway.yaml:12:5: routes[0].upstream: unknown upstream "apj"; did you mean "api"?" one a line.
 */
void rw_conf_report_print(const struct rw_conf_report *report, struct rw_text *text);

/* Puts the mistakes into the order of the file. */
void rw_conf_report_sort(struct rw_conf_report *report);

/* The nearest of `names` by edit distance, or NULL when none is near. */
const char *rw_conf_nearest(struct rw_span name, const char *const *names, size_t count);

/* JSON Schema (draft 2020-12) and the reference manual (Markdown) of a record tree. What the manual
 * says first: its heading, what the file is, and the smallest useful one. */
struct rw_conf_preface {
    const char *heading, *opening, *smallest;
};
void rw_conf_schema_json(const struct rw_conf_record *root, const char *title,
                         struct rw_text *text);
void rw_conf_manual(const struct rw_conf_record *root, const struct rw_conf_preface *preface,
                    struct rw_text *text);

/* The whole tree as one commented YAML file: each option with its default, what is absent by
 * default as a comment. */
void rw_conf_example(const struct rw_conf_record *root, struct rw_text *text);

#endif
