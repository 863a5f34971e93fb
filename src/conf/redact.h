/* A configuration for people to look at: what its tables know, without its secrets.
 *
 * What comes out is YAML in the order of the file. Comments, anchors of their own ("x-") and keys
 * that no table knows are not in it; what aliases stand for is written at each use. `${NAME}` and
 * `file:/path` are only names, and stay; every other value of a RW_CONF_SECRET, and every value of
 * a MAP whose key says that it is a credential, is "(secret)". Any thread, no global state.
 */
#ifndef RW_CONF_REDACT_H
#define RW_CONF_REDACT_H

#include "base/text.h"
#include "conf/schema.h"

enum { RW_CONF_REDACT_BYTES_MAX = 32 << 20 };

/* Adds `yaml`, which a read by the same table has accepted (conf/read.h), to `text`. RW_EINVAL: it
 * is no YAML; RW_ELIMIT: what aliases unfold to is longer than RW_CONF_REDACT_BYTES_MAX; RW_ENOMEM.
 * After an error `text` has a part of it, without secrets all the same. */
RW_MUST_CHECK enum rw_err rw_conf_redact(struct rw_span yaml, const struct rw_conf_record *record,
                                         struct rw_text *text);

#endif
