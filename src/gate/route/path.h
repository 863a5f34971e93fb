/* Request paths: which are refused, and the one reading of the others that the router matches.
 *
 * The exchange asks rw_path_check before anything else looks at the path; what it refuses is
 * answered 400. The router then matches the normal form: every %XX decoded, a run of slashes taken
 * as one. Nothing is rewritten: the origin gets the bytes that the client sent. So two spellings
 * that an origin may take for the same resource
 * ("/admin", "/%61dmin", "//admin") take the same route, and a spelling that origins read in
 * different ways ("/x/../admin", "/x%2fadmin") takes none. Path parameters (";v=1") belong to their
 * segment.
 *
 * Pure functions, any thread, no allocation.
 */
#ifndef RW_GATE_ROUTE_PATH_H
#define RW_GATE_ROUTE_PATH_H

#include "base/span.h"

enum { RW_PATH_BYTES_MAX = 16384 };

/* May this request path be routed? It must begin with "/" (or be empty, or the "*" of OPTIONS), be
 * at most RW_PATH_BYTES_MAX long, and hold none of these: a segment "." or "..", also where a path
 * parameter follows
 * ("..;x"); a backslash; an encoded slash, backslash or NUL; a "%" without two hexadecimal digits.
 * Encoded characters count as what they stand for. If not, *reason (may be NULL) gets a static
 * text. */
bool rw_path_check(struct rw_span path, const char **reason);

/* Is the path its own normal form (no "%", no "//")? Then it is matched where it stands. May say no
 * when it is. */
bool rw_path_is_normal(struct rw_span path);

/* Writes the normal form of a path, which is never longer, at `to`; returns its length. */
size_t rw_path_normalise(struct rw_span path, char *to);

/* Where in `path` the byte stands that became byte `offset` of its normal form; path.len for the
 * end. */
size_t rw_path_origin(struct rw_span path, size_t offset);

/* The byte that "%XX" at `at` stands for; -1 when it is not one. For any text, up to `end`. */
int rw_path_decode(const char *at, const char *end);

#endif
