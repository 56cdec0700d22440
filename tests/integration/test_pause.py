"""pause and resume."""

import os
import time

from lib import alive, read, run_as, time_limit

COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'


def counting(t):
  return t.box(COUNT).launch().wait_for_output('2\n')


def stands_still(box, seconds=0.2):
  before = box.written()
  time.sleep(seconds)
  return box.written() == before


def pause(t, box):
  t.worked(t.proa('pause', box.id), '')
  return box


def test_a_paused_container_does_not_advance_until_it_is_resumed(t):
  box = pause(t, counting(t))
  t.true(stands_still(box), 'it goes on')
  t.same(box.status(), 'paused')
  t.has(t.proa('list').out, 'paused')
  t.worked(t.proa('resume', box.id), '')
  t.same(box.status(), 'running')
  t.true(not stands_still(box), 'it does not go on')


def test_processes_in_cgroups_below_are_stopped_too(t):
  box = t.box('for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -e $d/cgroup.procs ] && '
              'mkdir $d/below && echo $$ >$d/below/cgroup.procs; done 2>/dev/null; ' + COUNT)
  box.mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup').namespace('cgroup').launch()
  box.wait_for_output('2\n')
  t.has(read('/proc/%d/cgroup' % box.pid()), '/below')
  pause(t, box)
  t.true(stands_still(box), 'it goes on')
  box.delete('--force')
  t.nothing_left()


def test_what_is_paused_is_not_paused_again(t):
  box = pause(t, counting(t))
  result = t.proa('pause', box.id)
  t.same((result.rc, result.err),
         (1, box.id + ': container paused already: "resume" lets it go on\n'))


def test_what_is_not_paused_is_not_resumed(t):
  box = counting(t)
  result = t.proa('resume', box.id)
  t.same((result.rc, result.err), (1, box.id + ': container not paused: it is running\n'))
  box.kill('KILL')
  box.wait_until('stopped')
  result = t.proa('resume', box.id)
  t.same((result.rc, result.err), (1, box.id + ': container not paused: it is stopped\n'))


def test_what_has_stopped_is_not_paused(t):
  box = t.box().launch().wait_until('stopped')
  result = t.proa('pause', box.id)
  t.same((result.rc, result.err), (1, box.id + ': container not running\n'))


def test_what_does_not_exist_is_neither_paused_nor_resumed(t):
  for command in ('pause', 'resume'):
    t.refused(t.proa(command, 'nobody'), 'nobody: container does not exist: looked for it in '
              '%s/state' % t.settings.directory)


def test_a_created_container_can_be_paused_and_is_not_started_then(t):
  box = t.box(args=['echo', 'begun'])
  box.create()
  pause(t, box)
  result = t.proa('start', box.id)
  t.same((result.rc, result.err),
         (1, box.id + ': cannot start a container that is paused: "resume" it first\n'))
  t.worked(t.proa('resume', box.id))
  t.same(box.status(), 'created')
  box.start()
  box.wait_for_output('begun')


def test_a_paused_container_is_running_for_start(t):
  box = pause(t, counting(t))
  result = t.proa('start', box.id)
  t.same((result.rc, result.err),
         (1, box.id + ': cannot start an already running container\n'))


def test_a_paused_container_is_deleted_by_force_alone(t):
  box = pause(t, counting(t))
  pid = box.pid()
  result = t.proa('delete', box.id)
  t.same((result.rc, result.err),
         (1, 'cannot delete container %s that is not stopped: paused: "delete --force" kills it '
             'first\n' % box.id))
  box.delete('--force')
  t.true(not alive(pid), 'it is still there')
  t.nothing_left()


def test_a_paused_container_is_killed(t):
  for words in (['KILL'], ['9'], ['--all', 'KILL']):
    box = pause(t, counting(t))
    box.kill(*words)
    box.wait_until('stopped')
    box.delete()
  t.nothing_left()


def test_a_paused_container_that_shares_the_pid_namespace_is_killed_as_a_whole(t):
  box = t.box('sleep 61 & sleep 62 & echo ready; wait').no_namespace('pid').launch()
  box.wait_for_output('ready')
  pause(t, box)
  box.kill('KILL')
  box.wait_until('stopped')
  box.delete()
  t.nothing_left()


def test_another_signal_waits_until_it_is_resumed(t):
  for words in (['USR1'], ['--all', 'USR1']):
    box = t.box('trap "echo got it" USR1; echo ready; while :; do sleep 0.05; done').launch()
    box.wait_for_output('ready')
    pause(t, box)
    box.kill(*words)
    time.sleep(0.1)
    t.same((box.written(), box.status()), ('ready\n', 'paused'))
    t.worked(t.proa('resume', box.id))
    box.wait_for_output('got it')


def test_what_others_have_frozen_is_resumed(t):
  if not t.cgroup('freezer'):
    t.skip('there is no freezer of version 1')
  box = counting(t)
  row, = [line for line in read('/proc/%d/cgroup' % box.pid()).splitlines() if ':freezer:' in line]
  watched = t.cgroup('freezer')
  name = os.path.basename(watched)
  path = watched + row.split(name, 1)[1]
  with open(path + '/freezer.state', 'w', encoding='utf-8') as file:
    file.write('FROZEN')
  t.same(box.status(), 'paused')
  t.worked(t.proa('resume', box.id))
  t.same(box.status(), 'running')


def test_a_container_without_a_cgroup_is_not_paused(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  t.worked(t.proa('--cgroup-manager', 'disabled', 'create', '--bundle', box.directory, box.id))
  result = t.proa('pause', box.id)
  t.same((result.rc, result.err),
         (1, box.id + ': the container has no cgroup of its own: it was made with --cgroup-manager '
          'disabled, or by a user to whom no cgroup is delegated\n'))


@run_as('user', 'lone')
def test_a_users_container_without_a_cgroup_is_not_paused(t):
  box = t.box(args=['sleep', '60']).launch()
  result = t.proa('pause', box.id)
  t.same(result.rc, 1)
  t.has(result.err, box.id + ': the container has no cgroup of its own: ')


def test_many_forking_processes_are_stopped_and_none_escapes_a_signal(t):
  box = t.box('trap "" TERM; for i in 1 2 3; do while :; do sleep 0.002; done & done; '
              'echo ready; wait; wait; wait').no_namespace('pid').launch()
  box.wait_for_output('ready')
  for _ in range(10):
    pause(t, box)
    pids = t.proa('ps', '--format', 'json', box.id).out
    time.sleep(0.02)
    t.same(t.proa('ps', '--format', 'json', box.id).out, pids)
    t.worked(t.proa('resume', box.id))


@time_limit(60)
def test_pause_and_resume_are_killed(t):
  box = counting(t)
  for number in range(60):
    for command in ('pause', 'resume'):
      process = t.start(command, box.id)
      time.sleep(0.0001 * number)
      process.kill()
      process.wait()
    t.true(box.status() in ('running', 'paused'), box.status())
    if box.status() == 'paused':
      t.worked(t.proa('resume', box.id))
    t.same(box.status(), 'running')
  t.true(not stands_still(box), 'it does not go on')


@time_limit(60)
def test_pause_at_the_same_time_as_delete_leaves_nothing(t):
  for number in range(15):
    box = counting(t)
    processes = [t.start('pause', box.id), t.start('delete', '--force', box.id),
                 t.start('resume', box.id), t.start('pause', box.id)]
    t.same(t.finish(processes[1]).rc, 0, 'round %d' % number)
    for process in processes:
      t.finish(process)
    t.same(t.proa('state', box.id).rc, 1)
    t.nothing_left()


@time_limit(60)
def test_kill_of_all_that_is_killed_leaves_what_resume_or_delete_can_end(t):
  box = t.box('trap "" USR1; while :; do sleep 0.01; done').launch()
  for number in range(40):
    process = t.start('kill', '--all', box.id, 'USR1')
    time.sleep(0.0001 * number)
    process.kill()
    process.wait()
    if box.status() == 'paused':
      t.worked(t.proa('resume', box.id))
    t.same(box.status(), 'running')
  box.delete('--force')
  t.nothing_left()
