#include "http/field_table.h"
#include "http/h1_parse.h"
#include "http/scan.h"

const struct rw_h1_limits rw_h1_limits_default = {
    .head_bytes_max = 16 * 1024,
    .target_bytes_max = 8 * 1024,
    .fields_max = 100,
    .chunk_ext_bytes_max = 256,
    .trailer_bytes_max = 8 * 1024,
};

enum rw_h1_step rw_h1_line_end(struct rw_h1_parse *parse)
{
    const char *at = parse->at;
    if (at == parse->end)
        return RW_H1_STEP_SHORT;
    if (*at == '\n')
        return rw_h1_bad(parse, 400, "line ends with LF alone");
    if (*at != '\r')
        return rw_h1_bad(parse, 400, "control character in the line");
    if (parse->end - at < 2)
        return RW_H1_STEP_SHORT;
    if (at[1] != '\n')
        return rw_h1_bad(parse, 400, "CR without LF");
    parse->at = at + 2;
    return RW_H1_STEP_OK;
}

/* RFC 9112 section 2.3: case-sensitive, one digit each. A minor version above ours is spoken to as
 * ours (RFC 9110 section 6.2). */
enum rw_h1_step rw_h1_version(struct rw_h1_parse *parse, struct rw_span text)
{
    const char *at = text.at;
    if (!rw_span_starts(text, RW_LITERAL("HTTP/")))
        return rw_h1_bad(parse, 400, "HTTP version expected");
    if (text.len != 8 || at[5] < '0' || at[5] > '9' || at[6] != '.' || at[7] < '0' || at[7] > '9')
        return rw_h1_bad(parse, 400, "malformed HTTP version");
    if (at[5] >= '2')
        return rw_h1_bad(parse, 505, "HTTP version not supported");
    if (at[5] == '0')
        return rw_h1_bad(parse, 400, "HTTP version below 1.0");
    parse->message->minor_version = at[7] != '0';
    parse->at = at + 8;
    return RW_H1_STEP_OK;
}

/* Has the line at `from` an end, or a byte that no line may hold? */
static bool line_is_judged(const char *from, const char *end)
{
    const char *stop = rw_scan_value(from, end);
    return stop < end && (*stop != '\r' || end - stop > 1);
}

/* All bytes that the limit allows are here, and no blank line among them. */
static void refuse_length(struct rw_h1_parse *parse)
{
    if (parse->fields || parse->line != parse->start)
        rw_h1_bad(parse, 431, "head larger than allowed");
    else
        rw_h1_bad(parse, 414, "start line larger than allowed");
}

static enum rw_h1_result incomplete(struct rw_h1_parse *parse, struct rw_h1_head *head)
{
    head->seen = (uint32_t)(parse->end - parse->start);
    if (head->seen < parse->limits->head_bytes_max)
        return RW_H1_INCOMPLETE;
    refuse_length(parse);
    head->refusal = parse->refusal;
    return RW_H1_BAD;
}

static enum rw_h1_result conclude(struct rw_h1_parse *parse, enum rw_h1_step step,
                                  struct rw_h1_head *head)
{
    switch (step) {
    case RW_H1_STEP_OK:
        head->consumed = parse->message->head_bytes;
        return RW_H1_COMPLETE;
    case RW_H1_STEP_NO_MEMORY:
        return RW_H1_NO_MEMORY;
    case RW_H1_STEP_BAD:
        if (!parse->line || line_is_judged(parse->line, parse->end)) {
            head->refusal = parse->refusal;
            return RW_H1_BAD;
        }
        break;
    default:
        break;
    }
    /* A line counts as checked once the start line is behind it. */
    head->fields = parse->fields;
    head->line = parse->message->head_bytes ? (uint32_t)(parse->line - parse->start) : 0;
    return incomplete(parse, head);
}

static enum rw_h1_step read_lines(struct rw_h1_parse *parse)
{
    if (!parse->message->head_bytes) {
        enum rw_h1_step step = parse->start_line(parse);
        if (step != RW_H1_STEP_OK)
            return step;
        /* Until the head is whole: the start line is read. */
        parse->message->head_bytes = (uint32_t)(parse->at - parse->start);
    }
    return rw_h1_field_lines(parse);
}

/* Reads the whole head into the message. What it took from the arena goes back when it fails. */
static enum rw_h1_step read_head(struct rw_h1_parse *parse)
{
    struct rw_arena_block *blocks = parse->arena->blocks;
    char *at = parse->arena->at;
    enum rw_h1_step step = read_lines(parse);
    if (step == RW_H1_STEP_BLANK) {
        parse->message->head_bytes = (uint32_t)(parse->at - parse->start);
        parse->line = NULL;
        rw_message_fit(parse->message, parse->arena);
        step = parse->finish(parse);
    }
    if (step != RW_H1_STEP_OK && parse->arena->blocks == blocks)
        parse->arena->at = at;
    return step;
}

/* Checks the lines that became whole since the last call, so that no byte is looked at more than a
 * few times however slowly they come. BLANK: the head is whole. */
static enum rw_h1_step check_new_lines(struct rw_h1_parse *parse, const struct rw_h1_head *head)
{
    const char *line = parse->start + head->line;
    const char *from = parse->start + head->seen - 1; /* the last byte seen may have been CR */
    parse->line = parse->at = line;
    parse->fields = head->fields;
    parse->message->head_bytes = head->line;
    if (!line_is_judged(from > line ? from : line, parse->end))
        return RW_H1_STEP_SHORT;
    parse->store = false;
    return read_lines(parse);
}

/* Of a size that the compiler knows, it makes a string instruction that takes longer than a short
 * head. */
static void clear_message(struct rw_message *message)
{
    size_t size = sizeof(*message);
    __asm__("" : "+r"(size));
    memset(message, 0, size);
}

enum rw_h1_result rw_h1_parse_head(struct rw_h1_parse *parse, struct rw_h1_head *head)
{
    size_t len = (size_t)(parse->end - parse->start);
    if (len > parse->limits->head_bytes_max)
        parse->end = parse->start + parse->limits->head_bytes_max;
    clear_message(parse->message);
    if (head->seen && head->seen <= len) {
        enum rw_h1_step step = check_new_lines(parse, head);
        if (step != RW_H1_STEP_BLANK)
            return conclude(parse, step, head);
        clear_message(parse->message);
        parse->present = parse->repeated = 0;
        parse->fields = 0;
    }
    parse->at = parse->line = parse->start;
    parse->store = true;
    return conclude(parse, read_head(parse), head);
}

/* ---- After the bytes moved ---- */

struct move {
    const char *from, *to;
    size_t bytes;
};

/* Texts outside of the head (made in the arena, or static) stay where they are. */
static void move_text(struct rw_span *text, const struct move *move)
{
    uintptr_t offset = (uintptr_t)text->at - (uintptr_t)move->from;
    if (text->at && offset < move->bytes)
        text->at = move->to + offset;
}

void rw_h1_rebase(struct rw_message *message, const char *from, const char *to)
{
    const struct move move = {from, to, message->head_bytes};
    struct rw_span *const texts[] = {
        &message->method_text, &message->scheme, &message->authority, &message->target,
        &message->path,        &message->query,  &message->reason,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        move_text(texts[i], &move);
    for (unsigned i = 0; i < message->field_count; i++) {
        move_text(&message->fields[i].name, &move);
        move_text(&message->fields[i].value, &move);
    }
}
