"""What a container's mounts begin with: the kernel's own mount namespace instead of a copy of the host's, where that
can be seen and it is worth while; and nobody can tell the difference."""

import os
import subprocess

import isolation
from lib import read

MANY = 350
IDS = (0, 100000, 65536)
LEAVES = 'the kernel\'s own namespace is found'
STAYS = 'the kernel\'s own namespace is not to be seen'
PF_KTHREAD = 0x200000


def call(*words):
  subprocess.run(words, check=True)


def tmpfs(t, name):
  folder = t.path(name)
  os.mkdir(folder)
  call('mount', '-t', 'tmpfs', 'tmpfs', folder)
  t.ready.append(lambda: call('umount', '--lazy', folder))
  return folder


def with_many(t):
  folder = tmpfs(t, 'host')
  isolation.make_mounts(folder, MANY)
  return folder


def shared_volume(t, below):
  folder = tmpfs(t, 'volume')
  call('mount', '--make-shared', folder)
  os.mkdir('%s/%s' % (folder, below))
  return folder


def kernel_is_seen():
  """In the machine's own pid namespace, on Linux 6.12 and newer."""
  release = tuple(int(word) for word in os.uname().release.split('-')[0].split('.')[:2])
  try:
    flags = int(read('/proc/2/stat').rsplit(')', 1)[1].split()[6])
  except FileNotFoundError:
    return False
  return bool(flags & PF_KTHREAD) and release >= (6, 12)


def told(t, box, *options):
  """What debug says of it."""
  result = box.run(*options, before=['--debug'])
  t.same(result.rc, 0, result.err)
  return '\n'.join(line for line in result.err.splitlines() if 'the kernel\'s own namespace' in line)


def who_may_unmount(box):
  box.process['capabilities'] = {name: ['CAP_SYS_ADMIN'] for name in ('bounding', 'effective', 'permitted')}
  return box


def test_a_container_leaves_the_hosts_mounts(t):
  expected = LEAVES if kernel_is_seen() else STAYS
  t.has(told(t, t.box(args=['true'])), expected)
  if len(read('/proc/self/mountinfo').splitlines()) < 128:
    t.same(told(t, who_may_unmount(t.box(args=['true']))), '')
    t.same(told(t, t.box(args=['true']).map_ids(IDS)), '')
  with_many(t)
  t.has(told(t, who_may_unmount(t.box(args=['true']))), expected)
  t.has(told(t, t.box(args=['true']).map_ids(IDS)), expected)


def test_hooks_see_what_the_host_has_mounted(t):
  folder = with_many(t)
  for kind in ('prestart', 'createRuntime', 'createContainer'):
    box = t.box(args=['true'])
    box.hook(kind, '/bin/sh', '-c', 'grep -c %s/ /proc/self/mountinfo >%s' % (folder, t.path(kind)))
    t.same(told(t, box), '')
    t.same(read(t.path(kind)), '%d\n' % MANY)


def both_ways(t, box, ids):
  """What a container writes that begins with a copy of the host's mounts, as one with such a hook does, and what
  one without."""
  if ids:
    box.map_ids(ids)
  without = box.output()
  return box.hook('createContainer', '/bin/true').output(), without


def test_it_has_what_one_has_that_begins_with_the_hosts(t):
  os.mkdir(t.path('data'))
  for ids in (None, 'many', IDS):
    if ids == 'many':
      with_many(t)
    box = t.box('cut -d" " -f5- /proc/self/mountinfo | sed "s/[0-9]*$//"; ls /proc/self/fd; '
                'readlink /proc/1/root; readlink /proc/1/cwd; ls / /dev')
    box.mount('/mnt', t.path('data'), ['rbind', 'rslave']).mount('/dev/shm', 'shm', ['nosuid'], 'tmpfs')
    box.linux['maskedPaths'], box.linux['readonlyPaths'] = ['/proc/kcore', '/proc/scsi'], ['/proc/sys']
    expected, found = both_ways(t, box, ids if ids != 'many' else None)
    t.same(found, expected, ids)


def test_what_the_host_mounts_later_comes_through_a_volume(t):
  volume = shared_volume(t, 'later')
  with_many(t)
  for word, seen in (('rslave', 'there\n'), ('rshared', 'there\n'), ('rprivate', '')):
    box = t.box('while ! test -e /stop; do sleep 0.02; done; cat /volume/later/file 2>/dev/null; true')
    box.linux['rootfsPropagation'] = word
    box.mount('/volume', volume, ['rbind', word]).launch()
    call('mount', '-t', 'tmpfs', 'tmpfs', volume + '/later')
    with open(volume + '/later/file', 'w', encoding='utf-8') as file:
      file.write('there\n')
    box.file('/stop')
    box.wait_until('stopped')
    t.same(box.written(), seen, word)
    box.delete()
    call('umount', volume + '/later')


def test_what_a_container_mounts_reaches_the_host_by_a_shared_volume_alone(t):
  volume = shared_volume(t, 'x')
  with_many(t)
  for word, count in (('rshared', 1), ('rslave', 0), ('rprivate', 0)):
    box = t.box('mount -t tmpfs mine /volume/x && echo ready; sleep 60')
    who_may_unmount(box).linux['rootfsPropagation'] = word
    box.mount('/volume', volume, ['rbind', word]).launch().wait_for_output('ready')
    t.same(read('/proc/self/mountinfo').count(' %s/x ' % volume), count, word)
    box.kill('KILL')
    box.wait_until('stopped').delete()
    if count:
      call('umount', volume + '/x')


def test_each_propagation_of_the_root_is_what_it_is_then(t):
  with_many(t)
  for word in ('private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable', 'runbindable'):
    for ids in (None, IDS):
      box = t.box('cut -d" " -f5-8 /proc/self/mountinfo | grep "^/ " | sed "s/:[0-9]*//g"')
      box.linux['rootfsPropagation'] = word
      expected, found = both_ways(t, box, ids)
      t.same(found, expected, '%s %s' % (word, ids))


def test_it_is_so_without_pivot_too(t):
  with_many(t)
  t.has(told(t, t.box(args=['true']), '--no-pivot'), LEAVES if kernel_is_seen() else STAYS)


def test_the_runtime_stays_where_it_is(t):
  with_many(t)
  box = t.box(args=['sleep', '60'])
  box.create('--pid-file', 'pid')  # from the test's directory
  pid = int(read(t.path('pid')))
  t.true(os.path.exists('/proc/%d' % pid), 'no process %d' % pid)
