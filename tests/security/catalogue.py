"""What a row of the catalogue is, and what several rows do.

A row is a function f(t) below @row(...); t is a Test of the integration tests, whose boxes are bundles.
What a row leaves behind, be it a process, a mount, a cgroup or a file, makes it fail.  No row compares the
texts of a runtime: each looks at what has become of the host and of the container.
"""

import os
import stat
import subprocess
import time

from isolation import PATIENCE
from lib import CONFIG, Failure, Skip, read, write
from test_hostile import Canary, link, targets  # noqa: F401  (for the rows)

ROWS = []
ALL = ['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL',
       'CAP_MKNOD', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID',
       'CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_SYS_PTRACE']


CONFIG['ociVersion'] = '1.0.2'  # which older runtimes know, too


class Row:
  def __init__(self, number, known, function, more):
    self.id = number
    self.known = known  # ids of the weaknesses, or who had it
    self.module = function.__module__
    self.name = function.__name__
    self.view = more.get('view', 'auto')
    self.role = more.get('role', 'root')
    self.sample = more.get('sample', False)
    self.control = more.get('control', False)

  def title(self):
    return '%s %s (%s)' % (self.id, self.name[4:].replace('_', ' '), self.known)


def row(number, known, **more):
  """control: an attack that some released runtime does not withstand, to compare with."""
  def mark(function):
    function.seconds = more.get('seconds', 60)
    ROWS.append(Row(number, known, function, more))
    return function
  return mark


def powerful(box, *names):
  """Gives the container these capabilities."""
  sets = ('bounding', 'effective', 'permitted')
  box.process['capabilities'] = {name: list(names) or ALL for name in sets}
  return box


def execute(box, *words, **more):
  """exec in a container that runs; words are options, then the program."""
  options = []
  words = list(words)
  while words and words[0].startswith('-'):
    options += [words.pop(0), words.pop(0)]
  return box.test.proa('exec', *options, box.id, *words, **more)


def running(t, script='while :; do sleep 1; done', box=None):
  """A container that runs, for what comes from inside or by exec."""
  box = box or t.box(script)
  create(box)
  result = t.proa('start', box.id)
  t.same(result.rc, 0, str(result))
  return box


def create(box):
  result = box.try_create()
  box.test.same(result.rc, 0, str(result))
  return box


def end(box):
  box.test.proa('delete', '--force', box.id)


def refused(t, result, what=''):
  """It failed, without hanging, and with a word."""
  t.true(result.rc != 0, '%s was accepted: %s' % (what, result))
  t.true(result.err.strip() or result.rc == 255, 'it failed without a word: %s' % result)
  return result


def quickly(t, function, what, seconds=3):
  begin = time.monotonic()
  result = function()
  t.true(time.monotonic() - begin < seconds * PATIENCE, '%s takes long: %s' % (what, result))
  return result


def text_of(path):
  try:
    return read(path)
  except OSError:
    return ''


def digest(path):
  return subprocess.run(['sha256sum', path], capture_output=True, text=True,
                        check=True).stdout.split()[0]


def has_command(t, name):
  result = t.proa(name, '--help', plain=True)
  return result.rc == 0 and name in result.out + result.err


def unlink(path):
  if os.path.lexists(path):
    os.unlink(path)


def is_null(path):
  status = os.lstat(path)
  return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)


__all__ = ['ALL', 'Canary', 'Failure', 'Skip', 'create', 'digest', 'end', 'execute', 'has_command',
           'is_null', 'link', 'powerful', 'quickly', 'read', 'refused', 'row', 'running', 'targets',
           'text_of', 'unlink', 'write']
