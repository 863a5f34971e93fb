#include "conf/decode.h"

#include <stdarg.h>
#include <stdio.h>

enum { PATH_PARTS_MAX = 64, QUOTE_BYTES_MAX = 60, MESSAGE_BYTES_MAX = 4096 };

/* ---- Where a value stood ---- */

static struct rw_span site_path(struct rw_conf_report *report, const struct rw_conf_site *site)
{
    const struct rw_conf_site *parts[PATH_PARTS_MAX];
    size_t count = 0;
    for (; site; site = site->parent)
        if (site->index >= 0 || site->key.len) {
            rw_assert(count < PATH_PARTS_MAX);
            parts[count++] = site;
        }
    struct rw_text path = {0};
    while (count--)
        if (parts[count]->index >= 0)
            rw_text_addf(&path, "[%td]", parts[count]->index);
        else
            rw_text_addf(&path, "%s%.*s", path.len ? "." : "", RW_SPAN_ARGS(parts[count]->key));
    struct rw_span copy = rw_arena_copy(report->arena, rw_text_span(&path));
    if (path.err || !copy.at)
        report->err = RW_ENOMEM;
    rw_text_free(&path);
    return copy.at ? copy : RW_LITERAL("");
}

static const struct rw_conf_site *site_at_place(const struct rw_conf_reader *reader,
                                                struct rw_conf_place place)
{
    const struct rw_conf_site *found = NULL;
    for (const struct rw_conf_site *site = reader->sites; site; site = site->older)
        if (site->node && site->node->place.line == place.line &&
            site->node->place.column == place.column)
            found = site; /* the outermost was made first */
    return found;
}

/* The value's own site; else the smallest record around it. */
static const struct rw_conf_site *site_of(const struct rw_conf_reader *reader, const void *value)
{
    const char *at = value;
    const struct rw_conf_site *around = NULL;
    for (const struct rw_conf_site *site = reader->sites; site; site = site->older) {
        if (site->to == value || site->member == value)
            return site;
        const char *to = site->to;
        if (to && at >= to && at < to + site->size && (!around || site->size < around->size))
            around = site;
    }
    return around;
}

static struct rw_conf_place site_place(const struct rw_conf_site *site)
{
    while (site && !site->node)
        site = site->parent;
    return site ? site->node->place : (struct rw_conf_place){0, 0};
}

struct rw_conf_place rw_conf_place_of(const struct rw_conf_report *report, const void *value)
{
    if (!report->reader || report->truncated)
        return (struct rw_conf_place){0, 0};
    return site_place(site_of(report->reader, value));
}

struct rw_arena *rw_conf_results(const struct rw_conf_report *report)
{
    rw_assert(report->reader);
    return report->reader->arena;
}

/* ---- Telling ---- */

static size_t whole_characters(struct rw_span text, size_t limit)
{
    while (limit && ((unsigned char)text.at[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

static bool told(const struct rw_conf_report *report, struct rw_conf_place place,
                 struct rw_span message)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct rw_conf_mistake *known = &report->mistakes[i];
        if (known->place.line == place.line && known->place.column == place.column &&
            rw_span_eq(known->message, message))
            return true;
    }
    return false;
}

bool rw_conf_report_full(struct rw_conf_report *report)
{
    report->truncated |=
        report->count >= RW_CONF_MISTAKES_MAX || report->attempts >= RW_CONF_ATTEMPTS_MAX;
    return report->truncated;
}

static bool have_room(struct rw_conf_report *report)
{
    if (rw_conf_report_full(report))
        return false;
    report->attempts++;
    if (!report->mistakes) {
        report->mistakes =
            rw_arena_alloc(report->arena, RW_CONF_MISTAKES_MAX * sizeof(*report->mistakes));
        report->room = report->mistakes ? RW_CONF_MISTAKES_MAX : 0;
    }
    if (!report->mistakes)
        report->err = RW_ENOMEM;
    return report->mistakes != NULL;
}

__attribute__((format(printf, 4, 0))) static void tell(struct rw_conf_report *report,
                                                       const struct rw_conf_site *site,
                                                       struct rw_conf_place place,
                                                       const char *format, va_list args)
{
    if (!have_room(report))
        return;
    char text[MESSAGE_BYTES_MAX];
    int len = vsnprintf(text, sizeof(text), format, args);
    struct rw_span message = rw_span(text, len < 0 ? 0 : (size_t)len);
    if (message.len >= sizeof(text))
        message.len = whole_characters(message, sizeof(text) - 2);
    if (told(report, place, message))
        return;
    message = rw_arena_copy(report->arena, message);
    if (!message.at) {
        report->err = RW_ENOMEM;
        return;
    }
    report->mistakes[report->count++] = (struct rw_conf_mistake){
        .place = place,
        .path = site_path(report, site),
        .message = message,
    };
}

void rw_conf_mistake_node(struct rw_conf_reader *reader, const struct rw_conf_site *site,
                          struct rw_conf_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(reader->report, site, place, format, args);
    va_end(args);
}

void rw_conf_mistake_at(struct rw_conf_report *report, struct rw_conf_place place,
                        const char *format, ...)
{
    if (rw_conf_report_full(report))
        return;
    const struct rw_conf_site *site =
        report->reader && place.line ? site_at_place(report->reader, place) : NULL;
    va_list args;
    va_start(args, format);
    tell(report, site, place, format, args);
    va_end(args);
}

void rw_conf_mistake_on(struct rw_conf_report *report, const void *value, const char *format, ...)
{
    if (rw_conf_report_full(report))
        return;
    const struct rw_conf_site *site = report->reader ? site_of(report->reader, value) : NULL;
    va_list args;
    va_start(args, format);
    tell(report, site, site_place(site), format, args);
    va_end(args);
}

/* ---- Words for messages ---- */

const char *rw_conf_err_text(const struct rw_conf_report *report, enum rw_err err)
{
    if (report->voice == RW_CONF_VOICE_CHINESE && err == RW_ENOENT)
        return "没有此文件";
    if (report->voice == RW_CONF_VOICE_CHINESE && err == RW_EACCES)
        return "没有读取权限";
    return rw_err_text(err);
}

const char *rw_conf_hidden(const struct rw_conf_site *site)
{
    if (site->secret)
        return "the secret that is there";
    return site->node && site->node->environment ? "the value from the environment" : NULL;
}

/* The text may be a part of the value. */
static const char *hidden(const struct rw_conf_reader *reader, struct rw_span text)
{
    const struct rw_conf_site *site = reader ? reader->sites : NULL;
    for (; site; site = site->older)
        if (site->kept.at && text.at >= site->kept.at && text.at <= site->kept.at + site->kept.len)
            return rw_conf_hidden(site);
    return NULL;
}

const char *rw_conf_quote(struct rw_conf_report *report, struct rw_span text)
{
    if (rw_conf_report_full(report))
        return "";
    const char *instead = hidden(report->reader, text);
    if (instead)
        return instead;
    bool cut = text.len > QUOTE_BYTES_MAX;
    if (cut)
        text.len = whole_characters(text, QUOTE_BYTES_MAX);
    struct rw_text quoted = {0};
    rw_text_add_json(&quoted, text);
    if (cut)
        rw_text_adds(&quoted, "...");
    struct rw_span copy = rw_arena_copy(report->arena, rw_text_span(&quoted));
    if (quoted.err || !copy.at)
        report->err = RW_ENOMEM;
    rw_text_free(&quoted);
    return copy.at ? copy.at : "";
}

const char *rw_conf_hint(struct rw_conf_report *report, struct rw_span name,
                         const char *const *names, size_t count)
{
    if (rw_conf_report_full(report) || hidden(report->reader, name))
        return "";
    const char *nearest = rw_conf_nearest(name, names, count);
    if (!nearest)
        return "";
    bool chinese = report->voice == RW_CONF_VOICE_CHINESE;
    struct rw_span hint = rw_arena_format(
        report->arena, chinese ? "；是否应为“%s”？" : "; did you mean \"%s\"?", nearest);
    if (!hint.at)
        report->err = RW_ENOMEM;
    return hint.at ? hint.at : "";
}

/* ---- The whole report ---- */

static bool is_before(struct rw_conf_place a, struct rw_conf_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* By insertion: there are few, and those at one place keep their order. */
void rw_conf_report_sort(struct rw_conf_report *report)
{
    for (size_t i = 1; i < report->count; i++) {
        struct rw_conf_mistake mistake = report->mistakes[i];
        size_t j = i;
        for (; j > 0 && is_before(mistake.place, report->mistakes[j - 1].place); j--)
            report->mistakes[j] = report->mistakes[j - 1];
        report->mistakes[j] = mistake;
    }
}

void rw_conf_report_print(const struct rw_conf_report *report, struct rw_text *text)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct rw_conf_mistake *mistake = &report->mistakes[i];
        rw_text_add(text, report->file);
        if (mistake->place.line)
            rw_text_addf(text, ":%u:%u", mistake->place.line, mistake->place.column);
        rw_text_adds(text, ": ");
        rw_text_add(text, mistake->path);
        rw_text_adds(text, mistake->path.len ? ": " : "");
        rw_text_add(text, mistake->message);
        rw_text_adds(text, "\n");
    }
    if (report->truncated)
        rw_text_addf(text, "%.*s: further mistakes are not shown\n", RW_SPAN_ARGS(report->file));
}
