#include "report/pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const programs[] = {"chromium", "chromium-browser", "google-chrome-stable",
                                       "google-chrome", "chrome"};

struct printing {
    char folder[PATH_MAX], page[PATH_MAX + 32], made[PATH_MAX + 32];
    char page_url[PATH_MAX + 64], to[PATH_MAX + 64], profile[PATH_MAX + 64];
};

const char *rw_report_pdf_programs(void)
{
    return "chromium, chromium-browser, google-chrome-stable, google-chrome, chrome";
}

/* ---- Files ---- */

static enum rw_err make_folder(struct printing *printing)
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(printing->folder, sizeof(printing->folder), "%s/ringway-pdf-XXXXXX",
                          base && *base ? base : "/tmp");
    if (length < 0 || (size_t)length >= sizeof(printing->folder) || !mkdtemp(printing->folder))
        return RW_EIO;
    snprintf(printing->page, sizeof(printing->page), "%s/page.html", printing->folder);
    snprintf(printing->made, sizeof(printing->made), "%s/page.pdf", printing->folder);
    snprintf(printing->page_url, sizeof(printing->page_url), "file://%s", printing->page);
    snprintf(printing->to, sizeof(printing->to), "--print-to-pdf=%s", printing->made);
    snprintf(printing->profile, sizeof(printing->profile), "--user-data-dir=%s/profile",
             printing->folder);
    return RW_OK;
}

static enum rw_err write_file(const char *path, struct rw_span bytes)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return RW_EIO;
    bool written = fwrite(bytes.at, 1, bytes.len, file) == bytes.len;
    return fclose(file) == 0 && written ? RW_OK : RW_EIO;
}

static bool begins_as_pdf(FILE *file)
{
    char head[5] = "";
    bool is = fread(head, 1, sizeof(head), file) == sizeof(head) && memcmp(head, "%PDF-", 5) == 0;
    rewind(file);
    return is;
}

/* Over file systems, so by copying. */
static enum rw_err copy_pdf(const char *from, const char *to)
{
    char block[65536];
    FILE *in = fopen(from, "re");
    FILE *out = in && begins_as_pdf(in) ? fopen(to, "we") : NULL;
    bool good = out;
    size_t got;
    while (good && (got = fread(block, 1, sizeof(block), in)) > 0)
        good = fwrite(block, 1, got, out) == got;
    if (in)
        good = !ferror(in) && good;
    if (in)
        fclose(in);
    if (out)
        good = fclose(out) == 0 && good;
    return good ? RW_OK : RW_EIO;
}

/* ---- The browser ---- */

/* Its own messages go nowhere: what counts is whether there is a PDF. */
static enum rw_err start(const struct printing *printing, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions))
        return RW_ENOMEM;
    enum rw_err err = RW_ENOENT;
    bool quiet = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) == 0 &&
                 posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0;
    for (size_t i = 0; quiet && err && i < sizeof(programs) / sizeof(programs[0]); i++) {
        /* As root Chromium has no sandbox; the page has no script to keep in one. */
        const char *arguments[] = {programs[i],
                                   "--headless",
                                   "--disable-gpu",
                                   "--no-first-run",
                                   "--no-pdf-header-footer",
                                   "--disable-extensions",
                                   "--disable-dev-shm-usage",
                                   printing->profile,
                                   printing->to,
                                   geteuid() == 0 ? "--no-sandbox" : "--disable-sync",
                                   printing->page_url,
                                   NULL};
        if (posix_spawnp(child, programs[i], &actions, NULL, (char **)arguments, environ) == 0)
            err = RW_OK;
    }
    posix_spawn_file_actions_destroy(&actions);
    return quiet ? err : RW_ENOMEM;
}

static enum rw_err wait_for(pid_t child)
{
    for (unsigned i = 0; i < RW_REPORT_PDF_SECONDS_MAX * 20; i++) {
        int status;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RW_OK : RW_EIO;
        if (ended < 0 && errno != EINTR)
            return RW_EIO;
        poll(NULL, 0, 50);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return RW_ETIMEDOUT;
}

/* The profile has folders in folders; `rm` knows how to remove them. */
static void remove_folder(const char *folder)
{
    const char *arguments[] = {"rm", "-rf", "--", folder, NULL};
    pid_t child;
    if (posix_spawnp(&child, "rm", NULL, NULL, (char **)arguments, environ) == 0)
        waitpid(child, NULL, 0);
}

enum rw_err rw_report_pdf(struct rw_span page, const char *path)
{
    struct printing printing;
    pid_t child;
    enum rw_err err = make_folder(&printing);
    if (err)
        return err;
    err = write_file(printing.page, page);
    if (!err)
        err = start(&printing, &child);
    if (!err)
        err = wait_for(child);
    if (!err)
        err = copy_pdf(printing.made, path);
    remove_folder(printing.folder);
    return err;
}
