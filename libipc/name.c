/*
 * name.c - what a name may look like, and patterns over names.
 */
#include "libipc/name.h"

#include <stdint.h>
#include <string.h>

#include "libipc/limits.h"

/* Length of the UTF-8 sequence at `at`; 0 when it is not the shortest form of a code point. */
static size_t utf8_sequence(const uint8_t *at, size_t len) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t code;
        size_t n;

        if (at[0] < 0x80)
                return 1;
        n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
        if (at[0] < 0xc2 || at[0] > 0xf4 || n > len)
                return 0;

        code = at[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (at[i] & 0x3f);
        }
        if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;
        return n;
}

/* C0, DEL, and C1 (which UTF-8 writes as c2 80 to c2 9f). */
static bool is_control(const uint8_t *at) {
        return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

bool line_is_valid(const void *line, size_t len) {
        const uint8_t *bytes = line;

        for (size_t i = 0, n; i < len; i += n) {
                n = utf8_sequence(bytes + i, len - i);
                if (n == 0 || is_control(bytes + i))
                        return false;
        }
        return true;
}

static bool is_text(const uint8_t *bytes, size_t len) {
        return line_is_valid(bytes, len) && !memchr(bytes, '#', len) && !memchr(bytes, '/', len);
}

bool name_is_valid(const void *name, size_t len) {
        const uint8_t *bytes = name;

        if (len == 0 || len > LIMIT_NAME_BYTES || bytes[0] == '@')
                return false;
        if (bytes[0] == '.' && (len == 1 || (len == 2 && bytes[1] == '.')))
                return false;
        return is_text(bytes, len);
}

bool pattern_is_valid(const void *pattern, size_t len) {
        const uint8_t *bytes = pattern;

        if (len == 0 || len > LIMIT_NAME_BYTES)
                return false;
        if (bytes[len - 1] != '*')
                return name_is_valid(bytes, len);

        /* A prefix may end in the middle of what would be refused as a name: "." of "..*". */
        return bytes[0] != '@' && !memchr(bytes, '*', len - 1) && is_text(bytes, len - 1);
}

bool pattern_matches(const void *pattern, size_t pattern_len, const void *name, size_t len) {
        const uint8_t *bytes = pattern;

        if (pattern_len == 0)
                return false;
        if (bytes[pattern_len - 1] == '*')
                return len >= pattern_len - 1 && memcmp(bytes, name, pattern_len - 1) == 0;
        return len == pattern_len && memcmp(bytes, name, len) == 0;
}
