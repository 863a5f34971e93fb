/* From YAML text to a tree of nodes, by libfyaml's events: so aliases cost nothing until they are
 * used, and the limits are ours. */
#include "base/map.h"
#include "base/utf8.h"
#include "conf/credential.h"
#include "conf/reader.h"
#include "conf/syntax.h"

#include <libfyaml.h>

struct frame {
    struct rw_conf_node *node;
    struct rw_conf_entry *last;
    struct rw_span anchor;
    struct rw_conf_node *key; /* MAP: read, its value not yet */
};

struct composer {
    struct rw_conf_reader *reader;
    struct rw_conf_node *root;
    struct rw_map anchors; /* a name to the latest node that it stands for */
    struct rw_conf_place place;
    unsigned depth, documents;
    bool stopped;
    struct frame frames[RW_CONF_DEPTH_MAX];
    struct rw_conf_site path[RW_CONF_DEPTH_MAX]; /* for a message */
};

static bool is_chinese(const struct composer *composer)
{
    return composer->reader->report->voice == RW_CONF_VOICE_CHINESE;
}

/* What the open mappings and lists say about where the next value stands. */
static const struct rw_conf_site *path_here(struct composer *composer)
{
    const struct rw_conf_site *site = NULL;
    for (unsigned i = 0; i < composer->depth; i++) {
        const struct frame *frame = &composer->frames[i];
        bool list = frame->node->kind == RW_CONF_NODE_LIST;
        composer->path[i] = (struct rw_conf_site){
            .parent = i ? &composer->path[i - 1] : NULL,
            .index = list ? (ptrdiff_t)frame->node->count : -1,
            .key = frame->key ? frame->key->text : RW_LITERAL(""),
        };
        site = &composer->path[i];
    }
    return site;
}

#define MISTAKE(composer, place, en, zh, ...)                                                      \
    rw_conf_mistake_node((composer)->reader, path_here(composer), place,                           \
                         is_chinese(composer) ? (zh) : (en), ##__VA_ARGS__)

static void *scratch(struct composer *composer, size_t size)
{
    void *block = rw_arena_zero(&composer->reader->scratch, size);
    if (!block) {
        composer->reader->err = RW_ENOMEM;
        composer->stopped = true;
    }
    return block;
}

static struct rw_span scratch_copy(struct composer *composer, struct rw_span text)
{
    char *copy = scratch(composer, text.len + 1);
    if (!copy)
        return RW_LITERAL("");
    if (text.len)
        memcpy(copy, text.at, text.len);
    return rw_span(copy, text.len);
}

/* Chunk by chunk: in libfyaml 0.7, fy_token_get_text leaks where a quoted text has many escapes,
 * and fy_token_iter_read loses all of them but the last. */
static struct rw_span token_text(struct composer *composer, struct fy_token *token)
{
    struct fy_token_iter *iterator = token ? fy_token_iter_create(token) : NULL;
    const struct fy_iter_chunk *chunk = NULL;
    struct rw_text text = {0};
    int failed = token && !iterator;
    while (iterator && (chunk = fy_token_iter_chunk_next(iterator, chunk, &failed)))
        rw_text_add(&text, rw_span(chunk->str, chunk->len));
    if (iterator)
        fy_token_iter_destroy(iterator);
    if (text.err || failed) {
        composer->reader->err = RW_ENOMEM;
        composer->stopped = true;
    }
    struct rw_span copy = text.len ? scratch_copy(composer, rw_text_span(&text)) : RW_LITERAL("");
    rw_text_free(&text);
    return copy;
}

/* ---- Duplicate keys ---- */

enum { FEW_KEYS = 12 };

static const struct rw_conf_entry *earlier_by_walk(const struct rw_conf_node *map,
                                                   const struct rw_conf_entry *entry)
{
    const struct rw_conf_entry *other = map->entries;
    while (other != entry && !rw_span_eq(other->key, entry->key))
        other = other->next;
    return other == entry ? NULL : other;
}

static void tell_duplicate(struct composer *composer, const struct rw_conf_entry *entry,
                           const struct rw_conf_entry *earlier)
{
    struct rw_conf_report *report = composer->reader->report;
    MISTAKE(composer, entry->key_place, "the key %s is there twice; first in line %u",
            "键 %s 重复；首次出现在第 %u 行", rw_conf_quote(report, entry->key),
            earlier->key_place.line);
}

static void check_duplicates(struct composer *composer, const struct rw_conf_node *map)
{
    struct rw_map seen;
    rw_map_init(&seen, 0x5eed);
    for (struct rw_conf_entry *entry = map->entries; entry; entry = entry->next) {
        const struct rw_conf_entry *earlier =
            map->count <= FEW_KEYS ? earlier_by_walk(map, entry) : rw_map_get(&seen, entry->key);
        if (earlier)
            tell_duplicate(composer, entry, earlier);
        else if (map->count > FEW_KEYS && rw_map_put(&seen, entry->key, entry)) {
            composer->reader->err = RW_ENOMEM;
            break;
        }
    }
    rw_map_free(&seen);
}

/* ---- Putting nodes together ---- */

static struct rw_conf_node *new_node(struct composer *composer, enum rw_conf_node_kind kind)
{
    if (composer->reader->nodes++ == RW_CONF_NODES_MAX) {
        MISTAKE(composer, composer->place, "more than %d values in one file",
                "一个文件超过 %d 个值", RW_CONF_NODES_MAX);
        composer->stopped = true;
        return NULL;
    }
    struct rw_conf_node *node = scratch(composer, sizeof(*node));
    if (node) {
        node->kind = kind;
        node->place = composer->place;
        node->text = RW_LITERAL("");
    }
    return node;
}

static void append(struct composer *composer, struct frame *frame, struct rw_conf_node *node)
{
    struct rw_conf_entry *entry = scratch(composer, sizeof(*entry));
    if (!entry)
        return;
    entry->node = node;
    if (frame->key) {
        entry->key = frame->key->text;
        entry->key_place = frame->key->place;
        frame->key = NULL;
    }
    if (frame->last)
        frame->last->next = entry;
    else
        frame->node->entries = entry;
    frame->last = entry;
    frame->node->count++;
}

/* A finished node goes to where the innermost open mapping or list waits for it. */
static void place_node(struct composer *composer, struct rw_conf_node *node)
{
    if (composer->depth == 0) {
        composer->root = node;
        return;
    }
    struct frame *frame = &composer->frames[composer->depth - 1];
    if (frame->node->kind == RW_CONF_NODE_MAP && !frame->key) {
        if (node->kind != RW_CONF_NODE_SCALAR) {
            MISTAKE(composer, node->place, "a key must be a text, not a list or a mapping",
                    "键必须是文字，不能是列表或一组字段");
            composer->stopped = true;
        }
        frame->key = node;
        return;
    }
    append(composer, frame, node);
}

static bool takes_key(const struct composer *composer)
{
    if (composer->depth == 0)
        return false;
    const struct frame *frame = &composer->frames[composer->depth - 1];
    return frame->node->kind == RW_CONF_NODE_MAP && !frame->key;
}

static void remember(struct composer *composer, struct rw_span anchor, struct rw_conf_node *node)
{
    if (anchor.len && rw_map_put(&composer->anchors, anchor, node)) {
        composer->reader->err = RW_ENOMEM;
        composer->stopped = true;
    }
}

static void refuse_tag(struct composer *composer, struct fy_token *tag)
{
    if (tag)
        MISTAKE(composer, composer->place,
                "YAML tags (words that begin with \"!\") have no meaning here",
                "此处不支持 YAML 标签（以“!”开头的词）");
}

/* ---- Events ---- */

static void on_scalar(struct composer *composer, const struct fy_event *event)
{
    struct rw_conf_node *node = new_node(composer, RW_CONF_NODE_SCALAR);
    if (!node)
        return;
    refuse_tag(composer, event->scalar.tag);
    struct fy_token *value = event->scalar.value;
    enum fy_scalar_style style = value ? fy_token_scalar_style(value) : FYSS_PLAIN;
    /* libfyaml's mark stands behind the quote. */
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        node->place.column -= node->place.column > 1;
    node->plain = style == FYSS_PLAIN;
    node->text = token_text(composer, value);
    remember(composer, token_text(composer, event->scalar.anchor), node);
    node->raw = !takes_key(composer) && rw_span_find(node->text, '$') >= 0;
    place_node(composer, node);
}

static void on_alias(struct composer *composer, const struct fy_event *event)
{
    struct rw_span name = token_text(composer, event->alias.anchor);
    composer->place.column -= composer->place.column > 1; /* the mark stands behind the "*" */
    struct rw_conf_node *node = rw_map_get(&composer->anchors, name);
    if (!node) {
        node = new_node(composer, RW_CONF_NODE_SCALAR);
        if (!node)
            return;
        node->broken = true;
        /* A password that begins with "*" and lacks its quotes looks like one. */
        const struct rw_conf_site *here = path_here(composer);
        if (here && rw_conf_names_credential(here->key))
            MISTAKE(composer, composer->place,
                    "no anchor of the name behind \"*\" is finished before this alias; a text that "
                    "begins with \"*\" needs quotes",
                    "此别名之前没有已结束的同名锚点；以“*”开头的文字须加引号");
        else
            MISTAKE(composer, composer->place, "no anchor &%.*s is finished before this alias",
                    "此别名之前没有已结束的锚点 &%.*s", RW_SPAN_ARGS(name));
    }
    place_node(composer, node);
}

static void on_start(struct composer *composer, enum rw_conf_node_kind kind,
                     struct fy_token *anchor, struct fy_token *tag)
{
    if (composer->depth == RW_CONF_DEPTH_MAX) {
        MISTAKE(composer, composer->place, "nested deeper than %d levels", "嵌套超过 %d 层",
                RW_CONF_DEPTH_MAX);
        composer->stopped = true;
        return;
    }
    refuse_tag(composer, tag);
    struct rw_conf_node *node = new_node(composer, kind);
    if (node)
        composer->frames[composer->depth++] =
            (struct frame){.node = node, .anchor = token_text(composer, anchor)};
}

static void on_end(struct composer *composer)
{
    if (composer->depth == 0) {
        composer->stopped = true;
        return;
    }
    struct frame *frame = &composer->frames[--composer->depth];
    if (frame->node->kind == RW_CONF_NODE_MAP)
        check_duplicates(composer, frame->node);
    remember(composer, frame->anchor, frame->node);
    place_node(composer, frame->node);
}

static void on_document(struct composer *composer)
{
    if (composer->documents++ == 0)
        return;
    MISTAKE(composer, composer->place, "a second document begins; one file holds one document",
            "第二个文档由此开始；一个文件只能有一个文档");
    composer->stopped = true;
}

static void on_event(struct composer *composer, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark)
        composer->place =
            (struct rw_conf_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
    switch (event->type) {
    case FYET_SCALAR:
        on_scalar(composer, event);
        break;
    case FYET_ALIAS:
        on_alias(composer, event);
        break;
    case FYET_MAPPING_START:
        on_start(composer, RW_CONF_NODE_MAP, event->mapping_start.anchor, event->mapping_start.tag);
        break;
    case FYET_SEQUENCE_START:
        on_start(composer, RW_CONF_NODE_LIST, event->sequence_start.anchor,
                 event->sequence_start.tag);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        on_end(composer);
        break;
    case FYET_DOCUMENT_START:
        on_document(composer);
        break;
    default:
        break;
    }
}

/* ---- Syntax errors ---- */

static void discard(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)len;
}

static bool line_has_variable(struct rw_span yaml, uint32_t line)
{
    struct rw_span text = {0};
    while (line-- && rw_span_next(&yaml, '\n', &text))
        ;
    return text.len && memmem(text.at, text.len, "${", 2);
}

static void tell_syntax(struct composer *composer, struct fy_diag *diag, struct rw_span yaml)
{
    void *cursor = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &cursor);
    struct rw_conf_place place = composer->place;
    if (error && error->line > 0)
        place = (struct rw_conf_place){(uint32_t)error->line, (uint32_t)error->column};
    bool variable = line_has_variable(yaml, place.line);
    MISTAKE(composer, place, "not YAML: %s%s", "不是有效的 YAML：%s%s",
            rw_conf_syntax_text(error ? error->msg : NULL, is_chinese(composer)),
            !variable              ? ""
            : is_chinese(composer) ? "；在 [] 与 {} 之内，含“${”的值须加引号"
                                   : "; within [] and {} a value with \"${\" needs quotes");
}

static void run(struct composer *composer, struct fy_parser *parser, struct fy_diag *diag,
                struct rw_span yaml)
{
    bool ended = false;
    while (!ended && !composer->stopped) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event)
            break;
        on_event(composer, event);
        ended = event->type == FYET_STREAM_END;
        fy_parser_event_free(parser, event);
    }
    if (!ended && !composer->stopped)
        tell_syntax(composer, diag, yaml);
}

static void parse(struct composer *composer, struct rw_span yaml)
{
    struct fy_diag_cfg diag_options;
    fy_diag_cfg_default(&diag_options);
    diag_options.fp = NULL;
    diag_options.output_fn = discard;
    diag_options.level = FYET_ERROR;
    diag_options.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_options);
    struct fy_parse_cfg options = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag};
    struct fy_parser *parser = NULL;
    if (diag) {
        fy_diag_set_collect_errors(diag, true);
        parser = fy_parser_create(&options);
    }
    if (parser && fy_parser_set_string(parser, yaml.at, yaml.len) == 0)
        run(composer, parser, diag, yaml);
    else
        composer->reader->err = RW_ENOMEM;
    if (parser)
        fy_parser_destroy(parser);
    if (diag)
        fy_diag_destroy(diag);
}

/* ---- Text that YAML allows at all ---- */

static bool check_text(struct composer *composer, struct rw_span yaml)
{
    struct rw_conf_place place = {1, 1};
    for (size_t i = 0; i < yaml.len; place.column++) {
        unsigned char c = (unsigned char)yaml.at[i];
        size_t len = rw_utf8_length(rw_span_skip(yaml, i));
        bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
        if (len == 0 || control) {
            MISTAKE(composer, place,
                    len ? "the control character 0x%02x" : "the byte 0x%02x is not UTF-8",
                    len ? "控制字符 0x%02x" : "字节 0x%02x 不是 UTF-8", c);
            return false;
        }
        i += len;
        if (c == '\n')
            place = (struct rw_conf_place){place.line + 1, 0};
    }
    return true;
}

struct rw_conf_node *rw_conf_compose(struct rw_conf_reader *reader, struct rw_span yaml)
{
    if (rw_span_starts(yaml, RW_LITERAL("\xef\xbb\xbf")))
        yaml = rw_span_skip(yaml, 3);
    struct composer composer = {.reader = reader, .place = {1, 1}};
    if (!check_text(&composer, yaml) || yaml.len == 0)
        return NULL;
    rw_map_init(&composer.anchors, 0x5eed);
    parse(&composer, yaml);
    rw_map_free(&composer.anchors);
    return composer.root;
}
