/* Every option of the gateway whose name says that it is a credential is one for the tables, too:
 * so no message, page or log shows it (conf/redact.h). */
#include "conf/credential.h"
#include "conf/records.h"
#include "gate/config/config.h"
#include "origin/registry.h"
#include "policy/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Their names say so, but they are none. */
static const struct {
    const char *record, *field, *what;
} harmless[] = {
    {"certificate", "key", "a path"},
    {"upstream.tls", "key", "a path"},
    {"discovery.kubernetes", "token_file", "a path"},
    {"policy.rate_limit.limit", "key", "names of what tells clients apart"},
    {"release.rule", "cookie", "a name"},
    {"policy.api_key", "cookie", "a name"},
    {"policy.jwt", "cookie", "a name"},
    {"policy.jwt.key", "public_key", "a path"},
};

static bool is_harmless(const struct rw_conf_record *record, const struct rw_conf_field *field)
{
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        if (strcmp(harmless[i].record, record->name) == 0 &&
            strcmp(harmless[i].field, field->name) == 0)
            return true;
    return false;
}

static bool may_hold_one(const struct rw_conf_field *field)
{
    return field->type == RW_CONF_TEXT && !(field->flags & RW_CONF_MAP);
}

static void test_credentials_are_secrets(void **state)
{
    (void)state;
    static struct rw_conf_records records;
    unsigned open = 0, secrets = 0;
    rw_config_register(rw_origin_kinds, rw_policy_kinds);
    rw_conf_records(&rw_config_record, &records);
    for (size_t i = 0; i < records.count; i++)
        for (const struct rw_conf_field *field = records.items[i]->fields; field->name; field++) {
            secrets += field->type == RW_CONF_SECRET;
            if (!rw_conf_names_credential(rw_span_text(field->name)) || !may_hold_one(field) ||
                is_harmless(records.items[i], field))
                continue;
            fprintf(stderr, "%s.%s is no RW_CONF_SECRET\n", records.items[i]->name, field->name);
            open++;
        }
    assert_int_equal(open, 0);
    assert_true(secrets >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials_are_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
