/*
 * --trace: which phase took how long, of the runtime and of the processes that it makes.
 *
 *	"Trace Event Format": what chrome://tracing and https://ui.perfetto.dev read
 *
 * A process is in one phase at any time: trace_phase() ends the one it names and begins the next.  The notes
 * lie in memory that the runtime shares with init until init becomes the program; the runtime writes the file
 * at its end, whether it fails or not.  When nobody asked for a trace a phase costs one comparison.
 */
#pragma once

#include <stddef.h>

#include "basic/error.h"

enum trace_role { TRACE_RUNTIME, TRACE_STAGE, TRACE_INIT, TRACE_ROLES };

extern struct trace_memory *trace_memory; /* NULL: there is no trace */

/* Opens the file that the trace is written to, and begins the runtime's first phase. */
int trace_open(const char *path, struct error *err);

/* The memory's descriptor, which proa-init inherits, or -1. */
int trace_fd(void);

/* In proa-init: maps the memory behind the fd and closes that; -1 is no trace. */
int trace_join(int fd, enum trace_role role, struct error *err);

/* In a new process: what it does from now on is that of role. */
void trace_begin(enum trace_role role);

/* In the process whose memory a new one has worked in: what is done from now on is that of role again. */
void trace_resume(enum trace_role role);

/* Ends a phase of another process, which has become the container's program and cannot tell itself. */
void trace_phase_of(enum trace_role role, const char *name);

/* Writes and closes the file. */
int trace_write(const char *command, struct error *err);

void trace_note(const char *name);

static inline void trace_phase(const char *name)
{
	if (__builtin_expect(trace_memory != NULL, 0))
		trace_note(name);
}
