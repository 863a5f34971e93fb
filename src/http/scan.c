#include "http/scan.h"

#define T RW_CHAR_TOKEN
#define V RW_CHAR_VALUE
#define R RW_CHAR_TARGET
#define H RW_CHAR_HOST
#define X RW_CHAR_HEX
#define B RW_CHAR_BLANK
#define Q RW_CHAR_QUOTED

#define VISIBLE (V | R | Q)
#define SYMBOL (T | VISIBLE)
#define NAME (SYMBOL | H)

const uint8_t rw_char_classes[256] = {
    ['\t'] = V | B | Q, [' '] = V | B | Q,        ['!'] = SYMBOL,       ['"'] = V | R,
    ['#'] = T | V | Q,  ['$'] = SYMBOL,           ['%'] = T | V | Q,    ['&'] = SYMBOL,
    ['\''] = SYMBOL,    ['('] = VISIBLE,          [')'] = VISIBLE,      ['*'] = SYMBOL,
    ['+'] = SYMBOL,     [','] = VISIBLE,          ['-'] = NAME,         ['.'] = NAME,
    ['/'] = VISIBLE,    ['0' ... '9'] = NAME | X, [':'] = VISIBLE,      [';'] = VISIBLE,
    ['<'] = VISIBLE,    ['='] = VISIBLE,          ['>'] = VISIBLE,      ['?'] = V | Q,
    ['@'] = VISIBLE,    ['A' ... 'F'] = NAME | X, ['G' ... 'Z'] = NAME, ['['] = VISIBLE,
    ['\\'] = V | R,     [']'] = VISIBLE,          ['^'] = SYMBOL,       ['_'] = NAME,
    ['`'] = SYMBOL,     ['a' ... 'f'] = NAME | X, ['g' ... 'z'] = NAME, ['{'] = VISIBLE,
    ['|'] = SYMBOL,     ['}'] = VISIBLE,          ['~'] = NAME,         [0x80 ... 0xff] = V | Q,
};
