/* The proposal in the formats for people: to a file, to standard output, or all of it to a folder.
 */
#include "cli/cli.h"
#include "cli/plan.h"
#include "plan/artefact/artefact.h"
#include "plan/choice.h"
#include "plan/listing.h"
#include "plan/proposal/proposal.h"
#include "report/html.h"
#include "report/json.h"
#include "report/markdown.h"
#include "report/pdf.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct format {
    const char *name;
    enum rw_err (*render)(const struct rw_doc *doc, struct rw_text *out);
} formats[] = {
    {"html", rw_report_html},
    {"md", rw_report_markdown},
    {"json", rw_report_json},
};

static int failed(enum rw_err err)
{
    fprintf(stderr, "ringway plan: %s\n", rw_err_text(err));
    return 1;
}

static enum rw_err render(struct rw_plan_made *made, enum rw_language language,
                          const struct format *format, struct rw_text *text)
{
    struct rw_doc doc;
    enum rw_err err = rw_report_proposal(&made->plan, &made->intake, language, &doc);
    if (!err)
        err = format->render(&doc, text);
    rw_doc_free(&doc);
    return err;
}

static int write_format(struct rw_plan_made *made, enum rw_language language,
                        const struct format *format, const char *path)
{
    struct rw_text text = {0};
    enum rw_err err = render(made, language, format, &text);
    int code = err ? failed(err) : rw_cli_plan_write(path, &text);
    rw_text_free(&text);
    return code;
}

static int write_pdf(struct rw_plan_made *made, enum rw_language language, const char *path)
{
    struct rw_text page = {0};
    enum rw_err err = render(made, language, &formats[0], &page);
    if (!err)
        err = rw_report_pdf(rw_text_span(&page), path);
    rw_text_free(&page);
    if (err == RW_ENOENT)
        fprintf(stderr,
                "ringway plan: a PDF is printed by Chromium, and none of %s is on PATH; "
                "--format html gives a page that any browser prints on A4\n",
                rw_report_pdf_programs());
    else if (err)
        fprintf(stderr, "ringway plan: %s: Chromium made no PDF: %s\n", path, rw_err_text(err));
    return err ? 1 : 0;
}

bool rw_cli_plan_is_folder(const char *path)
{
    struct stat status;
    size_t length = path ? strlen(path) : 0;
    return length &&
           (path[length - 1] == '/' || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)));
}

/* proposal.zh.html and its like, in both languages. */
static int write_proposals(struct rw_plan_made *made, const char *folder)
{
    static const char *const suffixes[] = {[RW_LANGUAGE_EN] = "en", [RW_LANGUAGE_ZH] = "zh"};
    int code = 0;
    for (enum rw_language language = RW_LANGUAGE_EN; language <= RW_LANGUAGE_ZH; language++) {
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && !code; i++) {
            struct rw_text path = {0};
            rw_text_addf(&path, "%s/proposal.%s.%s", folder, suffixes[language], formats[i].name);
            code = path.err ? failed(path.err) : write_format(made, language, &formats[i], path.at);
            rw_text_free(&path);
        }
    }
    return code;
}

/* Writes a text to FOLDER/NAME and frees it. */
static int write_named(const char *folder, const char *name, struct rw_text *text)
{
    struct rw_text path = {0};
    rw_text_addf(&path, "%s/%s", folder, name);
    int code = path.err ? failed(path.err) : rw_cli_plan_write(path.at, text);
    rw_text_free(&path);
    rw_text_free(text);
    return code;
}

/* Of the tier that the proposal recommends. */
static int write_artefacts(struct rw_plan_made *made, const char *folder)
{
    struct rw_plan *plan = &made->plan;
    unsigned tier = rw_plan_shown(plan);
    int code = 0;
    for (const struct rw_artefact *at = rw_artefacts; at->file && !code; at++) {
        struct rw_text text = {0};
        at->write(plan, tier, &text);
        code = write_named(folder, at->file, &text);
    }
    return code;
}

/* The folder with those that it stands in; an existing one is none the worse. */
static bool make_folder(const char *path)
{
    struct rw_text text = {0};
    rw_text_adds(&text, path);
    for (size_t i = 1; !text.err && i < text.len; i++)
        if (text.at[i] == '/') {
            text.at[i] = '\0';
            (void)mkdir(text.at, 0777);
            text.at[i] = '/';
        }
    rw_text_free(&text);
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

int rw_cli_plan_write_folder(const struct rw_cli_plan *arguments, struct rw_plan_made *made)
{
    struct rw_text cells = {0};
    if (!make_folder(arguments->out)) {
        fprintf(stderr, "ringway plan: %s: %s\n", arguments->out, strerror(errno));
        return 1;
    }
    int code = write_proposals(made, arguments->out);
    if (!code)
        code = write_artefacts(made, arguments->out);
    rw_listing_write_json(&made->plan, &cells);
    int cells_code = write_named(arguments->out, "cells.json", &cells);
    return code ? code : cells_code;
}

int rw_cli_plan_report(const struct rw_cli_plan *arguments, struct rw_plan_made *made)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(arguments->format, formats[i].name) == 0)
            return write_format(made, arguments->language, &formats[i], arguments->out);
    }
    if (!arguments->out)
        return rw_cli_usage_error("plan", "--format pdf needs --out FILE");
    return write_pdf(made, arguments->language, arguments->out);
}
