"""The kinds of faults: which cases there are of each, and how one is done.

A case is a list of words that begins with its kind, so that it can be printed, chosen and repeated.
cases_KIND(commands, points) yields them; do_KIND(scene, words) does one and returns (class, text, usable).
"""

import errno
import os
import resource
import signal
import threading

import commands
import isolation
import tracer
from endings import cases_soak, cases_time, cases_torn, do_soak, do_time, do_torn  # noqa: F401  (for serve.py)
from scene import MNT_DETACH

ERRNOS = ('EINTR', 'ENOMEM', 'EMFILE', 'ENOSPC', 'EIO', 'EACCES', 'EAGAIN', 'EBUSY')
TRIES = 3  # errnos for each point; which ones goes round
# A socket that blocks for as long as it takes has no such error, and one with a time limit means that by it.
INSTEAD = {('recvmsg', 'EAGAIN'): 'ENOBUFS'}
VERBS = ('create', 'start', 'exec', 'kill', 'delete', 'pause', 'resume', 'update', 'state')
DELAYS = (0, 0.5, 1, 2, 4, 8, 16)  # ms by which the second of a pair is later


# -- one system call of one process

def points(scene, command):
  """The names of the calls that each process of an undisturbed run makes; of three, which wait more or less
  often, the shortest."""
  return min((one_run(scene, command) for _ in range(3)), key=lambda found: sum(map(len, found)))


def one_run(scene, command):
  scene.prepare(command)
  result = scene.runtime(commands.words(command, scene.box), traced=True)
  known = tracer.names()
  problem = scene.finish(scene.judge(command, result))
  if problem[0] != 'success':
    raise RuntimeError('%s, undisturbed: %s: %s' % (command, problem[0], problem[1]))
  return [[known.get(number, str(number)) for number in calls] for calls in result['calls']]


def cases_kill(chosen, found):
  for command in chosen:
    for process, calls in enumerate(found[command]):
      for at in range(len(calls)):
        yield ['kill', command, process, at]


def cases_errno(chosen, found):
  for command in chosen:
    for process, calls in enumerate(found[command]):
      for at, name in enumerate(calls):
        if name not in tracer.NEVER_FAIL:
          for number in range(TRIES):
            wanted = ERRNOS[(at * TRIES + number) % len(ERRNOS)]
            yield ['errno', command, process, at, INSTEAD.get((name, wanted), wanted)]


def traced(scene, words, number):
  _, command, process, at, *_ = words
  scene.prepare(command)
  result = scene.runtime(commands.words(command, scene.box), traced=True,
                         point=(int(process), int(at) if str(at).isdigit() else at, number))
  result['may_be_killed'] = number is None and int(process) == 0
  if not result['hit'] and not result['hang']:
    scene.finish(('', ''))
    return 'not reached', '', True
  kind, text = scene.judge(command, result)
  command = commands.base(command)
  if kind == 'lie' and number is None and (
      (command == 'create' and text == 'it is stopped and not created') or
      (command == 'run' and text == 'it is stopped and not running' and result['hit'] == 'execve')):
    kind = 'success'  # init was killed when all was done, and "state" says so
  if kind == 'silent' and number is None and command in ('run', 'exec') and (
      result['rc'] == 128 + signal.SIGKILL):
    kind = 'clean'  # the exit status of a process that was killed, which it was
  kind, text, usable = scene.finish((kind, text))
  return kind, '%s: %s' % (result['hit'], text), usable


def do_kill(scene, words):
  return traced(scene, words, None)


def do_errno(scene, words):
  return traced(scene, words, getattr(errno, words[4]))


# -- little of something

LIMITS = {
  'nofile': [str(n) for n in range(3, 65)],
  'address-space': [str(1 << n) for n in range(0, 13)],          # MiB
  'pids': [str(n) for n in range(0, 13)],                        # more than there are already
  'memory': [str(64 * n) for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)],  # KiB
  'nproc': [str(n) for n in range(1, 17)],                       # of the user, with all his workers
}
RLIMITS = {'nofile': (resource.RLIMIT_NOFILE, 1), 'address-space': (resource.RLIMIT_AS, 1 << 20),
           'nproc': (resource.RLIMIT_NPROC, 1)}


def matters(name, command):
  """A container's own limit, where it is made; root's processes are not counted by RLIMIT_NPROC."""
  if name == 'memory':
    return command in ('create', 'run')
  return name != 'nproc' or command.startswith(commands.ROOTLESS)


def cases_limits(chosen, _):
  for command in chosen:
    for name, values in LIMITS.items():
      if matters(name, command):
        for value in values:
          yield ['limits', command, name, value]


def do_limits(scene, words):
  _, command, name, value = words
  scene.restore()
  if name == 'memory':
    if not scene.test.cgroup('memory'):
      return 'not reached', 'there is no memory controller', True
    scene.box.config['linux'].setdefault('resources', {})['memory'] = {'limit': int(value) * 1024}
  scene.prepare(command)
  options = {}
  undo = None
  if name in RLIMITS:
    number, unit = RLIMITS[name]
    options['limits'] = [(number, int(value) * unit)]
  elif name == 'pids':
    undo = few_processes(scene, int(value))
    if not undo:
      return 'not reached', 'there is no pids controller', scene.finish(('', ''))[2]
  # Traced, to know whether the kernel could load the program: if not, it ends it by SIGSEGV.
  result = scene.runtime(commands.words(command, scene.box), traced=name == 'address-space', **options)
  if undo:
    undo()
  if not result['begun']:
    scene.finish(('', ''))
    return 'not reached', 'the kernel cannot load the runtime', True
  kind, text = scene.judge(command, result)
  if name == 'memory' and kind == 'silent' and result['rc'] == 128 + signal.SIGKILL:
    kind = 'clean'  # the program had begun: the kernel killed it, and the exit status says so
  if name == 'memory' and kind == 'lie' and command == 'create' and 'it is stopped' in text:
    kind = 'success'  # what waits has died of its limit since
  scene.restore()
  return scene.finish((kind, text))


def few_processes(scene, more):
  """The caller and its containers together may have so many processes more."""
  path = scene.test.cgroup('pids')
  if not path:
    return None
  with open(path + '/pids.current', encoding='utf-8') as file:
    # Two are the process between and the runtime itself.
    isolation.write_control(path + '/pids.max', str(int(file.read()) + 2 + more))
  return lambda: isolation.write_control(path + '/pids.max', 'max')


# -- no space for the state

PAGES = range(0, 9)
INODES = range(0, 9)


def cases_disk(chosen, _):
  for command in chosen:
    for value in PAGES:
      yield ['disk', command, 'pages', value]
    for value in INODES:
      yield ['disk', command, 'inodes', value]


def free(path, what):
  found = os.statvfs(path)
  return found.f_bavail if what == 'pages' else found.f_ffree


def fill(folder, what, remaining):
  """Leaves so many pages, or inodes, and no more."""
  if what == 'pages':
    with open(folder + '/pages', 'wb', buffering=0) as file:
      while free(folder, what) > remaining:
        file.write(b'x' * 4096)
  number = 0
  while what == 'inodes' and free(folder, what) > remaining:
    number += 1
    os.mknod('%s/%d' % (folder, number))


def do_disk(scene, words):
  _, command, what, value = words
  filler = scene.state_root + '/filler'
  isolation.mount('tmpfs', scene.state_root, 'tmpfs', 0, 'mode=700,size=1m,nr_inodes=64')
  os.chown(scene.state_root, *scene.settings.account)
  os.mkdir(filler)
  before, scene.before = scene.before, scene.count()
  try:
    scene.prepare(command)
    fill(filler, what, int(value))
    result = scene.runtime(commands.words(command, scene.box))
    # It is full still when the container is deleted: that must not take space.
    return scene.finish(scene.judge(command, result))
  finally:
    isolation.libc.umount2(scene.state_root.encode(), MNT_DETACH)
    scene.before = before


# -- two commands at once

EFFECTS = {  # verb: {state before: state after}, where it may succeed
  'create': {None: 'created'},
  'start': {'created': 'running'},
  'exec': {state: state for state in ('created', 'running', 'paused')},
  'kill': {'created': 'stopped', 'running': 'stopped', 'paused': 'stopped', 'stopped': 'stopped'},
  'delete': dict.fromkeys((None, 'created', 'running', 'paused', 'stopped')),
  'pause': {'created': 'paused', 'running': 'paused', 'paused': 'paused'},
  'resume': {'paused': 'running', 'running': 'running', 'created': 'created'},
  'update': {state: state for state in ('created', 'running', 'paused')},
  'state': {state: state for state in ('creating', 'created', 'running', 'paused', 'stopped')},
}


def cases_pairs(*_):
  for prefix in ('', commands.ROOTLESS):
    verbs = [verb for verb in VERBS if not prefix or verb not in ('pause', 'resume', 'update')]
    for first in verbs:
      for second in verbs:
        # What is executed in a container that is paused just then waits with it, as it has to.
        if {first, second} != {'exec', 'pause'}:
          for delay in DELAYS:
            yield ['pairs', prefix + first, prefix + second, delay]


def first_state(first, second):
  for verb in ('create', 'start', 'resume'):
    if verb in (first, second):
      return verb
  return 'exec'


def possible(state, rows):
  """The state after these (verb, worked) in this order, or 'no' if that cannot be."""
  for verb, worked in rows:
    if worked and state not in EFFECTS[verb]:
      return 'no'
    if worked:
      state = EFFECTS[verb][state]
  return state


def at_once(scene, first, second, delay):
  results = {}

  def run(number, verb):
    results[number] = scene.runtime(commands.words(verb, scene.box))
  threads = [threading.Thread(target=run, args=row) for row in enumerate((first, second))]
  threads[0].start()
  threading.Event().wait(delay / 1000)
  threads[1].start()
  for thread in threads:
    thread.join()
  return results[0], results[1]


def do_pairs(scene, words):
  first, second = map(commands.base, words[1:3])
  delay = words[3]
  beginning = first_state(first, second)
  scene.prepare(beginning)
  results = at_once(scene, first, second, float(delay))
  for verb, result in zip((first, second), results):
    if result['hang'] or result['crash'] or result['rc'] < 0:
      return scene.finish(('hang' if result['hang'] else 'crash', '%s: %s' % (verb, result)))
    # A program that had begun ends with its container, and says so by its status.
    if result['rc'] and not result['err'].strip() and (verb, result['rc']) != ('exec', 128 + signal.SIGKILL):
      return scene.finish(('silent', '%s: %d' % (verb, result['rc'])))
  rows = [(verb, result['rc'] == 0) for verb, result in zip((first, second), results)]
  before = commands.BEFORE[beginning]
  allowed = {possible(before, rows), possible(before, rows[::-1])} - {'no'}
  found = []

  def is_so():
    status = scene.status()
    found[:] = [None if status == 'not there' else status]
    return found[0] in allowed
  if not commands.soon(is_so):
    return scene.finish(('lie', '%s and %s: it is %s, and could be %s: %s' % (
      rows[0], rows[1], found[0], allowed, [result['err'].strip() for result in results])))
  both = all(worked for _, worked in rows)
  return scene.finish(('success' if both else 'clean', ''))
