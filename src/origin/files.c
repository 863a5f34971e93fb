#include "origin/files.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/kept.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "origin/files_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILES_PIECES_PER_TURN = 4, FILES_INDEX_MAX = 8 };

struct files_config {
    struct rw_span root;
    struct rw_conf_list index; /* of rw_span */
    struct rw_span cache_control;
    bool dotfiles;
    struct rw_conf_place place;
};

struct files {
    const struct files_config *config;
    int root;
};

/* A file being sent. */
struct files_call {
    struct rw_exchange *x;
    int fd;
    uint64_t at, left;
    struct rw_timer turn; /* the rest of the pieces, in the next turn of the loop */
};

/* What a request has found. */
struct found {
    int fd; /* -1: none */
    struct stat about;
    const char *type;
    char path[RW_FILES_PATH_BYTES_MAX];
};

/* ---- Configuration ---- */

static const struct rw_conf_field fields[] = {
    {
        .name = "root",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct files_config, root),
        .min = 1,
        .max = 4095,
        .doc = "The directory. Nothing outside of it is served, symbolic links included.",
        .example = "/srv/www",
    },
    {
        .name = "index",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = offsetof(struct files_config, index),
        .fallback = "[index.html]",
        .min = 1,
        .max = 255,
        .doc = "Names of files that stand for their directory, the first that exists; [] is none. "
               "There are no listings of directories.",
    },
    {
        .name = "cache_control",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct files_config, cache_control),
        .max = 1024,
        .doc = "The Cache-Control field of the answers. By default none is sent.",
        .example = "public, max-age=3600",
    },
    {
        .name = "dotfiles",
        .type = RW_CONF_BOOL,
        .offset = offsetof(struct files_config, dotfiles),
        .fallback = "false",
        .doc = "Serve files and directories whose names begin with a dot. Otherwise they are not "
               "found.",
    },
    {.name = NULL},
};

static void check(void *value, struct rw_conf_report *report)
{
    struct files_config *config = value;
    const struct rw_span *names = config->index.items;
    if (!rw_is_field_value(config->cache_control))
        rw_conf_mistake_on(report, &config->cache_control, "not a field value");
    if (config->index.count > FILES_INDEX_MAX)
        rw_conf_mistake_on(report, &config->index, "at most %d names", FILES_INDEX_MAX);
    for (size_t i = 0; i < config->index.count; i++)
        if (rw_span_find(names[i], '/') >= 0)
            rw_conf_mistake_on(report, &names[i], "the name of a file, without a directory");
}

static const struct rw_conf_record record = {
    .name = "files",
    .doc = "Files below a directory, by GET and HEAD. A text in place of the mapping is the root.",
    .size = sizeof(struct files_config),
    .fields = fields,
    .place_offset = offsetof(struct files_config, place),
    .scalar_field = "root",
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct files_config *config = value;
    struct files *files = rw_arena_zero(compile->arena, sizeof(*files));
    if (!files)
        return RW_ENOMEM;
    files->config = config;
    files->root = rw_kept_fd_find(config->root.at);
    if (files->root < 0)
        files->root = open(config->root.at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files->root < 0) {
        rw_conf_mistake_at(compile->report, config->place, "root %s: %s",
                           rw_conf_quote(compile->report, config->root), strerror(errno));
        return RW_EINVAL;
    }
    if (!rw_files_supported(files->root)) {
        rw_conf_mistake_at(compile->report, config->place,
                           "root %s cannot be read safely here (openat2: %s)",
                           rw_conf_quote(compile->report, config->root), strerror(errno));
        close(files->root);
        return RW_EINVAL;
    }
    if (rw_kept_fd_add(config->root.at, files->root))
        rw_log_warn("files", "root %s is not kept for a restart: no memory, or no descriptor",
                    config->root.at);
    *instance = files;
    return RW_OK;
}

static void destroy(void *instance)
{
    close(((struct files *)instance)->root);
}

/* ---- Finding the file ---- */

/* What of the request's path names the file. */
static struct rw_span path_of(const struct rw_exchange *x)
{
    if (x->upstream_target.at != x->request.target.at) {
        ptrdiff_t mark = rw_span_find(x->upstream_target, '?');
        return mark < 0 ? x->upstream_target : rw_span(x->upstream_target.at, (size_t)mark);
    }
    const struct rw_route_params *params = x->params;
    for (unsigned i = 0; params && i < params->count; i++)
        if (rw_span_is(params->items[i].name, "*"))
            return params->items[i].value;
    return x->request.path;
}

static enum rw_reason open_index(const struct files *files, struct found *found)
{
    const struct rw_span *names = files->config->index.items;
    close(found->fd);
    found->fd = -1;
    for (size_t i = 0; i < files->config->index.count; i++) {
        char path[RW_FILES_PATH_BYTES_MAX + 256];
        snprintf(path, sizeof(path), "%s/%.*s", found->path, RW_SPAN_ARGS(names[i]));
        enum rw_reason reason = rw_files_open(files->root, path, &found->fd, &found->about);
        found->type = rw_files_type(names[i].at);
        if (!reason && S_ISREG(found->about.st_mode))
            return RW_REASON_NONE;
        if (!reason)
            close(found->fd);
        found->fd = -1;
        if (reason && reason != RW_REASON_FILE_MISSING)
            return reason;
    }
    return RW_REASON_FILE_MISSING;
}

/* `*redirect`: it is a directory, and the path lacks its slash. */
static enum rw_reason find(struct rw_exchange *x, const struct files *files, struct found *found,
                           bool *redirect)
{
    struct rw_span path = path_of(x);
    bool slash = rw_span_ends(x->request.path, RW_LITERAL("/"));
    found->fd = -1;
    *redirect = false;
    if (!rw_files_path(path, files->config->dotfiles, found->path))
        return RW_REASON_FILE_MISSING;
    enum rw_reason reason = rw_files_open(files->root, found->path, &found->fd, &found->about);
    if (reason)
        return reason;
    found->type = rw_files_type(found->path);
    if (S_ISREG(found->about.st_mode)) {
        if (!slash)
            return RW_REASON_NONE;
        close(found->fd);
        found->fd = -1;
        return RW_REASON_FILE_MISSING;
    }
    *redirect = !slash;
    return open_index(files, found);
}

/* ---- Sending ---- */

static void let_go(struct files_call *call)
{
    rw_timer_stop(call->x->worker->loop, &call->turn);
    close(call->fd);
    call->fd = -1;
}

/* The next piece, in a buffer of its own. */
static enum rw_reason read_piece(struct files_call *call, struct rw_piece *piece)
{
    size_t room = call->left > RW_BUF_SMALL_BYTES ? RW_BUF_LARGE_BYTES : RW_BUF_SMALL_BYTES;
    size_t want = call->left < room ? (size_t)call->left : room;
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(call->x->worker->loop), room);
    if (!buf)
        return RW_REASON_MEMORY;
    ssize_t got;
    do
        got = pread(call->fd, buf->data, want, (off_t)call->at);
    while (got < 0 && errno == EINTR);
    if (got <= 0) { /* 0: it has become shorter than it was */
        rw_buf_drop(buf);
        return RW_REASON_FILE_UNREADABLE;
    }
    buf->end = (uint32_t)got;
    call->at += (uint64_t)got;
    call->left -= (uint64_t)got;
    *piece = (struct rw_piece){.buf = buf, .data = rw_buf_span(buf), .end = call->left == 0};
    return RW_REASON_NONE;
}

/* After the last piece nothing of the call may be touched: the exchange may be gone. */
static void send_pieces(struct files_call *call)
{
    struct rw_exchange *x = call->x;
    for (int i = 0; i < FILES_PIECES_PER_TURN; i++) {
        struct rw_piece piece;
        enum rw_reason reason = read_piece(call, &piece);
        if (reason) {
            let_go(call);
            rw_exchange_fail(x, reason, "while it was sent");
            return;
        }
        if (piece.end)
            let_go(call);
        enum rw_flow flow = rw_exchange_response_data(x, &piece);
        rw_buf_drop(piece.buf);
        if (piece.end || flow != RW_FLOW_GO)
            return;
    }
    rw_timer_start(x->worker->loop, &call->turn, rw_loop_now_ms(x->worker->loop));
}

static void next_turn(struct rw_timer *timer)
{
    send_pieces(rw_container_of(timer, struct files_call, turn));
}

/* ---- Answers ---- */

static enum rw_flow fail(struct rw_exchange *x, enum rw_reason reason)
{
    rw_exchange_fail(x, reason, NULL);
    return RW_FLOW_OVER;
}

static enum rw_err add(struct rw_exchange *x, const char *name, struct rw_span value)
{
    return value.at ? rw_message_add(&x->response, &x->arena, rw_span_text(name), value)
                    : RW_ENOMEM;
}

static enum rw_flow refuse_method(struct rw_exchange *x)
{
    x->reason = RW_REASON_WRONG_METHOD;
    enum rw_err err = rw_exchange_make_problem(x, 405, "Files are read by GET and HEAD only.");
    if (!err)
        err = add(x, "Allow", RW_LITERAL("GET, HEAD"));
    return err ? fail(x, RW_REASON_EXCHANGE_LIMIT) : rw_exchange_reply(x, RW_OK);
}

/* A path that begins with two slashes would be taken for a host. */
static enum rw_flow redirect_to_directory(struct rw_exchange *x)
{
    struct rw_span path = x->request.path, query = x->request.query;
    while (path.len > 1 && path.at[1] == '/')
        path = rw_span_skip(path, 1);
    struct rw_span target = rw_arena_format(&x->arena, "%.*s/%s%.*s", RW_SPAN_ARGS(path),
                                            query.at ? "?" : "", RW_SPAN_ARGS(query));
    enum rw_err err = rw_exchange_make_reply(x, 301, NULL, RW_LITERAL(""));
    if (!err)
        err = add(x, "Location", target);
    return err ? fail(x, RW_REASON_EXCHANGE_LIMIT) : rw_exchange_reply(x, RW_OK);
}

static struct rw_files_version version_of(struct rw_arena *arena, const struct stat *about)
{
    uint64_t ns = (uint64_t)about->st_mtim.tv_sec * RW_NS_PER_S + (uint64_t)about->st_mtim.tv_nsec;
    return (struct rw_files_version){
        .etag = rw_arena_format(arena, "\"%llx-%llx\"", (unsigned long long)ns,
                                (unsigned long long)about->st_size),
        .modified = about->st_mtim.tv_sec,
        .bytes = (uint64_t)about->st_size,
    };
}

static struct rw_span date_text(struct rw_arena *arena, time_t seconds)
{
    char text[29];
    rw_clock_format_http(text, (uint64_t)seconds * RW_NS_PER_S);
    return rw_arena_copy(arena, rw_span(text, sizeof(text)));
}

static struct rw_span range_text(struct rw_arena *arena, const struct rw_files_range *range,
                                 uint64_t size, bool satisfiable)
{
    if (!satisfiable)
        return rw_arena_format(arena, "bytes */%llu", (unsigned long long)size);
    return rw_arena_format(arena, "bytes %llu-%llu/%llu", (unsigned long long)range->start,
                           (unsigned long long)(range->start + range->bytes - 1),
                           (unsigned long long)size);
}

/* The head. The body's length is that of the range; of a refusal, nothing. */
static enum rw_err make_head(struct rw_exchange *x, const struct files *files,
                             const struct found *found, const struct rw_files_version *version,
                             enum rw_files_outcome outcome, const struct rw_files_range *range)
{
    static const unsigned statuses[] = {[RW_FILES_WHOLE] = 200,
                                        [RW_FILES_PART] = 206,
                                        [RW_FILES_NOT_MODIFIED] = 304,
                                        [RW_FILES_FAILED] = 412,
                                        [RW_FILES_UNSATISFIABLE] = 416};
    bool content = outcome == RW_FILES_WHOLE || outcome == RW_FILES_PART;
    bool refused = outcome == RW_FILES_FAILED || outcome == RW_FILES_UNSATISFIABLE;
    enum rw_err err =
        rw_exchange_make_reply(x, statuses[outcome], content ? found->type : NULL, RW_LITERAL(""));
    if (content)
        x->response.body_bytes = range->bytes;
    if (!err && !refused)
        err = add(x, "ETag", version->etag);
    if (!err && !refused)
        err = add(x, "Last-Modified", date_text(&x->arena, version->modified));
    if (!err && content)
        err = add(x, "Accept-Ranges", RW_LITERAL("bytes"));
    if (!err && (outcome == RW_FILES_PART || outcome == RW_FILES_UNSATISFIABLE))
        err = add(x, "Content-Range",
                  range_text(&x->arena, range, version->bytes, outcome == RW_FILES_PART));
    if (!err && !refused && files->config->cache_control.len)
        err = add(x, "Cache-Control", files->config->cache_control);
    return err;
}

static enum rw_flow send_body(struct rw_exchange *x, int fd, const struct rw_files_range *range)
{
    struct files_call *call = rw_arena_zero(&x->arena, sizeof(*call));
    if (!call) {
        close(fd);
        return fail(x, RW_REASON_EXCHANGE_LIMIT);
    }
    *call = (struct files_call){
        .x = x, .fd = fd, .at = range->start, .left = range->bytes, .turn.fire = next_turn};
    struct rw_piece piece;
    enum rw_reason reason = read_piece(call, &piece);
    if (reason || piece.end)
        let_go(call);
    if (reason)
        return fail(x, reason);
    x->origin_state = call;
    enum rw_flow flow = rw_exchange_respond(x, &piece);
    rw_buf_drop(piece.buf);
    return flow;
}

static enum rw_flow serve(struct rw_exchange *x, const struct files *files,
                          const struct found *found)
{
    struct rw_files_range range;
    struct rw_files_version version = version_of(&x->arena, &found->about);
    enum rw_err err = version.etag.at ? RW_OK : RW_ENOMEM;
    enum rw_files_outcome outcome = RW_FILES_WHOLE;
    if (!err) {
        outcome = rw_files_decide(&x->request, &version, &range);
        err = make_head(x, files, found, &version, outcome, &range);
    }
    bool body = (outcome == RW_FILES_WHOLE || outcome == RW_FILES_PART) &&
                x->request.method == RW_METHOD_GET && x->response.body_bytes;
    if (!err && body)
        return send_body(x, found->fd, &range);
    close(found->fd);
    return err ? fail(x, RW_REASON_EXCHANGE_LIMIT) : rw_exchange_reply(x, RW_OK);
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)first;
    const struct files *files = instance;
    struct found found;
    bool redirect;
    if (x->request.method != RW_METHOD_GET && x->request.method != RW_METHOD_HEAD)
        return refuse_method(x);
    enum rw_reason reason = find(x, files, &found, &redirect);
    if (reason)
        return fail(x, reason);
    if (!redirect)
        return serve(x, files, &found);
    close(found.fd);
    return redirect_to_directory(x);
}

static void response_resume(struct rw_exchange *x)
{
    send_pieces(x->origin_state);
}

static void cancel(struct rw_exchange *x)
{
    if (x->origin_state)
        let_go(x->origin_state);
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct files *files = instance;
    rw_text_addf(text, "files below %.*s", RW_SPAN_ARGS(files->config->root));
}

const struct rw_origin rw_origin_files = {
    .kind = {.name = "files",
             .record = &record,
             .doc = "Files below a directory.",
             .user = &rw_origin_files},
    .compile = compile,
    .destroy = destroy,
    .start = start,
    .response_resume = response_resume,
    .cancel = cancel,
    .explain = explain,
};
