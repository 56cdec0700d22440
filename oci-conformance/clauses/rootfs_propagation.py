"""config-linux.md, Rootfs Mount Propagation."""

import os

from kit import MUST, clause, mount_lines, read

WHERE = 'config-linux.md, Rootfs Mount Propagation'


def tags_of_root(t, propagation, shared=True):
  box = t.box(args=['cat', '/proc/self/mountinfo'])
  t.mount(box.directory, box.directory, None, 0x1000 | 0x4000)
  t.mount(None, box.directory, None, (1 << 20 if shared else 1 << 18))
  if propagation:
    box.linux['rootfsPropagation'] = propagation
  return ' '.join(mount_lines(box.output())['/']['tags'])


@clause(WHERE, MUST, '"{}" is the propagation of the root', [
  ('private', ''), ('shared', 'shared:'), ('unbindable', 'unbindable')])
def propagation(t, name, tag):
  found = tags_of_root(t, name)
  if tag:
    t.has(found, tag)
  else:
    t.same(found, '')


@clause(WHERE, MUST, 'with "slave" the root is not shared')
def slave_not_shared(t):
  # A slave without a master, as the copy of a private mount is one, is told as a private mount.
  t.lacks(tags_of_root(t, 'slave'), 'shared:')


@clause('config.md, Valid values', MUST, 'an unknown propagation is an error')
def unknown(t):
  box = t.box('true')
  box.linux['rootfsPropagation'] = 'none'
  box.refused()


@clause(WHERE, MUST, 'with "private" mounts of the container do not reach the host')
def private(t):
  box = t.box('sleep 100')
  t.mount(box.directory, box.directory, None, 0x1000 | 0x4000)
  t.mount(None, box.directory, None, 1 << 20)
  box.linux['rootfsPropagation'] = 'private'
  box.mount('/mnt', 'inside-only', 'tmpfs')
  box.launch()
  t.lacks(read('/proc/self/mountinfo'), 'inside-only')


@clause(WHERE, MUST, 'with "slave" mounts of the host reach a bind mount that is a slave')
def slave(t):
  source = t.folder('source')
  t.mount('tmpfs', source, 'tmpfs')
  t.mount(None, source, None, 1 << 20)
  os.mkdir(source + '/later')
  box = t.box('sleep 100')
  box.linux['rootfsPropagation'] = 'slave'
  box.mount('/mnt', source, None, ['rbind', 'rslave'])
  box.launch()
  t.mount('from-the-host', source + '/later', 'tmpfs')
  t.has(read('/proc/%d/mountinfo' % box.pid()), 'from-the-host')


@clause(WHERE, MUST, 'with "slave" mounts of the container do not reach the host')
def slave_one_way(t):
  source = t.folder('source')
  t.mount('tmpfs', source, 'tmpfs')
  t.mount(None, source, None, 1 << 20)
  os.mkdir(source + '/inner')
  box = t.box('sleep 100')
  box.linux['rootfsPropagation'] = 'slave'
  box.mount('/mnt', source, None, ['rbind', 'rslave'])
  box.mount('/mnt/inner', 'from-inside', 'tmpfs')
  box.launch()
  t.lacks(read('/proc/self/mountinfo'), 'from-inside')
