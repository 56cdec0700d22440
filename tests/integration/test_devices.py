"""The default devices and links in /dev, and linux.devices."""

import os
import stat

from lib import also_as_user, everyone

NODES = {'null': '1:3', 'zero': '1:5', 'full': '1:7', 'random': '1:8', 'urandom': '1:9',
         'tty': '5:0'}


@everyone
def test_the_default_nodes_are_there_and_work(t):
  box = t.box('for n in %s; do stat -c "%%n %%F %%t:%%T %%a" /dev/$n; done; echo x > /dev/null; '
              'head -c 2 /dev/zero | od -An -tx1; head -c 4 /dev/urandom | wc -c; '
              'echo x > /dev/full' % ' '.join(NODES))
  lines = box.run().out.splitlines()
  t.same(lines[:6], ['/dev/%s character special file %s 666' % item for item in NODES.items()])
  t.same([line.strip() for line in lines[6:]], ['00 00', '4'])


@also_as_user
def test_the_links_are_there(t):
  box = t.box('for n in fd stdin stdout stderr ptmx; do echo $n $(readlink /dev/$n); done')
  t.same(box.output().splitlines(), ['fd /proc/self/fd', 'stdin /proc/self/fd/0',
                                     'stdout /proc/self/fd/1', 'stderr /proc/self/fd/2',
                                     'ptmx pts/ptmx'])


def test_devices_of_the_config_are_made(t):
  box = t.box('stat -c "%n %F %t:%T %a %u:%g" /dev/x /dev/deep/y /dev/fifo')
  box.linux['devices'] = [
    {'path': '/dev/x', 'type': 'c', 'major': 1, 'minor': 3, 'fileMode': 0o640, 'uid': 5, 'gid': 6},
    {'path': '/dev/deep/y', 'type': 'b', 'major': 7, 'minor': 200},
    {'path': '/dev/fifo', 'type': 'p', 'fileMode': 0o600}]
  t.same(box.output().splitlines(), ['/dev/x character special file 1:3 640 5:6',
                                     '/dev/deep/y block special file 7:c8 666 0:0',
                                     '/dev/fifo fifo 0:0 600 0:0'])


def test_u_is_a_character_device(t):
  box = t.box('stat -c %F /dev/x')
  box.linux['devices'] = [{'path': '/dev/x', 'type': 'u', 'major': 1, 'minor': 3}]
  t.same(box.output(), 'character special file\n')


def test_the_same_device_may_be_there_already(t):
  box = t.box('stat -c %t:%T /mnt/x')
  os.mknod(box.rootfs + '/mnt/x', 0o600 | stat.S_IFCHR, os.makedev(1, 5))
  box.linux['devices'] = [{'path': '/mnt/x', 'type': 'c', 'major': 1, 'minor': 5}]
  t.same(box.output(), '1:5\n')


def test_a_default_device_can_be_given_another_mode(t):
  box = t.box('stat -c %a /dev/zero')
  box.linux['devices'] = [{'path': '/dev/zero', 'type': 'c', 'major': 1, 'minor': 5,
                           'fileMode': 0o600}]
  t.same(box.output(), '600\n')


@also_as_user
def test_where_none_may_be_made_the_hosts_is_bound(t):
  box = t.box('stat -c "%F %t:%T" /dev/mine; head -c 2 /dev/mine | od -An -tx1')
  if t.is_root:
    box.map_ids((0, 100000, 65536))
  box.linux['devices'] = [{'path': '/dev/mine', 'type': 'c', 'major': 1, 'minor': 5}]
  if not t.is_root:
    box.linux['devices'][0]['path'] = '/dev/zero'
    box.process['args'][2] = box.process['args'][2].replace('mine', 'zero')
    t.same(box.output(), 'character special file 1:5\n 00 00\n')
    return
  t.same(box.try_create().rc, 1, 'the host has no /dev/mine')
  t.nothing_left()


def test_in_a_user_namespace_of_root_the_default_nodes_work(t):
  box = t.box('echo x > /dev/null && head -c 1 /dev/zero | od -An -tx1').map_ids((0, 100000, 65536))
  t.same(box.output(), ' 00\n')


def test_the_owner_of_the_hosts_null_does_not_change(t):
  # leftovers.nodes() looks after this test, too
  with open('/dev/null', 'r+b') as null:
    result = t.box(args=['true'], user={'uid': 1000, 'gid': 1000}).run(
      stdin=null, stdout=null, stderr=null)
  t.same(result.rc, 0)
  status = os.stat('/dev/null')
  t.same((status.st_uid, stat.S_IMODE(status.st_mode)), (0, 0o666))
