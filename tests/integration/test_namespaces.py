"""linux.namespaces: new ones, joined ones, and mixes of both."""

import itertools
import os
import subprocess
import time

from lib import also_as_user, everyone

LINKS = 'for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done'
FILES = {'cgroup': 'cgroup', 'ipc': 'ipc', 'mount': 'mnt', 'network': 'net', 'pid': 'pid',
         'time': 'time', 'user': 'user', 'uts': 'uts'}


def identities(text):
  """{type: inode} of what LINKS prints."""
  return dict(line.rstrip(']').split(':[') for line in text.split())


def own():
  return identities('\n'.join(os.readlink('/proc/self/ns/' + name)
                              for name in sorted(FILES.values())))


@also_as_user
def test_each_namespace_can_be_new(t):
  mine = own()
  for kind in FILES:
    box = t.box(LINKS)
    if kind == 'user' and t.is_root:
      box.map_ids((0, 100000, 65536))
    elif kind != 'user':
      box.namespace(kind)
    found = identities(box.output())
    t.true(found[FILES[kind]] != mine[FILES[kind]], kind + ' is not new')


def test_all_can_be_new_at_once(t):
  box = t.box(LINKS).map_ids((0, 100000, 65536))
  for kind in FILES:
    if kind != 'user':
      box.namespace(kind)
  found, mine = identities(box.output()), own()
  t.same([name for name in mine if found[name] == mine[name]], [])


def test_what_is_not_asked_for_is_shared(t):
  found, mine = identities(t.box(LINKS).output()), own()
  t.same(sorted(name for name in mine if found[name] == mine[name]),
         ['cgroup', 'net', 'time', 'user'])


def test_without_any_namespace_but_mount(t):
  box = t.box(LINKS)
  box.linux['namespaces'] = [{'type': 'mount'}]
  found, mine = identities(box.output()), own()
  t.same([name for name in mine if found[name] != mine[name]], ['mnt'])


def keeper(t, with_user):
  """A container that has everything of its own, to be joined."""
  box = t.box(args=['sleep', '60'])
  if with_user:
    box.map_ids((0, 100000, 65536))
  for kind in FILES:
    if kind != 'user':
      box.namespace(kind)
  return box.launch()


def join(t, box, pid, kinds, mappings=True):
  for kind in kinds:
    box.namespace(kind, '/proc/%d/ns/%s' % (pid, FILES[kind]))
  found = identities(box.output())
  there = {name: os.readlink('/proc/%d/ns/%s' % (pid, name))[:-1].split('[')[1]
           for name in FILES.values()}
  for kind in kinds:
    t.same(found[FILES[kind]], there[FILES[kind]], 'joined %s, of %s' % (kind, kinds))


def test_each_namespace_can_be_joined(t):
  pid = keeper(t, False).pid()
  for kind in FILES:
    if kind not in ('user', 'mount'):
      join(t, t.box(LINKS), pid, [kind])


def test_any_two_namespaces_can_be_joined(t):
  pid = keeper(t, False).pid()
  for kinds in itertools.combinations(('network', 'ipc', 'uts', 'pid', 'cgroup', 'time'), 2):
    join(t, t.box(LINKS), pid, kinds)


def test_a_user_namespace_can_be_joined_with_others_that_belong_to_it(t):
  pid = keeper(t, True).pid()
  for kinds in (['user'], ['user', 'network'], ['user', 'pid'], ['user', 'ipc', 'uts'],
                ['user', 'time'], ['user', 'cgroup'],
                ['user', 'network', 'ipc', 'uts', 'pid', 'cgroup', 'time']):
    join(t, t.box(LINKS), pid, kinds)


def test_a_user_namespace_can_be_joined_and_its_mappings_repeated(t):
  first = keeper(t, True)
  second = t.box(LINKS).map_ids((0, 100000, 65536))
  join(t, second, first.pid(), ['user', 'network'])


def test_a_new_user_namespace_goes_with_a_joined_network_of_the_host(t):
  first = t.box(args=['sleep', '60']).namespace('network').launch()
  box = t.box(LINKS).map_ids((0, 100000, 65536))
  join(t, box, first.pid(), ['network'])


@also_as_user
def test_a_namespace_of_ones_own_container_can_be_joined(t):
  first = t.box(args=['sleep', '60']).namespace('network').launch()
  kinds = ['network', 'uts', 'ipc'] if t.is_root else ['user', 'network', 'uts', 'ipc']
  join(t, t.box(LINKS), first.pid(), kinds)


def test_the_mount_namespace_can_be_joined(t):
  first = t.box('echo mine > /tmp/file; exec sleep 60').mount('/tmp', 'tmpfs', [], 'tmpfs')
  first.launch()
  second = t.box('cat /tmp/file').namespace('mount', '/proc/%d/ns/mnt' % first.pid())
  second.config['mounts'] = []
  t.wait(lambda: os.path.exists('/proc/%d/root/tmp/file' % first.pid()), 'the file is there')
  second.run()


def test_a_joined_pid_namespace_shows_both_and_outlives_the_second(t):
  first = t.box(args=['sleep', '61']).launch()
  second = t.box('ps -o args').namespace('pid', '/proc/%d/ns/pid' % first.pid())
  out = second.output()
  t.has(out, 'sleep 61')
  t.has(out, 'ps -o args')
  t.same(first.status(), 'running')


@also_as_user
def test_the_program_is_pid_1(t):
  t.same(t.box('echo $$').output(), '1\n')


def test_without_a_pid_namespace_it_is_not(t):
  box = t.box('echo $$').no_namespace('pid')
  t.true(int(box.output()) > 1, 'it is pid 1')


def test_without_a_mount_namespace_the_root_is_changed_all_the_same(t):
  box = t.box('ls /; cat /etc/mark').no_namespace('mount')
  box.file('etc/mark', 'here\n')
  box.config['mounts'] = []
  t.has(box.output(), 'here\n')


def test_without_a_mount_namespace_the_mounts_are_gone_afterwards(t):
  box = t.box('ls /proc/self').no_namespace('mount')
  t.has(box.output(), 'status')
  t.nothing_left()


@also_as_user
def test_loopback_is_up_in_a_new_network_namespace(t):
  box = t.box('ip addr show lo').namespace('network')
  out = box.output()
  t.has(out, 'inet 127.0.0.1/8')
  t.has(out, 'LOOPBACK,UP')


@everyone
def test_clocks_have_their_offsets(t):
  box = t.box('cut -d. -f1 /proc/uptime').namespace('time')
  box.linux['timeOffsets'] = {'monotonic': {'secs': 5000},
                              'boottime': {'secs': 1000000, 'nanosecs': 5}}
  before = time.clock_gettime(time.CLOCK_BOOTTIME)
  found = int(box.output()) - before
  t.true(999990 < found < 1000010, 'boottime differs by %d' % found)


def test_a_time_namespace_without_offsets(t):
  found = identities(t.box(LINKS).namespace('time').output())
  t.true(found['time'] != own()['time'], 'it is not new')


def test_a_bind_mounted_namespace_file_can_be_joined(t):
  path = t.path('uts', '')
  subprocess.run(['unshare', '--uts=' + path, 'hostname', 'bound'], check=True)
  t.ready.append(lambda: subprocess.run(['umount', path], check=True))
  t.same(t.box('hostname').namespace('uts', path).output(), 'bound\n')
