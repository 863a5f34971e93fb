/* Which file is the same, and which has changed. */
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct stat look(const char *path)
{
    struct stat seen;
    assert_int_equal(stat(path, &seen), 0);
    usleep(20 * 1000); /* the clock of file systems goes by ticks */
    return seen;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void what_has_changed(void **unused)
{
    (void)unused;
    char path[] = "/tmp/rw_file_XXXXXX", other[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(other, sizeof(other), "%s.new", path);
    write_file(path, "one");
    struct stat first = look(path), again = look(path);
    assert_true(rw_file_same(&first, &again));

    /* As many bytes, and the time of before. */
    const struct timespec times[] = {first.st_atim, first.st_mtim};
    write_file(path, "two");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    struct stat written = look(path);
    assert_true(written.st_mtim.tv_nsec == first.st_mtim.tv_nsec);
    assert_false(rw_file_same(&first, &written));

    write_file(path, "three");
    struct stat longer = look(path);
    assert_false(rw_file_same(&written, &longer));

    write_file(other, "three");
    assert_int_equal(rename(other, path), 0);
    struct stat replaced = look(path);
    assert_false(rw_file_same(&longer, &replaced));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_has_changed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
