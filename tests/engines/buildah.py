"""Buildah, which makes containers to build in."""

import os

import lib
from lib import contains, proc_status, same


class Buildah(lib.Engine):
  name = 'buildah'
  tools = ('buildah', 'busybox', 'unshare', 'ip', 'newuidmap')

  def set_up(self):
    self.env['BUILDAH_RUNTIME'] = self.runtime
    self.env['BUILDAH_ISOLATION'] = 'oci' if self.is_root else 'rootless'
    self.env['CONTAINERS_CONF'] = self.path(
      'containers.conf', '[containers]\n' + lib.default_ulimits() +
      '[engine]\ncgroup_manager = "cgroupfs"\n')
    self.run(['pull', '-q', 'docker-archive:' + self.ground.archive])

  def command(self, words):
    top = self.directory
    return ['buildah', '--root', top + '/root', '--runroot', top + '/runroot',
            '--storage-driver', 'overlay'] + words

  def clean(self):
    self.run('rm --all')


ENGINE = Buildah
CASES = lib.Cases()
case = CASES.case


def working(e, *options):
  """A working container; its name."""
  return e.out(['from'] + list(options) + ['IMAGE']).strip()


@case('run', sample=True)
def _(e):
  same(e.out(['run', working(e), '--', 'echo', 'built']), 'built\n')


@case('run: the exit status')
def _(e):
  e.run(['run', working(e), '--', 'sh', '-c', 'exit 5'], rc=5)


@case('run: a program that is missing')
def _(e):
  result = e.run(['run', working(e), '--', 'nonesuch'], rc=None)
  lib.true(result.rc != 0, 'it worked')
  contains(result.err, 'not found')


@case('run --user, --workingdir, --env')
def _(e):
  same(e.out(['run', '--user', 'alice', '--workingdir', '/tmp', '--env', 'A=b', working(e), '--',
              'sh', '-c', 'id -un; pwd; echo $A']), 'alice\n/tmp\nb\n')


@case('run -v')
def _(e):
  file = e.path('shared/file', 'shared\n')
  same(e.out(['run', '-v', os.path.dirname(file) + ':/s:ro', working(e), '--', 'cat', '/s/file']),
       'shared\n')


@case('run --cap-drop')
def _(e):
  text = e.out(['run', '--cap-drop', 'CAP_CHOWN', working(e), '--', 'cat', '/proc/self/status'])
  same(int(proc_status(text, 'CapEff'), 16) & 1, 0)


@case('run --network none')
def _(e):
  text = e.out(['run', '--network', 'none', working(e), '--', 'cat', '/proc/net/dev'])
  lib.true('eth0' not in text and 'tap0' not in text, text)


@case('run --hostname')
def _(e):
  same(e.out(['run', '--hostname', 'quay', working(e), '--', 'hostname']), 'quay\n')


@case('run -t')
def _(e):
  terminal = e.tty(['run', '-t', working(e), '--', 'sh', '-c', 'tty; exit 3'])
  terminal.expect('/dev/(pts/|console)')
  terminal.end(3)


@case('run --mount type=tmpfs')
def _(e):
  contains(e.out(['run', '--mount', 'type=tmpfs,destination=/t', working(e), '--', 'cat',
                  '/proc/mounts']), ' /t tmpfs')


@case('build with RUN', sample=True, seconds=120)
def _(e):
  folder = os.path.dirname(e.path(
    'context/Dockerfile', 'FROM %s\nARG WORD=none\nRUN echo $WORD >/built\nUSER alice\n'
    'RUN id -un >/tmp/who\nCMD ["cat", "/built"]\n' % lib.IMAGE))
  e.run(['build', '--build-arg', 'WORD=yes', '-t', 'localhost/built:1', folder], seconds=90)
  name = e.out('from localhost/built:1').strip()
  same(e.out(['run', name, '--', 'cat', '/built', '/tmp/who']), 'yes\nalice\n')


@case('build: a RUN that fails stops it')
def _(e):
  folder = os.path.dirname(e.path('failing/Dockerfile',
                                  'FROM %s\nRUN false\nRUN echo never\n' % lib.IMAGE))
  result = e.run(['build', folder], rc=None)
  lib.true(result.rc != 0 and 'never\n' not in result.out.replace('echo never', ''), str(result))


@case('build --memory')
def _(e):
  e.need('memory')
  folder = os.path.dirname(e.path(
    'limited/Dockerfile', 'FROM %s\nRUN cat /sys/fs/cgroup/memory/memory.limit_in_bytes '
    '/sys/fs/cgroup/memory.max 2>/dev/null >/limit || :\n' % lib.IMAGE))
  e.run(['build', '--memory', '64m', '-t', 'localhost/limited:1', folder])
  name = e.out('from localhost/limited:1').strip()
  same(e.out(['run', name, '--', 'cat', '/limit']), '67108864\n')


@case('commit, run from what was committed')
def _(e):
  name = working(e)
  e.run(['run', name, '--', 'sh', '-c', 'echo kept >/kept'])
  e.run(['commit', '-q', name, 'localhost/kept:1'])
  same(e.out(['run', e.out('from localhost/kept:1').strip(), '--', 'cat', '/kept']), 'kept\n')
