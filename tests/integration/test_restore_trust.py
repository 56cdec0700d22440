"""restore: whom it believes, and what is left when it fails or is killed."""

import json
import os
import re
import signal
import time

import leftovers
from checkpoints import begin_restore, counting, criu_environment, launch, restore, store, try_restore
from lib import read, write

SLEEP = 'while :; do sleep 1; done'  # a sleep alone may end when it goes on: it was interrupted
WRITABLE = ('--image-path: others than uid 0 may write to %s of the checkpoint: whoever can change it decides what is '
            'run, and as whom; --trust-image takes it all the same')
OTHER = ('%s: the checkpoint was made with another one: its processes get back what they had, whatever config.json '
         'says; --trust-image restores them all the same')
FILTER = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['acct'], 'action': 'SCMP_ACT_ERRNO'}]}


def is_trusted(t, box):
  """--trust-image lets it through, whatever it is."""
  restore(t, box, '--trust-image')
  t.same(box.status(), 'running')
  box.delete('--force')
  t.nothing_left()


# -- whose it is

def test_a_folder_that_others_may_write_to_is_refused(t):
  box = store(t, counting(t))
  for mode in (0o770, 0o702):
    os.chmod(t.path('image'), mode)
    t.refused(try_restore(t, box), WRITABLE % 'the folder')
  is_trusted(t, box)


def test_what_another_owns_is_refused(t):
  box = store(t, counting(t))
  os.chown(t.path('image'), 1000, 0)
  t.refused(try_restore(t, box), WRITABLE % 'the folder')
  is_trusted(t, box)
  os.chown(t.path('image'), 0, 0)
  for name in ('core-1.img', 'proa.json', 'descriptors.json'):
    os.chown(t.path('image/' + name), 1000, 0)
    t.refused(try_restore(t, box), WRITABLE % name)
    os.chown(t.path('image/' + name), 0, 0)


def test_a_file_that_others_may_write_to_is_refused(t):
  box = store(t, counting(t))
  for name in ('pages-1.img', 'proa.json'):
    mode = os.stat(t.path('image/' + name)).st_mode & 0o7777
    os.chmod(t.path('image/' + name), 0o620)
    t.refused(try_restore(t, box), WRITABLE % name)
    os.chmod(t.path('image/' + name), mode)
  os.symlink('core-1.img', t.path('image/link.img'))
  os.chown(t.path('image/link.img'), 1000, 1000, follow_symlinks=False)
  t.refused(try_restore(t, box), WRITABLE % 'link.img')


def test_what_proa_has_not_finished_is_refused(t):
  box = store(t, counting(t))
  os.unlink(t.path('image/proa.json'))
  t.refused(try_restore(t, box), '--image-path: it is no checkpoint that proa has finished: --trust-image restores '
            'those of other runtimes, with what privileges they say')
  is_trusted(t, box)
  t.path('image/proa.json', '{"id": 3}')
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.true(result.err.startswith('--image-path: proa.json'), result.err)
  t.nothing_left()


def test_a_folder_that_is_missing_or_empty_is_refused(t):
  box = counting(t)
  box.delete('--force')
  t.refused(try_restore(t, box), '--image-path: open HERE/image: no such file or directory')
  os.mkdir(t.path('image'))
  t.refused(try_restore(t, box), '--image-path: it is no checkpoint that proa has finished: --trust-image restores '
            'those of other runtimes, with what privileges they say')


def test_an_image_that_is_damaged_is_an_error(t):
  box = store(t, counting(t))
  write(t.path('image/core-1.img'), read(t.path('image/core-1.img'))[:20])
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.true(result.err.startswith('CRIU has failed: '), result.err)
  t.true(result.err.endswith(': %s/restore.log tells the rest\n' % t.path('image')), result.err)
  t.nothing_left()


# -- what config.json says

def test_a_config_with_other_privileges_is_refused(t):
  box = launch(t, t.box(SLEEP))
  before = json.dumps(box.config)
  store(t, box)

  def differs(name, change):
    box.config = json.loads(before)
    change(box.config)
    t.refused(try_restore(t, box), OTHER % name)

  differs('process.capabilities', lambda config: config['process']['capabilities']['bounding'].pop())
  differs('process.noNewPrivileges', lambda config: config['process'].update(noNewPrivileges=False))
  differs('process.noNewPrivileges', lambda config: config['process'].pop('noNewPrivileges'))
  differs('linux.seccomp', lambda config: config['linux'].update(seccomp=FILTER))
  differs('linux.maskedPaths', lambda config: config['linux'].update(maskedPaths=['/proc/kcore']))
  differs('linux.readonlyPaths', lambda config: config['linux'].update(readonlyPaths=['/proc/sys']))
  # With --trust-image what the processes have counts.
  box.config['linux']['seccomp'] = FILTER
  restore(t, box, '--trust-image')
  t.has(read('/proc/%d/status' % box.pid()), 'Seccomp:\t0')
  box.delete('--force')


def test_a_config_without_what_there_was_is_refused(t):
  box = t.box(SLEEP)
  box.linux.update(seccomp=FILTER, maskedPaths=['/proc/kcore'], readonlyPaths=['/proc/sys'])
  store(t, launch(t, box))
  for name in ('seccomp', 'maskedPaths', 'readonlyPaths'):
    there = box.linux.pop(name)
    t.refused(try_restore(t, box), OTHER % ('linux.' + name))
    box.linux[name] = there
  restore(t, box)


def test_a_config_with_other_mounts_from_below_is_refused(t):
  os.makedirs(t.path('folder/below'))
  box = t.box(SLEEP).mount('/mnt', t.path('folder'), ['rbind']).mount('/mnt/below', t.path('folder'), ['bind'])
  store(t, launch(t, box))
  box.config['mounts'] = box.config['mounts'][:-2]
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.nothing_left()


def forged(t, box, **confinement):
  """An image that claims more than its processes have."""
  path = t.path('image/proa.json')
  document = json.loads(read(path))
  document['confinement'].update(confinement)
  write(path, json.dumps(document), 0o600)
  return box


def the_kernel_knows_better(t, box, text):
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.same(re.sub(r"process \d+", 'process N', result.err), text + ': --trust-image lets it go on all the same\n')
  t.same(box.written(), '')
  t.nothing_left()


def test_a_filter_that_is_only_claimed_is_found_out(t):
  box = store(t, counting(t))
  box.linux['seccomp'] = FILTER
  the_kernel_knows_better(t, forged(t, box, seccomp=FILTER),
                          'linux.seccomp: the checkpoint\'s process N has no filter')


def test_privileges_that_are_only_denied_are_found_out(t):
  box = store(t, counting(t))
  fewer = {name: words[:3] for name, words in box.process['capabilities'].items()}
  box.process['capabilities'] = fewer
  the_kernel_knows_better(t, forged(t, box, capabilities=fewer),
                          'process.capabilities: the checkpoint\'s process N may get others')


def test_new_privileges_that_are_only_denied_are_found_out(t):
  box = t.box('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done', noNewPrivileges=False)
  store(t, launch(t, box).wait_for_output('2\n'))
  box.process['noNewPrivileges'] = True
  the_kernel_knows_better(t, forged(t, box, noNewPrivileges=True),
                          'process.noNewPrivileges: the checkpoint\'s process N may get new ones')


def test_a_namespace_of_the_hosts_is_found_out(t):
  box = t.box('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done').no_namespace('uts')
  store(t, launch(t, box).wait_for_output('2\n'))
  box.namespace('uts')
  the_kernel_knows_better(t, box, 'linux.namespaces: the checkpoint\'s process N is in a namespace of the host\'s')


def test_a_child_with_more_than_the_first_process_is_found_out(t):
  # Its filter is one that the first process has set up for itself, and the child has none.
  script = 'sleep 100 & echo ready; exec /usr/bin/python3 -c \'%s\'' % (
    'import ctypes, time; libc = ctypes.CDLL(None); libc.prctl(38, 1, 0, 0, 0); '
    'f = (ctypes.c_ubyte * 8).from_buffer_copy(bytes([6, 0, 0, 0, 0, 0, 255, 127])); '
    'p = (ctypes.c_uint64 * 2)(1, ctypes.addressof(f)); libc.prctl(22, 2, p, 0, 0); print("set", flush=True); '
    'time.sleep(100)')
  box = t.box(script)
  for name in ('lib', 'lib64'):
    os.symlink('usr/' + name, '%s/%s' % (box.rootfs, name))
  launch(t, box.mount('/usr', '/usr', ['rbind', 'ro'])).wait_for_output('set')
  t.has(read('/proc/%d/status' % box.pid()), 'Seccomp:\t2')
  store(t, box)
  box.linux['seccomp'] = FILTER
  the_kernel_knows_better(t, forged(t, box, seccomp=FILTER),
                          'linux.seccomp: the checkpoint\'s process N has no filter')


# -- who is killed

def kill_criu(t, seconds):
  """All that is CRIU's after so much time; returns how many that were."""
  time.sleep(seconds)
  pids = [pid for pid, text in leftovers.processes(t.settings).items() if 'criu' in text]
  for pid in pids:
    try:
      os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
      pass
  return len(pids)


def at_spread_times(t, begin, count, seconds):
  """Calls begin(number, after how many seconds it is to be killed), and looks whether delete leaves something."""
  for number in range(count):
    box = begin(number, seconds * number / count)
    result = t.proa('delete', '--force', box.id)
    t.same((result.rc, result.out, result.err), (0, '', ''), 'round %d' % number)
    t.nothing_left()
    box.used = False


def how_long(t, box):
  """Seconds that a restore takes if nobody disturbs."""
  begin = time.monotonic()
  restore(t, box)
  seconds = time.monotonic() - begin
  box.delete('--force')
  return seconds


def busy(t):
  """A container with some of everything that could be left."""
  box = t.box('sleep 100 & mkfifo /tmp/f; cat /tmp/f & i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done')
  box.mount('/mnt', 'tmpfs', [], 'tmpfs').mount('/var', box.rootfs + '/bin', ['rbind', 'ro'])
  box.linux['maskedPaths'] = ['/proc/keys', '/etc']
  return store(t, launch(t, box).wait_for_output('2\n'))


def test_restore_is_killed(t):
  box = busy(t)
  whole = how_long(t, box)
  there = []

  def begin(_, seconds):
    process = begin_restore(t, box, '--detach')
    time.sleep(seconds)
    process.kill()
    process.wait()
    there.append(t.proa('state', box.id).rc == 0)
    return box
  at_spread_times(t, begin, 25, whole * 1.2)
  t.true(any(there), 'not one was killed late enough to leave a record')


def test_a_criu_that_is_killed_leaves_nothing_of_a_restore(t):
  box = busy(t)
  whole = how_long(t, box)
  failed = []

  def begin(number, seconds):
    process = begin_restore(t, box, '--detach')
    kill_criu(t, seconds)
    result = t.finish(process)
    failed.append(result.rc != 0)
    if result.rc:
      t.same((result.rc, result.err.count('\n')), (1, 1), result.err)
      t.same(t.proa('state', box.id).rc, 1, 'round %d: state' % number)
      t.nothing_left()
    else:
      t.same(box.status(), 'running')
    return box
  at_spread_times(t, begin, 20, whole)
  t.true(any(failed), 'not one was killed early enough')


def test_a_criu_that_is_killed_leaves_nothing_of_a_checkpoint(t):
  failed = 0
  for number in range(20):
    box = counting(t)
    process = t.start('checkpoint', '--image-path', t.path('image%d' % number), box.id, env=criu_environment(t))
    t.wait(lambda: os.path.exists(t.path('image%d/dump.log' % number)), 'CRIU begins')
    kill_criu(t, 0.0015 * number)
    result = t.finish(process)
    failed += result.rc != 0
    if result.rc:
      t.same((result.rc, result.err.count('\n')), (1, 1), result.err)
      t.true(not os.path.exists(t.path('image%d/proa.json' % number)), 'there seems to be a checkpoint')
    t.true(box.status() in ('running', 'paused', 'stopped'), box.status())
    box.delete('--force')
    t.nothing_left()
  t.true(failed > 0, 'not one was killed early enough')
