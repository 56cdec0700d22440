"""config.md, Mounts."""

import os

from kit import MAY, MUST, SHOULD, clause, mount_lines, read, write

WHERE = 'config.md, Mounts'


def mounts(box):
  """What the program finds in its mountinfo."""
  box.process['args'] = ['cat', '/proc/self/mountinfo']
  return mount_lines(box.output())


@clause(WHERE, MUST, 'mounts are made in the listed order: the later one on the same point is seen')
def order_same(t):
  box = t.box('cat /mnt/name')
  for name in ('first', 'second'):
    write(t.folder(name) + '/name', name)
    box.mount('/mnt', t.path(name), None, ['bind'])
  t.same(box.output(), 'second')


@clause(WHERE, MUST, 'mounts are made in the listed order: one can be made inside an earlier one')
def order_nested(t):
  box = t.box('cat /mnt/inner/name')
  write(t.folder('source') + '/name', 'inner')
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  box.mount('/mnt/inner', t.path('source'), None, ['bind'])
  t.same(box.output(), 'inner')


@clause(WHERE, MUST, 'mounts are made in the listed order: a later one covers those inside of it')
def order_covering(t):
  box = t.box('ls /mnt')
  box.mount('/mnt/inner', 'tmpfs', 'tmpfs')
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  t.same(box.output(), '')


@clause(WHERE, MUST, 'a destination is required')
def destination_required(t):
  box = t.box('true')
  del box.mount('/mnt', 'tmpfs', 'tmpfs')['destination']
  box.refused()


@clause(WHERE, MUST, 'a destination that is not there is made')
def destination_made(t):
  box = t.box()
  box.mount('/made/here/now', 'tmpfs', 'tmpfs')
  t.has(mounts(box), '/made/here/now')


@clause(WHERE, MAY, 'a relative destination is taken from / where it is not refused')
def destination_relative(t):
  box = t.box('cat /proc/self/mountinfo')
  box.mount('mnt', 'tmpfs', 'tmpfs')
  result = box.try_create()
  if result.rc:
    t.skip('the runtime refuses it')
  box.start().wait()
  t.has(mount_lines(box.written()), '/mnt')


@clause(WHERE, SHOULD, 'a destination that leads out of the root by .. stays in it')
def destination_dots(t):
  box = t.box('cat /proc/self/mountinfo')
  box.mount('/../../mnt', 'tmpfs', 'tmpfs')
  result = box.try_create()
  if result.rc:
    t.skip('the runtime refuses it')
  box.start().wait()
  t.has(mount_lines(box.written()), '/mnt')


@clause(WHERE, SHOULD, 'a destination that is a symbolic link out of the root stays in it')
def destination_link(t):
  box = t.box('cat /mnt/name')
  outside = t.folder('outside')
  write(t.folder('source') + '/name', 'inner')
  os.symlink(outside, box.rootfs + '/link')
  box.mount('/link', t.path('source'), None, ['bind'])
  result = box.try_create()
  t.same(os.listdir(outside), [])
  t.lacks(read('/proc/self/mountinfo'), outside)
  if result.rc == 0:
    box.stop()


@clause(WHERE, MUST, 'with {} in the options a mount is a bind mount', ['bind', 'rbind'])
def bind(t, option):
  box = t.box('cat /mnt/name')
  write(t.folder('source') + '/name', 'from the source')
  box.mount('/mnt', t.path('source'), 'none', [option])
  t.same(box.output(), 'from the source')


@clause(WHERE, MUST, 'a bind mount needs no type')
def bind_without_type(t):
  box = t.box('cat /mnt/name')
  write(t.folder('source') + '/name', 'found')
  box.mount('/mnt', t.path('source'), None, ['bind'])
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'the type of a bind mount is a dummy: {}', ['bind', 'none', 'ext4', 'no-such-type'])
def bind_dummy_type(t, kind):
  box = t.box('cat /mnt/name')
  write(t.folder('source') + '/name', 'found')
  box.mount('/mnt', t.path('source'), kind, ['rbind'])
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'the relative source of a bind mount is taken from the bundle')
def bind_relative(t):
  box = t.box('cat /mnt/name')
  os.mkdir(box.directory + '/source')
  write(box.directory + '/source/name', 'from the bundle')
  box.mount('/mnt', 'source', None, ['bind'])
  t.same(box.output(), 'from the bundle')


@clause(WHERE, MUST, 'the source of a bind mount can be a file')
def bind_file(t):
  box = t.box('cat /etc/file')
  box.mount('/etc/file', t.path('source', 'text'), None, ['bind'])
  t.same(box.output(), 'text')


@clause(WHERE, MUST, 'a file can be mounted on a file that is there')
def bind_file_over_file(t):
  box = t.box('cat /etc/file')
  box.file('etc/file', 'below')
  box.mount('/etc/file', t.path('source', 'above'), None, ['bind'])
  t.same(box.output(), 'above')


@clause(WHERE, MUST, 'a bind mount can be written to, and is the source itself')
def bind_writable(t):
  box = t.box('echo text >/mnt/file')
  box.mount('/mnt', t.folder('source'), None, ['bind'])
  box.output()
  t.same(read(t.path('source/file')), 'text\n')


@clause(WHERE, MUST, 'a bind source that is not there is an error')
def bind_missing(t):
  box = t.box('true')
  box.mount('/mnt', t.path('nowhere'), None, ['bind'])
  box.refused()


@clause(WHERE, MUST, 'a file system type that the kernel lacks is an error')
def unknown_type(t):
  box = t.box('true')
  box.mount('/mnt', 'none', 'no-such-file-system')
  box.refused()


@clause(WHERE, MUST, 'a mount with an option that its file system refuses is an error')
def unknown_data(t):
  box = t.box('true')
  box.mount('/mnt', 'tmpfs', 'tmpfs', ['no_such_option=1'])
  box.refused()


@clause(WHERE, MUST, 'a mount of type {} is made', ['proc', 'tmpfs', 'devpts', 'mqueue', 'sysfs'])
def types(t, kind):
  box = t.box()
  if kind == 'sysfs':
    box.namespace('network')
  box.mount('/mnt', kind, kind, ['nosuid'])
  t.same(mounts(box).get('/mnt', {}).get('type'), kind)


@clause(WHERE, MUST, 'the source of a mount that is none is the dummy that is given')
def dummy_source(t):
  box = t.box()
  box.mount('/mnt', 'a-dummy', 'tmpfs')
  t.same(mounts(box).get('/mnt', {}).get('source'), 'a-dummy')


@clause(WHERE, MUST, 'options of the file system reach it: {}',
        [('size', 'size=64k'), ('mode', 'mode=700'), ('nr_inodes', 'nr_inodes=17'),
         ('uid', 'uid=12'), ('gid', 'gid=34')])
def data(t, _, option):
  box = t.box()
  box.mount('/mnt', 'tmpfs', 'tmpfs', [option])
  t.has(mounts(box)['/mnt']['super'], option)


@clause(WHERE, MUST, 'a tmpfs has the mode that is given')
def data_mode(t):
  box = t.box('stat -c %a /mnt')
  box.mount('/mnt', 'tmpfs', 'tmpfs', ['mode=1711'])
  t.same(box.output(), '1711')


@clause(WHERE, MUST, 'an empty array of mounts is none')
def empty(t):
  box = t.box('echo fine')
  box.config['mounts'] = []
  t.same(box.output(), 'fine')


@clause(WHERE, MUST, 'mounts is not required')
def absent(t):
  box = t.box('echo fine')
  del box.config['mounts']
  t.same(box.output(), 'fine')


@clause(WHERE, MUST, 'twenty mounts are made as one is')
def many(t):
  box = t.box()
  for number in range(20):
    box.mount('/mnt/%d' % number, 'tmpfs', 'tmpfs')
  found = mounts(box)
  t.same([n for n in range(20) if '/mnt/%d' % n not in found], [])


# -- the mappings of a mount

@clause(WHERE, SHOULD, 'uidMappings and gidMappings of a bind mount map the owners of its files')
def mapped(t):
  box = t.box('stat -c %u:%g /mnt/file')
  path = write(t.folder('source') + '/file', '')
  os.chown(path, 1000, 1000)
  row = box.mount('/mnt', t.path('source'), None, ['bind'])
  for key in ('uidMappings', 'gidMappings'):
    row[key] = [{'containerID': 1000, 'hostID': 2000, 'size': 1}]
  box.map_ids((0, 0, 10000))
  t.same(box.output(), '2000:2000')


@clause(WHERE, MUST, 'only one of uidMappings and gidMappings is an error')
def mapped_half(t):
  box = t.box('true')
  row = box.mount('/mnt', t.folder('source'), None, ['bind'])
  row['uidMappings'] = [{'containerID': 0, 'hostID': 1000, 'size': 1}]
  box.refused()
