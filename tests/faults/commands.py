"""What the runtime is asked to do: the container before it, the words, and what has to be so after it."""

import os
import time

import checkpoints
import isolation
import lib

LIMIT, OTHER_LIMIT = '50', '77'
COMMANDS = ('create', 'start', 'run', 'exec', 'delete', 'kill', 'update', 'pause')
# The same by a plain user, in a user namespace: what needs no cgroup of his own.
ROOTLESS = 'rootless-'
COMMANDS += tuple(ROOTLESS + name for name in ('create', 'start', 'run', 'exec', 'delete', 'kill'))
# The same with a terminal that is sent to a socket, by those who make programs.
TERMINAL = 'terminal-'
COMMANDS += tuple(TERMINAL + name for name in ('create', 'run', 'exec'))
# By CRIU, whose own calls are another package's.
CRIU = ('checkpoint', 'restore')
COMMANDS += CRIU
# A container that is in this state is there before the command.
BEFORE = {'create': None, 'run': None, 'start': 'created', 'exec': 'running', 'delete': 'running',
          'kill': 'running', 'update': 'running', 'pause': 'running', 'resume': 'paused',
          'state': 'running', 'checkpoint': 'running', 'restore': None}


def base(command):
  return command.removeprefix(ROOTLESS).removeprefix(TERMINAL)


def make_box(test, serial):
  """A container with some of everything that could be left behind."""
  box = lib.Box(test, 'fault-%s' % serial)
  box.config['ociVersion'] = '1.0.2'  # older runtimes know no later one
  box.process['args'] = ['sleep', '60']
  box.namespace('network').namespace('cgroup')
  box.mount('/mnt', 'tmpfs', [], 'tmpfs').mount('/var', box.rootfs + '/bin', ['rbind', 'ro'])
  box.linux['maskedPaths'] = ['/proc/keys']
  box.linux['readonlyPaths'] = ['/proc/sys']
  if not test.is_root:
    first, count = isolation.SUBORDINATE['/etc/subuid'][0]
    uid, gid = test.settings.account
    box.map_ids((0, uid, 1), (1, first, count))
    box.linux['gidMappings'][0]['hostID'] = gid
    return box
  if test.cgroup('pids'):
    box.linux['resources'] = {'pids': {'limit': int(LIMIT)}}
  return box


def words(command, box):
  if command.startswith(TERMINAL):
    return terminal_words(base(command), ['--console-socket', console_of(box)], box)
  return {
    'create': ['create', '--bundle', box.directory, box.id],
    'run': ['run', '--bundle', box.directory, box.id],
    'exec': ['exec', box.id, 'echo', 'fine'],
    'delete': ['delete', '--force', box.id],
    'kill': ['kill', box.id, 'KILL'],
    'update': ['update', '--pids-limit', OTHER_LIMIT, box.id],
    'checkpoint': ['checkpoint', '--image-path', image_of(box, 'new'), box.id],
    'restore': ['restore', '--detach', '--bundle', box.directory, '--image-path',
                image_of(box, 'whole'), box.id],
  }.get(base(command), [base(command), box.id])


def environment(test):
  folder, _ = checkpoints.find_criu()
  return test.environment(PATH=':'.join(filter(None, [folder, lib.PATH])))


def image_of(box, name):
  return box.test.path('image-' + name)


def console_of(box):
  return box.test.path('console')


def terminal_words(command, socket, box):
  if command == 'exec':
    return ['exec', '--detach', '--tty', *socket, box.id, 'sleep', '60']
  detach = ['--detach'] if command == 'run' else []
  return [command, *detach, *socket, '--bundle', box.directory, box.id]


def program(command):
  return ['echo', 'fine'] if command in ('run', ROOTLESS + 'run') else ['sleep', '60']


def prepare(command, box):
  """The config that the command's container gets."""
  process = box.config['process']
  process['args'] = program(command)
  terminal = command.startswith(TERMINAL)
  process['terminal'] = terminal and base(command) != 'exec'
  box.config['mounts'] = [mount for mount in box.config['mounts'] if mount['destination'] != '/dev/pts']
  if terminal:
    box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')


def find_file(scene, name):
  for path in scene.test.settings.cgroups:
    for folder, _, files in os.walk(path):
      if name in files and scene.box.id in folder:
        return lib.read('%s/%s' % (folder, name)).strip()
  return None


def soon(condition):
  """What a signal does takes a moment."""
  deadline = time.monotonic() + 2
  while not condition():
    if time.monotonic() > deadline:
      return False
    time.sleep(0.002)
  return True


def check_status(wanted):
  def check(scene, _):
    found = []

    def is_so():
      found[:] = [scene.status()]
      return found[0] == wanted
    if not soon(is_so):
      return 'it is %s and not %s' % (found[0], wanted)
    held, usual = scene.descriptors(), scene.usual.get(wanted)
    return 'its first process holds %s' % held if usual and len(held) > len(usual) else None
  return check


def check_terminal(wanted):
  def check(scene, out):
    if not soon(lambda: scene.console.terminals):
      return 'it has sent no terminal'
    return check_status(wanted)(scene, out)
  return check


def check_output(_, out):
  return None if out == 'fine\n' else 'it wrote %r' % out


def check_gone(scene, _):
  left = scene.left()
  return 'deleted, and left: ' + left if left else None


def check_limit(scene, _):
  found = find_file(scene, 'pids.max')
  return None if found in (OTHER_LIMIT, None) else 'pids.max is %s' % found


# What must be so when the command has said 0: returns None, or in words what is not.
CHECKS = {TERMINAL + 'create': check_terminal('created'), TERMINAL + 'run': check_terminal('running'),
          TERMINAL + 'exec': check_terminal('running'),
          'create': check_status('created'), 'start': check_status('running'),
          'run': check_output, 'exec': check_output, 'delete': check_gone,
          'kill': check_status('stopped'), 'update': check_limit, 'pause': check_status('paused'),
          'checkpoint': check_status('stopped'), 'restore': check_status('running')}


def check(command):
  return CHECKS.get(command) or CHECKS[base(command)]
