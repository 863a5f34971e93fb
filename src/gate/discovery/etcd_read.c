#include "gate/discovery/etcd_read.h"

#include "base/base64.h"
#include "base/log.h"
#include "gate/cluster/cluster.h"

enum { WEIGHT_MAX = 1000, PRIORITY_MAX = RW_PRIORITIES - 1, WHY_BYTES_MAX = 200 };
_Static_assert(WEIGHT_MAX == 1000 && PRIORITY_MAX == 15, "as the log says");

void rw_etcd_reader_free(struct rw_etcd_reader *reader)
{
    rw_text_free(&reader->key);
    rw_text_free(&reader->value);
    rw_text_free(&reader->why);
}

/* ---- Base64 ---- */

void rw_etcd_add_base64(struct rw_text *to, struct rw_span bytes)
{
    struct rw_base64_encoder encoder = {0};
    char out[256];
    while (bytes.len)
        rw_text_add(to, rw_span(out, rw_base64_encode(&encoder, &bytes, out, sizeof(out))));
    rw_text_add(to, rw_span(out, rw_base64_finish(&encoder, out)));
}

static bool decode(struct rw_text *to, struct rw_span text)
{
    struct rw_base64_decoder decoder = {0};
    char out[256];
    size_t written;
    to->len = 0;
    to->err = RW_OK;
    while (text.len) {
        if (!rw_base64_decode(&decoder, &text, out, sizeof(out), &written))
            return false;
        rw_text_add(to, rw_span(out, written));
    }
    return rw_base64_decoded(&decoder) && !to->err;
}

/* ---- Entries ---- */

/* A number that is not there is its default; one that does not fit is a flaw, as a server that was
 * to get nothing would else be given its full share. */
static bool read_number(const json_t *object, const char *name, uint32_t max, uint32_t *number)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return true;
    *number = rw_json_number(object, name, UINT32_MAX, max);
    return *number != UINT32_MAX;
}

static enum rw_err add_object(struct rw_etcd_reader *reader, struct rw_discovery_group *group,
                              const json_t *object, const char **flaw)
{
    struct rw_discovered item = {.weight = 1};
    if (!read_number(object, "weight", WEIGHT_MAX, &item.weight)) {
        *flaw = "\"weight\" is no whole number from 0 to 1000";
        return RW_EINVAL;
    }
    if (!read_number(object, "priority", PRIORITY_MAX, &item.priority)) {
        *flaw = "\"priority\" is no whole number from 0 to 15";
        return RW_EINVAL;
    }
    item.locality =
        (struct rw_locality){rw_json_text(object, "zone"), rw_json_text(object, "region"),
                             rw_json_text(object, "cloud")};
    return rw_discovery_add(reader->discovery, group, rw_json_text(object, "address"), &item);
}

/* An error has its flaw. */
static enum rw_err add(struct rw_etcd_reader *reader, struct rw_discovery_group *group,
                       struct rw_span value, const char **flaw)
{
    const struct rw_discovered item = {.weight = 1};
    *flaw = "it has no address: an IP address with a port, or a Unix socket";
    if (value.len == 0 || value.at[0] != '{')
        return rw_discovery_add(reader->discovery, group, rw_span_trim(value), &item);
    json_t *object = json_loadb(value.at, value.len, 0, NULL);
    if (!object) {
        *flaw = "it begins like JSON, and is none";
        return RW_EINVAL;
    }
    enum rw_err err = add_object(reader, group, object, flaw);
    json_decref(object);
    return err;
}

static void put(struct rw_etcd_reader *reader, const json_t *kv, bool gone)
{
    bool good = decode(&reader->key, rw_json_text(kv, "key")) &&
                decode(&reader->value, rw_json_text(kv, "value"));
    reader->lost |= reader->key.err || reader->value.err;
    if (!good)
        return;
    struct rw_span key = rw_text_span(&reader->key);
    if (gone) {
        rw_discovery_remove(reader->discovery, key);
        return;
    }
    struct rw_discovery_group *group = NULL;
    const char *flaw = NULL;
    enum rw_err err = rw_discovery_put(reader->discovery, key, &group);
    if (!err)
        err = add(reader, group, rw_text_span(&reader->value), &flaw);
    reader->lost |= err == RW_ENOMEM;
    if (err)
        rw_log_limited(RW_LOG_WARN, "discovery", "%.*s: the value of %.*s is no endpoint: %s",
                       RW_SPAN_ARGS(reader->what), RW_SPAN_ARGS(key),
                       err == RW_EINVAL && flaw ? flaw : rw_err_text(err));
}

/* ---- Answers ---- */

/* Of a header, or of a key: 0 if there is none. */
static uint64_t read_revision(const json_t *object, const char *name)
{
    uint64_t revision = 0;
    return rw_span_to_u64(rw_json_text(object, name), &revision) ? revision : 0;
}

/* For the log, so no more of it than has room there. */
static void note_why(struct rw_etcd_reader *reader, struct rw_span why)
{
    if (why.len > WHY_BYTES_MAX)
        why.len = WHY_BYTES_MAX;
    reader->why.len = 0;
    reader->why.err = RW_OK;
    rw_text_add(&reader->why, why);
    for (size_t i = 0; i < reader->why.len; i++)
        if ((unsigned char)reader->why.at[i] < ' ')
            reader->why.at[i] = ' ';
}

enum rw_etcd_said rw_etcd_read_range(struct rw_etcd_reader *reader, const json_t *answer)
{
    const json_t *kvs = json_object_get(answer, "kvs");
    const json_t *header = json_object_get(answer, "header");
    if (!json_is_object(header))
        return RW_ETCD_UNKNOWN;
    reader->lost = false;
    rw_discovery_begin(reader->discovery);
    for (size_t i = 0; i < json_array_size(kvs); i++)
        put(reader, json_array_get(kvs, i), false);
    if (reader->lost)
        return RW_ETCD_NO_MEMORY;
    rw_discovery_end(reader->discovery);
    reader->revision = read_revision(header, "revision");
    return RW_ETCD_TAKEN;
}

/* "error" of a line is an object, of a whole answer a text. From http_code 500 on it is the
 * member's own trouble (it has lost its leader), and no answer to what was asked. */
static enum rw_etcd_said refuse(struct rw_etcd_reader *reader, const json_t *line)
{
    const json_t *error = json_object_get(line, "error");
    if (!json_is_object(error))
        return RW_ETCD_UNKNOWN;
    note_why(reader, rw_json_text(error, "message"));
    return rw_json_number(error, "http_code", 0, UINT16_MAX) >= 500 ? RW_ETCD_UNAVAILABLE
                                                                    : RW_ETCD_CANCELED;
}

/* The watch goes on behind the keys' own revisions: that of the header may be ahead of events which
 * are still to come. What is known already is not gone back to. */
static enum rw_etcd_said take_events(struct rw_etcd_reader *reader, const json_t *events)
{
    uint64_t known = reader->revision;
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const json_t *kv = json_object_get(event, "kv");
        uint64_t revision = read_revision(kv, "mod_revision");
        if (revision && revision <= known)
            continue;
        put(reader, kv, rw_span_is(rw_json_text(event, "type"), "DELETE"));
        if (revision > reader->revision)
            reader->revision = revision;
    }
    if (reader->lost)
        return RW_ETCD_NO_MEMORY;
    if (json_array_size(events))
        rw_discovery_tell(reader->discovery);
    return RW_ETCD_TAKEN;
}

enum rw_etcd_said rw_etcd_read_events(struct rw_etcd_reader *reader, const json_t *line)
{
    const json_t *result = json_object_get(line, "result");
    if (!json_is_object(result))
        return refuse(reader, line);
    if (json_is_true(json_object_get(result, "canceled"))) {
        note_why(reader, rw_json_text(result, "cancel_reason"));
        return read_revision(result, "compact_revision") ? RW_ETCD_COMPACTED : RW_ETCD_CANCELED;
    }
    uint64_t there = read_revision(json_object_get(result, "header"), "revision");
    if (json_is_true(json_object_get(result, "created")) && there && there < reader->revision)
        return RW_ETCD_BEHIND;
    return take_events(reader, json_object_get(result, "events"));
}

void rw_etcd_read_error(struct rw_etcd_reader *reader, unsigned status, struct rw_span bytes)
{
    json_t *answer = json_loadb(bytes.at ? bytes.at : "", bytes.len, 0, NULL);
    struct rw_span why = rw_json_text(answer, "error");
    note_why(reader, why.len ? why : RW_LITERAL("it answers with an error"));
    rw_text_addf(&reader->why, " (%u)", status);
    json_decref(answer);
}
