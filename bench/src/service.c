#include "service.h"

#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define EVENTS_MAX 512

static int epoll_fd = -1;

void bench_watch(int fd, void *owner)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = owner};
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_fail("epoll_ctl: %s", strerror(errno));
    }
}

static void accept_all(int listener, const struct bench_service *service)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        service->accepted(fd);
    }
}

void bench_serve(int port, const struct bench_service *service)
{
    static struct epoll_event events[EVENTS_MAX];
    int listener = bench_listen(port);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};

    bench_raise_descriptor_limit();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening) != 0) {
        bench_fail("epoll: %s", strerror(errno));
    }
    for (;;) {
        int64_t wait_ns = service->wait_ns ? service->wait_ns() : -1;
        struct timespec wait = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
        int ready = epoll_pwait2(epoll_fd, events, EVENTS_MAX, wait_ns < 0 ? NULL : &wait, NULL);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener, service);
            } else {
                service->on_event(events[i].data.ptr, events[i].events);
            }
        }
        if (service->batch_over) {
            service->batch_over();
        }
    }
}
