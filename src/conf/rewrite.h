/* A YAML text with some of its values replaced: for whoever runs a program with a configuration
 * that is the user's but for a few places.
 *
 * What comes out means the same as what went in: anchors and merge keys are resolved, comments are
 * gone, and `${NAME}` stands as it stood. It is JSON, which is YAML, with each value in the line
 * where it stood and, in block style, at its column: messages about the one hold for the other. Any
 * thread, no global state.
 */
#ifndef RW_CONF_REWRITE_H
#define RW_CONF_REWRITE_H

#include "base/text.h"

enum { RW_CONF_REWRITE_PATH_MAX = 256 };

/* Where, "dns.servers" or "upstreams[2].tls.ca", and the JSON that stands there afterwards. Maps on
 * the way that the text lacks are made, list items are not. A list of one item may be written
 * without its brackets, as everywhere. */
struct rw_conf_change {
    const char *path; /* shorter than RW_CONF_REWRITE_PATH_MAX */
    struct rw_span json;
};

/* Adds to `text`. `yaml` has been read by a table before (conf/read.h), so its limits hold here,
 * too. RW_EINVAL: it is no YAML; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_conf_rewrite(struct rw_span yaml, const struct rw_conf_change *changes,
                                          size_t count, struct rw_text *text);

#endif
