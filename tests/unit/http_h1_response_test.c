/* Response heads: what is taken, how the body will end, whether the connection may be used again,
 * and what is refused (always 502: the origin's fault). Each head is fed whole, byte by byte, and
 * cut at every position. */
#include "unit/http_h1_feed.h"

static const struct head_feed to_get = {.response = true, .request_method = RW_METHOD_GET};
static const struct head_feed to_head = {.response = true, .request_method = RW_METHOD_HEAD};
static const struct head_feed to_connect = {.response = true, .request_method = RW_METHOD_CONNECT};

#define OK "HTTP/1.1 200 OK\r\n"
#define ZERO "Content-Length: 0\r\n\r\n"

static const struct head_case lines[] = {
    HEAD("4", OK ZERO, 0, "200 reason=[OK] 1.1 body=length:0 keep {Content-Length=0}"),
    HEAD("4 empty reason", "HTTP/1.1 200 \r\n" ZERO, 0, "200 reason=[] 1.1"),
    HEAD("4 no space behind the code", "HTTP/1.1 200\r\n" ZERO, 0, "200 reason=[] 1.1"),
    HEAD("4 words", "HTTP/1.1 404 Not  Found\t!\r\n" ZERO, 0, "404 reason=[Not  Found\t!] 1.1"),
    HEAD("4 obs-text", "HTTP/1.1 200 \xc3\xa9\r\n" ZERO, 0, "200 reason=[\xc3\xa9] 1.1"),
    HEAD("2.3 HTTP/1.0", "HTTP/1.0 200 OK\r\n" ZERO, 0, "200 reason=[OK] 1.0 body=length:0 close"),
    HEAD("RFC 9110 6.2 later minor version", "HTTP/1.9 200 OK\r\n" ZERO, 0, "200 reason=[OK] 1.1"),
    HEAD("RFC 9110 15 beyond 599", "HTTP/1.1 999 x\r\n" ZERO, 0, "999 reason=[x]"),
    HEAD("4 begun", "HTTP/1.1 200 OK\r\nA", INCOMPLETE, ""),
    HEAD("4 nothing", "", INCOMPLETE, ""),
    HEAD("4 below 100", "HTTP/1.1 099 x\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 two digits", "HTTP/1.1 20 OK\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 four digits", "HTTP/1.1 2000 OK\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 letters", "HTTP/1.1 2x0 OK\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 none", "HTTP/1.1\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 two spaces", "HTTP/1.1  200 OK\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 tab", "HTTP/1.1 200\tOK\r\n" ZERO, 502, "status code is not three digits"),
    HEAD("4 NUL in the reason", "HTTP/1.1 200 O\0K\r\n" ZERO, 502, "control character in the line"),
    HEAD("2.3 HTTP/2", "HTTP/2.0 200 OK\r\n" ZERO, 502, "HTTP version not supported"),
    HEAD("2.3 HTTP/2 short", "HTTP/2 200\r\n" ZERO, 502, "malformed HTTP version"),
    HEAD("2.3 other protocol", "ICY 200 OK\r\n" ZERO, 502, "HTTP version expected"),
    HEAD("2.3 SSH", "SSH-2.0-OpenSSH\r\n", 502, "HTTP version expected"),
    HEAD("2.2 empty line before", "\r\n" OK ZERO, 502, "HTTP version expected"),
    HEAD("2.2 bare LF", "HTTP/1.1 200 OK\n" ZERO, 502, "line ends with LF alone"),
    HEAD("2.2 bare CR", "HTTP/1.1 200 OK\r" ZERO, 502, "CR without LF"),
    HEAD("5.1 space before the colon", OK "A : b\r\n" ZERO, 502,
         "white space between field name and colon"),
    HEAD("5.2 obs-fold", OK "A: b\r\n c\r\n" ZERO, 502,
         "line folding (obs-fold) in the header section"),
    HEAD("2.2 bare LF in the fields", OK "A: b\n" ZERO, 502, "line ends with LF alone"),
    HEAD("RFC 9110 5.5 NUL", OK "A: \0\r\n" ZERO, 502, "control character in a field value"),
};

static const struct head_case bodies[] = {
    HEAD("6.3 until close", OK "\r\n", 0, "body=until-close close {}"),
    HEAD("6.3 until close despite keep-alive", OK "Connection: keep-alive\r\n\r\n", 0,
         "body=until-close close {"),
    HEAD("6.3 length", OK "Content-Length: 7\r\n\r\n", 0, "body=length:7 keep"),
    HEAD("6.3 chunked", OK "Transfer-Encoding: chunked\r\n\r\n", 0, "body=chunked keep"),
    HEAD("9.3 close", OK "Connection: close\r\n" ZERO, 0, "body=length:0 close"),
    HEAD("9.3 HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" ZERO, 0,
         "body=length:0 keep"),
    HEAD("6.3 HTTP/1.0 until close", "HTTP/1.0 200 OK\r\n\r\n", 0, "body=until-close close"),
    HEAD("RFC 9110 15.2 100", "HTTP/1.1 100 Continue\r\n\r\n", 0, "body=none keep {}"),
    HEAD("RFC 9110 15.2 103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0,
         "body=none keep {Link=</a>}"),
    HEAD("RFC 9110 15.2 the final one follows", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", 0,
         "complete at 25: 100"),
    HEAD("RFC 9110 15.2.2",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 0,
         "body=none close upgrade {"),
    HEAD("RFC 9110 7.8 upgrade offered only",
         "HTTP/1.1 426 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" ZERO, 0,
         "body=length:0 keep {"),
    HEAD("RFC 9110 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n", 0, "body=none keep {}"),
    HEAD("RFC 9110 15.3.5 length zero", "HTTP/1.1 204 No Content\r\n" ZERO, 0,
         "body=none:0 keep {"),
    HEAD("RFC 9110 8.6 204 with a length: not used again",
         "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0, "body=none:5 close {"),
    HEAD("RFC 9112 6.1 204 with chunks: not used again",
         "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "body=none close {"),
    HEAD("RFC 9110 15.4.5 304 tells the length of the 200",
         "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 0, "body=none:5 keep {"),
    HEAD("RFC 9110 8.6 interim with a length", "HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n", 502,
         "interim response announces a body"),
    HEAD("6.1 interim with chunks", "HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
         "interim response announces a body"),
    HEAD("6.3 both", OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 502,
         "Transfer-Encoding together with Content-Length"),
    HEAD("6.3 lengths differ", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 502,
         "Content-Length fields differ"),
    HEAD("6.3 lengths in a list", OK "Content-Length: 5, 5\r\n\r\n", 502,
         "Content-Length is not a number"),
    HEAD("6.3 lengths alike", OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0,
         "body=length:5 keep"),
    HEAD("6.3 negative length", OK "Content-Length: -1\r\n\r\n", 502,
         "Content-Length is not a number"),
    HEAD("6.1 unknown coding", OK "Transfer-Encoding: gzip, chunked\r\n\r\n", 502,
         "Transfer-Encoding holds an unknown coding"),
    HEAD("6.1 not chunked", OK "Transfer-Encoding: gzip\r\n\r\n", 502,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
         "Transfer-Encoding in HTTP/1.0"),
    HEAD("RFC 9110 7.6.1 named by Connection", OK "X-A: 1\r\nConnection: x-a\r\n" ZERO, 0,
         "{X-A*=1;Connection*=x-a;"),
    HEAD("RFC 9110 7.6.1 end-to-end all the same",
         OK "Set-Cookie: a\r\nCache-Control: b\r\nConnection: set-cookie, cache-control\r\n" ZERO,
         0, "{Set-Cookie=a;Cache-Control=b;"),
};

static const struct head_case heads_to_head[] = {
    HEAD("RFC 9110 9.3.2 length", OK "Content-Length: 7\r\n\r\n", 0, "body=none:7 keep"),
    HEAD("RFC 9110 9.3.2 chunked", OK "Transfer-Encoding: chunked\r\n\r\n", 0, "body=none keep"),
    HEAD("RFC 9110 9.3.2 no length", OK "\r\n", 0, "body=none keep"),
    HEAD("6.3 both", OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 502,
         "Transfer-Encoding together with Content-Length"),
};

static const struct head_case heads_to_connect[] = {
    HEAD("RFC 9110 9.3.6", OK "\r\n", 0, "body=none close"),
    HEAD("6.3 length is passed over", OK "Content-Length: 7\r\n\r\n", 0, "body=none:7 close"),
    HEAD("6.3 refused tunnel", "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\n", 0,
         "body=length:7 keep"),
};

static void reads_status_lines(void **state)
{
    (void)state;
    CHECK_HEADS(&to_get, lines);
}

static void knows_how_bodies_end(void **state)
{
    (void)state;
    CHECK_HEADS(&to_get, bodies);
    CHECK_HEADS(&to_head, heads_to_head);
    CHECK_HEADS(&to_connect, heads_to_connect);
}

static void holds_limits(void **state)
{
    static const struct rw_h1_limits small = {.head_bytes_max = 42, .fields_max = 2};
    static const struct head_feed feed = {.response = true, .limits = &small};
    static const struct head_case cases[] = {
        HEAD("at the limits", OK "Content-Length: 0\r\nA:\r\n\r\n", 0, "A=}"),
        HEAD("head over the limit", OK "Content-Length: 0\r\nA:b\r\n\r\n", 502,
             "head larger than allowed"),
        HEAD("fields over the limit", OK "A:\r\nB:\r\nC:\r\n", 502, "more fields than allowed"),
        HEAD("status line over the limit", "HTTP/1.1 200 67890123456789012345678901234567890", 502,
             "start line larger than allowed"),
    };
    (void)state;
    CHECK_HEADS(&feed, cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_status_lines),
        cmocka_unit_test(knows_how_bodies_end),
        cmocka_unit_test(holds_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
