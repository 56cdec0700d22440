"""linux.uidMappings, linux.gidMappings and how a plain user gets more than one id."""

import os
import pwd

from lib import also_as_user, everyone, run_as


def subordinate(path):
  """(start, count) of each range that the file gives this user."""
  mine = (pwd.getpwuid(os.geteuid()).pw_name, str(os.geteuid()))
  with open(path, encoding='utf-8') as file:
    words = [line.strip().split(':') for line in file]
  return [(int(row[1]), int(row[2])) for row in words if row[0] in mine]


def rows(text):
  return [tuple(map(int, line.split())) for line in text.splitlines()]


def test_many_ranges(t):
  ranges = [(2 * number, 1000 + 3 * number, 1) for number in range(340)]
  box = t.box(args=['cat', '/proc/self/uid_map']).map_ids(*ranges)
  t.same(rows(box.output()), ranges)


def test_the_group_has_its_own_ranges(t):
  box = t.box('cat /proc/self/uid_map /proc/self/gid_map').map_ids((0, 100000, 10))
  box.linux['gidMappings'] = [{'containerID': 0, 'hostID': 200000, 'size': 20},
                              {'containerID': 20, 'hostID': 300000, 'size': 1}]
  t.same(rows(box.output()), [(0, 100000, 10), (0, 200000, 20), (20, 300000, 1)])


def test_the_program_runs_as_the_mapped_id(t):
  box = t.box('id -u; id -g; exec sleep 60', user={'uid': 7, 'gid': 8}).map_ids((0, 100000, 65536))
  os.chmod(box.rootfs, 0o755)
  box.launch().wait_for_output('8')
  status = os.stat('/proc/%d' % box.pid())
  t.same((box.written(), status.st_uid, status.st_gid), ('7\n8\n', 100007, 100008))


@run_as('user')
def test_a_plain_user_without_mappings_gets_all_subordinate_ids(t):
  expected, inside = [(0, os.geteuid(), 1)], 1
  for start, count in subordinate('/etc/subuid'):
    expected.append((inside, start, count))
    inside += count
  t.same(rows(t.box(args=['cat', '/proc/self/uid_map']).output()), expected)


@run_as('lone')
def test_a_plain_user_without_subordinate_ids_gets_one_id(t):
  box = t.box('cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups')
  t.same(box.output().split(), ['0', str(os.geteuid()), '1', '0', str(os.getegid()), '1', 'deny'])


@run_as('user')
def test_a_plain_user_can_name_several_ranges(t):
  (first, _), (last, _) = subordinate('/etc/subuid')[0], subordinate('/etc/subuid')[-1]
  ranges = [(0, os.geteuid(), 1), (1, first, 100), (200, last + 500, 100), (500, first + 500, 1),
            (501, last + 700, 5), (600, last, 1), (700, last + 1, 1), (800, last + 2, 1)]
  box = t.box(args=['cat', '/proc/self/uid_map']).map_ids(*ranges)
  box.linux['gidMappings'] = [{'containerID': 0, 'hostID': os.getegid(), 'size': 1}]
  t.same(rows(box.output()), ranges)


@run_as('user', 'lone')
def test_a_plain_user_can_keep_the_own_id(t):
  me = os.geteuid()
  box = t.box(args=['id', '-u'], user={'uid': me, 'gid': os.getegid()}).map_ids((me, me, 1))
  box.linux['gidMappings'] = [{'containerID': os.getegid(), 'hostID': os.getegid(), 'size': 1}]
  t.same(box.output(), '%d\n' % me)


@run_as('user')
def test_files_of_other_ids_belong_to_subordinate_ids(t):
  box = t.box('touch /tmp/f && chown 5:6 /tmp/f')
  box.output()
  status = os.stat(box.rootfs + '/tmp/f')
  t.same((status.st_uid, status.st_gid), (subordinate('/etc/subuid')[0][0] + 4,
                                          subordinate('/etc/subgid')[0][0] + 5))


@also_as_user
def test_root_in_it_is_root_in_it(t):
  box = t.box('id -u; id -g; touch /etc/mine && echo made')
  if t.is_root:
    box.map_ids((0, 0, 1))
  t.same(box.output(), '0\n0\nmade\n')


@everyone
def test_newuidmap_is_found_without_PATH(t):
  t.worked(t.box().run(env={'XDG_RUNTIME_DIR': t.environment()['XDG_RUNTIME_DIR']}))
