#include "cli/load_output.h"

#include "load/report.h"

/* What the writers are given. */
struct outcome {
    const struct rw_load_settings *settings;
    const struct rw_load_result *result;
};

static void write_text(const void *of, enum rw_language language, struct rw_text *text)
{
    const struct outcome *outcome = of;
    (void)language;
    rw_load_report_text(outcome->settings, outcome->result, text);
}

static void write_json(const void *of, enum rw_language language, struct rw_text *text)
{
    const struct outcome *outcome = of;
    (void)language;
    rw_load_report_json(outcome->settings, outcome->result, text);
}

static void write_csv(const void *of, enum rw_language language, struct rw_text *text)
{
    const struct outcome *outcome = of;
    (void)language;
    rw_load_report_csv(outcome->result, text);
}

static void write_html(const void *of, enum rw_language language, struct rw_text *text)
{
    const struct outcome *outcome = of;
    rw_load_report_html(outcome->settings, outcome->result, language, text);
}

static const struct rw_cli_writer writers[] = {
    {"", write_text},      {".json", write_json}, {".csv", write_csv},
    {".html", write_html}, {NULL, NULL},
};

const struct rw_cli_reports rw_load_reports = {.verb = "load",
                                               .writers = writers,
                                               .language = RW_LANGUAGE_EN};

int rw_load_write(const struct rw_cli_reports *reports, const struct rw_load_settings *settings,
                  const struct rw_load_result *result)
{
    const struct outcome outcome = {settings, result};
    int code = rw_cli_reports_write(reports, &outcome);
    enum rw_load_verdict verdict = rw_load_judge(settings, result);
    bool sound = verdict == RW_LOAD_SOUND || verdict == RW_LOAD_CONNECTIONS_BUSY;
    return code || !sound;
}
