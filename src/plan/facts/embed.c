#include "plan/facts/embed.h"

#include "base/err.h"

/* The assembler takes the files in; CMakeLists.txt tells it where the tree begins, and builds this
 * file anew when one of them changes. */
#define EMBED_FILE(name, path)                                                                     \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global rw_facts_" #name "_begin\n"                                                   \
            ".hidden rw_facts_" #name "_begin\n"                                                   \
            ".global rw_facts_" #name "_end\n"                                                     \
            ".hidden rw_facts_" #name "_end\n"                                                     \
            "rw_facts_" #name "_begin:\n"                                                          \
            ".incbin \"data/plan/" path "\"\n"                                                     \
            "rw_facts_" #name "_end:\n"                                                            \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char rw_facts_##name##_begin[] __attribute__((visibility("hidden")));             \
    extern const char rw_facts_##name##_end[] __attribute__((visibility("hidden")))
#define EMBED(name) EMBED_FILE(name, #name ".yaml")

EMBED(prices);
EMBED(controls);
EMBED(models);
EMBED(lint);
EMBED_FILE(terraform_aws, "terraform/aws.tf");
EMBED_FILE(terraform_azure, "terraform/azure.tf");
EMBED_FILE(terraform_gcp, "terraform/gcp.tf");
EMBED_FILE(terraform_alibaba, "terraform/alibaba.tf");

static const struct {
    const char *name, *begin, *end;
} files[RW_FACTS_FILES] = {
    [RW_FACTS_PRICES] = {"prices.yaml", rw_facts_prices_begin, rw_facts_prices_end},
    [RW_FACTS_CONTROLS] = {"controls.yaml", rw_facts_controls_begin, rw_facts_controls_end},
    [RW_FACTS_MODELS] = {"models.yaml", rw_facts_models_begin, rw_facts_models_end},
    [RW_FACTS_LINT] = {"lint.yaml", rw_facts_lint_begin, rw_facts_lint_end},
    [RW_FACTS_TERRAFORM_AWS] = {"terraform/aws.tf", rw_facts_terraform_aws_begin,
                                rw_facts_terraform_aws_end},
    [RW_FACTS_TERRAFORM_AZURE] = {"terraform/azure.tf", rw_facts_terraform_azure_begin,
                                  rw_facts_terraform_azure_end},
    [RW_FACTS_TERRAFORM_GCP] = {"terraform/gcp.tf", rw_facts_terraform_gcp_begin,
                                rw_facts_terraform_gcp_end},
    [RW_FACTS_TERRAFORM_ALIBABA] = {"terraform/alibaba.tf", rw_facts_terraform_alibaba_begin,
                                    rw_facts_terraform_alibaba_end},
};

struct rw_span rw_facts_embedded(enum rw_facts_file file)
{
    rw_assert(file < RW_FACTS_FILES);
    return rw_span(files[file].begin, (size_t)(files[file].end - files[file].begin));
}

const char *rw_facts_file_name(enum rw_facts_file file)
{
    rw_assert(file < RW_FACTS_FILES);
    return files[file].name;
}
