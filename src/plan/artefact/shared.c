#include "plan/artefact/shared.h"

#include <time.h>

const struct rw_artefact rw_artefacts[] = {
    {"gateway.yaml", RW_LABEL("Configuration of the gateway", "网关配置"), rw_artefact_gateway},
    {"acceptance.yaml", RW_LABEL("Targets for ringway verify", "验收指标"), rw_artefact_acceptance},
    {"openslo.yaml", RW_LABEL("Objectives (OpenSLO v1)", "服务目标（OpenSLO v1）"),
     rw_artefact_openslo},
    {"forecast.csv", RW_LABEL("Forecast of the bill (FOCUS columns)", "费用预测（FOCUS 列）"),
     rw_artefact_forecast},
    {"main.tf", RW_LABEL("Terraform to go on from", "Terraform 骨架"), rw_artefact_terraform},
    {NULL, {NULL, NULL}, NULL},
};

double rw_artefact_sizing(const struct rw_plan *plan, unsigned tier, const char *name)
{
    return rw_sheet_value(&plan->sheet, rw_plan_find(plan, "sizing", &plan->tiers[tier], name));
}

/* A comment is one line, whatever a name contains. */
static void add_line(struct rw_text *text, const char *name)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at >= 0x20 && *at != 0x7f)
            rw_text_add(text, rw_span(at, 1));
}

void rw_artefact_head(const struct rw_plan *plan, unsigned tier, const char *what,
                      struct rw_text *text)
{
    rw_text_addf(text, "# %s", what);
    if (plan->terms.customer) {
        rw_text_adds(text, " for ");
        add_line(text, plan->terms.customer);
    }
    rw_text_adds(text, ", tier ");
    add_line(text, plan->tiers[tier].name);
    rw_text_adds(text, ".\n# Made by ringway plan");
    if (!isnan(plan->terms.date)) {
        struct rw_quantity date = {.value = plan->terms.date, .unit = RW_UNIT_DATE};
        rw_text_adds(text, ", ");
        rw_quantity_write(text, date, RW_LANGUAGE_EN);
    }
    rw_text_adds(text, ". A start: read it before you use it.\n");
}

void rw_artefact_month(double day, int months, struct rw_text *text)
{
    time_t seconds = (time_t)(day * 86400);
    struct tm date;
    if (!gmtime_r(&seconds, &date))
        return;
    int month = date.tm_year * 12 + date.tm_mon + months;
    rw_text_addf(text, "%04d-%02d-01", 1900 + month / 12, 1 + month % 12);
}

void rw_artefact_milliseconds(double seconds, struct rw_text *text)
{
    double ms = fmin(86400000, fmax(1, ceil(seconds * 1000 - 1e-6)));
    rw_text_addf(text, "%.0fms", ms);
}
