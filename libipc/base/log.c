/*
 * log.c - one line per event, on stderr. A line that stderr does not take at once is dropped and
 * counted: a full pipe must not stop a daemon.
 */
#include "libipc/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a pipe takes in one piece (PIPE_BUF): lines of several processes never mix. */
#define LOG_LINE_BYTES 4096u
#define LOG_QUOTE_BYTES 200u
#define LOG_QUOTE_BUFFERS 4u

enum log_style {
        LOG_STYLE_PLAIN,    /* "initd: warning: text" */
        LOG_STYLE_COLOUR,   /* the same, level coloured */
        LOG_STYLE_PREFIXED, /* "<4>initd: text" */
};

static struct {
        const char *program;
        enum log_level max;
        enum log_style style;
        uint64_t n_lost;
} log_state = { .program = "thox", .max = LOG_LEVEL_INFO };

/* systemd sets JOURNAL_STREAM to "device:inode" of the stream it gave us; it is inherited by
 * processes whose stderr went elsewhere since. */
static bool log_finds_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool log_wants_colour(void) {
        const char *refused = getenv("NO_COLOR");

        return isatty(STDERR_FILENO) && (!refused || refused[0] == '\0');
}

static const struct {
        enum log_level level;
        const char *name;
} log_levels[] = {
        { LOG_LEVEL_ERROR, "error" },
        { LOG_LEVEL_WARNING, "warning" },
        { LOG_LEVEL_INFO, "info" },
        { LOG_LEVEL_DEBUG, "debug" },
};

const char *log_level_name(enum log_level level) {
        for (size_t i = 0; i < ARRAY_SIZE(log_levels); i++) {
                if (log_levels[i].level == level)
                        return log_levels[i].name;
        }
        return "info";
}

int log_level_parse(const void *text, size_t len) {
        for (size_t i = 0; i < ARRAY_SIZE(log_levels); i++) {
                if (strlen(log_levels[i].name) == len && memcmp(log_levels[i].name, text, len) == 0)
                        return (int)log_levels[i].level;
        }
        return -1;
}

void log_open(const char *program, enum log_level max) {
        log_state.program = program;
        log_state.max = max;
        if (log_finds_journal())
                log_state.style = LOG_STYLE_PREFIXED;
        else
                log_state.style = log_wants_colour() ? LOG_STYLE_COLOUR : LOG_STYLE_PLAIN;
}

bool log_is_journal(void) {
        return log_state.style == LOG_STYLE_PREFIXED;
}

bool log_wants(enum log_level level) {
        return level <= log_state.max;
}

/* "error: " in the style of the stream; information is what lines are by default. */
static const char *log_level_text(enum log_level level) {
        const bool is_colour = log_state.style == LOG_STYLE_COLOUR;

        switch (level) {
        case LOG_LEVEL_ERROR:
                return is_colour ? "\033[31merror:\033[0m " : "error: ";
        case LOG_LEVEL_WARNING:
                return is_colour ? "\033[33mwarning:\033[0m " : "warning: ";
        case LOG_LEVEL_DEBUG:
                return is_colour ? "\033[2mdebug:\033[0m " : "debug: ";
        case LOG_LEVEL_INFO:
                break;
        }
        return "";
}

static size_t log_format_head(char *line, size_t size, enum log_level level) {
        int n;

        if (log_state.style == LOG_STYLE_PREFIXED)
                n = snprintf(line, size, "<%d>%s: ", (int)level, log_state.program);
        else
                n = snprintf(line, size, "%s: %s", log_state.program, log_level_text(level));
        return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

/* One event is one line, whatever its text holds. */
static void log_clean(char *text, size_t len) {
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        text[i] = ' ';
}

static bool log_emit(const char *line, size_t len) {
        struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
        ssize_t n;

        n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0 || errno != ENOTSOCK)
                return n >= 0;
        if (poll(&ready, 1, 0) <= 0 || (ready.revents & POLLOUT) == 0)
                return false;
        return write(STDERR_FILENO, line, len) >= 0;
}

static void log_emit_counted(const char *line, size_t len) {
        char lost[128];
        size_t n;

        if (log_state.n_lost > 0) {
                n = log_format_head(lost, sizeof(lost), LOG_LEVEL_WARNING);
                n += (size_t)snprintf(lost + n, sizeof(lost) - n, "log lines were lost n=%llu\n",
                                      (unsigned long long)log_state.n_lost);
                if (n < sizeof(lost) && log_emit(lost, n))
                        log_state.n_lost = 0;
        }
        if (!log_emit(line, len))
                log_state.n_lost++;
}

void log_write(enum log_level level, const char *fmt, ...) {
        const int saved_errno = errno;
        char line[LOG_LINE_BYTES];
        size_t head, len;
        va_list args;
        int n;

        if (!log_wants(level))
                return;

        head = log_format_head(line, sizeof(line) - 1, level);
        va_start(args, fmt);
        n = vsnprintf(line + head, sizeof(line) - 1 - head, fmt, args);
        va_end(args);

        len = head + (n > 0 ? (size_t)n : 0);
        if (len > sizeof(line) - 2)
                len = sizeof(line) - 2;
        log_clean(line + head, len - head);
        line[len++] = '\n';
        log_emit_counted(line, len);
        errno = saved_errno;
}

static size_t log_quote_byte(char *at, uint8_t byte) {
        static const char digits[] = "0123456789abcdef";

        if (byte == '"' || byte == '\\') {
                at[0] = '\\';
                at[1] = (char)byte;
                return 2;
        }
        if (byte >= 0x20 && byte < 0x7f) {
                at[0] = (char)byte;
                return 1;
        }
        memcpy(at, "\\x", 2);
        at[2] = digits[byte >> 4];
        at[3] = digits[byte & 15];
        return 4;
}

const char *log_quote(const void *bytes, size_t len) {
        static char buffers[LOG_QUOTE_BUFFERS][LOG_QUOTE_BYTES * 4 + sizeof("\"\"...")];
        static size_t next;
        char *text = buffers[next++ % LOG_QUOTE_BUFFERS];
        const uint8_t *from = bytes;
        const bool is_cut = len > LOG_QUOTE_BYTES;
        size_t n = 0;

        text[n++] = '"';
        for (size_t i = 0; i < (is_cut ? LOG_QUOTE_BYTES : len); i++)
                n += log_quote_byte(text + n, from[i]);
        memcpy(text + n, is_cut ? "\"..." : "\"", is_cut ? 5 : 2);
        return text;
}
