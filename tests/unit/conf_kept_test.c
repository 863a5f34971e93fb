/* Files that are kept as they were read: in a set, and stored for another process. */
#include "conf/kept.h"

#include "base/file.h"
#include "base/sealed.h"
#include "conf/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES_MAX = 1 << 20 };

static char file_path[] = "/tmp/ringway-kept-XXXXXX";

static void write_file(const char *content)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    unlink(file_path);
    return 0;
}

static void expect(const char *path, const char *content)
{
    struct rw_text text = {0};
    assert_int_equal(rw_conf_slurp(path, BYTES_MAX, true, &text), RW_OK);
    assert_int_equal(text.len, strlen(content));
    if (text.len)
        assert_memory_equal(text.at, content, text.len);
    rw_text_free(&text);
}

static void test_a_set_gives_what_was_read_first(void **state)
{
    (void)state;
    struct rw_kept_files *files;
    assert_int_equal(rw_kept_files_create(&files), RW_OK);
    write_file("first");
    assert_null(rw_kept_files_use(files));
    expect(file_path, "first");
    write_file("the second one");
    expect(file_path, "first");
    assert_ptr_equal(rw_kept_files_use(NULL), files);
    expect(file_path, "the second one");
    rw_kept_files_free(files);
}

static void test_failures_are_not_kept(void **state)
{
    (void)state;
    struct rw_kept_files *files;
    struct rw_text text = {0};
    assert_int_equal(rw_kept_files_create(&files), RW_OK);
    rw_kept_files_use(files);
    unlink(file_path);
    assert_int_equal(rw_conf_slurp(file_path, BYTES_MAX, true, &text), RW_ENOENT);
    write_file("four");
    assert_int_equal(rw_conf_slurp(file_path, 3, true, &text), RW_ELIMIT);
    assert_int_equal(rw_conf_slurp("/", BYTES_MAX, true, &text), RW_EINVAL);
    assert_int_equal(text.len, 0);
    expect(file_path, "four");
    assert_int_equal(rw_conf_slurp(file_path, 3, true, &text), RW_ELIMIT);
    rw_kept_files_use(NULL);
    rw_kept_files_free(files);
}

static void test_what_was_seen_is_of_the_time_of_reading(void **state)
{
    (void)state;
    struct rw_kept_files *files;
    write_file("a");
    struct stat before = rw_kept_file_look(file_path);
    assert_int_equal(before.st_size, 1);
    assert_int_equal(rw_kept_files_create(&files), RW_OK);
    rw_kept_files_use(files);
    expect(file_path, "a");
    write_file("longer");
    struct stat kept = rw_kept_file_look(file_path);
    assert_true(rw_file_same(&kept, &before));
    rw_kept_files_use(NULL);
    assert_int_equal(rw_kept_file_look(file_path).st_size, 6);
    assert_int_equal(rw_kept_file_look("/nowhere/at/all").st_ino, 0);
    rw_kept_files_free(files);
}

static void fill(struct rw_kept_files **files)
{
    const struct stat mark = {.st_size = 3, .st_mtim = {.tv_nsec = 5}};
    assert_int_equal(rw_kept_files_create(files), RW_OK);
    assert_int_equal(rw_kept_files_add(*files, "/a", rw_span("one", 3), &mark), RW_OK);
    assert_int_equal(rw_kept_files_add(*files, "/empty", rw_span("", 0), &mark), RW_OK);
    assert_int_equal(rw_kept_files_add(*files, "/zero", rw_span("\0x\0", 3), &mark), RW_OK);
    int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    rw_kept_files_use(*files);
    assert_int_equal(rw_kept_fd_add("/folder", folder), RW_OK);
    rw_kept_files_use(NULL);
    close(folder);
}

static void test_what_is_stored_comes_back(void **state)
{
    (void)state;
    struct rw_kept_files *files, *loaded;
    struct rw_kept kept;
    struct rw_span bytes;
    fill(&files);
    assert_int_equal(rw_kept_files_store(files, &kept), RW_OK);
    rw_kept_files_free(files);
    assert_int_equal(kept.count, 2);
    assert_int_equal(write(kept.fds[0], "x", 1), -1); /* sealed */
    assert_int_equal(rw_kept_files_load(&kept, &loaded), RW_OK);
    rw_kept_close(&kept);
    rw_kept_files_use(loaded);
    expect("/a", "one");
    expect("/empty", "");
    assert_true(rw_kept_file_find("/zero", &bytes));
    assert_int_equal(bytes.len, 3);
    assert_memory_equal(bytes.at, "\0x\0", 3);
    assert_int_equal(rw_kept_file_look("/a").st_mtim.tv_nsec, 5);
    assert_false(rw_kept_file_find("/folder", &bytes));
    int fd = rw_kept_fd_find("/folder");
    assert_true(fd >= 0);
    assert_true(faccessat(fd, "tmp", F_OK, 0) == 0);
    close(fd);
    assert_int_equal(rw_kept_fd_find("/a"), -1);
    rw_kept_files_use(NULL);
    rw_kept_files_free(loaded);
}

static int sealed(struct rw_span bytes)
{
    int fd;
    assert_int_equal(rw_sealed_begin("stored", &fd), RW_OK);
    assert_int_equal(rw_sealed_add(fd, bytes), RW_OK);
    assert_int_equal(rw_sealed_end(fd), RW_OK);
    return fd;
}

/* Stored by another version, or cut: an error, and never more is read than there is. */
static void test_what_is_not_whole_is_refused(void **state)
{
    (void)state;
    struct rw_kept_files *files, *loaded;
    struct rw_kept kept, none = {.count = 0};
    assert_int_equal(rw_kept_files_load(&none, &loaded), RW_ENOENT);
    fill(&files);
    assert_int_equal(rw_kept_files_store(files, &kept), RW_OK);
    rw_kept_files_free(files);
    char whole[4096];
    ssize_t bytes = pread(kept.fds[0], whole, sizeof(whole), 0);
    assert_true(bytes > 100);
    unsigned good = 0;
    for (ssize_t cut = 0; cut <= bytes; cut++) {
        struct rw_kept part = {.fds = {sealed(rw_span(whole, (size_t)cut)), kept.fds[1]},
                               .count = 2};
        enum rw_err err = rw_kept_files_load(&part, &loaded);
        if (!err)
            rw_kept_files_free(loaded);
        assert_true(!err || err == RW_EPROTO);
        good += !err;
        close(part.fds[0]);
    }
    assert_int_equal(good, 5); /* after each of the four files, and before the first one */
    kept.count = 1;            /* the folder's descriptor is missing */
    assert_int_equal(rw_kept_files_load(&kept, &loaded), RW_EPROTO);
    kept.count = 2;
    whole[0] ^= 1;
    struct rw_kept other = {.fds = {sealed(rw_span(whole, (size_t)bytes))}, .count = 1};
    assert_int_equal(rw_kept_files_load(&other, &loaded), RW_EPROTO);
    rw_kept_close(&other);
    rw_kept_close(&kept);
}

static void test_more_descriptors_than_can_be_passed_on(void **state)
{
    (void)state;
    struct rw_kept_files *files, *loaded;
    struct rw_kept kept;
    assert_int_equal(rw_kept_files_create(&files), RW_OK);
    rw_kept_files_use(files);
    for (int i = 0; i < RW_KEPT_FDS_MAX + 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "/folder/%d", i);
        assert_int_equal(rw_kept_fd_add(name, STDERR_FILENO), RW_OK);
    }
    rw_kept_files_use(NULL);
    assert_int_equal(rw_kept_files_store(files, &kept), RW_OK);
    assert_int_equal(kept.count, RW_KEPT_FDS_MAX);
    assert_int_equal(kept.left_out, 21); /* one descriptor is the contents' */
    assert_int_equal(rw_kept_files_load(&kept, &loaded), RW_OK);
    rw_kept_files_free(loaded);
    rw_kept_files_free(files);
    rw_kept_close(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_gives_what_was_read_first),
        cmocka_unit_test(test_failures_are_not_kept),
        cmocka_unit_test(test_what_was_seen_is_of_the_time_of_reading),
        cmocka_unit_test(test_what_is_stored_comes_back),
        cmocka_unit_test(test_what_is_not_whole_is_refused),
        cmocka_unit_test(test_more_descriptors_than_can_be_passed_on),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
