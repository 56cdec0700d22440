"""Who dies of a memory limit, and whose limit it was."""

import os
import signal
import socket
import subprocess

from lib import read, time_limit, write
from test_cgroups import inside

EAT = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1']


def own_base(t):
  """The path of the watched cgroup, in the hierarchy that counts memory."""
  watched = t.needs_cgroup('memory')
  for line in read('/proc/self/cgroup').splitlines():
    _, names, path = line.split(':', 2)
    if os.path.dirname(path) and os.path.basename(watched) in path and (
        'memory' in names.split(',') or not names):
      return watched, os.path.dirname(path)
  return watched, None


@time_limit(60)
def test_run_tells_whose_limit_ended_the_program(t):
  t.needs_cgroup('memory')
  box = t.box(args=EAT)
  box.linux['resources'] = {'memory': {'limit': 32 << 20}}
  result = box.run(seconds=50)
  t.same((result.rc, result.err.count('\n')), (137, 1))
  t.has(result.err, box.id + ': container init was OOM-killed: memory limit 32 MiB of ')
  t.has(result.err, box.id + ' reached')
  t.has(result.err, ': memory limit too low?\n')
  t.nothing_left()


@time_limit(60)
def test_the_limit_of_a_cgroup_above_is_named(t):
  watched, base = own_base(t)
  if base is None:
    t.skip('the memory cgroup of this process cannot be seen')
  above = watched + '/above'
  os.mkdir(above)
  t.ready.append(lambda: os.rmdir(above))
  v2 = os.path.exists(watched + '/cgroup.controllers')
  if v2:
    with open(watched + '/cgroup.subtree_control', 'w', encoding='utf-8') as file:
      file.write('+memory')
  with open(above + ('/memory.max' if v2 else '/memory.limit_in_bytes'), 'w',
            encoding='utf-8') as file:
    file.write(str(24 << 20))
  box = t.box(args=EAT)
  box.linux['cgroupsPath'] = base + '/above/ctr'
  box.linux['resources'] = {'memory': {'limit': 512 << 20}}
  result = box.run(seconds=50)
  t.same((result.rc, result.err.count('\n')), (137, 1))
  t.has(result.err, 'container init was OOM-killed: memory limit 24 MiB of %s reached' % above)
  for folder in t.settings.cgroups:  # the hierarchies in which it has no limit
    for path in (folder + '/above/ctr', folder + '/above'):
      if path != above and os.path.isdir(path):
        os.rmdir(path)


@time_limit(60)
def test_a_limit_that_memory_and_swap_share_is_named(t):
  t.needs_cgroup('memory')
  box = t.box(args=EAT)
  box.linux['resources'] = {'memory': {'limit': 32 << 20, 'swap': 32 << 20}}
  result = box.run(seconds=50)
  t.same((result.rc, result.err.count('\n')), (137, 1))
  t.has(result.err, 'container init was OOM-killed: memory limit 32 MiB of ')


def test_who_is_killed_by_somebody_is_not_said_to_have_no_memory(t):
  box = t.box('kill -9 $$; sleep 60').no_namespace('pid')
  result = box.run()
  t.same((result.rc, result.err), (137, ''))


@time_limit(120)
def test_a_limit_that_is_far_too_low_works_or_says_so(t):
  t.needs_cgroup('memory')
  for limit in (64 << 10, 256 << 10, 1 << 20, 2 << 20, 4 << 20):
    box = t.box(args=['true'])
    box.linux['resources'] = {'memory': {'limit': limit}}
    result = box.run(seconds=50)
    if result.rc:
      t.same(result.err.count('\n'), 1, str(limit))
      t.true('container init was OOM-killed: memory limit' in result.err or
             'linux.resources.memory: limit: ' in result.err, '%d: %s' % (limit, result.err))
    t.nothing_left()


@time_limit(120)
def test_create_and_start_under_such_a_limit_say_so_too(t):
  t.needs_cgroup('memory')
  for limit in (64 << 10, 128 << 10, 192 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20):
    box = t.box(args=['true'])
    box.linux['resources'] = {'memory': {'limit': limit}}
    result = box.try_create()
    if result.rc == 0:
      result = t.proa('start', box.id)
    if result.rc:
      t.same(result.err.count('\n'), 1, '%d: %s' % (limit, result.err))
      t.true('container init was OOM-killed: memory limit' in result.err or
             'linux.resources.memory: limit: ' in result.err, '%d: %s' % (limit, result.err))
    box.delete('--force')
    t.nothing_left()


def eat_in(directory):
  """Has another process of this cgroup killed for lack of memory."""
  script = 'echo 0 >%s/cgroup.procs; exec %s' % (directory, ' '.join(EAT))
  return subprocess.run(['sh', '-c', script], stderr=subprocess.DEVNULL, check=False).returncode


def created_with_a_limit(t):
  t.needs_cgroup('memory')
  box = t.box(args=['sleep', '60'])
  box.linux['resources'] = {'memory': {'limit': 8 << 20}}
  box.create()
  return box, box.pid(), inside(t, box.pid(), 'memory')


def socket_in_place_of_inits(t, box):
  """Where "start" looks for the container's init."""
  directory = os.open('%s/state/%s' % (t.settings.directory, box.id), os.O_RDONLY | os.O_DIRECTORY)
  path = '/proc/self/fd/%d/start.sock' % directory  # a longer one does not fit into an address
  os.unlink(path)
  own = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
  own.bind(path)
  os.close(directory)
  t.ready.append(own.close)
  return own


def test_start_tells_of_a_limit_that_had_killed_init_before(t):
  # The kernel counts at once, and the process may take its time to end.  So this test takes init's place.
  box, pid, directory = created_with_a_limit(t)
  t.same(eat_in(directory), -signal.SIGKILL)
  own = socket_in_place_of_inits(t, box)
  own.listen()
  process = t.start('start', box.id)
  connection, _ = own.accept()
  t.true(connection.recv(1024), 'nothing is said')
  os.kill(pid, signal.SIGKILL)
  connection.close()
  result = t.finish(process)
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, box.id + ': container init was OOM-killed: memory limit 8 MiB of ')
  t.same(box.status(), 'stopped')


def test_start_does_not_take_an_init_that_is_about_to_end_for_a_program(t):
  # In version 1 nobody ends who is frozen: the kill waits, as on a machine with much else to do.
  freezer = t.needs_cgroup('freezer')
  box, pid, directory = created_with_a_limit(t)
  held = freezer + '/held'
  os.mkdir(held)
  write(held + '/cgroup.procs', str(pid))
  write(held + '/freezer.state', 'FROZEN')
  try:
    t.same(eat_in(directory), -signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    socket_in_place_of_inits(t, box)
    result = t.proa('start', box.id)
  finally:
    write(held + '/freezer.state', 'THAWED')
    t.wait(lambda: not read(held + '/cgroup.procs'), 'it ends')
    os.rmdir(held)
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, box.id + ': container init was OOM-killed: memory limit 8 MiB of ')
