/* How one round of a load generator is measured: it is run against the origin, without a gateway,
 * on the core that a gateway would have. */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16
#define WORD_BYTES 64
#define OUTPUT_BYTES (1024 * 1024)
#define IDLE_FIRST 1000
#define IDLE_MORE 4000
#define IDLE_SETTLE_MS 2500

struct command {
    char words[ARGUMENTS_MAX][WORD_BYTES];
    char *arguments[ARGUMENTS_MAX + 2];
    int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(command->words[command->count], WORD_BYTES, format, args);
    va_end(args);
    command->arguments[command->count] = command->words[command->count];
    command->count++;
}

static void add_url(struct command *command, const struct bench_laboratory *laboratory,
                    const struct bench_case *each)
{
    add(command, "http://127.0.0.1:%d%s", laboratory->origin_ports[0], each->path);
}

static void make_ringway(struct command *command, const struct bench_laboratory *laboratory,
                         const struct bench_case *each, unsigned connections)
{
    *command = (struct command){0};
    command->arguments[command->count++] = (char *)laboratory->ringway;
    add(command, "load");
    add(command, "--json");
    add(command, "--connections=%u", connections);
    add(command, "--duration=%ldms", bench_run_ms(each));
    if (each->rate > 0) {
        add(command, "--rate=%u", each->rate);
    }
    if (each->streams > 0) {
        add(command, "--http2");
        add(command, "--streams=%u", each->streams);
    }
    add_url(command, laboratory, each);
}

/* Whole seconds is what they take. */
static long seconds(const struct bench_case *each)
{
    return (bench_run_ms(each) + 999) / 1000;
}

static void make_wrk(struct command *command, const struct bench_laboratory *laboratory,
                     const struct bench_case *each)
{
    *command = (struct command){0};
    add(command, "wrk");
    add(command, "-t1");
    add(command, "-c%u", each->connections);
    add(command, "-d%lds", seconds(each));
    add_url(command, laboratory, each);
}

static void make_h2load(struct command *command, const struct bench_laboratory *laboratory,
                        const struct bench_case *each)
{
    *command = (struct command){0};
    add(command, "h2load");
    add(command, "-t1");
    add(command, "-c%u", each->connections);
    add(command, "-m%u", each->streams);
    add(command, "-D%ld", seconds(each));
    add_url(command, laboratory, each);
}

static pid_t start(const struct bench_laboratory *laboratory, const struct bench_case *each,
                   const struct command *command, char *output, size_t size)
{
    snprintf(output, size, "%s/generator.output", laboratory->directory);
    unlink(output);
    return bench_process_start(&(struct bench_launch){.arguments = command->arguments,
                                                      .output_path = output,
                                                      .core = BENCH_GATEWAY_CORE,
                                                      .inherited_fd = -1,
                                                      .realtime = each->realtime});
}

/* To its end; the CPU time that it took, in seconds, or NAN. */
static double run_to_end(pid_t process)
{
    struct rusage usage;
    int status;
    while (wait4(process, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            return NAN;
        }
    }
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static char *read_output(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, OUTPUT_BYTES);
    if (file == NULL || text == NULL) {
        bench_fail("cannot read %s", path);
    }
    if (fread(text, 1, OUTPUT_BYTES - 1, file) == 0) {
        fprintf(stderr, "bench: the generator said nothing\n");
    }
    fclose(file);
    return text;
}

/* The number that stands before `word`, or behind it where `behind`; 0 when it is not there. */
static double number_at(const char *text, const char *word, bool behind)
{
    const char *at = strstr(text, word);
    if (at == NULL) {
        return 0;
    }
    if (behind) {
        return strtod(at + strlen(word), NULL);
    }
    while (at > text && strchr("0123456789", at[-1]) != NULL) {
        at--;
    }
    return strtod(at, NULL);
}

static double answered_by(enum bench_role role, const char *text, struct bench_sample *sample)
{
    switch (role) {
    case BENCH_WRK:
        sample->failures = (uint64_t)number_at(text, "Non-2xx or 3xx responses: ", true);
        return number_at(text, " requests in ", false);
    case BENCH_H2LOAD:
        sample->failures = (uint64_t)number_at(text, " failed, ", false);
        return number_at(text, " succeeded, ", false);
    default:
        sample->failures = (uint64_t)number_at(text, "\"failed\": ", true);
        return number_at(text, "\"answered\": ", true);
    }
}

bool bench_measure_generator(struct bench_laboratory *laboratory, const struct bench_case *each,
                             struct bench_instance *instance, struct bench_sample *sample)
{
    enum bench_role role = (enum bench_role)(instance - laboratory->instances);
    struct command command;
    char output[192];
    if (role == BENCH_WRK) {
        make_wrk(&command, laboratory, each);
    } else if (role == BENCH_H2LOAD) {
        make_h2load(&command, laboratory, each);
    } else {
        make_ringway(&command, laboratory, each, each->connections);
    }
    double cpu_s = run_to_end(start(laboratory, each, &command, output, sizeof output));
    char *text = read_output(output);
    double answered = answered_by(role, text, sample);
    if (!(answered > 0) || !(cpu_s > 0)) {
        fprintf(stderr, "bench: no count in what it said:\n%.2000s\n", text);
    }
    free(text);
    sample->value = answered / cpu_s;
    return answered > 0 && cpu_s > 0 && !bench_interrupted();
}

bool bench_measure_timing(struct bench_laboratory *laboratory, const struct bench_case *each,
                          struct bench_instance *instance, struct bench_sample *sample)
{
    (void)instance;
    struct command command;
    char output[192];
    make_ringway(&command, laboratory, each, each->connections);
    run_to_end(start(laboratory, each, &command, output, sizeof output));
    char *text = read_output(output);
    sample->failures = (uint64_t)number_at(text, "\"failed\": ", true);
    json_t *report = json_loads(text, 0, NULL);
    const json_t *p99 = json_object_get(json_object_get(report, "lateness"), "p99");
    bool good = json_is_number(p99) && !bench_interrupted();
    sample->value = json_number_value(p99) * 1e6;
    json_decref(report);
    free(text);
    return good;
}

static double memory_with(struct bench_laboratory *laboratory, const struct bench_case *each,
                          unsigned connections)
{
    struct command command;
    char output[192];
    make_ringway(&command, laboratory, each, connections);
    pid_t session = start(laboratory, each, &command, output, sizeof output);
    bench_sleep_ms(IDLE_SETTLE_MS);
    double own = (double)bench_session_memory(session).own;
    bench_session_end(session);
    return own;
}

bool bench_measure_generator_idle(struct bench_laboratory *laboratory,
                                  const struct bench_case *each, struct bench_instance *instance,
                                  struct bench_sample *sample)
{
    (void)instance;
    double few = memory_with(laboratory, each, IDLE_FIRST);
    double many = memory_with(laboratory, each, IDLE_FIRST + IDLE_MORE);
    sample->value = (many - few) / IDLE_MORE;
    return few > 0 && many > few && !bench_interrupted();
}

/* "    99%    1.23ms": wrk's own way to say a time. */
static double wrk_p99_ms(const char *text)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}};
    const char *at = strstr(text, " 99%");
    char *end = NULL;
    double value = at != NULL ? strtod(at + strlen(" 99%"), &end) : NAN;
    for (size_t i = 0; end != NULL && i < sizeof units / sizeof units[0]; i++) {
        if (strncmp(end, units[i].unit, strlen(units[i].unit)) == 0) {
            return value * units[i].ms;
        }
    }
    return NAN;
}

static double ringway_p99_ms(const char *text)
{
    json_t *report = json_loads(text, 0, NULL);
    const json_t *p99 = json_object_get(json_object_get(report, "latency"), "p99");
    double ms = json_is_number(p99) ? json_number_value(p99) * 1e3 : NAN;
    json_decref(report);
    return ms;
}

/* Of evenly spaced users those wait who come in a stall, for the rest of it: one in a hundred for
 * longer than the stall without a hundredth of the period. */
bool bench_measure_omission(struct bench_laboratory *laboratory, const struct bench_case *each,
                            struct bench_instance *instance, struct bench_sample *sample)
{
    bool is_wrk = instance - laboratory->instances == BENCH_WRK;
    double exact_ms = each->stall_ms - each->period_ms / 100.0;
    struct command command;
    char output[192];
    if (is_wrk) {
        make_wrk(&command, laboratory, each);
        add(&command, "--latency");
    } else {
        make_ringway(&command, laboratory, each, each->connections);
    }
    run_to_end(start(laboratory, each, &command, output, sizeof output));
    char *text = read_output(output);
    answered_by(is_wrk ? BENCH_WRK : BENCH_RINGWAY, text, sample);
    double p99_ms = is_wrk ? wrk_p99_ms(text) : ringway_p99_ms(text);
    free(text);
    fprintf(stderr, "%s says that the p99 is %.1f ms; exactly it is %.1f ms\n",
            is_wrk ? "wrk" : "ringway", p99_ms, exact_ms);
    sample->value = fabs(p99_ms - exact_ms) / exact_ms * 100;
    return !isnan(p99_ms) && !bench_interrupted();
}
