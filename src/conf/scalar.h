/* Single values from text: numbers, durations, sizes, addresses. Also for whoever reads such words
 * from elsewhere (a command line). No memory, no locale, any thread.
 */
#ifndef RW_CONF_SCALAR_H
#define RW_CONF_SCALAR_H

#include "conf/schema.h"

/* What was wrong: "expected <expected>, not <value><hint>". */
struct rw_conf_complaint {
    char expected[320];
    char hint[160]; /* "" or begins with "; " */
};

/* Puts `text` as a value of the field's type at `to`. Texts are not copied: what is stored is
 * `text` itself. Not for RECORD and VARIANT. */
bool rw_conf_scalar(const struct rw_conf_field *field, struct rw_span text, void *to,
                    struct rw_conf_complaint *complaint);

/* "250ms", "1.5s", "2m", "1h", "1d" in whole milliseconds. RW_EINVAL: not a duration; RW_ELIMIT:
 * longer than UINT32_MAX ms. */
RW_MUST_CHECK enum rw_err rw_conf_duration(struct rw_span text, uint32_t *ms);

/* "64KiB", "10MB", "512B", "512". RW_EINVAL: not a size; RW_ELIMIT: more than INT64_MAX. */
RW_MUST_CHECK enum rw_err rw_conf_size(struct rw_span text, uint64_t *bytes);

/* "0.5%" as 0.005. RW_EINVAL: not such a number, or one with more than 15 digits. */
RW_MUST_CHECK enum rw_err rw_conf_percent(struct rw_span text, double *share);

/* The shortest way to write it: 90000 is "90s", 65536 is "64KiB". `to` has 32 bytes; returns `to`.
 */
char *rw_conf_format_duration(char *to, uint64_t ms);
char *rw_conf_format_size(char *to, uint64_t bytes);

/* The parts of v4:port, [v6]:port, :port and *:port (host is empty), unix:/path and unix:@name
 * (path is not empty). Where `remote`, also name:port and srv:name (srv is not empty), but a host
 * is needed. A port is from 1 to 65535. NULL when it is right, else what is wrong. */
struct rw_conf_address {
    struct rw_span host; /* without the brackets */
    struct rw_span path, srv;
    uint16_t port;
};
const char *rw_conf_address(struct rw_span text, bool remote, struct rw_conf_address *address);

/* "10.0.0.0/8" or a single address. `bits` gets 4 or 16 bytes. */
struct rw_conf_cidr {
    unsigned char bits[16];
    unsigned prefix;
    bool v6;
};
RW_MUST_CHECK enum rw_err rw_conf_cidr(struct rw_span text, struct rw_conf_cidr *cidr);

#endif
