/*
 * Closing many at once.  Who looks into thousands of files one after the other does better not to close each by a
 * call of its own.
 */
#pragma once

/* As autoclose, for a file that was only read: it may stay open for a while, but after closing_together(). */
#define autolater __attribute__((cleanup(close_later)))

void close_later(int *fd);

/* From now on what is marked autolater is closed a few at a time, until closing_done(). */
void closing_together(void);

/* Closes what is still open. */
void closing_done(void);
