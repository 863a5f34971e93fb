#include "verify/drive.h"

#include "http/url.h"
#include "io/tls.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

enum { CONNECT_MS_MAX = 10000 };

static bool is_loopback(const struct rw_address *address)
{
    const struct sockaddr *any = rw_address_sockaddr(address);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)any;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)any;
    if (any->sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return any->sa_family == AF_UNIX ||
           (any->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr));
}

bool rw_is_allowed(const struct rw_allowed *allowed, struct rw_span host,
                   const struct rw_address *address)
{
    for (unsigned i = 0; i < allowed->count; i++)
        if (rw_span_is_nocase(host, allowed->hosts[i]))
            return true;
    return is_loopback(address);
}

static void begin_why(const struct rw_acceptance *file, struct rw_text *why)
{
    rw_text_addf(why, "%s:%u:%u: url: ", file->path, file->url_place.line, file->url_place.column);
}

static enum rw_err resolve(const struct rw_url *url, bool tls, struct rw_address *address,
                           const char **why)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(host, sizeof(host), "%.*s", RW_SPAN_ARGS(url->host));
    snprintf(port, sizeof(port), "%u", url->port ? url->port : tls ? 443u : 80u);
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        *why = gai_strerror(error);
        return RW_EDNS;
    }
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return RW_OK;
}

static enum rw_err open_tls(struct rw_drive *drive, struct rw_span name, struct rw_text *why)
{
    static const struct rw_span protocols[] = {{"http/1.1", 8}, {"h2", 2}};
    enum rw_err err = RW_OK;
    size_t told = why->len;
    begin_why(drive->file, why);
    for (unsigned i = 0; !err && i < 2; i++) {
        const struct rw_tls_client_options client = {
            .insecure = drive->file->insecure,
            .ca = drive->file->ca,
            .name = name,
            .alpn = &protocols[i],
            .alpn_count = 1,
        };
        err = rw_tls_client_create(&client, &drive->tls[i], why);
    }
    if (!err)
        why->len = told;
    else if (why->at && why->at[why->len - 1] != '\n')
        rw_text_adds(why, "\n");
    return err;
}

/* ---- Requests ---- */

static void set_request(const struct rw_verify_request *from, struct rw_span target,
                        struct rw_load_request *to)
{
    const struct rw_conf_pair *pairs = from->headers.items;
    *to = (struct rw_load_request){
        .name = target, .method = from->method, .target = target, .weight = from->weight};
    if (from->body.len)
        to->body = from->body;
    for (size_t i = 0; i < from->headers.count; i++)
        to->headers[to->header_count++] = (struct rw_load_header){pairs[i].key, pairs[i].value};
}

static enum rw_err set_requests(struct rw_drive *drive)
{
    const struct rw_verify_request *from = drive->file->requests.items;
    size_t count = drive->file->requests.count;
    drive->requests = rw_arena_zero(&drive->arena, count * sizeof(*drive->requests));
    if (!drive->requests)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct rw_span target = rw_arena_format(
            &drive->arena, "%.*s%.*s", RW_SPAN_ARGS(drive->base), RW_SPAN_ARGS(from[i].path));
        if (!target.at)
            return RW_ENOMEM;
        set_request(&from[i], target, &drive->requests[i]);
    }
    struct rw_load_settings settings = {.authority = drive->authority,
                                        .requests = drive->requests,
                                        .request_count = (unsigned)count};
    return rw_load_prepare(&settings, &drive->arena);
}

enum rw_err rw_drive_init(struct rw_drive *drive, const struct rw_acceptance *file,
                          const struct rw_allowed *allowed, struct rw_text *why)
{
    struct rw_url url;
    const char *reason = NULL;
    *drive = (struct rw_drive){.file = file};
    rw_arena_init(&drive->arena, NULL, 0, 64 * 1024, 256u << 20);
    rw_assert(!rw_url_parse(file->url, &url, &reason)); /* the file's check has seen to it */
    bool tls = rw_span_is_nocase(url.scheme, "https");
    enum rw_err err = resolve(&url, tls, &drive->address, &reason);
    if (err) {
        begin_why(file, why);
        rw_text_addf(why, "%.*s: %s\n", RW_SPAN_ARGS(url.host), reason);
        return err;
    }
    if (!rw_is_allowed(allowed, url.host, &drive->address)) {
        begin_why(file, why);
        rw_text_addf(why,
                     "%.*s is not on this machine: --allow-target %.*s says that it may be "
                     "loaded\n",
                     RW_SPAN_ARGS(url.host), RW_SPAN_ARGS(url.host));
        return RW_EACCES;
    }
    drive->host = url.host;
    drive->authority = url.authority;
    drive->base = url.target;
    while (drive->base.len && drive->base.at[drive->base.len - 1] == '/')
        drive->base.len--;
    err = tls ? open_tls(drive, url.host, why) : RW_OK;
    return err ? err : set_requests(drive);
}

void rw_drive_free(struct rw_drive *drive)
{
    for (unsigned i = 0; i < 2; i++)
        rw_tls_client_drop(drive->tls[i]);
    rw_arena_free(&drive->arena);
}

void rw_drive_settings(struct rw_drive *drive, const struct rw_verify_load *load, uint64_t seed,
                       struct rw_load_settings *settings)
{
    double warmup = load->warmup_ms / 1e3, seconds = load->duration_ms / 1e3;
    *settings = (struct rw_load_settings){
        .addresses = {drive->address},
        .address_count = 1,
        .authority = drive->authority,
        .url = drive->file->url,
        .tls = drive->tls[load->http2],
        .protocol = load->http2 ? RW_LOAD_H2 : RW_LOAD_H1,
        .requests = drive->requests,
        .request_count = (unsigned)drive->file->requests.count,
        .processes = load->processes,
        .threads = load->threads * load->processes,
        .connections = load->connections,
        .streams = load->http2 ? load->streams : 1,
        .closed = load->rate <= 0,
        .closed_seconds = warmup + seconds,
        .warmup_seconds = warmup,
        .timeout_ms = load->timeout_ms,
        .connect_ms_max = CONNECT_MS_MAX,
        .seed = seed,
    };
    if (settings->closed)
        return;
    double last = load->rate_to > 0 ? load->rate_to : load->rate;
    settings->profile = (struct rw_profile){.arrivals = (enum rw_arrivals)load->arrivals};
    if (warmup > 0)
        settings->profile.phases[settings->profile.phase_count++] =
            (struct rw_phase){warmup, load->rate, load->rate};
    settings->profile.phases[settings->profile.phase_count++] =
        (struct rw_phase){seconds, load->rate, last};
}
