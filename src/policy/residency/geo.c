#include "policy/residency/geo.h"

#include "base/alloc.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"
#include "policy/residency/geo_database.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { IP_BYTES = 16 };

/* IPv4 addresses as ::ffff:a.b.c.d. */
struct network {
    uint8_t first[IP_BYTES], last[IP_BYTES];
    char country[2];
};

struct networks {
    struct network *items;
    size_t count, room;
};

struct rw_geo {
    struct networks networks;         /* once sealed: in order, none overlaps another */
    struct rw_geo_database *database; /* NULL: none */
};

/* ---- Countries ---- */

bool rw_geo_is_country(struct rw_span text)
{
    return text.len == 2 && text.at[0] >= 'A' && text.at[0] <= 'Z' && text.at[1] >= 'A' &&
           text.at[1] <= 'Z' && !*rw_geo_hint(text);
}

const char *rw_geo_hint(struct rw_span text)
{
    return rw_span_is(text, "UK")   ? "; did you mean GB?"
           : rw_span_is(text, "EL") ? "; did you mean GR?"
                                    : "";
}

bool rw_geo_is_eu(const char country[2])
{
    static const char members[] = "ATBEBGCYCZDEDKEEESEUFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK";
    for (size_t i = 0; i + 1 < sizeof(members); i += 2)
        if (memcmp(&members[i], country, 2) == 0)
            return true;
    return false;
}

/* ---- Networks ---- */

static struct network network_of(const struct rw_cidr *cidr, const char country[2])
{
    struct network network = {.country = {country[0], country[1]}};
    rw_cidr_range(cidr, network.first, network.last);
    return network;
}

static enum rw_err append(struct networks *to, const struct network *network)
{
    if (to->count == to->room) {
        size_t room = to->room ? to->room * 2 : 64;
        struct network *bigger = rw_realloc(to->items, room * sizeof(*bigger));
        if (!bigger)
            return RW_ENOMEM;
        to->items = bigger;
        to->room = room;
    }
    to->items[to->count++] = *network;
    return RW_OK;
}

enum rw_err rw_geo_add(struct rw_geo *geo, const struct rw_cidr *cidr, const char country[2])
{
    if (geo->networks.count == RW_GEO_NETWORKS_MAX)
        return RW_ELIMIT;
    struct network network = network_of(cidr, country);
    return append(&geo->networks, &network);
}

/* By their beginning, the larger one of two first. */
static int by_first(const void *a, const void *b)
{
    const struct network *left = a, *right = b;
    int order = memcmp(left->first, right->first, IP_BYTES);
    return order ? order : memcmp(right->last, left->last, IP_BYTES);
}

/* The address after (`by` 1) or before (-1); false: there is none. */
static bool step(uint8_t ip[IP_BYTES], int by)
{
    uint8_t turn = by > 0 ? 0 : 0xff;
    for (int i = IP_BYTES - 1; i >= 0; i--) {
        ip[i] = (uint8_t)(ip[i] + by);
        if (ip[i] != turn)
            return true;
    }
    return false;
}

/* How far the networks have been flattened. */
struct sweep {
    struct networks *to;
    uint8_t at[IP_BYTES];
    bool over; /* past the last address of all */
};

/* What of a network is left between where the sweep is and `before` (NULL: its end). */
static enum rw_err emit(struct sweep *sweep, const struct network *network, const uint8_t *before)
{
    struct network piece = *network;
    if (memcmp(sweep->at, piece.first, IP_BYTES) > 0)
        memcpy(piece.first, sweep->at, IP_BYTES);
    if (before && memcmp(piece.first, before, IP_BYTES) >= 0)
        return RW_OK;
    if (before) {
        memcpy(piece.last, before, IP_BYTES);
        (void)step(piece.last, -1);
    }
    if (sweep->over || memcmp(piece.first, piece.last, IP_BYTES) > 0)
        return RW_OK;
    memcpy(sweep->at, piece.last, IP_BYTES);
    sweep->over = !step(sweep->at, 1);
    return append(sweep->to, &piece);
}

/* Networks lie inside each other or apart. Those that are open at a place are a stack, of at most
 * one for each length of a prefix. */
static enum rw_err flatten(const struct networks *from, struct networks *to)
{
    const struct network *open[IP_BYTES * 8 + 1];
    unsigned depth = 0;
    struct sweep sweep = {.to = to};
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < from->count && !err; i++) {
        const struct network *next = &from->items[i];
        if (depth && by_first(open[depth - 1], next) == 0)
            continue; /* told twice */
        for (; depth && memcmp(open[depth - 1]->last, next->first, IP_BYTES) < 0 && !err; depth--)
            err = emit(&sweep, open[depth - 1], NULL);
        if (depth && !err)
            err = emit(&sweep, open[depth - 1], next->first);
        open[depth++] = next;
    }
    for (; depth && !err; depth--)
        err = emit(&sweep, open[depth - 1], NULL);
    return err;
}

static unsigned prefix_bits(const struct network *network)
{
    unsigned bits = 0;
    while (bits < IP_BYTES * 8 &&
           !((network->first[bits / 8] ^ network->last[bits / 8]) & (0x80 >> bits % 8)))
        bits++;
    return bits;
}

static void describe_clash(const struct network *one, const struct network *other, char *clash)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    unsigned bits = prefix_bits(one);
    memcpy(&ip, one->first, IP_BYTES);
    bool four = IN6_IS_ADDR_V4MAPPED(&ip) && bits >= 96;
    inet_ntop(four ? AF_INET : AF_INET6, four ? &ip.s6_addr[12] : ip.s6_addr, text, sizeof(text));
    snprintf(clash, RW_GEO_CLASH_BYTES, "%s/%u is said to be in %.2s and in %.2s", text,
             four ? bits - 96 : bits, one->country, other->country);
}

/* Of networks in order. Which of the two would hold nobody could tell. */
static bool find_clash(const struct networks *networks, char *clash)
{
    for (size_t i = 1; i < networks->count; i++) {
        const struct network *one = &networks->items[i - 1], *other = &networks->items[i];
        if (by_first(one, other) == 0 && memcmp(one->country, other->country, 2) != 0) {
            describe_clash(one, other, clash);
            return true;
        }
    }
    return false;
}

enum rw_err rw_geo_seal(struct rw_geo *geo, char clash[RW_GEO_CLASH_BYTES])
{
    struct networks flat = {0};
    if (geo->networks.count == 0)
        return RW_OK;
    qsort(geo->networks.items, geo->networks.count, sizeof(struct network), by_first);
    if (find_clash(&geo->networks, clash))
        return RW_EEXIST;
    enum rw_err err = flatten(&geo->networks, &flat);
    if (err) {
        rw_free(flat.items);
        return err;
    }
    rw_free(geo->networks.items);
    geo->networks = flat;
    return RW_OK;
}

static const struct network *find_network(const struct networks *networks, const uint8_t *ip)
{
    size_t low = 0, high = networks->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct network *network = &networks->items[middle];
        if (memcmp(ip, network->first, IP_BYTES) < 0)
            high = middle;
        else if (memcmp(ip, network->last, IP_BYTES) > 0)
            low = middle + 1;
        else
            return network;
    }
    return NULL;
}

/* ---- The database ---- */

enum rw_err rw_geo_open(struct rw_geo *geo, const char *path, const char **why)
{
    enum rw_err err = rw_geo_database_open(path, &geo->database, why);
    if (err) {
        geo->database = NULL;
        return err;
    }
    const char *type = rw_geo_database_get(geo->database)->metadata.database_type;
    *why = "not a database of countries or cities";
    bool fits =
        type && (strstr(type, "Country") || strstr(type, "City") || strstr(type, "Enterprise"));
    return fits ? RW_OK : RW_EINVAL;
}

static void read_entry(MMDB_entry_s *entry, struct rw_geo_place *place)
{
    MMDB_entry_data_s code, union_member;
    if (MMDB_get_value(entry, &code, "country", "iso_code", NULL) != MMDB_SUCCESS ||
        !code.has_data || code.type != MMDB_DATA_TYPE_UTF8_STRING ||
        !rw_geo_is_country(rw_span(code.utf8_string, code.data_size)))
        return;
    memcpy(place->country, code.utf8_string, 2);
    place->eu = MMDB_get_value(entry, &union_member, "country", "is_in_european_union", NULL) ==
                    MMDB_SUCCESS &&
                union_member.has_data && union_member.type == MMDB_DATA_TYPE_BOOLEAN &&
                union_member.boolean;
}

/* Databases have the IPv4 addresses at ::a.b.c.d, and the library puts them there. */
static void find_in_database(const struct rw_geo *geo, const uint8_t *ip,
                             struct rw_geo_place *place)
{
    static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool four = memcmp(ip, mapped, sizeof(mapped)) == 0;
    int status = 0;
    memcpy(&v4.sin_addr, ip + sizeof(mapped), 4);
    memcpy(&v6.sin6_addr, ip, IP_BYTES);
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(
        rw_geo_database_get(geo->database),
        four ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6, &status);
    if (status == MMDB_SUCCESS && found.found_entry)
        read_entry(&found.entry, place);
}

uint64_t rw_geo_built_s(const struct rw_geo *geo)
{
    return geo->database ? rw_geo_database_get(geo->database)->metadata.build_epoch : 0;
}

/* ---- The whole ---- */

enum rw_err rw_geo_create(struct rw_geo **geo)
{
    *geo = rw_alloc_zero(sizeof(**geo));
    return *geo ? RW_OK : RW_ENOMEM;
}

void rw_geo_destroy(struct rw_geo *geo)
{
    if (!geo)
        return;
    rw_geo_database_close(geo->database);
    rw_free(geo->networks.items);
    rw_free(geo);
}

/* A client of a Unix socket is nowhere. */
void rw_geo_find(const struct rw_geo *geo, const struct sockaddr *client,
                 struct rw_geo_place *place)
{
    uint8_t ip[IP_BYTES];
    *place = (struct rw_geo_place){0};
    if (!rw_cidr_bytes(client, ip))
        return;
    const struct network *network = find_network(&geo->networks, ip);
    if (network) {
        memcpy(place->country, network->country, 2);
        place->eu = rw_geo_is_eu(network->country);
    } else if (geo->database) {
        find_in_database(geo, ip, place);
    }
}
