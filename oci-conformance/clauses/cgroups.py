"""config-linux.md, Control groups: where they are, and who may use which device."""

import os

from ground import hierarchies, remove_cgroup
from kit import MAY, MUST, SHOULD, clause, read

PATH = 'config-linux.md, Cgroups Path'
ALLOWED = 'config-linux.md, Allowed Device List'


def any_cgroup(box):
  """The container's cgroup in one hierarchy."""
  return box.t.any_cgroup_folder(box.linux['cgroupsPath'])


def members(folder):
  return [pid for path, _, _ in os.walk(folder) for pid in read(path + '/cgroup.procs').split()]


@clause(PATH, MUST, 'an absolute path is taken from the root of the hierarchy')
def absolute(t):
  box = t.box('sleep 100')
  folder = any_cgroup(box)
  box.launch()
  t.has(members(folder), str(box.pid()))


@clause(PATH, MUST, 'an absolute path in cgroups that are not there is made')
def nested(t):
  box = t.box('sleep 100')
  box.linux['cgroupsPath'] += '/made/on-the/way'
  folder = any_cgroup(box)
  box.launch()
  t.has(members(folder), str(box.pid()))


@clause(PATH, MUST, 'the same path is the same place each time')
def consistent(t):
  found = []
  for _ in range(2):
    box = t.box('cat /proc/self/cgroup')
    box.linux['cgroupsPath'] = '/%s/consistent' % t.settings['name']
    found.append(box.output())
    t.wait(lambda: box.status() == 'stopped', 'it is stopped')
    box.delete()
  t.same(found[0], found[1])


@clause(PATH, MUST, 'all processes of the container are in it')
def children(t):
  box = t.box('sleep 100 & sleep 101 & echo ready; wait')
  folder = any_cgroup(box)
  box.launch()
  t.wait(lambda: 'ready' in box.written(), 'the processes are there')
  t.wait(lambda: len(members(folder)) == 3, 'they are in the cgroup')


@clause(PATH, MAY, 'a relative path is accepted, and the same place each time')
def relative(t):
  found = []
  for _ in range(2):
    box = t.box('cat /proc/self/cgroup')
    box.linux['cgroupsPath'] = t.settings['name'] + '-relative/inner'
    if box.try_create().rc:
      t.skip('the runtime does not take one')
    box.start().wait()
    found.append(box.written())
    t.wait(lambda: box.status() == 'stopped', 'it is stopped')
    box.delete()
    remove_relative(t)
  t.same(found[0], found[1])


def remove_relative(t):
  for point, own in hierarchies():
    for path in {point, point + own, os.path.dirname(point + own.rstrip('/'))}:
      folder = '%s/%s-relative' % (path, t.settings['name'])
      if os.path.isdir(folder):
        remove_cgroup(folder)


@clause(PATH, MUST, 'two containers can have cgroups of their own in one')
def siblings(t):
  boxes = [t.box('sleep 100') for _ in range(2)]
  for number, box in enumerate(boxes):
    box.linux['cgroupsPath'] = '/%s/shared/%d' % (t.settings['name'], number)
    box.launch()
  t.true(str(boxes[0].pid()) in members(any_cgroup(boxes[0]))
         and str(boxes[1].pid()) not in members(any_cgroup(boxes[0])), 'they are not apart')
  boxes[0].stop().delete()
  t.same(boxes[1].status(), 'running')


@clause(PATH, MUST, 'a path that leads out of the hierarchy by .. does not')
def escaping(t):
  box = t.box('cat /proc/self/cgroup')
  box.linux['cgroupsPath'] = '/../../../%s/escape' % t.settings['name']
  if box.try_create().rc == 0:
    box.start().wait()
    t.lacks(box.written(), '..')


@clause(PATH, SHOULD, 'the container is in a cgroup of its own in every hierarchy')
def every_hierarchy(t):
  box = t.box('sleep 100')
  any_cgroup(box)
  box.launch()
  lines = read('/proc/%d/cgroup' % box.pid()).splitlines()
  wrong = [line for line in lines if t.settings['name'] not in line]
  seen = {option for point, _ in hierarchies() for option in point.rsplit('/', 1)[-1].split(',')}
  t.same([line for line in wrong if seen & set(line.split(':')[1].split(','))], [])


@clause('config-linux.md, Cgroup ownership', SHOULD, 'without a cgroup namespace the cgroup is root\'s')
def owner(t):
  box = t.box('sleep 100').map_ids((0, 100000, 1000))
  folder = any_cgroup(box)
  box.launch()
  t.same(os.stat(folder).st_uid, 0)


# -- devices

def ruled(t, rules, script):
  box = t.box(script)
  box.linux['resources'] = {'devices': rules}
  if not (t.cgroup_folder(box.linux['cgroupsPath'], 'devices')
          or os.path.exists('/sys/fs/cgroup/cgroup.controllers')):
    t.skip('there is nothing that restricts devices')
  return box


NOTHING = {'allow': False, 'access': 'rwm'}
READ_LOOP = 'mknod /tmp/loop b 7 0 && head -c 0 /tmp/loop 2>&1 && echo opened'


@clause(ALLOWED, MUST, 'a device that is denied cannot be opened')
def denied(t):
  t.has(ruled(t, [NOTHING, {'allow': True, 'type': 'b', 'access': 'm'}], READ_LOOP).output(),
        'ot permitted')


@clause(ALLOWED, MUST, 'a device that is allowed can be opened')
def allowed(t):
  rules = [NOTHING, {'allow': True, 'type': 'b', 'major': 7, 'minor': 0, 'access': 'rm'}]
  t.same(ruled(t, rules, READ_LOOP).output(), 'opened')


@clause(ALLOWED, MUST, 'a rule without minor is for all of them')
def wildcard_minor(t):
  rules = [NOTHING, {'allow': True, 'type': 'b', 'major': 7, 'access': 'rm'}]
  t.same(ruled(t, rules, READ_LOOP).output(), 'opened')


@clause(ALLOWED, MUST, 'a rule without major and minor is for all of them')
def wildcard(t):
  rules = [NOTHING, {'allow': True, 'type': 'b', 'access': 'rm'}]
  t.same(ruled(t, rules, READ_LOOP).output(), 'opened')


@clause(ALLOWED, MUST, 'a rule without type is for all of them')
def wildcard_type(t):
  t.same(ruled(t, [NOTHING, {'allow': True, 'access': 'rwm'}], READ_LOOP).output(), 'opened')


@clause(ALLOWED, MUST, 'rules are applied in their order: a later one denies what an earlier allowed')
def order(t):
  rules = [NOTHING, {'allow': True, 'type': 'b', 'major': 7, 'minor': 0, 'access': 'rwm'},
           {'allow': False, 'type': 'b', 'major': 7, 'minor': 0, 'access': 'r'}]
  t.has(ruled(t, rules, READ_LOOP).output(), 'ot permitted')


@clause(ALLOWED, MUST, 'reading is allowed without writing')
def read_only(t):
  rules = [NOTHING, {'allow': True, 'type': 'b', 'major': 7, 'minor': 0, 'access': 'rm'}]
  script = READ_LOOP + '; (: >>/tmp/loop) 2>/dev/null && echo written || echo denied'
  t.same(ruled(t, rules, script).output().split(), ['opened', 'denied'])


@clause(ALLOWED, MUST, 'default devices can be used though all is denied')
def defaults_allowed(t):
  t.same(ruled(t, [NOTHING], 'head -c 1 /dev/zero >/dev/null && echo fine').output(), 'fine')


@clause(ALLOWED, MUST, 'a type of "x" is an error')
def unknown_type(t):
  ruled(t, [{'allow': True, 'type': 'x', 'access': 'r'}], 'true').refused()


@clause(ALLOWED, MUST, 'an access of "q" is an error')
def unknown_access(t):
  ruled(t, [{'allow': True, 'type': 'c', 'major': 1, 'minor': 3, 'access': 'q'}], 'true').refused()
