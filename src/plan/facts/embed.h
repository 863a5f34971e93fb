/* The data files of data/plan as they were when the program was built: part of the program, so that
 * a plan needs nothing but it. Read-only pages that nobody touches until somebody plans.
 */
#ifndef RW_PLAN_FACTS_EMBED_H
#define RW_PLAN_FACTS_EMBED_H

#include "base/span.h"

enum rw_facts_file {
    RW_FACTS_PRICES,
    RW_FACTS_CONTROLS,
    RW_FACTS_MODELS,
    RW_FACTS_LINT,
    RW_FACTS_TERRAFORM_AWS,
    RW_FACTS_TERRAFORM_AZURE,
    RW_FACTS_TERRAFORM_GCP,
    RW_FACTS_TERRAFORM_ALIBABA,
    RW_FACTS_FILES,
};

struct rw_span rw_facts_embedded(enum rw_facts_file file);

/* "prices.yaml": for messages and sources. */
const char *rw_facts_file_name(enum rw_facts_file file);

#endif
