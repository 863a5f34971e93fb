#include "policy/jwt/jwt_token.h"

#include "base/alloc.h"
#include "base/base64.h"

/* jansson's own limit is some thousand levels, each a call on the stack. */
static bool is_shallow(struct rw_span text)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > RW_JWT_DEPTH_MAX)
            return false;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

enum rw_err rw_jwt_json(struct rw_span text, json_t **object)
{
    json_error_t error;
    *object = NULL;
    if (!is_shallow(text))
        return RW_EINVAL;
    json_t *value = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return json_error_code(&error) == json_error_out_of_memory ? RW_ENOMEM : RW_EINVAL;
    if (!json_is_object(value)) {
        json_decref(value);
        return RW_EINVAL;
    }
    *object = value;
    return RW_OK;
}

struct rw_span rw_jwt_json_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? rw_span(json_string_value(value), json_string_length(value))
                                 : (struct rw_span){0};
}

/* Decodes the text up to the next dot, or to the end for the last part. */
static bool take_part(struct rw_span *rest, bool last, char **to, struct rw_span *part)
{
    ptrdiff_t dot = rw_span_find(*rest, '.');
    if ((dot < 0) != last)
        return false;
    struct rw_span text = last ? *rest : rw_span(rest->at, (size_t)dot);
    size_t len;
    if (text.len == 0 || !rw_base64url_decode(text, *to, &len))
        return false;
    *part = rw_span(*to, len);
    *to += len;
    *rest = last ? (struct rw_span){0} : rw_span_skip(*rest, (size_t)dot + 1);
    return true;
}

/* A member that is there and no text is a mistake of its own. */
static bool take_text(const json_t *header, const char *name, struct rw_span *text)
{
    *text = rw_jwt_json_text(header, name);
    return text->at || !json_object_get(header, name);
}

static bool read_header(struct rw_jwt_token *token)
{
    return take_text(token->header, "alg", &token->algorithm) && token->algorithm.at &&
           take_text(token->header, "kid", &token->key_id) &&
           take_text(token->header, "typ", &token->type) && !json_object_get(token->header, "crit");
}

enum rw_err rw_jwt_token_open(struct rw_span text, struct rw_jwt_token *token)
{
    struct rw_span header, rest = text;
    *token = (struct rw_jwt_token){0};
    if (text.len == 0 || text.len > RW_JWT_BYTES_MAX)
        return RW_EINVAL;
    token->room = rw_alloc(text.len);
    if (!token->room)
        return RW_ENOMEM;
    char *to = token->room;
    if (!take_part(&rest, false, &to, &header) || !take_part(&rest, false, &to, &token->payload))
        return RW_EINVAL;
    token->signed_text = rw_span(text.at, (size_t)(rest.at - text.at) - 1);
    if (!take_part(&rest, true, &to, &token->signature))
        return RW_EINVAL;
    enum rw_err err = rw_jwt_json(header, &token->header);
    return err ? err : read_header(token) ? RW_OK : RW_EINVAL;
}

enum rw_err rw_jwt_token_claims(struct rw_jwt_token *token)
{
    return rw_jwt_json(token->payload, &token->claims);
}

void rw_jwt_token_close(struct rw_jwt_token *token)
{
    json_decref(token->header);
    json_decref(token->claims);
    rw_free(token->room);
    *token = (struct rw_jwt_token){0};
}
