"""runtime.md, Scope of a Container, Lifecycle and Errors."""

import json
import os
import time

from kit import MUST, MUST_NOT, clause, mount_lines, read, write

LIFE = 'runtime.md, Lifecycle'
ERRORS = 'runtime.md, Errors'


@clause('runtime.md, Scope of a Container', MUST, 'who created a container can operate on it later')
def scope(t):
  box = t.box('sleep 100').create()
  elsewhere = t.folder('elsewhere')
  t.worked(t.runtime('start', box.id, cwd=elsewhere))
  t.worked(t.runtime('state', box.id, cwd=elsewhere))
  t.worked(t.runtime('kill', box.id, 'KILL', cwd='/'))
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  t.worked(t.runtime('delete', box.id, cwd=elsewhere))


@clause(LIFE + ' step 2', MUST_NOT, 'create does not run the program')
def program_waits(t):
  box = t.box('touch /ran; sleep 100').create()
  time.sleep(0.1)
  t.true(not os.path.exists(box.rootfs + '/ran'), 'it has run')


@clause(LIFE + ' step 2', MUST, 'create makes the namespaces')
def namespaces_made(t):
  pid = t.box('sleep 100').create().pid()
  for kind in ('pid', 'mnt', 'ipc', 'uts'):
    t.true(os.readlink('/proc/%d/ns/%s' % (pid, kind)) != os.readlink('/proc/self/ns/' + kind),
           'the %s namespace is the runtime\'s' % kind)


@clause(LIFE + ' step 2', MUST, 'create mounts what the config lists')
def mounts_made(t):
  box = t.box('sleep 100')
  box.mount('/mnt', 'tmpfs', 'tmpfs', ['size=64k'])
  found = mount_lines(read('/proc/%d/mountinfo' % box.create().pid()))
  t.same(found.get('/mnt', {}).get('type'), 'tmpfs')


@clause(LIFE + ' step 2', MUST, 'create sets the hostname')
def hostname_set(t):
  box = t.box('sleep 100')
  box.config['hostname'] = 'conformance'
  t.same(box.create().in_namespace('uts', lambda: os.uname().nodename), 'conformance')


@clause(LIFE + ' step 2', MUST, 'create makes the cgroup and puts the container into it')
def cgroup_made(t):
  box = t.box('sleep 100')
  box.create()
  folder = t.any_cgroup_folder(box.linux['cgroupsPath'])
  pids = [pid for path, _, _ in os.walk(folder) for pid in read(path + '/cgroup.procs').split()]
  t.has(pids, str(box.pid()), folder)


@clause(LIFE + ' step 2', MUST, 'create is an error when the environment cannot be made')
def environment_impossible(t):
  box = t.box('true')
  box.mount('/mnt', '/nonexistent/source', None, ['bind'])
  box.refused_at_create()


@clause(LIFE + ' step 2', MUST_NOT, 'changes of config.json after create do not reach the container')
def config_changed(t):
  box = t.box('echo original').create()
  changed = json.loads(json.dumps(box.config))
  changed['process']['args'] = ['echo', 'changed']
  write(box.directory + '/config.json', json.dumps(changed))
  box.start().wait()
  t.same(box.written(), 'original\n')


@clause(LIFE + ' step 2', MUST_NOT, 'annotations changed after create do not reach the state')
def annotations_changed(t):
  box = t.box('sleep 100')
  box.config['annotations'] = {'com.example.key': 'original'}
  box.create()
  box.config['annotations']['com.example.key'] = 'changed'
  box.save()
  t.same(box.state()['annotations']['com.example.key'], 'original')


@clause(LIFE + ' step 2', MUST_NOT, 'a config.json that is removed after create is missed by nothing')
def config_removed(t):
  box = t.box('echo fine').create()
  os.unlink(box.directory + '/config.json')
  box.start().wait()
  t.same(box.written(), 'fine\n')
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()


@clause(LIFE + ' step 8', MUST, 'start runs the program')
def program_runs(t):
  t.same(t.box('echo running').output(), 'running')


@clause(LIFE + ' step 8', MUST, 'the program runs once')
def program_runs_once(t):
  box = t.box('echo x >>/runs')
  box.output()
  t.same(read(box.rootfs + '/runs'), 'x\n')


@clause(LIFE + ' step 10', MUST, 'a program that exits, as {}, stops the container',
        [('success', 'exit 0', 0), ('failure', 'exit 3', 3), ('a crash', None, -11)])
def exits(t, _, script, status):
  # Being pid 1 of a pid namespace it would ignore its own signals.
  box = t.box(script or 'kill -SEGV $$')
  if script is None:
    box.no_namespace('pid')
  box.launch()
  t.same(box.wait(), status, 'what the program exited with')
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')


@clause(LIFE + ' step 10', MUST, 'a process that is killed from outside stops the container')
def killed_outside(t):
  box = t.box('sleep 100').launch()
  os.kill(box.first, 9)
  box.wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')


@clause(LIFE + ' step 12', MUST, 'delete removes the cgroup that create made')
def cgroup_removed(t):
  box = t.box('true').launch()
  box.wait()
  folder = t.any_cgroup_folder(box.linux['cgroupsPath'])
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  t.true(not os.path.exists(folder), '%s is there' % folder)


@clause(LIFE + ' step 12', MUST, 'delete leaves no mount in the runtime\'s mount namespace')
def mounts_removed(t):
  before = read('/proc/self/mountinfo')
  box = t.box('true')
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  t.same(read('/proc/self/mountinfo'), before)


@clause(LIFE + ' step 12', MUST, 'delete leaves no state behind')
def state_removed(t):
  box = t.box('true').launch()
  box.wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  found = [name for _, folders, files in os.walk(t.settings['scratch'] + '/state')
           for name in folders + files if box.id in name]
  t.same(found, [])


def spoil_root(box):
  box.config['root']['path'] = 'nowhere'


def spoil_mount_source(box):
  box.mount('/mnt', '/nonexistent/source', None, ['bind'])


def spoil_mount_type(box):
  box.mount('/mnt', 'none', 'no-such-file-system')


def spoil_namespace(box):
  box.namespace('ipc', '/nonexistent/namespace')


def spoil_hook(box):
  box.hook('createRuntime', 'exit 1')


def spoil_container_hook(box):
  box.hook('createContainer', 'exit 1')


def spoil_sysctl(box):
  box.linux['sysctl'] = {'kernel.no_such_setting': '1'}


SPOILERS = [('a missing root', spoil_root), ('a missing bind source', spoil_mount_source),
            ('an unknown file system', spoil_mount_type), ('a missing namespace', spoil_namespace),
            ('a failing createRuntime hook', spoil_hook),
            ('a failing createContainer hook', spoil_container_hook),
            ('an unknown sysctl', spoil_sysctl)]


@clause(ERRORS, MUST, 'after an error of create, from {}, nothing is left', SPOILERS)
def nothing_left(t, _, spoil):
  box = t.box('true')
  spoil(box)
  mounts = read('/proc/self/mountinfo')
  box.refused_at_create()
  t.same(read('/proc/self/mountinfo'), mounts, 'mounts')
  t.true(not os.path.exists(t.any_cgroup_folder(box.linux['cgroupsPath'])), 'the cgroup is there')
  left = [name for name in os.listdir('/proc') if name.isdigit() and name != '1'
          and not reap(int(name)) and name != str(os.getpid())]
  t.same(left, [], 'processes')


def reap(pid):
  """Whether an orphan was only waiting for this process to look."""
  deadline = time.monotonic() + 1
  while time.monotonic() < deadline:
    try:
      if os.waitpid(pid, os.WNOHANG)[0]:
        return True
    except ChildProcessError:
      return not os.path.exists('/proc/%d' % pid)
    time.sleep(0.01)
  return False


@clause(ERRORS, MUST, 'after an error of create, from {}, the ID is free', SPOILERS[:5])
def id_free(t, _, spoil):
  box = t.box('echo fine')
  good = json.loads(json.dumps(box.config))
  spoil(box)
  box.refused_at_create()
  box.config = good
  t.same(box.output(), 'fine')
