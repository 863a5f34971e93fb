/* The loop of a program that accepts connections on one port and serves them, edge-triggered, until
 * it is killed: that of the origin and of the floor. One thread. */
#ifndef BENCH_SERVICE_H
#define BENCH_SERVICE_H

#include <stdint.h>

struct bench_service {
    /* A client's socket, non-blocking; the service's own from now on. */
    void (*accepted)(int fd);
    /* Something happened to a socket that bench_watch was given. */
    void (*on_event)(void *owner, uint32_t events);
    /* All events of one wait have been told; may be NULL. */
    void (*batch_over)(void);
    /* How long the next wait may last, in nanoseconds; -1: for ever. May be NULL. */
    int64_t (*wait_ns)(void);
};

/* Also raises the limit of descriptors. Fails the program when the port is taken. */
__attribute__((noreturn)) void bench_serve(int port, const struct bench_service *service);

/* Watches a socket of `owner` (not NULL) for everything, without Nagle's delay. From inside the
 * callbacks of bench_serve. */
void bench_watch(int fd, void *owner);

#endif
