"""Volumes that somebody changes while a container with mounts in them is made.

Another container that shares the volume exchanges a directory and a symbolic link all the time.  Each
battery runs for a few seconds; what counts is that nothing ever happens outside of the container.
"""

import ctypes
import os
import signal
import subprocess
import time

from lib import PATIENCE, also_as_user, read, time_limit, write

SECONDS = 1.2 * PATIENCE
AT_FDCWD = -100

EXCHANGE = 2  # renameat2(2), RENAME_EXCHANGE


def flip(t, first, second):
  """Starts a process that exchanges the two names as fast as it can; returns what stops it."""
  rename = ctypes.CDLL(None, use_errno=True).renameat2
  names = (AT_FDCWD, first.encode(), AT_FDCWD, second.encode(), EXCHANGE)
  if rename(*names):
    t.skip('renameat2: ' + os.strerror(ctypes.get_errno()))
  running = [os.fork()]
  while running[0] == 0:
    rename(*names)

  def stop():
    while running:
      pid = running.pop()
      os.kill(pid, signal.SIGKILL)
      os.waitpid(pid, 0)

  t.ready.append(stop)
  return stop


class Volume:
  """A directory with a directory a in it, which is exchanged for a link to target."""

  def __init__(self, t, target, made=False):
    self.t = t
    self.path = t.path('volume')
    self.outside = t.path('outside')
    os.makedirs(self.outside + '/a')
    write(self.outside + '/secret', 'secret\n')
    os.makedirs(self.path + '/a')
    os.symlink(target.replace('OUTSIDE', self.outside), self.path + '/b')
    self.name = 'proa-race-%d' % os.getpid()
    if made:
      os.mkdir('%s/a/%s' % (self.path, self.name))
    self.stop = flip(t, self.path + '/a', self.path + '/b')

  def check(self):
    self.t.same(sorted(os.listdir(self.outside)), ['a', 'secret'], 'what is outside')
    self.t.same(os.listdir(self.outside + '/a'), [], 'what is outside')
    self.t.true(not os.path.lexists('/' + self.name), 'it was made in the root of the host')
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
      self.t.true(self.name not in file.read(), 'it was mounted on the host')

  def remove(self):
    self.stop()
    subprocess.run(['rm', '-rf', self.path, self.outside], check=True)


def battery(t, box, check):
  """Runs the container as often as there is time for.  Returns how often it worked and how often not."""
  worked = failed = 0
  end = time.monotonic() + SECONDS
  while time.monotonic() < end:
    result = box.run()
    if result.rc == 0:
      worked += 1
    else:
      failed += 1
      t.same((result.rc, result.err.count('\n')), (1, 1), str(result))
    check(result)
    t.results.clear()
  t.true(worked + failed > 3, 'only %d runs' % (worked + failed))
  return worked, failed


# A2 and A3: CVE-2021-30465, CVE-2024-45310
@also_as_user
@time_limit(60)
def test_a_tmpfs_below_what_is_exchanged(t):
  for target in ('/', 'OUTSIDE'):
    volume = Volume(t, target, made=True)
    box = t.box('true').mount('/vol', volume.path, ['bind'])
    box.mount('/vol/a/' + volume.name, 'tmpfs', [], 'tmpfs')
    battery(t, box, lambda result, volume=volume: volume.check())
    volume.remove()


@also_as_user
@time_limit(60)
def test_a_destination_that_has_to_be_made_below_what_is_exchanged(t):
  for target in ('OUTSIDE', '../outside'):
    volume = Volume(t, target)
    box = t.box('true').mount('/vol', volume.path, ['bind'])
    box.mount('/vol/a/%s/deep' % volume.name, 'tmpfs', [], 'tmpfs')
    box.mount('/vol/a/file-' + volume.name, box.file('etc/f'), ['bind'])
    battery(t, box, lambda result, volume=volume: volume.check())
    volume.remove()


# B2: CVE-2019-19921.  Who may rename things in the rootfs can do so when all is mounted, too: what the
# program finds at /proc is not the runtime's to decide.  But the proc is mounted on the directory, or not
# at all, and what the runtime writes goes to the kernel.
@time_limit(60)
def test_proc_is_exchanged_for_a_link_to_a_false_one(t):
  box = t.box('for d in /proc /proc-link; do test -e $d/mountinfo || grep " proc " $d/self/mountinfo; '
              'done; sysctl -n kernel.msgmax; cat /proc*/sys/kernel/msgmax; true')
  box.linux['sysctl'] = {'kernel.msgmax': '12345'}
  false = box.rootfs + '/false'
  os.makedirs(false + '/sys/kernel')
  write(false + '/mountinfo', '')
  write(false + '/sys/kernel/msgmax', 'false\n')
  os.symlink('false', box.rootfs + '/proc-link')
  flip(t, box.rootfs + '/proc', box.rootfs + '/proc-link')

  def check(result):
    t.true(' /false ' not in result.out, 'the proc was mounted elsewhere: %s' % result)
    t.same([read(false + '/mountinfo'), read(false + '/sys/kernel/msgmax')], ['', 'false\n'])

  worked, failed = battery(t, box, check)
  t.true(worked, 'it failed %d times' % failed)


@also_as_user
@time_limit(60)
def test_a_directory_that_is_copied_up_changes_meanwhile(t):
  volume = Volume(t, 'OUTSIDE')
  box = t.box('cat /copy/b/secret /copy/a/secret 2>/dev/null; true')
  box.mount('/copy', volume.path, ['bind']).mount('/copy', 'tmpfs', ['tmpcopyup'], 'tmpfs')

  def check(result):
    t.true('secret' not in result.out, 'something from outside was copied: %s' % result)
    volume.check()

  battery(t, box, check)


@also_as_user
@time_limit(60)
def test_the_source_of_a_bind_mount_is_exchanged(t):
  """A10, in the small: it is one or the other, and with src-nofollow never what the link leads to."""
  volume = Volume(t, 'OUTSIDE')
  box = t.box('cat /mnt/secret 2>/dev/null; true')
  box.mount('/mnt', volume.path + '/a', ['bind', 'src-nofollow'])

  def check(result):
    t.true('secret' not in result.out, 'the link was followed: %s' % result)

  battery(t, box, check)
