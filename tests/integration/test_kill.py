"""kill."""

import glob
import json
import os

from lib import Failure, alive, also_as_user, read, write

TRAP = 'trap "echo got it; exit 0" %s; echo ready; while :; do sleep 0.05; done'


def trapping(t, name):
  return t.box(TRAP % name).launch().wait_for_output('ready')


@also_as_user
def test_the_signal_is_TERM_by_default(t):
  box = trapping(t, 'TERM')
  box.kill()
  box.wait_for_output('got it')


def test_a_signal_has_names_and_a_number(t):
  for word in ('USR1', 'SIGUSR1', 'usr1', 'sigusr1', '10'):
    box = trapping(t, 'USR1')
    box.kill(word)
    box.wait_for_output('got it')


def test_real_time_signals_have_names(t):
  box = trapping(t, '36')
  box.kill('RTMIN+2')
  box.wait_for_output('got it')


def test_signal_0_asks_whether_it_lives(t):
  box = t.box(args=['sleep', '60']).launch()
  box.kill('0')
  box.kill('KILL')
  box.wait_until('stopped')
  t.same(t.proa('kill', box.id, '0').rc, 1)


def test_kill_of_a_stopped_container_fails(t):
  box = t.box().launch().wait_until('stopped')
  result = t.proa('kill', box.id, 'KILL')
  t.same((result.rc, result.err), (1, box.id + ': container not running\n'))


def test_kill_all_of_a_stopped_container_is_no_error(t):
  box = t.box().launch().wait_until('stopped')
  box.kill('--all', 'KILL')
  t.worked(t.proa('kill', '-a', box.id, '9'))


def test_a_created_container_can_be_killed(t):
  box = t.box()
  box.create()
  box.kill('9')
  box.wait_until('stopped')


def test_all_reaches_every_process_of_the_cgroup(t):
  box = t.box('sh -c "trap \'echo child\' USR1; echo ready; while :; do sleep 0.05; done" & '
              'trap "echo parent" USR1; echo ready; while :; do sleep 0.05; done').launch()
  t.wait(lambda: box.written().count('ready') == 2, 'both are ready')
  box.kill('--all', 'USR1')
  t.wait(lambda: 'child' in box.written() and 'parent' in box.written(), 'both get it')


def test_all_with_KILL_ends_a_container_without_a_pid_namespace(t):
  box = t.box('sleep 61 & sleep 62 & echo ready; wait').no_namespace('pid').launch()
  box.wait_for_output('ready')
  box.kill('--all', 'KILL')
  box.wait_until('stopped')
  t.wait(lambda: not any('sleep\x006' in read_or_nothing(path)
                         for path in glob.glob('/proc/[0-9]*/cmdline')), 'all processes end')


def test_all_reaches_even_those_who_fork_and_go(t):
  # Each process starts its successor and ends at once: who only lists them comes too late.  Newer shells block
  # signals while they fork; then one that was meant can have a successor all the same, so there are three tries.
  for _ in range(5):
    box = t.box('c() { c & exit 0; }; c & c & c & echo ready; sleep 60')
    box.no_namespace('pid').launch().wait_for_output('ready')
    for left in (2, 1, 0):
      box.kill('--all', 'TERM')
      try:
        t.wait(lambda: t.proa('ps', '--format', 'json', box.id).out == '[]\n', 'all have ended', 1)
        break
      except Failure:
        if not left:
          raise
    t.same(box.status(), 'stopped')


def test_signal_0_for_all_holds_nobody(t):
  box = t.box(args=['sleep', '60']).launch()
  box.kill('--all', '0')
  t.same(box.status(), 'running')


def test_KILL_ends_all_of_a_container_that_shares_the_pid_namespace(t):
  box = t.box('sleep 61 & sleep 62 & echo ready; wait').no_namespace('pid').launch()
  box.wait_for_output('ready')
  box.kill('KILL')
  t.same(t.proa('ps', '--format', 'json', box.id).out, '[]\n')


def test_an_unknown_signal_is_refused(t):
  box = t.box(args=['sleep', '60']).launch()
  for word in ('FOO', '-1', '99', '1x', '', ' 9', 'RTMIN+99'):
    words = ('kill', '--', box.id, word)
    result = t.proa(*words)
    t.same((result.rc, result.err), (1, 'unknown signal "%s": kill -l shows the signals there '
                                        'are\n' % word))
  t.same(box.status(), 'running')


def test_kill_of_what_does_not_exist_says_so(t):
  t.refused(t.proa('kill', 'nobody'), 'nobody: container does not exist: looked for it in %s/state'
            % t.settings.directory)


def change_record(t, box, change):
  """Changes the record in the state directory as if pids had wrapped around."""
  root = t.settings.directory + '/state' if t.is_root else t.settings.default_root()
  path, = glob.glob('%s/%s/state.json' % (root, box.id))
  record = json.loads(read(path))
  change(record)
  write(path, json.dumps(record), 0o600)


def test_a_recycled_pid_is_stopped_and_never_killed(t):
  box = t.box(args=['sleep', '60']).launch()
  pid = box.pid()

  def recycle(record):
    for one in ('startTime', 'pidfdInode'):
      if record['init'].get(one):
        record['init'][one] -= 1
  change_record(t, box, recycle)
  t.same(box.status(), 'stopped')
  t.same([row['status'] for row in json.loads(t.proa('list', '-f', 'json').out)], ['stopped'])
  result = t.proa('kill', box.id, 'KILL')
  t.same((result.rc, result.err), (1, box.id + ': container not running\n'))
  t.true(alive(pid), 'it was killed')
  os.kill(pid, 9)


def test_a_pid_that_now_is_another_process_is_never_killed_by_delete(t):
  victim = t.helper(['sleep', '60'])
  box = t.box().launch().wait_until('stopped')

  def recycle(record):
    record['init']['pid'] = victim.pid
  change_record(t, box, recycle)
  t.same(box.status(), 'stopped')
  box.delete('--force')
  t.same(victim.poll(), None, 'the end of the other process')


def read_or_nothing(path):
  try:
    return read(path)
  except OSError:
    return ''
