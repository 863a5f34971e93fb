#include "plan/intake/questionnaire.h"

#include "base/utf8.h"

static const struct rw_questionnaire_block blocks[] = {
    {"客户行业|Industry|Customer", "profile", "profile|load|data|goal.downtime", "profile.other"},
    {"当前痛点|Pains", "pains", "money.loss_per_minute", "pains.problem"},
    {"基础设施现状|Infrastructure", "infrastructure", "data.stored|infrastructure.capacity",
     "infrastructure.other"},
    {"核心目标|Goals", "goal",
     "goal|load.concurrent_users|load.concurrent_requests|money.goal_saving", "goal.other"},
    {"预算限制|Budget", "money", "money", "money.other"},
    {"特殊要求|Constraints", "constraints|service", "goal.availability|goal.recovery_time|service",
     "constraints.other"},
};

enum { BLOCKS = sizeof(blocks) / sizeof(*blocks), KEY_BYTES_MAX = 60 };

/* Of one block: lines with blanks that hold the template's own words. */
struct doubts {
    uint32_t title_line;
    unsigned count;
    uint32_t lines[RW_INTAKE_DOUBTFUL_MAX];
};

struct state {
    struct rw_intake_reader *reader;
    const struct rw_questionnaire_block *block;
    uint32_t title_line;       /* of the block */
    uint32_t answered[BLOCKS]; /* the title whose block was answered first; 0: none yet */
    bool second;               /* another customer's answers have begun */
    struct doubts doubts[BLOCKS];
    struct rw_questionnaire_line line;
    bool shares; /* within "分配比例" */
    size_t shares_indent;
};

static bool has_word(const char *words, struct rw_span key)
{
    struct rw_span rest = rw_span_text(words), word;
    while (rw_intake_next_word(&rest, &word))
        if (rw_span_eq_nocase(word, key))
            return true;
    return false;
}

static const struct rw_questionnaire_block *find_block(struct rw_span title)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (has_word(blocks[i].titles, title))
            return &blocks[i];
    return NULL;
}

/* "key：value" or "key: value"; the colon of a time or an address is none. */
static bool split(struct rw_span text, struct rw_span *key, struct rw_span *value)
{
    for (size_t i = 0; i < text.len && i <= KEY_BYTES_MAX; i++) {
        size_t len = rw_span_starts(rw_span_skip(text, i), RW_LITERAL("：")) ? 3
                     : text.at[i] == ':'                                     ? 1
                                                                             : 0;
        if (!len)
            continue;
        *key = rw_span_trim(rw_span(text.at, i));
        *value = rw_span_trim(rw_span_skip(text, i + len));
        return key->len > 0;
    }
    return false;
}

/* "[核心目标]：..." */
static bool block_title(struct rw_span text, struct rw_span *title, struct rw_span *value)
{
    if (text.len < 3 || text.at[0] != '[')
        return false;
    ptrdiff_t end = rw_span_find(text, ']');
    struct rw_span rest = end > 1 ? rw_span_skip(text, (size_t)end + 1) : RW_LITERAL("");
    size_t colon =
        rw_span_starts(rest, RW_LITERAL("：")) ? 3 : rw_span_starts(rest, RW_LITERAL(":"));
    if (!colon)
        return false;
    *title = rw_span_trim(rw_span(text.at + 1, (size_t)end - 1));
    *value = rw_span_trim(rw_span_skip(rest, colon));
    return true;
}

bool rw_intake_is_questionnaire(struct rw_span text)
{
    struct rw_span raw, title, value;
    while (rw_span_next(&text, '\n', &raw)) {
        while (raw.len && (raw.at[0] == '#' || raw.at[0] == ' ' || raw.at[0] == '*'))
            raw = rw_span_skip(raw, 1);
        if (block_title(raw, &title, &value) && find_block(title))
            return true;
    }
    return false;
}

/* ---- Answers ---- */

static void add_unread(struct state *state, struct rw_span text)
{
    struct rw_intake *intake = state->reader->intake;
    if (intake->unread_count == RW_INTAKE_UNREAD_MAX)
        return;
    if (!intake->unread)
        intake->unread =
            rw_arena_zero(&intake->arena, RW_INTAKE_UNREAD_MAX * sizeof(*intake->unread));
    struct rw_span copy = rw_arena_copy(&intake->arena, text);
    if (!intake->unread || !copy.at) {
        state->reader->err = RW_ENOMEM;
        return;
    }
    intake->unread[intake->unread_count++] = (struct rw_intake_unread){
        .text = copy, .place = rw_questionnaire_place(&state->line, text)};
}

/* A second answer to the same question is added to the first. */
static void put_text(struct state *state, struct rw_intake_value *value, struct rw_span text)
{
    struct rw_arena *arena = &state->reader->intake->arena;
    struct rw_conf_place place = rw_questionnaire_place(&state->line, text);
    if (text.len == 0 || rw_intake_is_unknown(text)) {
        value->unknown |= text.len > 0;
        return;
    }
    if (!value->there) {
        value->origin = RW_ORIGIN_GIVEN;
        rw_intake_put(state->reader, value, &text, &place, 1);
        return;
    }
    struct rw_span joined =
        rw_arena_format(arena, "%.*s；%.*s", RW_SPAN_ARGS(value->text), RW_SPAN_ARGS(text));
    struct rw_span *texts = rw_arena_zero(arena, (value->count + 1) * sizeof(*texts));
    if (!joined.at || !texts) {
        state->reader->err = RW_ENOMEM;
        return;
    }
    bool list = value->field->kind == RW_INTAKE_TEXTS;
    if (list) {
        memcpy(texts, value->texts, value->count * sizeof(*texts));
        texts[value->count++] = rw_arena_copy(arena, text);
    } else {
        texts[0] = joined;
    }
    value->texts = texts;
    value->text = joined;
}

/* The text field that the key names, in the block's sections. */
static struct rw_intake_value *text_field(struct state *state, struct rw_span key)
{
    struct rw_span rest = rw_span_text(state->block->texts), word;
    while (rw_intake_next_word(&rest, &word)) {
        const struct rw_intake_section *section = rw_intake_find_section(word);
        rw_assert(section);
        const struct rw_intake_field *field = rw_intake_find_field(section, key);
        if (field && (field->kind == RW_INTAKE_TEXT || field->kind == RW_INTAKE_TEXTS))
            return rw_intake_slot(rw_intake_single(state->reader->intake, section), field);
    }
    return NULL;
}

static const struct rw_intake_section *section_of(const char *name)
{
    const struct rw_intake_section *section = rw_intake_find_section(rw_span_text(name));
    rw_assert(section);
    return section;
}

/* "云资源采购 40%": one line of the split of the budget. */
static bool put_share(struct state *state, struct rw_span text)
{
    struct rw_amount amount;
    struct rw_span where;
    const struct rw_intake_section *section = section_of("shares");
    if (!rw_amount_find(text, RW_DIMENSION_FRACTION | RW_DIMENSION_MONEY, &amount, &where) ||
        !(amount.dimension & (RW_DIMENSION_FRACTION | RW_DIMENSION_MONEY)))
        return false;
    struct rw_span name = rw_span_trim(rw_span(text.at, (size_t)(where.at - text.at)));
    while (name.len &&
           (rw_span_ends(name, RW_LITERAL("：")) || rw_span_ends(name, RW_LITERAL(":"))))
        name.len -= name.at[name.len - 1] == ':' ? 1 : 3;
    struct rw_conf_place place = rw_questionnaire_place(&state->line, where);
    struct rw_intake_row *row = rw_intake_add_row(state->reader, section, place);
    if (!row)
        return true;
    struct rw_conf_place name_place = rw_questionnaire_place(&state->line, name);
    bool share = amount.dimension == RW_DIMENSION_FRACTION;
    const struct rw_intake_field *field =
        rw_intake_find_field(section, share ? RW_LITERAL("share") : RW_LITERAL("amount"));
    rw_intake_put(state->reader, rw_intake_slot(row, field), &where, &place, 1);
    if (name.len)
        rw_intake_put(state->reader, &row->values[0], &name, &name_place, 1);
    return true;
}

/* "初期建设60% vs 持续运维40%": several on one line. */
static bool put_shares(struct state *state, struct rw_span text)
{
    bool any = false;
    while (text.len) {
        const char *versus = memmem(text.at, text.len, " vs ", 4);
        size_t len = versus ? (size_t)(versus - text.at) : text.len;
        any |= put_share(state, rw_span(text.at, len));
        text = rw_span_skip(text, versus ? len + 4 : len);
    }
    return any;
}

/* A block that is answered again, under another title of its own, is another customer's: an empty
 * questionnaire before or behind the answers is none. */
static bool is_second(struct state *state)
{
    uint32_t *answered = &state->answered[state->block - blocks];
    if (*answered == 0)
        *answered = state->title_line;
    if (*answered == state->title_line)
        return false;
    struct rw_span titles = rw_span_text(state->block->titles), title = {0};
    rw_intake_next_word(&titles, &title);
    rw_intake_tell(state->reader->report, ((struct rw_conf_place){state->title_line, 1}),
                   "[%.*s] is answered a second time (first in line %u): a file holds the answers "
                   "of one customer; put those that begin here into a file of their own",
                   "[%.*s]再次出现（首次在第 %u 行）：一个文件只含一位客户的答案，"
                   "请将从此处开始的内容另存为文件",
                   RW_SPAN_ARGS(title), *answered);
    state->second = true;
    return true;
}

static void answer(struct state *state, struct rw_span key, struct rw_span value)
{
    struct rw_intake_value *field = key.len ? text_field(state, key) : NULL;
    if (rw_span_starts(value, RW_LITERAL("，")))
        value = rw_span_skip(value, 3); /* what stood before it was not filled in */
    if (value.len == 0 || (state->line.blanks && !state->line.filled))
        return;
    if (is_second(state))
        return;
    unsigned amounts =
        rw_questionnaire_amounts(state->reader, state->block, &state->line, key, value);
    if (field)
        put_text(state, field, value);
    else if (!amounts || !key.len)
        put_text(state, rw_questionnaire_value(state->reader, rw_span_text(state->block->other)),
                 value);
}

/* "$150万/年，分配比例：" ends with the title of the lines that follow. */
static bool opens_shares(struct rw_span value, size_t *end)
{
    static const char *const titles[] = {"分配比例：", "分配比例:", "split:"};
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
        if (rw_span_ends(value, rw_span_text(titles[i]))) {
            *end = value.len - strlen(titles[i]);
            return true;
        }
    return false;
}

/* "=====": a line between two parts. */
static bool says_nothing(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr("=-_*~!.# ", text.at[i], 9))
            return false;
    return true;
}

static void read_line(struct state *state)
{
    struct rw_span text = rw_span(state->line.text, state->line.len), key = {0}, value;
    if (says_nothing(text))
        return;
    if (block_title(text, &key, &value)) {
        state->block = find_block(key);
        state->title_line = state->line.number;
        state->shares = false;
        if (state->block && value.len)
            answer(state, key, value);
        else if (value.len)
            add_unread(state, text);
        return;
    }
    if (state->line.heading)
        return;
    if (!state->block) {
        add_unread(state, text);
        return;
    }
    state->shares = state->shares && state->line.indent > state->shares_indent;
    if (state->shares && put_shares(state, text))
        return;
    if (!split(text, &key, &value)) {
        key = RW_LITERAL("");
        value = text;
    }
    if (rw_span_is(key, "分配比例") || rw_span_is_nocase(key, "split")) {
        state->shares = true;
        state->shares_indent = state->line.indent;
        put_shares(state, value);
        return;
    }
    size_t split_at = value.len;
    if (opens_shares(value, &split_at)) {
        state->shares = true;
        state->shares_indent = state->line.indent;
    }
    answer(state, key, rw_span(value.at, split_at));
}

static bool is_utf8(struct rw_span text)
{
    while (text.len) {
        size_t len = rw_utf8_length(text);
        if (len == 0 || text.at[0] == 0)
            return false;
        text = rw_span_skip(text, len);
    }
    return true;
}

/* Of a block that is there several times, that which is answered counts. */
static void doubt(struct state *state)
{
    if (!state->block || !state->line.doubtful)
        return;
    size_t block = (size_t)(state->block - blocks);
    struct doubts *doubts = &state->doubts[block];
    if (doubts->title_line != state->title_line) {
        if (doubts->title_line && doubts->title_line == state->answered[block])
            return;
        *doubts = (struct doubts){.title_line = state->title_line};
    }
    for (unsigned i = 0; i < state->line.doubtful; i++)
        if (doubts->count++ < RW_INTAKE_DOUBTFUL_MAX)
            doubts->lines[doubts->count - 1] = state->line.number;
}

static void keep_doubts(const struct state *state)
{
    struct rw_intake *intake = state->reader->intake;
    for (size_t i = 0; i < BLOCKS; i++) {
        const struct doubts *doubts = &state->doubts[i];
        if (!doubts->count || doubts->title_line != state->answered[i])
            continue;
        for (unsigned k = 0; k < doubts->count; k++)
            if (intake->doubtful_count++ < RW_INTAKE_DOUBTFUL_MAX && k < RW_INTAKE_DOUBTFUL_MAX)
                intake->doubtful_lines[intake->doubtful_count - 1] = doubts->lines[k];
    }
}

void rw_intake_read_questionnaire(struct rw_intake_reader *reader, struct rw_span text)
{
    if (reader->report->voice == RW_CONF_VOICE_OWN)
        reader->report->voice = RW_CONF_VOICE_CHINESE; /* its titles are */
    struct state state = {.reader = reader};
    reader->intake->questionnaire = true;
    uint32_t number = 0;
    while (text.len && !reader->err && !state.second) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        struct rw_span raw = rw_span(text.at, len);
        struct rw_conf_place place = {++number, 1};
        text = rw_span_skip(text, end ? len + 1 : len);
        if (!is_utf8(raw))
            rw_intake_tell(reader->report, place, "this line is not UTF-8", "本行不是 UTF-8");
        else if (!rw_questionnaire_clean(raw, number, &state.line))
            rw_intake_tell(reader->report, place, "longer than %d bytes", "超过 %d 字节",
                           RW_QUESTIONNAIRE_LINE_MAX);
        else
            read_line(&state);
        doubt(&state);
    }
    keep_doubts(&state);
}
