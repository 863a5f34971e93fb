#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096

void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(3);
}

void *bench_allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        bench_fail("out of memory (%zu x %zu bytes)", count, size);
    }
    return memory;
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int tcp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int bench_listen(int port)
{
    struct sockaddr_in address = loopback(port);
    int yes = 1;
    int fd = tcp_socket();
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) {
        bench_fail("cannot listen on 127.0.0.1:%d: %s", port, strerror(errno));
    }
    return fd;
}

/* From `source`; NULL: from wherever the kernel likes. */
static int connect_from(const struct sockaddr_in *source, int port)
{
    struct sockaddr_in address = loopback(port);
    int yes = 1;
    int fd = tcp_socket();
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (source != NULL) { /* the port is chosen by connect, so that none is kept from others */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        if (bind(fd, (const struct sockaddr *)source, sizeof *source) != 0) {
            close(fd);
            return -1;
        }
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int bench_connect(int port)
{
    return connect_from(NULL, port);
}

int bench_connect_apart(int port)
{
    struct sockaddr_in source = loopback(0);
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    return connect_from(&source, port);
}

void bench_pin(int core)
{
    cpu_set_t cores;
    if (core < 0 || core >= sysconf(_SC_NPROCESSORS_ONLN)) {
        return;
    }
    CPU_ZERO(&cores);
    CPU_SET((size_t)core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0) {
        bench_fail("cannot run on core %d: %s", core, strerror(errno));
    }
}

unsigned long bench_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned long)limit.rlim_cur;
}

long bench_parse_number(const char *what, const char *text, long lowest, long highest)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < lowest || number > highest) {
        fprintf(stderr, "bench: %s wants a number from %ld to %ld, not \"%s\"\n", what, lowest,
                highest, text);
        exit(2);
    }
    return number;
}
