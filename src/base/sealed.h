/* Memory without a name, sealed (memfd_create(2)): what a process leaves to one after it. It is had
 * by its descriptor alone, and nobody can change it or cut it short under those who map it. */
#ifndef RW_BASE_SEALED_H
#define RW_BASE_SEALED_H

#include "base/err.h"
#include "base/span.h"

/* An empty one; close-on-exec, the caller's. `name` is for who looks at the process. */
RW_MUST_CHECK enum rw_err rw_sealed_begin(const char *name, int *fd);
/* Before it is sealed. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_sealed_add(int fd, struct rw_span bytes);
RW_MUST_CHECK enum rw_err rw_sealed_end(int fd);

/* All of it, until rw_sealed_unmap; the descriptor stays the caller's, and is needed no more.
 * RW_EPROTO: it is not sealed, empty, or has more than `bytes_max`. */
RW_MUST_CHECK enum rw_err rw_sealed_map(int fd, size_t bytes_max, struct rw_span *bytes);
/* No address: nothing happens. */
void rw_sealed_unmap(struct rw_span bytes);

#endif
