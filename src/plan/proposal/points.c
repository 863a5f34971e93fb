#include "plan/proposal/points.h"

uint32_t rw_proposal_point_cell(struct rw_proposal *proposal, const struct rw_tier *tier,
                                const char *name)
{
    const struct rw_sheet *sheet = &proposal->plan->sheet;
    const char *star = strchr(name, '*');
    if (!star)
        return rw_sheet_find(sheet, name);
    struct rw_span id = rw_doc_format(proposal->doc, "%.*s%.40s%.80s", (int)(star - name), name,
                                      tier->id, star + 1);
    return proposal->doc->err ? RW_CELL_NONE : rw_sheet_find(sheet, id.at);
}

/* False: a figure is missing. */
static bool find_figures(struct rw_proposal *proposal, const struct rw_tier *tier,
                         const struct rw_proposal_point *point, uint32_t *cells, size_t *count)
{
    *count = 0;
    for (; *count < RW_POINT_FIGURES_MAX && point->figures[*count]; (*count)++) {
        cells[*count] = rw_proposal_point_cell(proposal, tier, point->figures[*count]);
        if (!isfinite(rw_sheet_value(&proposal->plan->sheet, cells[*count])))
            return false;
    }
    return true;
}

unsigned rw_proposal_points(struct rw_proposal *proposal, const struct rw_tier *tier,
                            const struct rw_proposal_point *points, size_t count)
{
    unsigned told = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t cells[RW_POINT_FIGURES_MAX];
        struct rw_doc_argument arguments[RW_POINT_FIGURES_MAX];
        size_t figures;
        if (!find_figures(proposal, tier, &points[i], cells, &figures))
            continue;
        for (size_t k = 0; k < figures; k++)
            arguments[k] = rw_proposal_argument(proposal, cells[k]);
        rw_doc_item(proposal->doc, points[i].text, arguments, figures);
        told++;
    }
    return told;
}

struct rw_span rw_proposal_point_text(struct rw_proposal *proposal, const struct rw_tier *tier,
                                      const struct rw_proposal_point *point)
{
    uint32_t cells[RW_POINT_FIGURES_MAX];
    size_t figures;
    struct rw_text text = {0};
    if (!find_figures(proposal, tier, point, cells, &figures))
        return RW_LITERAL("");
    const char *at = rw_label_in(point->text, proposal->language);
    while (*at) {
        size_t plain = strcspn(at, "{");
        rw_text_add(&text, rw_report_behind(rw_text_span(&text), rw_span(at, plain)));
        at += plain;
        if (*at) { /* "{0}": tables have no others */
            rw_assert((size_t)(at[1] - '0') < figures && at[2] == '}');
            rw_quantity_write(&text, rw_sheet_quantity(&proposal->plan->sheet, cells[at[1] - '0']),
                              proposal->language);
            at += 3;
        }
    }
    struct rw_span kept = rw_doc_copy(proposal->doc, rw_text_span(&text));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
    return kept;
}
