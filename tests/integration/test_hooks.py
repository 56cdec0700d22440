"""hooks: when each kind runs, where, and what it is told."""

import json
import os
import signal

from lib import also_as_user, everyone, read

KINDS = ('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')


def note(t, box, kind, more=''):
  """A hook that appends its kind to a file, and its state to another.  What runs in the container's
  mount namespace finds the file there by a bind mount."""
  script = ('echo %s >> %s/order; cat > %s/%s; %s' % (kind, t.directory, t.directory, kind, more))
  return box.hook(kind, '/bin/sh', '-c', script)


def noted(t, args):
  box = t.box(args=args)
  # startContainer hooks run in the container: the notes' directory has to be there under its name
  return box.mount(t.directory, t.directory, ['bind'])


@also_as_user
def test_all_six_kinds_run_in_their_order(t):
  box = noted(t, ['sh', '-c', 'echo program >> %s/order' % t.directory])
  for kind in KINDS:
    note(t, box, kind)
  box.create()
  t.same(read(t.path('order')).split(), ['prestart', 'createRuntime', 'createContainer'])
  box.start()
  box.wait_until('stopped')
  t.same(sorted(read(t.path('order')).split()[3:]), ['poststart', 'program', 'startContainer'])
  t.same(read(t.path('order')).split()[3], 'startContainer')
  box.delete()
  t.same(read(t.path('order')).split()[-1], 'poststop')


@also_as_user
def test_hooks_of_a_kind_run_in_the_order_of_the_list(t):
  box = t.box()
  for number in range(5):
    box.hook('createRuntime', '/bin/sh', '-c', 'echo %d >> %s' % (number, t.path('order')))
  box.output()
  t.same(read(t.path('order')).split(), list('01234'))


def test_each_kind_is_told_the_state(t):
  box = noted(t, ['sleep', '60'])
  box.config['annotations'] = {'org.example/a': 'b "quoted" / slash'}
  for kind in KINDS:
    note(t, box, kind)
  box.launch()
  pid = box.pid()
  box.delete('--force')
  states = {kind: json.loads(read(t.path(kind))) for kind in KINDS}
  for kind, state in states.items():
    t.same((state['id'], state['bundle'], state['annotations'], state['ociVersion']),
           (box.id, box.directory, box.config['annotations'], '1.3.0'), kind)
    t.same(read(t.path(kind)).strip().count('\n'), 0, kind + ': lines')
  t.same([states[kind]['status'] for kind in KINDS],
         ['creating', 'creating', 'creating', 'created', 'running', 'stopped'])
  t.same([states[kind].get('pid', 0) for kind in ('prestart', 'createRuntime', 'poststart')],
         [pid, pid, pid])


def test_where_each_kind_runs(t):
  box = noted(t, ['true'])
  for kind in KINDS:
    note(t, box, kind, 'for n in mnt uts; do readlink /proc/self/ns/$n; done > %s; pwd > %s'
         % (t.path('ns-' + kind), t.path('cwd-' + kind)))
  box.launch().wait_until('stopped')
  box.delete()
  mine = [os.readlink('/proc/self/ns/mnt'), os.readlink('/proc/self/ns/uts')]
  for kind in KINDS:
    found = read(t.path('ns-' + kind)).split()
    t.true(len(found) == 2, kind + ': no namespaces')
    shared = [found[0] == mine[0], found[1] == mine[1]]
    expected = [True, True] if kind not in ('createContainer', 'startContainer') else [False, False]
    t.same(shared, expected, kind)
  for kind in ('prestart', 'createRuntime', 'poststart', 'poststop'):
    t.same(read(t.path('cwd-' + kind)), box.directory + '\n', kind)


def test_args_and_env_are_the_hooks_own(t):
  box = t.box(env=['PATH=/bin', 'LEAK=container', 'LD_PRELOAD=/evil.so'])
  for kind in ('createRuntime', 'createContainer', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', '{ echo "$0 $1"; /usr/bin/env -u PWD; } > ' + t.path(kind),
             'zero', 'one', env=['X=1', 'Y='])
  box.run(env=t.environment(LEAK='runtime'))
  for kind in box.config['hooks']:
    t.same(read(t.path(kind)), 'zero one\nX=1\nY=\n', kind)


def test_without_env_a_hook_has_none(t):
  box = t.box().hook('createRuntime', '/bin/sh', '-c', '/usr/bin/env -u PWD > ' + t.path('env'))
  box.run(env=t.environment(LEAK='runtime'))
  t.same(read(t.path('env')), '')


def test_args_0_may_be_anything_and_args_may_be_missing(t):
  box = t.box()
  box.config['hooks'] = {'createRuntime': [
    {'path': '/bin/sh', 'args': ['funny', '-c', 'echo $0 > ' + t.path('name')]},
    {'path': '/bin/true'}]}
  box.output()
  t.same(read(t.path('name')), 'funny\n')


def test_a_hook_that_does_not_read_its_state_is_no_failure(t):
  box = t.box()
  box.config['annotations'] = {'big': 'x' * 300000}
  for kind in ('createRuntime', 'createContainer', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', 'exec <&-')
  t.worked(box.run())


def test_what_a_hook_writes_does_not_get_into_the_containers_output(t):
  box = t.box('echo program')
  for kind in ('createRuntime', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', 'echo noise; echo noise >&2')
  t.worked(box.run(), 'program\n')


def test_a_hook_gets_no_descriptor_of_the_runtime(t):
  box = t.box()
  for kind in ('createRuntime', 'createContainer', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', '/bin/ls /proc/self/fd > ' + t.path(kind))
  box.output()
  for kind in box.config['hooks']:
    t.same(read(t.path(kind)).split(), ['0', '1', '2', '3'], kind)  # 3 is the directory itself


@also_as_user
def test_poststop_runs_when_the_creation_fails_after_a_hook(t):
  box = t.box().hook('createRuntime', '/bin/sh', '-c', 'echo ran >> ' + t.path('ran'))
  box.hook('createRuntime', '/bin/false')
  box.hook('poststop', '/bin/sh', '-c', 'echo stopped >> ' + t.path('ran'))
  t.same(box.try_create().rc, 1)
  t.same(read(t.path('ran')), 'ran\nstopped\n')
  t.nothing_left()


def test_a_poststop_hook_that_fails_changes_nothing(t):
  box = t.box().hook('poststop', '/bin/false').hook(
    'poststop', '/bin/sh', '-c', 'echo second > ' + t.path('second'))
  box.launch().wait_until('stopped')
  result = t.proa('delete', box.id)
  t.same(result.rc, 0)
  t.same(read(t.path('second')), 'second\n')
  t.nothing_left()


def test_a_hook_within_its_timeout_is_fine(t):
  t.worked(t.box().hook('createRuntime', '/bin/sleep', '0.1', timeout=10).run())


def test_a_prestart_hook_can_join_the_containers_network(t):
  box = t.box('ip link show lo').namespace('network').hook(
    'createRuntime', '/bin/sh', '-c',
    'pid=$(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/"); nsenter -t $pid -n ip link set lo mtu 1234 '
    '2> ' + t.path('error'), env=['PATH=/usr/sbin:/usr/bin:/sbin:/bin'])
  t.has(box.output(), 'mtu 1234')


def test_a_createContainer_hook_sees_the_rootfs_before_the_root_changes(t):
  box = t.box('cat /etc/made').hook('createContainer', '/bin/sh', '-c', 'true')
  box.config['hooks']['createContainer'][0]['args'][2] = (
    'echo by the hook > %s/etc/made' % box.rootfs)
  t.same(box.output(), 'by the hook\n')


@everyone
def test_a_startContainer_hook_is_the_containers_program(t):
  box = t.box('cat /tmp/made').hook('startContainer', '/bin/sh', '-c', 'id -u > /tmp/made',
                                    env=['PATH=/bin'])
  t.same(box.output(), '0\n')


def test_an_init_that_is_killed_while_its_hook_runs_has_stopped_and_can_be_looked_at(t):
  box = t.box('true').hook('startContainer', '/bin/sh', '-c', 'sleep 100', env=['PATH=/bin'])
  box.create()
  pid = box.pid()
  process = t.start('start', box.id)
  t.wait(lambda: read('/proc/%d/task/%d/children' % (pid, pid)), 'the hook runs')
  os.kill(pid, signal.SIGKILL)
  t.true(t.finish(process, 10).rc != 0, 'start says that all is well')
  t.same(box.status(), 'stopped')
