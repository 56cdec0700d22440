"""What the tests of checkpoint and restore have in common: CRIU, and how to call for it."""

import os
import subprocess

from lib import PATH, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
# In the sources, and where tests/vm puts it.
SCRIPTS = [HERE + '/../../scripts/criu', HERE + '/../scripts/criu']
FOUND, REASON = 'PROA_TESTS_CRIU', 'PROA_TESTS_NO_CRIU'
COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'


def look_for_criu():
  found = [path for path in SCRIPTS if os.path.exists(path)]
  if not found:
    return '', 'there is no scripts/criu'
  done = subprocess.run(found[:1], capture_output=True, text=True, check=False,
                        stdin=subprocess.DEVNULL)
  if done.returncode:
    return '', (done.stderr.strip().splitlines() or ['scripts/criu fails'])[-1]
  return os.path.dirname(done.stdout.strip()), ''


def find_criu():
  """(folder, None), or (None, why there is none).  It is looked for but once: workers inherit what was found, and may
  have no room of their own to try it in."""
  if FOUND not in os.environ:
    os.environ[FOUND], os.environ[REASON] = look_for_criu()
  return os.environ[FOUND] or None, os.environ[REASON] or None


def criu_environment(t, before='', **more):
  """The runtime's environment, with CRIU in PATH; before: folders in front of it."""
  folder, reason = find_criu()
  if not folder:
    raise Skip(reason)
  return t.environment(PATH=before + folder + ':' + PATH, **more)


def checkpoint(t, box, *options, **more):
  more.setdefault('env', criu_environment(t))
  return t.proa('checkpoint', '--image-path', t.path('image'), *options, box.id, **more)


def log(name):
  """For everybody: CRIU opens it again, and in a user namespace as that one's root."""
  file = open(name + '.out', 'a', encoding='utf-8')
  os.fchmod(file.fileno(), 0o666)
  return file


def launch(t, box, *options, **more):
  """create and start; what it writes is appended to a file, as engines do it for a log: CRIU wants
  any other file to have the size again that it had."""
  box.test.files += 1
  name = t.path('log%d' % t.files)
  with log(name) as out:
    more.setdefault('stdout', out)
    box.launch(*options, **more)
  box.create_result = name
  return box


def begin_restore(t, box, *options, **more):
  """What the container writes is found by box.written() again, beginning anew."""
  box.save()
  t.files += 1
  name = t.path('log%d' % t.files)
  more.setdefault('env', criu_environment(t))
  with log(name) as out:
    more.setdefault('stdout', out)
    process = t.start('restore', '--bundle', box.directory, '--image-path', t.path('image'),
                      *options, box.id, **more)
  box.create_result = name
  return process


def try_restore(t, box, *options, **more):
  return t.finish(begin_restore(t, box, '--detach', *options, **more))


def restore(t, box, *options, **more):
  t.worked(try_restore(t, box, *options, **more))
  return box


def store(t, box, *options):
  """Checkpointed and deleted."""
  t.worked(checkpoint(t, box, *options), '')
  t.same(box.status(), 'stopped')
  box.delete()
  t.nothing_left()
  return box


def again(t, box):
  """Checkpointed, deleted, and restored."""
  return restore(t, store(t, box))


def counting(t):
  return launch(t, t.box(COUNT)).wait_for_output('2\n')


def numbers(box):
  """Those that were written whole."""
  return [int(line) for line in box.written().split('\n')[:-1]]


def twin(t, box):
  """Another container of the same bundle."""
  other = t.box()
  other.directory, other.rootfs, other.config = box.directory, box.rootfs, box.config
  other.process, other.linux = box.process, box.linux
  return other


def inside(t, box, script):
  """What a script writes that is run in the container."""
  return t.worked(t.proa('exec', box.id, 'sh', '-c', script)).out


def has_ended(t, process, rc=0):
  """A runtime in the foreground."""
  result = t.finish(process)
  t.same((result.rc, result.err), (rc, ''))
