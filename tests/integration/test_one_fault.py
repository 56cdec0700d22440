"""One system call fails, in the runtime or in init: what was once done wrong then, each by its call.

tests/faults tries all calls in turn; the numbers of its cases change with the program, names do not.  That there
is no space left is no likely reason for any of them, but one that all C libraries tell with the same words.
"""

import errno
import json
import os
import resource
import signal
import socket
import sys
import time

import leftovers
from lib import Failure, Result, read, time_limit, write

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + '/faults')
import tracer  # noqa: E402

PROGRAM = 7  # how the containers' programs end
RUNTIME, CHILD = 0, 1  # in the order of their births
MOST_CALLS = 200  # of one name, in one command
TRACE_EXIT = 0x40  # of ptrace(2): a process stops once more, when it ends


def environment(t):
  return t.environment(ASAN_OPTIONS='detect_leaks=0')  # which a process that is traced cannot do


def fail(t, words, process, call, number):
  """Runs the runtime with one call that fails.  Returns its result, or None if there is no such call."""
  reason = tracer.check_machine()
  if reason:
    t.skip(reason)
  name = t.path('fault-%d' % len(t.results))
  found = tracer.run(t.command(words), out=name + '.out', err=name + '.err', cwd=t.directory, env=environment(t),
                     traced=True, seconds=15, point=(process, call, number))
  result = Result(['%s: %s' % (call, number)] + words, found['rc'], read(name + '.out'),
                  read(name + '.err'))
  t.results.append(result)
  if found['hang']:
    raise Failure('it does not end: %s' % result)
  return result if found['hit'] else None


def fail_each(t, call, process, number, prepare):
  """Each call of this name in turn; prepare() returns the words of the command."""
  for earlier in range(MOST_CALLS):
    result = fail(t, prepare(), process, '%s:%d' % (call, earlier), number)
    if not result:
      return
    t.true(result.rc in (0, PROGRAM) or result.err.strip(), 'it fails without a word: %s' % result)
    yield result
  raise Failure('%s is called without end' % call)


def create_words(box):
  box.save()
  return ['create', '--bundle', box.directory, box.id]


def created_or_gone(t, call, number, text):
  """create either says what failed and leaves nothing, or there is a container that can be started."""
  box = t.box('sleep 60')
  said = []
  for result in fail_each(t, call, CHILD, number, lambda: create_words(box)):
    said.append(result.err)
    if result.rc == 0:
      t.same(box.status(), 'created')
      box.start()
      box.delete('--force')
    t.nothing_left()
  t.true(any(text in line for line in said), 'none said %r: %s' % (text, said))
  t.worked(t.proa('delete', '--force', box.id))


def test_run_does_not_wait_for_an_end_that_it_cannot_find_out(t):
  box = t.box('exit 7')
  box.save()
  results = []
  for result in fail_each(t, 'wait4', RUNTIME, errno.ENOSPC, lambda: ['run', '--bundle', box.directory, box.id]):
    results.append((result.rc, result.err))
    t.nothing_left()
  t.has(results, (1, 'wait for the container: no space left on device\n'))


def test_exec_does_not_wait_for_an_end_that_it_cannot_find_out(t):
  box = t.box('sleep 60').launch()
  before = set(leftovers.processes(t.settings))
  results = []
  for result in fail_each(t, 'wait4', RUNTIME, errno.ENOSPC, lambda: ['exec', box.id, 'true']):
    results.append((result.rc, result.err))
    t.wait(lambda: set(leftovers.processes(t.settings)) == before, 'the process has gone')
  t.has(results, (255, '%s: wait for the container: no space left on device\n' % box.id))
  t.same(box.status(), 'running')


def run_without_close_range(t, process, number):
  """What run ends with, each time that another close_range of the process's fails."""
  box = t.box('exit %d' % PROGRAM)
  box.save()
  return list(fail_each(t, 'close_range', process, number, lambda: ['run', '--bundle', box.directory, box.id]))


@time_limit(60)
def test_the_others_ends_are_closed_when_they_cannot_be_closed_at_once(t):
  ends = [result.rc for result in run_without_close_range(t, RUNTIME, errno.EBUSY)]
  t.same(set(ends), {PROGRAM})
  t.nothing_left()


@time_limit(60)
def test_init_keeps_its_descriptors_from_the_program_or_says_that_it_cannot(t):
  said = [result.err for result in run_without_close_range(t, CHILD, errno.ENOSPC)]
  t.has(said, 'keep descriptors from what is executed next: no space left on device\n')
  t.has(said, 'close what the container must not have: no space left on device\n')
  t.nothing_left()


def test_a_container_that_cannot_be_looked_at_is_not_taken_for_one_that_is_gone(t):
  box = t.box('sleep 60')
  refused = 0
  for call in ('fstat', 'newfstatat'):  # which of them, that is the C library's choice
    def prepare():
      t.worked(t.proa('delete', '--force', box.id))
      return ['delete', '--force', box.launch().id]
    for result in fail_each(t, call, RUNTIME, errno.ENOSPC, prepare):
      refused += result.rc != 0
      if result.rc:
        box.state()
        box.delete('--force')
      t.nothing_left()
    box.delete('--force')
  t.true(refused > 0, 'it never looks')


def test_an_init_that_would_lack_descriptors_is_not_begun(t):
  created_or_gone(t, 'fcntl', errno.ENOSPC, 'keep descriptors open for proa-init: no space left on device')


def test_an_init_that_cannot_have_its_name_does_not_go_on(t):
  created_or_gone(t, 'prctl', errno.ENOSPC, 'name the process: no space left on device')


def test_a_container_waits_on_when_it_cannot_take_a_call_for_a_moment(t):
  box = t.box('echo fine')
  box.create()
  pid = box.pid()
  limit, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
  # What waits has a descriptor in reserve, and it is the next for which there is none.
  resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most))
  with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
    caller.connect('%s/state/%s/start.sock' % (t.settings.directory, box.id))
  time.sleep(0.2)
  t.same(box.status(), 'created')
  resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, most))
  box.start()
  box.wait_until('stopped')
  t.same(box.written(), 'fine\n')


def test_a_container_whose_init_is_gone_when_it_is_told_to_start_can_be_looked_at(t):
  box = t.box('sleep 60')
  box.create()
  result = fail(t, ['start', box.id], RUNTIME, 'writev', errno.EPIPE)
  t.has(result.err, 'the other process ended without a word')
  t.same((result.rc, box.status()), (1, 'created'))


@time_limit(60)
def test_a_process_that_cannot_be_looked_at_is_not_taken_for_one_that_has_ended(t):
  """Without a cgroup, which would end it anyhow, as a plain user's containers often are."""
  box = t.box('sleep 60')

  def prepare():
    box.save()
    t.worked(t.proa('delete', '--force', box.id))
    t.worked(t.proa('--cgroup-manager', 'disabled', *create_words(box)))
    return ['delete', '--force', box.id]
  said = []
  for call in ('pidfd_open', 'openat', 'read'):
    for result in fail_each(t, call, RUNTIME, errno.ENOSPC, prepare):
      said.append(result.err)
      if result.rc:
        t.worked(t.proa('delete', '--force', box.id))
      t.nothing_left()
    t.worked(t.proa('delete', '--force', box.id))
  t.true(any(': look at process ' in line for line in said), said)


def test_an_exec_whose_container_ends_before_it_knows_its_own_process_says_so(t):
  box = t.box('sleep 60').launch()
  init = box.pid()

  def end_all(stage):
    os.kill(init, signal.SIGKILL)
    os.kill(stage, signal.SIGKILL)
  # The first that the stage has to say is which process it has cloned, which holds up the end of its pid
  # namespace for as long as the runtime has not waited for it.
  begin = time.monotonic()
  result = fail(t, ['exec', box.id, 'true'], CHILD, 'writev:0', end_all)
  t.same((result.rc, result.err), (255, '%s: cannot exec in a stopped container: container not running\n' % box.id))
  t.true(time.monotonic() - begin < 5, 'it takes %d seconds' % (time.monotonic() - begin))
  t.same(box.status(), 'stopped')


def hold_end_of(t, pid, seconds):
  """Somebody has killed pid, or does so later, and it takes so long until it has ended: as where the machine has
  much else to do."""
  told, tell = os.pipe()
  helper = os.fork()
  if helper == 0:
    try:
      tracer.libc.ptrace(tracer.SEIZE, pid, 0, TRACE_EXIT)
      os.write(tell, b'.')
      _, status = os.waitpid(pid, tracer.WALL)
      time.sleep(seconds)
    finally:
      os._exit(0)  # and with it the trace
  os.read(told, 1)
  os.close(told)
  os.close(tell)
  t.ready.append(lambda: os.waitpid(helper, 0))


def test_an_exec_whose_container_takes_its_time_to_end_says_so(t):
  for take_pids in (False, True):
    box = t.box('exec sleep 60')
    if take_pids:
      box.no_namespace('pid')
    init = box.launch().pid()
    hold_end_of(t, init, 4)

    def end_all(stage, first=init):
      os.kill(first, signal.SIGKILL)
      os.kill(stage, signal.SIGKILL)
    result = fail(t, ['exec', box.id, 'true'], CHILD, 'setns:0', end_all)
    t.same((result.rc, result.err), (255, '%s: cannot exec in a stopped container: container not running\n' % box.id))
    box.delete('--force')


# -- the record is there before, and as long as, anything else is

def killed_at(t, words, call, earlier):
  """Runs the runtime until it is killed at this call.  Returns whether there is such a call."""
  reason = tracer.check_machine()
  if reason:
    t.skip(reason)
  found = tracer.run(t.command(words), out=t.path('out'), err=t.path('err'), cwd=t.directory, env=environment(t),
                     traced=True, seconds=15, point=(RUNTIME, '%s:%d' % (call, earlier), None))
  return bool(found['hit'])


def check_record(t, box, cgroups):
  """Whatever cgroups there are by now, the record on the disk tells of them."""
  made = leftovers.cgroups(t.settings) - cgroups
  place = {}
  for name in ('state.json.planned', 'state.json'):
    path = '%s/state/%s/%s' % (t.settings.directory, box.id, name)
    if os.path.exists(path):
      with open(path, encoding='utf-8') as file:
        place = json.load(file).get('cgroup', {})
  told = [os.stat(one).st_ino for one in place.get('directories', []) + [place.get('v2')]
          if one and os.path.exists(one)]
  unknown = [path for path in made if os.path.basename(path) == box.id and os.stat(path).st_ino not in told]
  t.true(not unknown, 'the record %s does not tell of %s' % (place, unknown))
  return len(made)


@time_limit(90)
def test_create_writes_down_what_it_makes_before_it_makes_it(t):
  cgroups = leftovers.cgroups(t.settings)
  box = t.box('sleep 60')
  seen = 0
  for call in ('mkdir', 'mkdirat', 'renameat', 'clone3'):
    earlier = 0
    while killed_at(t, create_words(box), call, earlier):
      seen += check_record(t, box, cgroups)
      t.worked(t.proa('delete', '--force', box.id))
      t.nothing_left()
      earlier += 1
    t.true(earlier > 0, 'create never calls ' + call)
    t.worked(t.proa('delete', '--force', box.id))
  t.true(seen > 0, 'it was never killed when there were cgroups')


@time_limit(90)
def test_delete_removes_the_record_last_and_can_be_repeated(t):
  cgroups = leftovers.cgroups(t.settings)
  box = t.box('sleep 60')
  seen = 0
  for call in ('pidfd_send_signal', 'rmdir', 'unlinkat'):
    earlier = 0
    while killed_at(t, ['delete', '--force', box.launch().id], call, earlier):
      seen += check_record(t, box, cgroups)
      t.worked(t.proa('delete', '--force', box.id), '')
      t.nothing_left()
      earlier += 1
    t.true(earlier > 0, 'delete never calls ' + call)
    t.nothing_left()
  t.true(seen > 0, 'it was never killed when there were cgroups')


@time_limit(60)
def test_delete_does_not_wait_for_ever_says_what_stays_and_can_be_repeated(t):
  path = t.needs_cgroup('freezer')  # of version 1: what is frozen there takes not even SIGKILL
  for folder in t.settings.cgroups:  # the cgroup above is not the container's, and stays
    os.mkdir(folder + '/above')
    t.ready.append(lambda one=folder + '/above': os.rmdir(one))
  above = path + '/above'
  box = t.box('sleep 60')
  box.linux['cgroupsPath'] = '/%s/above/box' % os.path.basename(path)
  box.launch()
  pid = box.pid()
  write(above + '/freezer.state', 'FROZEN')
  t.ready.append(lambda: write(above + '/freezer.state', 'THAWED'))
  begin = time.monotonic()
  result = t.proa('delete', '--force', box.id, seconds=30)
  write(above + '/freezer.state', 'THAWED')
  t.true(time.monotonic() - begin < 25, 'it takes %d s' % (time.monotonic() - begin))
  t.same((result.rc, result.out), (1, ''))
  t.true(above + '/box' in result.err or 'process %d' % pid in result.err, result.err)
  box.delete('--force')
