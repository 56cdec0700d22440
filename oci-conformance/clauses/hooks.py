"""runtime.md, Lifecycle: when hooks are run, and what their failure means."""

import os

from kit import MUST, MUST_NOT, clause, read, write

LIFE = 'runtime.md, Lifecycle step '
STEPS = {'prestart': 3, 'createRuntime': 4, 'createContainer': 5, 'startContainer': 7, 'poststart': 9,
         'poststop': 13}
CREATING = ('prestart', 'createRuntime', 'createContainer')


def stop_and_delete(t, box):
  box.wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()


def note(t, box, kind, name='log'):
  """The path of a file, to which the hook of this kind adds its kind."""
  if kind == 'startContainer':
    box.hook(kind, 'echo startContainer >>/%s' % name)
    return '%s/%s' % (box.rootfs, name)
  log = t.path(name)
  box.hook(kind, 'echo %s >>%s' % (kind, log))
  return log


@clause(LIFE + '3 to 13', MUST, 'a {} hook is run', list(STEPS))
def run(t, kind):
  box = t.box('true')
  log = note(t, box, kind)
  box.launch()
  stop_and_delete(t, box)
  t.same(read(log) if os.path.exists(log) else '', kind + '\n')


@clause(LIFE + '3 to 5', MUST, 'a {} hook is run before create is over', CREATING)
def during_create(t, kind):
  box = t.box('sleep 100')
  log = note(t, box, kind)
  box.create()
  t.true(os.path.exists(log), 'it was not run')


@clause(LIFE + '7 to 13', MUST, 'a {} hook is not run by create',
        ['startContainer', 'poststart', 'poststop'])
def after_create(t, kind):
  box = t.box('sleep 100')
  log = note(t, box, kind)
  box.create()
  t.true(not os.path.exists(log), 'it was run')


@clause(LIFE + '7', MUST, 'startContainer hooks are run before the program')
def before_program(t):
  box = t.box('cat /log')
  box.hook('startContainer', 'sleep 0.05; echo hook >>/log')
  t.same(box.output(), 'hook')


@clause(LIFE + '9', MUST, 'poststart hooks are run before start is over')
def during_start(t):
  box = t.box('sleep 100')
  log = t.path('log')
  box.hook('poststart', 'sleep 0.1; echo poststart >>' + log)
  box.launch()
  t.true(os.path.exists(log), 'it was not')


@clause(LIFE + '13', MUST, 'poststop hooks are run before delete is over')
def during_delete(t):
  box = t.box('true')
  log = t.path('log')
  box.hook('poststop', 'sleep 0.1; echo poststop >>' + log)
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  t.true(not os.path.exists(log), 'it was run before')
  box.delete()
  t.true(os.path.exists(log), 'it was not')


@clause(LIFE + '3 to 5', MUST, 'prestart, createRuntime and createContainer hooks come in that order')
def order_create(t):
  box = t.box('sleep 100')
  for kind in reversed(CREATING):
    log = note(t, box, kind)
  box.create()
  t.same(read(log).split(), list(CREATING))


@clause(LIFE + '12', MUST, 'the cgroup is removed before the poststop hooks are run')
def poststop_after_destruction(t):
  box = t.box('true')
  folder = t.any_cgroup_folder(box.linux['cgroupsPath'])
  log = t.path('log')
  box.hook('poststop', 'test -e %s && echo there >%s || echo gone >%s' % (folder, log, log))
  box.launch()
  stop_and_delete(t, box)
  t.same(read(log), 'gone\n')


@clause(LIFE + '3 to 5', MUST, 'a {} hook that fails is an error of create', CREATING)
def failure_create(t, kind):
  box = t.box('true')
  box.hook(kind, 'exit 1')
  t.failed(box.try_create())


@clause(LIFE + '3 to 5', MUST, 'when a {} hook fails there is no container', CREATING)
def failure_no_container(t, kind):
  box = t.box('touch /ran')
  box.hook(kind, 'exit 1')
  box.refused_at_create()
  t.true(not os.path.exists(box.rootfs + '/ran'), 'the program has run')


@clause(LIFE + '3 to 5', MUST, 'when a {} hook fails its process is stopped', CREATING)
def failure_stops(t, kind):
  box = t.box('true')
  pids = t.path('pids')
  box.hook('prestart', 'sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/" >' + pids)
  box.hook(kind, 'exit 1')
  t.failed(box.try_create())
  pid = int(read(pids))
  t.wait(lambda: gone(pid), 'process %d is gone' % pid)


def gone(pid):
  try:
    os.waitpid(pid, os.WNOHANG)
  except ChildProcessError:
    pass
  return not os.path.exists('/proc/%d' % pid)


@clause(LIFE + '3 to 5', MUST, 'when a {} hook fails the lifecycle goes on with the poststop hooks',
        CREATING)
def failure_poststop(t, kind):
  box = t.box('true')
  log = t.path('log')
  box.hook(kind, 'exit 1')
  box.hook('poststop', 'echo poststop >' + log)
  t.failed(box.try_create())
  t.true(os.path.exists(log), 'they were not run')


@clause(LIFE + '3 to 5', MUST_NOT, 'when a {} hook fails those after it are not run', CREATING)
def failure_ends_list(t, kind):
  box = t.box('true')
  log = t.path('log')
  box.hook(kind, 'exit 1')
  box.hook(kind, 'echo second >' + log)
  t.failed(box.try_create())
  t.true(not os.path.exists(log), 'the second was run')


@clause(LIFE + '3 to 5', MUST, 'a {} hook that is killed by a signal has failed', CREATING)
def failure_by_signal(t, kind):
  box = t.box('true')
  box.hook(kind, 'kill -9 $$')
  t.failed(box.try_create())


@clause(LIFE + '3 to 5', MUST, 'a {} hook whose program is not there has failed', CREATING)
def failure_by_absence(t, kind):
  box = t.box('true')
  box.hook(kind, '', path='/no/such/hook')
  t.failed(box.try_create())


@clause(LIFE + '7', MUST, 'a startContainer hook that fails is an error of start')
def failure_start_container(t):
  box = t.box('true')
  box.hook('startContainer', 'exit 1')
  box.create()
  box.first = box.pid()
  t.failed(box.try_start())


@clause(LIFE + '7', MUST_NOT, 'when a startContainer hook fails the program is not run')
def failure_start_container_program(t):
  box = t.box('touch /ran')
  box.hook('startContainer', 'exit 1')
  box.create()
  box.first = box.pid()
  t.failed(box.try_start())
  box.wait()
  t.true(not os.path.exists(box.rootfs + '/ran'), 'it has run')


@clause(LIFE + '7', MUST, 'when a startContainer hook fails the container is stopped')
def failure_start_container_stops(t):
  box = t.box('sleep 100')
  box.hook('startContainer', 'exit 1')
  box.create()
  box.first = box.pid()
  t.failed(box.try_start())
  box.wait()
  result = box.try_state()
  t.true(result.rc or '"stopped"' in result.out, str(result))


@clause(LIFE + '9', MUST, 'a poststart hook that fails is an error of start')
def failure_poststart(t):
  box = t.box('sleep 100')
  box.hook('poststart', 'exit 1')
  box.create()
  box.first = box.pid()
  t.failed(box.try_start())


@clause(LIFE + '9', MUST, 'when a poststart hook fails the container is stopped')
def failure_poststart_stops(t):
  box = t.box('sleep 100')
  box.hook('poststart', 'exit 1')
  box.create()
  box.first = box.pid()
  box.try_start()
  box.wait()
  result = box.try_state()
  t.true(result.rc or '"stopped"' in result.out, str(result))


@clause(LIFE + '13', MUST, 'a poststop hook that fails does not keep the others from being run')
def failure_poststop_goes_on(t):
  box = t.box('true')
  log = t.path('log')
  box.hook('poststop', 'exit 1')
  box.hook('poststop', 'echo second >' + log)
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.try_delete()
  t.true(os.path.exists(log), 'the second was not run')


@clause(LIFE + '13', MUST, 'a poststop hook that fails is no error of delete')
def failure_poststop_no_error(t):
  box = t.box('true')
  box.hook('poststop', 'exit 1')
  box.launch()
  stop_and_delete(t, box)
  t.failed(box.try_state())


@clause('config.md, Hooks', MUST, 'hooks of each kind are run in the listed order: {}', list(STEPS))
def order(t, kind):
  box = t.box('true')
  inside = kind == 'startContainer'
  log = box.rootfs + '/log' if inside else t.path('log')
  for number in '123':
    box.hook(kind, 'echo %s >>%s' % (number, '/log' if inside else log))
  box.launch()
  stop_and_delete(t, box)
  t.same(read(log).split(), ['1', '2', '3'])


def remember_namespaces(t, box, kind):
  """A hook that writes its mount and uts namespaces; they are to be compared with this process's."""
  script = '{ readlink /proc/self/ns/uts; readlink /proc/self/ns/mnt; } >%s'
  log = box.rootfs + '/log'
  box.hook(kind, script % ('/log' if kind == 'startContainer' else log))
  return log


@clause('config.md, Hooks', MUST, 'a {} hook is run in the runtime namespace',
        ['prestart', 'createRuntime', 'poststart', 'poststop'])
def runtime_namespace(t, kind):
  box = t.box('true')
  log = remember_namespaces(t, box, kind)
  box.launch()
  stop_and_delete(t, box)
  t.same(read(log).split(), [os.readlink('/proc/self/ns/uts'), os.readlink('/proc/self/ns/mnt')])


@clause('config.md, Hooks', MUST, 'a {} hook is run in the container namespace',
        ['createContainer', 'startContainer'])
def container_namespace(t, kind):
  box = t.box('sleep 100')
  log = remember_namespaces(t, box, kind)
  box.launch()
  t.same(read(log).split(), [os.readlink('/proc/%d/ns/%s' % (box.first, name))
                             for name in ('uts', 'mnt')])


@clause('config.md, Hooks', MUST, 'the path of a {} hook is one of the runtime namespace',
        ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'])
def runtime_path(t, kind):
  box = t.box('true')
  script = write(t.path('hook'), '#!/bin/sh\necho found >%s\n' % t.path('log'), 0o755)
  box.hook(kind, '', path=script, args=['hook'])
  box.launch()
  stop_and_delete(t, box)
  t.same(read(t.path('log')), 'found\n')


@clause('config.md, Hooks', MUST, 'the path of a startContainer hook is one of the container namespace')
def container_path(t):
  box = t.box('cat /log')
  box.file('only-inside', '#!/bin/sh\necho found >/log\n', 0o755)
  box.hook('startContainer', '', path='/only-inside', args=['hook'])
  t.same(box.output(), 'found')
