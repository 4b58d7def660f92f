/*
 * endpoints.c - the methods: arguments out of values, results into values, and every refusal's words.
 * What names and versions mean is store.c's. The kind is the endpoint's name up to the dot.
 */
#include "storaged/endpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/limits.h"
#include "libipc/name.h"
#include "storaged/answer.h"
#include "storaged/arguments.h"
#include "storaged/data_endpoints.h"
#include "storaged/delegation.h"
#include "storaged/operation.h"
#include "storaged/package.h"
#include "storaged/release.h"
#include "storaged/storaged.h"

static struct storaged *storaged_of(const struct request *request) {
        return request->service->userdata;
}

static enum store_kind kind_of(const struct request *request) {
        const char *name = request->endpoint->name;
        return (enum store_kind)store_kind_parse(name, strcspn(name, "."));
}

static const char *quote(const struct store_name *name) {
        return log_quote(name->bytes, name->len);
}

/*
 * Refusals.
 */

static void fail_damaged(struct request *request, int r) {
        log_error("the store failed path=%s error=%s at=%s", disk_path(storaged_of(request)->disk),
                  strerror(-r), error_describe());
        request_fail(request, STATUS_ERROR,
                     "the store %s failed: %s; see the log (thoxctl logs storaged)",
                     disk_path(storaged_of(request)->disk), strerror(-r));
}

/* Anything but STORE_OK. `version`: the current one, for STORE_E_CONFLICT. */
static void fail(struct request *request,
                 const struct store_name *name,
                 int r,
                 uint64_t version,
                 int64_t expect) {
        const char *path = disk_path(storaged_of(request)->disk);
        const char *kind = store_kind_name(name->kind);

        if (r == STORE_E_NOTFOUND)
                request_fail(request, STATUS_NOTFOUND, "no %s %s in the store", kind, quote(name));
        else if (r == STORE_E_CONFLICT)
                request_fail(request, STATUS_CONFLICT,
                             "%s %s is at version %" PRIu64 ", not %" PRId64
                             ": get it again, then decide",
                             kind, quote(name), version, expect);
        else if (r == STORE_E_NODATA)
                request_fail(request, STATUS_NOTFOUND,
                             "the data of that version of %s is not kept: nothing was changed; the "
                             "data at the ends of the newest %u versions is (%s.versions)",
                             quote(name), LIMIT_SNAPSHOTS, kind);
        else if (r == STORE_E_OBJECTS)
                request_fail(
                        request, STATUS_LIMIT,
                        "%s has no data yet, and its object would be one more than the limit of "
                        "%u: nothing was changed; have some deleted (data.delete)",
                        quote(name), LIMIT_OBJECTS);
        else if (r == STORE_E_FULL)
                request_fail(request, STATUS_LIMIT,
                             "the disk is full: no space left for %s; nothing was changed; free "
                             "some space there and try again",
                             path);
        else if (r == STORE_E_IO)
                request_fail(request, STATUS_ERROR,
                             "store cannot be written: %s gives I/O errors; nothing was changed; "
                             "check the disk (dmesg) and the limits of file size",
                             path);
        else
                fail_damaged(request, r);
}

static void fail_version(struct request *request, const struct store_name *name, int64_t version) {
        request_fail(request, STATUS_NOTFOUND,
                     "%s %s has no version %" PRId64 " (the newest %u are kept; see %s.versions)",
                     store_kind_name(name->kind), quote(name), version, LIMIT_VERSIONS,
                     store_kind_name(name->kind));
}

static void fail_deleted(struct request *request, const struct store_name *name, uint64_t version) {
        const char *kind = store_kind_name(name->kind);
        request_fail(request, STATUS_NOTFOUND,
                     "%s %s was deleted (version %" PRIu64 "); %s.rollback brings it back", kind,
                     quote(name), version, kind);
}

/*
 * Arguments. These return false when they have answered the request.
 */

static bool name_check(struct request *request, const struct store_name *name) {
        if (name_is_valid(name->bytes, name->len))
                return true;
        request_fail(request, STATUS_BADARGS,
                     "bad name %s: 1 to %u bytes of UTF-8 without '/', '#' and control characters, "
                     "not beginning with '@'",
                     quote(name), LIMIT_NAME_BYTES);
        return false;
}

static bool take_name(struct request *request, struct store_name *ret) {
        const uint8_t *bytes;

        if (!value_get_bytes(&request->args, &bytes, &ret->len)) {
                request_fail_usage(request);
                return false;
        }
        ret->kind = kind_of(request);
        ret->bytes = bytes;
        return name_check(request, ret);
}

/* A name that the caller may change. */
static bool take_own_name(struct request *request, struct store_name *ret) {
        const void *context = request->context;

        if (!take_name(request, ret))
                return false;
        if (delegation_allows(context, ret->bytes, ret->len))
                return true;
        request_fail(request, STATUS_DENIED,
                     "this context may change only names that begin with %s, not %s",
                     delegation_quote(context), quote(ret));
        return false;
}

/* An optional version. */
static bool take_version(struct request *request, int64_t *ret) {
        *ret = STORE_VERSION_ANY;
        if (value_get_integer_opt(&request->args, ret) && *ret >= STORE_VERSION_ANY)
                return true;
        request_fail_usage(request);
        return false;
}

/*
 * Results.
 */

/* version, size, time: what both listings say of an entry. */
static int put_entry(struct buf *values, const struct store_entry *entry) {
        int r = answer_integer(values, "version", entry->version);
        if (r == 0)
                r = answer_integer(values, "size", entry->content.len);
        return r < 0 ? r : answer_time(values, "time", entry->time_us);
}

static int put_list_row(struct buf *values, const struct store_entry *entry) {
        int r = value_put_map(values, 4);
        if (r == 0)
                r = answer_bytes(values, "name", entry->name.bytes, entry->name.len);
        return r < 0 ? r : put_entry(values, entry);
}

/* `has_data`: it can be rolled back to with its data. */
static int put_version_row(struct buf *values, const struct store_entry *entry, bool has_data) {
        int r = value_put_map(values, 6);
        if (r == 0)
                r = answer_boolean(values, "data", has_data);
        if (r == 0)
                r = put_entry(values, entry);
        if (r == 0)
                r = answer_bytes(values, "note", entry->note.data, entry->note.len);
        return r < 0 ? r : answer_boolean(values, "deleted", entry->is_deleted);
}

/*
 * Readers.
 */

/* The bytes stay at home when they are the ones that the caller has. */
static void answer_entry(struct request *request, const struct store_entry *entry, bool is_known) {
        struct buf values;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = is_known ? value_put_nil(&values) :
                       value_put_bytes(&values, entry->content.data, entry->content.len);
        if (r == 0)
                r = value_put_integer(&values, (int64_t)entry->version);
        answer_send(request, r, &values);
}

static void on_get(struct request *request) {
        struct store *store = &storaged_of(request)->store;
        struct store_entry entry;
        struct store_name name;
        int64_t version, known;
        int r;

        if (!take_name(request, &name) || !take_version(request, &version) ||
            !take_version(request, &known) || !argument_take_end(request))
                return;
        r = store_begin(store);
        if (r == STORE_OK)
                r = store_find(store, &name, version, &entry);

        if (r == STORE_E_NOTFOUND && version != STORE_VERSION_ANY)
                fail_version(request, &name, version);
        else if (r != STORE_OK)
                fail(request, &name, r, 0, 0);
        else if (entry.is_deleted)
                fail_deleted(request, &name, entry.version);
        else
                answer_entry(request, &entry,
                             known != STORE_VERSION_ANY && entry.version == (uint64_t)known);
        store_end(store);
}

static int list_names(struct store *store, enum store_kind kind, struct buf *values) {
        struct store_entry entry = { .name = { .kind = kind } };
        int r = value_put_array(values, VALUE_INDEFINITE);

        while (r == 0 && (r = store_after(store, &entry.name, &entry)) == STORE_OK) {
                if (!entry.is_deleted)
                        r = put_list_row(values, &entry);
        }
        return r == STORE_E_NOTFOUND ? value_put_end(values) : r;
}

static int list_versions(struct store *store, const struct store_name *name, struct buf *values) {
        struct store_entry entry;
        int64_t version = STORE_VERSION_ANY;
        int r = value_put_array(values, VALUE_INDEFINITE);

        while (r == 0 && (r = store_before(store, name, version, &entry)) == STORE_OK) {
                bool has_data;

                version = (int64_t)entry.version;
                r = release_has_data(store, &entry, &has_data);
                if (r == STORE_OK)
                        r = put_version_row(values, &entry, has_data);
        }
        if (r == STORE_E_NOTFOUND && version != STORE_VERSION_ANY)
                return value_put_end(values);
        return r;
}

/* Ends a listing's reading. The answer's own trouble is told apart by its errno. */
static void answer_listing(struct request *request,
                           const struct store_name *name,
                           int r,
                           struct buf *values) {
        store_end(&storaged_of(request)->store);
        if (r == 0 || r == -E2BIG || r == -ENOMEM) {
                answer_send(request, r, values);
                return;
        }
        fail(request, name, r, 0, 0);
        buf_deinit(values);
}

static void on_list(struct request *request) {
        struct store *store = &storaged_of(request)->store;
        struct store_name none = { .kind = kind_of(request) };
        struct buf values;
        int r;

        if (!argument_take_end(request))
                return;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = store_begin(store);
        if (r == STORE_OK)
                r = list_names(store, none.kind, &values);
        answer_listing(request, &none, r, &values);
}

static void on_versions(struct request *request) {
        struct store *store = &storaged_of(request)->store;
        struct store_name name;
        struct buf values;
        int r;

        if (!take_name(request, &name) || !argument_take_end(request))
                return;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = store_begin(store);
        if (r == STORE_OK)
                r = list_versions(store, &name, &values);
        answer_listing(request, &name, r, &values);
}

/*
 * Writers.
 */

static void on_changed(struct request *request, const struct store_change *change) {
        struct buf values;
        int r;

        if (change->result == STORE_E_NOTFOUND && change->action == STORE_ACTION_ROLLBACK) {
                if (change->source == STORE_VERSION_ANY)
                        request_fail(request, STATUS_NOTFOUND, "%s %s has no earlier version",
                                     store_kind_name(change->name.kind), quote(&change->name));
                else
                        fail_version(request, &change->name, change->source);
                return;
        }
        if (change->result != STORE_OK) {
                fail(request, &change->name, change->result, change->version, change->expect);
                return;
        }
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = value_put_integer(&values, (int64_t)change->version);
        if (r == 0 && change->package.program.data)
                r = value_put_bytes(&values, change->name.bytes, change->name.len);
        answer_send(request, r, &values);
}

static bool change_fits(struct request *request, const struct store_change *change) {
        if (change->content.len > LIMIT_SOURCE_BYTES) {
                request_fail(request, STATUS_LIMIT,
                             "%zu bytes are more than the limit of %u bytes for one %s",
                             change->content.len, LIMIT_SOURCE_BYTES,
                             store_kind_name(change->name.kind));
                return false;
        }
        if (change->note.len > LIMIT_NOTE_BYTES) {
                request_fail(request, STATUS_LIMIT,
                             "%zu bytes are more than the limit of %u bytes for a note",
                             change->note.len, LIMIT_NOTE_BYTES);
                return false;
        }
        return true;
}

static void on_set(struct request *request) {
        struct store_change change = { .action = STORE_ACTION_SET, .expect = STORE_VERSION_ANY };
        const uint8_t *content = NULL, *note = NULL;
        struct value_reader *args = &request->args;

        if (!take_own_name(request, &change.name))
                return;
        if (args->at == args->end || !value_get_bytes_opt(args, &content, &change.content.len) ||
            !value_get_integer_opt(args, &change.expect) || change.expect < STORE_VERSION_ANY ||
            !value_get_bytes_opt(args, &note, &change.note.len) || !value_is_done(args)) {
                request_fail_usage(request);
                return;
        }
        change.content.data = content;
        change.note.data = note;
        if (!content)
                change.action = STORE_ACTION_DELETE;
        if (change_fits(request, &change))
                intake_add(&storaged_of(request)->intake, request, &change, on_changed);
}

/* Data is not a delegate's. */
static bool is_undelegated(struct request *request) {
        if (request->context)
                request_fail(request, STATUS_DENIED, "a delegated context cannot reach data");
        return !request->context;
}

static void on_rollback(struct request *request) {
        struct store_change change = { .action = STORE_ACTION_ROLLBACK,
                                       .expect = STORE_VERSION_ANY };
        const struct option options[] = { { "data", OPTION_BOOLEAN, &change.with_data, NULL } };

        if (!take_own_name(request, &change.name) || !take_version(request, &change.source) ||
            !options_take(request, &request->args, "rollback", options, ARRAY_SIZE(options)) ||
            !argument_take_end(request) || (change.with_data && !is_undelegated(request)))
                return;
        if (change.with_data && change.name.kind != STORE_KIND_PROGRAM) {
                request_fail(request, STATUS_BADARGS, "%s.rollback: only programs have data",
                             store_kind_name(change.name.kind));
                return;
        }
        intake_add(&storaged_of(request)->intake, request, &change, on_changed);
}

/*
 * Packages.
 */

static int export_put(struct store *store, const struct store_entry *program, struct buf *values) {
        struct record object;
        char name[LIMIT_NAME_BYTES];
        size_t len = release_object_name(name, program->name.bytes, program->name.len);
        int r = len > 0 ? record_find(store->disk, name, len, &object) : DISK_E_NOTFOUND;
        if (r != DISK_OK && r != DISK_E_NOTFOUND)
                return r;
        return package_put(values, store->disk, program, r == DISK_OK ? &object : NULL);
}

static void on_export(struct request *request) {
        struct store *store = &storaged_of(request)->store;
        struct store_entry entry;
        struct store_name name;
        struct buf values;
        int r;

        if (!is_undelegated(request) || !take_name(request, &name) || !argument_take_end(request))
                return;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = store_begin(store);
        if (r == STORE_OK)
                r = store_find(store, &name, STORE_VERSION_ANY, &entry);
        if (r == STORE_OK && entry.is_deleted) {
                fail_deleted(request, &name, entry.version);
                store_end(store);
                return;
        }
        if (r == STORE_OK)
                r = export_put(store, &entry, &values);
        answer_listing(request, &name, r, &values);
}

/* Whether it is short enough for one. */
static bool name_has_object(struct request *request, const struct store_name *name) {
        char object[LIMIT_NAME_BYTES];

        if (release_object_name(object, name->bytes, name->len) > 0)
                return true;
        request_fail(request, STATUS_LIMIT,
                     "program %s has too long a name for data of its own: the limit is %zu bytes",
                     quote(name), sizeof(object) - strlen(RELEASE_PREFIX));
        return false;
}

static void on_import(struct request *request) {
        struct store_change change = { .action = STORE_ACTION_SET, .expect = STORE_VERSION_ANY };
        struct value_reader *args = &request->args;
        struct package *package = &change.package;
        const uint8_t *name = NULL;
        const char *wrong;

        if (!is_undelegated(request))
                return;
        if (!value_get_bytes_opt(args, &name, &change.name.len)) {
                request_fail_usage(request);
                return;
        }
        wrong = package_parse(package,
                              (struct disk_bytes){ args->at, (size_t)(args->end - args->at) });
        if (wrong) {
                request_fail(request, STATUS_BADARGS, "the package cannot be imported: %s", wrong);
                return;
        }
        change.name.kind = STORE_KIND_PROGRAM;
        change.name.bytes = name ? name : package->program.data;
        change.name.len = name ? change.name.len : package->program.len;
        change.content = package->source;
        change.note = package->note;
        if (name_check(request, &change.name) &&
            (package->max_keys == 0 || name_has_object(request, &change.name)))
                intake_add(&storaged_of(request)->intake, request, &change, on_changed);
}

static void on_delegate(struct request *request) {
        const uint8_t *prefix;
        size_t len;

        if (!value_get_bytes(&request->args, &prefix, &len) || !value_is_done(&request->args)) {
                request_fail_usage(request);
                return;
        }
        if (request->context) {
                request_fail(request, STATUS_DENIED, "a delegated context cannot delegate further");
                return;
        }
        if (!name_is_valid(prefix, len)) {
                request_fail(request, STATUS_BADARGS,
                             "bad prefix %s: no name can begin with it; a prefix is 1 to %u bytes "
                             "that make a name",
                             log_quote(prefix, len), LIMIT_NAME_BYTES);
                return;
        }
        delegation_open(&storaged_of(request)->grants, request, prefix, len);
}

/* clang-format off */
#define KIND(k) \
        { k ".get", on_get, "name [, version [, known]] -> bytes or nil, version", false }, \
        { k ".set", on_set, "name, bytes or nil [, expect [, note]] -> version", false }, \
        { k ".list", on_list, "-> {{name=, version=, size=, time=}, ...}", false }, \
        { k ".versions", on_versions, \
          "name -> {{version=, size=, time=, note=, deleted=, data=}, ...}", false }, \
        { k ".rollback", on_rollback, "name [, version [, {data=}]] -> version", false }

const struct endpoint endpoints[] = {
        KIND("program"),
        KIND("library"),
        KIND("runtime"),
        KIND("props"),
        { "program.export", on_export, "name -> package", false },
        { "program.import", on_import, "name or nil, package -> version, name", false },
        { "data.own", data_on_own, "-> handle", false },
        { "data.open", data_on_open, "name [, {volatile=, prefix=, rights=}] -> handle", false },
        { "data.list", data_on_list, "-> {{name=, volatile=, keys=, bytes=, ...}, ...}", false },
        { "data.delete", data_on_delete, "name -> boolean", false },
        { "data.limit", data_on_limit, "name, {bytes=, keys=}", false },
        { "store.delegate", on_delegate, "prefix -> handle", false },
        { "store.backup", operation_backup, "<descriptor of an empty file> -> size", true },
        { "store.check", operation_check, "-> {sound=, message=, time=}", false },
        { "store.compact", operation_compact, "-> size before, size after", false },
        { "store.stats", operation_stats,
          "-> {path=, size=, used=, free=, map=, tables={{name=, entries=, size=}, ...}, check=, "
          "operation=}", false },
};
/* clang-format on */
const size_t n_endpoints = ARRAY_SIZE(endpoints);
