/* From the configuration to a filled table of places. */
#include "conf/file.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"
#include "policy/residency/residency_private.h"

enum { FILE_BYTES_MAX = 64 << 20 };

static enum rw_err add_network(struct rw_compile *compile, struct rw_geo *geo, struct rw_span text,
                               struct rw_span country)
{
    struct rw_cidr cidr;
    enum rw_err err = RW_EINVAL;
    if (rw_cidr_parse(text, &cidr) == RW_OK && rw_geo_is_country(country))
        err = rw_geo_add(geo, &cidr, country.at);
    if (err == RW_ELIMIT)
        rw_conf_mistake_at(compile->report, compile->place, "more than %d networks",
                           (int)RW_GEO_NETWORKS_MAX);
    return err;
}

static enum rw_err add_listed(struct rw_compile *compile, const struct rw_residency_config *config,
                              struct rw_geo *geo)
{
    const struct rw_residency_networks_config *items = config->networks.items;
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < config->networks.count && !err; i++) {
        const struct rw_span *networks = items[i].networks.items;
        for (size_t k = 0; k < items[i].networks.count && !err; k++)
            err = add_network(compile, geo, networks[k], items[i].country);
        if (err == RW_EINVAL)
            rw_conf_mistake_at(compile->report, items[i].place, "not a network of a country");
    }
    return err;
}

/* "192.0.2.0/24 DE", with any space between. */
static enum rw_err add_line(struct rw_compile *compile, struct rw_geo *geo, struct rw_span line)
{
    size_t len = 0;
    while (len < line.len && line.at[len] != ' ' && line.at[len] != '\t')
        len++;
    return add_network(compile, geo, rw_span(line.at, len), rw_span_trim(rw_span_skip(line, len)));
}

static enum rw_err add_lines(struct rw_compile *compile, struct rw_geo *geo, const char *file,
                             struct rw_span rest)
{
    struct rw_span line;
    for (unsigned number = 1; rest.at && rw_span_next(&rest, '\n', &line); number++) {
        ptrdiff_t comment = rw_span_find(line, '#');
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        line = rw_span_trim(comment < 0 ? line : rw_span(line.at, (size_t)comment));
        enum rw_err err = line.len ? add_line(compile, geo, line) : RW_OK;
        if (err == RW_EINVAL)
            rw_conf_mistake_at(compile->report, compile->place,
                               "%s:%u: expected a network and a country: %s", file, number,
                               rw_conf_quote(compile->report, line));
        if (err)
            return err;
    }
    return RW_OK;
}

static enum rw_err add_file(struct rw_compile *compile, struct rw_geo *geo, const char *file)
{
    struct rw_text text = {0};
    char room[48];
    enum rw_err err = rw_conf_slurp(file, FILE_BYTES_MAX, true, &text);
    if (!err)
        err = add_lines(compile, geo, file, rw_text_span(&text));
    else if (err != RW_ENOMEM)
        rw_conf_mistake_at(compile->report, compile->place, "%s: cannot be read: %s", file,
                           rw_conf_slurp_flaw(err, FILE_BYTES_MAX, room));
    rw_text_free(&text);
    return err;
}

static enum rw_err open_database(struct rw_compile *compile, struct rw_geo *geo, const char *file)
{
    const char *why = NULL;
    enum rw_err err = rw_geo_open(geo, file, &why);
    if (err == RW_EINVAL)
        rw_conf_mistake_at(compile->report, compile->place, "database %s: %s", file, why);
    return err;
}

enum rw_err rw_residency_locate(struct rw_compile *compile,
                                const struct rw_residency_config *config, struct rw_geo *geo)
{
    enum rw_err err = RW_OK;
    if (config->database.len)
        err = open_database(compile, geo, config->database.at);
    if (!err)
        err = add_listed(compile, config, geo);
    if (!err && config->networks_file.len)
        err = add_file(compile, geo, config->networks_file.at);
    char clash[RW_GEO_CLASH_BYTES];
    if (!err)
        err = rw_geo_seal(geo, clash);
    if (err == RW_EEXIST)
        rw_conf_mistake_at(compile->report, compile->place, "the network %s", clash);
    return !err || err == RW_ENOMEM ? err : RW_EINVAL;
}
