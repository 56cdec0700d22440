#!/usr/bin/env python3
"""linux.resources with all controllers of cgroup v2: not only that a file holds a number, but that
the kernel holds the container to it.  By the manager cgroupfs."""

import os
import signal
import subprocess
import time

import suite
from lib import alive, read, status_field, time_limit

MIB = 1 << 20


def folder(t, box):
  """The directory of the container's cgroup."""
  path = '%s/%s' % (t.settings.cgroups[0], box.id)
  t.true(os.path.isdir(path), path + ' is not there')
  return path


def setting(t, box, name):
  return read('%s/%s' % (folder(t, box), name)).strip()


def counter(t, box, file, name):
  """A line "name number" of one of the cgroup's files."""
  rows = dict(line.split() for line in setting(t, box, file).splitlines())
  return int(rows[name])


def limited(t, script, **resources):
  box = t.box(script)
  box.linux['resources'] = resources
  return box


def disk(path):
  """(major, minor) of the disk that a path is on."""
  device = os.stat(path).st_dev
  return os.major(device), os.minor(device)


def work_folder(t, box):
  """A directory on the disk, at /work in the container."""
  os.mkdir(t.path('work'))
  box.mount('/work', t.path('work'), ['bind'])
  return t.path('work')


def test_who_eats_too_much_memory_is_killed_and_counted(t):
  box = limited(t, 'dd if=/dev/zero of=/dev/null bs=200M count=1; echo $?; sleep 60',
                memory={'limit': 32 * MIB}).launch()
  box.wait_for_output('137\n')
  t.true(counter(t, box, 'memory.events', 'oom_kill') > 0, setting(t, box, 'memory.events'))
  t.same(box.status(), 'running')


def test_swap_is_what_lies_between_both_limits(t):
  box = limited(t, 'sleep 60', memory={'limit': 32 * MIB, 'swap': 48 * MIB,
                                       'reservation': 16 * MIB}).launch()
  t.same(setting(t, box, 'memory.max'), str(32 * MIB))
  t.same(setting(t, box, 'memory.swap.max'), str(16 * MIB))
  t.same(setting(t, box, 'memory.low'), str(16 * MIB))


def with_all_namespaces(t, limit, script='true', shown=True):
  """Of its own, and maybe a mount that shows its cgroup."""
  box = limited(t, script, memory={'limit': limit}).namespace('cgroup').namespace('network')
  return box.mount('/mnt', 'cgroup', ['ro'], 'cgroup') if shown else box


def least_limit(t, runtime, shown):
  """The smallest memory limit, in KiB, under which run works: by halving, of three tries each, as what is cached
  is charged to whom comes first."""
  low, high = 16, 4096
  while high - low > 4:
    middle = (low + high) // 8 * 4
    boxes = (with_all_namespaces(t, middle << 10, shown=shown) for _ in range(3))
    if any(run_with(runtime, box) for box in boxes):
      high = middle
    else:
      low = middle
  return high


def run_with(runtime, box):
  cgroup = box.test.settings.cgroups[0]
  box.linux['cgroupsPath'] = '%s/%s' % (cgroup[len('/sys/fs/cgroup'):], box.id)
  box.save()
  result = suite.run([runtime, 'run', '--bundle', box.directory, box.id])
  suite.run([runtime, 'delete', '--force', box.id])
  if os.path.isdir('%s/%s' % (cgroup, box.id)):
    os.rmdir('%s/%s' % (cgroup, box.id))
  return result.rc == 0


@time_limit(300)
def test_no_runtime_runs_with_less_memory(t):
  for shown in (False, True):
    least = {name: least_limit(t, name, shown) for name in (t.settings.runtime, 'crun', 'runc')}
    figures = ', '.join('%s %d' % (os.path.basename(name), kib) for name, kib in least.items())
    print('# the smallest memory limit for run%s, KiB: %s' % (
      ', with a cgroup mount' if shown else '', figures), flush=True)
    t.same(min(least.values()), least[t.settings.runtime], figures)


def test_a_small_container_is_in_its_cgroup_and_sees_it_as_the_root(t):
  for limit, mapped in ((900 << 10, False), (900 << 10, True), (1 << 20, False)):
    box = with_all_namespaces(t, limit, 'read -r line </proc/self/cgroup; echo $line; '
                              'read -r line </mnt/memory.max; echo $line; read -r line')
    if mapped:
      box.map_ids((0, 100000, 65536))
    process = box.begin_run(stdin=subprocess.PIPE)
    t.wait(lambda: '0::/\n%d\n' % limit == read(process.name + '.out'), 'it tells')
    t.same(setting(t, box, 'memory.max'), str(limit))
    t.has(setting(t, box, 'cgroup.procs').split(), str(box.pid()))
    process.stdin.close()
    t.finish(process)


def first_steps(box):
  """Pids of those that are about to become the box's container and are not in its cgroup."""
  found = []
  for name in os.listdir('/proc'):
    try:
      if name.isdigit() and read('/proc/%s/comm' % name) == 'proa:init\n' and \
         box.id not in read('/proc/%s/cgroup' % name) and alive(int(name)):
        found.append(name)
    except (FileNotFoundError, ProcessLookupError):
      pass
  return found


@time_limit(60)
def test_who_is_not_yet_in_a_small_cgroup_ends_with_the_runtime(t):
  box = with_all_namespaces(t, 512 << 10)
  box.save()
  tracer = t.helper(['strace', '-f', '-o', t.path('trace'), '-e', 'trace=unshare',
                     '-e', 'inject=unshare:delay_enter=3000000'] +
                    t.command(['create', '--bundle', box.directory, box.id]),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  t.wait(lambda: first_steps(box), 'init begins')
  runtime, = (name for name in read('/proc/%d/task/%d/children' % (tracer.pid, tracer.pid)).split()
              if read('/proc/%s/comm' % name) == 'proa\n')
  os.kill(int(runtime), signal.SIGKILL)
  t.same(tracer.wait(20), -signal.SIGKILL)  # it ends as what it began, when all have ended
  t.same(read(t.path('trace')).count('+++ killed by SIGKILL +++'), 2)
  box.delete('--force')
  t.nothing_left()


@time_limit(60)
def test_a_fork_bomb_stops_at_the_limit_and_can_be_deleted(t):
  box = limited(t, 'bomb() { bomb | bomb & }; while :; do bomb; sleep 0.1; done',
                pids={'limit': 30}).launch()
  t.wait(lambda: counter(t, box, 'pids.events', 'max') > 0, 'forks are refused', 20)
  t.true(int(setting(t, box, 'pids.current')) <= 30, setting(t, box, 'pids.current'))
  box.delete('--force')
  t.nothing_left()


def test_who_computes_too_much_is_throttled(t):
  box = limited(t, 'while :; do :; done', cpu={'quota': 10000, 'period': 100000}).launch()
  t.wait(lambda: counter(t, box, 'cpu.stat', 'nr_throttled') > 5, 'it is throttled')
  used, began = counter(t, box, 'cpu.stat', 'usage_usec'), time.monotonic()
  time.sleep(2)
  share = (counter(t, box, 'cpu.stat', 'usage_usec') - used) / (time.monotonic() - began) / 1e6
  t.true(share < 0.2, '%.2f of a processor, and 0.10 are allowed' % share)


def test_the_weight_and_the_idle_class_of_cpu(t):
  box = limited(t, 'sleep 60', cpu={'shares': 2048}).launch()
  t.same(setting(t, box, 'cpu.weight'), '174')
  idle = limited(t, 'sleep 60', cpu={'idle': 1}).launch()
  t.same(setting(t, idle, 'cpu.idle'), '1')


def test_a_cpuset_is_where_it_runs(t):
  if os.cpu_count() < 2:
    t.skip('there is one processor alone')
  box = limited(t, 'nproc; cat /proc/self/status', cpu={'cpus': '1', 'mems': '0'})
  out = box.output()
  t.same(out.splitlines()[0], '1')
  t.same(status_field(out, 'Cpus_allowed_list'), '1')


def test_a_processor_that_the_machine_lacks(t):
  box = limited(t, 'true', cpu={'cpus': '4000'})
  result = box.try_create()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, 'linux.resources.cpu: cpus: write 4000 to ')
  t.nothing_left()


@time_limit(60)
def test_who_writes_too_much_has_to_wait(t):
  box = limited(t, 'dd if=/dev/zero of=/work/big bs=1M count=8 oflag=direct 2>&1')
  major, minor = disk(work_folder(t, box))
  box.linux['resources'] = {'blockIO': {'throttleWriteBpsDevice': [
    {'major': major, 'minor': minor, 'rate': 2 * MIB}]}}
  began = time.monotonic()
  box.output()
  t.true(time.monotonic() - began > 2.5, '8 MiB, at 2 MiB/s, took %.1f seconds' %
         (time.monotonic() - began))


def test_all_throttles_are_in_io_max(t):
  box = limited(t, 'sleep 60')
  major, minor = disk(work_folder(t, box))
  box.linux['resources'] = {'blockIO': {
    name: [{'major': major, 'minor': minor, 'rate': rate}] for name, rate in (
      ('throttleReadBpsDevice', MIB), ('throttleWriteBpsDevice', 2 * MIB),
      ('throttleReadIOPSDevice', 300), ('throttleWriteIOPSDevice', 400))}}
  box.launch()
  t.same(setting(t, box, 'io.max'), '%d:%d rbps=1048576 wbps=2097152 riops=300 wiops=400' %
         (major, minor))


def test_a_device_may_be_read_but_not_written(t):
  box = limited(t, ': </dev/mine && echo opened; : >/dev/mine', devices=[
    {'allow': False, 'access': 'rwm'},
    {'allow': True, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'r'}])
  box.linux['devices'] = [{'path': '/dev/mine', 'type': 'c', 'major': 10, 'minor': 229}]
  result = box.run()
  t.same(result.out, 'opened\n')
  t.has(result.err, "can't create /dev/mine: Operation not permitted")


def test_huge_pages_are_limited(t):
  if 'hugetlb' not in read(t.settings.cgroups[0] + '/cgroup.controllers').split():
    t.skip('this kernel has no hugetlb controller')
  box = limited(t, 'sleep 60', hugepageLimits=[{'pageSize': '2MB', 'limit': 4 * MIB}]).launch()
  t.same(setting(t, box, 'hugetlb.2MB.max'), str(4 * MIB))
  t.same(setting(t, box, 'hugetlb.2MB.rsvd.max'), str(4 * MIB))


def test_a_container_cannot_lift_its_own_limits(t):
  box = limited(t, 'cat /sys/fs/cgroup/pids.max; echo max >/sys/fs/cgroup/pids.max; '
                   'cat /sys/fs/cgroup/pids.max', pids={'limit': 30})
  box.namespace('cgroup').mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'rw'],
                                'cgroup')
  result = box.run()
  t.same(result.out, '30\n30\n')
  t.has(result.err, 'Operation not permitted')


def test_a_container_in_its_namespace_sees_its_cgroup_as_the_root(t):
  box = limited(t, 'cat /proc/self/cgroup; ls /sys/fs/cgroup/*.max', pids={'limit': 30})
  box.namespace('cgroup').mount('/sys/fs/cgroup', 'cgroup', ['ro'], 'cgroup')
  out = box.output()
  t.has(out, '0::/\n')
  t.has(out, '/sys/fs/cgroup/memory.max\n')


def test_what_a_container_made_below_its_cgroup_goes_with_it(t):
  box = limited(t, 'mkdir -p /sys/fs/cgroup/a/b; sleep 60 & '
                   'echo $! >/sys/fs/cgroup/a/b/cgroup.procs; echo ready; wait')
  box.namespace('cgroup').mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup')
  box.launch().wait_for_output('ready\n')
  t.true(setting(t, box, 'a/b/cgroup.procs'), 'nobody is in it')
  box.delete('--force')
  t.nothing_left()


def test_below_a_cgroup_with_processes_there_are_no_limits_and_nothing_turns_threaded(t):
  caller = t.settings.cgroups[0] + '/caller'
  place = caller[len('/sys/fs/cgroup'):] + '/below'
  box = t.box('cat /proc/self/cgroup')
  box.linux['cgroupsPath'] = place
  t.same(box.output(), '0::%s\n' % place)
  box = limited(t, 'true', pids={'limit': 30})
  box.linux['cgroupsPath'] = place
  t.refused(box.try_create(), 'linux.resources.pids: the cgroup %s cannot hand on the pids '
            'controller: there are processes in it: in version 2 a cgroup has either processes or '
            'controllers for those below it' % caller)
  t.same(read(caller + '/cgroup.type'), 'domain\n')
  t.same(read(caller + '/cgroup.subtree_control'), '')


def test_pressure_and_use_can_be_read(t):
  """What engines ask for: proa hands all controllers on, limits or not."""
  box = t.box('sleep 60').launch()
  for name in ('memory.current', 'memory.stat', 'pids.current', 'cpu.stat', 'io.stat'):
    t.true(os.path.exists('%s/%s' % (folder(t, box), name)), name)


if __name__ == '__main__':
  suite.main()
