/* What other tools have, as a scenario file: a browser's recording (HAR 1.2), an interface's
 * description (OpenAPI 3), a JMeter plan.
 *
 * `ringway load import FILE` reads the file whole and calls rw_load_import; the YAML that comes is
 * one that rw_load_script_read takes. Nothing else is read, no reference to another file or host is
 * followed. One thread.
 */
#ifndef RW_LOAD_IMPORT_IMPORT_H
#define RW_LOAD_IMPORT_IMPORT_H

#include "base/text.h"
#include "load/import/draft.h"

enum { RW_LOAD_IMPORT_BYTES_MAX = 256 << 20 };

enum rw_load_import_kind { RW_LOAD_IMPORT_NONE, RW_LOAD_HAR, RW_LOAD_OPENAPI, RW_LOAD_JMETER };

/* By what stands at its begin and its name: RW_LOAD_IMPORT_NONE where it is nothing of the kind. */
enum rw_load_import_kind rw_load_import_kind_of(struct rw_span name, struct rw_span content);

/* RW_EINVAL, and in `why` what is wrong, with the place where there is one; RW_ENOMEM. `name` is of
 * the file, for messages. `draft->notes` is what could not be taken over. */
RW_MUST_CHECK enum rw_err rw_load_import(enum rw_load_import_kind kind, const char *name,
                                         struct rw_span content, struct rw_draft *draft,
                                         struct rw_text *why);

/* One of each kind: they fill the draft, and tell what is wrong. */
RW_MUST_CHECK enum rw_err rw_import_har(struct rw_span content, struct rw_draft *draft,
                                        struct rw_text *why);
RW_MUST_CHECK enum rw_err rw_import_openapi(const char *name, struct rw_span content,
                                            struct rw_draft *draft, struct rw_text *why);
RW_MUST_CHECK enum rw_err rw_import_jmeter(struct rw_span content, struct rw_draft *draft,
                                           struct rw_text *why);

#endif
