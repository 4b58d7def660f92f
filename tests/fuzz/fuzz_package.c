/*
 * fuzz_package.c - bytes as a package to import: refused in words, or sound in every part, and then its
 * pairs are read again as they were.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libipc/value.h"
#include "storaged/item.h"
#include "storaged/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_within(struct disk_bytes part, const uint8_t *data, size_t size) {
        const uint8_t *bytes = part.data;

        assert(part.len == 0 || (bytes >= data && bytes + part.len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct package p;
        struct value_reader r;
        struct disk_bytes value;
        const uint8_t *key;
        size_t len;
        const char *wrong = package_parse(&p, (struct disk_bytes){ data, size });

        if (wrong) {
                assert(strlen(wrong) > 0);
                return 0;
        }
        assert_within(p.program, data, size);
        assert_within(p.source, data, size);
        assert_within(p.note, data, size);
        assert_within(p.stream, data, size);
        assert_within(p.keys, data, size);
        value_reader_init(&r, p.keys.data, p.keys.len);
        for (uint64_t i = 0; i < p.n_keys; i++)
                assert(value_get_bytes(&r, &key, &len) && item_take(&r, &value) &&
                       !item_has_cap(value));
        assert(value_is_done(&r));
        return 0;
}
