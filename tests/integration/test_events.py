"""events."""

import json
import os
import time

from lib import read, run_as, time_limit

EAT = 'sleep 0.3; dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo $?; sleep 60'


def statistics(t, box):
  lines = t.worked(t.proa('events', '--stats', box.id)).out.splitlines()
  t.same(len(lines), 1)
  event = json.loads(lines[0])
  t.same((event['type'], event['id']), ('stats', box.id))
  return event['data']


def written(process):
  return [json.loads(line) for line in read(process.name + '.out').splitlines(keepends=True)
          if line.endswith('\n')]


def test_the_statistics_are_printed_once(t):
  box = t.box('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo ready; sleep 60').launch()
  box.wait_for_output('ready')
  data = statistics(t, box)
  if t.cgroup('cpuacct') or t.cgroup('v2'):
    usage = data['cpu']['usage']
    t.true(usage['total'] > 1000000, str(usage))
    t.true(usage['user'] + usage['kernel'] > 1000000, str(usage))
  if t.cgroup('cpuacct'):
    t.same(len(data['cpu']['usage']['percpu']), len(data['cpu']['usage']['percpu_user']))
    t.same(sum(data['cpu']['usage']['percpu']) <= data['cpu']['usage']['total'] * 1.1, True)
  if t.cgroup('memory'):
    memory = data['memory']
    t.true(0 < memory['usage']['usage'] <= memory['usage']['max'], str(memory['usage']))
    t.true('failcnt' in memory['usage'], str(memory['usage']))
    t.true('cache' in memory and len(memory['raw']) > 10, str(memory))
  if t.cgroup('pids'):
    t.same(data['pids'], {'current': 1})
  if t.cgroup('cpuset'):
    t.true(data['cpuset']['cpus'] and data['cpuset']['mems'] == [0], str(data['cpuset']))
  if t.cgroup('v2') and os.path.exists('/proc/pressure/cpu'):
    t.true(0 <= data['cpu']['psi']['some']['avg10'] <= 100, str(data['cpu']['psi']))
    t.true(data['cpu']['psi']['some']['total'] >= 0, str(data['cpu']['psi']))


def test_limits_and_throttling_are_in_them(t):
  for controller in ('memory', 'pids', 'cpu'):
    t.needs_cgroup(controller)
  box = t.box('while :; do :; done')
  box.linux['resources'] = {'memory': {'limit': 64 << 20}, 'pids': {'limit': 20},
                            'cpu': {'quota': 10000, 'period': 100000}}
  box.launch()
  t.wait(lambda: statistics(t, box)['cpu']['throttling']['throttledTime'] > 0,
         'it is throttled')
  data = statistics(t, box)
  t.same(data['memory']['usage']['limit'], 64 << 20)
  t.same(data['pids'], {'current': 1, 'limit': 20})
  throttling = data['cpu']['throttling']
  t.true(throttling['throttledPeriods'] > 0 and throttling['periods'] > 0, str(throttling))


def test_huge_pages_are_in_them(t):
  t.needs_cgroup('hugetlb')
  box = t.box(args=['sleep', '60']).launch()
  t.same(statistics(t, box)['hugetlb']['2MB'], {'usage': 0, 'failcnt': 0})


def test_the_stream_goes_on_until_the_container_ends(t):
  box = t.box(args=['sleep', '60']).launch()
  process = t.start('events', '--interval', '50ms', box.id)
  t.wait(lambda: len(written(process)) >= 4, 'there are four')
  box.kill('KILL')
  result = t.worked(t.finish(process, 5))
  events = [json.loads(line) for line in result.out.splitlines()]
  t.same({(event['type'], event['id']) for event in events}, {('stats', box.id)})


def test_the_interval_is_kept(t):
  box = t.box(args=['sleep', '60']).launch()
  process = t.start('events', '--interval=200ms', box.id)
  time.sleep(1.1)
  t.true(4 <= len(written(process)) <= 6, '%d in 1.1 s' % len(written(process)))
  process.kill()


def test_an_interval_that_is_none_is_refused(t):
  for text, why in (('5', 'is no length of time: it is written as in 5s, 500ms or 1m30s'),
                    ('0s', 'is not above 0'), ('-1s', 'is no length of time: it is written as in '
                                               '5s, 500ms or 1m30s')):
    t.refused(t.proa('events', '--interval', text, 'nobody'), '--interval: "%s" %s' % (text, why))


def test_who_no_longer_listens_ends_it(t):
  box = t.box(args=['sleep', '60']).launch()
  reader, writer = os.pipe()
  process = t.start('events', '--interval', '1h', box.id, stdout=writer)
  os.close(writer)
  t.has(os.read(reader, 65536).decode(), '"type":"stats"')
  os.close(reader)
  t.same(t.finish(process, 5).rc, 0)


@time_limit(60)
def test_an_oom_is_told(t):
  t.needs_cgroup('memory')
  box = t.box(EAT)
  box.linux['resources'] = {'memory': {'limit': 32 << 20}}
  box.launch()
  process = t.start('events', '--interval', '1h', box.id)
  t.wait(lambda: '137' in box.written(), 'its child is killed', 20)
  t.wait(lambda: {'type': 'oom', 'id': box.id} in written(process), 'it is told')
  t.same(statistics(t, box)['memory']['usage']['failcnt'] > 0, True)
  box.kill('KILL')
  t.worked(t.finish(process, 5))


@time_limit(60)
def test_the_oom_that_ends_it_is_told_too(t):
  t.needs_cgroup('memory')
  box = t.box('sleep 0.3; exec dd if=/dev/zero of=/dev/null bs=200M count=1')
  box.linux['resources'] = {'memory': {'limit': 32 << 20}}
  box.launch()
  process = t.start('events', '--interval', '1h', box.id)
  t.worked(t.finish(process, 30))
  t.same([event['type'] for event in written(process)], ['stats', 'oom'])


def test_the_end_of_the_cgroup_is_no_oom(t):
  for _ in range(5):
    box = t.box(args=['sleep', '60']).launch()
    process = t.start('events', '--interval', '1h', box.id)
    t.wait(lambda: written(process), 'it has begun')
    box.delete('--force')
    t.worked(t.finish(process, 5))
    t.same([event['type'] for event in written(process)], ['stats'])


def test_a_paused_container_has_statistics(t):
  box = t.box(args=['sleep', '60']).launch()
  t.worked(t.proa('pause', box.id))
  t.true('cpu' in statistics(t, box), 'they are empty')


def test_what_has_stopped_has_no_events(t):
  box = t.box().launch().wait_until('stopped')
  for words in (['--stats'], []):
    result = t.proa('events', *words, box.id)
    t.same((result.rc, result.err), (1, box.id + ': container not running\n'))


def test_what_does_not_exist_has_no_events(t):
  t.refused(t.proa('events', 'nobody'), 'nobody: container does not exist: looked for it in '
            '%s/state' % t.settings.directory)


@run_as('user', 'lone')
def test_without_a_cgroup_there_is_nothing_to_tell(t):
  box = t.box(args=['sleep', '60']).launch()
  result = t.proa('events', '--stats', box.id)
  t.same(result.rc, 1)
  t.has(result.err, box.id + ': the container has no cgroup of its own: ')
