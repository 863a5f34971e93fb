#include "report/texts.h"

static const struct rw_label words[RW_SAY_WORD_COUNT] = {
#define RW_REPORT_WORD(name, chinese, english) [RW_SAY_##name] = {.zh = (chinese), .en = (english)},
    RW_REPORT_TEXTS(RW_REPORT_WORD)
#undef RW_REPORT_WORD
};

struct rw_span rw_report_word(enum rw_report_word word, enum rw_language language)
{
    return rw_span_text(rw_label_in(words[word], language));
}

struct rw_span rw_report_behind(struct rw_span before, struct rw_span after)
{
    bool wide = before.len && (unsigned char)before.at[before.len - 1] >= 0x80 && after.len > 1 &&
                after.at[0] == ' ' && (unsigned char)after.at[1] >= 0x80;
    return wide ? rw_span_skip(after, 1) : after;
}
