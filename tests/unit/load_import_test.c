/* What other tools have, as scenario files: what is taken over, what is noted, and that the reader
 * of scenario files takes what comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/import/import.h"
#include "load/script/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct imported {
    struct rw_arena arena;
    struct rw_draft draft;
    struct rw_text yaml, why;
    enum rw_err err;
    struct rw_load_config config;
    struct rw_load_settings settings;
};

static void import(const char *name, const char *content, struct imported *i)
{
    memset(i, 0, sizeof(*i));
    rw_arena_init(&i->arena, NULL, 0, 64 * 1024, 64 << 20);
    i->draft.arena = &i->arena;
    struct rw_span text = rw_span_text(content);
    i->err = rw_load_import(rw_load_import_kind_of(rw_span_text(name), text), name, text, &i->draft,
                            &i->why);
    if (!i->err)
        rw_draft_write(&i->draft, &i->yaml);
}

/* Through the reader of scenario files. */
static void read_back(struct imported *i)
{
    char path[] = "/tmp/rw-load-import-XXXXXX";
    struct rw_conf_report report = {0};
    struct rw_text told = {0};
    assert_int_equal(i->err, RW_OK);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, i->yaml.at, i->yaml.len), (ssize_t)i->yaml.len);
    close(fd);
    enum rw_err err = rw_load_script_read(path, &i->arena, &i->config, &i->settings, &report);
    unlink(path);
    rw_conf_report_print(&report, &told);
    if (err)
        fail_msg("%s\n%s", told.at, i->yaml.at);
    rw_text_free(&told);
}

static void drop(struct imported *i)
{
    rw_load_script_free(i->settings.script);
    rw_text_free(&i->yaml);
    rw_text_free(&i->why);
    rw_arena_free(&i->arena);
}

static void expect(const struct imported *i, const char *text)
{
    if (!strstr(i->yaml.at, text))
        fail_msg("%s\nis not in\n%s", text, i->yaml.at);
}

static const char har[] =
    "{\"log\": {\"version\": \"1.2\", \"entries\": ["
    "{\"startedDateTime\": \"2026-11-20T10:00:00.000Z\", \"time\": 200,"
    " \"request\": {\"method\": \"GET\", \"url\": \"https://shop.example:8443/a?b=$c\", \"headers\": ["
    "  {\"name\": \":authority\", \"value\": \"x\"}, {\"name\": \"Accept\", \"value\": \"*/*\"},"
    "  {\"name\": \"Cookie\", \"value\": \"x=y\"}, {\"name\": \"X-One\", \"value\": \"1\"}]},"
    " \"response\": {\"status\": 200}},"
    "{\"startedDateTime\": \"2026-11-20T10:00:01.500Z\", \"time\": 10,"
    " \"request\": {\"method\": \"POST\", \"url\": \"https://shop.example:8443\", \"headers\": ["
    "  {\"name\": \"Accept\", \"value\": \"*/*\"}],"
    "  \"postData\": {\"mimeType\": \"text/plain\", \"text\": \"{\\\"p\\\": \\\"${x} $5\\\"}\"}},"
    " \"response\": {\"status\": 201}},"
    "{\"startedDateTime\": \"2026-11-20T10:00:02Z\", \"time\": 10, \"request\": {\"method\": \"GET\","
    " \"url\": \"https://ads.example/\", \"headers\": []}, \"response\": {\"status\": 200}}]}}";

static void test_har(void **state)
{
    (void)state;
    struct imported i;
    import("x.har", har, &i);
    read_back(&i);
    assert_true(rw_span_is(i.config.target, "https://shop.example:8443"));
    assert_int_equal(i.settings.request_count, 2);
    const struct rw_load_request *first = &i.settings.requests[0], *second = first + 1;
    assert_true(rw_span_is(first->target, "/a?b=$c"));
    assert_int_equal(first->header_count, 2); /* Accept is of the file */
    assert_true(rw_span_is(second->target, "/") && rw_span_is(second->method, "POST"));
    assert_true(rw_span_is(second->body, "{\"p\": \"${x} $5\"}") && !second->varies);
    assert_int_equal(i.settings.script->scenarios[0].steps[0].think_ms_most, 1300);
    assert_true(rw_span_is(i.settings.script->checks[1]->text, "status is 201"));
    expect(&i, "# - 1 request to other hosts than https://shop.example:8443 left out\n");
    expect(&i, "# - cookies are left out");
    expect(&i, "headers:\n  \"Accept\": \"*/*\"\nscenarios:");
    drop(&i);
}

/* As Chromium writes it: what was blocked, WebSockets with their messages. */
static const char chromium[] =
    "{\"log\": {\"entries\": ["
    "{\"_resourceType\": \"fetch\", \"startedDateTime\": \"2026-11-20T10:00:00.000Z\", \"time\": 5,"
    " \"request\": {\"method\": \"POST\", \"url\": \"https://shop.example/a\", \"headers\": [],"
    "  \"postData\": {\"mimeType\": \"text/plain\", \"text\": \"x\"}}, \"response\": {\"status\": 200}},"
    "{\"startedDateTime\": \"2026-11-20T10:00:00.100Z\", \"time\": 5, \"request\": {\"method\": \"GET\","
    " \"url\": \"https://shop.example/ad\", \"headers\": []},"
    " \"response\": {\"status\": 0, \"_error\": \"net::ERR_BLOCKED_BY_CLIENT\"}},"
    "{\"_resourceType\": \"websocket\", \"startedDateTime\": \"2026-11-20T10:00:01.000Z\", \"time\": 5,"
    " \"request\": {\"method\": \"GET\", \"url\": \"wss://shop.example/ws?t=1\", \"headers\": ["
    "  {\"name\": \"Upgrade\", \"value\": \"websocket\"}, {\"name\": \"Sec-WebSocket-Key\", \"value\": \"x\"},"
    "  {\"name\": \"Sec-WebSocket-Protocol\", \"value\": \"chat\"}]}, \"response\": {\"status\": 101},"
    " \"_webSocketMessages\": ["
    "  {\"type\": \"send\", \"time\": 1.0, \"opcode\": 1, \"data\": \"say ${x}\"},"
    "  {\"type\": \"receive\", \"time\": 1.5, \"opcode\": 1, \"data\": \"ok\"},"
    "  {\"type\": \"send\", \"time\": 3.5, \"opcode\": 2, \"data\": \"AAEC\"}]},"
    "{\"request\": {\"method\": \"GET\", \"url\": \"wss://shop.example/two\", \"headers\": []},"
    " \"response\": {\"status\": 101}}]}}";

static void test_har_of_chromium(void **state)
{
    (void)state;
    struct imported i;
    import("x.har", chromium, &i);
    read_back(&i);
    static const enum rw_load_act acts[] = {RW_LOAD_CALL,    RW_LOAD_OPEN,  RW_LOAD_MESSAGE,
                                            RW_LOAD_MESSAGE, RW_LOAD_CLOSE, RW_LOAD_OPEN};
    assert_int_equal(i.settings.request_count, sizeof(acts) / sizeof(acts[0]));
    const struct rw_load_request *requests = i.settings.requests;
    for (size_t k = 0; k < sizeof(acts) / sizeof(acts[0]); k++)
        assert_int_equal(requests[k].act, acts[k]);
    assert_true(rw_span_is(requests[0].headers[0].name, "Content-Type"));
    assert_int_equal(requests[1].header_count, 1);
    assert_true(rw_span_is(requests[2].body, "say ${x}") && !requests[2].unanswered);
    assert_true(requests[3].body.len == 3 && requests[3].binary && requests[3].unanswered);
    assert_int_equal(i.settings.script->scenarios[0].steps[2].think_ms_most, 2000);
    expect(&i, "# - 1 requests that got no answer are left out\n");
    drop(&i);
}

static const char openapi[] =
    "openapi: 3.0.3\n"
    "servers: [{ url: 'https://{region}.example/v1/', variables: { region: { default: eu } } }]\n"
    "paths:\n"
    "  /items/{id}:\n"
    "    parameters: [{ name: id, in: path, required: true, schema: { type: string, format: uuid } }]\n"
    "    get:\n"
    "      parameters:\n"
    "        - { name: q, in: query, example: 'a b&c' }\n"
    "        - { name: page, in: query }\n"
    "        - { name: X-Tenant, in: header, required: true, schema: { enum: [acme, b] } }\n"
    "      responses: { '200': { description: ok }, '404': { description: none } }\n"
    "    put:\n"
    "      requestBody: { $ref: '#/components/requestBodies/Item' }\n"
    "      responses: { default: { description: any } }\n"
    "  /plain:\n"
    "    post:\n"
    "      requestBody: { content: { application/json: { example: { a: 1, b: \"1\", c: [true, $x] } "
    "} } }\n"
    "      responses: { '201': { description: made }, '202': { description: later }, '400': {} }\n"
    "    patch:\n"
    "      requestBody: { content: { application/merge-patch+json: { schema:\n"
    "        { $ref: '#/components/schemas/Node' } } } }\n"
    "      responses: { '299': { description: odd }, 2XX: { description: any } }\n"
    "components:\n"
    "  requestBodies:\n"
    "    Item: { content: { application/json: { schema: { $ref: '#/components/schemas/Item' } } } }\n"
    "  schemas:\n"
    "    Item:\n"
    "      allOf: [{ $ref: '#/components/schemas/Base' }]\n"
    "      properties: { price: { type: number }, tags: { type: array, items: { type: string } },\n"
    "        parent: { $ref: '#/components/schemas/Item' } }\n"
    "    Base: { type: object, properties: { id: { type: string, format: uuid } } }\n"
    "    Node: { type: object, properties: { name: { type: string },\n"
    "      born: { type: string, readOnly: true }, up: { $ref: '#/components/schemas/Node' },\n"
    "      end: { $ref: '#/components/schemas/End' } } }\n"
    "    End: { type: object, properties: { node: { $ref: '#/components/schemas/Node' } } }\n";

static void test_openapi(void **state)
{
    (void)state;
    struct imported i;
    import("api.yaml", openapi, &i);
    read_back(&i);
    assert_true(rw_span_is(i.config.target, "https://eu.example"));
    assert_int_equal(i.settings.request_count, 4);
    assert_int_equal(i.settings.script->scenario_count, 4);
    expect(&i, "- path: \"/v1/items/${uuid}?q=a%20b%26c\"\n");
    expect(&i, "\"X-Tenant\": \"acme\"\n");
    expect(&i, "{ status: 200 }");
    expect(&i, "{ status: [201, 202] }"); /* each of them is success */
    assert_null(strstr(i.yaml.at, "299"));
    expect(&i, "        think: 1000ms\n"); /* nobody asks as fast as a machine can */
    expect(&i,
           "body: \"{\\\"id\\\": \\\"${uuid}\\\", \\\"price\\\": 1, \\\"tags\\\": [\\\"text\\\"]");
    expect(&i, "body: \"{\\\"a\\\": 1, \\\"b\\\": \\\"1\\\", \\\"c\\\": [true, \\\"$$x\\\"]}\"");
    expect(&i, "# - no example of the body of PUT /items/{id}");
    assert_null(strstr(i.yaml.at, "page"));
    /* What leads back is left out, and what only answers have. */
    expect(&i, "body: \"{\\\"name\\\": \\\"text\\\", \\\"end\\\": {}}\"");
    expect(&i, "\"Content-Type\": \"application/merge-patch+json\"");
    drop(&i);
}

static const char jmeter[] =
    "<?xml version=\"1.0\"?><jmeterTestPlan version=\"1.2\"><hashTree>\n"
    "<TestPlan testname=\"p\"/><hashTree>\n"
    "<Arguments testname=\"vars\"><collectionProp name=\"Arguments.arguments\">"
    "<elementProp name=\"h\"><stringProp name=\"Argument.name\">host</stringProp>"
    "<stringProp name=\"Argument.value\">shop.example</stringProp></elementProp></collectionProp>"
    "</Arguments><hashTree/>\n"
    "<ConfigTestElement testclass=\"ConfigTestElement\" testname=\"defaults\">"
    "<stringProp name=\"HTTPSampler.domain\">${host}</stringProp>"
    "<stringProp name=\"HTTPSampler.protocol\">https</stringProp></ConfigTestElement><hashTree/>\n"
    "<HeaderManager testname=\"h\"><collectionProp name=\"HeaderManager.headers\"><elementProp "
    "name=\"\">"
    "<stringProp name=\"Header.name\">X-Id</stringProp><stringProp "
    "name=\"Header.value\">${__UUID()}</stringProp>"
    "</elementProp></collectionProp></HeaderManager><hashTree/>\n"
    "<ThreadGroup testname=\"buyers\"><stringProp name=\"ThreadGroup.num_threads\">20</stringProp>"
    "<stringProp name=\"ThreadGroup.duration\">300</stringProp>"
    "<stringProp name=\"ThreadGroup.ramp_time\">30</stringProp></ThreadGroup><hashTree>\n"
    "<CSVDataSet testname=\"csv\"><stringProp name=\"filename\">NAME</stringProp>"
    "<stringProp name=\"variableNames\">user,pass</stringProp><stringProp "
    "name=\"delimiter\">,</stringProp>"
    "<boolProp name=\"recycle\">false</boolProp></CSVDataSet><hashTree/>\n"
    "<UniformRandomTimer><stringProp name=\"ConstantTimer.delay\">100</stringProp>"
    "<stringProp name=\"RandomTimer.range\">200</stringProp></UniformRandomTimer><hashTree/>\n"
    "<HTTPSamplerProxy testname=\"login\"><elementProp name=\"HTTPsampler.Arguments\">"
    "<collectionProp name=\"Arguments.arguments\">"
    "<elementProp name=\"u\"><stringProp name=\"Argument.name\">u</stringProp>"
    "<stringProp name=\"Argument.value\">${user}</stringProp></elementProp>"
    "<elementProp name=\"p\"><stringProp name=\"Argument.name\">p q</stringProp>"
    "<stringProp name=\"Argument.value\">a&amp;$b</stringProp></elementProp>"
    "</collectionProp></elementProp><stringProp name=\"HTTPSampler.path\">/login</stringProp>"
    "<stringProp name=\"HTTPSampler.method\">POST</stringProp></HTTPSamplerProxy><hashTree>\n"
    "<JSONPostProcessor><stringProp name=\"JSONPostProcessor.referenceNames\">tok;deep</stringProp>"
    "<stringProp name=\"JSONPostProcessor.jsonPathExprs\">$.a[0].t;$..x</stringProp>"
    "</JSONPostProcessor><hashTree/>\n"
    "<RegexExtractor><stringProp name=\"RegexExtractor.refname\">rx</stringProp>"
    "<stringProp name=\"RegexExtractor.regex\">id=\"(.+?)\"</stringProp></RegexExtractor><hashTree/>\n"
    "<ResponseAssertion><collectionProp name=\"Asserion.test_strings\"><stringProp "
    "name=\"1\">200</stringProp>"
    "</collectionProp><stringProp name=\"Assertion.test_field\">Assertion.response_code</stringProp>"
    "<intProp name=\"Assertion.test_type\">8</intProp></ResponseAssertion><hashTree/>\n"
    "</hashTree>\n"
    "<HTTPSamplerProxy testname=\"off\" enabled=\"false\"/><hashTree/>\n"
    "<IfController testname=\"if\"/><hashTree>\n"
    "<HTTPSamplerProxy testname=\"get\"><stringProp name=\"HTTPSampler.path\">items/${tok}</stringProp>"
    "<stringProp name=\"HTTPSampler.method\">GET</stringProp></HTTPSamplerProxy><hashTree/>\n"
    "</hashTree></hashTree></hashTree></hashTree></jmeterTestPlan>\n";

static void test_jmeter(void **state)
{
    (void)state;
    struct imported i;
    char csv[] = "/tmp/rw-load-import-csv-XXXXXX", plan[sizeof(jmeter) + 64];
    int fd = mkstemp(csv);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "ann,1\n", 6), 6);
    close(fd);
    const char *name = strstr(jmeter, "NAME");
    snprintf(plan, sizeof(plan), "%.*s%s%s", (int)(name - jmeter), jmeter, csv, name + 4);
    import("p.jmx", plan, &i);
    read_back(&i);
    unlink(csv);
    assert_true(rw_span_is(i.config.target, "https://shop.example"));
    assert_int_equal(i.config.users, 20);
    assert_int_equal(i.config.duration_ms, 300000);
    const struct rw_load_script *script = i.settings.script;
    assert_int_equal(i.settings.request_count, 2);
    assert_int_equal(script->scenarios[0].steps[0].think_ms_most, 300);
    assert_int_equal(script->data[0].order, RW_LOAD_ONCE);
    expect(&i, "body: \"u=${user|url}&p%20q=a%26%24%24b\"");
    expect(&i, "headers:\n  \"X-Id\": \"${uuid}\"\nscenarios:");
    expect(&i, "{ as: tok, json: \"/a/0/t\" }");
    expect(&i, "{ as: rx, regex: \"id=\\\"(.+?)\\\"\" }");
    expect(&i, "{ status: 200 }");
    expect(&i, "- path: \"/items/${tok}\"");
    expect(&i, "# - the value $..x of login is not captured\n");
    expect(&i, "# - IfController \"if\" has no place\n");
    assert_null(strstr(i.yaml.at, "off"));
    drop(&i);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *content, *why;
    } cases[] = {
        {"x", "", "neither a HAR recording, an OpenAPI 3 description nor a JMeter plan"},
        {"x", "hello", "neither a HAR recording, an OpenAPI 3 description nor a JMeter plan"},
        {"x.har", "{\n}x", "2:2: not JSON: end of file expected near 'x'"},
        {"x.har", "{}", "there are no requests in it"},
        {"x.yaml", "openapi: 2.0\npaths: {}", "not OpenAPI 3: `openapi: 3...` is missing"},
        {"x.yaml", "openapi: 3.0.0\npaths: {}", "there are no requests in it"},
        {"x.yaml", "openapi: [", NULL},
        {"x.jmx", "<jmeterTestPlan>", NULL},
        {"x.jmx", "<a><jmeterTestPlan/></a>", "not a JMeter plan: its root is not jmeterTestPlan"},
        {"x.jmx", "<jmeterTestPlan/>", "there are no requests in it"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct imported i;
        import(cases[k].name, cases[k].content, &i);
        assert_int_equal(i.err, RW_EINVAL);
        assert_non_null(i.why.at);
        if (cases[k].why)
            assert_string_equal(i.why.at, cases[k].why);
        drop(&i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_har),     cmocka_unit_test(test_har_of_chromium),
        cmocka_unit_test(test_openapi), cmocka_unit_test(test_jmeter),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
