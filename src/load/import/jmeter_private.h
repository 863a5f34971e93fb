/* A JMeter plan (.jmx) as it is read: jmeter.c (the tree, and samplers), jmeter_element.c (elements
 * and texts), jmeter_answer.c (what is asked of answers). One thread. */
#ifndef RW_LOAD_IMPORT_JMETER_PRIVATE_H
#define RW_LOAD_IMPORT_JMETER_PRIVATE_H

#include "load/import/draft.h"

#include <libxml/tree.h>
#include <stdbool.h>

enum { RW_JMETER_MS_MAX = 3600 * 1000 };

struct rw_jmeter {
    struct rw_draft *draft;
    struct rw_draft_scenario *scenario; /* NULL: outside of a thread group */
    struct rw_draft_step *step;         /* the last sampler: what stands below it is about it */
};

/* ---- jmeter_element.c ---- */

bool rw_jmeter_is(const xmlNode *node, const char *name);
/* Elements can be switched off, with all that stands below them. */
bool rw_jmeter_is_enabled(const xmlNode *node);
struct rw_span rw_jmeter_attribute(const xmlNode *node, const char *name);
/* This node, or the next one beside it that is an element; NULL: there is none. */
const xmlNode *rw_jmeter_next(const xmlNode *node);
/* The child whose `name` is this, of any type: stringProp, boolProp, collectionProp ... */
const xmlNode *rw_jmeter_property(const xmlNode *node, const char *name);
/* All text of an element (NULL: none); that of a property, without white space around it. */
struct rw_span rw_jmeter_text(struct rw_jmeter *jmeter, const xmlNode *node);
struct rw_span rw_jmeter_text_at(struct rw_jmeter *jmeter, const xmlNode *node, const char *name);
/* What all of a text is, if it is one user's variable or property: its value. */
struct rw_span rw_jmeter_settled(const struct rw_jmeter *jmeter, struct rw_span text);
/* 0: it is none, or not above 0. */
double rw_jmeter_number_at(struct rw_jmeter *jmeter, const xmlNode *node, const char *name);
/* May a variable be called so here? */
bool rw_jmeter_is_variable(struct rw_span name);
/* JMeter writes variables as we do; dollars that are none are doubled. */
struct rw_span rw_jmeter_template(struct rw_jmeter *jmeter, struct rw_span text);
struct rw_span rw_jmeter_template_at(struct rw_jmeter *jmeter, const xmlNode *node,
                                     const char *name);

/* ---- jmeter_answer.c ---- */

/* Is it about answers: of the sampler above it, or of all those beside and below? */
bool rw_jmeter_looks(const xmlNode *node);
/* Adds what the tree asks of answers to jmeter->step. */
void rw_jmeter_look(struct rw_jmeter *jmeter, const xmlNode *tree);

#endif
