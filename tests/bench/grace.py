"""Counts how often a command waits for an RCU grace period, by the kernel's tracepoints.

Each such wait is a stop of some microseconds to many milliseconds that only the kernel can end, and what keeps
commands that run at once from being independent.  A process that goes to sleep in synchronize_rcu() shows by its
kernel stack.  The events have an instance of tracefs of their own, which touches nobody else's tracing.
"""

import functools
import os
import pathlib
import re
import subprocess
import tempfile

SWITCH, FORK = 'events/sched/sched_switch/enable', 'events/sched/sched_process_fork/enable'
CHILD = re.compile(r'sched_process_fork: .* child_pid=(\d+)')
SLEEPS = re.compile(r'sched_switch: prev_comm=(.+?) prev_pid=(\d+) .*?prev_state=[DS] .*?\n((?:.*<stack trace>\n)?'
                    r'(?: => .*\n)*)')


@functools.lru_cache
def trace_folder():
  """A mounted tracefs: the machine's, or one in the mount namespace of this process."""
  place = pathlib.Path('/sys/kernel/tracing')
  if not (place / 'instances').is_dir():
    subprocess.run(['mount', '-t', 'tracefs', 'tracefs', str(place)], check=False, stderr=subprocess.DEVNULL)
  return place


@functools.lru_cache
def why_not():
  """A reason, or an empty string when it can be done."""
  try:
    folder = tempfile.mkdtemp(prefix='proa-', dir=trace_folder() / 'instances')
  except OSError as error:
    return f'no instance of tracefs can be made: {error.strerror}'
  missing = [name for name in (SWITCH, FORK, 'options/stacktrace', 'options/event-fork', 'set_event_pid')
             if not os.path.exists(f'{folder}/{name}')]
  os.rmdir(folder)
  return f'the kernel has no {missing[0]}' if missing else ''


def available():
  return not why_not()


def waits_in(trace, program):
  """Of the command and its children: events also show who ran before one of them.  The end of the container's program
  is not the runtime's."""
  family = set(CHILD.findall(trace))
  return sum('synchronize_rcu' in stack for name, pid, stack in SLEEPS.findall(trace)
             if name != program and pid in family)


def count(words, program):
  """Runs a command and returns how many of its waits were seen."""
  folder = tempfile.mkdtemp(prefix='proa-', dir=trace_folder() / 'instances')
  try:
    put(folder, 'options/event-fork', '1')
    put(folder, 'options/stacktrace', '1')
    put(folder, 'set_event_pid', str(os.getpid()))
    for event in (FORK, SWITCH):
      put(folder, event, '1')
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   timeout=60)
    put(folder, 'tracing_on', '0')
    trace = pathlib.Path(f'{folder}/trace').read_text(encoding='utf-8', errors='replace')
  finally:
    for event in (FORK, SWITCH):
      put(folder, event, '0')
    os.rmdir(folder)
  return waits_in(trace, program)


def put(folder, name, text):
  pathlib.Path(f'{folder}/{name}').write_text(text + '\n', encoding='utf-8')
