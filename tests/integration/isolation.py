"""Where tests run, so that they can do no harm and leave nothing.

As root, each worker process lives in a mount namespace of its own and in a cgroup of its own in
every hierarchy, in which it is the caller:

  <the harness's cgroup>/proa-tests-<pid>-<number>/          watched: containers' cgroups are here
  <the harness's cgroup>/proa-tests-<pid>-<number>/caller/   the worker

When a worker ends, what is left in its cgroups is killed, and they are removed.  With
PROA_TEST_PIDS=own, and for other runtimes, it has a pid namespace, too: there the kernel's threads are
not to be seen, and containers begin with a copy of the host's mounts.
A plain user can make none of this: its worker is only a child whose descendants are counted.
"""

import ctypes
import grp
import itertools
import json
import os
import pwd
import select
import shutil
import subprocess
import sys
import tempfile
import time

# root; a user with subordinate ids; a user without
ROLES = ('root', 'user', 'lone')
NAMES = {'user': 'proa-test', 'lone': 'proa-plain'}
SUBORDINATE = {'/etc/subuid': [(700000, 10000), (720000, 50000), (780000, 5536)],
               '/etc/subgid': [(700000, 10000), (720000, 50000), (780000, 5536)]}
# Whatever waits waits so many times as long: for machines that are slow.
PATIENCE = int(os.environ.get('PROA_TEST_PATIENCE') or 1)
BACKSTOP = 120 * PATIENCE  # seconds; the worker's own time limits come much earlier

CALLER = 'caller'  # the cgroup that a test's own process is in

libc = ctypes.CDLL(None, use_errno=True)


def check_tools():
  tools = ['busybox'] + (['unshare', 'useradd', 'newuidmap'] if os.geteuid() == 0 else [])
  missing = [tool for tool in tools if not shutil.which(tool)]
  if missing:
    sys.exit('the tests need %s: apt-get install busybox-static util-linux passwd uidmap' %
             ', '.join(missing))


def available_roles():
  if os.geteuid() == 0:
    return ROLES
  with open('/etc/subuid', encoding='utf-8') as file:
    mine = (pwd.getpwuid(os.geteuid()).pw_name, str(os.geteuid()))
    has_ranges = any(line.split(':')[0] in mine for line in file)
  return ('user',) if has_ranges and shutil.which('newuidmap') else ('lone',)


def make_user(role):
  name = NAMES[role]
  try:
    pwd.getpwnam(name)
  except KeyError:
    # No range by itself: which ranges there are is decided here, and "proa-plain" has none.
    subprocess.run(['useradd', '--system', '--shell', '/bin/sh', '--home-dir', '/nonexistent',
                    '--user-group', name], check=True)
  if role != 'user':
    return
  for path, ranges in SUBORDINATE.items():
    with open(path, 'a+', encoding='utf-8') as file:
      file.seek(0)
      text = file.read()
      if not any(line.startswith(name + ':') for line in text.splitlines()):
        file.write(''.join('%s:%d:%d\n' % (name, start, count) for start, count in ranges))


def account(role):
  """(uid, gid, groups) that tests of this role run with."""
  if os.geteuid() != 0:
    return os.geteuid(), os.getegid(), os.getgroups()
  if role == 'root':
    return 0, 0, []
  entry = pwd.getpwnam(NAMES[role])
  groups = [group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem]
  return entry.pw_uid, entry.pw_gid, groups


def hierarchies():
  """Yields (mount point, own cgroup's directory) of every cgroup hierarchy that is mounted."""
  own = {}
  with open('/proc/self/cgroup', encoding='utf-8') as file:
    for line in file:
      _, controllers, path = line.rstrip('\n').split(':', 2)
      own[frozenset(controllers.split(',')) if controllers else 'v2'] = path
  with open('/proc/self/mountinfo', encoding='utf-8') as file:
    lines = [line.split() for line in file]
  for words in lines:
    kind, options = words[words.index('-') + 1], words[-1].split(',')
    if kind == 'cgroup2':
      path = own.get('v2')
    elif kind == 'cgroup':
      path = next((p for key, p in own.items() if key != 'v2' and key <= set(options)), None)
    else:
      continue
    if path is not None and words[3] in ('/', path):
      yield words[4], words[4] if words[3] == path else words[4] + path.rstrip('/')


def may_divide(own):
  """Whether a systemd has delegated this cgroup of version 2, which it notes in an attribute."""
  for name in ('trusted.delegate', 'user.delegate'):
    try:
      if os.getxattr(own, name) == b'1':
        return True
    except OSError:
      pass
  return False


def divide(own):
  """Moves all that is in a delegated cgroup into CALLER below it, and has it hand its controllers
  on: what has processes itself cannot."""
  os.makedirs(own + '/' + CALLER, exist_ok=True)
  with open(own + '/cgroup.procs', encoding='utf-8') as file:
    pids = file.read().split()
  for pid in pids:
    try:
      write_control('%s/%s/cgroup.procs' % (own, CALLER), pid)
    except ProcessLookupError:
      pass
  with open(own + '/cgroup.controllers', encoding='utf-8') as file:
    write_control(own + '/cgroup.subtree_control',
                  ' '.join('+' + name for name in file.read().split()))


def divided(own):
  """The cgroup below which others can be made: the caller's, or the one that was divided."""
  above = os.path.dirname(own)
  return above if os.path.basename(own) == CALLER and may_divide(above) else own


def write_control(path, text):
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)


def thaw(folder):
  """What is frozen in version 1 takes not even SIGKILL."""
  for name, value in (('freezer.state', 'THAWED'), ('cgroup.freeze', '0')):
    try:
      if os.path.exists('%s/%s' % (folder, name)):
        write_control('%s/%s' % (folder, name), value)
    except OSError:
      pass  # it has just gone


def remove_cgroup(path):
  """Removes a cgroup directory and those below it; what lives in it is thawed and killed first."""
  for _ in range(100):
    for folder, _, _ in os.walk(path, topdown=False):
      thaw(folder)
      try:
        with open(folder + '/cgroup.procs', encoding='utf-8') as file:
          for pid in file.read().split():
            os.kill(int(pid), 9)
        os.rmdir(folder)
      except OSError:
        pass
    if not os.path.exists(path):
      return
    time.sleep(0.05)
  print('cannot remove %s' % path, file=sys.stderr)


def sweep():
  """Removes the cgroups of harnesses that were killed."""
  for root, own in list(hierarchies()):
    for folder in {root, divided(own)}:
      for name in os.listdir(folder):
        words = name.split('-')
        if name.startswith('proa-tests-') and not os.path.exists('/proc/' + words[2]):
          remove_cgroup('%s/%s' % (folder, name))


class Ground:
  """What all workers share, made once and removed at the end: users and a directory."""

  def __init__(self, runtime, view, users=('user', 'lone'), mounts=0):
    self.runtime = runtime
    self.view = view  # of the cgroup hierarchies: host, v1 or v2
    self.mounts = mounts  # that the host has besides its own
    self.users = users
    # Nobody knows whom another runtime kills.
    self.own_pids = (os.environ.get('PROA_TEST_PIDS') == 'own'
                     or not os.path.basename(runtime).startswith('proa'))
    self.directory = None

  def __enter__(self):
    if os.geteuid() == 0:
      for role in self.users:
        make_user(role)
      for _, own in list(hierarchies()):
        if may_divide(own):
          divide(own)
      sweep()
      self.directory = tempfile.mkdtemp(prefix='proa-tests-', dir='/tmp')
      os.chmod(self.directory, 0o755)
    else:
      base = next((d for d in (os.environ.get('XDG_RUNTIME_DIR'), '/dev/shm', '/tmp')
                   if d and os.access(d, os.W_OK)), None)
      self.directory = tempfile.mkdtemp(prefix='proa-tests-', dir=base)
    # Where all users can reach it.
    helper = os.path.dirname(self.runtime) + '/proa-systemd'
    self.runtime = shutil.copy(self.runtime, self.directory + '/proa')
    os.chmod(self.runtime, 0o755)
    if os.path.exists(helper):
      os.chmod(shutil.copy(helper, self.directory), 0o755)
    return self

  def __exit__(self, *_):
    subprocess.run(['rm', '-rf', '--one-file-system', self.directory], check=False)


class Place:
  """A worker process and its surroundings."""

  ground = None
  serial = itertools.count(1)

  def __init__(self, role, modules, here):
    serial = next(self.serial)
    self.cgroups = []
    self.directory = '%s/%d' % (self.ground.directory, serial)
    os.mkdir(self.directory, 0o755)
    command = [sys.executable, here + '/run', '--worker', role, self.directory,
               self.ground.runtime, ','.join(modules), self.ground.view, str(self.ground.mounts)]
    if os.geteuid() == 0:
      self.make_cgroups('proa-tests-%d-%d' % (os.getpid(), serial))
      pids = ['--pid', '--mount-proc'] if self.ground.own_pids else []
      command = ['unshare', '--mount', '--propagation', 'private', '--fork', '--kill-child', *pids, '--'] + command
    # The worker enters its cgroups by itself: it is told of them, and begins as root.
    self.process = subprocess.Popen(command + self.cgroups, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, start_new_session=True)

  def make_cgroups(self, name):
    for root, own in list(hierarchies()):
      own = divided(own)
      path = own + '/' + name
      try:
        os.mkdir(path)
        copy_cpuset(own, path)
        os.mkdir(path + '/' + CALLER)
        copy_cpuset(path, path + '/' + CALLER)
      except OSError as error:
        print('cannot make %s: %s' % (path, error.strerror), file=sys.stderr)
        continue
      self.cgroups.append(path)
      if own != root:  # where the same absolute path leads to in this hierarchy
        os.makedirs(root + '/' + name, exist_ok=True)
        self.cgroups.append(root + '/' + name)

  def do(self, job):
    """Returns (result, text, whether the worker can be used again)."""
    line, ended = b'', True
    try:
      self.process.stdin.write((json.dumps(job) + '\n').encode())
      self.process.stdin.flush()
      ready, _, _ = select.select([self.process.stdout], [], [], BACKSTOP)
      line = self.process.stdout.readline() if ready else b''
      ended = bool(ready)
    except BrokenPipeError:
      pass
    if line:
      return tuple(json.loads(line))
    return 'FAIL', 'the process that ran the test %s' % (
      'has ended' if ended else 'hangs'), False

  def close(self):
    self.process.stdin.close()
    try:
      self.process.wait(5)
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
    self.process.stdout.close()
    for path in self.cgroups:
      remove_cgroup(path)
    subprocess.run(['rm', '-rf', '--one-file-system', self.directory], check=False)


def show_only(view, cgroups):
  """In a mount namespace of one's own: lets the machine look like one that has v1 or v2 alone.
  Returns the watched directories that can still be seen."""
  unified = [path for path in cgroups if '/unified/' in path]
  if view == 'v1':
    libc.umount2(b'/sys/fs/cgroup/unified', 0)
    return [path for path in cgroups if path not in unified]
  if view == 'v2' and unified:
    mount('cgroup2', '/sys/fs/cgroup', 'cgroup2')
    return [path.replace('/unified/', '/') for path in unified]
  return cgroups


def copy_cpuset(above, below):
  for name in ('cpuset.cpus', 'cpuset.mems'):
    try:
      with open('%s/%s' % (above, name), encoding='utf-8') as source:
        value = source.read().strip()
      if value:
        with open('%s/%s' % (below, name), 'w', encoding='utf-8') as target:
          target.write(value)
    except OSError:
      pass  # another hierarchy


def make_mounts(folder, count):
  """As an engine does that has many containers: by themselves these cost nothing but their number."""
  for number in range(count):
    os.makedirs('%s/%d' % (folder, number))
    mount('tmpfs', '%s/%d' % (folder, number), 'tmpfs', 0, 'size=4k')


def mount(source, target, kind, flags=0, data=None):
  if libc.mount(source and source.encode(), target.encode(), kind and kind.encode(),
                ctypes.c_ulong(flags), data and data.encode()) < 0:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), target)


def unshare(flags):
  if libc.unshare(flags) < 0:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), 'unshare')


def become_subreaper():
  pr_set_child_subreaper = 36
  libc.prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def become_dumpable():
  """Without this a process that has given up root may not look at itself in /proc."""
  pr_set_dumpable = 4
  libc.prctl(pr_set_dumpable, 1, 0, 0, 0)
