"""Docker: root's, root's with user namespaces (remap), and a plain user's (rootless)."""

import os
import shutil
import socket
import subprocess

import lib
import shared
from lib import contains, same, true, wait_for
from shared import HOST, logs, name_container, state

ROOTLESS = '/usr/share/docker.io/contrib/dockerd-rootless.sh'


def own_oom_score():
  """On machines without CAP_SYS_RESOURCE containers can't have less than the daemon, which until Docker 25
  took itself less."""
  known = subprocess.run(['dockerd', '--help'], capture_output=True, check=False)
  return ['--oom-score-adjust', '0'] if b'--oom-score-adjust' in known.stdout else []


class Docker(lib.Engine):
  name = 'docker'
  missing_in_exec = (126, 127)  # older ones have one for both
  attach_status = 2
  tools = ('docker', 'dockerd', 'containerd', 'busybox', 'unshare', 'ip', 'iptables')

  def __init__(self, ground):
    super().__init__(ground)
    self.socket = '/tmp/scratch/docker.sock'
    self.env['DOCKER_CONFIG'] = '/tmp/home/.docker'
    # dockerd wants one by this name whatever it is to use.
    self.env['PATH'] = '/tmp/as-runc:' + self.env['PATH']
    self.daemon = None

  def set_up(self):
    top = self.directory
    if self.role == 'rootless':
      self.need('rootless')
    words = ['--data-root', top + '/data', '--exec-root', top + '/exec', '--pidfile', top + '/pid',
             '--host', 'unix://' + self.socket, *own_oom_score(),
             '--exec-opt', 'native.cgroupdriver=cgroupfs', '--storage-driver', 'overlay2',
             '--add-runtime', 'tested=' + self.runtime, '--default-runtime', 'tested',
             '--experimental']  # checkpoint is that
    if self.role != 'rootless':
      words += ['--userland-proxy-path', '/usr/sbin/docker-proxy']
    if self.role == 'remap':
      words += ['--userns-remap', 'proa-engines']
    command = [ROOTLESS] if self.role == 'rootless' else ['dockerd']
    env = {'DOCKERD_ROOTLESS_ROOTLESSKIT_NET': 'slirp4netns',
           'DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER': 'builtin'}
    self.daemon = self.begin(command + words, plain=True, env=env)
    self.processes.remove(self.daemon)

    def answers():
      true(self.daemon.poll() is None, 'it has ended: ' + lib.read(self.daemon.base + '.err')[-1500:])
      return self.run('version', rc=None).rc == 0
    wait_for(answers, 'dockerd answers', 60)
    self.run(['load', '-q', '-i', self.ground.archive])

  def command(self, words):
    return ['docker', '--host', 'unix://' + self.socket] + words

  def clean(self):
    ids = self.out('ps -aq').split()
    if ids:
      self.run(['rm', '-f'] + ids)
    volumes = self.out('volume ls -q').split()
    if volumes:
      self.run(['volume', 'rm', '-f'] + volumes)

  def shut_down(self):
    if self.daemon.poll() is None:
      self.daemon.terminate()
      try:
        self.daemon.wait(20)
      except subprocess.TimeoutExpired:
        lib.kill_session(self.daemon)

  def state_root(self):
    # A rootless one is in a mount namespace of its own.
    return None if self.role == 'rootless' else self.directory + '/exec/runtime-tested/moby'

  def host_network(self):
    return os.readlink('/proc/%d/ns/net' % self.daemon.pid)

  def published_options(self):
    return []

  def fetch(self, port):
    try:
      with socket.create_connection(('127.0.0.1', port), 2) as connection:
        return connection.recv(100).decode()
    except OSError:
      return ''

  def health_check(self):
    self.run(['run', '-d', '--name', 'box', '--health-cmd', 'test -e /tmp/well', '--health-interval',
              '1s', '--health-retries', '1', 'IMAGE', 'sleep', '1000'])

    def health():
      return self.out(['inspect', '-f', '{{.State.Health.Status}}', 'box']).strip()
    wait_for(lambda: health() == 'unhealthy', 'it is unhealthy')
    self.run('exec box touch /tmp/well')
    wait_for(lambda: health() == 'healthy', 'it is healthy')

  def probe_published(self):
    return self.probe_tun() if self.role == 'rootless' else None

  def probe_update(self):
    return None

  def probe_rootless(self):
    for tool in ('rootlesskit', 'slirp4netns', 'newuidmap'):
      if not shutil.which(tool, path=lib.PATH):
        return 'not installed: ' + tool
    return None if os.path.exists(ROOTLESS) else 'Debian\'s %s is not there' % ROOTLESS


ENGINE = Docker
CASES = lib.Cases()
shared.add(CASES, ('root',), ('remap', 'rootless'))
row, case = CASES.row, CASES.case
ALL = ('root', 'remap', 'rootless')

row('info tells the runtime', ['info', '-f', '{{.DefaultRuntime}}'], 'tested\n', roles=ALL)
row('the map of user namespaces', 'run --rm IMAGE cat /proc/self/uid_map', has='1000000',
    roles=('remap',), sample=True)
row('--userns host', 'run --rm --userns host IMAGE cat /proc/self/uid_map', has='4294967295',
    roles=('remap',))
row('run --cgroupns private', 'run --rm --cgroupns private IMAGE cat /proc/self/cgroup', has=':/\n',
    roles=('root',), needs='cgroups')
row('run --ipc host', 'run --rm --ipc host IMAGE readlink /proc/self/ns/ipc', has='ipc:',
    needs='mqueue', roles=('root',))
row('run --device-cgroup-rule', 'run --rm --device-cgroup-rule "c 1:11 r" IMAGE echo fine', 'fine\n',
    roles=('root',))
row('run --network bridge', 'run --rm IMAGE ip addr show eth0', has='172.', roles=('root', 'remap'))
row('run -w makes the directory', 'run --rm -w /new/deep IMAGE pwd', '/new/deep\n', roles=('root',))
row('run --log-driver none', 'run --rm --log-driver none IMAGE echo seen', 'seen\n', roles=('root',))
row('run --isolation default, --label', 'run --rm --isolation default --label a=b IMAGE true', '',
    roles=('root',))


@case('a runtime by name', roles=('root',))
def _(e):
  same(e.out('run --rm --runtime tested IMAGE echo named'), 'named\n')


@case('as runc of the PATH', roles=('root',), sample=True)
def _(e):
  same(e.out('run --rm --runtime runc IMAGE echo called'), 'called\n')


@case('a runtime with arguments', roles=('root',))
def _(e):
  name_container(e)
  contains(e.out('info'), 'tested')


@case('build with RUN', roles=ALL, seconds=120, sample=True)
def _(e):
  folder = os.path.dirname(e.path('context/Dockerfile',
                                  'FROM %s\nRUN echo built >/built\nWORKDIR /w\nRUN pwd >>/built\n'
                                  'CMD ["cat", "/built"]\n' % lib.IMAGE))
  e.run(['build', '-q', '-t', 'built:1', folder], seconds=90, env={'DOCKER_BUILDKIT': '0'})
  same(e.out('run --rm built:1'), 'built\n/w\n')
  e.run('rmi built:1')


@case('build with BuildKit', roles=('root',), seconds=120)
def _(e):
  folder = os.path.dirname(e.path('kit/Dockerfile',
                                  'FROM %s\nRUN echo kit >/kit\nCMD ["cat", "/kit"]\n' % lib.IMAGE))
  result = e.run(['build', '-q', '-t', 'kit:1', folder], rc=None, seconds=90,
                 env={'DOCKER_BUILDKIT': '1'})
  if 'buildx component is missing' in result.err:
    raise lib.Skip('docker is here without buildx')
  same(result.rc, 0, result.err)
  same(e.out('run --rm kit:1'), 'kit\n')
  e.run('rmi -f kit:1')


@case('two containers on a network find each other', roles=('root',))
def _(e):
  e.run('network create n')
  try:
    e.run(['run', '-d', '--name', 'box', '--network', 'n', 'IMAGE', 'sh', '-c',
           'while :; do echo near | nc -l -p 80; done'])
    wait_for(lambda: 'near' in e.run('run --rm --network n IMAGE nc box 80', rc=None).out,
             'it answers')
  finally:
    e.run('rm -f box')
    e.run('network rm n')


@case('logs -f ends with the container', roles=('root',))
def _(e):
  name_container(e, program='for i in 1 2 3; do echo $i; sleep 0.3; done')
  same(e.out('logs -f box'), '1\n2\n3\n')


@case('the machine\'s programs in a container', roles=('root',))
def _(e):
  same(e.out('run --rm %s IMAGE python3 -c "print(6 * 7)"' % HOST), '42\n')


@case('the daemon is restarted, with live restore', roles=('root',), seconds=90)
def _(e):
  name_container(e, program='echo begun; exec sleep 1000')
  e.shut_down()
  e.set_up()
  true('box' in e.out('ps -a --format {{.Names}}'), 'it is not known any more')
  e.run('start box')
  wait_for(lambda: logs(e).count('begun') == 2, 'it was started again')


@case('checkpoint, start --checkpoint', roles=('root',))
def _(e):
  e.need('criu')
  name_container(e, program='i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done')
  wait_for(lambda: '3' in logs(e), 'it counts')
  e.run('checkpoint create box one')
  wait_for(lambda: state(e) == 'exited', 'it has stopped')
  e.run('start --checkpoint one box')
  same(state(e), 'running')
  same(logs(e).split().count('1'), 1)
