/* Small services that every bench program needs: a clock, sockets on the loopback, a core to run
 * on.
 *
 * Errors of the environment (no port, no memory, no such core) end the program with a sentence on
 * stderr: a measurement made by a crippled instrument is worth nothing. Single-threaded programs
 * only.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <stddef.h>
#include <stdint.h>

/* Prints `bench: <message>` on stderr and exits with 3 (the environment is lacking). */
__attribute__((noreturn, format(printf, 1, 2))) void bench_fail(const char *format, ...);

/* Zeroed memory or bench_fail; free() it. */
void *bench_allocate(size_t count, size_t size);

/* CLOCK_MONOTONIC in nanoseconds; comparable between processes of one machine. */
uint64_t bench_now_ns(void);

/* A non-blocking listening socket on 127.0.0.1:port. Fails the program when the port is taken. */
int bench_listen(int port);

/* Begins a non-blocking connection to 127.0.0.1:port. Returns the socket, or -1 with errno set. */
int bench_connect(int port);

/* The same from 127.0.0.2: a client with another address than all the others. */
int bench_connect_apart(int port);

/* Pins this process to one core when the machine has it; a core of -1 means anywhere. */
void bench_pin(int core);

/* Raises the soft limit of descriptors to the hard one; returns it. */
unsigned long bench_raise_descriptor_limit(void);

/* Reads a whole decimal number in [lowest, highest], or fails the program naming `what`. */
long bench_parse_number(const char *what, const char *text, long lowest, long highest);

#endif
