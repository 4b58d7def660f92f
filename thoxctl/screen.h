/*
 * screen.h - a full-screen display, line by line. screen.c is the only file that includes ncurses, and
 * works without it by refusing to open.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum screen_error {
        SCREEN_OK = 0,
        SCREEN_E_BUILD = 1,    /* thoxctl was built without ncurses */
        SCREEN_E_TERMINAL = 2, /* TERM names none that it knows */
};

/* What screen_key returns beside characters. */
enum screen_key {
        SCREEN_KEY_NONE = -1, /* the time is over */
        SCREEN_KEY_UP = 256,
        SCREEN_KEY_DOWN,
        SCREEN_KEY_PAGE_UP,
        SCREEN_KEY_PAGE_DOWN,
        SCREEN_KEY_HOME,
        SCREEN_KEY_END,
        SCREEN_KEY_RESIZE, /* everything must be drawn again */
        SCREEN_KEY_OTHER,
};

/* Takes the terminal; signals that end thoxctl give it back. One at a time. */
int screen_open(void);
/* Gives it back as it was; harmless when it is not open. */
void screen_close(void);

size_t screen_lines(void);
size_t screen_columns(void);
void screen_put_line(size_t line, const char *text, size_t len, bool is_reverse);
/* Empties what is below, and shows all that was put. */
void screen_show(size_t n_lines);
/* The next key, or SCREEN_KEY_NONE after `timeout_us`. */
int screen_key(unsigned long timeout_us);
