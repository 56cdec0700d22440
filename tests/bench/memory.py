"""The least memory with which run works: as a limit on the runtime and all of its processes, and as the container's own
linux.resources.memory.limit.  It takes a memory cgroup of version 1."""

import json
import pathlib
import shutil
import subprocess

import bundles
import ground as grounds

STEP = 4  # KiB, a page
MOST = 64 * 1024


def folder_of(ground):
  return next((pathlib.Path(path) for path in ground.cgroup_folders()
               if (pathlib.Path(path) / 'memory.limit_in_bytes').exists()), None)


def why_not(ground):
  return '' if folder_of(ground) else 'there is no memory cgroup of version 1 in this view'


def least(works):
  """By halving; a limit that is enough once is taken for enough."""
  low, high = 0, MOST
  if not works(high):
    return None
  while high - low > STEP:
    middle = (low + high) // 2 // STEP * STEP
    if works(middle):
      high = middle
    else:
      low = middle
  return high


def succeeds(words, cgroup=None):
  def enter():
    if cgroup:
      (cgroup / 'cgroup.procs').write_text('0', encoding='ascii')
  try:
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          preexec_fn=enter, check=False, timeout=20).returncode == 0
  except (subprocess.TimeoutExpired, subprocess.SubprocessError):
    return False


class Meter:
  def __init__(self, scene, shape):
    self.scene, self.shape = scene, shape
    self.memory = folder_of(scene.ground)

  def again(self, peer, attempt):
    """Several times: what is cached is charged to whom comes first."""
    worked = any(attempt() for _ in range(3))
    for folder in self.scene.ground.cgroup_folders():
      grounds.empty_cgroup(folder)
      grounds.remove_cgroup(f'{folder}/limited')
      for path in pathlib.Path(folder).glob('libpod-*'):
        grounds.remove_cgroup(path)
    shutil.rmtree(peer.state, ignore_errors=True)
    return worked

  def with_limit_on_the_runtime(self, peer):
    cgroup = self.memory / 'limited'

    def place(config):
      config['linux']['cgroupsPath'] = f'{self.scene.ground.cgroups}/limited/container'
    bundle = self.scene.ground.bundle(self.shape, 'limited', place)

    def works(limit):
      def attempt():
        cgroup.mkdir(exist_ok=True)
        (cgroup / 'memory.limit_in_bytes').write_text(str(limit * 1024), encoding='ascii')
        return succeeds(peer.front + ['run', '--bundle', bundle, self.scene.name()], cgroup)
      return self.again(peer, attempt)
    return least(works)

  def with_limit_on_the_container(self, peer):
    bundle = self.scene.ground.bundle(self.shape, 'limited')
    config = json.loads(pathlib.Path(f'{bundle}/config.json').read_text(encoding='utf-8'))

    def works(limit):
      config['linux']['resources']['memory'] = {'limit': limit * 1024}
      bundles.write(config, bundle)
      words = peer.front + ['run', '--bundle', bundle]
      return self.again(peer, lambda: succeeds(words + [self.scene.name()]))
    return least(works)


def table(scene):
  """{row: {runtime: KiB}}"""
  found = {}
  for shape in ('minimal', 'podman'):
    meter = Meter(scene, shape)
    for peer in scene.peers:
      if peer.is_floor:
        continue
      found.setdefault(f'least memory for run, {shape}: limit on the runtime', {})[peer.name] = \
        meter.with_limit_on_the_runtime(peer)
      found.setdefault(f'least memory for run, {shape}: limit of the container', {})[peer.name] = \
        meter.with_limit_on_the_container(peer)
  return found
