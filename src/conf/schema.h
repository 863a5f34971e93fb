/* Configuration by table: one description of each record gives the YAML reader, its error messages,
 * the JSON Schema for editors and the reference manual. Nobody writes a second description of an
 * option.
 *
 * A module describes its struct by a `struct rw_conf_record`; rw_conf_read (conf/read.h) fills the
 * struct from YAML, in an arena that the config snapshot owns. Every mistake is reported, not only
 * the first.
 */
#ifndef RW_CONF_SCHEMA_H
#define RW_CONF_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value may be, and the C type at `offset`. */
enum rw_conf_type {
    RW_CONF_BOOL,     /* bool */
    RW_CONF_UINT,     /* uint32_t, within min..max */
    RW_CONF_INT,      /* int32_t, within min..max */
    RW_CONF_NUMBER,   /* double, within min..max: "99.95"; no exponent, no sign without a min */
    RW_CONF_DURATION, /* uint32_t milliseconds; "250ms", "1.5s", "2m", "1h", "1d"; a bare number is
                         an error */
    RW_CONF_SIZE,   /* uint64_t bytes; "64KiB", "1MiB", "10MB", "512B", or a bare number of bytes */
    RW_CONF_TEXT,   /* struct rw_span, NUL-terminated; `min`..`max` is its length where max > 0 */
    RW_CONF_SECRET, /* struct rw_span; also "file:/path" (read, trailing newline removed); never
                       printed */
    RW_CONF_ENUM,   /* int: index into `names` */
    RW_CONF_ADDRESS, /* struct rw_span, syntax checked: 10.0.0.1:80, [::1]:80, :80, unix:/path; see
                        REMOTE */
    RW_CONF_CIDR,    /* struct rw_span, syntax checked: 10.0.0.0/8, ::1, 192.0.2.1 */
    RW_CONF_RECORD, /* pointer to the struct of `record`; NULL when absent, unless RW_CONF_ALWAYS */
    RW_CONF_VARIANT, /* struct rw_conf_variant: exactly one key out of `variants` */
};

enum rw_conf_flags {
    RW_CONF_REQUIRED = 1,
    RW_CONF_LIST =
        2, /* struct rw_conf_list of the type; a single value is taken as a list of one */
    RW_CONF_MAP =
        4, /* struct rw_conf_list of struct rw_conf_pair: text keys, text values (TEXT only) */
    RW_CONF_ALWAYS = 8,  /* RECORD: filled with defaults when absent; LIST: is in the example */
    RW_CONF_UNIQUE = 16, /* LIST of RECORD: the records' field "name" must be unique */
    RW_CONF_REMOTE =
        32, /* ADDRESS to connect to: also name:80 and srv:_service._proto.name, but not :80 */
    RW_CONF_VERBATIM =
        64, /* TEXT whose "$" has a meaning of its own: nothing is put in from the environment */
    RW_CONF_MAY_BE_EMPTY =
        128, /* REQUIRED LIST: it has to be said, but may say that there is none */
};

struct rw_conf_list {
    void *items; /* array of the type's C type; of RECORD: array of structs (not pointers) */
    size_t count;
};

struct rw_conf_pair {
    struct rw_span key, value;
};

/* Where a value stood, for messages of later checks (unknown upstream, ...). */
struct rw_conf_place {
    uint32_t line, column; /* from 1; 0: not from the file */
};

struct rw_conf_record;
struct rw_conf_report;

/* One of several kinds, each with its own record: a route's action, a policy. */
struct rw_conf_variant_kind {
    const char *name;                    /* the YAML key */
    const struct rw_conf_record *record; /* NULL: the value is a text (struct rw_span) */
    const char *doc;
    const void *user;    /* the registrant's own: its vtable */
    const char *example; /* of a text, for the manual; NULL: "app" */
};

struct rw_conf_variant {
    const struct rw_conf_variant_kind *kind; /* NULL: none was given */
    void *value;                             /* the filled struct, or struct rw_span * */
    struct rw_conf_place place;
};

struct rw_conf_field {
    const char *name; /* snake_case key */
    enum rw_conf_type type;
    unsigned flags;
    size_t offset;
    const char *fallback; /* default, as YAML would have it; NULL: zero / absent */
    int64_t min, max;     /* both 0: the type's own range; DURATION in ms, SIZE in bytes */
    const struct rw_conf_record *record;
    const char *const *names; /* ENUM: NULL-terminated */
    /* VARIANT: the kinds are one flat group of keys in the enclosing mapping (as `upstream:` or
     * `redirect:` in a route). NULL-terminated array of pointers, set at start-up by the registry
     * of policies or origins. */
    const struct rw_conf_variant_kind *const *const *variants;
    const char *doc; /* one or two sentences in English, for the schema and the manual */
    const char *example;
};

struct rw_conf_record {
    const char *name; /* heading in the manual: "listener", "policy.headers" */
    const char *doc;
    size_t size;
    const struct rw_conf_field *fields; /* ended by a field whose name is NULL */
    ptrdiff_t place_offset; /* of a struct rw_conf_place that the reader fills; -1: none */
    /* Shorthand: a scalar in place of the mapping sets this field (e.g. `policies: [gzip]`); NULL:
     * none. */
    const char *scalar_field;
    /* Optional: checks between fields, called once the record is filled, also where some of its
     * values were mistakes (those then have their defaults). Tells by rw_conf_mistake_on; may fill
     * in names. Called for records inside out: the root last. */
    void (*check)(void *value, struct rw_conf_report *report);
};

#endif
