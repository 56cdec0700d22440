#!/usr/bin/env python3
"""The systemd cgroup manager with a real systemd: as root, as a plain user, and under Podman.

It runs as root in the guest, needs nothing but the runtime and proa-systemd beside it, and prints TAP.
"""

import json
import os
import shutil
import subprocess
import sys
import time

PROA = os.environ.get('PROA', '/job/proa')
BASE = '/var/tmp/systemd-suite'
CGROUPS = '/sys/fs/cgroup'
USER = 'tester'
MIB = 1 << 20


class Failure(Exception):
  """Something else than expected."""


# -- running things

def run(*words, good=True, env=None, seconds=120):
  """Output goes to files: containers inherit pipes and keep them open."""
  with open(BASE + '/out', 'w+', encoding='utf-8') as out, open(BASE + '/err', 'w+', encoding='utf-8') as err:
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=BASE,
                               env=dict(os.environ, **(env or {})))
    process.wait(seconds)
    out.seek(0)
    err.seek(0)
    texts = out.read(), err.read()
  if good and process.returncode:
    raise Failure('%s -> %d: %s%s' % (' '.join(words), process.returncode, *texts))
  return process.returncode, texts[0], texts[1]


def as_user(*words):
  return ['setpriv', '--reuid=' + USER, '--regid=' + USER, '--init-groups', 'env', '-i',
          'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/home/' + USER, 'XDG_RUNTIME_DIR=/run/user/1000',
          *words]


def proa(*words, **more):
  return run(PROA, '--systemd-cgroup', *words, **more)


def user_proa(*words, **more):
  return run(*as_user(PROA, '--systemd-cgroup', *words), **more)


def same(found, expected, what=''):
  if found != expected:
    raise Failure('%s: expected %r, found %r' % (what, expected, found))


def wait(condition, what, seconds=10):
  deadline = time.monotonic() + seconds
  while not condition():
    if time.monotonic() > deadline:
      raise Failure('waited in vain: ' + what)
    time.sleep(0.01)


def read(path):
  with open(path, encoding='utf-8') as file:
    return file.read().strip()


# -- bundles and units

def bundle(name, args=('sleep', '1000'), path=None, resources=None, annotations=None, rootless=False):
  directory = '%s/%s' % (BASE, name)
  shutil.rmtree(directory, ignore_errors=True)
  os.makedirs(directory + '/rootfs/bin')
  for folder in ('proc', 'dev', 'sys', 'tmp', 'etc'):
    os.mkdir('%s/rootfs/%s' % (directory, folder))
  shutil.copy('/bin/busybox', directory + '/rootfs/bin/busybox')
  for applet in ('sh', 'sleep', 'cat', 'true', 'head', 'echo', 'mknod'):
    os.symlink('busybox', '%s/rootfs/bin/%s' % (directory, applet))
  subprocess.run([PROA, 'spec'] + (['--rootless'] if rootless else []), cwd=directory, check=True)
  with open(directory + '/config.json', encoding='utf-8') as file:
    config = json.load(file)
  config['process'].update(args=list(args), terminal=False)
  if rootless:
    config['linux'].pop('uidMappings', None)
    config['linux'].pop('gidMappings', None)
  config['linux'].pop('cgroupsPath', None)
  if path:
    config['linux']['cgroupsPath'] = path
  if resources is not None:
    config['linux']['resources'] = resources
  config['annotations'] = annotations or {}
  with open(directory + '/config.json', 'w', encoding='utf-8') as file:
    json.dump(config, file)
  if rootless:
    subprocess.run(['chown', '-R', USER, directory], check=True)
  return directory


def change(directory, how):
  """Has how() change the bundle's config."""
  with open(directory + '/config.json', encoding='utf-8') as file:
    config = json.load(file)
  how(config)
  with open(directory + '/config.json', 'w', encoding='utf-8') as file:
    json.dump(config, file)


def show(unit, *names, user=False):
  """Properties of a unit, as systemctl shows them."""
  words = ['systemctl'] + (['--user'] if user else []) + ['show', unit, '--property=' + ','.join(names)]
  lines = run(*(as_user(*words) if user else words))[1].splitlines()
  found = dict(line.split('=', 1) for line in lines)
  return [found.get(name) for name in names]


def loaded(unit, user=False):
  return show(unit, 'LoadState', user=user)[0] == 'loaded'


def cgroup_of(unit, user=False):
  return CGROUPS + show(unit, 'ControlGroup', user=user)[0]


def nothing_left(unit, user=False, slices='machine.slice'):
  try:
    wait(lambda: not loaded(unit, user), unit + ' is gone')
  except Failure as failure:
    words = ['systemctl'] + (['--user'] if user else []) + ['status', unit]
    raise Failure('%s\n%s' % (failure, run(*(as_user(*words) if user else words), good=False)[1])) from None
  left = [root for root, _, _ in os.walk(CGROUPS) if root.endswith('/' + unit)]
  same(left, [], 'cgroups')
  directory = '/run/user/1000/systemd/transient' if user else '/run/systemd/transient'
  left = [name for name in os.listdir(directory) if unit in name] if os.path.isdir(directory) else []
  same(left, [], 'transient files')


# -- root

LIMITS = {'memory': {'limit': 64 * MIB, 'reservation': 16 * MIB, 'swap': 96 * MIB}, 'pids': {'limit': 20},
          'cpu': {'shares': 512, 'quota': 12345, 'period': 50000, 'cpus': '0', 'mems': '0'},
          'blockIO': {'weight': 500}}
FILES = {'memory.max': str(64 * MIB), 'memory.low': str(16 * MIB), 'memory.swap.max': str(32 * MIB),
         'pids.max': '20', 'cpu.weight': '59', 'cpuset.cpus': '0', 'cpuset.mems': '0',
         'io.weight': 'default 4950'}


def test_limits_are_properties_and_files():
  bundle('a', path='machine.slice:libpod:a', resources=LIMITS)
  proa('run', '-d', '-b', BASE + '/a', 'a')
  unit = 'libpod-a.scope'
  expected = {'MemoryMax': 64 * MIB, 'MemoryLow': 16 * MIB, 'MemorySwapMax': 32 * MIB, 'TasksMax': 20,
              'CPUWeight': 59, 'CPUQuotaPerSecUSec': '250ms', 'CPUQuotaPeriodUSec': '50ms', 'AllowedCPUs': 0,
              'AllowedMemoryNodes': 0, 'IOWeight': 4950, 'Slice': 'machine.slice', 'Delegate': 'yes',
              'Description': 'proa container a', 'DevicePolicy': 'strict', 'ActiveState': 'active',
              'ControlGroup': '/machine.slice/libpod-a.scope'}
  same(show(unit, *expected), [str(value) for value in expected.values()], 'properties')
  for attempt in ('made', 'reloaded'):
    for name, value in FILES.items():
      # the container sees the second
      for folder in (cgroup_of(unit), cgroup_of(unit) + '/container'):
        if name != 'io.weight' or not os.path.exists(folder + '/io.bfq.weight'):
          same(read('%s/%s' % (folder, name)), value, '%s in %s, %s' % (name, folder, attempt))
    run('systemctl', 'daemon-reload')
  same(read(cgroup_of(unit) + '/cgroup.procs'), '', 'processes of the scope itself')
  same(read(cgroup_of(unit) + '/container/cgroup.procs'),
       str(json.loads(proa('state', 'a')[1])['pid']), 'processes')
  proa('delete', '--force', 'a')
  nothing_left(unit)


def test_devices_stay_restricted_when_systemd_reads_its_configuration_anew():
  script = ('try() { head -c1 $1 >/dev/null 2>&1 && echo yes || echo no; }; mknod /tmp/k c 1 1; mknod /tmp/n c 1 3;'
            'while :; do echo "$(try /tmp/k) $(echo x >/tmp/n && echo yes)" >/tmp/now; sleep 0.1; done')
  directory = bundle('a', args=('sh', '-c', script), path='machine.slice:libpod:dev',
                     resources={'devices': [{'allow': False, 'access': 'rwm'}]})
  def allow(config):
    for kind in ('bounding', 'effective', 'permitted'):
      config['process']['capabilities'][kind].append('CAP_MKNOD')
    config['root']['readonly'] = False
  change(directory, allow)
  proa('run', '-d', '-b', directory, 'a')
  now = directory + '/rootfs/tmp/now'
  for _ in range(2):
    wait(lambda: os.path.exists(now) and read(now), 'the container tries')
    same(read(now), 'no yes', '/dev/mem and /dev/null')
    run('systemctl', 'daemon-reload')
    os.unlink(now)
  proa('delete', '--force', 'a')
  nothing_left('libpod-dev.scope')


def test_nested_slices_and_the_default():
  bundle('a', path='a-b-c.slice:crio:x')
  proa('run', '-d', '-b', BASE + '/a', 'a')
  same(show('crio-x.scope', 'ControlGroup'), ['/a.slice/a-b.slice/a-b-c.slice/crio-x.scope'])
  proa('delete', '--force', 'a')
  nothing_left('crio-x.scope')
  bundle('a')
  proa('run', '-d', '-b', BASE + '/a', 'a')
  same(show('proa-a.scope', 'ControlGroup'), ['/system.slice/proa-a.scope'])
  proa('delete', '--force', 'a')
  nothing_left('proa-a.scope')
  bundle('a', path='-.slice::memory.scope')
  proa('run', '-d', '-b', BASE + '/a', 'a')
  wait(lambda: loaded('memory.scope'), 'the scope')
  proa('delete', '--force', 'a')
  nothing_left('memory.scope')


def test_the_level_below_the_scope():
  for name, leaf in (('payload', '/payload'), ('', '')):
    bundle('a', annotations={'run.oci.systemd.subgroup': name}, resources={'memory': {'limit': 64 * MIB}})
    proa('run', '-d', '-b', BASE + '/a', 'a')
    pid = json.loads(proa('state', 'a')[1])['pid']
    same(read('/proc/%d/cgroup' % pid), '0::/system.slice/proa-a.scope' + leaf)
    proa('delete', '--force', 'a')
    nothing_left('proa-a.scope')


def test_properties_by_annotation():
  bundle('a', annotations={'org.systemd.property.KillSignal': '10',
                           'org.systemd.property.TimeoutStopUSec': 'uint64 7000000',
                           'org.systemd.property.CollectMode': "'inactive'",
                           'org.systemd.property.DefaultDependencies': 'true',
                           'org.systemd.property.After': "['dbus.service']"})
  proa('run', '-d', '-b', BASE + '/a', 'a')
  same(show('proa-a.scope', 'KillSignal', 'TimeoutStopUSec', 'CollectMode', 'DefaultDependencies'),
       ['10', '7s', 'inactive', 'yes'])
  if 'dbus.service' not in show('proa-a.scope', 'After')[0].split():
    raise Failure('After')
  proa('delete', '--force', 'a')
  nothing_left('proa-a.scope')


def test_a_refused_property():
  bundle('a', annotations={'org.systemd.property.ExecStartPre': "'/bin/sh'"})
  rc, _, err = proa('run', '-d', '-b', BASE + '/a', 'a', good=False)
  same((rc, err), (1, 'annotations["org.systemd.property.ExecStartPre"]: a container may not set this '
                   'property: the manual lists those that it may\n'))
  nothing_left('proa-a.scope')
  # one that systemd itself refuses
  bundle('a', annotations={'org.systemd.property.KillSignal': '1000'})
  rc, _, err = proa('run', '-d', '-b', BASE + '/a', 'a', good=False)
  same((rc, err.startswith('systemd: start proa-a.scope: ')), (1, True), err)
  nothing_left('proa-a.scope')


def test_a_unit_that_is_anothers_is_left_alone():
  run('systemd-run', '--scope', '--unit=libpod-other', '--quiet', 'sh', '-c', 'sleep 1000 >/dev/null 2>&1 &')
  bundle('a', path='machine.slice:libpod:other')
  rc, _, err = proa('run', '-d', '-b', BASE + '/a', 'a', good=False)
  same((rc, err), (1, "systemd: start libpod-other.scope: systemd has a unit of this name already: it is "
                   "another's: choose another linux.cgroupsPath, or stop it with \"systemctl stop\"\n"))
  same(show('libpod-other.scope', 'ActiveState'), ['active'])
  run('systemctl', 'stop', 'libpod-other.scope')


def test_a_failed_unit_of_the_name_is_in_nobodys_way():
  # as after an old runtime that did not clean up: a scope that timed out
  run('systemd-run', '--scope', '--unit=libpod-old', '--quiet', '--property=RuntimeMaxSec=1', 'sleep', '30',
      good=False)
  wait(lambda: show('libpod-old.scope', 'ActiveState') == ['failed'], 'it fails')
  bundle('a', path='machine.slice:libpod:old')
  proa('run', '-d', '-b', BASE + '/a', 'a')
  proa('delete', '--force', 'a')
  nothing_left('libpod-old.scope')


def test_what_ends_by_itself_leaves_no_unit():
  bundle('a', args=('true',))
  for _ in range(3):
    proa('run', '-b', BASE + '/a', 'a')
    nothing_left('proa-a.scope')
  proa('create', '-b', BASE + '/a', 'a')
  proa('start', 'a')
  wait(lambda: json.loads(proa('state', 'a')[1])['status'] == 'stopped', 'it ends')
  # later commands come without the option, and without an environment
  run('env', '-i', PROA, 'delete', 'a')
  nothing_left('proa-a.scope')
  for _ in range(5):
    proa('run', '-d', '-b', BASE + '/a', 'a')
    proa('delete', '--force', 'a')


def test_stopped_by_systemctl():
  bundle('a')
  proa('run', '-d', '-b', BASE + '/a', 'a')
  run('systemctl', 'kill', '--signal=KILL', 'proa-a.scope')
  wait(lambda: json.loads(proa('state', 'a')[1])['status'] == 'stopped', 'it ends')
  proa('delete', 'a')
  nothing_left('proa-a.scope')


def kill_at_spread_times(begin, delete, unit, user=False):
  created = 0
  started = time.monotonic()
  begin().wait()
  whole = (time.monotonic() - started) * 1.2
  delete()
  for number in range(24):
    process = begin()
    time.sleep(whole * number / 24)
    process.kill()
    process.wait()
    created += loaded(unit, user)
    same(delete()[1:], ('', ''), 'delete, round %d' % number)
    nothing_left(unit, user)
  return created


def test_the_runtime_is_killed_at_any_moment():
  bundle('a', path='machine.slice:libpod:a', resources=LIMITS)

  def begin():
    return subprocess.Popen([PROA, '--systemd-cgroup', 'create', '-b', BASE + '/a', 'a'],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  if not kill_at_spread_times(begin, lambda: run(PROA, 'delete', '--force', 'a'), 'libpod-a.scope'):
    raise Failure('not one was killed late enough to leave a unit')


def test_a_failure_after_the_scope_was_made_leaves_none():
  directory = bundle('a', path='machine.slice:libpod:a', resources=LIMITS)
  change(directory, lambda config: config.update(hooks={'createRuntime': [{'path': '/bin/false'}]}))
  same(proa('create', '-b', directory, 'a', good=False)[0], 1)
  nothing_left('libpod-a.scope')


# -- a plain user

def test_a_user_gets_limits_from_his_systemd():
  bundle('u', path='user.slice:libpod:u', rootless=True,
         resources={'memory': {'limit': 64 * MIB}, 'pids': {'limit': 20}})
  user_proa('run', '-d', '-b', BASE + '/u', 'u')
  unit = 'libpod-u.scope'
  same(show(unit, 'MemoryMax', 'TasksMax', 'Slice', user=True), [str(64 * MIB), '20', 'user.slice'])
  folder = cgroup_of(unit, user=True)
  same(folder, CGROUPS + '/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-u.scope')
  same((read(folder + '/memory.max'), read(folder + '/pids.max')), (str(64 * MIB), '20'))
  # this process is in no cgroup of the user's: systemd had to move the container's
  same(read(folder + '/container/cgroup.procs') != '', True, 'processes')
  run(*as_user(PROA, 'delete', '--force', 'u'))
  nothing_left(unit, user=True)


def test_the_users_runtime_is_killed_at_any_moment():
  bundle('u', path='user.slice:libpod:u', rootless=True, resources={'memory': {'limit': 64 * MIB}})

  def begin():
    return subprocess.Popen(as_user(PROA, '--systemd-cgroup', 'create', '-b', BASE + '/u', 'u'),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  kill_at_spread_times(begin, lambda: run(*as_user(PROA, 'delete', '--force', 'u')), 'libpod-u.scope', user=True)


def test_a_controller_that_is_not_delegated_to_the_user():
  lacking = [name for name in ('io', 'cpuset') if name not in
             read(CGROUPS + '/user.slice/user-1000.slice/user@1000.service/cgroup.controllers').split()]
  if 'cpuset' not in lacking:
    drop_in('Delegate=pids memory')
  try:
    bundle('u', rootless=True, resources={'cpu': {'cpus': '0'}})
    rc, _, err = user_proa('run', '-d', '-b', BASE + '/u', 'u', good=False)
    same(rc, 1)
    for part in ('linux.resources.cpu: ', 'cannot hand on the cpuset controller',
                 'Delegate=cpu cpuset io memory pids'):
      if part not in err:
        raise Failure('%r is not in %r' % (part, err))
    nothing_left('proa-u.scope', user=True)
  finally:
    if 'cpuset' not in lacking:
      drop_in(None)


def drop_in(text):
  folder = '/run/systemd/system/user@1000.service.d'
  if text:
    os.makedirs(folder, exist_ok=True)
    with open(folder + '/zz-suite.conf', 'w', encoding='utf-8') as file:
      file.write('[Service]\n%s\n' % text)
  else:
    os.unlink(folder + '/zz-suite.conf')
  run('systemctl', 'daemon-reload')
  run('systemctl', 'restart', 'user@1000.service')


def test_root_of_an_engines_user_namespace():
  directory = bundle('u', path='user.slice:libpod:u', rootless=True, resources={'pids': {'limit': 20}})
  change(directory, lambda config: config['linux'].update(
    namespaces=[row for row in config['linux']['namespaces'] if row['type'] != 'user']))
  run(*as_user('podman', 'unshare', PROA, '--systemd-cgroup', 'run', '-d', '-b', BASE + '/u', 'u'))
  same(show('libpod-u.scope', 'TasksMax', user=True), ['20'])
  run(*as_user('podman', 'unshare', PROA, 'delete', '--force', 'u'))
  nothing_left('libpod-u.scope', user=True)


# -- Podman

def podman_round(*prefix, user=False):
  common = [*prefix, 'podman', '--runtime', PROA, '--cgroup-manager', 'systemd']
  name = run(*common, 'run', '-d', '--network=none', '--log-driver=k8s-file', '--memory=64m', '--pids-limit=33',
             'localhost/suite', 'sleep', '1000')[1].strip()
  unit = 'libpod-%s.scope' % name
  same(show(unit, 'MemoryMax', 'TasksMax', user=user), [str(64 * MIB), '33'])
  folder = cgroup_of(unit, user=user)
  same((read(folder + '/memory.max'), read(folder + '/pids.max')), (str(64 * MIB), '33'))
  run(*common, 'stop', '-t', '1', name)
  run(*common, 'rm', name)
  nothing_left(unit, user=user)
  out = run(*common, 'run', '--rm', '--network=none', '--log-driver=k8s-file', 'localhost/suite', 'echo', 'fine')[1]
  same(out, 'fine\n')


def import_image(*prefix):
  directory = bundle('image')
  run('tar', '-C', directory + '/rootfs', '-cf', BASE + '/image.tar', '.')
  os.chmod(BASE + '/image.tar', 0o644)
  run(*prefix, 'podman', 'import', BASE + '/image.tar', 'localhost/suite')


def test_podman_as_root():
  import_image()
  podman_round()


def test_podman_as_a_user():
  import_image(*as_user())
  podman_round(*as_user(), user=True)


def main():
  shutil.rmtree(BASE, ignore_errors=True)
  os.makedirs(BASE)
  os.chmod(BASE, 0o755)
  chosen = [name for name in globals() if name.startswith('test_')
            and (len(sys.argv) < 2 or any(word in name for word in sys.argv[1:]))]
  failed = 0
  for number, name in enumerate(chosen, 1):
    try:
      globals()[name]()
      print('ok %d - %s' % (number, name[5:].replace('_', ' ')), flush=True)
    except (Failure, OSError, subprocess.SubprocessError, ValueError) as problem:
      failed += 1
      print('not ok %d - %s' % (number, name[5:].replace('_', ' ')))
      print(''.join('# %s\n' % line for line in str(problem).splitlines()), end='', flush=True)
      for words in ([PROA], as_user(PROA)):
        for container in ('a', 'u'):
          subprocess.run([*words, 'delete', '--force', container], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
  print('1..%d' % len(chosen))
  shutil.rmtree(BASE, ignore_errors=True)
  sys.exit(1 if failed else 0)


main()
