/* Faults of an upstream's certificate: the relay in front of it shows one with a flaw, issued by an
 * authority that the gateway trusts. */
#include "verify/fault/authority.h"
#include "verify/fault/fault_private.h"
#include "verify/fault/memory_file.h"

#include "io/tls.h"

#include <stdio.h>
#include <unistd.h>

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    if (target->relay_count == 0)
        return "no relay stands in front of it";
    if (!target->authority || target->server_name.len == 0)
        return "the gateway does not trust an authority of ours for it";
    return NULL;
}

static enum rw_err serve(const int *fds, struct rw_tls_server **server, char *why)
{
    char paths[2][RW_MEMORY_PATH_BYTES];
    struct rw_text flaws = {0};
    for (int i = 0; i < 2; i++)
        rw_memory_file_path(fds[i], paths[i]);
    const struct rw_tls_certificate_files files = {.cert = rw_span_text(paths[0]),
                                                   .key = rw_span_text(paths[1])};
    static const struct rw_span protocols[] = {RW_LITERAL("h2"), RW_LITERAL("http/1.1")};
    const struct rw_tls_server_options options = {.certificates = &files,
                                                  .certificate_count = 1,
                                                  .alpn = protocols,
                                                  .alpn_count = 2,
                                                  .tolerate_dates = true};
    enum rw_err err = rw_tls_server_create(&options, server, &flaws);
    if (err && flaws.len)
        snprintf(why, RW_FAULT_WHY_BYTES, "%.*s", RW_SPAN_ARGS(rw_text_span(&flaws)));
    rw_text_free(&flaws);
    return err;
}

static enum rw_err make_server(const struct rw_fault *fault, struct rw_tls_server **server,
                               char *why)
{
    struct rw_text certificate = {0}, key = {0};
    int fds[2] = {-1, -1};
    enum rw_certificate_flaw flaw = fault->order.fault == RW_FAULT_CERTIFICATE_EXPIRED
                                        ? RW_CERTIFICATE_EXPIRED
                                        : RW_CERTIFICATE_WRONG_NAME;
    enum rw_err err = rw_authority_issue(fault->target.authority, fault->target.server_name, flaw,
                                         &certificate, &key);
    if (!err)
        err = rw_memory_file("ringway-certificate", rw_text_span(&certificate), false, &fds[0]);
    if (!err)
        err = rw_memory_file("ringway-key", rw_text_span(&key), false, &fds[1]);
    if (!err)
        err = serve(fds, server, why);
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    rw_text_free(&certificate);
    rw_text_free(&key);
    return err;
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    struct rw_relay_disturbance disturbance = {.mode = RW_RELAY_IMPOSTOR,
                                               .share_percent = fault->order.share_percent};
    enum rw_err err = make_server(fault, &disturbance.tls, why);
    if (err)
        return err;
    err = rw_fault_disturb_relays(fault, &disturbance, why);
    rw_tls_server_drop(disturbance.tls); /* the relays hold it */
    return err;
}

const struct rw_fault_means rw_fault_by_certificate = {.lacks = lacks,
                                                       .begin = begin,
                                                       .observe = rw_fault_observe_relays,
                                                       .end = rw_fault_calm_relays};
