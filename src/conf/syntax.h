/* What libfyaml says about a text that is not YAML, in words for people.
 *
 * Its messages are English and speak of its own parts ("flow mapping"). Those that a person's
 * typing brings about are told in Chinese where the report is; others stay as they are, behind a
 * word that says whose they are.
 */
#ifndef RW_CONF_SYNTAX_H
#define RW_CONF_SYNTAX_H

#include <stdbool.h>

/* A literal, or `said` itself. `said` NULL: the parser gave no reason. */
const char *rw_conf_syntax_text(const char *said, bool chinese);

#endif
