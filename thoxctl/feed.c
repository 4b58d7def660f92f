/*
 * feed.c - see feed.h.
 */
#include "thoxctl/feed.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "libipc/base/clock.h"
#include "thoxctl/tree.h"

int feed_refused(const struct invocation *inv,
                 const struct client_reply *reply,
                 const char *verb,
                 const char *what) {
        return fail(&inv->output,
                    (struct failure){ .exit_code = status_exit_code(reply->status),
                                      .code = tree_status_code(reply->status),
                                      .why = reply->message[0] ? reply->message : NULL },
                    "cannot %s '%s': %s", verb, what, status_text(reply->status));
}

int feed_open(const struct feed *feed) {
        struct client_reply reply;
        int r = client_listen(feed->inv->client, CLIENT_NATIVE_HANDLE, feed->queue, feed->match,
                              feed->n_match, &reply);

        if (r < 0)
                return tree_lost(feed->inv, r, feed->verb);
        if (reply.status == STATUS_OK)
                return 0;
        return feed_refused(feed->inv, &reply, feed->verb,
                            feed->inv->n_args > 0 ? feed->inv->args[0] : feed->queue);
}

static uint64_t time_left(uint64_t deadline_us) {
        uint64_t now = clock_now_us();

        if (deadline_us == CLIENT_FOREVER)
                return CLIENT_FOREVER;
        return deadline_us > now ? deadline_us - now : 0;
}

int feed_run(struct feed *feed) {
        struct invocation *inv = feed->inv;
        uint64_t deadline_us =
                inv->timeout_us != 0 ? clock_now_us() + inv->timeout_us : CLIENT_FOREVER;
        uint64_t n = 0;

        while (n < inv->n_count && !ferror(inv->output.out)) {
                struct client_event e;
                int r = client_wait(inv->client, time_left(deadline_us), -1, &e);

                if (r == -ETIMEDOUT && inv->n_count == INVOCATION_UNSET)
                        return EXIT_CODE_OK;
                if (r == -ETIMEDOUT)
                        return fail(&inv->output,
                                    (struct failure){ .exit_code = EXIT_CODE_TIMEOUT,
                                                      .code = "timeout" },
                                    "fewer than were asked for within %.3g s",
                                    (double)inv->timeout_us / (double)CLOCK_S_US);
                if (r < 0)
                        return tree_lost(inv, r, feed->verb);
                if (e.type != CLIENT_EVENT_PUSHED)
                        continue;
                n += feed->show(feed, &e);
                fflush(inv->output.out);
        }
        return EXIT_CODE_OK;
}

int feed_put_time(struct buf *b, uint64_t wall_us) {
        time_t seconds = (time_t)(wall_us / CLOCK_S_US);
        unsigned ms = (unsigned)(wall_us % CLOCK_S_US / CLOCK_MS_US);
        struct tm tm;
        char text[16];

        if (!localtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%T", &tm) == 0)
                text[0] = '\0';
        return buf_printf(b, "%s.%03u", text, ms);
}
