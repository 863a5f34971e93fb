#include "results.h"
#include "net.h"
#include "report.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void write_processor(FILE *out)
{
    char line[512];
    char model[256] = "unknown processor";
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "model name : %255[^\n]", model) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    fprintf(out, "- Processor: %s, %ld cores online\n", model, sysconf(_SC_NPROCESSORS_ONLN));
}

static void write_machine(FILE *out)
{
    struct utsname system;
    char date[32];
    time_t now = time(NULL);
    struct tm calendar;
    uname(&system);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &calendar));
    write_processor(out);
    fprintf(out, "- Memory: %.0f GiB\n",
            (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30));
    fprintf(out, "- Kernel: %s %s %s, loopback only\n", system.sysname, system.release,
            system.machine);
    fprintf(out, "- Descriptors per process: %lu\n", bench_raise_descriptor_limit());
    fprintf(out, "- Date: %s\n", date);
}

static void write_version(FILE *out, const char *name, const char *command)
{
    char line[256] = "unknown";
    FILE *output = popen(command, "r");
    if (output != NULL) {
        if (fgets(line, sizeof line, output) != NULL) {
            line[strcspn(line, "\n")] = '\0';
        }
        pclose(output);
    }
    fprintf(out, "- %s: %s\n", name, line);
}

static void write_versions(FILE *out, const struct bench_laboratory *laboratory)
{
    for (int role = 0; role < BENCH_ROLES; role++) {
        const struct bench_contender *contender = &bench_contenders[role];
        if (contender->version_command != NULL) {
            write_version(out, contender->name, contender->version_command);
        }
    }
    if (laboratory->ringway != NULL) {
        char command[4200];
        snprintf(command, sizeof command, "'%s' --version | cut -d' ' -f2", laboratory->ringway);
        write_version(out, "ringway", command);
    } else {
        fputs("- ringway: not built, so only its peers were measured\n", out);
    }
    fprintf(out, "- client: %s\n", OpenSSL_version(OPENSSL_VERSION));
}

static void write_method(FILE *out)
{
    fputs(
        "Throughput is counted by second of CPU time that the gateway itself used: user and system "
        "time of\nall its processes and threads, from the kernel's run-time clock of each, over "
        "the measured seconds.\nThe gateway runs with one thread, pinned to core 0; load client "
        "and origin share core 1, all at raised priority where allowed. The\ncontenders run in the same session in alternating rounds; "
        "each value is the median of its rounds, in\nparentheses the spread (largest minus "
        "smallest, of the median). Ratios are medians too: of the ratio\n"
        "in each round, since what runs side by side has the machine's speed of the moment in "
        "common. Every answer's status and length\nare checked; a case with a "
        "failed request is missed. Ringway writes its access log, keeps its metrics\nand handles "
        "traceparent (into memory, /dev/shm, unless TMPDIR names another place: it would be the disk's speed otherwise, 350 MB/s of lines in h2-reply; a case in which it drops more than one log line in a thousand is missed); the peers log nothing. The floor is a blind TCP relay (bench/src/floor.c):\n"
        "two receives and two sends for an exchange, nothing parsed. A ratio says how many times "
        "better\nRingway is than the better peer, whichever way better is.\n",
        out);
}

static void write_floods(FILE *out, const struct bench_result *result)
{
    const struct bench_column *guarded = &result->columns[BENCH_RINGWAY];
    const struct bench_column *open = &result->columns[BENCH_BASELINE];
    fputs(
        "| flood | gateway us | sender us | ratio | flooders: 0: gateway us | sender us | ratio |\n"
        "|---|--:|--:|--:|--:|--:|--:|\n",
        out);
    for (int i = 0; i < guarded->floods && i < open->floods; i++) {
        const struct bench_flood_cost *one = &guarded->costs[i], *other = &open->costs[i];
        fprintf(out, "| %s | %.1f | %.1f | %.2f | %.1f | %.1f | %.2f |\n", one->name,
                one->gateway_us, one->sender_us, one->ratio, other->gateway_us, other->sender_us,
                other->ratio);
    }
    fputs("\n", out);
}

static void write_case(FILE *out, const struct bench_result *result)
{
    const struct bench_case *each = result->each;
    fprintf(out, "### %s\n\n%s\n\n", each->name, each->about);
    fprintf(out, "Target: %s. Rounds: %d", bench_report_target(each), bench_run_rounds(each));
    if (each->round_ms > 0) {
        fprintf(out, " of %.1f s", (double)bench_run_ms(each) / 1e3);
    }
    fputs(" each.", out);
    if (result->columns[BENCH_RINGWAY].unlogged > 0) {
        fprintf(out, " Ringway dropped the log line of %.2f%% of the requests.",
                result->columns[BENCH_RINGWAY].unlogged * 100);
    }
    if (each->changing && result->columns[BENCH_RINGWAY].count > 0) {
        fprintf(out, " Ringway's memory grew by %.0f KiB.",
                result->columns[BENCH_RINGWAY].growth / 1024);
    }
    fprintf(out, " Reproduce: `bench/run %s`\n\n", each->name);
    if (each->floods) {
        write_floods(out, result);
    }
}

static void write_template(FILE *out, const struct bench_laboratory *laboratory,
                           const char *file_name)
{
    char path[4096];
    char line[1024];
    snprintf(path, sizeof path, "%s/%s", laboratory->templates, file_name);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        bench_fail("cannot read %s: %s", path, strerror(errno));
    }
    fprintf(out, "bench/contenders/%s:\n\n```\n", file_name);
    while (fgets(line, sizeof line, in) != NULL) {
        fputs(line, out);
    }
    fputs("```\n\n", out);
    fclose(in);
}

void bench_results_write(const struct bench_laboratory *laboratory, const char *path,
                         const struct bench_result *results, size_t count)
{
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        bench_fail("cannot write %s: %s", path, strerror(errno));
    }
    fputs("# Results of the bench\n\nWritten by `make bench` (`bench/run --all --write`).\n\n",
          out);
    bench_report_table(out, results, count);
    fputs("\n## Machine and versions\n\n", out);
    write_machine(out);
    write_versions(out, laboratory);
    fputs("\n## Method\n\n", out);
    write_method(out);
    fputs("\n## Cases\n\n", out);
    for (size_t i = 0; i < count; i++) {
        write_case(out, &results[i]);
    }
    fputs(
        "## Configurations\n\nA line that begins with a word between two @ belongs to cases of that "
        "kind only: `tls` or `plain`, `h2` or `h1`\n(clients), `origin-h2` or `origin-h1`, `large`, "
        "`single`, `changing`, `routes` or `reply` (routes).\n\n",
        out);
    for (int role = 0; role < BENCH_BASELINE; role++) {
        if (bench_contenders[role].template_file != NULL) {
            write_template(out, laboratory, bench_contenders[role].template_file);
        }
    }
    if (fclose(out) != 0) {
        bench_fail("cannot write %s: %s", path, strerror(errno));
    }
}
