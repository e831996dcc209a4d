/* The table behind chars.h. Octets from 0x80 on belong to no class: UTF-8 is
 * data wherever RFC 3261 25.1 allows text at all. */
#include "sip/chars.h"

#define ALPHA_OR_DIGIT (SS_CHAR_TOKEN | SS_CHAR_HOST | SS_CHAR_PLAIN)

const uint8_t ss_chars[256] = {
    [0 ... 8] = SS_CHAR_CONTROL,
    ['\t'] = SS_CHAR_SPACE,
    [10 ... 31] = SS_CHAR_CONTROL,
    [127] = SS_CHAR_CONTROL,
    [' '] = SS_CHAR_SPACE,
    [';'] = SS_CHAR_SEPARATOR,
    [','] = SS_CHAR_SEPARATOR,
    ['&'] = SS_CHAR_SEPARATOR,
    ['0' ... '9'] = ALPHA_OR_DIGIT | SS_CHAR_DIGIT | SS_CHAR_ADDRESS,
    ['A' ... 'F'] = ALPHA_OR_DIGIT | SS_CHAR_ADDRESS,
    ['G' ... 'Z'] = ALPHA_OR_DIGIT,
    ['a' ... 'f'] = ALPHA_OR_DIGIT | SS_CHAR_ADDRESS,
    ['g' ... 'z'] = ALPHA_OR_DIGIT,
    ['-'] = SS_CHAR_TOKEN | SS_CHAR_HOST | SS_CHAR_PLAIN,
    ['.'] = SS_CHAR_TOKEN | SS_CHAR_HOST | SS_CHAR_ADDRESS | SS_CHAR_PLAIN,
    ['_'] = SS_CHAR_TOKEN | SS_CHAR_HOST | SS_CHAR_PLAIN,
    [':'] = SS_CHAR_ADDRESS,
    ['!'] = SS_CHAR_TOKEN,
    ['%'] = SS_CHAR_TOKEN,
    ['*'] = SS_CHAR_TOKEN,
    ['+'] = SS_CHAR_TOKEN | SS_CHAR_PLAIN,
    ['`'] = SS_CHAR_TOKEN,
    ['\''] = SS_CHAR_TOKEN,
    ['~'] = SS_CHAR_TOKEN,
};
