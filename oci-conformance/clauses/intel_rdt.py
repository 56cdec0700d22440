"""config-linux.md, IntelRdt."""

from kit import MUST, clause, read

WHERE = 'config-linux.md, IntelRdt'


def mounted():
  return ' - resctrl ' in read('/proc/self/mountinfo')


@clause(WHERE, MUST, 'where no resctrl file system is mounted {} is an error', [
  ('intelRdt', {}), ('closID', {'closID': 'class'}), ('l3CacheSchema', {'l3CacheSchema': 'L3:0=f'}),
  ('memBwSchema', {'memBwSchema': 'MB:0=20'}), ('schemata', {'schemata': ['L3:0=f']}),
  ('enableMonitoring', {'enableMonitoring': True})])
def absent(t, _, value):
  if mounted():
    t.skip('there is one')
  box = t.box('true')
  box.linux['intelRdt'] = value
  box.refused()


@clause(WHERE, MUST, 'a closID of "{}", which is no name of a directory, is an error',
        ['..', 'a/b', '.'])
def class_invalid(t, name):
  box = t.box('true')
  box.linux['intelRdt'] = {'closID': name}
  box.refused()


@clause(WHERE, MUST, 'a memBwSchema that does not begin with MB: is an error')
def bandwidth_invalid(t):
  box = t.box('true')
  box.linux['intelRdt'] = {'memBwSchema': 'L3:0=f'}
  box.refused()


@clause(WHERE, MUST, 'the container\'s process is in the directory of its closID')
def class_joined(t):
  if not mounted():
    t.skip('no resctrl file system is mounted: it takes the hardware')
  box = t.box('sleep 100')
  box.linux['intelRdt'] = {'closID': 'oci-conformance'}
  box.launch()
  t.has(read('/sys/fs/resctrl/oci-conformance/tasks').split(), str(box.pid()))
  box.stop().delete()


@clause(WHERE, MUST, 'the schemata are those of the config')
def schemata(t):
  if not mounted():
    t.skip('no resctrl file system is mounted: it takes the hardware')
  line = read('/sys/fs/resctrl/schemata').splitlines()[0].strip()
  box = t.box('sleep 100')
  box.linux['intelRdt'] = {'schemata': [line]}
  box.launch()
  t.has(read('/sys/fs/resctrl/%s/schemata' % box.id), line)
