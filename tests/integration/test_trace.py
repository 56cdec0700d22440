"""--trace: the phases of a command, and that asking for them changes nothing else."""

import json
import os

from lib import also_as_user, everyone, read

ROLES = {1: 'runtime', 2: 'stage', 3: 'init'}


def phases(path):
  """The names of each role's phases in the order of their times, which leave no gap and never overlap."""
  with open(path, encoding='utf-8') as file:
    events = json.load(file)['traceEvents']
  found = {}
  for event in events:
    if event['ph'] == 'M':
      continue
    role = found.setdefault(ROLES[event['tid']], [])
    if role:
      before = role[-1]
      assert abs(before['ts'] + before['dur'] - event['ts']) < 0.01, (before, event)
    assert event['dur'] >= 0, event
    role.append(event)
  return {role: [event['name'] for event in list_] for role, list_ in found.items()}


def in_order(t, names, *expected):
  places = [names.index(name) if name in names else -1 for name in expected]
  t.true(-1 not in places and places == sorted(places), '%r: not %r in this order' % (names, expected))


@everyone
def test_run_tells_its_phases_and_those_of_init(t):
  path = t.path('trace')
  t.worked(t.box('true').run(before=['--trace', path]))
  found = phases(path)
  in_order(t, found['runtime'], 'config.json', 'validate', 'mounts', 'linux.seccomp', 'cgroup', 'clone', 'ready',
           'record: created', 'start', 'wait for the program', 'delete', 'end')
  in_order(t, found['init'], 'execute proa-init', 'mounts: open', 'root: enter', 'process.capabilities', 'ready',
           'execute the program')


def test_the_stage_has_its_own(t):
  box = t.box('true')
  box.namespace('time')
  path = t.path('trace')
  t.worked(box.run(before=['--trace', path]))
  found = phases(path)
  in_order(t, found['stage'], 'execute proa-init', 'namespaces', 'clone init')
  in_order(t, found['init'], 'mounts: open', 'ready', 'execute the program')


@also_as_user
def test_create_and_exec_and_small_commands_have_theirs(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  path = t.path('trace')
  t.worked(t.proa('--trace', path, 'create', '--bundle', box.directory, box.id))
  found = phases(path)
  in_order(t, found['runtime'], 'config.json', 'clone', 'ready', 'end')
  t.true('execute the program' not in found['init'], 'the program has not begun')
  for command in ('start', 'state'):
    t.worked(t.proa('--trace', path, command, box.id))
    t.same(phases(path)['runtime'][-1:], ['end'], command)
  t.worked(t.proa('--trace', path, 'exec', box.id, 'true'))
  found = phases(path)
  in_order(t, found['runtime'], 'record', 'clone', 'start', 'wait for the program', 'end')
  in_order(t, found['init'], 'execute proa-init', 'process.capabilities', 'execute the program')


@also_as_user
def test_a_command_that_fails_has_a_trace_up_to_there(t):
  path = t.path('trace')
  box = t.box(args=['/nowhere'])
  result = box.run(before=['--trace', path])
  t.same(result.rc, 1)
  found = phases(path)
  in_order(t, found['runtime'], 'config.json', 'clone', 'end')
  t.same(found['init'][-1], 'process.env: HOME')
  t.nothing_left()


@also_as_user
def test_the_container_has_none_of_its_descriptors(t):
  box = t.box(args=['sh', '-c', 'ls /proc/$$/fd; grep -c proa-trace /proc/$$/maps; true'])
  result = t.worked(box.run(before=['--trace', t.path('trace')]))
  t.same(result.out.split(), ['0', '1', '2', '0'])


@everyone
def test_an_unwritable_file_is_an_error_before_anything_is_done(t):
  mark = t.path('mark')
  box = t.box('true')
  box.hook('createRuntime', '/bin/touch', '/bin/touch', mark)
  t.refused(box.run(before=['--trace', '/proc/nowhere']), 'open the trace /proc/nowhere: no such file or directory')
  t.true(not os.path.exists(mark), 'the container was begun')
  t.nothing_left()


@also_as_user
def test_a_full_disk_is_told_and_the_container_runs(t):
  result = t.box('echo fine; exit 3').run(before=['--trace', '/dev/full'])
  t.same((result.rc, result.out), (3, 'fine\n'))
  t.same(result.err, 'warning: --trace: write the trace: no space left on device\n')


def test_a_trace_that_is_there_is_replaced(t):
  path = t.path('trace', 'x' * 100000)
  t.worked(t.proa('--trace', path, 'list'))
  t.same(phases(path), {'runtime': ['end']})
  t.has(read(path), '"proa list"')
