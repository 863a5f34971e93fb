/* In which country an address is: by a list of networks, and by a MaxMind database (the format:
 * maxmind.github.io/MaxMind-DB; the fields: dev.maxmind.com, GeoIP2 Country). The list comes first,
 * and of networks inside each other the smallest.
 *
 * Filled on the control thread (rw_geo_open, rw_geo_add, rw_geo_seal), then read by any number of
 * workers, closed when nobody reads it any more. The database is as it was when it was opened,
 * whatever becomes of its file (geo_database.h).
 */
#ifndef RW_POLICY_RESIDENCY_GEO_H
#define RW_POLICY_RESIDENCY_GEO_H

#include "base/err.h"
#include "base/span.h"

#include <sys/socket.h>

enum { RW_GEO_NETWORKS_MAX = 1000000, RW_GEO_CLASH_BYTES = 96 };

struct rw_cidr;
struct rw_geo;

struct rw_geo_place {
    char country[2]; /* ISO 3166-1 alpha-2; zeros: not known */
    bool eu;         /* a member state of the European Union */
};

RW_MUST_CHECK enum rw_err rw_geo_create(struct rw_geo **geo);
/* RW_EINVAL with `why`, static text: it cannot be opened, or is no database of countries. */
RW_MUST_CHECK enum rw_err rw_geo_open(struct rw_geo *geo, const char *path, const char **why);
/* RW_ELIMIT: too many. */
RW_MUST_CHECK enum rw_err rw_geo_add(struct rw_geo *geo, const struct rw_cidr *network,
                                     const char country[2]);
/* All networks are there. RW_EEXIST: one of them is in two countries, as `clash` says. */
RW_MUST_CHECK enum rw_err rw_geo_seal(struct rw_geo *geo, char clash[RW_GEO_CLASH_BYTES]);
/* NULL is fine. */
void rw_geo_destroy(struct rw_geo *geo);

void rw_geo_find(const struct rw_geo *geo, const struct sockaddr *client,
                 struct rw_geo_place *place);
/* When the database was made, in seconds since 1970; 0: there is none. */
uint64_t rw_geo_built_s(const struct rw_geo *geo);

/* Two capital letters; not UK and EL, which ISO 3166-1 has as GB and GR. */
bool rw_geo_is_country(struct rw_span text);
/* What it is called there: "; did you mean GB?", or "". */
const char *rw_geo_hint(struct rw_span text);
/* By the treaties, as of 2020: 27 member states; and EU itself, as registries of addresses write
 * it. */
bool rw_geo_is_eu(const char country[2]);

#endif
