/*
 * native_bus.c - the endpoints that show what is being routed: call.list, handle.list, service.list,
 * service.describe.
 */
#include "initd/binding.h"
#include "initd/listing_table.h"
#include "initd/native_table.h"
#include "initd/record.h"
#include "initd/route.h"

static void calls_on_request(struct native_request *request) {
        uint32_t pid;
        if (listing_choose_pid(request, &pid))
                listing_start(request, &LISTING_CALLS, pid);
}

static void handles_on_request(struct native_request *request) {
        uint32_t pid;
        if (listing_choose_pid(request, &pid))
                listing_start(request, &LISTING_HANDLES, pid);
}

static void services_on_request(struct native_request *request) {
        listing_start(request, &LISTING_SERVICES, 0);
}

/* What a call of that name through the caller's context would reach. */
static void describe_on_request(struct native_request *request) {
        const uint8_t *name;
        size_t len;
        struct route route;
        if (!value_get_bytes(&request->args, &name, &len) || !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS, "service.describe wants a name");
                return;
        }
        if (len > LIMIT_NAME_BYTES)
                len = LIMIT_NAME_BYTES;

        enum route_result result = route_call(request->context, name, len, &route);
        if (result == ROUTE_BINDING) {
                struct record out;
                record_init(&out);
                listing_describe_service(&out, route.binding);
                record_answer(&out, request->call);
        } else if (result == ROUTE_DENIED) {
                native_refuse(request->call, STATUS_DENIED, "'%.*s' is not granted by this context",
                              (int)len, (const char *)name);
        } else {
                native_refuse(request->call, STATUS_NOTBOUND,
                              "'%.*s' is not bound: nobody serves it", (int)len,
                              (const char *)name);
        }
}

const struct native_endpoint native_bus_endpoints[] = {
        { .name = "call.list", .handler = calls_on_request, .usage = "call.list([pid])" },
        { .name = "handle.list", .handler = handles_on_request, .usage = "handle.list([pid])" },
        { .name = "service.describe",
          .handler = describe_on_request,
          .usage = "service.describe(name)",
          .is_forwardable = true },
        { .name = "service.list",
          .handler = services_on_request,
          .usage = "service.list()",
          .is_forwardable = true },
};
const size_t native_bus_n_endpoints = ARRAY_SIZE(native_bus_endpoints);
