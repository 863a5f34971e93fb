#include "conf/credential.h"

bool rw_conf_names_credential(struct rw_span name)
{
    static const char *const words[] = {"auth", "cookie",  "credential", "key",
                                        "pass", "session", "secret",     "token"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        for (size_t at = 0; at + len <= name.len; at++)
            if (rw_span_is_nocase(rw_span(name.at + at, len), words[i]))
                return true;
    }
    return false;
}
