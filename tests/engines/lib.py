"""What the cases are written with.

A case is a row, one command line and what it has to print, or a function with @case that is given the
engine.  What a case leaves behind is removed after it, and what can't be removed makes it fail.
"""

import errno
import fcntl
import json
import os
import pty
import re
import resource
import select
import shlex
import signal
import struct
import subprocess
import termios
import time

# Python loads this when it connects, which a plain user may not be allowed to.
''.encode('idna')

IMAGE = 'docker.io/library/probe:1'
SECONDS = 60  # for a case that names no other limit
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Failure(Exception):
  """Something else happened than expected."""


class Skip(Exception):
  """It can't be done on this machine, or with this version of the engine; the text says why."""


class TimeIsUp(Exception):
  pass


class Case:
  def __init__(self, name, body, roles=('root', 'user'), sample=False, seconds=SECONDS):
    self.name = name
    self.body = body
    self.roles = roles
    self.sample = sample
    self.seconds = seconds


class Cases(list):
  """The cases of a file, in order."""

  def row(self, name, line, out=None, rc=0, has=(), needs=(), **more):
    """line is the engine's command line without the engine; out is all that it prints, has what
    must be in its output or errors."""
    def body(engine):
      engine.need(*([needs] if isinstance(needs, str) else needs))
      result = engine.run(line, rc=rc)
      if out is not None:
        same(result.out, out)
      for part in [has] if isinstance(has, str) else has:
        contains(result.out + result.err, part)
    self.append(Case(name, body, **more))

  def case(self, name, **more):
    def mark(function):
      self.append(Case(name, function, **more))
      return function
    return mark


def default_ulimits():
  """Podman's and Buildah's setting: their own default takes CAP_SYS_RESOURCE on many machines."""
  rows = []
  for name, number in (('nofile', resource.RLIMIT_NOFILE), ('nproc', resource.RLIMIT_NPROC)):
    hard = resource.getrlimit(number)[1]
    most = 1048576 if hard == resource.RLIM_INFINITY else min(hard, 1048576)
    rows.append('"%s=%d:%d"' % (name, most, most))
  return 'default_ulimits = [%s]\n' % ', '.join(rows)


def same(found, expected, what=''):
  if found != expected:
    raise Failure('%sexpected %r, found %r' % (what and what + ': ', expected, found))


def contains(text, part, what=''):
  if part not in text:
    raise Failure('%s%r is not in %r' % (what and what + ': ', part, text[-1500:]))


def matches(text, pattern):
  found = re.search(pattern, text)
  if not found:
    raise Failure('%r does not match %r' % (text[-1500:], pattern))
  return found


def true(condition, text):
  if not condition:
    raise Failure(text)


def wait_for(condition, what, seconds=15):
  end = time.monotonic() + seconds
  while True:
    value = condition()
    if value:
      return value
    if time.monotonic() > end:
      raise Failure('waited %d seconds in vain: %s' % (seconds, what))
    time.sleep(0.1)


def read(path):
  with open(path, encoding='utf-8', errors='replace') as file:
    return file.read()


def write(path, text, mode=0o644):
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  os.chmod(path, mode)
  return path


class Result:
  def __init__(self, command, rc, out, err):
    self.command = command
    self.rc = rc
    self.out = out
    self.err = err

  def __str__(self):
    text = '$ %s -> %s' % (' '.join(map(shlex.quote, self.command)), self.rc)
    for name, value in (('out', self.out), ('err', self.err)):
      if value:
        text += '\n  %s: %s' % (name, value[-900:].rstrip().replace('\n', '\n       '))
    return text


class Engine:
  """The base of each engine: runs its commands and knows how to clean up after them."""

  name = ''
  tools = ()

  def __init__(self, ground):
    self.ground = ground
    self.role = ground.role
    self.is_root = ground.role != 'user'
    self.runtime = ground.runtime
    self.directory = ground.directory
    self.env = dict(ground.env)
    self.files = 0
    self.processes = []
    self.results = []
    self.answers = {}
    self.dirty = False  # there may be something to clean

  # -- what each engine says of itself

  def set_up(self):
    """Starts what has to run, and takes the image in."""

  def command(self, words):
    """The whole command line."""
    return [self.name] + words

  def clean(self):
    """Removes what a case has left."""

  def shut_down(self):
    """Ends what set_up() started."""

  def state_root(self):
    """Where the runtime keeps its containers under this engine, or None."""
    return None

  # -- commands

  def words(self, line):
    words = shlex.split(line) if isinstance(line, str) else [str(word) for word in line]
    return [IMAGE if word == 'IMAGE' else word for word in words]

  def path(self, name, text=None, mode=0o644):
    path = '%s/files/%s' % (self.directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path if text is None else write(path, text, mode)

  def notice(self, words):
    """Every command but a plain "run --rm" may leave something."""
    self.dirty = self.dirty or words[0] != 'run' or '--rm' not in words

  def begin(self, line, plain=False, text=None, env=None, **options):
    """Starts a command; its output goes to files, as containers keep what they inherit open."""
    command = self.words(line) if plain else self.command(self.words(line))
    self.notice(self.words(line))
    self.files += 1
    base = '%s/output/%d' % (self.directory, self.files)
    os.makedirs(os.path.dirname(base), exist_ok=True)
    source = subprocess.PIPE if text is not None else options.pop('stdin', subprocess.DEVNULL)
    with open(base + '.out', 'wb') as out, open(base + '.err', 'wb') as err:
      process = subprocess.Popen(command, stdin=source, stdout=out, stderr=err,
                                 env={**self.env, **(env or {})}, start_new_session=True,
                                 cwd=self.directory, **options)
    process.base = base
    process.command = command
    self.processes.append(process)
    if text is not None:
      try:
        process.stdin.write(text.encode())
        process.stdin.close()
      except BrokenPipeError:
        pass
    return process

  def finish(self, process, seconds=40):
    try:
      rc = process.wait(seconds)
    except subprocess.TimeoutExpired:
      rc = None
    result = Result(process.command, rc, read(process.base + '.out'), read(process.base + '.err'))
    self.results.append(result)
    if rc is None:
      kill_session(process)
      raise Failure('does not end: %s' % result)
    return result

  def run(self, line, rc=0, seconds=40, **more):
    """Runs a command to its end; rc None accepts any exit status."""
    result = self.finish(self.begin(line, **more), seconds)
    if rc is not None and result.rc != rc:
      raise Failure('expected exit status %d: %s' % (rc, result))
    return result

  def out(self, line, **more):
    return self.run(line, **more).out

  def tty(self, line, size=(24, 80)):
    self.notice(self.words(line))
    terminal = Terminal(self.command(self.words(line)), self.env, self.directory, size)
    self.processes.append(terminal.process)
    return terminal

  def need(self, *names):
    """Skips the case where the machine lacks something; each probe_NAME() gives a reason, or None."""
    for name in names:
      if name not in self.answers:
        self.answers[name] = getattr(self, 'probe_' + name.replace('-', '_'))()
      if self.answers[name]:
        raise Skip(self.answers[name])

  def end_processes(self):
    for process in self.processes:
      kill_session(process)
    self.processes = []

  def remains(self):
    """What the runtime itself still knows after the engine has removed everything."""
    root = self.state_root()
    if not root or not os.path.isdir(root):
      return []
    return sorted(name for name in os.listdir(root) if not name.startswith('.'))

  def history(self):
    return '\n'.join(str(result) for result in self.results[-4:])

  # -- probes that engines have in common

  def controllers(self):
    """The controllers that a container of this engine can be limited with."""
    if self.role in ('user', 'rootless'):
      return self.ground.delegated_controllers()
    return self.ground.controllers()

  def probe_criu(self):
    if self.run([self.runtime, 'checkpoint', '--help'], plain=True, rc=None).rc != 0:
      return '%s has no checkpoint' % self.ground.label
    return self.ground.no_criu

  def probe_cgroups(self):
    return None if self.controllers() else 'no cgroup is delegated to this user'

  def probe_memory(self):
    return None if 'memory' in self.controllers() else 'no memory controller for this user'

  def probe_pids(self):
    return None if 'pids' in self.controllers() else 'no pids controller for this user'

  def probe_cpu(self):
    return None if 'cpu' in self.controllers() else 'no cpu controller for this user'

  def probe_freezer(self):
    found = self.controllers() & {'freezer', 'cgroup2'}
    return None if found else 'no cgroup of this user can be frozen'

  def probe_cpuset(self):
    return None if 'cpuset' in self.controllers() else 'no cpuset controller for this user'

  def probe_all_capabilities(self):
    bounding = int(re.search(r'CapBnd:\s*(\w+)', read('/proc/self/status'))[1], 16)
    with open('/proc/sys/kernel/cap_last_cap', encoding='utf-8') as file:
      everything = (1 << (int(file.read()) + 1)) - 1
    return None if bounding == everything else \
      'the machine itself has not all capabilities (bounding set %x)' % bounding

  def probe_mqueue(self):
    return None if os.path.isdir('/dev/mqueue') else 'the machine has no /dev/mqueue'

  def probe_tun(self):
    try:
      os.close(os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
      return '/dev/net/tun: %s' % os.strerror(error.errno)
    return None


def kill_session(process):
  """Ends a process and those of its session; containers have sessions of their own."""
  if process.poll() is None:
    try:
      os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
      pass
    process.wait()


class Terminal:
  """A command on a terminal of its own."""

  def __init__(self, command, env, directory, size):
    self.master, slave = pty.openpty()
    self.resize(*size)
    self.seen = ''
    self.command = command
    self.process = subprocess.Popen(
      command, stdin=slave, stdout=slave, stderr=slave, env={**env, 'TERM': 'xterm'},
      cwd=directory, start_new_session=True,
      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)

  def resize(self, rows, columns):
    fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

  def send(self, text):
    os.write(self.master, text.encode())

  def read_some(self, seconds):
    """Returns False when the other side is closed."""
    ready, _, _ = select.select([self.master], [], [], seconds)
    if not ready:
      return True
    try:
      piece = os.read(self.master, 65536)
    except OSError as error:
      if error.errno != errno.EIO:
        raise
      return False
    self.seen += piece.decode(errors='replace')
    return bool(piece)

  def expect(self, pattern, seconds=20):
    """Waits until what was written since the last time matches."""
    end = time.monotonic() + seconds
    while True:
      found = re.search(pattern, self.seen)
      if found:
        self.seen = self.seen[found.end():]
        return found
      if time.monotonic() > end or not self.read_some(0.2):
        found = re.search(pattern, self.seen)
        if not found:
          raise Failure('%s: no %r on the terminal, but %r' %
                        (' '.join(self.command), pattern, self.seen[-800:]))

  def end(self, rc=0, seconds=20):
    """Waits for the command's end and compares its exit status."""
    end = time.monotonic() + seconds
    while self.process.poll() is None:
      if time.monotonic() > end:
        raise Failure('%s does not end; on the terminal: %r' %
                      (' '.join(self.command), self.seen[-800:]))
      self.read_some(0.05)
    for _ in range(100):
      if not select.select([self.master], [], [], 0)[0] or not self.read_some(0):
        break
    os.close(self.master)
    same(self.process.returncode, rc, 'exit status, after %r' % self.seen[-300:])


def proc_status(text, field):
  """A field of the output of "cat /proc/self/status"."""
  return matches(text, r'(?m)^%s:\s*(.*)$' % field)[1]


def as_json(text):
  try:
    return json.loads(text)
  except ValueError as error:
    raise Failure('no JSON (%s): %r' % (error, text[:500])) from None
