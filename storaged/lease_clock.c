/*
 * lease_clock.c - see lease_clock.h. On disk: clock -> boot id, base, latest time (values).
 */
#include "storaged/lease_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/file.h"
#include "libipc/base/macros.h"
#include "libipc/value.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define RECORD_BYTES 96u

static const struct disk_bytes clock_key = { "clock", 5 };

int lease_clock_sample(struct lease_clock_sample *ret) {
        uint8_t *text;
        size_t len;

        *ret = (struct lease_clock_sample){ .boot_us = clock_boot_us(),
                                            .wall_us = clock_wall_us() };
        int r = file_read(-1, BOOT_ID_PATH, 64, &text, &len);
        if (r == -ENOENT || r == -EACCES) {
                memset(ret->boot_id, LEASE_CLOCK_BOOT_UNKNOWN, LEASE_CLOCK_BOOT_ID_BYTES);
                return 0;
        }
        if (r < 0)
                return error_trace(r);
        if (len >= LEASE_CLOCK_BOOT_ID_BYTES)
                memcpy(ret->boot_id, text, LEASE_CLOCK_BOOT_ID_BYTES);
        free(text);
        return len >= LEASE_CLOCK_BOOT_ID_BYTES ? 0 : error_origin(EBADMSG);
}

/* Of another boot: it shows the time of day, unless it was there already. */
static uint64_t base_of_new_boot(const struct lease_clock_sample *sample, uint64_t latest_us) {
        uint64_t now_us = sample->wall_us > latest_us ? sample->wall_us : latest_us;
        return now_us > sample->boot_us ? now_us - sample->boot_us : 0;
}

static int record_parse(struct disk_bytes record,
                        struct lease_clock *ret,
                        uint64_t *ret_latest_us) {
        struct value_reader r;
        const uint8_t *boot_id;
        int64_t base, latest;
        size_t len;

        value_reader_init(&r, record.data, record.len);
        if (!value_get_bytes(&r, &boot_id, &len) || len != LEASE_CLOCK_BOOT_ID_BYTES ||
            !value_get_integer(&r, &base) || base < 0 || !value_get_integer(&r, &latest) ||
            latest < 0)
                return error_origin(EBADMSG);
        *ret = (struct lease_clock){ .base_us = (uint64_t)base };
        memcpy(ret->boot_id, boot_id, len);
        *ret_latest_us = (uint64_t)latest;
        return DISK_OK;
}

int lease_clock_open(struct lease_clock *ret,
                     struct disk *d,
                     const struct lease_clock_sample *sample) {
        struct lease_clock stored = { .base_us = 0 };
        struct disk_bytes record;
        uint64_t latest_us = 0;
        int r = disk_get(d, DISK_TABLE_CLOCK, clock_key, &record);
        if (r == DISK_OK)
                r = record_parse(record, &stored, &latest_us);
        if (r != DISK_OK && r != DISK_E_NOTFOUND)
                return r;

        if (*sample->boot_id == LEASE_CLOCK_BOOT_UNKNOWN ||
            strcmp(stored.boot_id, sample->boot_id) != 0)
                stored.base_us = base_of_new_boot(sample, latest_us);
        memcpy(stored.boot_id, sample->boot_id, sizeof(stored.boot_id));
        *ret = stored;
        return DISK_OK;
}

int lease_clock_store(const struct lease_clock *c, struct disk *d, uint64_t now_us) {
        struct buf record CLEANUP(buf_deinit);
        int r;

        buf_init(&record, RECORD_BYTES);
        r = value_put_text(&record, c->boot_id);
        if (r == 0)
                r = value_put_integer(&record, (int64_t)c->base_us);
        if (r == 0)
                r = value_put_integer(&record, (int64_t)now_us);
        if (r < 0)
                return error_trace(r);
        return disk_put(d, DISK_TABLE_CLOCK, clock_key,
                        (struct disk_bytes){ record.data, record.len });
}

uint64_t lease_clock_now_us(const struct lease_clock *c) {
        return c->base_us + clock_boot_us();
}
