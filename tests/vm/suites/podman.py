#!/usr/bin/env python3
"""Podman, as root and as a plain user, with both of its cgroup managers.  What needs a command that
the runtime does not have is skipped."""

import os
import subprocess
import time

import suite
from lib import read, time_limit

IMAGE = 'localhost/busybox'
MIB = 1 << 20
# As README.md has it: Podman shall ask for errors as JSON and for containers without a cgroup.
SETTINGS = '''[containers]
log_driver = "k8s-file"
[engine]
events_logger = "file"
runtime_supports_json = ["crun", "runc", "proa"]
runtime_supports_nocgroup = ["crun", "proa"]
[engine.runtimes]
proa = ["/usr/local/bin/proa"]
'''
ARCHIVE = '/var/tmp/proa-busybox.tar'


def prepare(role):
  """An image of busybox alone, in the storage of root or of the user."""
  if role == 'root':
    with open('/etc/containers/containers.conf', 'w', encoding='utf-8') as file:
      file.write(SETTINGS)
    subprocess.run('mkdir -p image/bin image/etc image/tmp && cp /usr/bin/busybox image/bin && '
                   'for n in $(busybox --list); do [ -e image/bin/$n ] || '
                   'ln image/bin/busybox image/bin/$n; done && '
                   'echo root:x:0:0::/:/bin/sh >image/etc/passwd && '
                   'tar -C image -cf %s . && chmod 644 %s' % (ARCHIVE, ARCHIVE), shell=True,
                   check=True)
    # The mount of /run/netns, which the first network makes and nobody removes.
    subprocess.run('ip netns add proa-test && ip netns delete proa-test', shell=True, check=True)
  result = suite.run(['podman', 'import', '--quiet', ARCHIVE, IMAGE], seconds=120)
  if result.rc:
    raise RuntimeError(str(result))


class Engine:
  """Podman for one test: all containers and pods are removed at its end."""

  def __init__(self, t, manager):
    self.t = t
    self.manager = manager
    self.ids = []
    t.ready.append(self.remove_all)

  def __call__(self, *words, rc=0):
    result = suite.run(['podman', '--runtime', 'proa', '--cgroup-manager', self.manager, *words])
    self.t.results.append(result)
    if rc is not None:
      self.t.true(result.rc == rc, 'podman %s: %s' % (' '.join(words), result))
    return result

  def run(self, *words, rc=0):
    """In the foreground, without a network; returns what the container writes."""
    return self('run', '--rm', '--network', 'none', *words, rc=rc).out

  def start(self, script, *options):
    """In the background; returns the container's id."""
    self.ids.append(self('run', '--detach', '--network', 'none', *options, IMAGE, 'sh', '-c',
                         script).out.strip())
    return self.ids[-1]

  def inspect(self, name, what):
    return self('inspect', '--format', '{{.State.%s}}' % what, name).out.strip()

  def wait_for_log(self, name, text):
    self.t.wait(lambda: text in self('logs', name).out, 'the container writes %r' % text, 30)

  def remove_all(self):
    for words in (['rm', '--all', '--force', '--time', '0'],
                  ['pod', 'rm', '--all', '--force', '--time', '0']):
      self(*words)
    # The monitor of a container lives a moment longer than it.
    self.t.wait(lambda: not self.cgroups_left(), 'the cgroups are gone: %s' % self.cgroups_left())

  def cgroups_left(self):
    return [folder for folder, _, _ in os.walk('/sys/fs/cgroup')
            if any(name in folder for name in self.ids)]

  def cgroup(self, name):
    path = read('/proc/%s/cgroup' % self.inspect(name, 'Pid')).strip().split('::', 1)[1]
    return '/sys/fs/cgroup' + path

  def unit(self, name, *properties):
    """What systemd says of the container's scope."""
    words = ['systemctl'] + ['--user'] * (not self.t.is_root) + ['show', 'libpod-%s.scope' % name]
    out = self.t.worked(suite.run(words + ['--property=' + text for text in properties])).out
    return dict(line.split('=', 1) for line in out.splitlines())


def with_both_managers(function):
  """Makes a test of it for each of Podman's cgroup managers."""
  for manager in ('cgroupfs', 'systemd'):
    @suite.also_as_user
    @time_limit(120)
    def test(t, manager=manager):
      function(t, Engine(t, manager))
    globals()['test_%s_with_%s' % (function.__name__, manager)] = test
  return function


def with_cgroupfs(function):
  """For what has nothing to do with cgroups."""
  @suite.also_as_user
  @time_limit(120)
  def test(t):
    function(t, Engine(t, 'cgroupfs'))
  globals()['test_' + function.__name__] = test
  return function


def needs(t, command):
  if not suite.has_command(command):
    t.skip('proa has no command "%s"' % command)


# -- cgroups

@with_both_managers
def limits_are_set(t, podman):
  name = podman.start('sleep 60', '--memory', '64m', '--pids-limit', '17', '--cpus', '0.5')
  folder = podman.cgroup(name)
  t.same([read('%s/%s' % (folder, file)).strip() for file in ('memory.max', 'pids.max', 'cpu.max')],
         [str(64 * MIB), '17', '50000 100000'])
  if podman.manager == 'systemd':
    t.true('/libpod-%s.scope' % name in folder + '/', folder)
    t.same(podman.unit(name, 'ActiveState', 'MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec'),
           {'ActiveState': 'active', 'MemoryMax': str(64 * MIB), 'TasksMax': '17',
            'CPUQuotaPerSecUSec': '500ms'})
  t.has(podman('stats', '--no-stream', name).out, '67.11MB')


@with_both_managers
def who_eats_too_much_memory_is_killed(t, podman):
  podman('run', '--name', 'eater', '--network', 'none', '--memory', '32m', IMAGE, 'dd',
         'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1', rc=137)
  t.same(podman.inspect('eater', 'OOMKilled'), 'true')


@with_both_managers
def it_stops_and_starts_again_and_can_be_killed(t, podman):
  name = podman.start('trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done')
  podman.wait_for_log(name, 'ready')
  began = time.monotonic()
  podman('stop', '--time', '25', name)
  t.true(time.monotonic() - began < 20, 'it had to be killed')
  t.same(podman.inspect(name, 'ExitCode'), '3')
  t.same(podman.cgroups_left(), [])
  podman('start', name)
  t.same(podman.inspect(name, 'Status'), 'running')
  podman('kill', '--signal', 'KILL', name)
  t.same(podman('wait', name).out.strip(), '137')


@with_both_managers
def it_is_paused_and_goes_on(t, podman):
  needs(t, 'pause')
  name = podman.start('while :; do echo tick; sleep 0.1; done')
  folder = podman.cgroup(name)
  podman('pause', name)
  t.same(podman.inspect(name, 'Status'), 'paused')
  t.has(read(folder + '/cgroup.events'), 'frozen 1')
  podman('unpause', name)
  t.same(podman.inspect(name, 'Status'), 'running')
  t.has(read(folder + '/cgroup.events'), 'frozen 0')


@with_both_managers
def its_limits_are_changed(t, podman):
  needs(t, 'update')
  name = podman.start('sleep 60', '--memory', '64m')
  folder = podman.cgroup(name)
  podman('update', '--memory', '96m', '--cpus', '0.25', name)
  t.same([read('%s/%s' % (folder, file)).strip() for file in ('memory.max', 'cpu.max')],
         [str(96 * MIB), '25000 100000'])
  if podman.manager == 'systemd':
    t.same(podman.unit(name, 'MemoryMax'), {'MemoryMax': str(96 * MIB)})


@with_both_managers
def another_program_runs_in_it(t, podman):
  needs(t, 'exec')
  name = podman.start('sleep 60', '--env', 'PLACE=harbour', '--memory', '64m')
  result = podman('exec', name, 'sh', '-c',
                  'echo $PLACE; cat /sys/fs/cgroup/memory.max; exit 4', rc=4)
  t.same(result.out, 'harbour\n%d\n' % (64 * MIB))


@with_both_managers
def a_pod_shares_its_namespaces(t, podman):
  podman('pod', 'create', '--name', 'pod', '--hostname', 'quay', '--network', 'none')
  t.same(podman('run', '--rm', '--pod', 'pod', IMAGE, 'hostname').out, 'quay\n')
  podman('pod', 'stop', '--time', '0', 'pod')


@with_cgroupfs
def it_runs_without_a_cgroup_of_its_own(t, podman):
  name = podman.start('sleep 60', '--cgroups', 'disabled')
  t.true(name not in podman.cgroup(name), podman.cgroup(name))


# -- the rest

@with_cgroupfs
def output_and_exit_status_come_back(t, podman):
  t.same(podman.run('--env', 'PLACE=harbour', '--hostname', 'quay', '--workdir', '/tmp',
                    '--user', '1000:1000', IMAGE, 'sh', '-c',
                    'echo $PLACE $(hostname) $(pwd) $(id -u); exit 7', rc=7),
         'harbour quay /tmp 1000\n')


@with_cgroupfs
def podman_understands_what_went_wrong(t, podman):
  for program, rc, text in (
      ('/missing', 127, 'stat /missing: no such file or directory'),
      ('missing', 127, 'executable file not found in $PATH'),
      ('/etc/passwd', 126, 'exec: "/etc/passwd": permission denied'),
      ('/etc', 126, 'exec: "/etc": is a directory')):
    result = podman('run', '--rm', '--network', 'none', IMAGE, program, rc=rc)
    t.has(result.err, text)


@with_cgroupfs
def volumes_and_a_read_only_root(t, podman):
  os.mkdir(t.path('volume'))
  t.same(podman.run('--read-only', '--volume', t.path('volume') + ':/v', '--tmpfs', '/scratch',
                    IMAGE, 'sh', '-c', 'echo kept >/v/f; touch /scratch/f; touch /f 2>/dev/null; '
                                       'echo $?'), '1\n')
  t.same(read(t.path('volume') + '/f'), 'kept\n')


@with_cgroupfs
def a_terminal(t, podman):
  t.has(podman.run('--tty', IMAGE, 'tty'), '/dev/pts/0')


@with_cgroupfs
def networks(t, podman):
  t.has(podman('run', '--rm', IMAGE, 'ip', '-o', 'addr').out, ' inet ')
  t.same(podman('run', '--rm', '--network', 'host', IMAGE, 'readlink', '/proc/self/ns/net').out
         .strip(), os.readlink('/proc/self/ns/net'))


@with_cgroupfs
def an_image_is_built(t, podman):
  t.path('Containerfile', 'FROM %s\nRUN echo made >/made\n' % IMAGE)
  podman('build', '--quiet', '--isolation', 'oci', '--network', 'none', '--no-cache', '--tag',
         'built', t.directory)
  t.same(podman.run('localhost/built', 'cat', '/made'), 'made\n')
  podman('rmi', '--force', 'built')


@with_cgroupfs
def with_an_init_and_with_all_privileges(t, podman):
  t.has(podman.run('--init', IMAGE, 'ps'), 'podman-init')
  t.has(podman.run('--privileged', IMAGE, 'grep', 'Seccomp:', '/proc/self/status'), '0')


@with_cgroupfs
def what_podman_protects_is_protected(t, podman):
  out = podman.run('--security-opt', 'no-new-privileges', '--cap-drop', 'all', IMAGE, 'grep', '-E',
                   '^(Seccomp|NoNewPrivs|CapEff):', '/proc/self/status')
  t.same(dict(line.split() for line in out.splitlines()),
         {'CapEff:': '0000000000000000', 'NoNewPrivs:': '1', 'Seccomp:': '2'})


@with_cgroupfs
def ids_are_mapped(t, podman):
  if t.is_root:
    words, wanted = ['--uidmap', '0:300000:1000', '--gidmap', '0:300000:1000'], '0 300000 1000'
  else:
    words, wanted = ['--userns', 'keep-id'], '1000 0 1'
  out = podman.run(*words, IMAGE, 'cat', '/proc/self/uid_map')
  t.has([' '.join(line.split()) for line in out.splitlines()], wanted)


@with_cgroupfs
def its_processes_are_listed(t, podman):
  name = podman.start('sleep 60')
  t.has(podman('top', name, 'comm').out, 'sleep')


if __name__ == '__main__':
  suite.main()
