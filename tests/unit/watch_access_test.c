#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "watch/access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS_MAX = 8, PATH_BYTES = 256 };

static char directory[64];
static char path[128];
static int error_log;

/* What the threads and processes logged, by the pair in bytes_in (who) and bytes_out (which). */
struct tally {
    unsigned lines, garbage;
    uint64_t next[THREADS_MAX]; /* the next number of each; gaps are allowed */
};

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/rw-access-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/access.log", directory);
    error_log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    rw_log_set_fd(error_log);
    return 0;
}

static void in_directory(char *to, const char *name)
{
    snprintf(to, PATH_BYTES, "%s/%s", directory, name);
}

static int tear_down(void **state)
{
    (void)state;
    rw_log_set_fd(2);
    close(error_log);
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    const struct dirent *entry;
    char name[PATH_BYTES + 64];
    while ((entry = readdir(entries))) {
        snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(name);
    }
    closedir(entries);
    return rmdir(directory);
}

static struct rw_access_log *create(struct rw_access_options options)
{
    struct rw_access_log *log = NULL;
    if (!options.path)
        options.path = path;
    if (!options.rings)
        options.rings = 1;
    assert_int_equal(rw_access_create(&options, &log), RW_OK);
    return log;
}

static bool log_number(struct rw_access_ring *ring, uint64_t who, uint64_t which)
{
    struct rw_access_record record = {.wall_ns = rw_clock_wall_ns(),
                                      .method = RW_LITERAL("GET"),
                                      .path = RW_LITERAL("/some/path \"with\" things to escape"),
                                      .user_agent = RW_LITERAL("a tester"),
                                      .status = 200,
                                      .bytes_in = who,
                                      .bytes_out = which,
                                      .upstream_us = UINT64_MAX};
    return rw_access_write(ring, &record);
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void tally_line(struct tally *tally, const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    if (!object) {
        tally->garbage++;
        return;
    }
    uint64_t who = number_of(object, "bytes_in"), which = number_of(object, "bytes_out");
    assert_true(who < THREADS_MAX);
    assert_true(which >= tally->next[who]);
    tally->next[who] = which + 1;
    tally->lines++;
    json_decref(object);
}

static void tally_stream(struct tally *tally, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, file)) > 0)
        tally_line(tally, line, (size_t)len);
    free(line);
    fclose(file);
}

/* False when there is no such file. */
static bool tally_file(struct tally *tally, const char *name)
{
    FILE *file = fopen(name, "r");
    if (file)
        tally_stream(tally, file);
    return file != NULL;
}

/* path.N first, which is the oldest. */
static struct tally tally_rotated(unsigned keep, unsigned *files)
{
    struct tally tally = {0};
    *files = 0;
    for (unsigned i = keep; i > 0; i--) {
        char name[PATH_BYTES];
        snprintf(name, sizeof(name), "%s.%u", path, i);
        *files += tally_file(&tally, name);
    }
    *files += tally_file(&tally, path);
    return tally;
}

static void test_lines_arrive(void **state)
{
    (void)state;
    struct rw_access_log *log = create((struct rw_access_options){.rings = 3});
    for (unsigned i = 0; i < 300; i++)
        assert_true(log_number(rw_access_ring(log, i % 3), i % 3, i));
    rw_access_flush(log);
    struct tally tally = {0};
    assert_true(tally_file(&tally, path));
    assert_int_equal(tally.lines, 300);
    assert_true(log_number(rw_access_ring(log, 1), 1, 1000));
    rw_access_destroy(log);
    tally = (struct tally){0};
    assert_true(tally_file(&tally, path));
    assert_int_equal(tally.lines, 301);
    assert_int_equal(tally.garbage, 0);
}

static uint64_t spent_ns(clockid_t clock)
{
    struct timespec time;
    assert_int_equal(clock_gettime(clock, &time), 0);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* How many of the lines are lost. `*alone`: nobody else wanted the core meanwhile. */
static unsigned drops_of(unsigned lines, bool *alone)
{
    struct rw_access_log *log =
        create((struct rw_access_options){.ring_bytes = RW_ACCESS_RING_BYTES_MIN * 2});
    uint64_t real_ns = spent_ns(CLOCK_MONOTONIC), used_ns = spent_ns(CLOCK_PROCESS_CPUTIME_ID);
    unsigned dropped = 0;
    for (unsigned i = 0; i < lines; i++)
        dropped += !log_number(rw_access_ring(log, 0), 0, i);
    real_ns = spent_ns(CLOCK_MONOTONIC) - real_ns;
    used_ns = spent_ns(CLOCK_PROCESS_CPUTIME_ID) - used_ns;
    rw_access_destroy(log);
    *alone = used_ns > real_ns - real_ns / 50;
    return dropped;
}

/* Worker and writer on one core, the worker never sleeping: most lines get through all the same.
 * Where others want the core, too, the worker may wait in vain: that proves nothing. */
static void test_a_busy_worker_leaves_room_for_the_writer(void **state)
{
    (void)state;
    enum { LINES = 300000, TRIES = 20 };
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    unsigned dropped = LINES;
    bool alone = false;
    for (int i = 0; i < TRIES && dropped >= LINES / 20 && !alone; i++)
        dropped = drops_of(LINES, &alone);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_true(dropped < LINES / 20 || !alone);
}

static void test_nobody_has_to_ask(void **state)
{
    (void)state;
    struct rw_access_log *log = create((struct rw_access_options){0});
    assert_true(log_number(rw_access_ring(log, 0), 0, 0));
    struct stat info = {0};
    for (int i = 0; i < 200 && info.st_size == 0; i++) {
        usleep(20000);
        assert_int_equal(stat(path, &info), 0);
    }
    assert_true(info.st_size > 0);
    rw_access_destroy(log);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct rw_access_log *log = NULL;
    char missing[PATH_BYTES];
    in_directory(missing, "none/access.log");
    struct rw_access_options bad[] = {
        {.path = path, .rings = 0},
        {.path = path, .rings = RW_ACCESS_RINGS_MAX + 1},
        {.path = path, .rings = 1, .ring_bytes = 100000},
        {.path = path, .rings = 1, .ring_bytes = 4096},
        {.path = path, .rings = 1, .rotate_keep = RW_ACCESS_ROTATE_KEEP_MAX + 1},
        {.path = "", .rings = 1},
        {.path = NULL, .rings = 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rw_access_create(&bad[i], &log), RW_EINVAL);
    struct rw_access_options nowhere = {.path = missing, .rings = 1};
    assert_int_equal(rw_access_create(&nowhere, &log), RW_ENOENT);
    assert_null(log);
    rw_access_destroy(NULL);
}

static void test_each_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct rw_access_options options = {.path = path, .rings = 3};
    enum rw_err err = RW_ENOMEM;
    for (unsigned successes = 0; err; successes++) {
        assert_true(successes < 50);
        struct rw_access_log *log = NULL;
        rw_alloc_fail_after(successes);
        err = rw_access_create(&options, &log);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        assert_int_equal(err == RW_OK, log != NULL);
        rw_access_destroy(log);
    }
}

static void test_reopen_after_a_rename(void **state)
{
    (void)state;
    char moved[PATH_BYTES];
    in_directory(moved, "moved.log");
    struct rw_access_log *log = create((struct rw_access_options){0});
    struct rw_access_ring *ring = rw_access_ring(log, 0);
    log_number(ring, 0, 0);
    rw_access_flush(log);
    assert_int_equal(rename(path, moved), 0);
    log_number(ring, 0, 1);
    rw_access_flush(log);
    assert_int_equal(access(path, F_OK), -1);
    rw_access_reopen(log);
    rw_access_flush(log);
    log_number(ring, 0, 2);
    rw_access_destroy(log);
    struct tally before = {0}, after = {0};
    assert_true(tally_file(&before, moved) && tally_file(&after, path));
    assert_int_equal(before.lines, 2);
    assert_int_equal(after.lines, 1);
}

static void test_reopen_that_fails_keeps_the_file(void **state)
{
    (void)state;
    char link[PATH_BYTES], away[PATH_BYTES];
    in_directory(link, "link.log");
    in_directory(away, "none/access.log");
    assert_int_equal(symlink(path, link), 0);
    struct rw_access_log *log = create((struct rw_access_options){.path = link});
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(away, link), 0);
    rw_access_reopen(log);
    rw_access_flush(log);
    log_number(rw_access_ring(log, 0), 0, 0);
    rw_access_destroy(log);
    struct tally tally = {0};
    assert_true(tally_file(&tally, path));
    assert_int_equal(tally.lines, 1);
}

static void test_rotation_by_size_keeps_so_many(void **state)
{
    (void)state;
    enum { KEEP = 3, LINES = 400 };
    struct rw_access_log *log =
        create((struct rw_access_options){.rotate_bytes = 5000, .rotate_keep = KEEP});
    for (unsigned i = 0; i < LINES; i++) {
        assert_true(log_number(rw_access_ring(log, 0), 0, i));
        if (i % 5 == 4)
            rw_access_flush(log);
    }
    rw_access_destroy(log);
    unsigned files;
    struct tally tally = tally_rotated(KEEP + 2, &files);
    assert_int_equal(files, KEEP + 1);
    assert_int_equal(tally.garbage, 0);
    assert_int_equal(tally.next[0], LINES);
    struct stat info;
    char name[PATH_BYTES];
    snprintf(name, sizeof(name), "%s.1", path);
    assert_int_equal(stat(name, &info), 0);
    assert_true(info.st_size <= 5000 && info.st_size > 3000);
}

static void test_rotation_that_keeps_none(void **state)
{
    (void)state;
    struct rw_access_log *log = create((struct rw_access_options){.rotate_bytes = 2000});
    for (unsigned i = 0; i < 100; i++) {
        assert_true(log_number(rw_access_ring(log, 0), 0, i));
        rw_access_flush(log);
    }
    rw_access_destroy(log);
    unsigned files;
    struct tally tally = tally_rotated(2, &files);
    assert_int_equal(files, 1);
    assert_true(tally.lines > 0 && tally.lines < 20);
    assert_int_equal(tally.next[0], 100);
}

/* A full ring: the writer is held up by a pipe that nobody reads. */
static void test_a_full_ring_drops_and_a_stalled_pipe_is_given_up(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    char name[PATH_BYTES];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe_fds[1]);
    struct rw_access_log *log =
        create((struct rw_access_options){.path = name, .ring_bytes = RW_ACCESS_RING_BYTES_MIN});
    close(pipe_fds[1]);
    unsigned accepted = 0, refused = 0;
    for (unsigned i = 0; i < 5000; i++)
        *(log_number(rw_access_ring(log, 0), 0, i) ? &accepted : &refused) += 1;
    assert_true(refused > 0);
    uint64_t begin = rw_clock_monotonic_ns();
    rw_access_flush(log);
    assert_true(rw_clock_monotonic_ns() - begin < 30 * RW_NS_PER_S);
    uint64_t lost = rw_access_take_lost(log);
    assert_true(lost > 0 && lost < accepted);
    assert_int_equal(rw_access_take_lost(log), 0);
    rw_access_destroy(log);
    struct tally tally = {0};
    tally_stream(&tally, fdopen(pipe_fds[0], "r"));
    assert_int_equal(tally.lines, accepted - lost);
    assert_int_equal(tally.garbage, 0);
}

static void *read_slowly(void *argument)
{
    int fd = *(int *)argument;
    char name[PATH_BYTES], block[3000];
    in_directory(name, "copy");
    FILE *copy = fopen(name, "w");
    assert_non_null(copy);
    ssize_t len;
    while ((len = read(fd, block, sizeof(block))) > 0) {
        fwrite(block, 1, (size_t)len, copy);
        usleep(500);
    }
    fclose(copy);
    return NULL;
}

static void test_a_slow_pipe_gets_whole_lines(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    char name[PATH_BYTES];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe_fds[1]);
    struct rw_access_log *log = create((struct rw_access_options){.path = name, .rings = 2});
    close(pipe_fds[1]);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &pipe_fds[0]), 0);
    for (unsigned i = 0; i < 2000; i++)
        assert_true(log_number(rw_access_ring(log, i % 2), i % 2, i));
    rw_access_destroy(log);
    pthread_join(reader, NULL);
    close(pipe_fds[0]);
    in_directory(name, "copy");
    struct tally tally = {0};
    assert_true(tally_file(&tally, name));
    assert_int_equal(tally.lines, 2000);
    assert_int_equal(tally.garbage, 0);
}

static void test_a_closed_pipe_harms_nobody(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    char name[PATH_BYTES];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe_fds[1]);
    struct rw_access_log *log = create((struct rw_access_options){.path = name});
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    log_number(rw_access_ring(log, 0), 0, 0);
    rw_access_flush(log);
    assert_int_equal(rw_access_take_lost(log), 1);
    rw_access_destroy(log);
}

static unsigned count_text(const char *name, const char *what)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    char line[2048];
    unsigned count = 0;
    while (fgets(line, sizeof(line), file))
        count += strstr(line, what) != NULL;
    fclose(file);
    return count;
}

static void test_a_full_disk_is_survived(void **state)
{
    (void)state;
    char link[PATH_BYTES], errors[PATH_BYTES];
    in_directory(link, "link.log");
    in_directory(errors, "errors");
    int errors_fd = open(errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    rw_log_set_fd(errors_fd);
    assert_int_equal(symlink("/dev/full", link), 0);
    struct rw_access_log *log = create((struct rw_access_options){.path = link});
    struct rw_access_ring *ring = rw_access_ring(log, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_true(log_number(ring, 0, i));
    rw_access_flush(log);
    assert_int_equal(rw_access_take_lost(log), 10);
    /* These wait in the ring until the disk is better. */
    for (unsigned i = 10; i < 15; i++)
        assert_true(log_number(ring, 0, i));
    usleep(350000);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(path, link), 0);
    rw_access_reopen(log);
    rw_access_flush(log);
    assert_int_equal(rw_access_take_lost(log), 0);
    rw_access_destroy(log);
    rw_log_set_fd(error_log);
    close(errors_fd);
    struct tally tally = {0};
    assert_true(tally_file(&tally, path));
    assert_int_equal(tally.lines, 5);
    assert_int_equal(count_text(errors, "cannot be written"), 1);
    assert_int_equal(count_text(errors, "10 lines"), 1);
}

/* A limit on the size of files cuts a write as a full disk does. */
static void test_a_line_is_never_cut(void **state)
{
    (void)state;
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (unsigned bytes = 1000; bytes < 1400; bytes += 57) {
        struct rw_access_log *log = create((struct rw_access_options){.path = path});
        struct rw_access_ring *ring = rw_access_ring(log, 0);
        tight = (struct rlimit){bytes, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        for (unsigned i = 0; i < 20; i++)
            assert_true(log_number(ring, 0, i));
        rw_access_flush(log);
        uint64_t lost = rw_access_take_lost(log);
        assert_in_range(lost, 1, 19);
        struct tally tally = {0};
        assert_true(tally_file(&tally, path));
        assert_int_equal(tally.garbage, 0);
        assert_int_equal(tally.lines, 20 - lost);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(log_number(ring, 0, 20));
        rw_access_destroy(log);
        tally = (struct tally){0};
        assert_true(tally_file(&tally, path));
        assert_int_equal(tally.garbage, 0);
        assert_int_equal(tally.lines, 21 - lost);
        assert_int_equal(unlink(path), 0);
    }
}

/* A process that died left half a line: the next one begins a new one. */
static void test_half_a_line_that_was_there(void **state)
{
    (void)state;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "{\"half", 6), 6);
    close(fd);
    struct rw_access_log *log = create((struct rw_access_options){.path = path});
    assert_true(log_number(rw_access_ring(log, 0), 0, 0));
    rw_access_destroy(log);
    char start[16] = "";
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, start, 9) == 9);
    close(fd);
    assert_memory_equal(start, "{\"half\n{\"", 9);
}

struct producer {
    struct rw_access_ring *ring;
    uint64_t who;
    unsigned lines, refused;
};

static void *produce(void *argument)
{
    struct producer *producer = argument;
    for (unsigned i = 0; i < producer->lines; i++) {
        producer->refused += !log_number(producer->ring, producer->who, i);
        if (i % 64 == 63)
            usleep(100);
    }
    return NULL;
}

static unsigned run_producers(struct rw_access_log *log, unsigned count, uint64_t first_who,
                              unsigned lines)
{
    struct producer producers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        producers[i] = (struct producer){rw_access_ring(log, i), first_who + i, lines, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        usleep(2000);
        rw_access_reopen(log);
        rw_access_flush(log);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        refused += producers[i].refused;
    }
    return refused;
}

static void test_two_producers_while_the_file_rotates(void **state)
{
    (void)state;
    enum { LINES = 5000, KEEP = 200 };
    struct rw_access_log *log = create((struct rw_access_options){
        .rotate_bytes = 40000, .rotate_keep = KEEP, .ring_bytes = 1 << 16, .rings = 2});
    unsigned refused = run_producers(log, 2, 0, LINES);
    rw_access_destroy(log);
    unsigned files;
    struct tally tally = tally_rotated(KEEP, &files);
    assert_int_equal(tally.garbage, 0);
    assert_int_equal(tally.lines + refused, 2 * LINES);
    assert_true(files > 3);
}

/* Before this process has threads of its own. */
static void test_processes_share_a_file_that_rotates(void **state)
{
    (void)state;
    enum { PROCESSES = 3, LINES = 2000, KEEP = 200 };
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct rw_access_log *log =
                create((struct rw_access_options){.rotate_bytes = 12000, .rotate_keep = KEEP});
            for (unsigned line = 0; line < LINES; line++) {
                while (!log_number(rw_access_ring(log, 0), i, line))
                    rw_access_flush(log);
                if (line % 7 == 0)
                    rw_access_flush(log);
            }
            rw_access_destroy(log);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    /* A line may land in a file just after another process renamed it, hence after later ones. */
    struct tally tally = {0};
    unsigned files = 0;
    for (unsigned i = 0; i <= KEEP; i++) {
        char name[PATH_BYTES];
        snprintf(name, sizeof(name), i ? "%s.%u" : "%s", path, i);
        memset(tally.next, 0, sizeof(tally.next));
        files += tally_file(&tally, name);
    }
    assert_int_equal(tally.garbage, 0);
    assert_int_equal(tally.lines, PROCESSES * LINES);
    /* Who finds the lock held writes on: there may be far fewer than the bytes would make. */
    assert_true(files > 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_processes_share_a_file_that_rotates),
        TEST(test_lines_arrive),
        TEST(test_a_busy_worker_leaves_room_for_the_writer),
        TEST(test_nobody_has_to_ask),
        TEST(test_bad_options),
        TEST(test_each_failed_allocation_is_reported),
        TEST(test_reopen_after_a_rename),
        TEST(test_reopen_that_fails_keeps_the_file),
        TEST(test_rotation_by_size_keeps_so_many),
        TEST(test_rotation_that_keeps_none),
        TEST(test_a_full_ring_drops_and_a_stalled_pipe_is_given_up),
        TEST(test_a_slow_pipe_gets_whole_lines),
        TEST(test_a_closed_pipe_harms_nobody),
        TEST(test_a_full_disk_is_survived),
        TEST(test_a_line_is_never_cut),
        TEST(test_half_a_line_that_was_there),
        TEST(test_two_producers_while_the_file_rotates),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
