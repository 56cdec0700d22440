"""Where the cases of one engine, one role and one runtime run, so that nothing of it can stay.

A worker is the first process of a pid namespace; when it ends, so does all that it started.  It has a
network namespace of its own, in which engines may make bridges and rules; a mount namespace, in which /etc
and /var are covered by overlays and /run, /tmp and /dev/shm are new, so that users, settings, images and
sockets exist for its processes alone; and a cgroup in each hierarchy, which a cgroup namespace makes look
like the root of them.
"""

import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile

import isolation
import lib

USER = NAME = 'proa-engines'
UID = 64321
CLONE_NEWCGROUP = 0x02000000
MNT_DETACH = 2
SUBORDINATE = 65536


# -- the parent's side ---------------------------------------------------------------------------

def thaw_and_remove(paths):
  # What is frozen by version 1 can't even be killed.
  for path in paths:
    for folder, _, names in os.walk(path):
      if 'freezer.state' in names:
        lib.write(folder + '/freezer.state', 'THAWED')
  for path in paths:
    isolation.remove_cgroup(path)


def parents():
  """Where a cgroup is made in each hierarchy: the caller's own, or, where that of version 2 passes no
  controllers on, its root."""
  for root, own in list(isolation.hierarchies()):
    control = own + '/cgroup.subtree_control'
    yield root if os.path.exists(control) and not lib.read(control).strip() else own


def sweep():
  """Removes the cgroups of harnesses that were killed."""
  for parent in parents():
    for name in os.listdir(parent):
      if name.startswith(NAME) and not os.path.exists('/proc/' + name.split('-')[2]):
        thaw_and_remove(['%s/%s' % (parent, name)])


class Cgroups:
  """A cgroup in every hierarchy; the worker enters it."""

  def __init__(self, serial):
    name = '%s-%d-%d' % (NAME, os.getpid(), serial)
    self.paths = []
    for parent in parents():
      path = '%s/%s' % (parent, name)
      try:
        os.mkdir(path)
      except OSError as error:
        print('cannot make %s: %s' % (path, error.strerror), file=sys.stderr)
        continue
      isolation.copy_cpuset(parent, path)
      self.paths.append(path)

  def remove(self):
    thaw_and_remove(self.paths)


def start_worker(arguments, cgroups):
  """Starts "run --worker ..." in namespaces of its own."""
  command = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child',
             '--net', '--ipc', '--uts', '--mount-proc', '--', sys.executable,
             os.path.dirname(os.path.abspath(__file__)) + '/run', '--worker',
             json.dumps(arguments), json.dumps(cgroups.paths)]
  return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          start_new_session=True)


# -- the worker's side ---------------------------------------------------------------------------

def enter_cgroups(paths):
  for path in paths:
    lib.write(path + '/cgroup.procs', '0', 0o644)
  isolation.unshare(CLONE_NEWCGROUP)


def hierarchies_of_host():
  """(mount point, type, options that make it) of each cgroup hierarchy."""
  rows = []
  with open('/proc/self/mountinfo', encoding='utf-8') as file:
    for line in file:
      words = line.split()
      kind = words[words.index('-') + 1]
      if kind in ('cgroup', 'cgroup2'):
        options = [word for word in words[-1].split(',')
                   if word not in ('rw', 'ro') and not word.startswith('release_agent')]
        rows.append((words[4], kind, ','.join(options)))
  return rows


def show_cgroups(view):
  """Puts the hierarchies that the view has on /sys/fs/cgroup, each with the worker's as root."""
  rows = hierarchies_of_host()
  old = [row for row in rows if row[1] == 'cgroup']
  if view == 'auto':
    view = 'v1' if old else 'v2'
  if view == 'v2':
    if any(row[:2] == ('/sys/fs/cgroup', 'cgroup2') for row in rows):
      isolation.libc.umount2(b'/sys/fs/cgroup', MNT_DETACH)  # the kernel refuses it twice in one place
    isolation.mount('cgroup2', '/sys/fs/cgroup', 'cgroup2')
  else:
    isolation.mount('tmpfs', '/sys/fs/cgroup', 'tmpfs', 0, 'mode=755')
    for path, kind, options in old if view == 'v1' else rows:
      place = '/sys/fs/cgroup/' + os.path.basename(path)
      os.mkdir(place)
      isolation.mount('cgroup', place, kind, 0, options if kind == 'cgroup' else None)
  # Version 2 wants processes in leaves only, and engines make theirs beside the caller's.
  for place in [row[0] for row in hierarchies_of_host() if row[0].startswith('/sys/fs/cgroup')]:
    if os.path.exists(place + '/cgroup.procs'):
      os.makedirs(place + '/caller', exist_ok=True)
      isolation.copy_cpuset(place, place + '/caller')
      lib.write(place + '/caller/cgroup.procs', '0', 0o644)
  return view


def overlay(path, work):
  for name in ('upper', 'work'):
    os.makedirs('%s%s/%s' % (work, path, name))
  isolation.mount('overlay', path, 'overlay', 0, 'lowerdir=%s,upperdir=%s%s/upper,workdir=%s%s/work' %
                  (path, work, path, work, path))


def open_device(path, work):
  """A node that a plain user may open, in place of the machine's."""
  if not os.path.exists(path):
    return
  node = '%s/%s' % (work, path.replace('/', '-'))
  os.mknod(node, 0o666 | stat.S_IFCHR, os.stat(path).st_rdev)
  os.chmod(node, 0o666)
  isolation.mount(node, path, None, 0x1000)


def add_user():
  rows = {'passwd': '%s:x:%d:%d::/tmp/home:/bin/sh' % (USER, UID, UID),
          'group': '%s:x:%d:' % (USER, UID),
          'subuid': '%s:1000000:%d\ncontainers:2000000:1000000' % (USER, SUBORDINATE),
          'subgid': '%s:1000000:%d\ncontainers:2000000:1000000' % (USER, SUBORDINATE)}
  for name, text in rows.items():
    with open('/etc/' + name, 'a', encoding='utf-8') as file:
      file.write(text + '\n')


class Ground:
  """What the engine is told about its surroundings."""

  def __init__(self, runtime, role, view):
    self.role = role
    self.view = view
    self.label = os.path.basename(runtime)
    self.directory = '/tmp/engine'
    self.runtime = '/tmp/bin/' + self.label
    self.archive = '/tmp/image.tar'
    self.is_user = role in ('user', 'rootless')
    self.no_criu = ''  # or why there is none
    self.uid = UID if self.is_user else 0
    self.env = {'PATH': lib.PATH, 'HOME': '/tmp/home', 'LANG': 'C.UTF-8', 'TMPDIR': '/tmp/scratch',
                'USER': USER if self.is_user else 'root'}
    if self.is_user:
      self.env['XDG_RUNTIME_DIR'] = '/run/user/%d' % UID

  def add_criu(self, folder, why):
    if folder:
      self.env['PATH'] = folder + ':' + self.env['PATH']
    self.no_criu = why

  def make(self, runtime):
    """As root, in the new namespaces."""
    with open(runtime, 'rb') as file:
      program = file.read()
    isolation.mount('tmpfs', '/tmp', 'tmpfs', 0, 'mode=1777')
    work = '/tmp/.work'
    os.mkdir(work)
    overlay('/etc', work)
    overlay('/var', work)
    for path, mode in (('/run', '755'), ('/dev/shm', '1777')):
      isolation.mount('tmpfs', path, 'tmpfs', 0, 'mode=' + mode)
    open_device('/dev/net/tun', work)
    open_device('/dev/fuse', work)
    add_user()
    for folder in ('/tmp/bin', '/tmp/as-runc', '/run/lock', '/run/user'):
      os.mkdir(folder, 0o755)
    for path in (self.runtime, '/tmp/as-runc/runc'):
      with open(path, 'wb') as file:
        file.write(program)
      os.chmod(path, 0o755)
    make_image(self.archive)
    for folder in ('/tmp/home', '/tmp/scratch', self.directory, '/run/user/%d' % UID):
      os.mkdir(folder, 0o700 if folder.startswith('/run') else 0o755)
      os.chown(folder, self.uid, self.uid)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)

  def controllers(self):
    if self.view == 'v2':
      return set(lib.read('/sys/fs/cgroup/cgroup.controllers').split()) | {'cgroup2'}
    return {word for _, kind, options in hierarchies_of_host() if kind == 'cgroup'
            for word in options.split(',')}

  def delegated_controllers(self):
    """Those of the cgroup that the worker is in, where it may make cgroups."""
    if self.view != 'v2' or not os.access('/sys/fs/cgroup/caller', os.W_OK):
      return set()
    return set(lib.read('/sys/fs/cgroup/caller/cgroup.controllers').split()) | {'cgroup2'}

  def become_role(self):
    if not self.is_user:
      return
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    isolation.become_dumpable()


def enter(arguments, paths):
  """Makes the surroundings; returns in the process that runs the cases."""
  enter_cgroups(paths)
  view = show_cgroups(arguments['view'])
  ground = Ground(arguments['runtime'], arguments['role'], view)
  ground.make(arguments['runtime'])
  child = os.fork()
  if child:
    reap(child)
  os.setsid()
  ground.become_role()
  os.umask(0o022)
  os.chdir(ground.directory)
  return ground


def reap(child):
  """The first process of the pid namespace: what is orphaned is its to wait for."""
  os.close(1)
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  while True:
    pid, status = os.wait()
    if pid == child:
      os._exit(os.waitstatus_to_exitcode(status) & 0xff)


# -- the image -----------------------------------------------------------------------------------

PASSWD = 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n'
GROUP = 'root:x:0:\nalice:x:1000:\nextra:x:2000:alice\n'


def add(archive, name, kind=tarfile.REGTYPE, data=b'', mode=0o755, link=''):
  entry = tarfile.TarInfo(name)
  entry.type, entry.size, entry.mode, entry.linkname = kind, len(data), mode, link
  archive.addfile(entry, io.BytesIO(data))


def make_layer():
  """busybox under all its names.  With the machine's /usr mounted its other programs work, too."""
  with open(shutil.which('busybox'), 'rb') as file:
    program = file.read()
  names = subprocess.run(['busybox', '--list'], capture_output=True, text=True, check=True).stdout
  stream = io.BytesIO()
  with tarfile.open(fileobj=stream, mode='w') as archive:
    for folder in ('bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'usr', 'usr/lib',
                   'usr/lib64', 'usr/sbin', 'var'):
      add(archive, folder, tarfile.DIRTYPE)
    add(archive, 'tmp', tarfile.DIRTYPE, mode=0o1777)
    add(archive, 'bin/busybox', data=program)
    for name in names.split():
      if name != 'busybox':
        add(archive, 'bin/' + name, tarfile.SYMTYPE, link='busybox')
    for name in ('lib', 'lib64', 'sbin'):
      add(archive, name, tarfile.SYMTYPE, link='usr/' + name)
    add(archive, 'etc/passwd', data=PASSWD.encode(), mode=0o644)
    add(archive, 'etc/group', data=GROUP.encode(), mode=0o644)
  return stream.getvalue()


def make_image(path):
  """An image in the format of "docker save", which all engines read."""
  layer = make_layer()
  digest = subprocess.run(['sha256sum'], input=layer, capture_output=True,
                          check=True).stdout.split()[0].decode()
  config = json.dumps({
    'architecture': os.uname().machine.replace('x86_64', 'amd64').replace('aarch64', 'arm64'),
    'os': 'linux', 'created': '2024-01-01T00:00:00Z', 'config': {'Cmd': ['sh'], 'Env': ['PATH=' + lib.PATH]},
    'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + digest]},
    'history': [{'created': '2024-01-01T00:00:00Z'}]}).encode()
  manifest = json.dumps([{'Config': 'config.json', 'RepoTags': [lib.IMAGE],
                          'Layers': ['layer.tar']}]).encode()
  with tarfile.open(path, 'w') as archive:
    add(archive, 'config.json', data=config, mode=0o644)
    add(archive, 'layer.tar', data=layer, mode=0o644)
    add(archive, 'manifest.json', data=manifest, mode=0o644)
  os.chmod(path, 0o644)
