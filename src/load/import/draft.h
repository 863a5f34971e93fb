/* A scenario file that is being drafted from something else, and its way to YAML.
 *
 * An importer (har.c, openapi.c, jmeter.c) fills it, piece by piece: each call appends, texts are
 * copied into the arena, a failure is remembered in `err`. What has no place in a scenario becomes
 * a note: a comment at the head of the file. Paths, fields and bodies are templates; what an
 * importer has as plain text goes through rw_draft_plain. One thread.
 */
#ifndef RW_LOAD_IMPORT_DRAFT_H
#define RW_LOAD_IMPORT_DRAFT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

enum { RW_DRAFT_STEPS_MAX = 256, RW_DRAFT_NOTES_MAX = 200, RW_DRAFT_BODY_BYTES_MAX = 100 * 1024 };

struct rw_draft_pair {
    struct rw_draft_pair *next;
    struct rw_span name, value;
};

struct rw_draft_pairs {
    struct rw_draft_pair *first, *last;
};

/* A check or a capture, as it is written: "json: /id, equals: \"7\"". */
struct rw_draft_line {
    struct rw_draft_line *next;
    struct rw_span text;
};

struct rw_draft_lines {
    struct rw_draft_line *first, *last;
};

/* What a step is, and the key that its `path` or `body` is written with. */
enum rw_draft_kind {
    RW_DRAFT_REQUEST,
    RW_DRAFT_OPEN,
    RW_DRAFT_SEND,
    RW_DRAFT_SEND_BINARY,
    RW_DRAFT_CLOSE
};

struct rw_draft_step {
    struct rw_draft_step *next;
    struct rw_span name, method, path, body; /* of `body` no bytes: none */
    enum rw_draft_kind kind;
    bool unanswered; /* a message */
    struct rw_draft_pairs headers;
    struct rw_draft_lines checks, captures;
    uint32_t think_ms_least, think_ms_most;
};

struct rw_draft_scenario {
    struct rw_draft_scenario *next;
    struct rw_span name;
    unsigned weight;
    struct rw_draft_step *first, *last;
};

struct rw_draft_data {
    struct rw_draft_data *next;
    struct rw_span file, columns; /* "a, b"; empty: its first line names them */
    bool once;
};

struct rw_draft {
    struct rw_arena *arena;
    struct rw_span source; /* "a recording (HAR)" */
    struct rw_span target;
    struct rw_draft_pairs variables, headers;
    struct rw_draft_data *first_data, *last_data;
    struct rw_draft_scenario *first, *last;
    struct rw_draft_lines notes;
    unsigned users, seconds; /* 0: it does not say */
    unsigned steps, note_count, left_out;
    enum rw_err err;
};

/* NULL when there is no memory, or no room for more (which is noted). */
struct rw_draft_scenario *rw_draft_add_scenario(struct rw_draft *draft, struct rw_span name);
struct rw_draft_step *rw_draft_add_step(struct rw_draft *draft, struct rw_draft_scenario *scenario);
void rw_draft_add_pair(struct rw_draft *draft, struct rw_draft_pairs *pairs, struct rw_span name,
                       struct rw_span value);
void rw_draft_add_data(struct rw_draft *draft, struct rw_span file, struct rw_span columns,
                       bool once);
void rw_draft_add_line(struct rw_draft *draft, struct rw_draft_lines *lines, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
/* The same note twice is one. */
void rw_draft_note(struct rw_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct rw_span rw_draft_copy(struct rw_draft *draft, struct rw_span text);
struct rw_span rw_draft_format(struct rw_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Text that means itself, for a template. */
struct rw_span rw_draft_plain(struct rw_draft *draft, struct rw_span text);
/* In double quotes, as JSON and YAML have it. */
struct rw_span rw_draft_quoted(struct rw_draft *draft, struct rw_span text);
/* A field that belongs to the connection or is made anew anyhow. */
bool rw_draft_passes_over(struct rw_span field);

void rw_draft_drop(struct rw_draft_pairs *pairs, struct rw_span name);
const struct rw_draft_pair *rw_draft_find(const struct rw_draft_pairs *pairs, struct rw_span name);

/* What is used and given by nothing stands as it is (names.c). */
void rw_draft_settle_names(struct rw_draft *draft);
/* Fields that all steps have alike become those of the file. */
void rw_draft_share_headers(struct rw_draft *draft);
void rw_draft_write(const struct rw_draft *draft, struct rw_text *yaml);

#endif
