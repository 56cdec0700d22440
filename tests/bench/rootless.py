"""Rows of a plain user: in the user namespace that an engine has made, and with newuidmap(1) from outside.

Each is measured by a process of its own, which is that user, in a cgroup that is delegated to him."""

import json
import os
import pathlib
import pwd
import shutil

import ground as grounds
import rows

USER = 'proa-test'  # the integration tests make him


def delegate(ground, uid):
  """A cgroup for the containers of a user, and one in it for his processes, which this one enters."""
  for folder in map(pathlib.Path, ground.cgroup_folders()):
    own = folder / 'delegated'
    for path in (own, own / 'caller'):
      path.mkdir(exist_ok=True)
      grounds.hand_down_processors(path)
    for path in (own, own / 'caller'):
      for name in ('.', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control', 'tasks'):
        if (path / name).exists():
          os.chown(path / name, uid, uid)
    (own / 'caller' / 'cgroup.procs').write_text('0', encoding='utf-8')


def apply(config, ground, folder):
  config['root']['path'] = f'{folder}/rootfs'
  config['mounts'] = [mount for mount in config['mounts'] if mount['type'] != 'cgroup']
  config['linux']['resources'] = {}
  if ground.v2:
    config['linux']['cgroupsPath'] = f'{ground.cgroups}/delegated/container'
    config['linux']['namespaces'] = [space for space in config['linux']['namespaces'] if space['type'] != 'cgroup']
  else:
    del config['linux']['cgroupsPath']
  config['process']['rlimits'] = []


def prepare(ground, uid):
  """A folder that is the user's, with a root file system."""
  folder = f'{ground.work}/user-{uid}'
  os.mkdir(folder)
  shutil.copytree(ground.rootfs, f'{folder}/rootfs')
  for path, _, files in os.walk(folder):
    for name in ('.', *files):
      os.chown(f'{path}/{name}', uid, uid)
  return folder


def enter_user_namespace():
  """As root of a new one, whose maps the parent writes."""
  ask, answer = os.pipe(), os.pipe()
  parent = os.getpid()
  helper = os.fork()
  if helper == 0:
    os.read(ask[0], 1)
    for kind in ('uid', 'gid'):
      pathlib.Path(f'/proc/{parent}/{kind}_map').write_text(f'0 {rows.FIRST_ID} {rows.COUNT}', encoding='utf-8')
    os.write(answer[1], b'x')
    os._exit(0)
  grounds.check(grounds.libc.unshare(rows.CLONE_NEWUSER | rows.CLONE_NEWNS))
  os.write(ask[1], b'x')
  os.read(answer[0], 1)
  os.waitpid(helper, 0)
  os.setresgid(0, 0, 0)
  os.setgroups([])
  os.setresuid(0, 0, 0)


def become(uid, gid):
  os.setgroups([])
  os.setresgid(gid, gid, gid)
  os.setresuid(uid, uid, uid)


def subordinate(name):
  """The first range of ids of a user, or None."""
  for line in pathlib.Path('/etc/subuid').read_text(encoding='utf-8').splitlines():
    if line.startswith(name + ':'):
      return [int(word) for word in line.split(':')[1:]]
  return None


def peers_in(peers, folder):
  for peer in peers:
    if peer.is_floor:
      continue
    peer.state = f'{folder}/state-{peer.name}'
    peer.front = [peer.path, '--root', peer.state]
  return [peer for peer in peers if not peer.is_floor]


def row_inside(scene):
  """run, in a user namespace that is there."""
  ground, folder = scene.ground, prepare(scene.ground, rows.FIRST_ID)
  bundle = ground.bundle('podman', 'inside', lambda config: apply(config, ground, folder))
  delegate(ground, rows.FIRST_ID)
  enter_user_namespace()
  os.environ['XDG_RUNTIME_DIR'] = folder
  scene.peers = peers_in(scene.peers, folder)
  return rows.Run(scene, 'run, rootless in a user namespace', bundle)


def row_helpers(scene):
  """run, with newuidmap and newgidmap."""
  user, ids = pwd.getpwnam(USER), subordinate(USER)
  ground, folder = scene.ground, prepare(scene.ground, user.pw_uid)

  def change(config):
    apply(config, ground, folder)
    rows.map_ids(config, user.pw_uid, ids)
    config['linux']['gidMappings'] = json.loads(json.dumps(config['linux']['uidMappings']))
    config['linux']['gidMappings'][0]['hostID'] = user.pw_gid
  bundle = ground.bundle('podman', 'helpers', change)
  delegate(ground, user.pw_uid)
  become(user.pw_uid, user.pw_gid)
  os.environ['XDG_RUNTIME_DIR'] = folder
  scene.peers = peers_in(scene.peers, folder)
  return rows.Run(scene, 'run, rootless with newuidmap', bundle)


def why_not():
  try:
    pwd.getpwnam(USER)
  except KeyError:
    return f'there is no user {USER}: tests/integration/run makes him'
  return '' if subordinate(USER) and shutil.which('newuidmap') else f'{USER} has no subordinate ids, or no newuidmap'


ROWS = {'inside': row_inside, 'helpers': row_helpers}
