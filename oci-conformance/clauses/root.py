"""config.md, Root."""

import os

from kit import MUST, clause, write

WHERE = 'config.md, Root'


@clause(WHERE, MUST, 'root is required')
def required(t):
  box = t.box('true')
  del box.config['root']
  box.refused()


@clause(WHERE, MUST, 'root.path is required')
def path_required(t):
  box = t.box('true')
  del box.config['root']['path']
  box.refused()


@clause(WHERE, MUST, 'a relative path is taken from the bundle')
def path_relative(t):
  box = t.box('cat /here')
  box.file('here', 'found')
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'a relative path may have any name, and several parts')
def path_any(t):
  box = t.box('cat /here')
  box.file('here', 'found')
  os.makedirs(box.directory + '/some')
  os.rename(box.rootfs, box.directory + '/some/where')
  box.config['root']['path'] = 'some/where'
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'an absolute path is taken as it is')
def path_absolute(t):
  box = t.box('cat /here')
  box.file('here', 'found')
  os.rename(box.rootfs, t.path('elsewhere'))
  box.config['root']['path'] = t.path('elsewhere')
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'a path where nothing is is an error')
def path_missing(t):
  box = t.box('true')
  box.config['root']['path'] = 'nowhere'
  box.refused()


@clause(WHERE, MUST, 'a path of a file that is no directory is an error')
def path_file(t):
  box = t.box('true')
  write(box.directory + '/file', '')
  box.config['root']['path'] = 'file'
  box.refused()


@clause(WHERE, MUST, 'the program sees the root file system as /')
def is_root(t):
  box = t.box('ls /')
  box.file('marker')
  found = box.output().split()
  t.has(found, 'marker')
  t.lacks(found, 'boot')


@clause(WHERE, MUST, 'nothing above the root can be reached')
def no_way_out(t):
  box = t.box('cd /; ls ../../..')
  box.file('marker')
  t.has(box.output().split(), 'marker')


@clause(WHERE, MUST, 'the host\'s mounts outside of the root are not seen')
def no_host_mounts(t):
  points = [line.split()[4] for line in t.box('cat /proc/self/mountinfo').output().splitlines()]
  foreign = [point for point in points if not (
    point == '/' or point.startswith(('/proc', '/dev', '/sys')))]
  t.same(foreign, [])


@clause(WHERE, MUST, 'with readonly the root cannot be written to')
def readonly(t):
  box = t.box('touch /file 2>&1')
  box.config['root']['readonly'] = True
  t.has(box.output(), 'Read-only file system')
  t.true(not os.path.exists(box.rootfs + '/file'), 'it was written to')


@clause(WHERE, MUST, 'without readonly the root can be written to')
def writable(t):
  box = t.box('echo text >/file; cat /file')
  t.same(box.output(), 'text')
  t.true(os.path.exists(box.rootfs + '/file'), 'it is not on the host')


@clause(WHERE, MUST, 'with readonly set to false the root can be written to')
def readonly_false(t):
  box = t.box('echo text >/file; cat /file')
  box.config['root']['readonly'] = False
  t.same(box.output(), 'text')


@clause(WHERE, MUST, 'with readonly mounts in the root keep their own options')
def readonly_mounts(t):
  box = t.box('echo text >/mnt/file; cat /mnt/file')
  box.config['root']['readonly'] = True
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  t.same(box.output(), 'text')


@clause(WHERE, MUST, 'readonly changes nothing outside of the container')
def readonly_host(t):
  box = t.box('sleep 100')
  box.config['root']['readonly'] = True
  box.launch()
  box.file('written-by-host', 'text')
