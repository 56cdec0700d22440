"""The budget of a run: which phase takes how long, by --trace, beside the same part of the floor program."""

import json
import statistics
import subprocess

# Of the floor program's parts, those that are the same work as phases of the runtime and of init.
SAME = {
  'cgroup': ('plan the cgroup', 'cgroup', 'device rules', 'ready'),
  'state': ('state directory', 'record: creating', 'records', 'record: created', 'record: running'),
  'clone': ('clone',),
  'namespaces': ('cgroup and user namespace', 'linux.namespaces@init'),
  'network': ('loopback', 'linux.sysctl'),
  'root': ('root: attach', 'root: enter'),
  'mounts': ('mounts: open', 'mounts: open cgroups', 'mounts: attach', 'mounts: finish'),
  'devices': ('linux.devices: open', 'linux.devices@init'),
  'masks': ('linux.maskedPaths: open', 'linux.maskedPaths', 'linux.readonlyPaths'),
  'seccomp': ('linux.seccomp: before the privileges go',),
  'user and capabilities': ('process.user@init', 'process.capabilities@init'),
  'delete': ('delete',),
}
# Phases in which one process waits for another are no work.
WAITS = ('wait for a message', 'wait for the program', 'wait for start', 'start', 'ready@init')
ROLES = {1: 'runtime', 2: 'stage', 3: 'init'}


def trace(words, path):
  """{phase: microseconds}; a name that the runtime and init both have is told apart by "@init"."""
  subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
  with open(path, encoding='utf-8') as file:
    events = [event for event in json.load(file)['traceEvents'] if event['ph'] == 'X']
  runtimes = {event['name'] for event in events if event['tid'] == 1}
  found = {}
  for event in events:
    twice = event['tid'] != 1 and event['name'] in runtimes
    name = event['name'] + ('@init' if twice else '')
    found[name] = found.get(name, 0) + event['dur']
  return found


def parts(words):
  text = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                        check=True).stderr.decode()
  return {line.split(' ', 1)[1]: int(line.split(' ', 1)[0]) / 1000 for line in text.splitlines() if line}


def medians(runs):
  return {name: statistics.median(run[name] for run in runs if name in run) for name in runs[0]}


def collect(scene, rounds, floor_words):
  """(runtime's phases, floor's parts) of interleaved runs, or None if the first runtime knows no --trace."""
  peer, floor = scene.peers[0], scene.ground.tools['floor']
  bundle, path = scene.ground.bundle('podman'), f'{scene.ground.work}/trace'
  traced, told = [], []
  for number in range(rounds + 2):
    words = [peer.path, '--trace', path, *peer.front[1:], 'run', '--bundle', bundle, scene.name()]
    pair = trace(words, path), parts([floor, '-t', 'run', *floor_words])
    if number >= 2:
      traced.append(pair[0])
      told.append(pair[1])
  return medians(traced), medians(told)


def rows(traced, told):
  """(phase, us, share, floor's us or None), the floor's groups first and what is the runtime's alone after them."""
  work = {name: time for name, time in traced.items() if name not in WAITS}
  total = sum(work.values())
  found, left = [], dict(work)
  for part, names in SAME.items():
    mine = sum(left.pop(name, 0) for name in names)
    found.append((part, mine, mine / total, told.get(part)))
  # One that only init has carries no mark.
  for name in [name for name in left if left[name] < total / 200]:
    left['all others'] = left.get('all others', 0) + left.pop(name)
  found += sorted(((name, time, time / total, None) for name, time in left.items()), key=lambda row: -row[1])
  found.append(('together', total, 1, sum(told.values())))
  return found


def write(found, peer):
  print(f'\n{"phase of run, as Podman: us, medians":45}{peer:>10}{"share":>8}{"floor":>9}')
  for name, time, share, floor in found:
    print(f'{name:45}{time:>10.0f}{share:>8.1%}' + (f'{floor:>9.0f}' if floor is not None else ''))
