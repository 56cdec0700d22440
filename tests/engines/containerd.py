"""containerd, driven by ctr through the shim for runc; root's alone."""

import json
import os

import lib
from lib import contains, proc_status, same, true, wait_for

CONFIG = '''version = 2
root = "{top}/root"
state = "{top}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{top}/sock"
[ttrpc]
  address = "{top}/sock.ttrpc"
[debug]
  level = "info"
'''


class Containerd(lib.Engine):
  name = 'containerd'
  tools = ('containerd', 'ctr', 'containerd-shim-runc-v2', 'busybox', 'unshare', 'ip')

  def __init__(self, ground):
    super().__init__(ground)
    # ctr forgets --runc-binary beside some other options: the runtime is called runc, too.
    self.env['PATH'] = '/tmp/as-runc:' + self.env['PATH']
    self.daemon = None

  def set_up(self):
    config = self.path('config.toml', CONFIG.format(top=self.directory))
    self.daemon = self.begin(['containerd', '--config', config], plain=True)
    self.processes.remove(self.daemon)
    wait_for(lambda: self.run('version', rc=None).rc == 0, 'containerd answers')
    self.run(['image', 'import', self.ground.archive])

  def command(self, words):
    return ['ctr', '--address', self.directory + '/sock'] + words

  def clean(self):
    for name in self.out('task ls -q').split():
      self.run(['task', 'rm', '--force', name], rc=None)
    for name in self.out('container ls -q').split():
      self.run(['container', 'rm', name])
    for name in self.out('snapshot ls').splitlines()[1:]:
      if 'sha256:' not in name.split()[0]:
        self.run(['snapshot', 'rm', name.split()[0]], rc=None)

  def shut_down(self):
    lib.kill_session(self.daemon)

  def state_root(self):
    return '/run/containerd/runc/default'

  def plain(self, *options, name='c', program=('sleep', '1000')):
    """The words that run a container by the runtime's own path."""
    return ['run', '--runc-binary', self.runtime] + list(options) + [lib.IMAGE, name] + list(program)

  def background(self, *options, program=('sleep', '1000')):
    self.run(self.plain('--detach', *options, program=program))

  def status(self):
    for line in self.out('task ls').splitlines():
      if line.split()[0] == 'c':
        return line.split()[-1]
    return None


ENGINE = Containerd
CASES = lib.Cases()


def case(name, **options):
  return CASES.case(name, roles=('root',), **options)


def row(name, options, program, out=None, rc=0, has=(), needs=(), sample=False):
  """One "ctr run --rm"."""
  @case(name, sample=sample)
  def _(e):
    e.need(*needs)
    result = e.run(e.plain('--rm', *options, program=program), rc=rc)
    if out is not None:
      same(result.out, out)
    for part in [has] if isinstance(has, str) else has:
      contains((result.out + result.err).lower(), part)


row('run', [], ['echo', 'hello'], 'hello\n', sample=True)
row('run: the exit status', [], ['sh', '-c', 'exit 9'], rc=9)
row('run: a program that is missing', [], ['nonesuch'], rc=1, sample=True,
    has='not found')
row('run: a path that is missing', [], ['/bin/nonesuch'], rc=1, has='no such file')
row('run: what is not executable', [], ['/etc/passwd'], rc=1, has='permission denied')
row('run --env, --cwd', ['--env', 'A=b', '--cwd', '/tmp'], ['sh', '-c', 'echo $A $PWD'], 'b /tmp\n')
row('run --read-only', ['--read-only'], ['sh', '-c', 'touch /x || echo refused'], 'refused\n')
row('run --mount', ['--mount', 'type=bind,src=/etc,dst=/e,options=rbind:ro'],
    ['sh', '-c', 'test -e /e/passwd && echo there'], 'there\n')
row('run --net-host', ['--net-host'], ['ls', '/sys/class/net'], has='lo')
row('run --cap-add', ['--cap-add', 'CAP_SYS_TIME'], ['cat', '/proc/self/status'], has='capeff')
row('run --cap-drop', ['--cap-drop', 'CAP_CHOWN'], ['grep', 'CapEff', '/proc/self/status'],
    has='fa')
row('run --seccomp', ['--seccomp'], ['grep', 'Seccomp:', '/proc/self/status'], 'Seccomp:\t2\n')
row('run --allow-new-privs', ['--allow-new-privs'], ['grep', 'NoNewPrivs', '/proc/self/status'],
    'NoNewPrivs:\t0\n')
row('run: no new privileges by default', [], ['grep', 'NoNewPrivs', '/proc/self/status'],
    'NoNewPrivs:\t1\n')
row('run --device', ['--device', '/dev/full'], ['sh', '-c', 'test -c /dev/full && echo there'],
    'there\n')
row('run --annotation, --label', ['--annotation', 'a=b', '--label', 'c=d'], ['true'], '')
row('run --memory-limit', ['--memory-limit', '67108864'], [
  'sh', '-c', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'
  ' || :'], needs=['memory'])
row('run --cpus', ['--cpus', '0.5'], ['echo', 'fine'], 'fine\n', needs=['cpu'])
row('run --cgroup', ['--cgroup', '/elsewhere/deep'], ['cat', '/proc/1/cgroup'],
    has='/', needs=['cgroups'])
row('run --privileged', ['--privileged'], ['echo', 'fine'], 'fine\n', needs=['all_capabilities'])


@case('run --uidmap, as runc of the PATH', sample=True)
def _(e):
  text = e.out(['run', '--rm', '--uidmap', '0:1000000:65536', '--gidmap', '0:1000000:65536',
                lib.IMAGE, 'c', 'cat', '/proc/self/uid_map'])
  contains(text, '1000000')


@case('run --no-pivot, as runc of the PATH')
def _(e):
  same(e.out(['run', '--rm', '--no-pivot', lib.IMAGE, 'c', 'echo', 'moved']), 'moved\n')


@case('run by the name runc of the PATH')
def _(e):
  same(e.out(['run', '--rm', lib.IMAGE, 'c', 'echo', 'called']), 'called\n')


@case('run --runc-root')
def _(e):
  root = e.path('elsewhere')
  same(e.out(e.plain('--rm', '--runc-root', root, program=['echo', 'there'])), 'there\n')


@case('run --config')
def _(e):
  e.run(['container', 'create', lib.IMAGE, 'c', 'echo', 'configured'])
  spec = json.loads(e.out('container info c'))['Spec']
  e.run('container rm c')
  spec['root']['path'] = make_rootfs(e)
  config = e.path('config.json', json.dumps(spec))
  same(e.out(['run', '--rm', '--runc-binary', e.runtime, '--config', config, 'c']), 'configured\n')


def make_rootfs(e):
  """A root file system that containerd knows nothing of."""
  folder = e.path('rootfs')
  os.makedirs(folder, exist_ok=True)
  e.run(['tar', '-xf', e.ground.archive, '-C', folder, 'layer.tar'], plain=True)
  e.run(['tar', '-xf', folder + '/layer.tar', '-C', folder], plain=True)
  return folder


@case('run --rootfs')
def _(e):
  same(e.out(['run', '--rm', '--runc-binary', e.runtime, '--rootfs', make_rootfs(e), 'c',
              '/bin/echo', 'bare']), 'bare\n')


@case('run --tty')
def _(e):
  terminal = e.tty(e.plain('--rm', '--tty', program=['sh', '-c', 'tty; exit 4']))
  terminal.expect('/dev/(pts/|console)')
  terminal.end(4)


@case('run --tty: the size', sample=True)
def _(e):
  terminal = e.tty(e.plain('--rm', '--tty', program=[
    'sh', '-c', 'while [ "$(stty size)" != "35 111" ]; do sleep 0.1; done; echo sized']), (35, 111))
  terminal.expect('sized')
  terminal.end(0)


@case('run --with-ns')
def _(e):
  e.background()
  pid = e.out('task ls').split('c ')[-1].split()[0]
  net = os.readlink('/proc/%s/ns/net' % pid)
  same(e.out(e.plain('--rm', '--with-ns', 'network:/proc/%s/ns/net' % pid, name='d',
                     program=['readlink', '/proc/self/ns/net'])), net + '\n')


@case('run --detach, task ls, kill, delete', sample=True)
def _(e):
  e.background()
  same(e.status(), 'RUNNING')
  e.run('task kill -s KILL c')
  wait_for(lambda: e.status() == 'STOPPED', 'it has stopped')
  e.run('task rm c', rc=None)
  same(e.status(), None)


@case('container create, task start')
def _(e):
  e.run(['container', 'create', lib.IMAGE, 'c', 'echo', 'started'])
  same(e.out('task start c'), 'started\n')


@case('task kill with a handler')
def _(e):
  e.background(program=['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'])
  e.run('task kill c')
  wait_for(lambda: e.status() == 'STOPPED', 'it has stopped')


@case('task kill --all')
def _(e):
  e.background(program=['sh', '-c', 'sleep 1000 & exec sleep 1000'])
  e.run('task kill --all -s KILL c')
  wait_for(lambda: e.status() == 'STOPPED', 'it has stopped')


@case('task exec', sample=True)
def _(e):
  e.background()
  same(e.out('task exec --exec-id x c echo inside'), 'inside\n')


@case('task exec: the exit status')
def _(e):
  e.background()
  e.run(['task', 'exec', '--exec-id', 'x', 'c', 'sh', '-c', 'exit 6'], rc=6)


@case('task exec: a program that is missing')
def _(e):
  e.background()
  contains(e.run('task exec --exec-id x c nonesuch', rc=1).err, 'not found')


@case('task exec --cwd, --user')
def _(e):
  e.background()
  same(e.out(['task', 'exec', '--exec-id', 'x', '--cwd', '/tmp', '--user', '1000', 'c',
              'sh', '-c', 'pwd; id -u']), '/tmp\n1000\n')


@case('task exec --tty')
def _(e):
  e.background()
  terminal = e.tty(['task', 'exec', '--tty', '--exec-id', 'x', 'c', 'sh', '-c', 'tty; exit 3'])
  terminal.expect('/dev/pts/')
  terminal.end(3)


@case('task exec --detach')
def _(e):
  e.background()
  e.run('task exec --detach --exec-id x c touch /done')
  wait_for(lambda: e.run('task exec --exec-id y c test -e /done', rc=None).rc == 0, 'it was done')


@case('task pause, resume', sample=True)
def _(e):
  e.need('freezer')
  e.background()
  e.run('task pause c')
  same(e.status(), 'PAUSED')
  e.run('task resume c')
  same(e.status(), 'RUNNING')


@case('task ps')
def _(e):
  e.background(program=['sh', '-c', 'sleep 1000 & wait'])
  wait_for(lambda: len(e.out('task ps c').splitlines()) >= 3, 'both processes are there')


@case('task metrics')
def _(e):
  e.need('memory')
  e.background()
  contains(e.out('task metrics c'), 'memory')


@case('a container of systemd\'s cgroup driver')
def _(e):
  if not os.path.isdir('/run/systemd/system'):
    raise lib.Skip('systemd is not there')
  same(e.out(e.plain('--rm', '--runc-systemd-cgroup', '--cgroup', 'machine.slice:ctr:c',
                     program=['echo', 'fine'])), 'fine\n')


@case('the shim is killed, and its container removed', seconds=90)
def _(e):
  e.background()
  for pid in filter(str.isdigit, os.listdir('/proc')):
    try:
      words = lib.read('/proc/%s/cmdline' % pid).split('\0')
    except OSError:
      continue
    if os.path.basename(words[0]) == 'containerd-shim-runc-v2':
      os.kill(int(pid), 9)
  wait_for(lambda: not e.remains(), 'the runtime has forgotten it', 30)


@case('container checkpoint, restore')
def _(e):
  e.need('criu')
  e.background(program=['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >/n; sleep 0.1; done'])
  wait_for(lambda: e.out('task exec --exec-id a c cat /n').strip() > '1', 'it counts')
  e.run('container checkpoint --rw --task c localhost/saved:1')
  e.run('task kill --signal KILL c')
  wait_for(lambda: e.status() == 'STOPPED', 'it has stopped')
  e.run('task rm c')
  e.run('container rm c')
  e.begin('container restore --rw --live c localhost/saved:1')
  wait_for(lambda: e.status() == 'RUNNING', 'it runs')
  true(int(e.out('task exec --exec-id b c cat /n')) > 1, 'it has begun anew')


@case('capabilities are those of the configuration')
def _(e):
  text = e.out(e.plain('--rm', program=['cat', '/proc/self/status']))
  same(proc_status(text, 'CapInh'), '0000000000000000')
  same(proc_status(text, 'CapEff'), proc_status(text, 'CapPrm'))
