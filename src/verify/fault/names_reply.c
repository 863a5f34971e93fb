/* Messages of DNS (RFC 1035 section 4): a question in, the reply out. */
#include "verify/fault/names.h"

#include <netinet/in.h>
#include <string.h>

enum {
    HEADER_BYTES = 12,
    LABEL_BYTES_MAX = 63,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    CLASS_IN = 1,
    RCODE_OK = 0,
    RCODE_FORMAT = 1,
    RCODE_FAIL = 2,
    RCODE_UNKNOWN = 3,
    RCODE_NOT_IMPLEMENTED = 4,
    FLAG_REPLY = 0x80,     /* QR; with the opcode and RD of the question */
    FLAG_AUTHORITY = 0x04, /* AA */
    POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES,
};

struct question {
    char name[RW_NAME_TEXT_MAX + 1]; /* lower case */
    unsigned type, class;
    size_t end; /* of it, in the message */
};

/* What is written so far; `full`: something had no room. */
struct reply {
    char *at;
    size_t len;
    bool full;
};

static unsigned get_16(const char *from)
{
    return (unsigned)(unsigned char)from[0] << 8 | (unsigned char)from[1];
}

static void put(struct reply *reply, const void *bytes, size_t len)
{
    reply->full |= reply->len + len > RW_NAMES_REPLY_MAX;
    if (reply->full)
        return;
    memcpy(reply->at + reply->len, bytes, len);
    reply->len += len;
}

static void put_16(struct reply *reply, unsigned value)
{
    const char bytes[2] = {(char)(value >> 8), (char)value};
    put(reply, bytes, sizeof(bytes));
}

static void put_32(struct reply *reply, uint32_t value)
{
    put_16(reply, value >> 16);
    put_16(reply, value & 0xffff);
}

/* ---- The question ---- */

static bool read_name(struct rw_span message, size_t *at, char *name)
{
    size_t len = 0;
    for (;;) {
        size_t label = *at < message.len ? (unsigned char)message.at[*at] : LABEL_BYTES_MAX + 1;
        if (label > LABEL_BYTES_MAX || *at + 1 + label > message.len ||
            len + label + 1 > RW_NAME_TEXT_MAX + 1)
            return false; /* no question is compressed */
        ++*at;
        if (label == 0)
            break;
        if (len)
            name[len++] = '.';
        for (size_t i = 0; i < label; i++)
            name[len++] = rw_lower(message.at[(*at)++]);
    }
    name[len] = '\0';
    return strlen(name) == len; /* a NUL in a label is none of ours */
}

static bool read_question(struct rw_span message, struct question *question)
{
    size_t at = HEADER_BYTES;
    if (!read_name(message, &at, question->name) || at + 4 > message.len)
        return false;
    question->type = get_16(message.at + at);
    question->class = get_16(message.at + at + 2);
    question->end = at + 4;
    return true;
}

/* ---- Answers ---- */

static unsigned type_of(const struct rw_names_record *record)
{
    if (rw_address_port(&record->address.storage))
        return TYPE_SRV;
    return record->address.storage.ss_family == AF_INET6 ? TYPE_AAAA : TYPE_A;
}

static void put_name(struct reply *reply, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        const char label = (char)len;
        put(reply, &label, 1);
        put(reply, name, len);
        name += len + (name[len] == '.');
    }
    put(reply, "", 1);
}

static void put_host(struct reply *reply, const struct rw_names_record *record, bool lie)
{
    static const unsigned char nobody[4] = {127, 255, 255, 254}, nobody_6[16] = {[15] = 2};
    const struct sockaddr_storage *address = &record->address.storage;
    if (address->ss_family == AF_INET6)
        put(reply,
            lie ? (const void *)nobody_6
                : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr,
            16);
    else
        put(reply,
            lie ? (const void *)nobody
                : (const void *)&((const struct sockaddr_in *)address)->sin_addr,
            4);
}

static void put_service(struct reply *reply, const struct rw_names_record *record, bool lie)
{
    put_16(reply, 0); /* priority */
    put_16(reply, 1); /* weight */
    put_16(reply, lie ? 1 : rw_address_port(&record->address.storage));
    put_name(reply, record->target);
}

/* All or nothing: a record that does not fit is left out. */
static bool put_record(struct reply *reply, const struct rw_names_record *record, uint32_t ttl_s,
                       bool lie)
{
    struct reply before = *reply;
    put_16(reply, POINTER_TO_QUESTION);
    put_16(reply, type_of(record));
    put_16(reply, CLASS_IN);
    put_32(reply, ttl_s);
    size_t length_at = reply->len;
    put_16(reply, 0);
    if (type_of(record) == TYPE_SRV)
        put_service(reply, record, lie);
    else
        put_host(reply, record, lie);
    if (reply->full) {
        *reply = before;
        return false;
    }
    unsigned length = (unsigned)(reply->len - length_at - 2);
    reply->at[length_at] = (char)(length >> 8);
    reply->at[length_at + 1] = (char)length;
    return true;
}

static unsigned put_answers(const struct rw_names_zone *zone, const struct question *question,
                            bool lie, struct reply *reply, bool *known)
{
    unsigned count = 0;
    for (size_t i = 0; i < zone->count; i++) {
        const struct rw_names_record *record = &zone->records[i];
        if (strcmp(record->name, question->name) != 0)
            continue;
        *known = true;
        if (type_of(record) == question->type && question->class == CLASS_IN)
            count += put_record(reply, record, zone->ttl_s, lie);
    }
    return count;
}

static void put_header(char *reply, struct rw_span message, unsigned code, unsigned questions,
                       unsigned answers)
{
    memset(reply, 0, HEADER_BYTES);
    memcpy(reply, message.at, 2); /* the id */
    reply[2] = (char)((message.at[2] & 0x79) | FLAG_REPLY | FLAG_AUTHORITY);
    reply[3] = (char)code;
    reply[5] = (char)questions;
    reply[7] = (char)answers;
}

static size_t refuse(char *reply, struct rw_span message, unsigned code)
{
    put_header(reply, message, code, 0, 0);
    return HEADER_BYTES;
}

size_t rw_names_reply(const struct rw_names_zone *zone, enum rw_names_mode mode,
                      struct rw_span message, char *to, bool *disturbed)
{
    struct question question;
    bool known = false;
    unsigned code = RCODE_OK, answers = 0;
    *disturbed = false;
    if (message.len < HEADER_BYTES || message.at[2] & 0x80) /* a reply is not replied to */
        return 0;
    if ((message.at[2] & 0x78) != 0) /* not a plain query */
        return refuse(to, message, RCODE_NOT_IMPLEMENTED);
    if (get_16(message.at + 4) != 1 || !read_question(message, &question))
        return refuse(to, message, RCODE_FORMAT);
    *disturbed = mode != RW_NAMES_TRUTH && mode != RW_NAMES_LIE;
    if (mode == RW_NAMES_SILENT)
        return 0;
    struct reply reply = {.at = to, .len = HEADER_BYTES};
    put(&reply, message.at + HEADER_BYTES, question.end - HEADER_BYTES);
    if (mode == RW_NAMES_FAIL) {
        code = RCODE_FAIL;
    } else if (mode == RW_NAMES_UNKNOWN) {
        code = RCODE_UNKNOWN;
    } else {
        answers = put_answers(zone, &question, mode == RW_NAMES_LIE, &reply, &known);
        code = known ? RCODE_OK : RCODE_UNKNOWN;
        *disturbed = mode == RW_NAMES_LIE && answers;
    }
    put_header(to, message, code, 1, answers);
    return reply.len;
}
