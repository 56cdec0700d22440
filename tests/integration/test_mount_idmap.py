"""mounts with idmap, ridmap, uidMappings and gidMappings: what is the host's belongs to others inside."""

import os
import subprocess

from lib import run_as, write


def volume(t, *owners, kind=None):
  """A directory with files called by the ids of their owners; of a file system of its own, if a kind is
  given."""
  path = t.path('volume')
  os.mkdir(path)
  if kind:
    subprocess.run(['mount', '-t', kind, kind, path], check=True)
    t.ready.append(lambda: subprocess.run(['umount', '-R', path], check=True))
  for owner in owners:
    write('%s/%d' % (path, owner), '')
    os.chown('%s/%d' % (path, owner), owner, owner)
  return path


def rows(*ranges):
  return [{'containerID': inside, 'hostID': outside, 'size': size}
          for inside, outside, size in ranges]


LIST = 'cd /mnt; for f in *; do stat -c "%n %u %g" $f; done'


def with_mappings(box, uids, gids=None):
  box.config['mounts'][-1]['uidMappings'] = rows(*uids)
  box.config['mounts'][-1]['gidMappings'] = rows(*(gids or uids))
  return box


def test_mappings_without_a_user_namespace(t):
  source = volume(t, 0, 5, 2000)
  for options in (['bind', 'idmap'], ['bind'], ['rbind', 'ridmap']):
    box = with_mappings(t.box(LIST).mount('/mnt', source, options), [(0, 1000, 10)])
    t.same(box.output(), '0 1000 1000\n2000 65534 65534\n5 1005 1005\n', options)


def test_uids_and_gids_have_maps_of_their_own(t):
  source = volume(t, 0)
  box = t.box(LIST).mount('/mnt', source, ['bind', 'idmap'])
  t.same(with_mappings(box, [(0, 1000, 1)], [(0, 2000, 1)]).output(), '0 1000 2000\n')


def test_what_is_written_belongs_to_the_mapped_owner_outside(t):
  source = volume(t)
  box = t.box('touch /mnt/new', user={'uid': 0, 'gid': 0})
  os.chown(source, 77, 77)
  with_mappings(box.mount('/mnt', source, ['bind', 'idmap']), [(77, 0, 1)]).output()
  t.same((os.stat(source + '/new').st_uid, os.stat(source + '/new').st_gid), (77, 77))


def test_bare_idmap_is_the_containers_own_mapping(t):
  source = volume(t, 0, 5)
  for kind in ('idmap', 'ridmap'):
    box = t.box(LIST + '; touch /mnt/made; rm /mnt/made').map_ids((0, 100000, 65536))
    t.same(box.mount('/mnt', source, ['rbind', kind]).output(), '0 0 0\n5 5 5\n', kind)
  box = t.box(LIST).map_ids((0, 100000, 65536)).mount('/mnt', source, ['rbind'])
  t.same(box.output(), '0 65534 65534\n5 65534 65534\n')


def test_bare_idmap_in_a_joined_user_namespace(t):
  source = volume(t, 0)
  first = t.box('sleep 60').map_ids((0, 100000, 65536)).launch()
  box = t.box(LIST).namespace('user', '/proc/%d/ns/user' % first.pid())
  t.same(box.mount('/mnt', source, ['bind', 'idmap']).output(), '0 0 0\n')


def test_mappings_in_a_user_namespace(t):
  source = volume(t, 1000)
  box = t.box(LIST).map_ids((0, 100000, 65536)).mount('/mnt', source, ['bind', 'idmap'])
  t.same(with_mappings(box, [(1000, 100007, 1)]).output(), '1000 7 7\n')


def test_ranges_behind_the_word(t):
  source = volume(t, 0, 5, 21)
  for ranges, expected in (
      ('uids=0-1000-10;gids=0-2000-10', '0 1000 2000\n21 65534 65534\n5 1005 2005\n'),
      ('gids=0-2000-10#21-7-1;uids=0-1000-10#21-8-1', '0 1000 2000\n21 8 7\n5 1005 2005\n')):
    box = t.box(LIST).mount('/mnt', source, ['bind', 'idmap=' + ranges])
    t.same(box.output(), expected, ranges)


def test_relative_ranges_are_of_the_containers_ids(t):
  source = volume(t, 1, 2, 3, 9)
  box = t.box(LIST).map_ids((0, 100000, 4), (4, 200000, 100))
  box.mount('/mnt', source, ['bind', 'idmap=uids=@1-3-10;gids=@1-3-2#3-200005-1#9-100000-1'])
  t.same(box.output(), '1 3 3\n2 4 4\n3 5 9\n9 11 0\n')


def test_a_list_leaves_the_rest_to_the_containers_mapping(t):
  source = volume(t, 3)
  box = t.box(LIST).map_ids((0, 100000, 65536)).mount('/mnt', source, ['bind', 'idmap=uids=3-100004-1'])
  t.same(box.output(), '3 4 3\n')


def test_idmap_is_for_one_mount_and_ridmap_for_all_below(t):
  source = volume(t, 0, kind='tmpfs')
  os.mkdir(source + '/below')
  subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', source + '/below'], check=True)
  write(source + '/below/0', '')
  script = 'stat -c %u /mnt/0 /mnt/below/0'
  for word, expected in (('idmap', '1000\n0\n'), ('ridmap', '1000\n1000\n')):
    box = t.box(script).mount('/mnt', source, ['rbind', word])
    t.same(with_mappings(box, [(0, 1000, 10)]).output(), expected, word)


def test_a_file_and_a_read_only_mount(t):
  source = volume(t, 0) + '/0'
  box = t.box('stat -c %u /mnt/f; touch /mnt/f 2>/dev/null || echo read-only')
  box.mount('/mnt/f', source, ['bind', 'idmap', 'ro', 'nosuid'])
  t.same(with_mappings(box, [(0, 1000, 10)]).output(), '1000\nread-only\n')


def test_a_new_tmpfs(t):
  box = t.box('stat -c %u /mnt; touch /mnt/x').map_ids((0, 100000, 65536))
  box.mount('/mnt', 'tmpfs', ['idmap', 'mode=755'], 'tmpfs')
  t.same(box.output(), '0\n')


def test_many_mounts_and_nobody_left_behind(t):
  source = volume(t, 0)
  box = t.box('stat -c %u /mnt/*/0 | sort | uniq -c | tr -d " "').map_ids((0, 100000, 65536))
  for number in range(30):
    os.mkdir('%s/mnt/%d' % (box.rootfs, number))
    box.mount('/mnt/%d' % number, source, ['bind', 'idmap'])
    if number % 3 == 0:
      with_mappings(box, [(0, 100000 + number % 2, 1)])
  t.same(box.output(), '250\n51\n')
  t.nothing_left()


def test_what_the_kernel_refuses_names_the_file_system(t):
  result = with_mappings(t.box().mount('/mnt', '/proc/sys', ['bind', 'idmap']),
                         [(0, 1000, 10)]).try_create()
  t.refused(result, 'mounts[2] (/mnt): map the ids of a proc file system: invalid argument: the '
                    "kernel can't do it with this type")
  result = with_mappings(t.box().mount('/mnt', 'sysfs', ['idmap'], 'sysfs'),
                         [(0, 1000, 10)]).try_create()
  t.refused(result, 'mounts[2] (/mnt): map the ids of a sysfs file system: invalid argument: the '
                    "kernel can't do it with this type")


@run_as('user', 'lone')
def test_a_user_is_told_what_it_takes(t):
  source = t.path('volume')
  os.mkdir(source)
  box = t.box().mount('/mnt', source, ['bind', 'idmap=uids=0-0-1;gids=0-0-1'])
  result = box.try_create()
  t.same((result.rc, result.err.count('\n')), (1, 1), result.err)
  t.has(result.err, 'mounts[2] (/mnt): map the ids of a ')
  t.has(result.err, ' file system: operation not permitted: it takes CAP_SYS_ADMIN in the user '
                    'namespace which the file system belongs to')
  t.nothing_left()


def refused_text(t, options, text, **more):
  box = t.box()
  source = box.directory + '/volume'
  os.mkdir(source)
  box.mount('/mnt', source, options)
  box.config['mounts'][-1].update(more)
  t.refused(box.try_create(), 'mounts[2] (/mnt): ' + text)


def test_what_makes_no_sense_is_refused(t):
  shape = ' is no list of id ranges: it looks like uids=0-1000-10#20-2000-5;gids=0-1000-10'
  for ranges in ('', 'uids', 'uids=', 'uids=0-1', 'uids=0-1-', 'uids=0-1-0', 'uids=0-1-1#',
                 'uids=0-1-1,gids=0-1-1', 'uids=-1-1-1', 'uids=0-1-4294967296', 'users=0-1-1',
                 'uids=0-1-1 ;gids=0-1-1', 'uids=@@0-1-1'):
    if ranges:
      refused_text(t, ['bind', 'idmap=' + ranges], '"%s"%s' % (ranges, shape))
  refused_text(t, ['bind', 'idmap'], 'idmap without mappings needs a user namespace: give the mount '
               'uidMappings and gidMappings, or the container a user namespace of its own')
  refused_text(t, ['bind', 'idmap=uids=0-1-1'], 'idmap without mappings needs a user namespace: give '
               'the mount uidMappings and gidMappings, or the container a user namespace of its own')
  refused_text(t, ['bind', 'idmap'], 'gidMappings is missing', uidMappings=rows((0, 1, 1)))
  refused_text(t, ['bind', 'idmap'], 'uidMappings is missing', gidMappings=rows((0, 1, 1)))
  refused_text(t, ['bind'], 'gidMappings: size of range 0 is 0', uidMappings=rows((0, 1, 1)),
               gidMappings=rows((0, 1, 0)))
  refused_text(t, ['bind', 'idmap=uids=0-1-1;gids=0-1-1'],
               'there are mappings both in the option idmap and beside it',
               uidMappings=rows((0, 1, 1)), gidMappings=rows((0, 1, 1)))
  refused_text(t, ['bind', 'remount', 'idmap'],
               "the ids of a mount that is there can't be mapped anew")
  refused_text(t, ['bind', 'idmap=uids=0-1-1;gids=@0-1-1'], 'the container has no id 1: ids behind '
               '"@" are the container\'s: they must be in linux.uidMappings and linux.gidMappings')


def test_ranges_that_overlap_are_refused_by_the_kernel(t):
  source = volume(t)
  box = t.box().mount('/mnt', source, ['bind', 'idmap=uids=0-0-10#5-100-1;gids=0-0-1'])
  result = box.try_create()
  t.same(result.rc, 1)
  t.has(result.err, 'mounts[2] (/mnt): uidMappings: write /proc/')
  t.has(result.err, '/uid_map: invalid argument')
  t.nothing_left()
