"""config-linux.md, Namespaces."""

import os

from kit import MUST, clause, mount_lines

WHERE = 'config-linux.md, Namespaces'

# (type, file in /proc/PID/ns, option of unshare(1))
KINDS = [('pid', 'pid', '--pid'), ('network', 'net', '--net'), ('mount', 'mnt', '--mount'),
         ('ipc', 'ipc', '--ipc'), ('uts', 'uts', '--uts'), ('user', 'user', '--user'),
         ('cgroup', 'cgroup', '--cgroup'), ('time', 'time', '--time')]


def needs(t, file):
  if not os.path.exists('/proc/self/ns/' + file):
    t.skip('the kernel has no %s namespaces' % file)


def own(file):
  return os.readlink('/proc/self/ns/' + file)


def of(pid, file):
  return os.readlink('/proc/%d/ns/%s' % (pid, file))


@clause(WHERE, MUST, 'a {} namespace without path is a new one', KINDS)
def new(t, kind, file, _):
  needs(t, file)
  box = t.box('sleep 100').namespace(kind)
  if kind == 'user':
    box.map_ids((0, 100000, 1000))
  box.launch()
  t.true(of(box.pid(), file) != own(file), 'it is the runtime\'s')


@clause(WHERE, MUST, 'two containers with a new {} namespace do not share it', KINDS)
def new_each(t, kind, file, _):
  needs(t, file)
  boxes = [t.box('sleep 100').namespace(kind) for _ in range(2)]
  for box in boxes:
    if kind == 'user':
      box.map_ids((0, 100000, 1000))
    box.launch()
  t.true(of(boxes[0].pid(), file) != of(boxes[1].pid(), file), 'it is the same')


@clause(WHERE, MUST, 'the {} namespace that is not listed is the runtime\'s',
        [row for row in KINDS if row[0] != 'mount'])
def inherited(t, kind, file, _):
  needs(t, file)
  box = t.box('sleep 100').no_namespace(kind)
  box.launch()
  t.same(of(box.pid(), file), own(file))


@clause(WHERE, MUST, 'the program is put into the {} namespace at path',
        [row for row in KINDS if row[0] not in ('mount', 'user')])
def joined(t, kind, file, option):
  needs(t, file)
  pid = t.namespaced(option)
  box = t.box('sleep 100').namespace(kind, '/proc/%d/ns/%s' % (pid, file))
  box.launch()
  t.same(of(box.pid(), file), of(pid, file))


@clause(WHERE, MUST, 'the program is put into the user namespace at path')
def joined_user(t):
  pid = t.namespaced('--user')
  for name in ('uid_map', 'gid_map'):
    with open('/proc/%d/%s' % (pid, name), 'w', encoding='utf-8') as file:
      file.write('0 100000 1000')
  box = t.box('sleep 100').map_ids((0, 100000, 1000))
  box.namespace('user', '/proc/%d/ns/user' % pid)
  for key in ('uidMappings', 'gidMappings'):
    del box.linux[key]
  box.launch()
  t.same(of(box.pid(), 'user'), of(pid, 'user'))


@clause(WHERE, MUST, 'the namespaces of another container can be joined')
def joined_container(t):
  first = t.box('sleep 100').launch()
  box = t.box('sleep 100')
  for kind, file in (('ipc', 'ipc'), ('uts', 'uts'), ('pid', 'pid')):
    box.namespace(kind, '/proc/%d/ns/%s' % (first.pid(), file))
  box.launch()
  t.same([of(box.pid(), file) for file in ('ipc', 'uts', 'pid')],
         [of(first.pid(), file) for file in ('ipc', 'uts', 'pid')])


@clause(WHERE, MUST, 'a bind mount of a namespace is a path that can be joined')
def joined_bind(t):
  pid = t.namespaced('--ipc')
  path = t.path('pinned', '')
  t.mount('/proc/%d/ns/ipc' % pid, path, None, 4096)
  box = t.box('sleep 100').namespace('ipc', path)
  box.launch()
  t.same(of(box.pid(), 'ipc'), of(pid, 'ipc'))


@clause(WHERE, MUST, 'a path of another type than {} is an error',
        [row for row in KINDS if row[0] not in ('mount', 'user')])
def wrong_type(t, kind, file, _):
  needs(t, file)
  pid = t.namespaced('--uts', '--ipc')
  other = 'ipc' if file == 'uts' else 'uts'
  t.box('true').namespace(kind, '/proc/%d/ns/%s' % (pid, other)).refused()


@clause(WHERE, MUST, 'a path of a file that is no namespace is an error')
def no_namespace(t):
  t.box('true').namespace('ipc', t.path('file', 'text')).refused()


@clause(WHERE, MUST, 'a path where nothing is is an error')
def missing(t):
  t.box('true').namespace('ipc', t.path('nowhere')).refused()


@clause(WHERE, MUST, 'a path that is not absolute is an error')
def relative(t):
  t.box('true').namespace('ipc', 'proc/self/ns/ipc').refused()


@clause(WHERE, MUST, 'a {} namespace that is listed twice is an error', KINDS)
def twice(t, kind, file, _):
  needs(t, file)
  box = t.box('true').namespace(kind)
  if kind == 'user':
    box.map_ids((0, 100000, 1000))
  box.linux['namespaces'].append({'type': kind})
  box.refused()


@clause(WHERE, MUST, 'a type of "{}", which does not exist, is an error', ['', 'none', 'net', 'PID'])
def unknown(t, kind):
  t.box('true').namespace(kind).refused()


@clause(WHERE, MUST, 'a type is required')
def type_required(t):
  box = t.box('true')
  box.linux['namespaces'].append({})
  box.refused()


@clause(WHERE, MUST, 'in a new pid namespace the program is the first process and sees no others')
def pid_isolated(t):
  t.same(t.box('echo $$; set -- /proc/[0-9]*; echo $#').output().split(), ['1', '1'])


@clause(WHERE, MUST, 'in a new network namespace there is no interface but lo')
def network_isolated(t):
  box = t.box('ls /sys/class/net').namespace('network')
  box.mount('/sys', 'sysfs', 'sysfs', ['ro'])
  t.same([name for name in box.output().split()
          if not name.endswith('0') and name != 'bonding_masters'], ['lo'])


@clause(WHERE, MUST, 'in a new mount namespace mounts do not reach the runtime')
def mount_isolated(t):
  box = t.box('sleep 100')
  box.mount('/mnt', 'a-very-own-tmpfs', 'tmpfs')
  box.launch()
  with open('/proc/self/mountinfo', encoding='utf-8') as file:
    t.lacks(file.read(), 'a-very-own-tmpfs')


@clause(WHERE, MUST, 'in a new ipc namespace the runtime\'s objects are not seen')
def ipc_isolated(t):
  os.system('ipcmk -Q >/dev/null 2>&1')
  box = t.box('cat /proc/sysvipc/msg | wc -l')
  t.same(box.output(), '1')


@clause(WHERE, MUST, 'in a new uts namespace a change of the name does not reach the runtime')
def uts_isolated(t):
  before = os.uname().nodename
  box = t.box('hostname changed')
  box.process['capabilities'] = {key: ['CAP_SYS_ADMIN']
                                 for key in ('bounding', 'effective', 'permitted')}
  box.output()
  t.same(os.uname().nodename, before)


@clause(WHERE, MUST, 'in a new cgroup namespace the program\'s cgroup is the root')
def cgroup_isolated(t):
  box = t.box('cat /proc/self/cgroup').namespace('cgroup')
  lines = [line.split(':', 2) for line in box.output().splitlines()]
  t.true(lines and any(line[2] == '/' for line in lines), str(lines))
  t.lacks(' '.join(line[2] for line in lines), t.settings['name'])


@clause(WHERE, MUST, 'a new mount namespace is a new root, with the mounts of the config alone')
def mount_new(t):
  found = mount_lines(t.box(args=['cat', '/proc/self/mountinfo']).output())
  t.has(found, '/proc')
  t.lacks(found, t.settings['scratch'])


@clause(WHERE, MUST, 'all types together can be new')
def all_new(t):
  box = t.box('sleep 100')
  for kind, file, _ in KINDS:
    needs(t, file)
    box.namespace(kind)
  box.map_ids((0, 100000, 1000))
  box.launch()
  t.same([kind for kind, file, _ in KINDS if of(box.pid(), file) == own(file)], [])
