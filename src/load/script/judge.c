#include "load/script/judge.h"

#include "base/alloc.h"
#include "load/script/regex.h"

#include <jansson.h>

enum { EXPECTED_BYTES_MAX = 16 << 10 };

/* One answer and what it is held against. */
struct trial {
    struct rw_load_answer *answer;
    const struct rw_load_values *values;
    struct rw_text *captures;
    struct rw_load_check_count *counts;
    uint64_t latency_ns;
    json_t *json; /* of the body, once somebody has asked */
    bool parsed;
};

void rw_load_answer_begin(struct rw_load_answer *answer)
{
    answer->body.len = 0;
    answer->body.err = RW_OK;
    answer->status = 0;
    answer->good = true;
    answer->grpc_status = -1;
}

void rw_load_answer_free(struct rw_load_answer *answer)
{
    rw_text_free(&answer->body);
}

void rw_load_answer_body(struct rw_load_answer *answer, const struct rw_load_step *step,
                         struct rw_span bytes)
{
    size_t room = RW_LOAD_ANSWER_BYTES_MAX - answer->body.len;
    if (step->looks_at_body)
        rw_text_add(&answer->body, rw_span(bytes.at, bytes.len < room ? bytes.len : room));
}

static int read_grpc_status(struct rw_span text)
{
    uint64_t status;
    return rw_span_to_u64(text, &status) && status < UINT16_MAX ? (int)status : -1;
}

void rw_load_answer_trailers(struct rw_load_answer *answer, struct rw_span lines)
{
    struct rw_span line;
    while (rw_span_next(&lines, '\n', &line)) {
        ptrdiff_t colon = rw_span_find(line, ':');
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (colon > 0 && rw_span_is_nocase(rw_span(line.at, (size_t)colon), "grpc-status"))
            answer->grpc_status =
                read_grpc_status(rw_span_trim(rw_span_skip(line, (size_t)colon + 1)));
    }
}

/* ---- Conditions ---- */

static bool is_among(const struct rw_load_check *check, uint16_t status)
{
    for (unsigned i = 0; i < check->status_count; i++)
        if (check->statuses[i] == status)
            return true;
    return false;
}

/* What a check's template comes to; false: it cannot be made. */
static bool expected(const struct rw_load_template *template, const struct trial *trial, char *room,
                     struct rw_span *text)
{
    struct rw_h1_out out = {.at = room, .room = EXPECTED_BYTES_MAX};
    *text = rw_load_template_text(template);
    if (rw_load_template_is_constant(template))
        return true;
    rw_load_template_put(template, trial->values, &out);
    *text = rw_span(room, out.len);
    return !out.overflow;
}

static bool holds(const struct rw_load_check *check, const struct trial *trial,
                  struct rw_span value)
{
    char room[EXPECTED_BYTES_MAX];
    struct rw_span text;
    if (check->has_equals &&
        (!expected(&check->equals, trial, room, &text) || !rw_span_eq(value, text)))
        return false;
    if (!check->has_contains)
        return true;
    return expected(&check->contains, trial, room, &text) &&
           (!text.len || memmem(value.at, value.len, text.at, text.len));
}

static bool keep(const struct rw_load_check *check, const struct trial *trial, struct rw_span value)
{
    struct rw_text *capture = &trial->captures[check->capture];
    capture->len = 0;
    capture->err = RW_OK;
    if (value.len > RW_LOAD_CAPTURED_BYTES_MAX)
        return false;
    rw_text_adds(capture, ""); /* also nothing is something */
    rw_text_add(capture, value);
    return !capture->err;
}

static void conclude(const struct rw_load_check *check, struct trial *trial, bool there,
                     struct rw_span value)
{
    bool held = there && holds(check, trial, value);
    if (held && check->capture >= 0)
        held = keep(check, trial, value);
    if (trial->counts && held)
        trial->counts[check->number].held++;
    else if (trial->counts)
        trial->counts[check->number].missed++;
    trial->answer->good = trial->answer->good && held;
}

/* ---- JSON ---- */

/* "~1" is "/", "~0" is "~" (RFC 6901 section 4). */
static bool unescape(struct rw_span token, char *key, size_t room)
{
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (len + 1 == room)
            return false;
        if (c == '~' && i + 1 < token.len)
            c = token.at[++i] == '1' ? '/' : '~';
        key[len++] = c;
    }
    key[len] = '\0';
    return true;
}

static const json_t *child(const json_t *json, struct rw_span token)
{
    char key[256];
    uint64_t index;
    if (json_is_array(json))
        return rw_span_to_u64(token, &index) ? json_array_get(json, index) : NULL;
    return unescape(token, key, sizeof(key)) ? json_object_get(json, key) : NULL;
}

static const json_t *find(const json_t *json, struct rw_span pointer)
{
    while (json && pointer.len) {
        struct rw_span rest = rw_span_skip(pointer, 1);
        ptrdiff_t slash = rw_span_find(rest, '/');
        size_t len = slash < 0 ? rest.len : (size_t)slash;
        json = child(json, rw_span(rest.at, len));
        pointer = rw_span_skip(rest, len);
    }
    return json;
}

static const json_t *body_json(struct trial *trial)
{
    struct rw_span body = rw_text_span(&trial->answer->body);
    if (!trial->parsed && body.len)
        trial->json = json_loadb(body.at, body.len, JSON_DECODE_ANY, NULL);
    trial->parsed = true;
    return trial->json;
}

static void judge_json(const struct rw_load_check *check, struct trial *trial)
{
    const json_t *json = find(body_json(trial), check->name);
    struct rw_span value = {"", 0};
    char *dumped = NULL;
    if (json_is_string(json))
        value = rw_span(json_string_value(json), json_string_length(json));
    else if (json)
        dumped = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (dumped)
        value = rw_span_text(dumped);
    conclude(check, trial, json_is_string(json) || dumped, value);
    rw_free(dumped);
}

/* ---- Parts ---- */

static void judge_part(const struct rw_load_check *check, struct trial *trial)
{
    struct rw_span body = rw_text_span(&trial->answer->body), found = {"", 0};
    bool there = false;
    switch (check->part) {
    case RW_LOAD_STATUS:
        conclude(check, trial, is_among(check, trial->answer->status), found);
        break;
    case RW_LOAD_LATENCY:
        conclude(check, trial, trial->latency_ns < check->below_ns, found);
        break;
    case RW_LOAD_JSON:
        judge_json(check, trial);
        break;
    case RW_LOAD_MATCH:
        there = rw_load_regex_search(check->regex, body, &found);
        conclude(check, trial, there, found);
        break;
    case RW_LOAD_BODY:
        conclude(check, trial, true, body);
        break;
    case RW_LOAD_GRPC:
        conclude(check, trial,
                 trial->answer->grpc_status >= 0 &&
                     is_among(check, (uint16_t)trial->answer->grpc_status),
                 found);
        break;
    case RW_LOAD_FIELD:
        break; /* done in the head */
    }
}

void rw_load_answer_head(struct rw_load_answer *answer, const struct rw_load_step *step,
                         const struct rw_message *message, const struct rw_load_values *values,
                         struct rw_text *captures, struct rw_load_check_count *counts)
{
    struct trial trial = {answer, values, captures, counts, 0, NULL, false};
    const struct rw_field *grpc = rw_message_find_name(message, RW_LITERAL("grpc-status"));
    answer->status = message->status;
    if (grpc) /* where there are no trailers */
        answer->grpc_status = read_grpc_status(grpc->value);
    for (unsigned i = 0; i < step->check_count; i++) {
        const struct rw_load_check *check = &step->checks[i];
        if (check->part != RW_LOAD_FIELD)
            continue;
        const struct rw_field *field = rw_message_find_name(message, check->name);
        conclude(check, &trial, field != NULL, field ? field->value : RW_LITERAL(""));
    }
}

bool rw_load_answer_is_awaited(struct rw_load_answer *answer, const struct rw_load_step *step,
                               const struct rw_load_values *values)
{
    const struct trial trial = {.answer = answer, .values = values};
    const struct rw_load_check awaited = {.has_contains = true, .contains = step->answer};
    if (!step->has_answer || holds(&awaited, &trial, rw_text_span(&answer->body)))
        return true;
    answer->body.len = 0;
    return false;
}

bool rw_load_answer_judge(struct rw_load_answer *answer, const struct rw_load_step *step,
                          uint64_t latency_ns, const struct rw_load_values *values,
                          struct rw_text *captures, struct rw_load_check_count *counts)
{
    struct trial trial = {answer, values, captures, counts, latency_ns, NULL, false};
    for (unsigned i = 0; i < step->check_count; i++)
        judge_part(&step->checks[i], &trial);
    json_decref(trial.json);
    if (!step->judges_status && (step->opens ? answer->status != 101 : answer->status >= 400))
        answer->good = false;
    return answer->good;
}
