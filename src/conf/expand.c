/* Environment variables in values: ${NAME}, ${NAME:-fallback}, and $$ for a dollar. */
#include "conf/reader.h"

#include <stdlib.h>

enum { VARIABLE_BYTES_MAX = 128 };

struct variable {
    char name[VARIABLE_BYTES_MAX];
    bool has_fallback;
    struct rw_span fallback;
    size_t len; /* of the whole ${...} */
};

static bool is_name(struct rw_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = rw_lower(name.at[i]);
        bool digit = c >= '0' && c <= '9' && i > 0;
        if (!digit && c != '_' && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return name.len > 0 && name.len < VARIABLE_BYTES_MAX;
}

/* `text` begins with "${". */
static bool read_variable(struct rw_span text, struct variable *variable)
{
    ptrdiff_t end = rw_span_find(text, '}');
    if (end < 0)
        return false;
    struct rw_span name = rw_span(text.at + 2, (size_t)end - 2);
    ptrdiff_t colon = rw_span_find(name, ':');
    *variable = (struct variable){.len = (size_t)end + 1};
    if (colon >= 0) {
        struct rw_span rest = rw_span_skip(name, (size_t)colon);
        if (!rw_span_starts(rest, RW_LITERAL(":-")))
            return false;
        variable->has_fallback = true;
        variable->fallback = rw_span_skip(rest, 2);
        name.len = (size_t)colon;
    }
    if (!is_name(name))
        return false;
    memcpy(variable->name, name.at, name.len);
    return true;
}

#define MISTAKE(reader, site, ...)                                                                 \
    rw_conf_mistake_node(reader, site, (site)->node->place, __VA_ARGS__)

/* Adds what the variable at the beginning of `text` stands for, and steps over it. */
static bool add_variable(struct rw_conf_reader *reader, const struct rw_conf_site *site,
                         struct rw_span *text, struct rw_text *out)
{
    struct variable variable;
    if (!read_variable(*text, &variable)) {
        MISTAKE(reader, site, "expected ${NAME} or ${NAME:-fallback}; \"$$\" is a dollar");
        return false;
    }
    const char *value = getenv(variable.name);
    if (!value && !variable.has_fallback) {
        MISTAKE(reader, site, "the environment variable %s is not set", variable.name);
        return false;
    }
    /* As in a shell, ":-" also stands in for a variable that is set to nothing. */
    bool fallback = variable.has_fallback && (!value || !*value);
    rw_text_add(out, fallback ? variable.fallback : rw_span_text(value));
    site->node->environment |= !fallback;
    *text = rw_span_skip(*text, variable.len);
    return true;
}

static bool expand(struct rw_conf_reader *reader, const struct rw_conf_site *site,
                   struct rw_text *out)
{
    struct rw_span rest = site->node->text;
    while (rest.len) {
        ptrdiff_t dollar = rw_span_find(rest, '$');
        size_t plain = dollar < 0 ? rest.len : (size_t)dollar;
        rw_text_add(out, rw_span(rest.at, plain));
        rest = rw_span_skip(rest, plain);
        if (rw_span_starts(rest, RW_LITERAL("${"))) {
            if (!add_variable(reader, site, &rest, out))
                return false;
        } else if (rest.len) {
            rw_text_adds(out, "$");
            rest = rw_span_skip(rest, rw_span_starts(rest, RW_LITERAL("$$")) ? 2 : 1);
        }
        if (out->len > RW_CONF_TEXT_BYTES_MAX ||
            reader->expanded + out->len > RW_CONF_EXPANDED_BYTES_MAX) {
            MISTAKE(reader, site, "too long with what stands in the environment");
            return false;
        }
    }
    return true;
}

void rw_conf_expand(struct rw_conf_reader *reader, const struct rw_conf_site *site)
{
    struct rw_conf_node *node = site->node;
    struct rw_text out = {0};
    node->raw = false;
    node->plain = false;
    if (expand(reader, site, &out)) {
        struct rw_span copy = rw_arena_copy(&reader->scratch, rw_text_span(&out));
        if (out.err || !copy.at)
            reader->err = RW_ENOMEM;
        else
            node->text = copy;
        reader->expanded += out.len;
    } else {
        node->broken = true;
    }
    rw_text_free(&out);
}
