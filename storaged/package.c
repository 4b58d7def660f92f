/*
 * package.c - see package.h.
 */
#include "storaged/package.h"

#include <errno.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "libipc/name.h"
#include "libipc/value.h"
#include "storaged/content.h"
#include "storaged/item.h"
#include "storaged/key.h"
#include "storaged/record.h"
#include "storaged/store.h"
#include "storaged/stream.h"

#define MAGIC "thox package"
#define FORMAT 1

/*
 * Writing.
 */

static int put_head(struct buf *values, const struct store_entry *program) {
        int r = value_put_text(values, MAGIC);
        if (r == 0)
                r = value_put_integer(values, FORMAT);
        if (r == 0)
                r = value_put_bytes(values, program->name.bytes, program->name.len);
        if (r == 0)
                r = value_put_integer(values, (int64_t)program->version);
        if (r == 0)
                r = value_put_bytes(values, program->content.data, program->content.len);
        return r < 0 ? r : value_put_bytes(values, program->note.data, program->note.len);
}

static int put_keys(struct buf *pairs, struct disk *d, uint64_t id, int64_t *ret_n) {
        struct disk_bytes key = { NULL, 0 };
        struct key_row row;
        int r;

        *ret_n = 0;
        while ((r = key_after(d, id, key, &key, &row)) == DISK_OK) {
                if (row.expires_us != 0)
                        continue;
                r = value_put_bytes(pairs, key.data, key.len);
                if (r == 0)
                        r = buf_add(pairs, row.value.data, row.value.len);
                if (r < 0)
                        return r;
                ++*ret_n;
        }
        return r == DISK_E_NOTFOUND ? 0 : r;
}

static int put_data(struct buf *values, struct disk *d, const struct record *object) {
        struct buf pairs CLEANUP(buf_deinit);
        int64_t n_keys;
        int r;

        buf_init(&pairs, LIMIT_MESSAGE_BYTES);
        r = value_put_integer(values, (int64_t)object->max_keys);
        if (r == 0)
                r = value_put_integer(values, (int64_t)object->max_bytes);
        if (r == 0)
                r = value_put_bytes_head(values, object->stream_bytes);
        if (r == 0)
                r = stream_read(d, object->id, 0, object->stream_bytes, values);
        if (r == 0)
                r = put_keys(&pairs, d, object->id, &n_keys);
        if (r == 0)
                r = value_put_integer(values, n_keys);
        return r < 0 ? r : buf_add(values, pairs.data, pairs.len);
}

int package_put(struct buf *values,
                struct disk *d,
                const struct store_entry *program,
                const struct record *object) {
        static const struct record none;
        int r = put_head(values, program);
        return r < 0 ? r : put_data(values, d, object ? object : &none);
}

/*
 * Reading.
 */

static const char *parse_head(struct package *p, struct value_reader *r) {
        struct disk_bytes magic;
        uint64_t format;

        if (!item_take_bytes(r, &magic) || magic.len != strlen(MAGIC) ||
            memcmp(magic.data, MAGIC, magic.len) != 0)
                return "it is no package of thox";
        if (!item_take_count(r, &format) || format != FORMAT)
                return "it is of a newer thox: its format is not 1";
        if (!item_take_bytes(r, &p->program) || !item_take_count(r, &p->version) ||
            !item_take_bytes(r, &p->source) || !item_take_bytes(r, &p->note) ||
            !item_take_count(r, &p->max_keys) || !item_take_count(r, &p->max_bytes) ||
            !item_take_bytes(r, &p->stream) || !item_take_count(r, &p->n_keys))
                return "its head makes no sense";
        if (!name_is_valid(p->program.data, p->program.len))
                return "the name of its program is none";
        if (p->source.len > LIMIT_SOURCE_BYTES || p->note.len > LIMIT_NOTE_BYTES)
                return "its source or its note is too long";
        return NULL;
}

static bool key_is_behind(struct disk_bytes key, struct disk_bytes before) {
        size_t n = key.len < before.len ? key.len : before.len;
        int order = n > 0 ? memcmp(key.data, before.data, n) : 0;
        return order != 0 ? order > 0 : key.len > before.len;
}

static const char *parse_pairs(const struct package *p, struct value_reader *r) {
        struct disk_bytes before = { "", 0 }, key, value;

        for (uint64_t i = 0; i < p->n_keys; i++) {
                if (!item_take_bytes(r, &key) || !item_take(r, &value))
                        return "it has fewer keys than it says";
                if (key.len == 0 || key.len > LIMIT_KEY_BYTES)
                        return "one of its keys is empty or too long";
                if (!key_is_behind(key, before))
                        return "its keys are not in order";
                if (value.len > LIMIT_VALUE_BYTES || item_has_cap(value))
                        return "one of its values is too long, or has a context in it";
                before = key;
        }
        return value_is_done(r) ? NULL : "there is something behind its keys";
}

const char *package_parse(struct package *ret, struct disk_bytes values) {
        struct value_reader r;
        const char *wrong;

        *ret = (struct package){ .version = 0 };
        value_reader_init(&r, values.data, values.len);
        wrong = parse_head(ret, &r);
        if (wrong)
                return wrong;
        ret->keys = (struct disk_bytes){ r.at, (size_t)(r.end - r.at) };
        wrong = parse_pairs(ret, &r);
        if (wrong)
                return wrong;
        if (ret->n_keys > ret->max_keys || (ret->max_keys == 0 && ret->stream.len > 0))
                return "it has more data than it allows itself";
        return NULL;
}

static int add_pairs(const struct package *p, struct disk *d, struct record *object) {
        struct disk_bytes key, value;
        struct value_reader r;

        value_reader_init(&r, p->keys.data, p->keys.len);
        for (uint64_t i = 0; i < p->n_keys; i++) {
                int result;

                if (!item_take_bytes(&r, &key) || !item_take(&r, &value))
                        return error_origin(EBADMSG);
                result = content_add_key(d, object, key, value);
                if (result != DISK_OK)
                        return result;
        }
        return DISK_OK;
}

int package_restore(const struct package *p, struct disk *d, const char *name, size_t len) {
        struct record object;
        int r;

        if (p->max_keys == 0)
                return DISK_OK;
        r = content_renew(d, name, len, &object);
        if (r != DISK_OK)
                return r;
        object.max_keys = p->max_keys;
        object.max_bytes = p->max_bytes;
        object.stream_bytes = p->stream.len;
        r = add_pairs(p, d, &object);
        if (r == DISK_OK)
                r = stream_write(d, object.id, 0, p->stream);
        return r != DISK_OK ? r : record_put(d, &object);
}
