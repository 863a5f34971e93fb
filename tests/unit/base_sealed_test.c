/* What is sealed comes back as it was, and what is not is refused. */
#include "base/sealed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int make(const char *text, bool seal)
{
    int fd;
    assert_int_equal(rw_sealed_begin("test", &fd), RW_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(rw_sealed_add(fd, rw_span_text(text)), RW_OK);
    if (seal)
        assert_int_equal(rw_sealed_end(fd), RW_OK);
    return fd;
}

static enum rw_err map_and_close(int fd, size_t bytes_max)
{
    struct rw_span bytes = {0};
    enum rw_err err = rw_sealed_map(fd, bytes_max, &bytes);
    close(fd);
    rw_sealed_unmap(bytes);
    return err;
}

static void comes_back_without_its_descriptor(void **unused)
{
    (void)unused;
    struct rw_span bytes;
    int fd = make("what was known", true);
    assert_int_equal(rw_sealed_map(fd, 14, &bytes), RW_OK);
    close(fd);
    assert_true(rw_span_is(bytes, "what was known"));
    rw_sealed_unmap(bytes);
}

static void cannot_be_changed(void **unused)
{
    (void)unused;
    int fd = make("x", true);
    assert_int_not_equal(rw_sealed_add(fd, rw_span_text("y")), RW_OK);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_not_equal(rw_sealed_end(fd), RW_OK);
    close(fd);
}

static void others_are_refused(void **unused)
{
    (void)unused;
    int ends[2];
    assert_int_equal(map_and_close(make("x", false), SIZE_MAX), RW_EPROTO);
    assert_int_equal(map_and_close(make("", true), SIZE_MAX), RW_EPROTO);
    assert_int_equal(map_and_close(make("xyz", true), 2), RW_EPROTO);
    assert_int_equal(map_and_close(-1, SIZE_MAX), RW_EPROTO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(map_and_close(ends[0], SIZE_MAX), RW_EPROTO);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back_without_its_descriptor),
                                       cmocka_unit_test(cannot_be_changed),
                                       cmocka_unit_test(others_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
