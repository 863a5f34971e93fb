/* From the text of one answer to a typed value, or to a message that says what would be right. */
#include "plan/intake/reader.h"

bool rw_intake_is_unknown(struct rw_span text)
{
    static const char *const words[] = {"unknown",   "n/a",           "?",    "-",
                                        "not known", "to be defined", "未知", "不详",
                                        "待定",      "不确定",        "暂无", "？"};
    text = rw_span_trim(text);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (rw_span_is_nocase(text, words[i]))
            return true;
    return false;
}

static void *keep(struct rw_intake_reader *reader, size_t size)
{
    void *block = rw_arena_zero(&reader->intake->arena, size);
    if (!block)
        reader->err = RW_ENOMEM;
    return block;
}

static struct rw_span copy(struct rw_intake_reader *reader, struct rw_span text)
{
    struct rw_span kept = rw_arena_copy(&reader->intake->arena, text);
    if (!kept.at)
        reader->err = RW_ENOMEM;
    return kept.at ? kept : RW_LITERAL("");
}

/* Where byte `at` of a text stands that begins at `place`. */
static struct rw_conf_place place_within(struct rw_conf_place place, struct rw_span text, size_t at)
{
    for (size_t i = 0; i < at && i < text.len; i++)
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            place.column++;
    return place;
}

const char *rw_intake_called(const struct rw_conf_report *report,
                             const struct rw_intake_field *field)
{
    return report->voice == RW_CONF_VOICE_CHINESE ? rw_intake_field_label(field).zh
                                                  : rw_intake_field_name(field);
}

static void tell_amount(struct rw_intake_reader *reader, const struct rw_intake_field *field,
                        struct rw_span text, struct rw_conf_place place,
                        const struct rw_amount_mistake *mistake)
{
    struct rw_text message = {0};
    rw_amount_mistake_write(
        mistake, rw_intake_field_dimensions(field),
        reader->report->voice == RW_CONF_VOICE_CHINESE ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN, &message);
    if (message.err)
        reader->err = message.err;
    else
        rw_intake_tell(reader->report, place_within(place, text, mistake->at), "%s: %s", "%s：%s",
                       rw_intake_called(reader->report, field), message.at);
    rw_text_free(&message);
}

/* A share of more than all, a probability... What grows or is added may be more than it was. */
static bool out_of_range(const struct rw_intake_field *field, const struct rw_amount *amount)
{
    bool more = field->is_input &&
                (field->input == RW_INPUT_GROWTH || field->input == RW_INPUT_STORAGE_OVERHEAD);
    bool share = rw_intake_field_dimensions(field) == RW_DIMENSION_FRACTION && !more;
    return share && amount->high > 1;
}

static void take_amount(struct rw_intake_reader *reader, const struct rw_intake_field *field,
                        struct rw_span text, struct rw_conf_place place, struct rw_amount *amount)
{
    struct rw_amount_mistake mistake;
    unsigned dimensions = rw_intake_field_dimensions(field);
    if (!rw_amount_read(text, dimensions, amount, &mistake)) {
        tell_amount(reader, field, text, place, &mistake);
        return;
    }
    if (!amount->per && amount->dimension != RW_DIMENSION_DATE)
        amount->per = rw_intake_field_per(field);
    if (out_of_range(field, amount))
        rw_intake_tell(reader->report, place, "%s: a share is at most 100%%, not %s",
                       "%s：占比最多为 100%%，而不是 %s", rw_intake_called(reader->report, field),
                       rw_conf_quote(reader->report, text));
}

static void put_amounts(struct rw_intake_reader *reader, struct rw_intake_value *value,
                        const struct rw_span *texts, const struct rw_conf_place *places,
                        size_t count)
{
    struct rw_amount *amounts = keep(reader, count * sizeof(*amounts));
    for (size_t i = 0; amounts && i < count; i++)
        take_amount(reader, value->field, texts[i], places[i], &amounts[i]);
    if (!amounts)
        return;
    value->amounts = amounts;
    value->amount = amounts[0];
    value->count = count;
}

static void put_texts(struct rw_intake_reader *reader, struct rw_intake_value *value,
                      const struct rw_span *texts, size_t count)
{
    struct rw_span *kept = keep(reader, count * sizeof(*kept));
    for (size_t i = 0; kept && i < count; i++)
        kept[i] = copy(reader, texts[i]);
    value->texts = kept;
    value->count = kept ? count : 0;
}

void rw_intake_put(struct rw_intake_reader *reader, struct rw_intake_value *value,
                   const struct rw_span *texts, const struct rw_conf_place *places, size_t count)
{
    const struct rw_intake_field *field = value->field;
    bool list = field->kind == RW_INTAKE_TEXTS || field->kind == RW_INTAKE_AMOUNTS;
    if (count == 0 || reader->err)
        return;
    if (count > 1 && !list) {
        rw_intake_tell(reader->report, places[1], "%s: one value, not a list",
                       "%s：只能有一个值，不能是列表", rw_intake_called(reader->report, field));
        return;
    }
    value->place = places[0];
    if (rw_intake_is_unknown(texts[0])) {
        value->unknown = true;
        return;
    }
    value->text = copy(reader, texts[0]);
    if (field->kind == RW_INTAKE_AMOUNT || field->kind == RW_INTAKE_AMOUNTS)
        put_amounts(reader, value, texts, places, count);
    else
        put_texts(reader, value, texts, count);
    value->there = value->count > 0;
}
