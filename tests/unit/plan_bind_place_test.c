/* Where a plan's system is to run and which frameworks apply, from the customer's words. */
#include "plan/intake/bind.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void expect(const char *yaml, const char *sites, const char *frameworks)
{
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    struct rw_terms terms = {0};
    struct rw_input_value values[RW_INPUT_END];
    char text[512];
    snprintf(text, sizeof(text), "需求: ringway/1\n%s", yaml);
    enum rw_err err = rw_intake_read_text(rw_span_text(text), "t.yaml", &intake, &report);
    if (!err)
        err = rw_intake_bind(&intake, NAN, values, &terms, &report);
    if (err) {
        struct rw_text printed = {0};
        rw_conf_report_print(&report, &printed);
        fail_msg("%s", printed.at);
    }
    char joined[512] = "";
    size_t len = 0;
    for (unsigned i = 0; i < terms.site_count; i++)
        len +=
            (size_t)snprintf(joined + len, sizeof(joined) - len, "%s%s %s %g", i ? ", " : "",
                             terms.sites[i].provider, terms.sites[i].region, terms.sites[i].weight);
    assert_string_equal(joined, sites);
    joined[0] = 0;
    len = 0;
    for (unsigned i = 0; i < terms.framework_count; i++)
        len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s%s", i ? " " : "",
                                terms.frameworks[i]);
    assert_string_equal(joined, frameworks);
    rw_intake_free(&intake);
}

static void test_sites(void **state)
{
    (void)state;
    expect("", "", "");
    expect("sites:\n"
           "  - {provider: aws, region: eu-west-1, count: 20}\n"
           "  - {provider: Azure, region: East US, count: 100}\n"
           "  - {provider: HPE Synergy, region: Singapore}\n"
           "  - {provider: AWS, region: eu-west-1, count: 5}\n"
           "  - {provider: nobody, region: nowhere, count: 7}\n",
           "aws eu-west-1 25, azure eastus 100, onprem Singapore 1, nobody nowhere 7", "");
    /* Shares go before machines; who has none takes what they leave. */
    expect("sites:\n"
           "  - {provider: aws, region: sa-east-1, count: 90, share: 70%}\n"
           "  - {provider: Hetzner, count: 5}\n",
           "aws sa-east-1 0.7, Hetzner any 0.3", "");
    /* What is no region stays what it is: the bill tells. */
    expect("sites:\n"
           "  - {provider: azure, region: eastus9}\n"
           "  - {provider: aws, region: mars-west-1, count: 3}\n"
           "  - {provider: aws, count: 2}\n",
           "azure eastus9 1, aws mars-west-1 3, aws us-east-1 2", "");
    /* In words only: each part of the enumeration. */
    expect("基础设施:\n  公有云: AWS北京（EC2 50节点）、Azure东欧（VM 30节点）\n",
           "aws_cn cn-north-1 1, azure polandcentral 1", "");
    /* Places said properly go before words. */
    expect("基础设施:\n  公有云: AWS北京\nsites:\n  - {provider: gcp, region: europe-west3}\n",
           "gcp europe-west3 1", "");
    expect("基础设施:\n  公有云: 某云\n", "", "");
}

static void test_many_sites(void **state)
{
    (void)state;
    expect("sites:\n"
           "  - {provider: aws, region: us-east-1}\n"
           "  - {provider: aws, region: us-east-2}\n"
           "  - {provider: aws, region: us-west-1}\n"
           "  - {provider: aws, region: us-west-2}\n"
           "  - {provider: aws, region: eu-west-1}\n",
           "aws us-east-1 1, aws us-east-2 1, aws us-west-1 1, aws us-west-2 1, aws eu-west-1 1",
           "");
}

static void test_frameworks(void **state)
{
    (void)state;
    expect("约束:\n  合规性: [GDPR, 等保2.0三级]\n  审计要求: 年度SOC2 Type II报告\n", "",
           "gdpr mlps2_l3 soc2_tsc");
    expect("目标:\n  安全: 通过PCIDSS v4.0认证\n约束:\n  合规性: 符合中国保险业监管与欧盟GDPR\n",
           "", "cn_law gdpr pci_dss_4_0_1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_many_sites),
        cmocka_unit_test(test_frameworks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
