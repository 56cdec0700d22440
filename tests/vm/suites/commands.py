#!/usr/bin/env python3
"""pause, resume, ps, events, kill --all and whose memory limit it was, with all controllers of cgroup v2: as
root, and as a plain user in the cgroup that systemd has delegated to him."""

import json
import os

import suite
from lib import Failure, read, time_limit

MIB = 1 << 20
COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'
EAT = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=200M', 'count=1']


def folder(t, box):
  return '%s/%s' % (t.settings.cgroups[0], box.id)


def statistics(t, box):
  return json.loads(t.worked(t.proa('events', '--stats', box.id)).out)['data']


def pids(t, box):
  return json.loads(t.worked(t.proa('ps', '--format', 'json', box.id)).out)


def lines(process):
  return [json.loads(line) for line in read(process.name + '.out').splitlines(keepends=True)
          if line.endswith('\n')]


@suite.also_as_user
def test_pause_stops_and_resume_lets_go_on(t):
  box = t.box(COUNT).launch().wait_for_output('2\n')
  t.worked(t.proa('pause', box.id), '')
  t.same((box.status(), read(folder(t, box) + '/cgroup.freeze')), ('paused', '1\n'))
  t.has(read(folder(t, box) + '/cgroup.events'), 'frozen 1\n')
  before = box.written()
  t.same(statistics(t, box)['pids']['current'], len(pids(t, box)))
  t.same(box.written(), before)
  t.worked(t.proa('resume', box.id), '')
  t.wait(lambda: box.written() != before, 'it goes on')
  t.same(box.status(), 'running')


@suite.also_as_user
def test_a_paused_container_is_killed_and_deleted(t):
  for words in (['kill', 'KILL'], ['kill', '--all', 'KILL'], ['delete', '--force']):
    box = t.box(COUNT).launch()
    t.worked(t.proa('pause', box.id))
    t.worked(t.proa(words[0], *[word for word in words[1:] if word.startswith('-')], box.id,
                    *[word for word in words[1:] if not word.startswith('-')]))
    if words[0] == 'kill':
      box.wait_until('stopped').delete()
  t.nothing_left()


@suite.also_as_user
def test_ps_lists_those_in_cgroups_below(t):
  box = t.box('sleep 61 & mkdir /sys/fs/cgroup/below && echo $! >/sys/fs/cgroup/below/cgroup.procs;'
              'echo ready; wait').namespace('cgroup')
  box.mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup').launch().wait_for_output('ready')
  t.same(len(pids(t, box)), 2)
  t.same(len(read(folder(t, box) + '/below/cgroup.procs').split()), 1)
  table = t.worked(t.proa('ps', box.id, '-o pid,comm -e')).out.splitlines()
  t.same([line.split()[-1] for line in table], ['COMMAND', 'sh', 'sleep'])


@suite.also_as_user
def test_a_signal_for_all_reaches_those_who_fork_and_go(t):
  box = t.box('c() { c & exit 0; }; trap "" TERM; '
              '(trap - TERM; c & c & c &); echo ready; while :; do sleep 0.1; wait; done')
  box.launch().wait_for_output('ready')
  # The shell blocks signals while it forks: one that was meant can have a successor all the same.
  for left in (2, 1, 0):
    box.kill('--all', 'TERM')
    try:
      t.wait(lambda: len(pids(t, box)) <= 2, 'they have ended', 3)
      break
    except Failure:
      if not left:
        raise
  box.delete('--force')
  t.nothing_left()


@suite.also_as_user
def test_the_statistics_have_all_that_the_controllers_tell(t):
  box = t.box('dd if=/dev/zero of=/tmp/file bs=1M count=8 2>/dev/null; echo ready; '
              'while :; do :; done')
  box.linux['resources'] = {'memory': {'limit': 64 * MIB, 'swap': 96 * MIB}, 'pids': {'limit': 20},
                            'cpu': {'quota': 20000, 'period': 100000}}
  box.launch().wait_for_output('ready')
  t.wait(lambda: statistics(t, box)['cpu']['throttling']['throttledTime'] > 0, 'it is throttled')
  data = statistics(t, box)
  usage = data['cpu']['usage']
  t.true(usage['total'] > 0 and usage['user'] + usage['kernel'] <= usage['total'] * 1.01, str(usage))
  t.true(data['cpu']['throttling']['throttledPeriods'] > 0, str(data['cpu']))
  t.same(data['memory']['usage']['limit'], 64 * MIB)
  t.true(data['memory']['usage']['max'] >= 8 * MIB, str(data['memory']['usage']))
  t.true(data['memory']['cache'] == data['memory']['raw']['file'] > 0, str(data['memory']))
  t.same(data['memory']['swap']['limit'] if 'swap' in data['memory'] else 96 * MIB, 96 * MIB)
  t.same(data['pids'], {'current': 1, 'limit': 20})
  if os.path.exists('/proc/pressure/cpu'):
    for name in ('cpu', 'memory', 'blkio'):
      t.same(sorted(data[name]['psi']['some']), ['avg10', 'avg300', 'avg60', 'total'])


def test_block_devices_are_in_them(t):
  box = t.box('dd if=/dev/zero of=/work/file bs=1M count=4 conv=fsync 2>/dev/null; echo ready; '
              'sleep 60')
  os.mkdir(t.path('work'))
  box.mount('/work', t.path('work'), ['bind']).launch().wait_for_output('ready')
  rows = statistics(t, box)['blkio']['ioServiceBytesRecursive']
  device = os.stat(t.path('work')).st_dev
  found = [row['value'] for row in rows
           if (row['major'], row['minor'], row['op']) == (os.major(device), os.minor(device), 'Write')]
  t.true(found and found[0] >= 4 * MIB, str(rows))


def test_processors_and_memory_nodes_are_in_them(t):
  box = t.box(args=['sleep', '60'])
  box.linux['resources'] = {'cpu': {'cpus': '1', 'mems': '0'}}
  box.launch()
  t.same(statistics(t, box)['cpuset'], {'cpus': [1], 'mems': [0]})


@suite.also_as_user
@time_limit(60)
def test_an_oom_is_told(t):
  box = t.box('sleep 0.5; %s 2>/dev/null; echo $?; sleep 60' % ' '.join(EAT))
  box.linux['resources'] = {'memory': {'limit': 32 * MIB}}
  box.launch()
  process = t.start('events', '--interval', '1h', box.id)
  t.wait(lambda: '137' in box.written(), 'its child is killed', 30)
  t.wait(lambda: {'type': 'oom', 'id': box.id} in lines(process), 'it is told')
  box.kill('KILL')
  t.worked(t.finish(process, 10))


@suite.also_as_user
@time_limit(60)
def test_an_oom_in_a_cgroup_below_is_told(t):
  box = t.box('mkdir /sys/fs/cgroup/below /sys/fs/cgroup/rest && '
              'echo 1 >/sys/fs/cgroup/rest/cgroup.procs && '
              'echo +memory >/sys/fs/cgroup/cgroup.subtree_control && '
              'echo 16M >/sys/fs/cgroup/below/memory.max && '
              'sh -c "echo 0 >/sys/fs/cgroup/below/cgroup.procs; sleep 0.5; %s" 2>/dev/null; echo $?; '
              'sleep 60' % ' '.join(EAT))
  box.namespace('cgroup').mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup').launch()
  process = t.start('events', '--interval', '1h', box.id)
  t.wait(lambda: '137' in box.written(), 'its child is killed', 30)
  t.wait(lambda: {'type': 'oom', 'id': box.id} in lines(process), 'it is told')
  box.kill('KILL')
  t.worked(t.finish(process, 10))


@suite.also_as_user
@time_limit(60)
def test_whose_limit_ended_the_program_is_told(t):
  box = t.box(args=EAT)
  box.linux['resources'] = {'memory': {'limit': 32 * MIB, 'swap': 32 * MIB}}
  result = box.run(seconds=50)
  t.same((result.rc, result.err),
         (137, '%s: container init was OOM-killed: memory limit 32 MiB of %s reached, peak 32 MiB: '
          'memory limit too low?\n' % (box.id, folder(t, box))))


@suite.also_as_user
@time_limit(60)
def test_the_limit_of_a_cgroup_above_is_named(t):
  above = t.settings.cgroups[0] + '/above'
  os.mkdir(above)
  t.ready.append(lambda: os.rmdir(above))
  with open(above + '/memory.max', 'w', encoding='utf-8') as file:
    file.write(str(24 * MIB))
  box = t.box(args=EAT)
  box.linux['cgroupsPath'] = above[len('/sys/fs/cgroup'):] + '/ctr'
  box.linux['resources'] = {'memory': {'limit': 512 * MIB}}
  result = box.run(seconds=50)
  t.same((result.rc, result.err.count('\n')), (137, 1))
  t.has(result.err, 'container init was OOM-killed: memory limit 24 MiB of %s reached' % above)


@suite.also_as_user
@time_limit(120)
def test_a_limit_that_is_far_too_low_is_told_by_create_or_start(t):
  told = 0
  for limit in (32 << 10, 64 << 10, 128 << 10, 192 << 10, 256 << 10, 512 << 10, MIB, 4 * MIB):
    box = t.box(args=['true'])
    box.linux['resources'] = {'memory': {'limit': limit}}
    result = box.try_create()
    if result.rc == 0:
      result = t.proa('start', box.id)
    if result.rc:
      t.has(result.err, 'container init was OOM-killed: memory limit %d KiB of %s reached'
            % (limit >> 10, folder(t, box)))
      t.same(result.err.count('\n'), 1)
      told += 1
    else:
      t.true(limit > 64 << 10, '%d is enough' % limit)
    box.delete('--force')
    t.nothing_left()
  t.true(0 < told < 7, '%d of 8 failed' % told)


if __name__ == '__main__':
  suite.main()
