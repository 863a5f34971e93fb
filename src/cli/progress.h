/* The line on a terminal that says how far something is, and is written over by the next. */
#ifndef RW_CLI_PROGRESS_H
#define RW_CLI_PROGRESS_H

#include "base/text.h"

#include <stdbool.h>

/* Is standard error a terminal, and not to be kept quiet? */
bool rw_cli_progress_wanted(bool quiet);
/* What does not fit into the terminal's width is left out: a line that wraps could not be taken
 * back. The text is emptied. */
void rw_cli_progress_show(struct rw_text *line);
void rw_cli_progress_clear(void);

#endif
