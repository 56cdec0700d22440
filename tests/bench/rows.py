"""What is measured: a class for each kind of row.  prepare() is called once, step() in each round for each runtime,
and gives samples by the rows' names; all clean up behind themselves."""

import json
import os
import pathlib
import shutil
import sys

import bundles
import filters
import ground as grounds
import measure

CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWNS = 0x40000000, 0x10000000, 0x20000
FIRST_ID, COUNT = 100000, 65536


class Peer:
  """A runtime: its name in the tables, and how it is called."""

  def __init__(self, name, path, ground):
    self.name, self.path, self.is_floor = name, path, name == 'floor'
    self.state = f'{ground.work}/state-{name}'
    self.front = [path, '--root', self.state]


class Scene:
  """What rows have in common: a ground, the peers, a file for what is said on standard error."""

  def __init__(self, ground, peers):
    self.ground, self.peers = ground, peers
    self.log = os.open(f'{ground.work}/errors', os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    self.output = os.open(f'{ground.work}/output', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    self.filter = filters.write(f'{ground.work}/filter')
    self.serial = 0

  def name(self):
    self.serial += 1
    return f'bench-{os.getpid()}-{self.serial}'

  def take(self, words):
    os.ftruncate(self.log, 0)
    return measure.take(words, self.log)

  def pid_of(self, peer, name):
    os.ftruncate(self.output, 0)
    os.lseek(self.output, 0, os.SEEK_SET)
    sample = measure.take(peer.front + ['state', name], self.log, self.output)
    return json.loads(os.pread(self.output, 65536, 0))['pid'], sample


class Run:
  """run, of one bundle; floor has the words of the floor program, where it can do the same."""

  def __init__(self, scene, row, bundle, floor=None):
    self.scene, self.row, self.bundle, self.floor = scene, row, bundle, floor

  def words(self, peer):
    if peer.is_floor:
      return self.floor and [peer.path, 'run', *self.floor]
    return peer.front + ['run', '--bundle', self.bundle, self.scene.name()]

  def step(self, peer):
    words = self.words(peer)
    return {self.row: self.scene.take(words)} if words else {}

  def end(self):
    pass


def floor_words(scene, shape, network='new'):
  ground = scene.ground
  return [shape, ground.rootfs, ground.files, f'{ground.work}/floor-state', scene.filter, network,
          *(f'{folder}/floor' for folder in ground.cgroup_folders())]


def run_minimal(scene, _):
  return Run(scene, 'run, minimal', scene.ground.bundle('minimal'), floor_words(scene, 'minimal'))


def run_podman(scene, _):
  return Run(scene, 'run, as Podman', scene.ground.bundle('podman'), floor_words(scene, 'podman'))


def run_docker(scene, _):
  return Run(scene, 'run, as Docker', scene.ground.bundle('docker'))


def run_joined(scene, _):
  path = f'{scene.ground.work}/network'
  pathlib.Path(path).touch()
  make_network(path)

  def join(config):
    del config['linux']['sysctl']
    for space in config['linux']['namespaces']:
      if space['type'] == 'network':
        space['path'] = path
  return Run(scene, 'run, network namespace joined', scene.ground.bundle('podman', 'joined', join),
             floor_words(scene, 'podman', path))


def make_network(path):
  child = os.fork()
  if child == 0:
    # Only for this process, but the mount is made in the mount namespace that all are in.
    grounds.check(grounds.libc.unshare(CLONE_NEWNET))
    grounds.mount('/proc/self/ns/net', path, None, grounds.MS_BIND)
    os._exit(0)
  if os.waitpid(child, 0)[1] != 0:
    sys.exit('a network namespace cannot be made')


def map_ids(config, first, rest=None):
  maps = [{'containerID': 0, 'hostID': first, 'size': 1 if rest else COUNT}]
  if rest:
    maps.append({'containerID': 1, 'hostID': rest[0], 'size': min(rest[1], COUNT - 1)})
  config['linux']['namespaces'].append({'type': 'user'})
  config['linux']['uidMappings'] = config['linux']['gidMappings'] = maps


def run_user_namespace(scene, _):
  bundle = scene.ground.bundle('podman', 'user', lambda config: map_ids(config, FIRST_ID))
  return Run(scene, 'run, user namespace of its own', bundle)


class Cycle:
  """create, state, start, exec, kill, delete, and all of them together."""

  def __init__(self, scene):
    self.scene = scene
    self.bundle = scene.ground.bundle('podman', 'waits', words=['wait'])

  def step(self, peer):
    if peer.is_floor:
      return self.floor(peer)
    scene, name = self.scene, self.scene.name()
    found = {'create': scene.take(peer.front + ['create', '--bundle', self.bundle, name])}
    pid, found['state'] = scene.pid_of(peer, name)
    found['create'].cpu += measure.processor_of(pid)  # nobody has waited for it
    found['waiting init'] = waiting(pid)
    found['start'] = scene.take(peer.front + ['start', name])
    found['exec'] = scene.take(peer.front + ['exec', name, '/bin/program'])
    pidfd = os.pidfd_open(pid)
    found['kill'] = scene.take(peer.front + ['kill', name, 'KILL'])
    measure.wait_for_end(pidfd)
    found['delete'] = scene.take(peer.front + ['delete', name])
    commands = ('create', 'state', 'start', 'exec', 'kill', 'delete')
    found['whole cycle'] = sum((found[command] for command in commands[1:]), found['create'])
    return found

  def floor(self, peer):
    """In a container that the first runtime has made."""
    scene, name, maker = self.scene, self.scene.name(), self.scene.peers[0]
    scene.take(maker.front + ['create', '--bundle', self.bundle, name])
    scene.take(maker.front + ['start', name])
    pid, _ = scene.pid_of(maker, name)
    folder = self.remember(name, pid)
    cgroups = [f'{path}/libpod-{bundles.LONG_ID}' for path in scene.ground.cgroup_folders()]
    found = {'state': scene.take([peer.path, 'state', folder, str(pid)]),
             'exec': scene.take([peer.path, 'exec', str(pid), scene.filter, *cgroups])}
    pidfd = os.pidfd_open(pid)
    found['kill'] = scene.take([peer.path, 'kill', folder, str(pid)])
    measure.wait_for_end(pidfd)
    scene.take(maker.front + ['delete', name])
    shutil.rmtree(folder)
    return found

  def remember(self, name, pid):
    folder = f'{self.scene.ground.work}/floor-{name}'
    os.mkdir(folder)
    pathlib.Path(f'{folder}/state.json').write_text(json.dumps({'id': name, 'pid': pid}), encoding='utf-8')
    return folder

  def end(self):
    pass


def waiting(pid):
  """The process between create and start."""
  text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text(encoding='utf-8')
  sizes = {line.split(':')[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
  return measure.Memory(sizes['Rss'], sizes['Private_Dirty'])


def cycle(scene, _):
  return Cycle(scene)


class Crowd:
  """list, and run, where there are containers already: as many of each runtime."""

  def __init__(self, scene, count, rows):
    self.scene, self.count, self.rows = scene, count, rows

    def alone(config):
      config['linux']['namespaces'] = [space for space in config['linux']['namespaces'] if space['type'] != 'network']
      config['linux']['cgroupsPath'] = f'{scene.ground.cgroups}/crowd'
    self.inner = Run(scene, '', scene.ground.bundle('podman'), floor_words(scene, 'podman'))
    bundle = scene.ground.bundle('minimal', 'crowd', words=['wait'])
    config = json.loads(pathlib.Path(f'{bundle}/config.json').read_text(encoding='utf-8'))
    alone(config)
    for peer in scene.peers:
      if not peer.is_floor:
        self.fill(peer, config, bundle)

  def fill(self, peer, config, bundle):
    for number in range(self.count):
      config['linux']['cgroupsPath'] = f'{self.scene.ground.cgroups}/crowd-{peer.name}-{number}'
      bundles.write(config, bundle)
      self.scene.take(peer.front + ['run', '--detach', '--bundle', bundle, f'crowd-{number}'])

  def step(self, peer):
    found = {}
    if 'list' in self.rows and not peer.is_floor:
      found[f'list, {self.count} containers'] = self.scene.take(peer.front + ['list'])
      found[f'list -q, {self.count} containers'] = self.scene.take(peer.front + ['list', '-q'])
    if 'run' in self.rows:
      found[f'run, {self.count} containers present'] = self.scene.take(self.inner.words(peer))
    return found

  def end(self):
    for folder in self.scene.ground.cgroup_folders():
      grounds.empty_cgroup(folder)
      for path in pathlib.Path(folder).glob('crowd-*'):
        grounds.remove_cgroup(path)
    for peer in self.scene.peers:
      shutil.rmtree(peer.state, ignore_errors=True)


def crowd(scene, options):
  return Crowd(scene, options.containers, ('list', 'run'))


def hundred(scene, _):
  return Crowd(scene, 100, ('run',))


class Mounts:
  """run where the host has many mounts."""

  def __init__(self, scene, count):
    self.scene, self.place = scene, f'{scene.ground.work}/mounts'
    self.inner = Run(scene, f'run, {count} host mounts', scene.ground.bundle('podman'), floor_words(scene, 'podman'))
    os.mkdir(self.place)
    grounds.mount('none', self.place, 'tmpfs')
    for number in range(count - 1):
      os.mkdir(f'{self.place}/{number}')
      grounds.mount('none', f'{self.place}/{number}', 'tmpfs')

  def step(self, peer):
    return self.inner.step(peer)

  def end(self):
    grounds.unmount(self.place)
    os.rmdir(self.place)


def mounts(scene, _):
  return Mounts(scene, 2000)


class Both:
  """Containers and mounts at once."""

  def __init__(self, scene, options):
    self.crowd = Crowd(scene, options.containers, ('run',))
    self.mounts = Mounts(scene, 2000)
    self.mounts.inner.row = f'run, {options.containers} containers and 2000 mounts'

  def step(self, peer):
    return self.mounts.step(peer)

  def end(self):
    self.mounts.end()
    self.crowd.end()


class Parallel:
  """Many runs at once: the time until all have ended."""

  def __init__(self, scene, _):
    self.scene = scene
    self.many = {}
    for number in range(32):
      def place(config, number=number):
        config['linux']['cgroupsPath'] += f'-{number}'
      self.many[number] = scene.ground.bundle('podman', f'many-{number}', place)

  def command(self, peer, number):
    if peer.is_floor:
      words = floor_words(self.scene, 'podman')
      words[3] += f'-{number}'
      return [peer.path, 'run', *words[:6], *(f'{path}-{number}' for path in words[6:])]
    return peer.front + ['run', '--bundle', self.many[number], self.scene.name()]

  def step(self, peer):
    return {f'{count} runs at once': measure.take_many([self.command(peer, number) for number in range(count)],
                                                       self.scene.log) for count in (2, 8, 32)}

  def end(self):
    pass


ROWS = {'minimal': run_minimal, 'podman': run_podman, 'docker': run_docker, 'joined': run_joined,
        'user': run_user_namespace, 'cycle': cycle, 'parallel': Parallel, 'hundred': hundred, 'crowd': crowd,
        'mounts': mounts, 'both': Both}
