"""runtime.md, Operations: create, start, kill and delete.

How they are called is that of the command-line interface which all common runtimes share.
"""

import os
import time

from kit import MUST, MUST_NOT, clause, is_alive, read, write

CREATE, START = 'runtime.md, Create', 'runtime.md, Start'
KILL, DELETE = 'runtime.md, Kill', 'runtime.md, Delete'


# -- create

@clause(CREATE, MUST, 'it is an error not to name the container')
def create_without_id(t):
  box = t.box('true').save()
  t.failed(t.runtime('create', '--bundle', box.directory))


@clause(CREATE, MUST, 'it is an error to give a bundle that is not there')
def create_without_bundle(t):
  t.failed(t.runtime('create', '--bundle', t.path('nowhere'), 'x1'))
  t.failed(t.runtime('state', 'x1'))


@clause(CREATE, MUST, 'it is an error when the bundle has no config.json')
def create_without_config(t):
  box = t.box('true')
  t.failed(box.try_create(save=False))
  t.failed(box.try_state())


@clause(CREATE, MUST, 'it is an error when config.json is {}',
        [('empty', ''), ('no JSON', '{"ociVersion": '), ('an array', '[]'), ('a number', '1')])
def create_without_json(t, _, text):
  box = t.box('true')
  box.text = text
  box.refused_at_create()


@clause(CREATE, MUST, 'an ID that is taken is an error')
def create_twice(t):
  box = t.box('sleep 100').create()
  t.failed(box.try_create())


@clause(CREATE, MUST_NOT, 'an ID that is taken has no effect on the container that has it')
def create_twice_no_effect(t):
  box = t.box('sleep 100').launch()
  before = box.state()
  other = t.box('touch /ran')
  other.save()
  t.failed(t.runtime('create', '--bundle', other.directory, box.id))
  t.same(box.state(), before)
  t.true(is_alive(box.first), 'its process is gone')


@clause(CREATE, MUST, 'an ID that is not valid, as "{}", is an error and makes no container',
        ['', '..', '../escape', 'a/b'])
def create_invalid_id(t, name):
  box = t.box('true').save()
  root = t.settings['scratch'] + '/state'
  before = sorted(os.listdir(root)), sorted(os.listdir(os.path.dirname(root)))
  t.failed(t.runtime('create', '--bundle', box.directory, name))
  t.same((sorted(os.listdir(root)), sorted(os.listdir(os.path.dirname(root)))), before)


@clause(CREATE, MUST, 'the status is "created" when it is done')
def create_status(t):
  t.same(t.box('sleep 100').create().status(), 'created')


@clause(CREATE, MUST, 'it applies every property but process: the mapped ids are there')
def create_applies_mappings(t):
  box = t.box('sleep 100').map_ids((0, 100000, 1000))
  text = read('/proc/%d/uid_map' % box.create().pid())
  t.same(text.split(), ['0', '100000', '1000'])


@clause(CREATE, MUST, 'it applies every property but process: a sysctl is set')
def create_applies_sysctl(t):
  box = t.box('sleep 100')
  box.linux['sysctl'] = {'kernel.msgmax': '4097'}
  box.create()
  t.same(box.in_namespace('ipc', lambda: read('/proc/sys/kernel/msgmax').strip()), '4097')


@clause(CREATE, MUST, 'it applies every property but process: a limit of the cgroup is set')
def create_applies_limits(t):
  box = t.box('sleep 100')
  box.linux['resources'] = {'pids': {'limit': 77}}
  folder = box.cgroup('pids')
  box.create()
  t.same(read(folder + '/pids.max').strip(), '77')


@clause(CREATE, MUST, 'a config without process is one that can be created')
def create_without_process(t):
  box = t.box()
  del box.config['process']
  box.create()
  t.same(box.status(), 'created')


# -- start

@clause(START, MUST, 'it is an error not to name the container')
def start_without_id(t):
  t.failed(t.runtime('start'))


@clause(START, MUST, 'it is an error when the container does not exist')
def start_unknown(t):
  t.failed(t.runtime('start', 'no-such-container'))


@clause(START, MUST, 'it is an error when the container runs already')
def start_running(t):
  t.failed(t.box('sleep 100').launch().try_start())


@clause(START, MUST, 'when the container runs already it has no effect on it')
def start_running_no_effect(t):
  box = t.box('echo x >>/runs; sleep 100').launch()
  before = box.state()
  t.wait(lambda: os.path.exists(box.rootfs + '/runs'), 'the program runs')
  t.failed(box.try_start())
  t.same((box.state(), read(box.rootfs + '/runs')), (before, 'x\n'))


@clause(START, MUST, 'it is an error when the container has stopped')
def start_stopped(t):
  t.failed(stopped(t).try_start())


@clause(START, MUST, 'when the container has stopped it has no effect on it')
def start_stopped_no_effect(t):
  box = stopped(t)
  t.failed(box.try_start())
  time.sleep(0.05)
  t.same((box.status(), read(box.rootfs + '/runs')), ('stopped', 'x\n'))


def stopped(t):
  box = t.box('echo x >>/runs').launch()
  box.wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  return box


@clause(START, MUST, 'the status is "running" when it is done')
def start_status(t):
  t.same(t.box('sleep 100').launch().status(), 'running')


@clause(START, MUST, 'it is an error when the config has no process')
def start_without_process(t):
  box = t.box()
  del box.config['process']
  result = box.try_create()
  if result.rc:
    t.skip('create refuses such a config; see create_without_process')
  t.failed(box.try_start())


@clause(START, MUST, 'a program that is not there is an error of create or of start')
def start_missing_program(t):
  t.box(args=['/no/such/program']).refused()


@clause(START, MUST, 'a program that may not be executed is an error of create or of start')
def start_not_executable(t):
  box = t.box(args=['/data'])
  box.file('data', 'text', 0o644)
  box.refused()


# -- kill

@clause(KILL, MUST, 'it is an error not to name the container')
def kill_without_id(t):
  t.failed(t.runtime('kill'))


@clause(KILL, MUST, 'it is an error when the container does not exist')
def kill_unknown(t):
  t.failed(t.runtime('kill', 'no-such-container', 'KILL'))


@clause(KILL, MUST, 'it is an error when the container has stopped')
def kill_stopped(t):
  t.failed(t.runtime('kill', stopped(t).id, 'KILL'))


@clause(KILL, MUST, 'when the container has stopped it has no effect on it')
def kill_stopped_no_effect(t):
  box = stopped(t)
  before = box.state()
  t.runtime('kill', box.id, 'KILL')
  t.same(box.state(), before)


@clause(KILL, MUST, 'it sends the signal {} to the process of the container',
        ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'WINCH', 'CONT'])
def kill_sends(t, signal):
  box = t.box('trap "echo got; exit 5" %s; echo ready; while :; do sleep 0.01; done' % signal)
  box.launch()
  t.wait(lambda: 'ready' in box.written(), 'the trap is set')
  box.kill(signal)
  box.wait()
  t.same((box.written(), box.exit_status), ('ready\ngot\n', 5))


@clause(KILL, MUST, 'it takes a signal as {}', [('a number', '10'), ('a name', 'USR1'),
                                              ('a name with SIG', 'SIGUSR1')])
def kill_names(t, _, signal):
  box = t.box('trap "echo got; exit" USR1; echo ready; while :; do sleep 0.01; done').launch()
  t.wait(lambda: 'ready' in box.written(), 'the trap is set')
  box.kill(signal)
  box.wait()
  t.same(box.written(), 'ready\ngot\n')


@clause(KILL, MUST, 'it ends a container that runs')
def kill_running(t):
  box = t.box('sleep 100').launch()
  box.kill('KILL')
  t.same(box.wait(), -9)


@clause(KILL, MUST, 'it ends a container that is created')
def kill_created(t):
  box = t.box('touch /ran').create()
  box.stop()
  t.true(not os.path.exists(box.rootfs + '/ran'), 'the program has run')


@clause(KILL, MUST, 'the status is "stopped" when the process is gone')
def kill_status(t):
  t.same(t.box('sleep 100').launch().stop().status(), 'stopped')


@clause(KILL, MUST, 'an unknown signal is an error and has no effect')
def kill_unknown_signal(t):
  box = t.box('sleep 100').launch()
  t.failed(t.runtime('kill', box.id, 'NOSUCH'))
  t.same((box.status(), is_alive(box.first)), ('running', True))


# -- delete

@clause(DELETE, MUST, 'it is an error not to name the container')
def delete_without_id(t):
  t.failed(t.runtime('delete'))


@clause(DELETE, MUST, 'it is an error when the container does not exist')
def delete_unknown(t):
  t.failed(t.runtime('delete', 'no-such-container'))


@clause(DELETE, MUST, 'it is an error when the container runs')
def delete_running(t):
  t.failed(t.box('sleep 100').launch().try_delete())


@clause(DELETE, MUST, 'when the container runs it has no effect on it')
def delete_running_no_effect(t):
  box = t.box('sleep 100').launch()
  before = box.state()
  box.try_delete()
  t.same((box.state(), is_alive(box.first)), (before, True))


@clause(DELETE, MUST, 'it is an error when the container is created and not stopped')
def delete_created(t):
  t.failed(t.box('true').create().try_delete())


@clause(DELETE, MUST, 'a container that has stopped is deleted')
def delete_stopped(t):
  stopped(t).delete()


@clause(DELETE, MUST, 'a deleted container does not exist')
def delete_gone(t):
  box = stopped(t)
  box.delete()
  t.failed(box.try_state())
  t.failed(box.try_delete())
  t.failed(box.try_start())


@clause(DELETE, MUST, 'an ID can be used again when its container is deleted')
def delete_id_again(t):
  box = t.box('echo fine')
  box.output()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  box.first = None
  t.same(box.output(), 'fine')


@clause(DELETE, MUST_NOT, 'the bundle is not deleted')
def delete_bundle(t):
  box = stopped(t)
  box.file('kept', 'text')
  box.delete()
  t.true(os.path.exists(box.directory + '/config.json'), 'config.json is gone')
  t.same(read(box.rootfs + '/kept'), 'text')


@clause(DELETE, MUST_NOT, 'the source of a bind mount is not deleted')
def delete_bind_source(t):
  source = t.folder('source')
  write(source + '/file', 'text')
  box = t.box('true')
  box.mount('/mnt', source, None, ['bind'])
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  t.same(read(source + '/file'), 'text')


@clause(DELETE, MUST_NOT, 'a namespace that was joined is not deleted')
def delete_joined_namespace(t):
  pid = t.namespaced('--ipc')
  box = t.box('true').namespace('ipc', '/proc/%d/ns/ipc' % pid)
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  t.true(is_alive(pid) and os.path.exists('/proc/%d/ns/ipc' % pid), 'it is gone')


@clause(DELETE, MUST_NOT, 'another container is not touched')
def delete_other(t):
  other = t.box('sleep 100').launch()
  stopped(t).delete()
  t.same((other.status(), is_alive(other.first)), ('running', True))


@clause(DELETE, MUST, 'processes that the container left are gone')
def delete_processes(t):
  box = t.box('sleep 4567 & echo started').no_namespace('pid')
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  folder = t.any_cgroup_folder(box.linux['cgroupsPath'])
  box.delete()
  t.wait(lambda: not os.path.exists(folder), 'the cgroup is removed')
  left = [name for name in os.listdir('/proc') if name.isdigit()
          and is_alive(int(name)) and 'sleep\x004567' in read('/proc/%s/cmdline' % name)]
  t.same(left, [])
