/*
 * line.c - see line.h.
 */
#include "thoxctl/line.h"

#include "libipc/base/macros.h"

#if THOX_HAVE_LIBEDIT

#        include <histedit.h>
#        include <stdint.h>
#        include <stdio.h>
#        include <stdlib.h>
#        include <string.h>
#        include <unistd.h>
#        include <wchar.h>

#        define HISTORY_LINES 1000
#        define END_OF_INPUT L'\4' /* Ctrl-D */

struct line_editor {
        EditLine *edit;
        History *history;
        HistEvent event;
        const char *prompt;
        bool is_empty; /* nothing of this line has been typed */
        line_wait_fn *wait;
        void *userdata;
};

static struct line_editor *editor_of(EditLine *edit) {
        struct line_editor *e = NULL;

        el_get(edit, EL_CLIENTDATA, &e);
        return e;
}

static char *on_prompt(EditLine *edit) {
        return (char *)(uintptr_t)editor_of(edit)->prompt;
}

/* One byte: libedit asks for the rest of a character itself. -1 ends the line. */
static int on_get_char(EditLine *edit, wchar_t *ret) {
        struct line_editor *e = editor_of(edit);
        unsigned char bytes[8];
        mbstate_t state = { 0 };
        size_t n = 0;

        for (;;) {
                wchar_t c = 0;
                size_t r;

                if (n == sizeof(bytes) || e->wait(e->userdata) < 0 ||
                    read(STDIN_FILENO, &bytes[n], 1) != 1)
                        return -1;
                r = mbrtowc(&c, (const char *)&bytes[n], 1, &state);
                n++;
                if (r == (size_t)-2)
                        continue;
                /* Typed before the terminal is the editor's it would be taken for a letter. */
                if (e->is_empty && c == END_OF_INPUT)
                        return -1;
                e->is_empty &= r == 0;
                *ret = r == (size_t)-1 ? L'?' : c;
                return 1;
        }
}

struct line_editor *line_editor_free(struct line_editor *e) {
        if (!e)
                return NULL;
        if (e->edit)
                el_end(e->edit);
        if (e->history)
                history_end(e->history);
        free(e);
        return NULL;
}

struct line_editor *line_editor_new(line_wait_fn *wait, void *userdata) {
        struct line_editor *e;

        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return NULL;
        e = calloc(1, sizeof(*e));
        if (!e)
                return NULL;
        e->wait = wait;
        e->userdata = userdata;
        e->edit = el_init("thoxctl", stdin, stdout, stderr);
        e->history = history_init();
        if (!e->edit || !e->history)
                return line_editor_free(e);
        history(e->history, &e->event, H_SETSIZE, HISTORY_LINES);
        history(e->history, &e->event, H_SETUNIQUE, 1);
        el_set(e->edit, EL_CLIENTDATA, e);
        el_set(e->edit, EL_PROMPT, on_prompt);
        el_set(e->edit, EL_EDITOR, "emacs");
        el_set(e->edit, EL_HIST, history, e->history);
        el_set(e->edit, EL_GETCFN, on_get_char);
        el_source(e->edit, NULL);
        return e;
}

const char *line_editor_read(struct line_editor *e, const char *prompt, size_t *ret_len) {
        const char *line;
        int n = 0;

        e->prompt = prompt;
        e->is_empty = true;
        line = el_gets(e->edit, &n);
        if (!line || n <= 0)
                return NULL;
        if (n > 1)
                history(e->history, &e->event, H_ENTER, line);
        *ret_len = line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n;
        return line;
}

void line_editor_hide(struct line_editor *e) {
        if (!e)
                return;
        fputs("\r\033[K", stdout);
        fflush(stdout);
}

void line_editor_show(struct line_editor *e) {
        if (e)
                el_set(e->edit, EL_REFRESH);
}

#else

struct line_editor *line_editor_new(line_wait_fn *wait UNUSED, void *userdata UNUSED) {
        return NULL;
}

struct line_editor *line_editor_free(struct line_editor *e UNUSED) {
        return NULL;
}

const char *line_editor_read(struct line_editor *e UNUSED,
                             const char *prompt UNUSED,
                             size_t *ret_len UNUSED) {
        return NULL;
}

void line_editor_hide(struct line_editor *e UNUSED) {
}

void line_editor_show(struct line_editor *e UNUSED) {
}

#endif
