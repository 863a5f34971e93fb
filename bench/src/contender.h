/* The contenders: how each is started, told to reload, and asked for its version. A new peer is one
 * more role here, one row in contender.c and one template in bench/contenders/.
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#define BENCH_ARGUMENTS_MAX 8

enum bench_role {
    BENCH_RINGWAY,
    BENCH_NGINX,
    BENCH_HAPROXY,
    BENCH_FLOOR,
    BENCH_BASELINE, /* Ringway again, in the setting that the case compares with */
    BENCH_WRK,      /* load generators: in cases without a gateway */
    BENCH_H2LOAD,
    BENCH_ROLES
};

#define BENCH_ROLE_BIT(role) (1u << (role))
#define BENCH_PEERS (BENCH_ROLE_BIT(BENCH_NGINX) | BENCH_ROLE_BIT(BENCH_HAPROXY))
#define BENCH_GATEWAYS (BENCH_ROLE_BIT(BENCH_RINGWAY) | BENCH_PEERS)
#define BENCH_WITH_FLOOR (BENCH_GATEWAYS | BENCH_ROLE_BIT(BENCH_FLOOR))

struct bench_contender {
    const char *name;
    const char *template_file; /* in bench/contenders/, or NULL */
    /* @CONFIG@ stands for the expanded template; "ringway" and "bench_floor" for the built
     * programs; marks of template.h work too. */
    const char *command[BENCH_ARGUMENTS_MAX];
    int reload_signal;           /* 0: not measured */
    int upgrade_signal;          /* 0: not measured */
    const char *version_command; /* for the shell, prints one line; NULL: none of its own */
};

extern const struct bench_contender bench_contenders[BENCH_ROLES];

#endif
