"""config.md, Linux mount options: each row of its table."""

import os

from kit import MAY, MUST, SHOULD, clause, mount_lines

WHERE = 'config.md, Linux mount options'

# (option, those with it, what mountinfo has of the mount then, what it lacks)
MOUNT_MUST = [
  ('defaults', [], '', 'ro'), ('ro', [], 'ro', 'rw'), ('rw', ['ro'], 'rw', 'ro'),
  ('nosuid', [], 'nosuid', ''), ('suid', ['nosuid'], '', 'nosuid'),
  ('nodev', [], 'nodev', ''), ('dev', ['nodev'], '', 'nodev'),
  ('noexec', [], 'noexec', ''), ('exec', ['noexec'], '', 'noexec'),
  ('noatime', [], 'noatime', ''), ('atime', ['noatime'], '', 'noatime'),
  ('nodiratime', [], 'nodiratime', ''), ('diratime', ['nodiratime'], '', 'nodiratime'),
  ('relatime', [], 'relatime', 'noatime'), ('norelatime', [], '', 'noatime'),
  ('strictatime', [], '', 'relatime'), ('nostrictatime', ['strictatime'], 'relatime', ''),
]
SUPER_MUST = [
  ('sync', [], 'sync', ''), ('async', ['sync'], '', 'sync'), ('dirsync', [], 'dirsync', ''),
  ('lazytime', [], 'lazytime', ''), ('nolazytime', ['lazytime'], '', 'lazytime'),
]
ACCEPTED_MUST = ['iversion', 'noiversion', 'silent', 'loud']
PROPAGATION_MUST = [('private', ''), ('rprivate', ''), ('shared', 'shared:'), ('rshared', 'shared:'),
                    ('slave', 'master:'), ('rslave', 'master:'), ('unbindable', 'unbindable'),
                    ('runbindable', 'unbindable')]
RECURSIVE_SHOULD = [
  ('rro', [], 'ro', ''), ('rrw', ['rro'], 'rw', 'ro'),
  ('rnosuid', [], 'nosuid', ''), ('rsuid', ['rnosuid'], '', 'nosuid'),
  ('rnodev', [], 'nodev', ''), ('rdev', ['rnodev'], '', 'nodev'),
  ('rnoexec', [], 'noexec', ''), ('rexec', ['rnoexec'], '', 'noexec'),
  ('rnoatime', [], 'noatime', ''), ('ratime', ['rnoatime'], '', 'noatime'),
  ('rnodiratime', [], 'nodiratime', ''), ('rdiratime', ['rnodiratime'], '', 'nodiratime'),
  ('rrelatime', [], 'relatime', ''), ('rnorelatime', [], '', 'noatime'),
  ('rstrictatime', [], '', 'relatime'), ('rnostrictatime', ['rstrictatime'], 'relatime', ''),
  ('rnosymfollow', [], 'nosymfollow', ''), ('rsymfollow', ['rnosymfollow'], '', 'nosymfollow'),
]


def mounted(box, options, destination='/mnt', source='tmpfs', kind='tmpfs'):
  box.process['args'] = ['cat', '/proc/self/mountinfo']
  box.mount(destination, source, kind, options)
  return mount_lines(box.output())


def expect(t, found, has, lacks):
  if has:
    t.has(found, has)
  if lacks:
    t.lacks(found, lacks)


@clause(WHERE, MUST, '{}, on a new file system', MOUNT_MUST)
def mount(t, option, before, has, lacks):
  expect(t, mounted(t.box(), before + [option])['/mnt']['options'], has, lacks)


@clause(WHERE, MUST, '{}, on a bind mount', [row for row in MOUNT_MUST if row[0] != 'defaults'])
def bind_mount(t, option, before, has, lacks):
  found = mounted(t.box(), ['bind'] + before + [option], source=t.folder('source'), kind='none')
  expect(t, found['/mnt']['options'], has, lacks)


@clause(WHERE, MUST, '{}', SUPER_MUST)
def file_system(t, option, before, has, lacks):
  expect(t, mounted(t.box(), before + [option])['/mnt']['super'], has, lacks)


@clause(WHERE, MUST, '{} is accepted', ACCEPTED_MUST)
def accepted(t, option):
  t.same(mounted(t.box(), [option])['/mnt']['type'], 'tmpfs')


@clause(WHERE, MAY, '{} is accepted', ['mand', 'nomand'])
def mandatory_locks(t, option):
  box = t.box('true')
  box.mount('/mnt', 'tmpfs', 'tmpfs', [option])
  if box.try_create().rc:
    t.skip('the runtime or the kernel has none')
  box.stop()


@clause(WHERE, MUST, 'bind does not bring the mounts below the source')
def bind(t):
  t.lacks(mounted(t.box(), ['bind'], source=nested(t), kind='none'), '/mnt/inner')


@clause(WHERE, MUST, 'rbind brings the mounts below the source')
def rbind(t):
  t.has(mounted(t.box(), ['rbind'], source=nested(t), kind='none'), '/mnt/inner')


@clause(WHERE, MUST, 'remount changes the options of a mount that is there')
def remount(t):
  box = t.box()
  box.mount('/mnt', 'tmpfs', 'tmpfs', ['size=64k'])
  found = mounted(box, ['remount', 'bind', 'nosuid', 'noexec'])
  t.true({'nosuid', 'noexec'} <= found['/mnt']['options'], str(found['/mnt']))


@clause(WHERE, MUST, '{} sets the propagation of the mount', PROPAGATION_MUST)
def propagation(t, option, tag):
  source = t.folder('source')
  t.mount('tmpfs', source, 'tmpfs')
  t.mount(None, source, None, 1 << 20)  # shared, so that there is something to be a slave of
  box = t.box()
  box.linux['rootfsPropagation'] = 'slave'
  tags = ' '.join(mounted(box, ['bind', option], source=source, kind='none')['/mnt']['tags'])
  if tag:
    t.has(tags, tag)
  else:
    t.same(tags, '')


@clause(WHERE, SHOULD, '{}', [('nosymfollow', [], 'nosymfollow', ''),
                             ('symfollow', ['nosymfollow'], '', 'nosymfollow')])
def symfollow(t, option, before, has, lacks):
  expect(t, mounted(t.box(), before + [option])['/mnt']['options'], has, lacks)


def nested(t):
  """A directory with a mount in it, which has options of its own."""
  source = t.folder('source')
  os.mkdir(source + '/inner')
  t.mount('tmpfs', source + '/inner', 'tmpfs')
  return source


@clause(WHERE, SHOULD, '{}, on the mount', RECURSIVE_SHOULD)
def recursive_top(t, option, before, has, lacks):
  found = mounted(t.box(), ['rbind'] + before + [option], source=nested(t), kind='none')
  expect(t, found['/mnt']['options'], has, lacks)


@clause(WHERE, SHOULD, '{}, on the mounts below', RECURSIVE_SHOULD)
def recursive_below(t, option, before, has, lacks):
  found = mounted(t.box(), ['rbind'] + before + [option], source=nested(t), kind='none')
  expect(t, found['/mnt/inner']['options'], has, lacks)


@clause(WHERE, MUST, 'ro alone leaves the mounts below a bind mount as they are')
def ro_not_recursive(t):
  found = mounted(t.box(), ['rbind', 'ro'], source=nested(t), kind='none')
  t.true('ro' in found['/mnt']['options'] and 'rw' in found['/mnt/inner']['options'], str(found))


@clause(WHERE, SHOULD, '{} maps the owners as the container\'s user namespace does', ['idmap', 'ridmap'])
def idmap(t, option):
  box = t.box('stat -c %u:%g /mnt/file')
  path = t.folder('source') + '/file'
  with open(path, 'w', encoding='utf-8'):
    pass
  box.mount('/mnt', t.path('source'), None, ['rbind', option])
  box.map_ids((0, 100000, 1000))
  t.same(box.output(), '0:0')


@clause(WHERE, MAY, 'tmpcopyup fills a tmpfs with what it covers')
def tmpcopyup(t):
  box = t.box('cat /etc/below')
  box.file('etc/below', 'copied')
  box.mount('/etc', 'tmpfs', 'tmpfs', ['tmpcopyup'])
  if box.try_create().rc:
    t.skip('the runtime does not have it')
  box.start().wait()
  t.same(box.written(), 'copied')


@clause(WHERE, MUST, 'of two options that contradict one another the later counts')
def later_counts(t):
  found = mounted(t.box(), ['ro', 'nosuid', 'rw', 'suid'])['/mnt']['options']
  t.true('rw' in found and 'nosuid' not in found, str(found))


@clause(WHERE, MUST, 'a read-only mount cannot be written to')
def ro_effect(t):
  box = t.box('touch /mnt/file 2>&1')
  box.mount('/mnt', 'tmpfs', 'tmpfs', ['ro'])
  t.has(box.output(), 'Read-only file system')


@clause(WHERE, MUST, 'on a noexec mount nothing can be executed')
def noexec_effect(t):
  box = t.box('/mnt/busybox true 2>&1')
  os.link(box.rootfs + '/bin/busybox', t.folder('source') + '/busybox')
  box.mount('/mnt', t.path('source'), None, ['bind', 'noexec'])
  t.has(box.output(), 'ermission denied')
