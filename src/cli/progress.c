#include "cli/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80 /* of a terminal that does not say */ };

bool rw_cli_progress_wanted(bool quiet)
{
    return !quiet && isatty(STDERR_FILENO);
}

static size_t columns(void)
{
    struct winsize size;
    bool told = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return told ? size.ws_col : COLUMNS_DEFAULT;
}

/* A character of UTF-8 has at least as many bytes as columns, and is not cut. */
static size_t fitting_bytes(const struct rw_text *line)
{
    size_t len = columns() - 1;
    if (line->len <= len)
        return line->len;
    while (len && ((unsigned char)line->at[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void rw_cli_progress_show(struct rw_text *line)
{
    if (line->at && !line->err)
        fprintf(stderr, "\r\033[K%.*s", (int)fitting_bytes(line), line->at);
    fflush(stderr);
    rw_text_free(line);
    *line = (struct rw_text){0};
}

void rw_cli_progress_clear(void)
{
    fputs("\r\033[K", stderr);
}
