"""config-linux.md, the limits of Control groups: what the kernel's files say afterwards."""

import os

from kit import MUST, clause, read

MEMORY, CPU = 'config-linux.md, Memory', 'config-linux.md, CPU'
BLOCK, HUGE = 'config-linux.md, Block IO', 'config-linux.md, Huge page limits'
PIDS, OTHER = 'config-linux.md, PIDs', 'config-linux.md, '
MIB = 1024 * 1024
WEIGHTS = {'blkio.weight': '500', 'blkio.bfq.weight': '500', 'io.weight': 'default 4950',
           'io.bfq.weight': 'default 500'}  # of 500


def limited(t, controller, resources):
  """A container that runs with these resources, and its cgroup's directory in that hierarchy."""
  box = t.box('sleep 100')
  box.linux['resources'] = resources
  folder = box.cgroup(controller)
  return box, folder


def expect(t, controller, resources, v1, v2):
  """v1 and v2: {file: its content}."""
  box, folder = limited(t, controller, resources)
  modern = os.path.exists(os.path.dirname(folder) + '/cgroup.controllers')
  files = v2 if modern else v1
  if files is None:
    t.skip('version %d of cgroups has no such limit' % (2 if modern else 1))
  for name in files:
    if not os.path.exists('%s/%s' % (os.path.dirname(folder), name)):
      t.skip('the kernel has no %s' % name)
  box.launch()
  for name, content in files.items():
    lines = [line.strip() for line in read('%s/%s' % (folder, name)).splitlines()]
    t.has(lines, content, name)


def refuse(t, controller, resources):
  box, _ = limited(t, controller, resources)
  box.refused()


# -- memory

@clause(MEMORY, MUST, 'limit is set')
def memory_limit(t):
  expect(t, 'memory', {'memory': {'limit': 64 * MIB}},
         {'memory.limit_in_bytes': str(64 * MIB)}, {'memory.max': str(64 * MIB)})


@clause(MEMORY, MUST, 'a limit of -1 is none')
def memory_unlimited(t):
  expect(t, 'memory', {'memory': {'limit': -1}}, {'memory.limit_in_bytes': '9223372036854771712'},
         {'memory.max': 'max'})


@clause(MEMORY, MUST, 'reservation is set')
def memory_reservation(t):
  expect(t, 'memory', {'memory': {'limit': 64 * MIB, 'reservation': 32 * MIB}},
         {'memory.soft_limit_in_bytes': str(32 * MIB)}, {'memory.low': str(32 * MIB)})


@clause(MEMORY, MUST, 'swap is the limit of memory and swap together')
def memory_swap(t):
  expect(t, 'memory', {'memory': {'limit': 64 * MIB, 'swap': 96 * MIB}},
         {'memory.memsw.limit_in_bytes': str(96 * MIB)}, {'memory.swap.max': str(32 * MIB)})


@clause(MEMORY, MUST, 'swappiness is set')
def memory_swappiness(t):
  expect(t, 'memory', {'memory': {'swappiness': 33}}, {'memory.swappiness': '33'}, None)


@clause(MEMORY, MUST, 'disableOOMKiller is set')
def memory_oom(t):
  expect(t, 'memory', {'memory': {'limit': 64 * MIB, 'disableOOMKiller': True}},
         {'memory.oom_control': 'oom_kill_disable 1'}, None)


@clause(MEMORY, MUST, 'kernelTCP is set')
def memory_tcp(t):
  expect(t, 'memory', {'memory': {'kernelTCP': 16 * MIB}},
         {'memory.kmem.tcp.limit_in_bytes': str(16 * MIB)}, None)


@clause(MEMORY, MUST, 'the container is held to its limit')
def memory_effect(t):
  box, _ = limited(t, 'memory', {'memory': {'limit': 16 * MIB, 'swap': 16 * MIB}})
  box.process['args'] = ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null']
  box.launch()
  box.wait()
  t.true(box.exit_status != 0, 'it took 64 MiB and went well')


@clause('config.md, Valid values', MUST, 'a memory limit below -1 is an error')
def memory_invalid(t):
  refuse(t, 'memory', {'memory': {'limit': -7}})


@clause('config.md, Valid values', MUST, 'a swap limit below the memory limit is an error')
def swap_invalid(t):
  refuse(t, 'memory', {'memory': {'limit': 64 * MIB, 'swap': 32 * MIB}})


@clause('config.md, Valid values', MUST, 'a swappiness above 100 is an error')
def swappiness_invalid(t):
  refuse(t, 'memory', {'memory': {'swappiness': 101 + 100}})


# -- cpu

@clause(CPU, MUST, 'shares are set')
def cpu_shares(t):
  expect(t, 'cpu', {'cpu': {'shares': 512}}, {'cpu.shares': '512'}, {'cpu.weight': '59'})


@clause(CPU, MUST, 'quota and period are set')
def cpu_quota(t):
  expect(t, 'cpu', {'cpu': {'quota': 20000, 'period': 50000}},
         {'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '50000'}, {'cpu.max': '20000 50000'})


@clause(CPU, MUST, 'a quota without period is set')
def cpu_quota_alone(t):
  expect(t, 'cpu', {'cpu': {'quota': 30000}}, {'cpu.cfs_quota_us': '30000'},
         {'cpu.max': '30000 100000'})


@clause(CPU, MUST, 'a period without quota is set')
def cpu_period_alone(t):
  expect(t, 'cpu', {'cpu': {'period': 200000}}, {'cpu.cfs_period_us': '200000'},
         {'cpu.max': 'max 200000'})


@clause(CPU, MUST, 'burst is set')
def cpu_burst(t):
  expect(t, 'cpu', {'cpu': {'quota': 50000, 'period': 100000, 'burst': 20000}},
         {'cpu.cfs_burst_us': '20000'}, {'cpu.max.burst': '20000'})


@clause(CPU, MUST, 'idle is set')
def cpu_idle(t):
  expect(t, 'cpu', {'cpu': {'idle': 1}}, {'cpu.idle': '1'}, {'cpu.idle': '1'})


@clause(CPU, MUST, 'realtimePeriod and realtimeRuntime are set')
def cpu_realtime(t):
  expect(t, 'cpu', {'cpu': {'realtimePeriod': 500000, 'realtimeRuntime': 0}},
         {'cpu.rt_period_us': '500000', 'cpu.rt_runtime_us': '0'}, None)


@clause(CPU, MUST, 'cpus are set')
def cpu_cpus(t):
  expect(t, 'cpuset', {'cpu': {'cpus': '0'}}, {'cpuset.cpus': '0'}, {'cpuset.cpus': '0'})


@clause(CPU, MUST, 'the program is on the cpus alone')
def cpu_cpus_effect(t):
  box, _ = limited(t, 'cpuset', {'cpu': {'cpus': '0'}})
  box.launch()
  t.same(os.sched_getaffinity(box.pid()), {0})


@clause(CPU, MUST, 'mems are set')
def cpu_mems(t):
  expect(t, 'cpuset', {'cpu': {'mems': '0'}}, {'cpuset.mems': '0'}, {'cpuset.mems': '0'})


@clause('config.md, Valid values', MUST, 'cpus that the machine lacks, or are no list, are an error: {}',
        ['4000-4001', 'x', '1-'])
def cpus_invalid(t, cpus):
  refuse(t, 'cpuset', {'cpu': {'cpus': cpus}})


@clause('config.md, Valid values', MUST, 'a period that the kernel refuses is an error')
def period_invalid(t):
  refuse(t, 'cpu', {'cpu': {'quota': 1000, 'period': 1}})


# -- pids

@clause(PIDS, MUST, 'a limit of {} is set', ['1', '20', '32771'])
def pids_limit(t, limit):
  expect(t, 'pids', {'pids': {'limit': int(limit)}}, {'pids.max': limit}, {'pids.max': limit})


@clause(PIDS, MUST, 'a limit of -1 is none')
def pids_unlimited(t):
  expect(t, 'pids', {'pids': {'limit': -1}}, {'pids.max': 'max'}, {'pids.max': 'max'})


@clause(PIDS, MUST, 'the container is held to its limit')
def pids_effect(t):
  box, _ = limited(t, 'pids', {'pids': {'limit': 3}})
  box.process['args'] = ['sh', '-c',
                         'sleep 5 & sleep 5 & sleep 5 & sleep 5 & sleep 5 & echo unlimited']
  box.launch().wait()
  t.lacks(box.written(), 'unlimited')


@clause(PIDS, MUST, 'without pids the number is the hierarchy\'s')
def pids_absent(t):
  expect(t, 'pids', {}, {'pids.max': 'max'}, {'pids.max': 'max'})


# -- block I/O

def block_device():
  for name in sorted(os.listdir('/sys/block')):
    if not name.startswith(('loop', 'ram', 'zram', 'sr')):
      number = read('/sys/block/%s/dev' % name).strip()
      return tuple(map(int, number.split(':')))
  return None


@clause(BLOCK, MUST, '{} is set', [
  ('throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'),
  ('throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'),
  ('throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'),
  ('throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops')])
def throttle(t, key, v1, v2):
  device = block_device()
  if not device:
    t.skip('there is no disk')
  resources = {'blockIO': {key: [{'major': device[0], 'minor': device[1], 'rate': 1048576}]}}
  number = '%d:%d' % device
  others = {'rbps': 'max', 'wbps': 'max', 'riops': 'max', 'wiops': 'max', v2: '1048576'}
  controller = 'blkio' if t.cgroup_folder('/', 'blkio') else 'io'
  expect(t, controller, resources, {v1: number + ' 1048576'}, {
    'io.max': number + ' ' + ' '.join('%s=%s' % pair for pair in others.items())})


@clause(BLOCK, MUST, 'weight is set')
def weight(t):
  controller = 'blkio' if t.cgroup_folder('/', 'blkio') else 'io'
  box, folder = limited(t, controller, {'blockIO': {'weight': 500}})
  # Each scheduler of the kernel has its file, and one of them is enough.
  files = {name: content for name, content in WEIGHTS.items()
           if os.path.exists('%s/%s' % (os.path.dirname(folder), name))}
  if not files:
    t.skip('the kernel has no weights')
  box.launch()
  found = {name: read('%s/%s' % (folder, name)).splitlines() for name in files}
  t.true(any(content in found[name] for name, content in files.items()), str(found))


# -- huge pages

@clause(HUGE, MUST, 'the limit of each page size is set')
def huge_pages(t):
  folder = t.cgroup_folder('/' + t.settings['name'], 'hugetlb')
  if not folder:
    t.skip('there is no cgroup hierarchy with the controller hugetlb')
  expect(t, 'hugetlb', {'hugepageLimits': [{'pageSize': '2MB', 'limit': 8 * MIB}]},
         {'hugetlb.2MB.limit_in_bytes': str(8 * MIB)}, {'hugetlb.2MB.max': str(8 * MIB)})


@clause(HUGE, MUST, 'a page size of "{}" is an error', ['3MB', '2', 'MB', '../2MB'])
def huge_pages_invalid(t, size):
  refuse(t, 'hugetlb', {'hugepageLimits': [{'pageSize': size, 'limit': 8 * MIB}]})


# -- network, rdma, unified

@clause(OTHER + 'Network', MUST, 'classID is set')
def class_id(t):
  expect(t, 'net_cls', {'network': {'classID': 1048577}}, {'net_cls.classid': '1048577'}, None)


@clause(OTHER + 'Network', MUST, 'priorities are set')
def priorities(t):
  expect(t, 'net_prio', {'network': {'priorities': [{'name': 'lo', 'priority': 5}]}},
         {'net_prio.ifpriomap': 'lo 5'}, None)


@clause(OTHER + 'RDMA', MUST, 'hcaHandles and hcaObjects are set')
def rdma(t):
  devices = os.listdir('/sys/class/infiniband') if os.path.isdir('/sys/class/infiniband') else []
  if not devices:
    t.skip('there is no RDMA device')
  limit = {'rdma.max': '%s hca_handle=3 hca_object=100' % devices[0]}
  expect(t, 'rdma', {'rdma': {devices[0]: {'hcaHandles': 3, 'hcaObjects': 100}}}, limit, limit)


def unified_only(t):
  if not os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
    t.skip('unified is for version 2 alone')


@clause(OTHER + 'Unified', MUST, 'a file of the cgroup gets its content')
def unified(t):
  unified_only(t)
  box = t.box('sleep 100')
  name = 'cgroup.max.descendants'
  box.linux['resources'] = {'unified': {name: '17'}}
  box.launch()
  t.same(read('/sys/fs/cgroup%s/%s' % (box.linux['cgroupsPath'], name)).strip(), '17')


@clause(OTHER + 'Unified', MUST, 'a controller that is not there is an error')
def unified_unavailable(t):
  unified_only(t)
  box = t.box('true')
  box.linux['resources'] = {'unified': {'nosuch.max': '17'}}
  box.refused()


@clause(OTHER + 'Unified', MUST, 'a name that is a path is an error')
def unified_path(t):
  unified_only(t)
  box = t.box('true')
  box.linux['resources'] = {'unified': {'../cgroup.max.depth': '17'}}
  box.refused()


@clause(OTHER + 'Control groups', MUST, 'a limit whose controller is not there is an error')
def unavailable(t):
  if t.cgroup_folder('/', 'net_cls'):
    t.skip('there is net_cls')
  box = t.box('true')
  box.linux['resources'] = {'network': {'classID': 1048577}}
  box.refused()
