"""config-linux.md, Devices."""

import os
import stat

from kit import MUST, SHOULD, clause

WHERE = 'config-linux.md, Devices'
DEFAULTS = 'config-linux.md, Default Devices'


def listed(t, box=None, **row):
  box = box or t.box()
  device = {'path': '/dev/conformance', 'type': 'c', 'major': 1, 'minor': 3}
  device.update(row)
  device = {key: value for key, value in device.items() if value is not None}
  box.linux['devices'] = [device]
  box.linux.setdefault('resources', {})['devices'] = [
    {'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'access': 'rwm'},
    {'allow': True, 'type': 'b', 'access': 'rwm'}]
  box.process['args'] = ['stat', '-c', '%F %t:%T %a %u %g', device['path']]
  return box


@clause(DEFAULTS, MUST, '/dev/{} is there', [
  ('null', '1:3'), ('zero', '1:5'), ('full', '1:7'), ('random', '1:8'), ('urandom', '1:9'),
  ('tty', '5:0')])
def default(t, name, number):
  t.same(t.box('stat -c "%F %t:%T" /dev/' + name).output(), 'character special file ' + number)


@clause(DEFAULTS, MUST, '/dev/{} can be used', [
  ('null', 'echo x >/dev/null && cat /dev/null && echo fine'),
  ('zero', 'test "$(head -c 3 /dev/zero | tr "\\0" z)" = zzz && echo fine'),
  ('full', 'echo x 2>/dev/null >/dev/full || echo fine'),
  ('random', 'test "$(head -c 3 /dev/random | wc -c)" = 3 && echo fine'),
  ('urandom', 'test "$(head -c 3 /dev/urandom | wc -c)" = 3 && echo fine')])
def default_use(t, _, script):
  t.same(t.box(script).output(), 'fine')


@clause(DEFAULTS, MUST, '/dev/{} can be used by a user who is not root', ['null', 'zero', 'urandom'])
def default_user(t, name):
  box = t.box('head -c 1 /dev/%s >/dev/null && echo fine' % name)
  box.process['user'] = {'uid': 1000, 'gid': 1000}
  t.same(box.output(), 'fine')


@clause(DEFAULTS, MUST, '/dev/ptmx is the container\'s /dev/pts/ptmx')
def ptmx(t):
  box = t.box('stat -L -c "%t:%T %d" /dev/ptmx /dev/pts/ptmx | uniq | wc -l; stat -L -c %t:%T /dev/ptmx')
  box.mount('/dev/pts', 'devpts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=620'])
  t.same(box.output().split(), ['1', '5:2'])


@clause(DEFAULTS, MUST, 'default devices are there in a user namespace')
def default_user_namespace(t):
  box = t.box('for name in null zero full random urandom tty; do test -c /dev/$name && echo $name; done')
  box.map_ids((0, 100000, 1000))
  t.same(box.output().split(), ['null', 'zero', 'full', 'random', 'urandom', 'tty'])


@clause(DEFAULTS, SHOULD, '/dev/{} leads to /proc/self/fd', [('fd', ''), ('stdin', '/0'),
                                                           ('stdout', '/1'), ('stderr', '/2')])
def links(t, name, end):
  t.same(t.box('readlink /dev/' + name).output(), '/proc/self/fd' + end)


@clause(WHERE, MUST, 'a device of type {} is there', [
  ('c', 'character special file 1:3'), ('u', 'character special file 1:3'),
  ('b', 'block special file 7:0')])
def types(t, kind, expected):
  box = listed(t, type=kind, **({'major': 7, 'minor': 0} if kind == 'b' else {}))
  t.same(' '.join(box.output().split()[:4]), expected)


@clause(WHERE, MUST, 'a device of type p is there, a FIFO')
def fifo(t):
  t.same(listed(t, type='p', major=None, minor=None).output().split()[0], 'fifo')


@clause(WHERE, MUST, 'a device has its fileMode {}', ['600', '640', '666', '777'])
def mode(t, text):
  t.same(listed(t, fileMode=int(text, 8)).output().split()[4], text)


@clause(WHERE, MUST, 'the fileMode does not depend on the umask')
def mode_umask(t):
  box = listed(t, fileMode=0o666)
  box.create(umask=0o077).start().wait()
  t.same(box.written().split()[4], '666')


@clause(WHERE, MUST, 'a device belongs to its {}', [('uid', 5), ('gid', 6)])
def owner(t, key, place):
  t.same(listed(t, **{key: 1234}).output().split()[place], '1234')


@clause(WHERE, MUST, 'a device can be outside of /dev')
def elsewhere(t):
  t.has(listed(t, path='/var/some/device').output(), 'character special file 1:3')


@clause(WHERE, MUST, 'a device can be in a directory of /dev that is not there')
def nested(t):
  t.has(listed(t, path='/dev/some/where/device').output(), 'character special file 1:3')


@clause(WHERE, MUST, 'a file that is there and is not the device is an error')
def other_file(t):
  box = listed(t, path='/var/device')
  box.file('var/device', 'text')
  box.refused()


@clause(WHERE, MUST, 'another device that is there is an error')
def other_device(t):
  box = listed(t, path='/var/device')
  os.mknod(box.rootfs + '/var/device', stat.S_IFCHR | 0o666, os.makedev(1, 5))
  box.refused()


@clause(WHERE, MUST, 'the device itself may be there')
def same_device(t):
  box = listed(t, path='/var/device')
  os.mknod(box.rootfs + '/var/device', stat.S_IFCHR | 0o666, os.makedev(1, 3))
  t.has(box.output(), 'character special file 1:3')


@clause(WHERE, MUST, 'a type of "{}" is an error', ['', 'x', 'char'])
def unknown_type(t, kind):
  listed(t, type=kind).refused()


@clause(WHERE, MUST, 'a {} is required', ['type', 'path'])
def required(t, key):
  box = listed(t)
  del box.linux['devices'][0][key]
  box.refused()


@clause(WHERE, MUST, 'major and minor are required for a device that is no FIFO')
def numbers_required(t):
  box = listed(t)
  del box.linux['devices'][0]['major'], box.linux['devices'][0]['minor']
  if box.try_create().rc == 0:
    box.stop()
    t.skip('the runtime takes 0 for what is absent')


@clause(WHERE, MUST, 'several devices are all there')
def several(t):
  box = listed(t)
  box.linux['devices'] = [{'path': '/dev/d%d' % n, 'type': 'c', 'major': 1, 'minor': n}
                          for n in (3, 5, 7)]
  box.process['args'] = ['stat', '-c', '%T', '/dev/d3', '/dev/d5', '/dev/d7']
  t.same(box.output().split(), ['3', '5', '7'])
