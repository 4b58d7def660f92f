/*
 * stream.c - one row for each chunk that was written to (docs/man/thox-store.5):
 *
 *   streams   id(u64 be) number(u64 be) -> at most CHUNK_BYTES bytes
 *
 * A chunk that is missing, and the rest of one that is short, is zeroes.
 */
#include "storaged/stream.h"

#include <endian.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

/* With LMDB's header of 16 bytes, sixteen pages and no byte more. */
#define CHUNK_BYTES (16u * 4096u - 16u)

struct chunk_key {
        uint64_t id, number; /* big-endian */
};

static struct chunk_key chunk_key(uint64_t id, uint64_t number) {
        return (struct chunk_key){ htobe64(id), htobe64(number) };
}

static struct disk_bytes key_bytes(const struct chunk_key *key) {
        return (struct disk_bytes){ key, sizeof(*key) };
}

static size_t min(uint64_t a, size_t b) {
        return a < b ? (size_t)a : b;
}

/* What is stored of the chunk: nothing of one that is missing. */
static int chunk_get(struct disk *d, const struct chunk_key *key, struct disk_bytes *ret) {
        int r = disk_get(d, DISK_TABLE_STREAMS, key_bytes(key), ret);
        if (r == DISK_E_NOTFOUND) {
                *ret = (struct disk_bytes){ "", 0 };
                return DISK_OK;
        }
        if (r == DISK_OK && ret->len > CHUNK_BYTES)
                return error_origin(EBADMSG);
        return r;
}

static int chunk_put(struct disk *d, const struct chunk_key *key, struct disk_bytes bytes) {
        return disk_put(d, DISK_TABLE_STREAMS, key_bytes(key), bytes);
}

/*
 * Reading.
 */

static int chunk_read(
        struct disk *d, const struct chunk_key *key, size_t from, size_t len, struct buf *out) {
        struct disk_bytes stored;
        int r = chunk_get(d, key, &stored);
        if (r != DISK_OK)
                return r;
        r = buf_reserve(out, len);
        if (r < 0)
                return error_trace(r);

        size_t there = from < stored.len ? min(stored.len - from, len) : 0;
        memcpy(out->data + out->len, (const uint8_t *)stored.data + from, there);
        memset(out->data + out->len + there, 0, len - there);
        out->len += len;
        return DISK_OK;
}

int stream_read(struct disk *d, uint64_t id, uint64_t from, size_t len, struct buf *out) {
        while (len > 0) {
                struct chunk_key key = chunk_key(id, from / CHUNK_BYTES);
                size_t at = from % CHUNK_BYTES, n = min(len, CHUNK_BYTES - at);
                int r = chunk_read(d, &key, at, n, out);
                if (r != DISK_OK)
                        return r;
                from += n;
                len -= n;
        }
        return DISK_OK;
}

/*
 * Writing.
 */

/* Some bytes of a chunk; what else is stored of it stays. */
static int chunk_patch(struct disk *d,
                       const struct chunk_key *key,
                       size_t at,
                       struct disk_bytes bytes) {
        uint8_t chunk[CHUNK_BYTES];
        struct disk_bytes stored;
        int r = chunk_get(d, key, &stored);
        if (r != DISK_OK)
                return r;

        size_t end = at + bytes.len;
        memcpy(chunk, stored.data, stored.len);
        if (at > stored.len)
                memset(chunk + stored.len, 0, at - stored.len);
        memcpy(chunk + at, bytes.data, bytes.len);
        return chunk_put(d, key, (struct disk_bytes){ chunk, end > stored.len ? end : stored.len });
}

int stream_write(struct disk *d, uint64_t id, uint64_t from, struct disk_bytes bytes) {
        const uint8_t *data = bytes.data;

        for (size_t done = 0; done < bytes.len;) {
                struct chunk_key key = chunk_key(id, (from + done) / CHUNK_BYTES);
                size_t at = (from + done) % CHUNK_BYTES;
                struct disk_bytes part = { data + done, min(bytes.len - done, CHUNK_BYTES - at) };
                int r = part.len == CHUNK_BYTES ? chunk_put(d, &key, part) :
                                                  chunk_patch(d, &key, at, part);
                if (r != DISK_OK)
                        return r;
                done += part.len;
        }
        return DISK_OK;
}

/* The first chunk behind `number`. */
static int chunk_after(struct disk *d, struct chunk_key *key, struct disk_bytes *ret) {
        struct disk_bytes found;
        uint64_t id = key->id;
        int r = disk_after(d, DISK_TABLE_STREAMS, key_bytes(key), &found, ret);
        if (r != DISK_OK)
                return r;
        if (found.len != sizeof(*key) || ret->len > CHUNK_BYTES)
                return error_origin(EBADMSG);
        memcpy(key, found.data, sizeof(*key));
        return key->id == id ? DISK_OK : DISK_E_NOTFOUND;
}

int stream_copy(struct disk *d, uint64_t from, uint64_t to) {
        struct chunk_key key = chunk_key(from, 0);
        struct disk_bytes stored;
        uint8_t chunk[CHUNK_BYTES];
        int r = disk_get(d, DISK_TABLE_STREAMS, key_bytes(&key), &stored);

        if (r == DISK_E_NOTFOUND)
                r = chunk_after(d, &key, &stored);
        while (r == DISK_OK) {
                struct chunk_key copy = { htobe64(to), key.number };

                if (stored.len > sizeof(chunk))
                        return error_origin(EBADMSG);
                memcpy(chunk, stored.data, stored.len);
                r = chunk_put(d, &copy, (struct disk_bytes){ chunk, stored.len });
                if (r == DISK_OK)
                        r = chunk_after(d, &key, &stored);
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}

static int chunk_truncate(struct disk *d, const struct chunk_key *key, size_t len) {
        uint8_t chunk[CHUNK_BYTES];
        struct disk_bytes stored;
        int r = chunk_get(d, key, &stored);
        if (r != DISK_OK || stored.len <= len)
                return r;
        memcpy(chunk, stored.data, len);
        return chunk_put(d, key, (struct disk_bytes){ chunk, len });
}

/* The last chunk of the stream, if it is `first` or behind. */
static int chunk_find_last(struct disk *d, uint64_t id, uint64_t first, struct chunk_key *ret) {
        struct chunk_key end = chunk_key(id, UINT64_MAX);
        struct disk_bytes key, value;
        int r = disk_before(d, DISK_TABLE_STREAMS, key_bytes(&end), &key, &value);
        if (r != DISK_OK)
                return r;
        if (key.len != sizeof(*ret))
                return error_origin(EBADMSG);
        memcpy(ret, key.data, sizeof(*ret));
        return ret->id == end.id && be64toh(ret->number) >= first ? DISK_OK : DISK_E_NOTFOUND;
}

int stream_truncate(struct disk *d, uint64_t id, uint64_t size) {
        uint64_t n_whole = size / CHUNK_BYTES;
        size_t rest = size % CHUNK_BYTES;
        struct chunk_key key = chunk_key(id, n_whole);
        int r = rest > 0 ? chunk_truncate(d, &key, rest) : DISK_OK;

        while (r == DISK_OK) {
                r = chunk_find_last(d, id, n_whole + (rest > 0), &key);
                if (r == DISK_OK)
                        r = disk_remove(d, DISK_TABLE_STREAMS, key_bytes(&key));
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}
