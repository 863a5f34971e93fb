/* Request heads: what is taken, what it means, and what is refused. The tables read as a
 * specification; each head is fed whole, byte by byte, and cut at every position. */
#include "unit/http_h1_feed.h"

#include "base/alloc.h"

static const struct head_feed requests = {.response = false};

#define H "Host: a.example\r\n"

static const struct head_case good_lines[] = {
    HEAD("3", "GET / HTTP/1.1\r\n" H "\r\n", 0,
         "GET(GET) / 1.1 authority=a.example path=/ body=none keep {Host=a.example}"),
    HEAD("3.1", "HEAD / HTTP/1.1\r\n" H "\r\n", 0, "HEAD(HEAD) /"),
    HEAD("3.1", "PATCH / HTTP/1.1\r\n" H "\r\n", 0, "PATCH(PATCH) /"),
    HEAD("3.1", "DELETE / HTTP/1.1\r\n" H "\r\n", 0, "DELETE(DELETE) /"),
    HEAD("3.1 unknown method", "PROPFIND /x HTTP/1.1\r\n" H "\r\n", 0, "PROPFIND() /x"),
    HEAD("3.1 methods are case-sensitive", "get / HTTP/1.1\r\n" H "\r\n", 0, "get() /"),
    HEAD("3.1 any token", "M!#$%&'*+-.^_`|~9 / HTTP/1.1\r\n" H "\r\n", 0, "M!#$%&'*+-.^_`|~9() /"),
    HEAD("3.2.1", "GET /a/b;c=1/d HTTP/1.1\r\n" H "\r\n", 0, "path=/a/b;c=1/d body"),
    HEAD("3.2.1 query", "GET /a?b=c&d HTTP/1.1\r\n" H "\r\n", 0,
         "/a?b=c&d 1.1 authority=a.example path=/a query=b=c&d body"),
    HEAD("3.2.1 empty query", "GET /a? HTTP/1.1\r\n" H "\r\n", 0, "path=/a query= body"),
    HEAD("3.2.1 second question mark", "GET /a?b?c HTTP/1.1\r\n" H "\r\n", 0,
         "path=/a query=b?c body"),
    HEAD("3.2.1 empty segments", "GET //b//c HTTP/1.1\r\n" H "\r\n", 0, "path=//b//c body"),
    HEAD("3.2.1 percent-encoding", "GET /%41%7e%fF HTTP/1.1\r\n" H "\r\n", 0,
         "path=/%41%7e%fF body"),
    HEAD("3.2.1 a URI in the query", "GET /?u=http://x/ HTTP/1.1\r\n" H "\r\n", 0,
         "path=/ query=u=http://x/ body"),
    HEAD("3.2.1 longer than a vector",
         "GET /0123456789abcdef0123456789abcdef?0123456789abcdef HTTP/1.1\r\n" H "\r\n", 0,
         "path=/0123456789abcdef0123456789abcdef query=0123456789abcdef body"),
    HEAD("3.2.1 characters browsers leave bare", "GET /\"<>\\^`{|} HTTP/1.1\r\n" H "\r\n", 0,
         "path=/\"<>\\^`{|} body"),
    HEAD("RFC 3986 2.1 NUL in the query only", "GET /?a=%00 HTTP/1.1\r\n" H "\r\n", 0,
         "query=a=%00 body"),
    HEAD("3.2.2", "GET http://a.example/x?y HTTP/1.1\r\n" H "\r\n", 0,
         "GET(GET) /x?y 1.1 scheme=http authority=a.example path=/x query=y body"),
    HEAD("3.2.2 scheme without case", "GET HTTPS://a.example/ HTTP/1.1\r\n" H "\r\n", 0,
         "scheme=HTTPS authority=a.example path=/ body"),
    HEAD("3.2.2 host without case", "GET http://A.Example/ HTTP/1.1\r\n" H "\r\n", 0,
         "authority=A.Example path=/ body"),
    HEAD("3.2.2 default port", "GET http://a.example:80/ HTTP/1.1\r\n" H "\r\n", 0,
         "authority=a.example:80 path=/ body"),
    HEAD("3.2.2 default port of https in Host",
         "GET https://a.example/ HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 0,
         "authority=a.example path=/ body"),
    HEAD("3.2.2 same port", "GET http://a.example:8080/ HTTP/1.1\r\nHost: a.example:8080\r\n\r\n",
         0, "authority=a.example:8080 path=/ body"),
    HEAD("3.2.1 no path", "GET http://a.example HTTP/1.1\r\n" H "\r\n", 0,
         "GET(GET) / 1.1 scheme=http authority=a.example path=/ body"),
    HEAD("3.2.1 no path but a query", "GET http://a.example?b=c HTTP/1.1\r\n" H "\r\n", 0,
         "GET(GET) /?b=c 1.1 scheme=http authority=a.example path=/ query=b=c body"),
    HEAD("3.2.4 no path with OPTIONS", "OPTIONS http://a.example HTTP/1.1\r\n" H "\r\n", 0,
         "OPTIONS(OPTIONS) * 1.1 scheme=http authority=a.example path=* body"),
    HEAD("3.2.2 IPv6", "GET http://[::1]:81/ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", 0,
         "authority=[::1]:81 path=/ body"),
    HEAD("3.2.2 HTTP/1.0 without Host", "GET http://a.example/ HTTP/1.0\r\n\r\n", 0,
         "authority=a.example path=/ body=none close {}"),
    HEAD("3.2.3", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 0,
         "CONNECT(CONNECT) a.example:443 1.1 authority=a.example:443 body=none keep"),
    HEAD("3.2.3 IPv6", "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", 0,
         "authority=[2001:db8::1]:443 body=none"),
    HEAD("3.2.4", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0,
         "OPTIONS(OPTIONS) * 1.1 authority=a.example path=* body=none"),
    HEAD("2.3", "GET / HTTP/1.0\r\n\r\n", 0, "GET(GET) / 1.0 path=/ body=none close {}"),
    HEAD("RFC 9110 6.2 later minor version", "GET / HTTP/1.7\r\n" H "\r\n", 0, "/ 1.1 authority"),
    HEAD("2.2 one empty line before", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 0,
         "complete at 37: GET(GET) /"),
    HEAD("2.2 four empty lines before", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0,
         "GET(GET) /"),
    HEAD("9.3.2 what follows is the next message", "GET / HTTP/1.1\r\n" H "\r\nGET /2 HT", 0,
         "complete at 35: GET(GET) / "),
};

static const struct head_case bad_lines[] = {
    HEAD("3 nothing", "", INCOMPLETE, ""),
    HEAD("3 begun", "GET / HT", INCOMPLETE, ""),
    HEAD("2.1 no blank line", "GET / HTTP/1.1\r\n" H, INCOMPLETE, ""),
    HEAD("2.1 half a blank line", "GET / HTTP/1.1\r\n" H "\r", INCOMPLETE, ""),
    HEAD("2.2 empty lines only", "\r\n\r\n", INCOMPLETE, ""),
    HEAD("2.2 five empty lines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", 400,
         "too many empty lines before the request line"),
    HEAD("2.2 bare LF before", "\nGET / HTTP/1.1\r\n" H "\r\n", 400, "line ends with LF alone"),
    HEAD("2.2 bare CR before", "\rGET / HTTP/1.1\r\n" H "\r\n", 400, "CR without LF"),
    HEAD("2.2 white space before", " GET / HTTP/1.1\r\n" H "\r\n", 400, "method expected"),
    HEAD("2.2 bare LF", "GET / HTTP/1.1\n" H "\r\n", 400, "line ends with LF alone"),
    HEAD("2.2 bare CR", "GET / HTTP/1.1\r" H "\r\n", 400, "CR without LF"),
    HEAD("2.2 doubled CR", "GET / HTTP/1.1\r\r\n" H "\r\n", 400, "CR without LF"),
    HEAD("2.2 TLS to a plain port", "\x16\x03\x01\x02", 400, "method expected"),
    HEAD("3.1 not a token", "G(T / HTTP/1.1\r\n" H "\r\n", 400, "method expected"),
    HEAD("3.1 NUL", "GE\0T / HTTP/1.1\r\n" H "\r\n", 400, "method expected"),
    HEAD("3.1 not ASCII", "G\xc3\x89T / HTTP/1.1\r\n" H "\r\n", 400, "method expected"),
    HEAD("3.1 too long",
         "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\n" H
         "\r\n",
         501, "method too long"),
    HEAD("3 method alone", "GET\r\n" H "\r\n", 400, "method expected"),
    HEAD("3 method alone, LF", "GET\n", 400, "line ends with LF alone"),
    HEAD("3 HTTP/0.9", "GET /\r\n", 400, "request line without a version"),
    HEAD("3 two spaces before the target", "GET  / HTTP/1.1\r\n" H "\r\n", 400, "empty target"),
    HEAD("3 two spaces behind the target", "GET /  HTTP/1.1\r\n" H "\r\n", 400,
         "HTTP version expected"),
    HEAD("3 tab", "GET\t/ HTTP/1.1\r\n" H "\r\n", 400, "method expected"),
    HEAD("3 tab behind the target", "GET /\tHTTP/1.1\r\n" H "\r\n", 400,
         "forbidden character in the target"),
    HEAD("3 space at the end", "GET / HTTP/1.1 \r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("3 two targets", "GET / /x HTTP/1.1\r\n" H "\r\n", 400, "HTTP version expected"),
    HEAD("3.2 fragment", "GET /#x HTTP/1.1\r\n" H "\r\n", 400, "fragment in the target"),
    HEAD("3.2 not ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400,
         "forbidden character in the target"),
    HEAD("3.2 NUL", "GET /\0 HTTP/1.1\r\n" H "\r\n", 400, "forbidden character in the target"),
    HEAD("3.2 DEL", "GET /\x7f HTTP/1.1\r\n" H "\r\n", 400, "forbidden character in the target"),
    HEAD("3.2 control behind a vector", "GET /0123456789abcdef\x01 HTTP/1.1\r\n" H "\r\n", 400,
         "forbidden character in the target"),
    HEAD("RFC 3986 2.1 no digits", "GET /% HTTP/1.1\r\n" H "\r\n", 400,
         "percent sign without two hex digits in the target"),
    HEAD("RFC 3986 2.1 one digit", "GET /%4 HTTP/1.1\r\n" H "\r\n", 400,
         "percent sign without two hex digits in the target"),
    HEAD("RFC 3986 2.1 no hex digit", "GET /%4g HTTP/1.1\r\n" H "\r\n", 400,
         "percent sign without two hex digits in the target"),
    HEAD("RFC 3986 2.1 in the query", "GET /?%zz HTTP/1.1\r\n" H "\r\n", 400,
         "percent sign without two hex digits in the target"),
    HEAD("RFC 3986 7.3 NUL", "GET /a%00.png HTTP/1.1\r\n" H "\r\n", 400, "%00 in the path"),
    HEAD("3.2.1 relative path", "GET a HTTP/1.1\r\n" H "\r\n", 400,
         "target is neither a path nor an http or https URI"),
    HEAD("3.2.1 query alone", "GET ?a HTTP/1.1\r\n" H "\r\n", 400,
         "target is neither a path nor an http or https URI"),
    HEAD("3.2.2 other scheme", "GET ftp://a.example/ HTTP/1.1\r\n" H "\r\n", 400,
         "target is neither a path nor an http or https URI"),
    HEAD("3.2.2 no slashes", "GET http:/a.example/ HTTP/1.1\r\n" H "\r\n", 400,
         "malformed URI in the target"),
    HEAD("3.2.2 no authority", "GET http:///x HTTP/1.1\r\n" H "\r\n", 400,
         "malformed authority in the target"),
    HEAD("RFC 9110 4.2.4 user information", "GET http://u:p@a.example/ HTTP/1.1\r\n" H "\r\n", 400,
         "malformed authority in the target"),
    HEAD("3.2.2 backslash in the authority", "GET http://a.example\\@b/ HTTP/1.1\r\n" H "\r\n", 400,
         "malformed authority in the target"),
    HEAD("3.2.2 another host", "GET http://b.example/ HTTP/1.1\r\n" H "\r\n", 400,
         "Host differs from the target"),
    HEAD("3.2.2 another port", "GET http://a.example:81/ HTTP/1.1\r\n" H "\r\n", 400,
         "Host differs from the target"),
    HEAD("3.2.2 port of the other scheme", "GET https://a.example:80/ HTTP/1.1\r\n" H "\r\n", 400,
         "Host differs from the target"),
    HEAD("3.2.2 Host is still due", "GET http://a.example/ HTTP/1.1\r\n\r\n", 400, "no Host"),
    HEAD("3.2.3 for CONNECT only", "GET a.example:80 HTTP/1.1\r\n" H "\r\n", 400,
         "target is neither a path nor an http or https URI"),
    HEAD("3.2.3 path with CONNECT", "CONNECT / HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("3.2.3 URI with CONNECT", "CONNECT http://a.example:80 HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("RFC 9110 9.3.6 no port", "CONNECT a.example HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("RFC 9110 9.3.6 empty port", "CONNECT a.example: HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("RFC 9110 9.3.6 port zero", "CONNECT a.example:0 HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("RFC 9110 9.3.6 port too large", "CONNECT a.example:65536 HTTP/1.1\r\n" H "\r\n", 400,
         "target of CONNECT is not host:port"),
    HEAD("3.2.3 another host", "CONNECT b.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 400,
         "Host differs from the target"),
    HEAD("3.2.3 another port", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:22\r\n\r\n", 400,
         "Host differs from the target"),
    HEAD("3.2.4 for OPTIONS only", "GET * HTTP/1.1\r\n" H "\r\n", 400,
         "target * with another method than OPTIONS"),
    HEAD("3.2.4 more than the asterisk", "OPTIONS *x HTTP/1.1\r\n" H "\r\n", 400,
         "target is neither a path nor an http or https URI"),
    HEAD("2.3 HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP version not supported"),
    HEAD("2.3 HTTP/3", "GET / HTTP/3.0\r\n" H "\r\n", 505, "HTTP version not supported"),
    HEAD("2.3 HTTP/0.9", "GET / HTTP/0.9\r\n" H "\r\n", 400, "HTTP version below 1.0"),
    HEAD("2.3 case", "GET / http/1.1\r\n" H "\r\n", 400, "HTTP version expected"),
    HEAD("2.3 two digits", "GET / HTTP/1.10\r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("2.3 leading zero", "GET / HTTP/01.1\r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("2.3 no minor", "GET / HTTP/1\r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("2.3 comma", "GET / HTTP/1,1\r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("2.3 empty", "GET / HTTP/\r\n" H "\r\n", 400, "malformed HTTP version"),
    HEAD("2.3 none", "GET / \r\n" H "\r\n", 400, "HTTP version expected"),
    HEAD("2.3 other protocol", "GET / ICY/1.1\r\n" H "\r\n", 400, "HTTP version expected"),
    HEAD("2.3 NUL at the end", "GET / HTTP/1.1\0\r\n" H "\r\n", 400,
         "control character in the line"),
};

#define G "GET / HTTP/1.1\r\n"

static const struct head_case fields[] = {
    HEAD("5", G H "A: b\r\n\r\n", 0, "{Host=a.example;A=b}"),
    HEAD("5.1 no white space", G "Host:a\r\nA:b\r\n\r\n", 0, "{Host=a;A=b}"),
    HEAD("5.1 blanks around the value", G H "A: \t b c\t \r\n\r\n", 0, ";A=b c}"),
    HEAD("5.1 empty value", G H "A:\r\nB: \r\nC:\t\r\n\r\n", 0, ";A=;B=;C=}"),
    HEAD("5 names keep their case", G "hOsT: a\r\naCCept: x\r\n\r\n", 0, "{hOsT=a;aCCept=x}"),
    HEAD("5 order is kept", G H "A: 1\r\nB: 2\r\nA: 3\r\n\r\n", 0, ";A=1;B=2;A=3}"),
    HEAD("RFC 9110 5.1 any token", G H "!#$%&'*+-.^_`|~9: x\r\n\r\n", 0, ";!#$%&'*+-.^_`|~9=x}"),
    HEAD("RFC 9110 5.5 obs-text", G H "A: \xe9\xff\x80\r\n\r\n", 0, ";A=\xe9\xff\x80}"),
    HEAD("RFC 9110 5.5 tab inside", G H "A: 0123456789abc\td0123456789\r\n\r\n", 0,
         ";A=0123456789abc\td0123456789}"),
    HEAD("5.1 colons in the value", G H "A: :b:c\r\n\r\n", 0, ";A=:b:c}"),
    HEAD("5.2 obs-fold", G H "A: b\r\n c\r\n\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("5.2 obs-fold by a tab", G H "A: b\r\n\tc\r\n\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("5.2 blank line that is not empty", G H " \r\n\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("2.2 white space before the first field", G " X: y\r\n" H "\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("5.1 space before the colon", G H "A : b\r\n\r\n", 400,
         "white space between field name and colon"),
    HEAD("5.1 tab before the colon", G H "A\t: b\r\n\r\n", 400,
         "white space between field name and colon"),
    HEAD("5.1 space inside the name", G H "A B: c\r\n\r\n", 400,
         "white space between field name and colon"),
    HEAD("5.1 no name", G H ": b\r\n\r\n", 400, "field without a name"),
    HEAD("5.1 no colon", G H "A\r\n\r\n", 400, "field line without a colon"),
    HEAD("5.1 no colon, bare LF", G H "A\n\r\n", 400, "line ends with LF alone"),
    HEAD("RFC 9110 5.1 NUL in a name", G H "A\0B: c\r\n\r\n", 400,
         "forbidden character in a field name"),
    HEAD("RFC 9110 5.1 obs-text in a name", G H "\xe9: c\r\n\r\n", 400,
         "forbidden character in a field name"),
    HEAD("RFC 9110 5.1 parenthesis", G H "A(: c\r\n\r\n", 400,
         "forbidden character in a field name"),
    HEAD("RFC 9110 5.1 quote", G H "\"A\": c\r\n\r\n", 400, "forbidden character in a field name"),
    HEAD("RFC 9110 5.5 NUL", G H "A: b\0c\r\n\r\n", 400, "control character in a field value"),
    HEAD("RFC 9110 5.5 control", G H "A: b\x01\r\n\r\n", 400, "control character in a field value"),
    HEAD("RFC 9110 5.5 DEL", G H "A: b\x7f\r\n\r\n", 400, "control character in a field value"),
    HEAD("RFC 9110 5.5 vertical tab",
         G H "A:\x0b"
             "b\r\n\r\n",
         400, "control character in a field value"),
    HEAD("RFC 9110 5.5 control far in", G H "A: 0123456789abcdef0123456789abcdef\x1f\r\n\r\n", 400,
         "control character in a field value"),
    HEAD("2.2 bare LF", G H "A: b\nB: c\r\n\r\n", 400, "line ends with LF alone"),
    HEAD("2.2 bare LF ends the head", G H "\n", 400, "line ends with LF alone"),
    HEAD("2.2 bare CR in a value", G H "A: b\rB: c\r\n\r\n", 400, "CR without LF"),
    HEAD("2.2 bare CR ends the head", G H "\rX", 400, "CR without LF"),
    HEAD("2.2 doubled CR", G H "A: b\r\r\n\r\n", 400, "CR without LF"),
    HEAD("2.1 a bad name that is not whole", G H "A b", INCOMPLETE, ""),
};

static const struct head_case hosts[] = {
    HEAD("RFC 9110 7.2 name and port", G "Host: a.example:8080\r\n\r\n", 0,
         "authority=a.example:8080"),
    HEAD("RFC 9110 7.2 IPv4", G "Host: 127.0.0.1:80\r\n\r\n", 0, "authority=127.0.0.1:80"),
    HEAD("RFC 9110 7.2 IPv6", G "Host: [::ffff:1.2.3.4]:80\r\n\r\n", 0,
         "authority=[::ffff:1.2.3.4]:80"),
    HEAD("RFC 9110 7.2 unreserved", G "Host: a_b-c~d.e\r\n\r\n", 0, "authority=a_b-c~d.e"),
    HEAD("3.2 missing", G "\r\n", 400, "no Host"),
    HEAD("3.2 twice", G H H "\r\n", 400, "Host more than once"),
    HEAD("3.2 twice in another case", G H "hOST: b\r\n\r\n", 400, "Host more than once"),
    HEAD("3.2 twice in HTTP/1.0", "GET / HTTP/1.0\r\n" H H "\r\n", 400, "Host more than once"),
    HEAD("3.2 empty", G "Host:\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 empty in HTTP/1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 list", G "Host: a, b\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 comma", G "Host: a,b\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 space", G "Host: a b\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 tab", G "Host: a\tb\r\n\r\n", 400, "malformed Host"),
    HEAD("RFC 9110 4.2.4 user information", G "Host: u@a\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 path", G "Host: a/b\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 scheme", G "Host: http://a\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 query", G "Host: a?b\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 percent-encoding", G "Host: a%2eb\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 not ASCII", G "Host: \xc3\xa9\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 empty port", G "Host: a:\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 port zero", G "Host: a:0\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 port too large", G "Host: a:65536\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 port of six digits", G "Host: a:000080\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 port is no number", G "Host: a:8x\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 two ports", G "Host: a:80:80\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 port alone", G "Host: :80\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 bare IPv6", G "Host: ::1\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 open bracket", G "Host: [::1\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 empty brackets", G "Host: []\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 bad IPv6", G "Host: [::1::2]\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 zone", G "Host: [fe80::1%25eth0]\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 IPvFuture", G "Host: [v1.x]\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 behind the bracket", G "Host: [::1]x\r\n\r\n", 400, "malformed Host"),
    HEAD("3.2 address too long for the buffer",
         G "Host: [0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]\r\n\r\n", 400,
         "malformed Host"),
};

#define P "POST / HTTP/1.1\r\n" H

/* What desynchronises two readers of one connection: each of these has been an attack on some pair
 * of programs. */
static const struct head_case framing[] = {
    HEAD("6.3", P "\r\n", 0, "body=none keep"),
    HEAD("6.2", P "Content-Length: 5\r\n\r\n", 0, "body=length:5 keep"),
    HEAD("6.2 zero", P "Content-Length: 0\r\n\r\n", 0, "body=length:0 keep"),
    HEAD("6.2 any method", G H "Content-Length: 5\r\n\r\n", 0, "body=length:5 keep"),
    HEAD("6.2 largest", P "Content-Length: 9223372036854775807\r\n\r\n", 0,
         "body=length:9223372036854775807"),
    HEAD("6.2 leading zeros", P "Content-Length: 005\r\n\r\n", 0, "body=length:5 keep"),
    HEAD("RFC 9110 8.6 repeated alike", P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0,
         "body=length:5 keep"),
    HEAD("6.1", P "Transfer-Encoding: chunked\r\n\r\n", 0,
         "body=chunked keep {Host=a.example;Transfer-Encoding*=chunked}"),
    HEAD("6.1 without case", P "tRANSFER-eNCODING: CHUNKed\r\n\r\n", 0, "body=chunked keep"),
    HEAD("6.2 after 2^63", P "Content-Length: 9223372036854775808\r\n\r\n", 400,
         "Content-Length is too large"),
    HEAD("6.2 after 2^64", P "Content-Length: 18446744073709551617\r\n\r\n", 400,
         "Content-Length is not a number"),
    HEAD("6.2 very many digits", P "Content-Length: 111111111111111111111111111111\r\n\r\n", 400,
         "Content-Length is not a number"),
    HEAD("6.2 plus", P "Content-Length: +5\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 minus", P "Content-Length: -5\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 hexadecimal", P "Content-Length: 0x5\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 exponent", P "Content-Length: 5e1\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 point", P "Content-Length: 5.0\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 underscore", P "Content-Length: 1_0\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 empty", P "Content-Length:\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 two numbers", P "Content-Length: 5 6\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 quoted", P "Content-Length: \"5\"\r\n\r\n", 400, "Content-Length is not a number"),
    HEAD("6.2 not ASCII digit", P "Content-Length: \xb2\r\n\r\n", 400,
         "Content-Length is not a number"),
    HEAD("RFC 9110 8.6 list", P "Content-Length: 5, 5\r\n\r\n", 400,
         "Content-Length is not a number"),
    HEAD("RFC 9110 8.6 list that differs", P "Content-Length: 5, 6\r\n\r\n", 400,
         "Content-Length is not a number"),
    HEAD("6.3 repeated and different", P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400,
         "Content-Length fields differ"),
    HEAD("6.3 repeated in other digits", P "Content-Length: 5\r\nContent-Length: 05\r\n\r\n", 400,
         "Content-Length fields differ"),
    HEAD("6.3 third one differs",
         P "Content-Length: 5\r\nContent-Length: 5\r\nX: y\r\ncontent-length: 0\r\n\r\n", 400,
         "Content-Length fields differ"),
    HEAD("6.3 CL.TE", P "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400,
         "Transfer-Encoding together with Content-Length"),
    HEAD("6.3 TE.CL",
         P "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n", 400,
         "Transfer-Encoding together with Content-Length"),
    HEAD("6.3 TE and bad CL", P "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n", 400,
         "Transfer-Encoding together with Content-Length"),
    HEAD("6.3 CL with TE that is not chunked",
         P "Content-Length: 4\r\nTransfer-Encoding: identity\r\n\r\n", 400,
         "Transfer-Encoding together with Content-Length"),
    HEAD("6.1 TE.TE", P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "Transfer-Encoding more than once"),
    HEAD("6.1 TE.TE, the second unknown",
         P "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n", 400,
         "Transfer-Encoding more than once"),
    HEAD("6.1 chunked twice", P "Transfer-Encoding: chunked, chunked\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 chunked not last", P "Transfer-Encoding: chunked, gzip\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.3 no chunked", P "Transfer-Encoding: gzip\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 identity", P "Transfer-Encoding: identity\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 unknown coding before", P "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
         "Transfer-Encoding holds an unknown coding"),
    HEAD("6.1 obfuscated: prefix", P "Transfer-Encoding: xchunked\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: suffix", P "Transfer-Encoding: chunkedx\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: quotes", P "Transfer-Encoding: \"chunked\"\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: parameter", P "Transfer-Encoding: chunked;a=b\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: empty element", P "Transfer-Encoding: , chunked\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: comma behind", P "Transfer-Encoding: chunked,\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: empty", P "Transfer-Encoding:\r\n\r\n", 400,
         "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: NBSP",
         P "Transfer-Encoding: \xa0"
           "chunked\r\n\r\n",
         400, "Transfer-Encoding is not chunked"),
    HEAD("6.1 obfuscated: vertical tab",
         P "Transfer-Encoding:\x0b"
           "chunked\r\n\r\n",
         400, "control character in a field value"),
    HEAD("6.1 obfuscated: NUL", P "Transfer-Encoding: chunked\0\r\n\r\n", 400,
         "control character in a field value"),
    HEAD("6.1 obfuscated: space before the colon", P "Transfer-Encoding : chunked\r\n\r\n", 400,
         "white space between field name and colon"),
    HEAD("6.1 obfuscated: folded", P "Transfer-Encoding:\r\n chunked\r\n\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("6.1 obfuscated: folded name", P "X: y\r\n Transfer-Encoding: chunked\r\n\r\n", 400,
         "line folding (obs-fold) in the header section"),
    HEAD("6.1 obfuscated: behind a bare LF", P "X: y\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "line ends with LF alone"),
    HEAD("6.1 obfuscated: behind a bare CR", P "X: y\rTransfer-Encoding: chunked\r\n\r\n", 400,
         "CR without LF"),
    HEAD("6.1 another name is another field", P "Transfer_Encoding: chunked\r\n\r\n", 0,
         "body=none keep"),
    HEAD("6.1 HTTP/1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400,
         "Transfer-Encoding in HTTP/1.0"),
    HEAD("RFC 9110 9.3.6 CONNECT with content",
         "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n", 400,
         "content in a CONNECT or TRACE request"),
    HEAD("RFC 9110 9.3.6 CONNECT with chunks",
         "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "content in a CONNECT or TRACE request"),
    HEAD("RFC 9110 9.3.6 CONNECT with length zero",
         "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n", 0, "body=length:0"),
    HEAD("RFC 9110 9.3.8 TRACE with content", "TRACE / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n",
         400, "content in a CONNECT or TRACE request"),
};

static const struct head_case connections[] = {
    HEAD("9.3 close", G H "Connection: close\r\n\r\n", 0,
         "close {Host=a.example;Connection*=close}"),
    HEAD("9.3 keep-alive is usual", G H "Connection: keep-alive\r\n\r\n", 0, "keep {"),
    HEAD("9.3 close wins", G H "Connection: keep-alive, Close\r\n\r\n", 0, "close {"),
    HEAD("9.3 HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 0, "close {"),
    HEAD("9.3 HTTP/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0,
         "keep {"),
    HEAD("9.3 HTTP/1.0 both", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 0,
         "close {"),
    HEAD("9.3 two fields", G H "Connection: x\r\nConnection: close\r\n\r\n", 0, "close {"),
    HEAD("9.3 Proxy-Connection says nothing", G H "Proxy-Connection: close\r\n\r\n", 0,
         "keep {Host=a.example;Proxy-Connection*=close}"),
    HEAD("RFC 9110 7.6.1 names a field",
         G H "X-A: 1\r\nConnection: x-a\r\nx-A: 2\r\nX-B: 3\r\n\r\n", 0,
         ";X-A*=1;Connection*=x-a;x-A*=2;X-B=3}"),
    HEAD("RFC 9110 7.6.1 always hop-by-hop",
         G H
         "Keep-Alive: 1\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: y\r\nHTTP2-Settings: z\r\n\r\n",
         0, ";Keep-Alive*=1;TE*=trailers;Trailer*=x;Upgrade*=y;HTTP2-Settings*=z}"),
    HEAD("RFC 9110 5.6.1 empty elements", G H "Connection: ,close , ,\r\n\r\n", 0, "close {"),
    HEAD("RFC 9110 7.6.1 no token", G H "Connection: a b\r\n\r\n", 400,
         "Connection holds what is no token"),
    HEAD("RFC 9110 7.6.1 quoted", G H "Connection: \"close\"\r\n\r\n", 400,
         "Connection holds what is no token"),
    HEAD("RFC 9110 7.6.1 Host", G H "Connection: host\r\n\r\n", 400,
         "Connection names Host or Content-Length"),
    HEAD("RFC 9110 7.6.1 Content-Length",
         P "Content-Length: 1\r\nConnection: close, Content-Length\r\n\r\n", 400,
         "Connection names Host or Content-Length"),
    HEAD("RFC 9110 7.6.1 credentials stay",
         G H "Authorization: x\r\nCookie: y\r\nConnection: authorization, cookie\r\n\r\n", 0,
         ";Authorization=x;Cookie=y;"),
    HEAD("RFC 9110 7.6.1 the client's address stays",
         G H "X-Forwarded-For: 1\r\nX-Forwarded-Port: 2\r\nX-Real-IP: 3\r\nForwarded: for=x\r\n"
             "Connection: X-Forwarded-For, x-forwarded-port, x-real-ip, Forwarded\r\n\r\n",
         0, ";X-Forwarded-For=1;X-Forwarded-Port=2;X-Real-IP=3;Forwarded=for=x;"),
    HEAD("RFC 9110 7.6.1 the trace stays",
         G H "Via: x\r\ntraceparent: y\r\nConnection: via, traceparent\r\n\r\n", 0,
         ";Via=x;traceparent=y;"),
    HEAD("RFC 9110 7.6.1 meant for a proxy",
         G H "Proxy-Authorization: x\r\nConnection: proxy-authorization\r\n\r\n", 0,
         ";Proxy-Authorization*=x;"),
    HEAD("RFC 9110 7.6.1 thirty-three names",
         G H
         "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n\r\n",
         400, "Connection holds too many options"),
    HEAD("RFC 9110 7.8", G H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0,
         "keep upgrade {"),
    HEAD("RFC 9110 7.8 without Connection", G H "Upgrade: websocket\r\n\r\n", 0, "keep {"),
    HEAD("RFC 9110 7.8 without Upgrade", G H "Connection: upgrade\r\n\r\n", 0, "keep {"),
    HEAD("RFC 9110 7.8 not in HTTP/1.0",
         "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 0, "close {"),
    HEAD("RFC 9110 10.1.1", P "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0,
         "keep expect {"),
    HEAD("RFC 9110 10.1.1 without case",
         P "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n", 0, "keep expect {"),
    HEAD("RFC 9110 10.1.1 no body", P "Expect: 100-continue\r\n\r\n", 0, "keep {"),
    HEAD("RFC 9110 10.1.1 HTTP/1.0",
         "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0, "close {"),
    HEAD("RFC 9110 10.1.1 unknown", P "Expect: 200-ok\r\n\r\n", 417, "unknown Expect"),
    HEAD("RFC 9110 10.1.1 a second one",
         P "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: x\r\n\r\n", 417, "unknown Expect"),
};

static void takes_request_lines(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, good_lines);
}

static void refuses_request_lines(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, bad_lines);
}

static void reads_fields(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, fields);
}

static void checks_host(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, hosts);
}

static void never_reads_framing_in_two_ways(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, framing);
}

static void reads_connection_and_expect(void **state)
{
    (void)state;
    CHECK_HEADS(&requests, connections);
}

/* ---- Limits ---- */

static void holds_limits(void **state)
{
    static const struct rw_h1_limits small = {
        .head_bytes_max = 64, .target_bytes_max = 8, .fields_max = 3};
    static const struct head_feed feed = {.limits = &small};
    static const struct head_case cases[] = {
        HEAD("3 target at the limit", "GET /1234567 HTTP/1.1\r\n" H "\r\n", 0, "path=/1234567 "),
        HEAD("3 target over the limit", "GET /12345678 HTTP/1.1\r\n" H "\r\n", 414,
             "target longer than allowed"),
        HEAD("3 request line over the head limit",
             "GET /123456789012345678901234567890123456789012345678901234567890", 414,
             "start line larger than allowed"),
        HEAD("RFC 6585 5 head at the limit",
             "GET / HTTP/1.1\r\nHost: a\r\nA: 34567890123456789012345678901234\r\n\r\n", 0,
             "{Host"),
        HEAD("RFC 6585 5 head over the limit",
             "GET / HTTP/1.1\r\nHost: a\r\nA: 345678901234567890123456789012345\r\n\r\n", 431,
             "head larger than allowed"),
        HEAD("RFC 6585 5 one field without end",
             "GET / HTTP/1.1\r\nHost: a\r\nA: 3456789012345678901234567890123456789012345678901",
             431, "head larger than allowed"),
        HEAD("RFC 6585 5 fields at the limit", G "Host: a\r\nA: b\r\nC: d\r\n\r\n", 0, "C=d}"),
        HEAD("RFC 6585 5 fields over the limit", G "Host: a\r\nA: b\r\nC: d\r\nE: f\r\n", 431,
             "more fields than allowed"),
    };
    (void)state;
    CHECK_HEADS(&feed, cases);
}

/* A hundred fields: the table grows beyond its first size. */
static void keeps_many_fields(void **state)
{
    struct rw_text text = {0};
    struct rw_h1_head head = {0};
    struct rw_message message;
    struct rw_arena arena;
    (void)state;
    rw_text_adds(&text, G H);
    for (unsigned i = 1; i < 100; i++)
        rw_text_addf(&text, "X-%u: %u\r\n", i, i * i);
    rw_text_adds(&text, "\r\n");
    rw_arena_init(&arena, NULL, 0, 1024, 1 << 20);
    assert_int_equal(
        rw_h1_parse_request(rw_text_span(&text), &rw_h1_limits_default, &arena, &message, &head),
        RW_H1_COMPLETE);
    assert_int_equal(message.field_count, 100);
    assert_true(rw_span_is(rw_message_find_name(&message, RW_LITERAL("x-99"))->value, "9801"));
    rw_arena_free(&arena);
    rw_text_free(&text);
}

/* Each allocation fails in turn; the arena is as before, and the same call then succeeds. */
static void survives_lack_of_memory(void **state)
{
    static const char bytes[] = "GET http://a.example?x HTTP/1.1\r\n" H "\r\n";
    struct rw_message message;
    struct rw_arena arena;
    (void)state;
    for (unsigned successes = 0; successes < 2; successes++) {
        struct rw_h1_head head = {0};
        rw_arena_init(&arena, NULL, 0, 8, 1 << 20); /* a block for each allocation */
        rw_alloc_fail_after(successes);
        assert_int_equal(rw_h1_parse_request(rw_span(bytes, sizeof(bytes) - 1),
                                             &rw_h1_limits_default, &arena, &message, &head),
                         RW_H1_NO_MEMORY);
        rw_alloc_fail_never();
        assert_int_equal(rw_h1_parse_request(rw_span(bytes, sizeof(bytes) - 1),
                                             &rw_h1_limits_default, &arena, &message, &head),
                         RW_H1_COMPLETE);
        rw_arena_free(&arena);
    }
}

/* A head that comes byte by byte must not make the arena grow with each of them. */
static void gives_memory_back(void **state)
{
    static const char bytes[] = G H "A: b\r\n\r\n";
    char room[1024];
    struct rw_message message;
    struct rw_arena arena;
    struct rw_h1_head head = {0};
    (void)state;
    rw_arena_init(&arena, room, sizeof(room), 1024, 0);
    for (size_t len = 1; len < sizeof(bytes) - 1; len++) {
        assert_int_equal(rw_h1_parse_request(rw_span(bytes, len), &rw_h1_limits_default, &arena,
                                             &message, &head),
                         RW_H1_INCOMPLETE);
        assert_ptr_equal(arena.at, room);
    }
    assert_int_equal(rw_h1_parse_request(rw_span(bytes, sizeof(bytes) - 1), &rw_h1_limits_default,
                                         &arena, &message, &head),
                     RW_H1_COMPLETE);
}

/* A caller that keeps nothing but `seen` gets the same answer. */
static void works_with_seen_alone(void **state)
{
    static const char bytes[] = G H "A: b\r\n\r\n";
    struct rw_message message;
    struct rw_arena arena;
    uint32_t seen = 0;
    (void)state;
    rw_arena_init(&arena, NULL, 0, 1024, 1 << 20);
    for (size_t len = 1; len < sizeof(bytes); len++) {
        struct rw_h1_head head = {.seen = seen};
        enum rw_h1_result result = rw_h1_parse_request(rw_span(bytes, len), &rw_h1_limits_default,
                                                       &arena, &message, &head);
        assert_int_equal(result, len < sizeof(bytes) - 1 ? RW_H1_INCOMPLETE : RW_H1_COMPLETE);
        seen = head.seen;
    }
    rw_arena_free(&arena);
}

static void moves_with_its_bytes(void **state)
{
    static const char bytes[] = "GET http://a.example?q=1 HTTP/1.1\r\n" H "Accept: x\r\n\r\n";
    char first[sizeof(bytes)], second[sizeof(bytes)];
    struct rw_text before = {0}, after = {0};
    struct rw_message message;
    struct rw_arena arena;
    struct rw_h1_head head = {0};
    (void)state;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    memcpy(first, bytes, sizeof(bytes));
    assert_int_equal(rw_h1_parse_request(rw_span(first, sizeof(bytes) - 1), &rw_h1_limits_default,
                                         &arena, &message, &head),
                     RW_H1_COMPLETE);
    assert_int_equal(rw_message_add(&message, &arena, RW_LITERAL("X-Added"), RW_LITERAL("here")),
                     RW_OK);
    describe_message(&before, &message);
    memcpy(second, first, sizeof(first));
    memset(first, '#', sizeof(first));
    rw_h1_rebase(&message, first, second);
    describe_message(&after, &message);
    assert_string_equal(before.at, after.at);
    assert_non_null(strstr(after.at, "GET(GET) /?q=1 1.1 scheme=http authority=a.example"));
    rw_text_free(&before);
    rw_text_free(&after);
    rw_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_request_lines),
        cmocka_unit_test(refuses_request_lines),
        cmocka_unit_test(reads_fields),
        cmocka_unit_test(checks_host),
        cmocka_unit_test(never_reads_framing_in_two_ways),
        cmocka_unit_test(reads_connection_and_expect),
        cmocka_unit_test(holds_limits),
        cmocka_unit_test(keeps_many_fields),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(gives_memory_back),
        cmocka_unit_test(works_with_seen_alone),
        cmocka_unit_test(moves_with_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
