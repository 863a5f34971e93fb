/* Lists of name=value in a request: the parameters of its query, and its cookies.
 *
 * Whoever decides by one of them (a route's condition, a rate limit's key, the user of a sticky
 * release) has to read it as the server behind does, or a client could write the same name or value
 * in another way and be taken for somebody else: "%61" is "a" in both, and "+" is a space in a
 * query (WHATWG URL, section 5.1). So values stay encoded as they were sent, and are compared and
 * copied decoded by the functions here. A percent sign without two digits stands for itself. Pure
 * functions of their input; any thread.
 */
#ifndef RW_HTTP_PAIRS_H
#define RW_HTTP_PAIRS_H

#include "http/message.h"

enum rw_pairs { RW_PAIRS_QUERY, RW_PAIRS_COOKIE };

struct rw_pair {
    struct rw_span whole, name, value; /* encoded; a name alone has an empty value */
    bool equals;                       /* there is an equals sign */
};

/* The next pair of a list; false at its end. `rest` advances; it starts as the whole list. */
bool rw_pairs_next(enum rw_pairs kind, struct rw_span *rest, struct rw_pair *pair);

/* The first byte of an encoded text that is not empty, decoded. `rest` advances. */
char rw_pairs_decode(enum rw_pairs kind, struct rw_span *rest);

/* Writes a whole text decoded, never longer than it was; how many bytes. May be in place. */
size_t rw_pairs_decode_all(enum rw_pairs kind, struct rw_span encoded, char *to);

/* Writes a text so that it stays one name or value: all but the unreserved characters (RFC 3986
 * section 2.3) as %XX; with `encoded` what is %XX already stays. Three times its length at most;
 * `to` NULL: only measures. How many bytes. */
size_t rw_pairs_encode(struct rw_span text, bool encoded, char *to);

/* Do two encoded texts say the same; does an encoded text say this plain one? */
bool rw_pairs_same(enum rw_pairs kind, struct rw_span a, struct rw_span b);
bool rw_pairs_is(enum rw_pairs kind, struct rw_span encoded, struct rw_span plain);

struct rw_pairs_found {
    struct rw_span value; /* the first one's, encoded */
    bool there;
    bool ambiguous; /* several are there, and do not say the same */
};

/* What the request has under this (plain) name. Cookies may be parted between several fields
 * (RFC 9113 section 8.2.3). */
struct rw_pairs_found rw_pairs_find(const struct rw_message *request, enum rw_pairs kind,
                                    struct rw_span name);

#endif
