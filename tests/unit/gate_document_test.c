/* Documents by URL: what is a URL, who shares a document, no memory. How they are fetched is in
 * tests/scenario/jwt-url.test.mjs, with a server. */
#include "gate/document/document.h"

#include "base/alloc.h"
#include "gate/document/document_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_loop *loop;
static struct rw_documents *documents;
static unsigned changes;

static void on_change(void *user)
{
    (void)user;
    changes++;
}

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_loop_options loop_options = {.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_loop_create(&loop_options, &loop), RW_OK);
    const struct rw_documents_options options = {.loop = loop, .changed = on_change};
    return rw_documents_create(&options, &documents);
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_documents_destroy(documents);
    rw_loop_destroy(loop);
    return 0;
}

static void urls(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *host, *target;
        unsigned port; /* 0: it is none */
    } cases[] = {
        {"https://login.example", "login.example", "", 443},
        {"HTTPS://login.example/a/b?c=d", "login.example", "/a/b?c=d", 443},
        {"https://login.example?c", "login.example", "?c", 443},
        {"https://login.example:8443/", "login.example", "/", 8443},
        {"https://10.0.0.1/keys", "10.0.0.1", "/keys", 443},
        {"https://[2001:db8::1]/keys", "2001:db8::1", "/keys", 443},
        {"https://[2001:db8::1]:8443", "2001:db8::1", "", 8443},
        {"", "", "", 0},
        {"https://", "", "", 0},
        {"https:///keys", "", "", 0},
        {"https://:443/keys", "", "", 0},
        {"http://login.example/", "", "", 0},
        {"https://login.example:/", "", "", 0},
        {"https://login.example:0/", "", "", 0},
        {"https://login.example:65536/", "", "", 0},
        {"https://2001:db8::1/", "", "", 0},
        {"https://unix:/run/x", "", "", 0},
        {"https://srv:_a._tcp.example/", "", "", 0},
        {"https://a@login.example/", "", "", 0},
        {"https://login.example/#a", "", "", 0},
        {"https://login.example/a\r\nX: y", "", "", 0},
        {"https://login.example/\xc3\xa4", "", "", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_document_url url;
        const char *flaw = rw_document_url_parse(rw_span_text(cases[i].text), &url);
        if (!flaw != (cases[i].port != 0))
            fail_msg("%s: %s", cases[i].text, flaw ? flaw : "taken");
        if (flaw)
            continue;
        assert_int_equal(url.port, cases[i].port);
        if (!rw_span_is(url.host, cases[i].host) || !rw_span_is(url.target, cases[i].target))
            fail_msg("%s: %.*s %.*s", cases[i].text, RW_SPAN_ARGS(url.host),
                     RW_SPAN_ARGS(url.target));
    }
}

static bool anything(struct rw_span text, char flaw[RW_DOCUMENT_FLAW_BYTES])
{
    (void)flaw;
    return text.len > 0;
}

static const struct rw_config_dns dns = {.timeout_ms = 1000, .ttl_ms_max = 1000};
static const struct rw_config_tls_client tls = {.min_version = 0};

static enum rw_err use(const char *url, uint32_t refresh_ms, struct rw_document **document)
{
    const struct rw_document_settings settings = {.url = rw_span_text(url),
                                                  .tls = &tls,
                                                  .dns = &dns,
                                                  .refresh_ms = refresh_ms,
                                                  .refresh_ms_min = 1000,
                                                  .is_good = anything};
    struct rw_conf_report report = {0};
    return rw_document_use(documents, &settings, &report, document);
}

static void those_alike_are_one(void **unused)
{
    (void)unused;
    static const char url[] = "https://127.0.0.1:1/keys";
    struct rw_document *first, *same, *slower, *other;
    assert_int_equal(use(url, 5000, &first), RW_OK);
    assert_int_equal(use(url, 5000, &same), RW_OK);
    assert_int_equal(use(url, 6000, &slower), RW_OK);
    assert_int_equal(use("https://127.0.0.1:1/", 5000, &other), RW_OK);
    assert_ptr_equal(first, same);
    assert_ptr_not_equal(first, slower);
    assert_ptr_not_equal(first, other);
    assert_int_equal(rw_document_text(first).len, 0);
    rw_document_want(first);
    rw_document_drop(slower);
    rw_document_drop(first);
    rw_document_drop(other);
    rw_document_drop(NULL);
    for (int turn = 0; turn < 20; turn++)
        rw_loop_turn(loop, 1); /* nobody listens there */
    rw_document_drop(same);
    for (int turn = 0; turn < 3; turn++)
        rw_loop_turn(loop, 1);
    assert_int_equal(changes, 0);
}

static void without_memory(void **unused)
{
    (void)unused;
    static const char *const hosts[] = {"https://127.0.0.1:1/keys", "https://localhost:1/keys"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        struct rw_document *document = NULL;
        enum rw_err err = RW_ENOMEM;
        for (uint64_t n = 0; err; n++) {
            rw_alloc_fail_after(n);
            err = use(hosts[i], 5000, &document);
            rw_alloc_fail_never();
            assert_true(!err || err == RW_ENOMEM);
            assert_true(n < 1000);
        }
        for (uint64_t n = 0; n < 30; n++) {
            rw_alloc_fail_after(n);
            rw_loop_turn(loop, 1);
            rw_alloc_fail_never();
        }
        rw_document_drop(document);
        for (int turn = 0; turn < 3; turn++)
            rw_loop_turn(loop, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(those_alike_are_one),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
