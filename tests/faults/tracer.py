"""Runs a program and makes exactly one system call fail, or kills a process at it.

ptrace(2) by hand and not strace: strace counts the calls of each process for itself, so that
"the 20th" is the 20th of the runtime, of its init and of all others in the same run.  Here a point
is (which process, in the order of their births; which of its calls), and only one is hit.

A process is let go as soon as it has become the container's program, or one of another package, whose calls
are its own.
"""

import ctypes
import json
import os
import platform
import re
import resource
import signal
import struct
import time

POKEUSER, DETACH, SYSCALL = 6, 17, 24
SEIZE, INTERRUPT, GET_SYSCALL_INFO = 0x4206, 0x4207, 0x420e
OPTIONS = 1 | 2 | 4 | 8 | 16  # marked system calls; fork, vfork, clone and exec are followed
EVENT_EXEC, EVENT_STOP = 4, 128
WALL = 0x40000000
ENTRY = 1
RAX, ORIG_RAX = 10 * 8, 15 * 8
INFO = 88  # bytes of struct ptrace_syscall_info
# What containers of these tests execute, and other packages' programs that runtimes call.
PROGRAMS = ('echo', 'sleep', 'newuidmap', 'newgidmap', 'criu', 'dash')  # CRIU's may be a script

# With arguments that are right the kernel has no way to let these fail.
NEVER_FAIL = {'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sched_yield', 'nanosleep', 'getpid',
              'exit', 'getuid', 'getgid', 'geteuid', 'getegid', 'getppid', 'gettid', 'umask',
              'sigaltstack', 'arch_prctl', 'futex', 'set_tid_address', 'restart_syscall',
              'clock_nanosleep', 'exit_group', 'set_robust_list', 'rseq', 'clock_gettime',
              'getpgrp', 'uname'}
# Whatever it returns, it has closed.
DONE_ANYHOW = {'close'}

# What the C headers say, or a copy of them on a machine without.
HEADER = os.environ.get('PROA_SYSTEM_CALLS') or '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long] * 4
info = ctypes.create_string_buffer(INFO)


def names():
  """{number: name} of this machine's system calls."""
  with open(HEADER, encoding='utf-8') as file:
    return {int(number): name for name, number in
            re.findall(r'#define __NR_(\w+) (\d+)', file.read())}


def check_machine():
  """Why there can be no tracing here, or None."""
  if platform.machine() != 'x86_64':
    return 'the tracer knows the registers of x86-64 only'
  try:
    names()
  except OSError:
    return 'this needs the names of system calls: apt-get install linux-libc-dev'
  return None


class Late(Exception):
  pass


def on_alarm(*_):
  raise Late()


def is_program(pid):
  try:
    return os.path.basename(os.readlink('/proc/%d/exe' % pid)) in PROGRAMS
  except OSError:
    return False


def thread_group(tid):
  try:
    with open('/proc/%d/status' % tid, encoding='utf-8') as file:
      return int(next(line for line in file if line.startswith('Tgid:')).split()[1])
  except (OSError, StopIteration):
    return tid


class Tracer:
  """In a process of its own: the parent of the program, which is let go of when that ends."""

  def __init__(self, point):
    # None, or (process, call, errno, or None for SIGKILL, or a function that is told the pid).  The call is a
    # number, or "wait4:2", the third of that name.
    self.point = point
    self.groups = {}    # tid: process's number
    self.order = []     # thread groups, in the order of their births
    self.calls = []     # for each of them, the numbers of its calls
    self.failing = {}   # tid: errno to return
    self.begun = False
    self.named = 0      # calls of the name that the point has
    self.hit = None
    self.crash = None
    self.names = names() if point else {}

  def forget(self, tid):
    self.groups.pop(tid, None)

  def number(self, tid):
    if tid not in self.groups:
      group = thread_group(tid)
      if group not in self.order:
        self.order.append(group)
        self.calls.append([])
      self.groups[tid] = self.order.index(group)
    return self.groups[tid]

  def on_call(self, tid):
    if libc.ptrace(GET_SYSCALL_INFO, tid, INFO, ctypes.addressof(info)) < 0:
      return
    if info.raw[0] != ENTRY:
      if tid in self.failing:
        libc.ptrace(POKEUSER, tid, RAX, -self.failing.pop(tid))
      return
    process = self.number(tid)
    self.calls[process].append(struct.unpack_from('Q', info.raw, 24)[0])
    if self.point and not self.hit and self.begun:
      self.consider(tid, process, self.calls[process])

  def consider(self, tid, process, calls):
    wanted, at, number = self.point
    name = self.names.get(calls[-1], str(calls[-1]))
    if process != wanted or not self.is_at(at, name, calls) or (number and name in NEVER_FAIL):
      return
    self.hit = name
    if number is None:
      os.kill(self.order[process], signal.SIGKILL)
      return
    if callable(number):
      number(self.order[process])
      return
    self.failing[tid] = number
    if name not in DONE_ANYHOW:
      libc.ptrace(POKEUSER, tid, ORIG_RAX, -1)

  def is_at(self, at, name, calls):
    if isinstance(at, int):
      return len(calls) > at
    wanted, _, earlier = at.partition(':')
    self.named += name == wanted
    return name == wanted and self.named > int(earlier or 0)

  def on_stop(self, tid, status):
    """Returns how to go on: which request, which signal."""
    number, event = os.WSTOPSIG(status), status >> 16
    if number == signal.SIGTRAP | 0x80:
      self.on_call(tid)
    elif event == EVENT_EXEC:
      if not self.begun:
        self.begun = True
        self.order, self.calls, self.groups = [], [], {}
      elif is_program(tid):
        return DETACH, 0
    elif event == EVENT_STOP:
      self.number(tid)  # of what has just been born
    elif not event and number != signal.SIGTRAP:
      return SYSCALL, number
    return SYSCALL, 0

  def on_end(self, tid, status):
    self.forget(tid)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (
        signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS):
      self.crash = 'a process ends by signal %d' % os.WTERMSIG(status)

  def run(self, front):
    while True:
      tid, status = os.waitpid(-1, WALL)
      if os.WIFSTOPPED(status):
        request, number = self.on_stop(tid, status)
        libc.ptrace(request, tid, 0, number)
        continue
      self.on_end(tid, status)
      if tid == front:
        return os.waitstatus_to_exitcode(status)


def execute(words, options, ready):
  """In the child: becomes the runtime, once it is traced."""
  os.read(ready, 1)
  for fd, path, flags in ((0, '/dev/null', os.O_RDONLY),
                          (1, options['out'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                          (2, options['err'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
    os.dup2(os.open(path, flags), fd)
  os.closerange(3, 100)
  os.chdir(options['cwd'])
  # The tracer remains root: else what a program set-user-id root does would not be done by root.
  uid, gid = options.get('account') or (0, 0)
  if uid:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
  for number, value in options.get('limits', ()):
    resource.setrlimit(number, (value, value))
  os.execve(words[0], words, options['env'])


def serve(words, options, answer):
  """In the process between: starts the runtime, sees it through, tells how it was."""
  tracer = Tracer(options.get('point'))
  signal.signal(signal.SIGALRM, on_alarm)
  ready, go = os.pipe()
  front = os.fork()
  if front == 0:
    try:
      execute(words, options, ready)
    finally:
      os._exit(125)
  late, rc, took = False, None, None
  signal.alarm(options['seconds'])
  try:
    if options['traced']:
      # Unlike what is traced since PTRACE_TRACEME, nothing is left stopped when the tracer ends.
      libc.ptrace(SEIZE, front, 0, OPTIONS)
      libc.ptrace(INTERRUPT, front, 0, 0)
      os.waitpid(front, WALL)
      libc.ptrace(SYSCALL, front, 0, 0)
    os.write(go, b'g')
    begin = time.monotonic()
    if options.get('kill_after') is not None:
      time.sleep(options['kill_after'])
      os.kill(front, signal.SIGKILL)  # not waited for yet: it is still this process
    rc = tracer.run(front)
    took = time.monotonic() - begin
  except Late:
    late = True
    os.kill(front, signal.SIGKILL)
  signal.alarm(0)
  os.write(answer, json.dumps({'rc': rc, 'hang': late, 'took': took, 'hit': tracer.hit, 'crash': tracer.crash,
                               'begun': tracer.begun or not options['traced'],
                               'calls': [] if options.get('point') else tracer.calls}).encode())


def run(words, **options):
  """Runs a command.  Returns {rc, hang, took: seconds, hit: the call's name, crash, begun: whether the kernel could load the
  program, calls: of each process}."""
  reading, writing = os.pipe2(os.O_CLOEXEC)
  pid = os.fork()
  if pid == 0:
    try:
      os.close(reading)
      serve(words, options, writing)
    finally:
      os._exit(0)
  os.close(writing)
  with os.fdopen(reading, 'rb') as file:
    text = file.read()
  os.waitpid(pid, 0)
  return json.loads(text)
