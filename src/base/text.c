#include "base/text.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void rw_text_free(struct rw_text *text)
{
    rw_free(text->at);
    *text = (struct rw_text){0};
}

static bool reserve(struct rw_text *text, size_t more)
{
    if (text->err)
        return false;
    size_t need = text->len + more + 1;
    if (need <= text->room)
        return true;
    size_t room = text->room ? text->room : 64;
    while (room < need)
        room *= 2;
    char *bigger = rw_realloc(text->at, room);
    if (!bigger) {
        text->err = RW_ENOMEM;
        return false;
    }
    text->at = bigger;
    text->room = room;
    return true;
}

void rw_text_add(struct rw_text *text, struct rw_span bytes)
{
    if (!reserve(text, bytes.len))
        return;
    if (bytes.len)
        memcpy(text->at + text->len, bytes.at, bytes.len);
    text->len += bytes.len;
    text->at[text->len] = '\0';
}

void rw_text_adds(struct rw_text *text, const char *string)
{
    rw_text_add(text, rw_span_text(string));
}

void rw_text_addf(struct rw_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && reserve(text, (size_t)len)) {
        vsnprintf(text->at + text->len, (size_t)len + 1, format, again);
        text->len += (size_t)len;
    }
    va_end(again);
}

static void add_json_byte(struct rw_text *text, unsigned char c)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *e = escapes; *e; e += 2)
        if ((unsigned char)e[0] == c) {
            rw_text_addf(text, "\\%c", e[1]);
            return;
        }
    if (c < 0x20 || c == 0x7f)
        rw_text_addf(text, "\\u%04x", c);
    else
        rw_text_add(text, rw_span((const char *)&c, 1));
}

void rw_text_add_json(struct rw_text *text, struct rw_span bytes)
{
    rw_text_adds(text, "\"");
    while (bytes.len) {
        size_t len = rw_utf8_length(bytes);
        if (len == 0)
            rw_text_adds(text, "\\ufffd");
        else if (len == 1)
            add_json_byte(text, (unsigned char)bytes.at[0]);
        else
            rw_text_add(text, rw_span(bytes.at, len));
        bytes = rw_span_skip(bytes, len ? len : 1);
    }
    rw_text_adds(text, "\"");
}
