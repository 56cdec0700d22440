"""ps."""

import json
import os
import shutil

from lib import also_as_user, everyone, run_as

PS = shutil.which('ps')


def sleeping(t, **more):
  return t.box('sleep 61 & sleep 62 & echo ready; wait', **more)


def pids(t, box):
  return json.loads(t.worked(t.proa('ps', '--format', 'json', box.id)).out)


def table(t, box, *words):
  if not PS:
    t.skip('there is no ps on this machine')
  return t.worked(t.proa('ps', *words)).out.splitlines()


@everyone
def test_json_is_an_array_of_all_pids(t):
  box = sleeping(t).launch().wait_for_output('ready')
  found = pids(t, box)
  t.same(len(found), 3)
  t.true(box.pid() in found, 'its first process is missing')
  t.same(found, sorted(found))


def test_processes_in_cgroups_below_are_listed_too(t):
  box = t.box('for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/below; sleep 60 & '
              'echo $! >$d/below/cgroup.procs; done 2>/dev/null; echo ready; wait')
  box.mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup').namespace('cgroup').launch()
  box.wait_for_output('ready')
  found = pids(t, box)
  below = [pid for pid in found
           if '/below' in open('/proc/%d/cgroup' % pid, encoding='utf-8').read()]
  t.true(below, 'there is none')
  t.true(len(found) > len(below), '%s of %s' % (below, found))


@also_as_user
def test_the_table_has_the_hosts_columns_and_the_containers_lines(t):
  box = sleeping(t).launch().wait_for_output('ready')
  found = pids(t, box)
  lines = table(t, box, box.id)
  t.same(lines[0].split(), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
  t.same(sorted(int(line.split()[1]) for line in lines[1:]), found)


def test_what_stands_behind_the_id_is_for_ps(t):
  box = sleeping(t).launch().wait_for_output('ready')
  found = pids(t, box)
  for words in (['-e', '-o', 'pid,comm'], ['-e -o pid,comm'], ['-eo', 'pid,comm']):
    lines = table(t, box, box.id, *words)
    t.same(lines[0].split(), ['PID', 'COMMAND'])
    t.same(sorted(int(line.split()[0]) for line in lines[1:]), found)
  lines = table(t, box, '--format', 'table', box.id, 'aux')
  t.same(sorted(int(line.split()[1]) for line in lines[1:]), found)
  lines = table(t, box, '-f', 'table', box.id, '-f', '-A')
  t.same(sorted(int(line.split()[1]) for line in lines[1:]), found)


def test_it_works_with_an_empty_environment(t):
  if not PS:
    t.skip('there is no ps on this machine')
  box = sleeping(t).launch().wait_for_output('ready')
  for env in ({}, {'PATH': ''}):
    lines = t.worked(t.proa('ps', box.id, env=env)).out.splitlines()
    t.same(len(lines), 4)


def test_a_table_without_pids_is_refused(t):
  if not PS:
    t.skip('there is no ps on this machine')
  box = sleeping(t).launch().wait_for_output('ready')
  result = t.proa('ps', box.id, '-e', '-o', 'comm')
  t.same((result.rc, result.out, result.err),
         (1, '', box.id + ': the output of ps has no column PID: add it to the format, as in '
          '"-o pid,comm"\n'))


def test_what_ps_does_not_know_is_told(t):
  if not PS:
    t.skip('there is no ps on this machine')
  box = sleeping(t).launch().wait_for_output('ready')
  result = t.proa('ps', box.id, '-e', '-o', 'pid,nonsense')
  t.same((result.rc, result.out, result.err.count('\n')), (1, '', 1))
  t.has(result.err, box.id + ': ps: exit status 1: it said: error: unknown user-defined format')


def test_without_a_ps_that_is_told(t):
  box = sleeping(t).launch().wait_for_output('ready')
  result = t.proa('ps', box.id, env={'PATH': '/nowhere'})
  t.same((result.rc, result.err),
         (1, box.id + ': there is no program ps in /nowhere: install procps; --format json does '
          'without it\n'))


def test_a_stopped_container_has_no_processes(t):
  box = t.box().launch().wait_until('stopped')
  t.same(pids(t, box), [])
  t.same(len(table(t, box, box.id)), 1)


def test_what_a_stopped_container_has_left_is_listed(t):
  box = t.box('sleep 61 & exit 0').no_namespace('pid').launch().wait_until('stopped')
  t.same(len(pids(t, box)), 1)
  box.kill('KILL')
  t.wait(lambda: pids(t, box) == [], 'it ends')
  result = t.proa('kill', box.id, 'KILL')
  t.same((result.rc, result.err), (1, box.id + ': container not running\n'))


def test_an_unknown_format_is_refused(t):
  box = sleeping(t).launch()
  result = t.proa('ps', '--format', 'xml', box.id)
  t.same((result.rc, result.err), (1, 'unknown format "xml": it is table or json\n'))


def test_what_does_not_exist_has_no_processes(t):
  t.refused(t.proa('ps', 'nobody'), 'nobody: container does not exist: looked for it in %s/state'
            % t.settings.directory)


def test_without_a_cgroup_the_pid_namespace_tells(t):
  box = sleeping(t)
  box.save()
  t.worked(t.proa('--cgroup-manager', 'disabled', 'run', '-d', '--bundle', box.directory, box.id))
  t.wait(lambda: len(pids(t, box)) == 3, 'all three are listed')
  t.true(os.getpid() not in pids(t, box), 'the caller is listed')


@run_as('user', 'lone')
def test_a_users_container_without_a_cgroup_shows_a_table_too(t):
  box = sleeping(t).launch().wait_for_output('ready')
  t.same(len(table(t, box, box.id)), 4)


def test_without_a_cgroup_and_a_pid_namespace_nobody_can_tell(t):
  box = sleeping(t).no_namespace('pid')
  box.save()
  t.worked(t.proa('--cgroup-manager', 'disabled', 'create', '--bundle', box.directory, box.id))
  result = t.proa('ps', box.id)
  t.same((result.rc, result.err),
         (1, box.id + ': the container has no cgroup of its own: it was made with --cgroup-manager '
          'disabled, or by a user to whom no cgroup is delegated\n'))
  t.worked(t.proa('kill', box.id, 'KILL'))
