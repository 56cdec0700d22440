"""update: other limits for a container that runs; that they hold, and that nothing is changed by halves."""

import json
import os
import subprocess
import time

from lib import read, time_limit, write
from test_cgroups import inside, limit


def running(t, script='exec sleep 60', **resources):
  box = t.box(script)
  box.linux['resources'] = resources
  return box.launch()


def update(t, box, *options, **more):
  return t.proa('update', *options, box.id, **more)


def is_v1(t, controller):
  return t.needs_cgroup(controller) != t.cgroup('v2')


def names(t, controller, v1, v2):
  return v1 if is_v1(t, controller) else v2


# -- what is set

def test_options_set_limits(t):
  for controller in ('memory', 'pids', 'cpu', 'cpuset'):
    t.needs_cgroup(controller)
  box = running(t, memory={'limit': 64 << 20})
  options = ('--memory', '96m', '--memory-reservation=32MiB', '--pids-limit', '30', '--cpu-share', '512',
             '--cpu-quota', '20000', '--cpu-period', '50000', '--cpuset-cpus', '0', '--cpuset-mems', '0')
  t.worked(update(t, box, *options), '')
  t.same(limit(t, box, 'memory', names(t, 'memory', 'memory.limit_in_bytes', 'memory.max')),
         str(96 << 20))
  t.same(limit(t, box, 'memory', names(t, 'memory', 'memory.soft_limit_in_bytes', 'memory.low')),
         str(32 << 20))
  t.same(limit(t, box, 'pids', 'pids.max'), '30')
  t.same(limit(t, box, 'cpuset', 'cpuset.cpus'), '0')
  if is_v1(t, 'cpu'):
    t.same(limit(t, box, 'cpu', 'cpu.shares'), '512')
    t.same(limit(t, box, 'cpu', 'cpu.cfs_quota_us'), '20000')
    t.same(limit(t, box, 'cpu', 'cpu.cfs_period_us'), '50000')
  else:
    t.same(limit(t, box, 'cpu', 'cpu.max'), '20000 50000')
    t.same(limit(t, box, 'cpu', 'cpu.weight'), '59')


def test_what_is_not_named_stays(t):
  for controller in ('pids', 'cpu'):
    t.needs_cgroup(controller)
  box = running(t, pids={'limit': 20}, cpu={'quota': 50000, 'period': 100000})
  t.worked(update(t, box, '--cpu-quota', '30000'))
  t.same(limit(t, box, 'pids', 'pids.max'), '20')
  if is_v1(t, 'cpu'):
    t.same(limit(t, box, 'cpu', 'cpu.cfs_period_us'), '100000')
  t.worked(update(t, box, '--cpu-quota', '-1', '--pids-limit', '-1'))
  t.same(limit(t, box, 'pids', 'pids.max'), 'max')


def test_resources_come_from_a_file_or_standard_input(t):
  t.needs_cgroup('pids')
  box = running(t)
  path = t.path('resources.json', json.dumps({'pids': {'limit': 11}, 'memory': {}, 'cpu': {'cpus': ''}}))
  t.worked(update(t, box, '-r', path))
  t.same(limit(t, box, 'pids', 'pids.max'), '11')
  for number, word in ((12, '--resources=-'), (13, '-')):
    words = (word,) if word.startswith('--') else ('-r', word)
    source = subprocess.Popen(['echo', '{"pids": {"limit": %d}}' % number], stdout=subprocess.PIPE)
    t.worked(update(t, box, *words, stdin=source.stdout))
    source.wait()
    source.stdout.close()
    t.same(limit(t, box, 'pids', 'pids.max'), str(number))
  t.worked(update(t, box, '-r', path, '--pids-limit', '14'))
  t.same(limit(t, box, 'pids', 'pids.max'), '14')


def test_limits_of_memory_grow_and_shrink_in_one_command(t):
  t.needs_cgroup('memory')
  box = running(t, memory={'limit': 64 << 20, 'swap': 64 << 20})
  for size in (256, 16, 128, 32, 512):
    t.worked(update(t, box, '--memory', '%dm' % size, '--memory-swap', '%dM' % (size + 8)))
    t.same(limit(t, box, 'memory', names(t, 'memory', 'memory.limit_in_bytes', 'memory.max')),
           str(size << 20))
  t.worked(update(t, box, '--memory=-1'))
  found = limit(t, box, 'memory', names(t, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'))
  t.true(found == 'max' or int(found) > 1 << 60, found)


def test_quota_and_burst_grow_and_shrink_in_one_command(t):
  name = names(t, 'cpu', 'cpu.cfs_burst_us', 'cpu.max.burst')
  box = running(t, cpu={'quota': 20000, 'period': 100000, 'burst': 10000})
  for quota in (90000, 10000, 50000, 5000):
    t.worked(update(t, box, '--cpu-quota', quota, '--cpu-burst', quota))
    t.same(limit(t, box, 'cpu', name), str(quota))
  result = update(t, box, '--cpu-quota', '4000')
  t.same((result.rc, result.err),
         (1, '%s: linux.resources.cpu: quota: 4000 is less than the burst that is set, 5000: set '
             'linux.resources.cpu.burst as well\n' % box.id))


def test_a_smaller_cpuset_goes_to_those_below_it_first(t):
  path = t.needs_cgroup('cpuset')
  if not is_v1(t, 'cpuset') or read(path + '/cpuset.cpus').strip() != '0-1':
    t.skip('it takes a cpuset of version 1 with the processors 0-1')
  box = running(t, cpu={'cpus': '0-1'})
  own = inside(t, box.pid(), 'cpuset')
  for name, cpus in (('a', '0-1'), ('b', '1'), ('a/c', '0')):
    os.mkdir('%s/%s' % (own, name))
    write('%s/%s/cpuset.cpus' % (own, name), cpus)
  t.worked(update(t, box, '--cpuset-cpus', '0'))
  found = [read('%s/%s/cpuset.cpus' % (own, name)).strip() for name in ('.', 'a', 'a/c', 'b')]
  t.same(found, ['0', '0', '0', '0'])
  t.worked(update(t, box, '--cpuset-cpus', '0-1'))
  t.same(read(own + '/cpuset.cpus').strip(), '0-1')


# -- that they hold

@time_limit(40)
def test_a_smaller_limit_of_memory_kills_who_eats_more(t):
  t.needs_cgroup('memory')
  box = running(t, 'while [ ! -e /tmp/go ]; do sleep 0.05; done; '
                   'dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo $?',
                memory={'limit': 300 << 20, 'swap': 300 << 20})
  t.worked(update(t, box, '--memory', '32m', '--memory-swap', '32m'))
  box.file('tmp/go')
  box.wait_for_output('137')


def test_a_larger_limit_of_processes_lets_it_fork_again(t):
  t.needs_cgroup('pids')
  box = running(t, 'while [ ! -e /tmp/go ]; do :; done; (true) && echo forked; exec sleep 60',
                pids={'limit': 1})
  t.worked(update(t, box, '--pids-limit', '5'))
  box.file('tmp/go')
  box.wait_for_output('forked')


@time_limit(40)
def test_a_quota_throttles_what_runs_already(t):
  t.needs_cgroup('cpu')
  box = running(t, 'while :; do :; done')
  stat = inside(t, box.pid(), 'cpu') + '/cpu.stat'

  def throttled():
    rows = dict(line.split() for line in read(stat).splitlines())
    return int(rows['nr_throttled'])
  t.same(throttled(), 0)
  t.worked(update(t, box, '--cpu-quota', '10000', '--cpu-period', '100000'))
  t.wait(lambda: throttled() >= 3, 'it is throttled')
  t.worked(update(t, box, '--cpu-quota', '-1'))
  time.sleep(0.2)
  before = throttled()
  time.sleep(0.5)
  t.true(throttled() <= before + 1, 'it is still throttled')


OPEN = ('while :; do (: </dev/zero) 2>/dev/null && echo zero || echo no-zero; '
        '(: </dev/full) 2>/dev/null && echo full || echo no-full; sleep 0.02; done')
NONE = {'allow': False, 'access': 'rwm'}
FULL = {'type': 'c', 'major': 1, 'minor': 7}


def test_devices_are_replaced(t):
  box = t.box(OPEN)
  box.linux['resources'] = {'devices': [NONE, dict(FULL, allow=False, access='rw')]}
  box.launch()
  box.wait_for_output('no-full')

  def change(*rules):
    write(t.path('rules.json'), json.dumps({'devices': rules}))
    t.worked(update(t, box, '-r', t.path('rules.json')))
    return len(box.written())
  for _ in range(3):
    start = change(NONE, dict(FULL, allow=True, access='r'))
    t.wait(lambda: '\nfull\n' in box.written()[start:], 'it may be opened')
    start = change(NONE, dict(FULL, allow=False, access='rw'))
    t.wait(lambda: 'no-full' in box.written()[start:], 'it may no longer be opened')
  # What is not said leaves them alone.
  if t.cgroup('pids'):
    t.worked(update(t, box, '--pids-limit', '50'))
  start = len(box.written())
  t.wait(lambda: box.written().count('no-full', start) > 3, 'it may not be opened, still')
  t.true('no-zero' not in box.written(), 'a device that stayed was not there for a moment')


# -- when it can be done

def test_it_works_on_created_and_paused_containers(t):
  t.needs_cgroup('pids')
  box = t.box(args=['sleep', '60'])
  box.create()
  t.worked(update(t, box, '--pids-limit', '21'))
  t.same(limit(t, box, 'pids', 'pids.max'), '21')
  box.start()
  path = inside(t, box.pid(), 'freezer' if t.cgroup('freezer') else 'v2')
  v1 = os.path.exists(path + '/freezer.state')
  write(path + ('/freezer.state' if v1 else '/cgroup.freeze'), 'FROZEN' if v1 else '1')
  t.same(box.status(), 'paused')
  t.worked(update(t, box, '--pids-limit', '22'))
  t.same(limit(t, box, 'pids', 'pids.max'), '22')
  box.delete('--force')


def test_a_container_that_has_stopped_is_refused(t):
  box = t.box(args=['true']).launch().wait_until('stopped')
  result = update(t, box, '--pids-limit', '5')
  t.same((result.rc, result.err), (1, '%s: container not running\n' % box.id))
  result = t.proa('update', '--pids-limit', '5', 'nobody')
  t.has(result.err, 'container does not exist')


def test_a_container_without_a_cgroup_is_refused(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  t.worked(t.proa('--cgroup-manager', 'disabled', 'create', '--bundle', box.directory, box.id))
  result = update(t, box, '--pids-limit', '5')
  t.same(result.err, '%s: linux.resources.pids: the container has no cgroup of its own\n' % box.id)
  box.kill('--all', 'KILL')
  box.wait_until('stopped')


# -- all or nothing

def test_nothing_is_changed_when_the_kernel_refuses_one_limit(t):
  for controller in ('memory', 'pids', 'blkio' if t.cgroup('blkio') else 'io'):
    t.needs_cgroup(controller)
  box = running(t, memory={'limit': 64 << 20}, pids={'limit': 20}, cpu={'shares': 300})
  name = names(t, 'memory', 'memory.limit_in_bytes', 'memory.max')
  write(t.path('r.json'), json.dumps({
    'memory': {'limit': 128 << 20}, 'pids': {'limit': 30}, 'cpu': {'shares': 700},
    'blockIO': {'throttleReadBpsDevice': [{'major': 4095, 'minor': 77, 'rate': 1000}]}}))
  result = update(t, box, '-r', t.path('r.json'))
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, '%s: nothing was changed: linux.resources.blockIO: throttleReadBpsDevice: write '
                    '4095:77 ' % box.id)
  t.same(limit(t, box, 'memory', name), str(64 << 20))
  t.same(limit(t, box, 'pids', 'pids.max'), '20')
  t.same(limit(t, box, 'cpu', names(t, 'cpu', 'cpu.shares', 'cpu.weight')),
         names(t, 'cpu', '300', '39'))


def test_a_limit_below_what_is_in_use_is_refused_first(t):
  t.needs_cgroup('memory')
  # what is in a tmpfs is memory
  box = running(t, 'dd if=/dev/zero of=/dev/fill bs=1M count=20 2>/dev/null; echo ready; exec sleep 60',
                pids={'limit': 20})
  box.wait_for_output('ready')
  write(t.path('r.json'), json.dumps({'pids': {'limit': 30},
                                      'memory': {'limit': 4 << 20, 'checkBeforeUpdate': True}}))
  result = update(t, box, '-r', t.path('r.json'))
  t.has(result.err, '%s: linux.resources.memory: limit: 4194304 is less than the ' % box.id)
  t.same(limit(t, box, 'pids', 'pids.max'), '20')
  t.same(box.status(), 'running')


# -- what is wrong

def expect_error(t, words, text, **more):
  result = t.proa('update', *words, **more)
  t.same((result.rc, result.out, result.err), (1, '', text + '\n'))


def test_wrong_options_are_told(t):
  for words, text in (
      (('x',), 'update: nothing is to be changed: --help shows what there is'),
      (('--memory', '12x', 'x'), '--memory: "12x" is no size: write one like 64m, or -1 for no limit'),
      (('--memory', '-2', 'x'), '--memory: "-2" is no size: write one like 64m, or -1 for no limit'),
      (('--memory-swap', '9999999p', 'x'),
       '--memory-swap: "9999999p" is no size: write one like 64m, or -1 for no limit'),
      (('--pids-limit', '5x', 'x'), '--pids-limit: "5x" is no number'),
      (('--cpu-period', '-5', 'x'), '--cpu-period: "-5" is no number from 0 on'),
      (('--blkio-weight', '70000', 'x'), '--blkio-weight: "70000" is no weight'),
      (('--pids-limit',), 'flag needs an argument: --pids-limit')):
    expect_error(t, words, text)


def test_sizes_are_written_as_docker_has_them(t):
  name = names(t, 'memory', 'memory.limit_in_bytes', 'memory.max')
  box = running(t)
  for text, size in (('67108864', 64 << 20), ('65536k', 64 << 20), ('80M', 80 << 20), ('81mb', 81 << 20),
                     ('82MiB', 82 << 20), ('0.5g', 512 << 20), ('1.25 GB', 1280 << 20), ('90m', 90 << 20),
                     ('73400320b', 70 << 20)):
    t.worked(update(t, box, '--memory', text))
    t.same(limit(t, box, 'memory', name), str(size), text)


def test_wrong_json_is_told_with_its_place(t):
  box = running(t)
  path = t.path('r.json', '{"pids": {"limit": "x"}}')
  expect_error(t, ('-r', path, box.id),
               '%s:1:20: pids.limit: expected a signed 64-bit number, found "x"' % path)
  write(path, '{"pids": {"limit": 5, "limit": 6}}')
  result = t.proa('update', '-r', path, box.id)
  t.has(result.err, '%s:1:23: ' % path)
  expect_error(t, ('-r', t.directory, box.id), '--resources: read %s: is a directory' % t.directory)
  result = t.proa('update', '-r', '-', box.id)
  t.has(result.err, 'standard input:1:')
  for resources, text in (
      ({'pids': {'limit': -5}}, 'linux.resources.pids: limit: -5 is below -1: -1 is no limit'),
      ({'unified': {'memory': '5'}}, 'linux.resources.unified["memory"]: it must be in the form '
       'CONTROLLER.PARAMETER: it is the name of a file in the cgroup, like memory.high')):
    write(path, json.dumps(resources))
    expect_error(t, ('-r', path, box.id), '%s: %s' % (box.id, text))


def test_what_no_kernel_limits_any_more_is_a_warning(t):
  box = running(t)
  result = t.proa('--log-level', 'warning', 'update', '--kernel-memory', '5m', box.id)
  t.same((result.rc, result.err), (0, 'warning: --kernel-memory changes nothing: the kernel counts that '
                                      'memory within --memory\n'))
  t.worked(t.proa('update', '--kernel-memory-tcp', '5m', box.id), '')


def test_a_share_of_the_caches_takes_a_group(t):
  box = running(t)
  expect_error(t, ('--l3-cache-schema', 'L3:0=f', box.id),
               '%s: linux.intelRdt: the container was made without a group of resctrl' % box.id)
