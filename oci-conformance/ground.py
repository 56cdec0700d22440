"""Where the clauses are checked, so that no runtime can do harm: workers.

Each worker is a process with a mount, pid, network, ipc and uts namespace of its own, its own /run and
scratch file system, and a cgroup of its own in every hierarchy.  It is pid 1 of its pid namespace: what
a runtime leaves becomes its child, and ends with it.
"""

import ctypes
import itertools
import json
import os
import queue
import select
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 60  # seconds; a clause's own time limit comes much earlier

CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x04000000, 0x08000000, 0x40000000
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
  if result < 0:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), what)
  return result


def mount(source, target, kind, flags=0, data=None):
  def encode(text):
    return text and text.encode()
  check(libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags),
                   encode(data)), target)


def unshare(flags):
  check(libc.unshare(flags), 'unshare')


def set_namespace(path):
  fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
  try:
    check(libc.setns(fd, 0), path)
  finally:
    os.close(fd)


# -- cgroups ---------------------------------------------------------------------------------------

def hierarchies():
  """Yields (mount point, own cgroup's path in it) of each hierarchy."""
  own = {}
  with open('/proc/self/cgroup', encoding='utf-8') as file:
    for line in file:
      _, controllers, path = line.rstrip('\n').split(':', 2)
      own[frozenset(controllers.split(',')) if controllers else 'v2'] = path.rstrip('/')
  with open('/proc/self/mountinfo', encoding='utf-8') as file:
    lines = [line.split() for line in file]
  for words in lines:
    kind, options = words[words.index('-') + 1], set(words[-1].split(','))
    path = None
    if kind == 'cgroup2':
      path = own.get('v2')
    elif kind == 'cgroup':
      path = next((p for key, p in own.items() if key != 'v2' and key <= options), None)
    if path is not None and words[3] == '/' and is_visible(words[4], words[2]):
      yield words[4], path


def is_visible(point, device):
  """Whether it is this mount that is found there, and not one that covers it."""
  try:
    found = os.stat(point).st_dev
  except OSError:
    return False
  return '%d:%d' % (os.major(found), os.minor(found)) == device


def make_cgroup(path):
  os.mkdir(path)
  for name in ('cpuset.cpus', 'cpuset.mems'):  # empty in a new one of version 1
    try:
      with open('%s/%s' % (os.path.dirname(path), name), encoding='utf-8') as source:
        value = source.read().strip()
      if value:
        with open('%s/%s' % (path, name), 'w', encoding='utf-8') as target:
          target.write(value)
    except OSError:
      pass  # another hierarchy


def remove_cgroup(path):
  for _ in range(100):
    for folder, _, _ in os.walk(path, topdown=False):
      try:
        with open(folder + '/cgroup.procs', encoding='utf-8') as file:
          for pid in file.read().split():
            os.kill(int(pid), 9)
      except OSError:
        pass
      try:
        os.rmdir(folder)
      except OSError:
        pass
    if not os.path.exists(path):
      return
    time.sleep(0.02)
  print('# cannot remove %s' % path, file=sys.stderr)


def show_only(view, scratch):
  """Lets the machine look like one with cgroups of one version.  The tmpfs that holds the hierarchies
  may be shared with the machine, so a new one covers it."""
  if view == 'v2':
    mount('cgroup2', '/sys/fs/cgroup', 'cgroup2')
  if view != 'v1':
    return
  folder = scratch + '/cgroup'
  os.mkdir(folder)
  mount('tmpfs', folder, 'tmpfs', 0, 'mode=755')
  for point, _ in list(hierarchies()):
    target = '%s/%s' % (folder, os.path.basename(point))
    if os.path.exists(point + '/cgroup.controllers') or point.count('/') != 4:
      continue
    os.mkdir(target)
    mount(point, target, None, MS_BIND)
  mount(folder, '/sys/fs/cgroup', None, MS_MOVE)


# -- the worker's side -----------------------------------------------------------------------------

def settle(scratch, cgroups, view):
  """In the new namespaces: takes place in the cgroups, on file systems of one's own."""
  for path in cgroups:
    with open(path + '/caller/cgroup.procs', 'w', encoding='utf-8') as file:
      file.write('0')
  unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
  mount('tmpfs', scratch, 'tmpfs', 0, 'mode=755')
  mount('tmpfs', '/run', 'tmpfs', 0, 'mode=755')
  show_only(view, scratch)
  os.umask(0o022)
  os.chdir(scratch)


# -- the harness's side ----------------------------------------------------------------------------

class Worker:
  serial = itertools.count(1)

  def __init__(self, runtime, options, scratch):
    self.name = 'oci-conformance-%d-%d' % (os.getpid(), next(self.serial))
    self.scratch = '%s/%s' % (scratch, self.name)
    os.mkdir(self.scratch)
    self.cgroups, entered = [], []
    for point, own in list(hierarchies()):
      # Containers are asked for below the hierarchy's root; the worker stays where it is limited.
      for path in dict.fromkeys((point + own, point)):
        make_cgroup('%s/%s' % (path, self.name))
        self.cgroups.append('%s/%s' % (path, self.name))
      make_cgroup('%s%s/%s/caller' % (point, own, self.name))
      entered.append('%s%s/%s' % (point, own, self.name))
    settings = {'runtime': runtime, 'flags': options.runtime_flag, 'view': options.cgroup_view,
                'scratch': self.scratch, 'name': self.name, 'cgroups': entered}
    self.process = subprocess.Popen(
      ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child',
       '--mount-proc', '--', sys.executable, HERE + '/run', '--worker', json.dumps(settings)],
      stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

  def check(self, name):
    """(result, text) of one clause; None as the text's second: the worker can't be used again."""
    try:
      self.process.stdin.write((name + '\n').encode())
      self.process.stdin.flush()
      ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
      line = self.process.stdout.readline() if ready else b''
    except BrokenPipeError:
      line = b''
    if line:
      return json.loads(line) + [True]
    return ['fail', 'the process that checks it ended, or hangs', False]

  def close(self):
    self.process.stdin.close()
    try:
      self.process.wait(3)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
    self.process.stdout.close()
    for path in self.cgroups:
      remove_cgroup(path)
    try:
      os.rmdir(self.scratch)
    except OSError as error:
      print('# %s' % error, file=sys.stderr)


def check_all(runtime, clauses, options, scratch):
  """Yields (clause, result, text, seconds) in the order of the clauses, as soon as they are known."""
  todo = queue.Queue()
  done = [queue.Queue() for _ in clauses]
  for index, clause in enumerate(clauses):
    todo.put((index, clause))

  def work():
    worker = None
    while True:
      try:
        index, clause = todo.get_nowait()
      except queue.Empty:
        break
      began = time.monotonic()
      try:
        worker = worker or Worker(runtime, options, scratch)
        result, text, usable = worker.check(clause.name)
      except OSError as error:
        result, text, usable = 'fail', 'no place to check it: %s' % error, False
      took = time.monotonic() - began
      done[index].put((result, text, took))
      if worker and not usable:
        worker.close()
        worker = None
    if worker:
      worker.close()

  threads = [threading.Thread(target=work) for _ in range(max(1, options.jobs))]
  for thread in threads:
    thread.start()
  try:
    for index, clause in enumerate(clauses):
      yield (clause,) + done[index].get()
  finally:
    while not todo.empty():  # interrupted: what is under way is still cleaned up
      try:
        todo.get_nowait()
      except queue.Empty:
        break
    for thread in threads:
      thread.join()
