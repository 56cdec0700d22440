"""Where is measured: a mount namespace and folders on a tmpfs of its own, and one version of cgroups.

Pure views are what crun takes, and what engines meet: v1 shows the hierarchies of version 1 alone, v2 has a cgroup2
at /sys/fs/cgroup.  host is what the machine has.
"""

import atexit
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import bundles

HERE = pathlib.Path(__file__).resolve().parent
VIEWS = ('v2', 'v1', 'host')

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 0x1000, 2
libc = ctypes.CDLL(None, use_errno=True)

# What is built for measuring, and how: the container's program and the floor have no C library.
BARE = ['-Os', '-nostdlib', '-fno-stack-protector', '-fno-tree-loop-distribute-patterns']
TOOLS = {'program': BARE, 'floor': BARE, 'count': ['-O2']}


def check(result):
  if result != 0:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source, target, kind=None, flags=0):
  check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None))


def unmount(target):
  check(libc.umount2(target.encode(), MNT_DETACH))


def view_v1():
  top = tempfile.mkdtemp()
  mount('none', top, 'tmpfs')
  for folder in sorted(pathlib.Path('/sys/fs/cgroup').iterdir()):
    if (folder / 'cgroup.procs').exists() and not (folder / 'cgroup.controllers').exists():
      os.mkdir(f'{top}/{folder.name}')
      mount(str(folder), f'{top}/{folder.name}', None, MS_BIND)
  mount(top, '/sys/fs/cgroup', None, MS_BIND | MS_REC)
  unmount(top)
  os.rmdir(top)


def view_v2():
  mount('cgroup2', '/sys/fs/cgroup', 'cgroup2')


class Ground:
  """One view.  It is left by leave(), or when the program ends."""

  def __init__(self, view):
    self.view = view
    check(libc.unshare(CLONE_NEWNS))
    mount('none', '/', None, MS_REC | MS_PRIVATE)
    {'v1': view_v1, 'v2': view_v2, 'host': lambda: None}[view]()
    top = pathlib.Path('/sys/fs/cgroup')
    self.v2 = (top / 'cgroup.controllers').exists()
    self.cgroups = f'/proa-bench-{os.getpid()}'
    self.controllers = (top / 'cgroup.controllers').read_text(encoding='utf-8').split() if self.v2 else \
      [folder.name for folder in top.iterdir() if (folder / 'cgroup.procs').exists()]
    self.work = tempfile.mkdtemp(prefix='proa-bench-')
    mount('none', self.work, 'tmpfs')
    self.rootfs, self.files = f'{self.work}/rootfs', f'{self.work}/files'
    self.tools = {name: self.build(name, options) for name, options in TOOLS.items()}
    bundles.make_rootfs(self.rootfs, self.tools['program'])
    bundles.make_files(self.files)
    self.program = f'{self.rootfs}/bin/program'
    for folder in self.cgroup_folders():
      os.mkdir(folder)
      hand_down_processors(pathlib.Path(folder))
    atexit.register(self.leave)

  def build(self, name, options):
    result = f'{self.work}/{name}'
    subprocess.run(['cc', '-static', '-D_GNU_SOURCE', *options, '-o', result, f'{HERE}/{name}.c'], check=True)
    return result

  def cgroup_folders(self):
    top = pathlib.Path('/sys/fs/cgroup')
    if self.v2:
      return [f'{top}{self.cgroups}']
    return [f'{folder}{self.cgroups}' for folder in top.iterdir()
            if (folder / 'cgroup.procs').exists() and not folder.is_symlink()]

  def bundle(self, shape, name=None, change=None, words=()):
    """Writes a bundle; change is called with its config."""
    config = getattr(bundles, shape)(self)
    config['process']['args'] += words
    if change:
      change(config)
    return bundles.write(config, f'{self.work}/bundles/{name or shape}')

  def call(self, words):
    """Runs a command and returns what it says on standard error; one that fails ends this program."""
    with open(f'{self.work}/log', 'w+b') as log:  # a pipe would be open for as long as the container that inherits it
      result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, check=False,
                              timeout=600)
      log.seek(0)
      text = log.read().decode().strip()
    if result.returncode != 0:
      sys.exit(f'{" ".join(words)}: {text}')
    return text

  def leave(self):
    if not self.work:
      return
    for folder in self.cgroup_folders():
      empty_cgroup(folder)
      remove_cgroup(folder)
    unmount(self.work)
    os.rmdir(self.work)
    self.work = None


def hand_down_processors(folder):
  """Without any a cpuset of version 1 takes no process."""
  if not (folder / 'cgroup.clone_children').exists():
    return
  for name in ('cpuset.cpus', 'cpuset.mems'):
    if (folder / name).exists():
      (folder / name).write_text((folder.parent / name).read_text(encoding='utf-8'), encoding='utf-8')
      (folder / 'cgroup.clone_children').write_text('1', encoding='utf-8')


def empty_cgroup(folder):
  """Ends the containers that are left when something failed."""
  for path in pathlib.Path(folder).rglob('cgroup.procs'):
    for pid in path.read_text(encoding='utf-8').split():
      os.kill(int(pid), signal.SIGKILL)


def remove_cgroup(folder):
  """With those below it; a process in it may be about to end."""
  for path, _, _ in os.walk(folder, topdown=False):
    for _ in range(200):
      try:
        os.rmdir(path)
        break
      except OSError:
        time.sleep(0.01)

