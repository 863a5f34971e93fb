#include "base/version.h"
#include "cli/cli.h"
#include "conf/read.h"
#include "gate/config/config.h"
#include "origin/registry.h"
#include "policy/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct rw_verb *const verbs[] = {
    &rw_verb_serve,  &rw_verb_check,    &rw_verb_explain, &rw_verb_load,
    &rw_verb_verify, &rw_verb_simulate, &rw_verb_schema,  &rw_verb_plan,
};

char **rw_cli_argv;

int rw_cli_usage_error(const char *verb, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "ringway %s: ", verb);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nSee `ringway %s --help`.\n", verb);
    return 2;
}

int rw_cli_language(const char *verb, const char *name, enum rw_language *language)
{
    bool chinese = strcmp(name, "zh") == 0;
    if (!chinese && strcmp(name, "en") != 0)
        return rw_cli_usage_error(verb, "--lang: \"%s\" is neither en nor zh", name);
    *language = chinese ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN;
    return 0;
}

int rw_cli_write_file(const char *verb, const char *path, const struct rw_text *text)
{
    struct stat kind;
    FILE *file = text->err ? NULL : fopen(path, "wb");
    bool good = file && fwrite(text->at, 1, text->len, file) == text->len;
    bool ours = file && fstat(fileno(file), &kind) == 0 && S_ISREG(kind.st_mode);
    if (file && fclose(file) != 0)
        good = false;
    if (good)
        return 0;
    int why = errno;
    if (ours)
        unlink(path); /* half of it is worse than none */
    errno = why;
    fprintf(stderr, "ringway %s: %s cannot be written: %s\n", verb, path,
            text->err ? rw_err_text(text->err) : strerror(errno));
    return 1;
}

const char *rw_cli_option(int argc, char **argv, int *index, const char *name, bool *lacking)
{
    const char *argument = argv[*index];
    size_t len = strlen(name);
    *lacking = false;
    if (strncmp(argument, name, len) != 0)
        return NULL;
    if (argument[len] == '=')
        return argument + len + 1;
    if (argument[len] != '\0')
        return NULL;
    if (*index + 1 >= argc) {
        *lacking = true;
        return NULL;
    }
    return argv[++*index];
}

static void print_help(FILE *to)
{
    fprintf(to,
            "ringway %s: a gateway for an organisation's API and AI traffic\n\n"
            "Usage: ringway VERB [ARGUMENTS]\n\n",
            RW_VERSION);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(to, "  %-8s %-24s %s\n", verbs[i]->name, verbs[i]->arguments, verbs[i]->summary);
    fprintf(to, "\n  ringway VERB --help tells more; ringway --version.\n");
}

/* A result that a full disk has cut is none. */
static int finish_output(const char *verb, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "ringway %s: standard output cannot be written: %s\n", verb, strerror(errno));
    return code ? code : 1;
}

static int run_verb(const struct rw_verb *verb, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            printf("Usage: ringway %s %s\n\nringway %s: %s.\n\n%s", verb->name, verb->arguments,
                   verb->name, verb->summary, verb->help);
            return finish_output(verb->name, 0);
        }
    int code = verb->run(argc, argv);
    return verb == &rw_verb_serve ? code : finish_output(verb->name, code); /* serve's is talk */
}

static int refuse_verb(const char *name)
{
    const char *names[sizeof(verbs) / sizeof(verbs[0])];
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        names[i] = verbs[i]->name;
    const char *near = rw_conf_nearest(rw_span_text(name), names, sizeof(verbs) / sizeof(verbs[0]));
    fprintf(stderr, "ringway: unknown verb \"%s\"%s%s%s\n\n", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    print_help(stderr);
    return 2;
}

/* Who starts it may have closed standard input, output or error. What is opened first would get
 * their numbers, and what is meant for people would be written into it. */
static bool fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
    return fd >= 0;
}

int main(int argc, char **argv)
{
    if (!fill_standard_descriptors())
        return 1;
    rw_cli_argv = argv;
    rw_config_register(rw_origin_kinds, rw_policy_kinds);
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--version") == 0) {
        printf("ringway %s\n", RW_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return run_verb(verbs[i], argc - 2, argv + 2);
    return refuse_verb(name);
}
