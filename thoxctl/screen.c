/*
 * screen.c - see screen.h.
 */
#include "thoxctl/screen.h"

#include "libipc/base/macros.h"

#if THOX_HAVE_NCURSES

#        include <curses.h>
#        include <stdio.h>

static SCREEN *terminal;

int screen_open(void) {
        terminal = newterm(NULL, stdout, stdin);
        if (!terminal)
                return SCREEN_E_TERMINAL;
        cbreak();
        noecho();
        nonl();
        keypad(stdscr, TRUE);
        curs_set(0);
        return SCREEN_OK;
}

void screen_close(void) {
        if (!terminal)
                return;
        endwin();
        delscreen(terminal);
        terminal = NULL;
}

size_t screen_lines(void) {
        return LINES > 0 ? (size_t)LINES : 0;
}

size_t screen_columns(void) {
        return COLS > 0 ? (size_t)COLS : 0;
}

void screen_put_line(size_t line, const char *text, size_t len, bool is_reverse) {
        if (line >= screen_lines())
                return;
        move((int)line, 0);
        if (is_reverse)
                attron(A_REVERSE);
        addnstr(text, (int)len);
        if (is_reverse) {
                /* To the edge, so that it is a bar. */
                for (int i = getcurx(stdscr); i < COLS && getcury(stdscr) == (int)line; i++)
                        addch(' ');
                attroff(A_REVERSE);
        } else {
                clrtoeol();
        }
}

void screen_show(size_t n_lines) {
        if (n_lines < screen_lines()) {
                move((int)n_lines, 0);
                clrtobot();
        }
        refresh();
}

int screen_key(unsigned long timeout_us) {
        static const struct {
                int theirs, ours;
        } KEYS[] = {
                { ERR, SCREEN_KEY_NONE },      { KEY_UP, SCREEN_KEY_UP },
                { KEY_DOWN, SCREEN_KEY_DOWN }, { KEY_PPAGE, SCREEN_KEY_PAGE_UP },
                { KEY_HOME, SCREEN_KEY_HOME }, { KEY_NPAGE, SCREEN_KEY_PAGE_DOWN },
                { KEY_END, SCREEN_KEY_END },   { KEY_RESIZE, SCREEN_KEY_RESIZE },
        };
        int key;

        timeout((int)(timeout_us / 1000));
        key = getch();
        for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
                if (KEYS[i].theirs == key)
                        return KEYS[i].ours;
        return key < 256 ? key : SCREEN_KEY_OTHER;
}

#else

int screen_open(void) {
        return SCREEN_E_BUILD;
}

void screen_close(void) {
}

size_t screen_lines(void) {
        return 0;
}

size_t screen_columns(void) {
        return 0;
}

void screen_put_line(size_t line UNUSED,
                     const char *text UNUSED,
                     size_t len UNUSED,
                     bool is_reverse UNUSED) {
}

void screen_show(size_t n_lines UNUSED) {
}

int screen_key(unsigned long timeout_us UNUSED) {
        return SCREEN_KEY_NONE;
}

#endif
