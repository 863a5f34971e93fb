#include "report/markup.h"

#include "base/utf8.h"
#include "report/bind.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define REPLACEMENT RW_LITERAL("\xef\xbf\xbd")
#define NO_BREAK_SPACE RW_LITERAL("\xc2\xa0")

static uint32_t code_point(struct rw_span character)
{
    const unsigned char *at = (const unsigned char *)character.at;
    switch (character.len) {
    case 1:
        return at[0];
    case 2:
        return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    case 3:
        return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    default:
        return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 |
               (uint32_t)(at[2] & 0x3f) << 6 | (at[3] & 0x3f);
    }
}

/* Controls, and the characters that are not seen but turn, join or hide others (Unicode's
 * Bidi_Control, the zero-width ones, tags, interlinear marks, noncharacters). */
static bool works_unseen(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff0 && code <= 0xfffb) || (code & 0xfffe) == 0xfffe ||
           (code >= 0xe0000 && code <= 0xe0fff);
}

bool rw_visible_next(struct rw_span *rest, struct rw_span *character)
{
    if (rest->len == 0)
        return false;
    size_t length = rw_utf8_length(*rest);
    struct rw_span here = rw_span(rest->at, length ? length : 1);
    *rest = rw_span_skip(*rest, here.len);
    if (here.at[0] == '\n' || here.at[0] == '\t' || here.at[0] == '\r')
        here = RW_LITERAL(" ");
    else if (length == 0 || works_unseen(code_point(here)))
        here = REPLACEMENT;
    *character = here;
    return true;
}

static struct rw_span reference(struct rw_span character)
{
    if (character.len != 1)
        return character;
    switch (character.at[0]) {
    case '<':
        return RW_LITERAL("&lt;");
    case '>':
        return RW_LITERAL("&gt;");
    case '&':
        return RW_LITERAL("&amp;");
    case '"':
        return RW_LITERAL("&quot;");
    case '\'':
        return RW_LITERAL("&#39;");
    default:
        return character;
    }
}

void rw_markup_text(struct rw_markup *markup, struct rw_span text)
{
    struct rw_span rest = text, character;
    while (rw_visible_next(&rest, &character)) {
        bool binds = markup->binds && rw_report_unit(text, text.len - rest.len - 1) > 0;
        rw_text_add(&markup->text, binds ? NO_BREAK_SPACE : reference(character));
    }
}

void rw_markup_count(struct rw_markup *markup, size_t count)
{
    char digits[20];
    rw_text_add(&markup->text, rw_span(digits, rw_format_u64(digits, count)));
}

void rw_markup_coordinate(struct rw_markup *markup, double value)
{
    rw_assert(isfinite(value) && fabs(value) < 1e9);
    int64_t hundredths = llround(value * 100);
    if (hundredths < 0)
        RW_MARKUP(markup, "-");
    uint64_t size = (uint64_t)(hundredths < 0 ? -hundredths : hundredths);
    rw_markup_count(markup, size / 100);
    if (size % 100 == 0)
        return;
    char decimals[2] = {(char)('0' + size / 10 % 10), (char)('0' + size % 10)};
    RW_MARKUP(markup, ".");
    rw_text_add(&markup->text, rw_span(decimals, decimals[1] == '0' ? 1 : 2));
}

static unsigned character_width(struct rw_span character)
{
    uint32_t code = code_point(character);
    if (code >= 0x2e80)
        return 100;
    if (code < 0x80 && strchr("il.,:;'|!jt()[] ", (int)code))
        return 31;
    if ((code >= 'A' && code <= 'Z') || code == '%' || code == '&' || code == 'm' || code == 'w')
        return 72;
    return 57;
}

unsigned rw_text_width(struct rw_span text)
{
    unsigned width = 0;
    struct rw_span character;
    while (rw_visible_next(&text, &character))
        width += character_width(character);
    return width;
}

size_t rw_text_fit(struct rw_span text, unsigned width)
{
    struct rw_span rest = text, character;
    unsigned taken = 0;
    size_t fits = 0, blank = 0;
    while (rw_visible_next(&rest, &character)) {
        taken += character_width(character);
        if (taken > width)
            return blank * 2 > fits ? blank : fits;
        fits = text.len - rest.len;
        if (rw_span_is(character, " "))
            blank = fits;
    }
    return text.len;
}
