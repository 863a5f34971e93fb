/* Reads what the API server of Kubernetes says of EndpointSlices (kubernetes.io,
 * discovery.k8s.io/v1) into the groups of a discovery: each slice is one. Whatever is not as
 * expected is left out or refused, nothing is asserted: it comes from a server. */
#ifndef RW_GATE_DISCOVERY_KUBERNETES_READ_H
#define RW_GATE_DISCOVERY_KUBERNETES_READ_H

#include "gate/discovery/discovery_kinds.h"

enum { RW_KUBERNETES_VERSION_BYTES_MAX = 64 };

struct rw_kubernetes_reader {
    struct rw_discovery *discovery;
    struct rw_span what;                               /* for the log */
    struct rw_span port;                               /* its name or number; empty: the first */
    enum rw_config_family family;                      /* others are left out */
    bool lost;                                         /* there was no memory for an endpoint */
    char version[RW_KUBERNETES_VERSION_BYTES_MAX + 1]; /* resourceVersion of what is known */
};

enum rw_kubernetes_said {
    RW_KUBERNETES_TAKEN,
    RW_KUBERNETES_UNKNOWN,   /* no list, no event */
    RW_KUBERNETES_EXPIRED,   /* the watch cannot go on: all must be listed */
    RW_KUBERNETES_NO_MEMORY, /* a part of it was lost: the same */
};

/* The answer to a list: all slices that there are. */
enum rw_kubernetes_said rw_kubernetes_read_list(struct rw_kubernetes_reader *reader,
                                                const json_t *list);
/* A line of a watch. */
enum rw_kubernetes_said rw_kubernetes_read_event(struct rw_kubernetes_reader *reader,
                                                 const json_t *event);

#endif
