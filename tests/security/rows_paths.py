"""Class A: paths of the host that are reached through the root file system, before or while it is set up."""

import os
import shutil
import stat
import subprocess
import sys

from catalogue import (Canary, create, end, link, powerful, quickly, refused, row, running, targets,
                       unlink, write)
from races import SECONDS, exchange, keep_removing, race


@row('A0', 'nothing: it has to work', sample=True)
def row_an_honest_container(t):
  result = t.box('echo honest').run()
  t.same((result.rc, result.out), (0, 'honest\n'), str(result))


@row('A1', 'CVE-2019-18837', sample=True)
def row_mounts_and_devices_below_a_link(t):
  for number in range(3):
    box = t.box()
    canary = Canary(t, box)
    link(box, 'lnk', targets(box)[number])
    link(box, 'lnkf', targets(box)[number] + '/bf')
    box.mount('/lnk/md', 'tmpfs', [], 'tmpfs')
    box.mount('/lnkf', box.file('etc/file', 'bound\n'), ['bind'])
    box.linux['devices'] = [{'path': '/lnk/dv', 'type': 'c', 'major': 1, 'minor': 3}]
    box.run()
    canary.check(targets(box)[number])


def shared_volume(t, box):
  """A volume whose directory "a" is exchanged for a link to the host all the time."""
  volume, outside = t.path('volume'), t.path('outside')
  os.makedirs(volume + '/a')
  os.mkdir(outside)
  os.symlink(outside, volume + '/b')
  box.mount('/vol', volume, ['rbind'])
  return volume, outside


@row('A2', 'CVE-2021-30465', sample=True, control=True, seconds=SECONDS, view='v2')
def row_a_mount_below_a_directory_that_is_exchanged(t):
  """What is mounted outside is lost once the root is entered: a container that has not its mount, and runs, is
  one whose runtime has mounted it on the host's directory."""
  box = t.box('grep -q " - tmpfs of-the-volume " /proc/self/mountinfo || echo lost')
  volume, outside = shared_volume(t, box)
  for folder in (volume + '/a', outside):
    os.mkdir(folder + '/x')
  box.mount('/vol/a/x', 'of-the-volume', [], 'tmpfs')
  exchange(t, volume + '/a', volume + '/b')
  race(t, box, lambda text: 'it is mounted on the host' if 'lost' in text else '')
  t.same(os.listdir(outside), ['x'], 'outside')


@row('A3', 'CVE-2024-45310', sample=True, control=True, seconds=SECONDS, view='v2')
def row_a_directory_is_made_below_one_that_is_exchanged(t):
  box = t.box(args=['true'])
  volume, outside = shared_volume(t, box)
  box.mount('/vol/a/new/deep', 'tmpfs', [], 'tmpfs')
  box.mount('/vol/a/file', box.file('etc/f'), ['bind'])
  keep_removing(t, volume + '/a', 'new/deep', 'new', 'file')
  exchange(t, volume + '/a', volume + '/b')
  race(t, box, lambda _: ', '.join(os.listdir(outside)), lambda: clear(outside))


def clear(folder):
  for entry in os.scandir(folder):
    shutil.rmtree(entry) if entry.is_dir() else os.unlink(entry)


@row('A4', 'CVE-2023-27561, CVE-2023-28642, CVE-2019-19921, CVE-2025-54867', sample=True)
def row_proc_and_sys_are_links(t):
  for name, kind in (('proc', 'proc'), ('sys', 'sysfs')):
    box = t.box().namespace('network')
    canary = Canary(t, box)
    os.mkdir(box.rootfs + '/evil')
    for target in targets(box) + ('/evil',):
      unlink(box.rootfs + '/' + name) if os.path.islink(box.rootfs + '/' + name) else None
      link(box, name, target)
      box.without_mount('/' + name).mount('/' + name, kind, [], kind)
      refused(t, box.run(), '/%s -> %s' % (name, target))
      canary.check(name)


@row('A5', 'CVE-2025-24965', sample=True)
def row_what_the_runtime_writes_is_a_link_to_the_host(t):
  for name in ('etc/hostname', 'etc/hosts', 'etc/resolv.conf', '.krun_config.json', 'run/notify',
               'etc/mtab', 'dev/ptmx', 'dev/core'):
    for readonly in (False, True):
      box = t.box(cwd='/lnk/new')
      canary = Canary(t, box)
      box.without_mount('/dev')
      link(box, 'lnk', targets(box)[0])
      link(box, name, targets(box)[0] + '/made')
      box.namespace('uts').config['hostname'] = 'evil'
      box.config['root']['readonly'] = readonly
      box.run()
      canary.check(name)


@row('A6', 'CVE-2026-41579, CVE-2026-47766', sample=True)
def row_dev_is_a_link_to_the_host(t):
  for target in range(3):
    for ways in ('run', 'create'):
      box = t.box().without_mount('/dev')
      canary = Canary(t, box)
      link(box, 'dev', targets(box)[target])
      if ways == 'run':
        box.run()
      elif box.try_create().rc == 0:
        t.proa('start', box.id)
      canary.check(targets(box)[target])
      end(box)


@row('A7', 'CVE-2026-88264', sample=True, control=True)
def row_the_console_is_a_link_to_the_host(t):
  for readonly in (False, True):
    box = t.box(terminal=True).without_mount('/dev')
    canary = Canary(t, box)
    os.mkdir(box.rootfs + '/dev/pts')
    box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')
    link(box, 'dev/console', box.directory + '/H/newfile')
    box.config['root']['readonly'] = readonly
    leader, follower = os.openpty()
    box.run(stdin=follower, stdout=follower)
    os.close(leader)
    os.close(follower)
    canary.check('root %s' % ('ro' if readonly else 'rw'))


@row('A8', 'CVE-2026-88265', sample=True)
def row_the_null_device_is_something_else(t):
  box = t.box(args=['cat'], user={'uid': 1000, 'gid': 1000}).without_mount('/dev')
  canary = Canary(t, box)
  link(box, 'dev/null', box.directory + '/H/secret')
  with open('/dev/null', 'r+b') as null:
    result = box.run(stdin=null)
  t.true('secret' not in result.out, 'the secret is out')
  canary.check('/dev/null -> H/secret')
  # A device node of the host's that merely has the right numbers is not the container's to chown.
  box = t.box(args=['cat'], user={'uid': 1000, 'gid': 1000}).without_mount('/dev')
  node = box.directory + '/node'
  os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
  link(box, 'dev/null', node)
  with open(node, 'r+b') as null:
    box.run(stdin=null)
  found = os.stat(node)
  t.same((found.st_uid, found.st_mode & 0o777), (0, 0o600), 'the node of the host')


@row('A9', 'CVE-2026-87766', role='user', sample=True)
def row_a_mount_point_that_an_earlier_container_planted(t):
  box = t.box().map_ids((0, os.geteuid(), 1))
  box.linux['gidMappings'][0]['hostID'] = os.getegid()
  canary = Canary(t, box)
  box.process['args'] = ['ln', '-s', box.directory + '/H', '/planted']
  t.same(box.run().rc, 0)
  box.process['args'] = ['true']
  box.mount('/planted/new/dir', 'tmpfs', [], 'tmpfs')
  box.mount('/planted/file', box.file('etc/f'), ['bind'])
  box.run()
  canary.check()


@row('A10', 'CVE-2017-1002101, CVE-2018-15664, CVE-2025-23359', sample=True)
def row_the_source_of_a_bind_mount_is_exchanged(t):
  """Between create and start it is one inode: what was opened, not what stands there later."""
  box = t.box('cat /mnt/word')
  for name in ('right', 'wrong'):
    os.mkdir(t.path(name))
    write(t.path(name) + '/word', name)
  box.mount('/mnt', t.path('right'), ['bind'])
  create(box)
  os.rename(t.path('right'), t.path('moved'))
  os.symlink(t.path('wrong'), t.path('right'))
  t.proa('start', box.id)
  t.wait(lambda: box.status() == 'stopped', 'it ends')
  t.same(box.written(), 'right')


def a_fifo(path):
  os.mkfifo(path)


def a_huge_file(path):
  with open(path, 'wb') as file:
    file.truncate(3 << 30)


def a_device(path):
  os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # zeroes without end


def a_link_to_itself(path):
  os.symlink(os.path.basename(path), path)


ODD = (a_fifo, a_huge_file, a_device, a_link_to_itself)


@row('A11', 'CVE-2024-5154, CVE-2024-9676, CVE-2026-47262', sample=True, control=True)
def row_passwd_and_group_are_anything_but_files(t):
  def to_the_host(path):
    os.symlink('/etc/shadow', path)

  for make in (*ODD, to_the_host, os.mkdir):
    for name in ('passwd', 'group'):
      box = t.box('echo "$HOME"')
      make(box.rootfs + '/etc/' + name)
      result = quickly(t, box.run, '%s: %s' % (name, make.__name__))
      t.true(result.rc != 0 or result.out in ('/\n', '/root\n'), str(result))


@row('A12', 'CVE-2024-9341, by exec', sample=True)
def row_passwd_is_a_fifo_when_exec_comes(t):
  box = t.box('mkfifo /etc/passwd /etc/group; echo ready; sleep 60')
  running(t, box=box)
  t.wait(lambda: 'ready' in box.written(), 'the container is ready')
  quickly(t, lambda: t.proa('exec', box.id, 'true'), 'exec')
  end(box)


@row('A13', 'no CVE: what file systems are mounted on', sample=True, seconds=90)
def row_dev_proc_and_sys_are_no_directories(t):
  for name, kind in (('dev', 'tmpfs'), ('proc', 'proc'), ('sys', 'sysfs')):
    for make in ODD:
      box = t.box('true').namespace('network').without_mount('/' + name).mount('/' + name, kind, [], kind)
      os.rmdir('%s/%s' % (box.rootfs, name))
      make('%s/%s' % (box.rootfs, name))
      what = '/%s is %s' % (name, make.__name__)
      refused(t, quickly(t, box.run, what), what)
    t.results.clear()


@row('A14', 'no CVE: FIFOs, devices and huge files where the runtime looks', sample=True, seconds=120)
def row_names_that_the_runtime_uses_are_no_files(t):
  """It may work or fail; it may not wait, read without end or write to what is there."""
  for make in ODD:
    for name in ('dev/null', 'dev/console', 'dev/ptmx', 'dev/pts', 'dev/shm', 'etc/mtab', 'etc/hostname'):
      box = t.box('true').without_mount('/dev')
      make('%s/%s' % (box.rootfs, name))
      quickly(t, box.run, '/%s is %s' % (name, make.__name__))
    box = t.box(args=['/odd'])
    make(box.rootfs + '/odd')
    refused(t, quickly(t, box.run, 'the program'), 'a program that is %s' % make.__name__)
    box = t.box('true', cwd='/odd')
    make(box.rootfs + '/odd')
    refused(t, quickly(t, box.run, 'the cwd'), 'a cwd that is %s' % make.__name__)
    box = t.box('true')
    make(box.rootfs + '/odd')
    box.linux['maskedPaths'] = box.linux['readonlyPaths'] = ['/odd']
    box.mount('/odd', box.file('etc/bound', 'bound\n'), ['bind'])
    quickly(t, box.run, 'a mask and a mount')
    t.results.clear()


# Comes into a mount namespace as its root, then breaks out of a chroot of its own.
ENTER = """
import ctypes, os, sys
if ctypes.CDLL(None).setns(os.open('/proc/%s/ns/mnt' % sys.argv[1], os.O_RDONLY), 0x20000) != 0:
  sys.exit('setns')
print(sorted(os.listdir('/')))
if sys.argv[2:]:
  os.chroot(sys.argv[2])
  os.chdir('../' * 32)
  print(sorted(os.listdir('.')))
"""


def entered(box, *words):
  return subprocess.run([sys.executable, '-c', ENTER, str(box.pid()), *words], check=True, timeout=60,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding='utf-8').stdout.splitlines()


@row('A15', 'no CVE: what lies beneath the root', sample=True)
def row_there_is_nothing_of_the_host_beneath_the_root(t):
  """Whatever the container's root is mounted on: nobody comes to it by a chroot, or in a user namespace, and who
  has the right to take the root off finds no device of the host."""
  box = powerful(t.box('ls -a / >/ls; unshare -U -r -m umount -l / 2>/dev/null; echo "umount $?"; sleep 60'),
                 'CAP_SYS_CHROOT')
  running(t, box=box)
  t.wait(lambda: 'umount' in box.written(), 'it has tried')
  t.true('umount 0' not in box.written(), 'a user namespace may take the root off')
  names = str(sorted(name for name in os.listdir(box.rootfs)))
  t.same(entered(box, '/bin'), [names, names])
  end(box)
  box = powerful(t.box('umount -l /; echo done; sleep 60'), 'CAP_SYS_ADMIN')
  running(t, box=box)
  t.wait(lambda: 'done' in box.written(), 'it has tried')
  t.same([name for name in ('kmsg', 'null', 'zero') if "'%s'" % name in entered(box)[0]], [])
  end(box)
