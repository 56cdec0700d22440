"""config-linux.md, User namespace mappings."""

import os

from kit import MUST, SHOULD, clause, read

WHERE = 'config-linux.md, User namespace mappings'
KEYS = [('uidMappings', 'uid_map'), ('gidMappings', 'gid_map')]


def rows(text):
  return [tuple(map(int, line.split())) for line in text.splitlines()]


@clause(WHERE, MUST, '{} are those of the container', KEYS)
def mapped(t, _, file):
  box = t.box('sleep 100').map_ids((0, 100000, 1000)).launch()
  t.same(rows(read('/proc/%d/%s' % (box.pid(), file))), [(0, 100000, 1000)])


@clause(WHERE, MUST, 'several {} are all made', KEYS)
def several(t, _, file):
  ranges = [(0, 100000, 10), (10, 200000, 20), (100, 300000, 1)]
  box = t.box('sleep 100').map_ids(*ranges).launch()
  t.same(sorted(rows(read('/proc/%d/%s' % (box.pid(), file)))), ranges)


@clause(WHERE, MUST, 'thirty {} are all made', KEYS)
def thirty(t, _, file):
  ranges = [(0, 100000, 100)] + [(n * 100, 200000 + n * 1000, 10) for n in range(1, 30)]
  box = t.box('sleep 100').map_ids(*ranges).launch()
  t.same(sorted(rows(read('/proc/%d/%s' % (box.pid(), file)))), ranges)


@clause(WHERE, MUST, 'uids and gids can be mapped differently')
def different(t):
  box = t.box('sleep 100').map_ids((0, 100000, 1000))
  box.linux['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 50}]
  box.launch()
  t.same((rows(read('/proc/%d/uid_map' % box.pid())), rows(read('/proc/%d/gid_map' % box.pid()))),
         ([(0, 100000, 1000)], [(0, 100000, 50)]))


@clause(WHERE, MUST, 'the process has the host\'s id that its own is mapped to')
def process(t):
  box = t.box('sleep 100').map_ids((0, 100000, 1000))
  box.process['user'] = {'uid': 7, 'gid': 8}
  box.launch()
  status = read('/proc/%d/status' % box.pid())
  t.has(status, 'Uid:\t100007\t100007\t100007\t100007')
  t.has(status, 'Gid:\t100008\t100008\t100008\t100008')


@clause(WHERE, MUST, 'what belongs to a mapped id is seen with the container\'s')
def files(t):
  box = t.box('stat -c %u:%g /etc/file').map_ids((0, 100000, 1000))
  os.chown(box.file('etc/file'), 100011, 100012)
  t.same(box.output(), '11:12')


@clause(WHERE, SHOULD, 'the owners of the files are not changed')
def ownership(t):
  box = t.box('true').map_ids((0, 100000, 1000))
  os.chown(box.file('etc/one'), 0, 0)
  os.chown(box.file('etc/two'), 100500, 100501)
  box.output()
  found = [os.stat(box.rootfs + '/etc/' + name) for name in ('one', 'two')]
  t.same([(status.st_uid, status.st_gid) for status in found], [(0, 0), (100500, 100501)])


@clause(WHERE, MUST, 'a {} is required', ['hostID', 'containerID', 'size'])
def required(t, key):
  box = t.box('true').map_ids((0, 100000, 1000))
  for name, _ in KEYS:
    del box.linux[name][0][key]
  if box.try_create().rc == 0:
    box.stop()
    t.skip('the runtime takes 0 for one that is absent')


@clause('config.md, Valid values', MUST, 'mappings that the kernel refuses, {}, are an error',
        [('an empty one', [(0, 100000, 0)]), ('overlapping inside', [(0, 100000, 10), (5, 200000, 10)]),
         ('overlapping outside', [(0, 100000, 10), (100, 100005, 10)]),
         ('beyond the last id', [(4294967290, 100000, 100)])])
def invalid(t, _, ranges):
  t.box('true').map_ids(*ranges).refused()


@clause(WHERE, MUST, 'the user namespace owns the other new namespaces')
def owner(t):
  box = t.box('hostname changed && hostname').map_ids((0, 100000, 1000))
  box.process['capabilities'] = {key: ['CAP_SYS_ADMIN']
                                 for key in ('bounding', 'effective', 'permitted')}
  t.same(box.output(), 'changed')
