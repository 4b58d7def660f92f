/*
 * native_alarm.c - the endpoint `alarm`: an answer that comes when it is due. The alarm is the call: a
 * cancel or the caller's death disarms it.
 */
#include <math.h>

#include "initd/native_table.h"
#include "initd/router.h"
#include "libipc/base/clock.h"

#define ALARM_MAX_S (100.0 * 365 * 24 * 3600)

static int alarm_on_due(struct loop_timer *timer) {
        struct call *call = container_of(timer, struct call, timer);
        call->caller->n_alarms--;
        native_answer(call, NULL);
        return 0;
}

static void alarm_on_drop(struct call *call) {
        call->caller->n_alarms--;
}

static int alarm_arm(struct call *call, double seconds) {
        int r = loop_timer_init(&call->timer, call->router->loop, alarm_on_due);
        if (r < 0)
                return r;
        call->has_timer = true;
        return loop_timer_set(&call->timer, (uint64_t)ceil(seconds * (double)CLOCK_S_US));
}

static void alarm_on_request(struct native_request *request) {
        struct call *call = request->call;
        double seconds;
        if (!call)
                return;
        if (!value_get_number(&request->args, &seconds) || isnan(seconds) || seconds < 0 ||
            seconds > ALARM_MAX_S)
                native_refuse(call, STATUS_BADARGS,
                              "alarm wants seconds: a number from 0 to a hundred years");
        else if (call->has_timer)
                native_refuse(call, STATUS_BADARGS, "alarm takes no timeout: cancel it instead");
        else if (request->caller->n_alarms >= LIMIT_ALARMS_PER_PROCESS)
                native_refuse(call, STATUS_LIMIT,
                              "%u alarms are armed "
                              "(limit LIMIT_ALARMS_PER_PROCESS)",
                              LIMIT_ALARMS_PER_PROCESS);
        else if (alarm_arm(call, seconds) < 0)
                native_refuse(call, STATUS_ERROR, "the router is out of memory");
        else {
                request->caller->n_alarms++;
                call->on_drop = alarm_on_drop;
        }
}

const struct native_endpoint native_alarm_endpoints[] = {
        { .name = "alarm",
          .handler = alarm_on_request,
          .usage = "alarm(seconds)",
          .is_forwardable = true },
};
const size_t native_alarm_n_endpoints = ARRAY_SIZE(native_alarm_endpoints);
