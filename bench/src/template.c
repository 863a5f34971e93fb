#include "template.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_MAX 4096

struct expansion {
    const struct bench_template *values;
    unsigned number; /* of the repetition */
    unsigned times;  /* that the block is written */
    FILE *out;
};

static void write_value(const struct expansion *expansion, const char *name, size_t length)
{
    const struct bench_template *values = expansion->values;
    const struct {
        const char *name;
        unsigned number;
    } numbers[] = {
        {"PORT", (unsigned)values->port},
        {"ORIGIN_PORT", (unsigned)values->origin_ports[0]},
        {"ORIGIN_PORT_2", (unsigned)values->origin_ports[1]},
        {"ORIGIN_PORT_3", (unsigned)values->origin_ports[2]},
        {"ORIGIN_PORT_4", (unsigned)values->origin_ports[3]},
        {"ADMIN_PORT", (unsigned)values->admin_port},
        {"GENERATION", values->generation},
        {"SHARED_RATE", values->shared_rate},
        {"REDIS_PORT", (unsigned)values->redis_port},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strlen(numbers[i].name) == length && memcmp(numbers[i].name, name, length) == 0) {
            fprintf(expansion->out, "%u", numbers[i].number);
            return;
        }
    }
    if (length == 3 && memcmp(name, "DIR", 3) == 0) {
        fputs(values->directory, expansion->out);
    } else if ((length == 5 && memcmp(name, "ROUTE", 5) == 0) ||
               (length == 8 && memcmp(name, "CONSUMER", 8) == 0)) {
        fprintf(expansion->out, "%05u", expansion->number);
    } else {
        bench_fail("unknown mark @%.*s@ in a template", (int)length, name);
    }
}

static void write_text(const struct expansion *expansion, const char *text)
{
    const char *mark;
    while ((mark = strchr(text, '@')) != NULL) {
        const char *end = strchr(mark + 1, '@');
        if (end == NULL) {
            break;
        }
        fwrite(text, 1, (size_t)(mark - text), expansion->out);
        write_value(expansion, mark + 1, (size_t)(end - mark - 1));
        text = end + 1;
    }
    fputs(text, expansion->out);
}

static bool has_tag(const char *line, const char *tag)
{
    size_t length = strlen(tag);
    return line[0] == '@' && strncmp(line + 1, tag, length) == 0 && line[1 + length] == '@';
}

/* Removes the tags of a line. Returns NULL when the line does not belong to this kind of case. */
static const char *select_line(const struct bench_template *values, const char *line)
{
    const struct {
        const char *tag;
        bool on;
    } tags[] = {
        {"tls", values->tls},
        {"plain", !values->tls},
        {"large", values->large},
        {"tcp", values->tcp},
        {"http", !values->tcp},
        {"changing", values->changing},
        {"compressed", values->compressed},
        {"h2", values->h2},
        {"h1", !values->h2},
        {"origin-h2", values->origin_h2},
        {"origin-h1", !values->origin_h2},
        {"routes", values->routes > 0},
        {"consumers", values->consumers > 0},
        {"reply", values->reply},
        {"several", values->origins > 1},
        {"many", values->origins > 2},
        {"overload", values->overload},
        {"by-latency", values->by_latency},
        {"policies", values->policies},
        {"unguarded", values->unguarded},
        {"shared", values->shared_rate > 0},
        {"single", values->routes == 0 && !values->changing && !values->reply && !values->tcp},
    };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (has_tag(line, tags[i].tag)) {
            return tags[i].on ? select_line(values, line + strlen(tags[i].tag) + 2) : NULL;
        }
    }
    return line;
}

static void write_block(struct expansion *expansion, char *block)
{
    for (expansion->number = 0; expansion->number < expansion->times; expansion->number++) {
        write_text(expansion, block);
    }
    block[0] = '\0';
}

/* How often a line is written; 0: it is in no block. */
static unsigned repetitions(const struct bench_template *values, const char *line)
{
    return has_tag(line, "routes")      ? values->routes
           : has_tag(line, "consumers") ? values->consumers
                                        : 0;
}

static void expand_file(struct expansion *expansion, FILE *in)
{
    char line[1024];
    char block[BLOCK_BYTES_MAX] = "";
    while (fgets(line, sizeof line, in) != NULL) {
        const char *text = select_line(expansion->values, line);
        unsigned times = repetitions(expansion->values, line);
        if (times != expansion->times && block[0] != '\0') {
            write_block(expansion, block);
        }
        if (text == NULL) {
            continue;
        }
        expansion->times = times;
        if (times == 0) {
            write_text(expansion, text);
        } else if (strlen(block) + strlen(text) < sizeof block) {
            memcpy(block + strlen(block), text, strlen(text) + 1);
        } else {
            bench_fail("a block of a template is too long");
        }
    }
    write_block(expansion, block);
}

void bench_template_expand(const struct bench_template *values, const char *from, const char *to)
{
    char aside[4096];
    FILE *in = fopen(from, "re");
    if (in == NULL) {
        bench_fail("cannot read %s: %s", from, strerror(errno));
    }
    snprintf(aside, sizeof aside, "%s.new", to);
    struct expansion expansion = {.values = values, .out = fopen(aside, "we")};
    if (expansion.out == NULL) {
        bench_fail("cannot write %s: %s", aside, strerror(errno));
    }
    expand_file(&expansion, in);
    fclose(in);
    if (fclose(expansion.out) != 0 || rename(aside, to) != 0) {
        bench_fail("cannot write %s: %s", to, strerror(errno));
    }
}

char *bench_template_line(const struct bench_template *values, const char *line)
{
    char *text = NULL;
    size_t size = 0;
    struct expansion expansion = {.values = values, .out = open_memstream(&text, &size)};
    if (expansion.out == NULL) {
        bench_fail("out of memory");
    }
    write_text(&expansion, line);
    fclose(expansion.out);
    return text;
}
