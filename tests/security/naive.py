"""A careless container runtime: the control of the races.

It does what a row's config says in the way that was once usual: each path is looked at, found to be good, and
then used by its name, as if nobody could have changed it in between.  Whatever wins against a runtime that
resolves paths twice wins against this one, on the machine where it runs; if it does not, the attack is no attack.
"""

import ctypes
import json
import os
import signal
import stat
import time

import isolation

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID = 0x20000, 0x4000000, 0x8000000, 0x20000000
PAUSE = [0]
TIOCSPTLCK, TIOCGPTN = 0x40045431, 0x80045430


def used_later():
  """Between the look and the use."""
  if PAUSE[0]:
    time.sleep(PAUSE[0])


class Refused(Exception):
  """The path looks bad."""


def inside(rootfs, path):
  """Looked at, and good: what comes back is a name all the same."""
  full = rootfs + path
  if not (os.path.realpath(full) + '/').startswith(rootfs + '/'):
    raise Refused(path)
  return full


def mount_one(rootfs, mount):
  kind, options = mount.get('type', 'bind'), mount.get('options', [])
  place = inside(rootfs, mount['destination'])
  if kind == 'proc' and os.path.islink(place):
    raise Refused(place)
  used_later()
  if not os.path.isdir(mount.get('source', '/')) and kind == 'bind':
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.close(os.open(place, os.O_CREAT, 0o644))
  else:
    os.makedirs(place, exist_ok=True)
  if kind == 'bind' or 'rbind' in options:
    isolation.mount(mount['source'], place, None, MS_BIND | MS_REC)
  else:
    data = ','.join(option for option in options if '=' in option or option == 'newinstance')
    isolation.mount(mount.get('source', kind), place, kind, 0, data)


def make_null():
  if not os.path.lexists('/dev/null'):
    os.mknod('/dev/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))


def set_up_console():
  """In the root: a terminal of its devpts, by the name that it has there."""
  leader = os.open('/dev/pts/ptmx', os.O_RDWR | os.O_NOCTTY)
  number, lock = ctypes.c_int(), ctypes.c_int(0)
  isolation.libc.ioctl(leader, ctypes.c_ulong(TIOCSPTLCK), ctypes.byref(lock))
  isolation.libc.ioctl(leader, ctypes.c_ulong(TIOCGPTN), ctypes.byref(number))
  name = '/dev/pts/%d' % number.value
  if not stat.S_ISCHR(os.lstat(name).st_mode):
    raise Refused(name)
  used_later()
  os.close(os.open('/dev/console', os.O_CREAT | os.O_NOCTTY, 0o600))
  isolation.mount(name, '/dev/console', None, MS_BIND)


def mask(path):
  if not stat.S_ISCHR(os.lstat('/dev/null').st_mode):
    raise Refused('/dev/null')
  used_later()
  if os.path.exists(path):
    isolation.mount('/dev/null', path, None, MS_BIND)


def lock(path):
  if os.path.exists(path):
    isolation.mount(path, path, None, MS_BIND | MS_REC)
    isolation.mount(path, path, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def set_sysctl(name, value):
  path = '/proc/sys/' + name.replace('.', '/')
  if not os.path.exists('/proc/self/status'):
    raise Refused(path)
  used_later()
  with open(path, 'w', encoding='utf-8') as file:
    file.write(value)


def become(rootfs, config):
  isolation.mount(None, '/', None, MS_REC | MS_PRIVATE)
  isolation.mount(rootfs, rootfs, None, MS_BIND | MS_REC)
  for mount in config['mounts']:
    mount_one(rootfs, mount)
  os.chroot(rootfs)
  os.chdir('/')
  make_null()
  if config['process'].get('terminal'):
    set_up_console()
  for name, value in config['linux'].get('sysctl', {}).items():
    set_sysctl(name, value)
  for path in config['linux'].get('maskedPaths', []):
    mask(path)
  for path in config['linux'].get('readonlyPaths', []):
    lock(path)
  args = config['process']['args']
  os.execve('/bin/' + args[0], args, {'PATH': '/bin'})


def in_child(function):
  """Runs it in a process of its own, which ends with it; returns whether it went well."""
  pid = os.fork()
  if pid:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
  status = 1
  try:
    signal.alarm(0)
    status = 0 if function() else 1
  except (OSError, Refused):
    pass
  finally:
    os._exit(status)


def run(box, out, stdin=None, pause=0):
  """Runs the box's container to its end; what it writes is in the file out.  pause: seconds between the look
  and the use."""
  PAUSE[0] = pause
  with open(box.directory + '/config.json', encoding='utf-8') as file:
    config = json.load(file)

  def contain():
    fd = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target in (1, 2):
      os.dup2(fd, target)
    if stdin is not None:
      os.dup2(stdin, 0)
    isolation.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID)
    return in_child(lambda: become(box.rootfs, config))

  open(out, 'a', encoding='utf-8').close()
  in_child(contain)
