"""Podman, as root and as a plain user."""

import os
import shutil
import socket
import subprocess

import lib
import shared
from lib import Skip, as_json, contains, same, true, wait_for
from shared import HOST, logs, name_container, state

CONTAINERS_CONF = '''[containers]
{ulimits}log_driver = "k8s-file"
{pids_limit}[engine]
runtime = "{name}"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["crun", "runc", "{name}"]
{nocgroup} = ["crun", "{name}"]
[engine.runtimes]
{name} = ["{path}"]
[network]
network_backend = "netavark"
'''

# What the container's program says to the socket of sd_notify(3).
NOTIFY = '''
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"STATUS=warming up\\nREADY=1\\n")
time.sleep(1000)
'''

# What is handed over by the protocol of sd_listen_fds(3).
LISTEN = '''
import os, socket
print(os.environ["LISTEN_FDS"], os.environ["LISTEN_PID"], os.getpid(), flush=True)
s = socket.socket(fileno=3)
c, _ = s.accept()
c.send(b"activated\\n")
c.close()
'''

POD = '''apiVersion: v1
kind: Pod
metadata:
  name: kube
spec:
  containers:
  - name: one
    image: %s
    command: ["sleep", "1000"]
''' % lib.IMAGE


class Podman(lib.Engine):
  name = 'podman'
  missing_in_exec = (127,)
  attach_status = 0
  tools = ('podman', 'conmon', 'busybox', 'unshare', 'ip', 'newuidmap')

  def __init__(self, ground):
    super().__init__(ground)
    self.version = ()

  def set_up(self):
    text = self.out('podman --version', plain=True)
    self.version = tuple(int(word) for word in text.split()[-1].split('-')[0].split('.')[:2])
    # Debian 12's Podman has another word for it than newer ones.
    nocgroup = 'runtime_supports_nocgroup' if self.version < (4, 4) else 'runtime_supports_nocgroups'
    conf = self.path('containers.conf', CONTAINERS_CONF.format(
      name=self.ground.label, path=self.runtime, nocgroup=nocgroup,
      ulimits=lib.default_ulimits(),
      # Podman's own default is a limit, which takes its controller.
      pids_limit='' if 'pids' in self.controllers() else 'pids_limit = 0\n'))
    self.env['CONTAINERS_CONF'] = conf
    self.run(['load', '-q', '-i', self.ground.archive])

  def command(self, words):
    top = self.directory
    return ['podman', '--root', top + '/root', '--runroot', top + '/runroot',
            '--storage-driver', 'overlay'] + words

  def clean(self):
    self.run('pod rm --all --force --time 0', rc=None)
    self.run('rm --all --force --time 0')
    self.run('volume prune --force')

  def shut_down(self):
    self.clean()

  def state_root(self):
    name = {'proa': 'proa', 'crun': 'crun', 'runc': 'runc'}.get(self.ground.label)
    base = '/run' if self.is_root else self.env['XDG_RUNTIME_DIR']
    return name and '%s/%s' % (base, name)

  def host_network(self):
    return os.readlink('/proc/self/ns/net')

  def published_options(self):
    if self.is_root:
      return []
    return ['--network', 'pasta' if self.probe_slirp4netns() else 'slirp4netns']

  def fetch(self, port):
    try:
      with socket.create_connection(('127.0.0.1', port), 2) as connection:
        return connection.recv(100).decode()
    except OSError:
      return ''

  def health_check(self):
    self.run(['run', '-d', '--name', 'box', '--health-cmd', 'test -e /tmp/well',
              '--health-interval', 'disable', 'IMAGE', 'sleep', '1000'])
    self.run('healthcheck run box', rc=1)
    self.run('exec box touch /tmp/well')
    self.run('healthcheck run box')

  def probe_published(self):
    if self.is_root:
      return None if self.has('netavark') else 'not installed: netavark'
    return self.probe_tun() or self.probe_slirp4netns() and self.probe_pasta()

  def has(self, tool):
    return shutil.which(tool, path=lib.PATH + ':/usr/lib/podman:/usr/libexec/podman')

  def probe_slirp4netns(self):
    return None if self.has('slirp4netns') else 'not installed: slirp4netns'

  def probe_update(self):
    return None if self.version >= (4, 3) else 'this Podman has no update'

  def probe_cgroup_manager(self):
    text = self.run([self.runtime, '--help'], plain=True).out
    return None if '--cgroup-manager' in text else 'the runtime has no --cgroup-manager'

  def probe_pasta(self):
    if not self.has('pasta'):
      return 'not installed: pasta'
    return None if self.version >= (4, 4) else 'Podman %d.%d has no pasta' % self.version


ENGINE = Podman
CASES = lib.Cases()
shared.add(CASES, ('root', 'user'))
row, case = CASES.row, CASES.case

row('info tells the runtime', 'info --format {{.Host.OCIRuntime.Version}}', has='spec:')
row('run --userns keep-id', 'run --rm --userns keep-id IMAGE id -u', '64321\n', roles=('user',),
    sample=True)
row('run --userns keep-id: who owns files', 'run --rm --userns keep-id -v /tmp/engine:/e IMAGE '
    'stat -c %u /e', '64321\n', roles=('user',))
row('run --userns auto', 'run --rm --userns auto IMAGE cat /proc/self/uid_map', has='2000000',
    roles=('root',))
row('run --userns nomap', 'run --rm --userns nomap IMAGE id -u', '0\n', roles=('user',))
row('run --uidmap', 'run --rm --uidmap 0:3000:1000 IMAGE cat /proc/self/uid_map', has='3000',
    roles=('root',), sample=True)
row('run --uidmap of a part', 'run --rm --uidmap 0:1:500 IMAGE cat /proc/self/uid_map',
    has='500', roles=('user',))
row('run --hostuser', 'run --rm --hostuser proa-engines IMAGE cat /etc/passwd',
    has='proa-engines')
row('run --group-add keep-groups', 'run --rm --group-add keep-groups IMAGE id', has='uid=0')
row('run --passwd=false', 'run --rm --passwd=false -u 555 IMAGE grep -c 555 /etc/passwd', '0\n', 1)
row('run --passwd', 'run --rm -u 555 IMAGE grep -c 555 /etc/passwd', has='1')
row('run --umask', 'run --rm --umask 0077 IMAGE sh -c umask', '0077\n')
row('run --tz', 'run --rm --tz UTC IMAGE date +%Z', 'UTC\n')
row('run --ipc host', 'run --rm --ipc host IMAGE readlink /proc/self/ns/ipc', has='ipc:',
    needs='mqueue')
row('run --cgroups=disabled', 'run --rm --cgroups=disabled IMAGE echo free', 'free\n',
    needs='cgroup-manager')
row('run --cgroupns private', 'run --rm --cgroupns private IMAGE sh -c '
    '"grep -vc :/$ /proc/self/cgroup"', '0\n', 1, needs='cgroups')
row('run --no-hosts', 'run --rm --no-hosts IMAGE test -s /etc/hosts', rc=1)
row('run --systemd=always', 'run --rm --systemd=always IMAGE sh -c "echo $container; '
    'grep -c \' /run tmpfs\' /proc/mounts"', has=['1'])
row('run --log-driver none', 'run --rm --log-driver none IMAGE echo seen', 'seen\n')
row('run --device-cgroup-rule', 'run --rm --device-cgroup-rule "c 1:11 r" IMAGE echo fine', 'fine\n',
    roles=('root',))
row('run -v :O', 'run --rm -v /etc/containers:/e:O IMAGE sh -c "touch /e/new && echo made"',
    'made\n')
row('run -v :U', 'run --rm -v vol:/v:U -u 1000 IMAGE stat -c %u /v', '1000\n')
row('run --env-host', 'run --rm --env-host IMAGE sh -c "echo $LANG"', 'C.UTF-8\n')
row('run --annotation', 'run --rm --annotation run.oci.keep_original_groups=1 IMAGE true', '')
row('run --network slirp4netns', 'run --rm --network slirp4netns IMAGE ip addr show tap0',
    has='10.0.2.100', roles=('user',), needs=('tun', 'slirp4netns'))
row('run --network pasta', 'run --rm --network pasta IMAGE ip link', has='lo', roles=('user',),
    needs=('pasta', 'tun'))
row('unshare', 'unshare cat /proc/self/uid_map', has='64321', roles=('user',))


@case('the runtime keeps its containers in its default place', sample=True)
def _(e):
  if not e.state_root():
    raise Skip('nothing is known of where %s keeps them' % e.ground.label)
  name_container(e)
  contains(' '.join(os.listdir(e.state_root())), e.out('ps -q').strip())


def notify_listener(e):
  """(socket, path): where a service manager would be told how it goes."""
  path = e.path('notify')
  if os.path.exists(path):
    os.unlink(path)
  listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
  listener.bind(path)
  listener.settimeout(15)
  return listener, path


@case('--sdnotify=container', sample=True)
def _(e):
  listener, path = notify_listener(e)
  # The runtime waits until what it said was taken.
  running = e.begin(['run', '-d', '--name', 'box', '--sdnotify=container'] + HOST.split() +
        ['IMAGE', 'python3', '-c', NOTIFY], env={'NOTIFY_SOCKET': path})
  text = ''
  while not ('READY=1' in text and 'MAINPID=' in text):
    try:
      text += listener.recv(4096).decode() + '\n'
    except TimeoutError:
      break
  listener.close()
  same(e.finish(running).rc, 0)
  contains(text, 'READY=1')
  contains(text, 'MAINPID=')


@case('--sdnotify=conmon')
def _(e):
  listener, path = notify_listener(e)
  e.run('run -d --name box --sdnotify=conmon IMAGE sleep 1000', env={'NOTIFY_SOCKET': path})
  contains(listener.recv(4096).decode(), 'MAINPID=')
  listener.close()


@case('socket activation')
def _(e):
  listener = socket.create_server(('127.0.0.1', 0))
  port = listener.getsockname()[1]
  # The protocol names the process, which is known only when it is there.
  command = ['sh', '-c', 'export LISTEN_PID=$$; exec "$@"', 'sh'] + e.command(
    e.words(['run', '--rm', '--name', 'box', '--network', 'none'] + HOST.split() +
            ['IMAGE', 'python3', '-c', LISTEN]))
  os.set_inheritable(listener.fileno(), True)

  def put_at_three():
    os.dup2(listener.fileno(), 3)

  process = e.begin(command, plain=True, env={'LISTEN_FDS': '1'}, preexec_fn=put_at_three,
                    pass_fds=(3,) if listener.fileno() == 3 else (3, listener.fileno()))
  wait_for(lambda: 'activated' in e.fetch(port), 'the container answers', 20)
  contains(e.finish(process).out, '1 1 1')
  listener.close()


@case('--preserve-fds')
def _(e):
  with open(e.path('kept', 'kept\n'), encoding='utf-8') as file:
    def put_at_three():
      os.dup2(file.fileno(), 3)
    process = e.begin('run --rm --preserve-fds 1 IMAGE sh -c "cat <&3"', preexec_fn=put_at_three,
                      pass_fds=(3,))
    same(e.finish(process).out, 'kept\n')


@case('a pod with infra', sample=True)
def _(e):
  e.run('pod create --name p --share net,ipc,uts')
  e.run('run -d --pod p --name a IMAGE sleep 1000')
  e.run('run -d --pod p --name b IMAGE sleep 1000')
  same(e.out('exec a readlink /proc/self/ns/net'), e.out('exec b readlink /proc/self/ns/net'))
  contains(e.out('pod ps'), 'Running')


@case('a pod is stopped, started and removed')
def _(e):
  e.run('pod create --name p')
  e.run('run -d --pod p --name a IMAGE sleep 1000')
  e.run('pod stop -t 0 p')
  same(state(e, 'a'), 'exited')
  e.run('pod start p')
  same(state(e, 'a'), 'running')
  e.run('pod rm -f p')
  same(e.out('ps -aq'), '')


@case('a pod shares its process namespace')
def _(e):
  e.run('pod create --name p --share pid,net')
  e.run('run -d --pod p --name a IMAGE sleep 1000')
  contains(e.out('run --rm --pod p IMAGE ps'), 'sleep 1000')


@case('kube generate, kube play')
def _(e):
  e.run(['play', 'kube', e.path('pod.yaml', POD)])
  wait_for(lambda: state(e, 'kube-one') == 'running', 'it runs')
  contains(e.out('generate kube kube'), 'sleep')
  e.run(['play', 'kube', '--down', e.path('pod.yaml')])
  same(e.out('ps -aq'), '')


@case('generate systemd')
def _(e):
  e.run('create --name box IMAGE sleep 1000')
  contains(e.out('generate systemd --new box'), 'ExecStart=')


@case('secrets')
def _(e):
  e.run(['secret', 'create', 'word', e.path('secret', 'sesame')])
  try:
    same(e.out('run --rm --secret word IMAGE cat /run/secrets/word'), 'sesame')
  finally:
    e.run('secret rm word')


@case('build with RUN', seconds=120)
def _(e):
  folder = os.path.dirname(e.path('context/Dockerfile',
                                  'FROM %s\nRUN echo built >/built\nWORKDIR /w\nRUN pwd >>/built\n'
                                  'CMD ["cat", "/built"]\n' % lib.IMAGE))
  e.run(['build', '--isolation', 'oci' if e.is_root else 'rootless', '-t', 'localhost/built:1',
         folder], seconds=90)
  same(e.out('run --rm localhost/built:1'), 'built\n/w\n')
  e.run('rmi localhost/built:1')


@case('--rootfs')
def _(e):
  top = e.path('rootfs/bin/busybox', '', 0o755)
  subprocess.run(['cp', '/bin/busybox', top], check=True)
  same(e.out(['run', '--rm', '--rootfs', os.path.dirname(os.path.dirname(top)), '/bin/busybox',
              'echo', 'bare']), 'bare\n')


@case('hooks of the engine')
def _(e):
  marker = e.path('marker')
  hook = e.path('hook', '#!/bin/sh\ncat >%s\n' % marker, 0o755)
  hooks = os.path.dirname(e.path('hooks/one.json', '{"version": "1.0.0", "hook": {"path": "%s"}, '
                                 '"when": {"always": true}, "stages": ["poststart"]}' % hook))
  same(e.run(e.command(['--hooks-dir', hooks, 'run', '--rm'] + e.words('IMAGE sleep 0.5')),
             plain=True).out, '')
  # Some say "created" here.
  true(as_json(lib.read(marker))['status'] in ('running', 'created'), 'another state')


@case('--log-driver json-file, logs --tail')
def _(e):
  e.run('run --name box --log-driver k8s-file IMAGE seq 9')
  same(e.out('logs --tail 2 box'), '8\n9\n')


@case('logs -f ends with the container')
def _(e):
  name_container(e, program='for i in 1 2 3; do echo $i; sleep 0.3; done')
  same(e.out('logs -f box'), '1\n2\n3\n')


@case('rename, port, container exists')
def _(e):
  name_container(e)
  e.run('rename box d')
  e.run('container exists d')
  e.run('container exists box', rc=1)


@case('init, start')
def _(e):
  e.run('create --name box IMAGE sleep 1000')
  e.run('init box')
  same(state(e), 'initialized')
  e.run('start box')
  same(state(e), 'running')


@case('wait for a condition')
def _(e):
  name_container(e, program='sleep 0.5; exit 4')
  same(e.out('wait box').strip(), '4')


@case('--sdnotify=ignore leaves NOTIFY_SOCKET out')
def _(e):
  same(e.out('run --rm --sdnotify=ignore IMAGE sh -c "echo $NOTIFY_SOCKET"',
             env={'NOTIFY_SOCKET': '/run/nobody'}), '\n')


COUNTER = 'i=0; while :; do i=$((i+1)); echo $i >/n; sleep 0.1; done'


def counted(e):
  text = e.out('exec box cat /n').strip()
  return int(text) if text else 0


def counting(e):
  e.need('criu')
  name_container(e, program=COUNTER)
  wait_for(lambda: counted(e) > 2, 'it counts')


@case('checkpoint, restore', roles=('root',), sample=True)
def _(e):
  counting(e)
  e.run('container checkpoint box')
  same(state(e), 'exited')
  e.run('container restore box')
  same(state(e), 'running')
  before = counted(e)
  true(before > 2, 'it has begun anew')
  wait_for(lambda: counted(e) > before, 'it goes on')


@case('checkpoint --export, restore --import', roles=('root',))
def _(e):
  counting(e)
  archive = e.path('box.tar.gz')
  e.run(['container', 'checkpoint', '--export', archive, 'box'])
  e.run('rm --force --time 0 box')
  e.run(['container', 'restore', '--import', archive, '--name', 'box'])
  same(state(e), 'running')
  true(counted(e) > 2, 'it has begun anew')


@case('checkpoint --leave-running', roles=('root',))
def _(e):
  counting(e)
  e.run('container checkpoint --leave-running box')
  same(state(e), 'running')


@case('an image is mounted as a volume')
def _(e):
  same(e.out('run --rm --mount type=image,source=%s,destination=/i IMAGE cat /i/etc/group' %
             lib.IMAGE).splitlines()[0], 'root:x:0:')


@case('a container network', roles=('root',))
def _(e):
  e.run('network create n')
  try:
    contains(e.out('run --rm --network n IMAGE ip addr'), 'eth0')
  finally:
    e.run('network rm -f n')


@case('run --detach --replace')
def _(e):
  name_container(e)
  e.run('run -d --replace --name box IMAGE sleep 1000')
  same(state(e), 'running')


@case('the exit command removes a container with --rm')
def _(e):
  e.run('run -d --rm --name box IMAGE sleep 0.3')
  wait_for(lambda: not e.out('ps -aq'), 'it is gone')


@case('the error of a missing program is a single line')
def _(e):
  result = e.run('run --rm IMAGE nonesuch', rc=127)
  true(len(result.err.strip().splitlines()) == 1, result.err)


@case('attach without a terminal')
def _(e):
  name_container(e, program='sleep 1; echo late')
  contains(e.run('attach --no-stdin box').out, 'late')
  contains(logs(e), 'late')
