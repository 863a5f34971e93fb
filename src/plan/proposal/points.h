/* Within plan/proposal: sentences that need figures, as tables. A point is told when the plan has
 * all of its figures; one that lacks a figure is not told, for the assumptions list what is
 * missing.
 */
#ifndef RW_PLAN_PROPOSAL_POINTS_H
#define RW_PLAN_PROPOSAL_POINTS_H

#include "plan/proposal/chapters.h"

enum { RW_POINT_FIGURES_MAX = 5 };

struct rw_proposal_point {
    struct rw_label text; /* with {0}, {1}... */
    /* Cells; "*" stands for the tier's id: "sizing.*.app_nodes". */
    const char *figures[RW_POINT_FIGURES_MAX];
};

/* The cell of a figure's name for a tier; RW_CELL_NONE: there is none. */
uint32_t rw_proposal_point_cell(struct rw_proposal *proposal, const struct rw_tier *tier,
                                const char *name);

/* An item for each point that can be told; says how many. */
unsigned rw_proposal_points(struct rw_proposal *proposal, const struct rw_tier *tier,
                            const struct rw_proposal_point *points, size_t count);

/* The text of a point with its figures' values, for a cell of a table; nothing when it cannot be
 * told. */
struct rw_span rw_proposal_point_text(struct rw_proposal *proposal, const struct rw_tier *tier,
                                      const struct rw_proposal_point *point);

#endif
