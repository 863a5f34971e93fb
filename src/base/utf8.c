#include "base/utf8.h"

static bool continues(struct rw_span bytes, size_t count)
{
    if (bytes.len <= count)
        return false;
    for (size_t i = 1; i <= count; i++)
        if (((unsigned char)bytes.at[i] & 0xc0) != 0x80)
            return false;
    return true;
}

size_t rw_utf8_length(struct rw_span bytes)
{
    if (bytes.len == 0)
        return 0;
    unsigned char first = (unsigned char)bytes.at[0];
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return continues(bytes, 1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!continues(bytes, 2))
            return 0;
        unsigned char second = (unsigned char)bytes.at[1];
        bool overlong = first == 0xe0 && second < 0xa0;
        bool surrogate = first == 0xed && second > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!continues(bytes, 3))
            return 0;
        unsigned char second = (unsigned char)bytes.at[1];
        bool overlong = first == 0xf0 && second < 0x90;
        bool past_end = first == 0xf4 && second > 0x8f;
        return overlong || past_end ? 0 : 4;
    }
    return 0;
}
