/*
 * item.c - see item.h.
 */
#include "storaged/item.h"

bool item_take_bytes(struct value_reader *reader, struct disk_bytes *ret) {
        const uint8_t *bytes;

        if (!value_get_bytes(reader, &bytes, &ret->len))
                return false;
        ret->data = bytes;
        return true;
}

bool item_take_count(struct value_reader *reader, uint64_t *ret) {
        int64_t n;

        if (!value_get_integer(reader, &n) || n < 0)
                return false;
        *ret = (uint64_t)n;
        return true;
}

bool item_take(struct value_reader *reader, struct disk_bytes *ret) {
        const uint8_t *start = reader->at;
        struct value v;

        if (value_next(reader, &v) != VALUE_OK || v.type == VALUE_END ||
            value_skip(reader, &v) != VALUE_OK)
                return false;
        *ret = (struct disk_bytes){ start, (size_t)(reader->at - start) };
        return true;
}

bool item_has_cap(struct disk_bytes item) {
        struct value_reader r;
        struct value v;

        value_reader_init(&r, item.data, item.len);
        while (value_next(&r, &v) == VALUE_OK)
                if (v.type == VALUE_CAP)
                        return true;
        return false;
}
