"""Races: names that are exchanged all the time, while containers are made as fast as they can be.

A try costs the runtime's own time and little more: each runner is a process that starts the runtime again and
again, and what all of them wrote is looked at after each round.  Before the runtime's turn comes that of
naive.py, which makes the mistake in question: an attack that does not hit it proves nothing.
"""

import os
import signal
import time

import naive
from isolation import PATIENCE
from lib import Failure, read
from test_mount_races import flip

TRIES = int(os.environ.get('PROA_SECURITY_TRIES') or 10000)
SECONDS = 60 + TRIES // 8  # the time limit of a row that tries this often
ROUND = 100  # tries of each runner, until somebody looks whether one was a hit
MOST_CONTROLS = 3000
NARROW = 100  # tries of the stand-in until it begins to give the attackers time
RUNNERS = min(os.cpu_count() or 1, 4)


def exchange(t, first, second):
  """Processes that exchange two names until the test is over, half as many as there are runners."""
  for _ in range(max(1, RUNNERS // 2)):
    flip(t, first, second)


def repeat(t, action):
  """A process that does this all the time, until the test is over."""
  pid = os.fork()
  while pid == 0:
    try:
      action()
    except OSError:
      pass
  t.ready.append(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))


def keep_removing(t, folder, *names):
  """What the runtime makes in this directory is to be made at each try."""
  fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
  t.ready.append(lambda: os.close(fd))
  turns = [iter(())]

  def remove():
    name = next(turns[0], None)
    if name is None:
      turns[0] = iter(names)
      return
    try:
      os.unlink(name, dir_fd=fd)
    except IsADirectoryError:
      os.rmdir(name, dir_fd=fd)

  repeat(t, remove)


class Runner:
  """A process that starts commands one after the other; what they write is in one file."""

  def __init__(self, t, commands, stdin):
    self.out = '%s/race-%d' % (t.directory, t.files)
    t.files += 1
    reader, writer = os.pipe()
    self.pid = os.fork()
    if self.pid == 0:
      try:
        os.write(writer, b'%d' % self.serve(t, commands, stdin))
      finally:
        os._exit(0)
    os.close(writer)
    self.pipe = reader

  def serve(self, t, commands, stdin):
    signal.alarm(0)
    os.chdir(t.directory)
    environment, worked = t.environment(), 0
    fd = os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stdin = os.open('/dev/null', os.O_RDONLY) if stdin is None else stdin
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0),
               (os.POSIX_SPAWN_DUP2, fd if not os.isatty(stdin) else stdin, 1),
               (os.POSIX_SPAWN_DUP2, fd, 2)]
    for command in commands:
      pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
      worked += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return worked

  def finish(self):
    """Returns how many commands worked, and what all of them wrote."""
    with open(self.pipe, 'rb') as pipe:
      worked = int(pipe.read() or 0)
    os.waitpid(self.pid, 0)
    text = read(self.out)
    os.unlink(self.out)
    return worked, text


def storm(t, command, count, stdin=None):
  """Runs command(number) count times, by several processes; yields (tries, worked, text) of each round."""
  done = 0
  while done < count:
    runners = []
    for _ in range(RUNNERS):
      mine = range(done, min(done + ROUND, count))
      done += len(mine)
      if mine:
        runners.append(Runner(t, [command(number) for number in mine], stdin))
    results = [runner.finish() for runner in runners]
    yield done, sum(worked for worked, _ in results), ''.join(text for _, text in results)


def control(t, box, hit, stdin):
  """Returns at which try the careless stand-in was hit.  How wide its window is depends on the machine; after
  some tries it opens it wider."""
  deadline = time.monotonic() + 40 * PATIENCE
  out = t.path('control')
  for number in range(1, MOST_CONTROLS + 1):
    naive.run(box, out, stdin, pause=0.001 if number > NARROW else 0)
    if hit(read(out)):
      return '%d%s' % (number, ', in a window of a millisecond' if number > NARROW else '')
    os.unlink(out)
    if time.monotonic() > deadline:
      break
  raise Failure('not even a runtime that looks at each path and then uses its name was hit in %d tries: '
                'this attack proves nothing here' % number)


def race(t, box, hit, reset=None, stdin=None, tries=TRIES):
  """Runs the container again and again while somebody renames.  hit(text) returns what is wrong with the host,
  or with what the containers wrote, or nothing; reset() makes the host as it was before a hit."""
  box.save()
  box.used = False
  first = control(t, box, hit, stdin)
  if reset:
    reset()
  worked = 0

  def command(number):
    return t.command(['run', '--bundle', box.directory, '%s-%d' % (box.id, number)])

  for done, good, text in storm(t, command, tries, stdin):
    worked += good
    found = hit(text)
    if found:
      raise Failure('hit within %d tries: %s' % (done, found))
  t.notes.append('%d tries (%d of them made a container), 0 hits; the careless stand-in was hit at try %s' % (
    tries, worked, first))
  t.true(worked, 'none of %d tries made a container, the last of them: %s' % (tries, text[-300:]))


def flood(box, *words, count=TRIES):
  """Executes this in the container again and again."""
  t = box.test
  worked = 0
  for _, good, _ in storm(t, lambda _: t.command(['exec', box.id, *words]), count):
    worked += good
  t.notes.append('%d executions (%d of them worked)' % (count, worked))
  return worked
