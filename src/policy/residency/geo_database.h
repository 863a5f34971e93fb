/* MaxMind databases, each as it was when it was opened.
 *
 * The library maps a file, and whoever writes over a mapped file in place (`cp new.mmdb old.mmdb`)
 * ends the process that reads it. So the file is copied into memory that nobody else can reach, and
 * that is mapped: a file that is replaced, shortened or half written is another file for the next
 * one who opens it, and nothing to those who have. Uses of one file that has not changed meanwhile
 * share one copy, over reloads, too. Opened on the control thread; read and closed on any.
 */
#ifndef RW_POLICY_RESIDENCY_GEO_DATABASE_H
#define RW_POLICY_RESIDENCY_GEO_DATABASE_H

#include "base/err.h"

#include <maxminddb.h>

/* The largest one of MaxMind (Enterprise) has some 700 MB. */
#define RW_GEO_DATABASE_BYTES_MAX ((off_t)1 << 31)

struct rw_geo_database;

/* RW_EINVAL with `why`, static text. */
RW_MUST_CHECK enum rw_err rw_geo_database_open(const char *path, struct rw_geo_database **database,
                                               const char **why);
/* NULL is fine. */
void rw_geo_database_close(struct rw_geo_database *database);
const MMDB_s *rw_geo_database_get(const struct rw_geo_database *database);

#endif
