/*
 * native_store.c - the names of storaged and runtimed, with what initd answers while a daemon is
 * away: reading comes from the boot store, so that a tree whose storage is broken can still be
 * looked at and run its packaged programs; everything else is UNAVAIL.
 */
#include <string.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/record.h"
#include "libipc/bootstore.h"

static const struct daemon *daemon_of(const struct initd *initd, const struct native_endpoint *e) {
        bool is_storaged =
                (size_t)(e - native_store_endpoints) < native_daemon_n_names(DAEMON_STORAGED);
        return &initd->daemons[is_storaged ? DAEMON_STORAGED : DAEMON_RUNTIMED];
}

static const char *away_reason(const struct daemon *d) {
        return d->is_given_up ? "does not run, because its store is damaged: stop the tree, then "
                                "restore a backup (thoxctl restore)" :
                                "is being restarted";
}

static void away_on_request(struct native_request *request) {
        if (!request->call)
                return;
        const struct daemon *d = daemon_of(request->router->userdata, request->call->native);
        native_refuse(request->call, STATUS_UNAVAIL, "'%s' is not served now: %s %s",
                      request->call->native->name, daemon_name(d->id), away_reason(d));
}

/* `known`, the version that the caller has, spares bytes that are never many here. */
static bool get_parse(struct native_request *request,
                      const uint8_t **name,
                      size_t *len,
                      int64_t *version) {
        int64_t known;
        return value_get_bytes(&request->args, name, len) &&
               value_get_integer_opt(&request->args, version) &&
               value_get_integer_opt(&request->args, &known) && value_is_done(&request->args);
}

static void get_answer(struct call *call, const struct bootstore_entry *entry) {
        struct buf values;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        int r = value_put_bytes(&values, entry->bytes, entry->len);
        if (r == 0)
                r = value_put_integer(&values, 0);
        if (r < 0)
                native_refuse(call, STATUS_ERROR, "initd is out of memory");
        else
                native_answer(call, &values);
        buf_deinit(&values);
}

static void get_on_request(struct native_request *request, enum store_kind kind) {
        const struct initd *initd = request->router->userdata;
        const uint8_t *name;
        size_t len;
        int64_t version = 0;
        if (!get_parse(request, &name, &len, &version)) {
                native_refuse(request->call, STATUS_BADARGS,
                              "%s.get wants a name, perhaps a version, perhaps a known one",
                              store_kind_name(kind));
                return;
        }

        const struct bootstore_entry *entry = bootstore_find(initd->bootstore, kind, name, len);
        if (entry && version == 0)
                get_answer(request->call, entry);
        else
                native_refuse(request->call, STATUS_UNAVAIL,
                              "the boot store does not have it, and storaged %s",
                              away_reason(&initd->daemons[DAEMON_STORAGED]));
}

static void record_entry(struct record *out, const struct bootstore_entry *entry) {
        record_map(out);
        record_text(out, "name", entry->name);
        record_integer(out, "version", 0);
        record_integer(out, "size", entry->len);
        record_float(out, "time", 0);
        record_end(out);
}

static void list_on_request(struct native_request *request, enum store_kind kind) {
        const struct bootstore *boot = ((struct initd *)request->router->userdata)->bootstore;
        size_t n = 0;
        for (size_t i = 0; i < bootstore_count(boot); i++)
                n += bootstore_at(boot, i)->kind == kind;

        struct record out;
        record_init(&out);
        record_array(&out, n);
        for (size_t i = 0; i < bootstore_count(boot); i++) {
                const struct bootstore_entry *entry = bootstore_at(boot, i);
                if (entry->kind == kind)
                        record_entry(&out, entry);
        }
        record_answer(&out, request->call);
}

static void program_get(struct native_request *request) {
        get_on_request(request, STORE_KIND_PROGRAM);
}

static void library_get(struct native_request *request) {
        get_on_request(request, STORE_KIND_LIBRARY);
}

static void runtime_get(struct native_request *request) {
        get_on_request(request, STORE_KIND_RUNTIME);
}

static void props_get(struct native_request *request) {
        get_on_request(request, STORE_KIND_PROPS);
}

static void program_list(struct native_request *request) {
        list_on_request(request, STORE_KIND_PROGRAM);
}

static void library_list(struct native_request *request) {
        list_on_request(request, STORE_KIND_LIBRARY);
}

static void runtime_list(struct native_request *request) {
        list_on_request(request, STORE_KIND_RUNTIME);
}

static void props_list(struct native_request *request) {
        list_on_request(request, STORE_KIND_PROPS);
}

#define AWAY(name_, usage_)                                                                        \
        { .name = name_, .handler = away_on_request, .usage = usage_, .is_daemon = true }
#define READ(name_, handler_, usage_)                                                              \
        { .name = name_, .handler = handler_, .usage = usage_, .is_daemon = true }
#define KIND(kind)                                                                                 \
        READ(#kind ".get", kind##_get, #kind ".get(name [, version]) -> bytes, version"),          \
                READ(#kind ".list", kind##_list, #kind ".list()"),                                 \
                AWAY(#kind ".rollback",                                                            \
                     #kind ".rollback(name [, version [, {data=}]]) -> version"),                  \
                AWAY(#kind ".set", #kind ".set(name, bytes [, expect [, note]]) -> version"),      \
                AWAY(#kind ".versions", #kind ".versions(name)")

/* storaged's first, then runtimed's. */
const struct native_endpoint native_store_endpoints[] = {
        KIND(program),
        KIND(library),
        KIND(runtime),
        KIND(props),
        AWAY("program.export", "program.export(name) -> package"),
        AWAY("program.import", "program.import(name or nil, package) -> version, name"),
        AWAY("data.own", "data.own() -> context"),
        AWAY("data.open", "data.open(name [, {volatile=, prefix=, rights=}]) -> context"),
        AWAY("data.list", "data.list() -> {{name=, keys=, bytes=, ...}, ...}"),
        AWAY("data.delete", "data.delete(name) -> boolean"),
        AWAY("data.limit", "data.limit(name, {bytes=, keys=})"),
        AWAY("store.backup", "store.backup(descriptor) -> size"),
        AWAY("store.check", "store.check() -> {sound=, ...}"),
        AWAY("store.compact", "store.compact() -> size before, size after"),
        AWAY("store.delegate", "store.delegate(prefix) -> context"),
        AWAY("store.stats", "store.stats() -> {size=, ...}"),
        AWAY("code.check", "code.check(kind, name, source)"),
        AWAY("code.image", "code.image{program=|code=, ...}"),
        AWAY("image.list", "image.list()"),
        AWAY("library.image", "library.image(name)"),
};
const size_t native_store_n_endpoints = ARRAY_SIZE(native_store_endpoints);

#define N_RUNTIMED 4

size_t native_daemon_n_names(enum daemon_id id) {
        switch (id) {
        case DAEMON_STORAGED:
                return native_store_n_endpoints - N_RUNTIMED;
        case DAEMON_RUNTIMED:
                return N_RUNTIMED;
        case DAEMON_ZYGOTE:
        case _DAEMON_N:
                break;
        }
        return 0;
}
