"""linux.resources: that limits hold, and that what cannot be set is told and leaves nothing."""

import os
import time

from lib import read, time_limit, write
from test_cgroups import inside, limit, own_base


def limited(t, script, **resources):
  box = t.box(script)
  box.linux['resources'] = resources
  return box


# -- that they hold

@time_limit(40)
def test_the_killer_counts_what_it_kills(t):
  path = t.needs_cgroup('memory')
  box = limited(t, 'dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo $?; exec sleep 60',
                memory={'limit': 24 << 20, 'swap': 24 << 20}).launch()
  box.wait_for_output('137')
  name = 'memory.events' if os.path.exists(path + '/memory.events') else 'memory.oom_control'
  rows = dict(line.split() for line in limit(t, box, 'memory', name).splitlines())
  t.true(int(rows['oom_kill']) >= 1, str(rows))


def test_a_fork_bomb_ends_at_the_limit(t):
  t.needs_cgroup('pids')
  box = limited(t, 'bomb() { bomb & bomb; }; (bomb 2>/dev/null &); exec sleep 60', pids={'limit': 25})
  box.launch()
  # A shell that cannot fork ends, so the bomb may have burnt out before anybody looks: the kernel counts.
  t.wait(lambda: int(limit(t, box, 'pids', 'pids.events').split()[1]) > 0, 'the limit is reached')
  most = 0
  for _ in range(50):
    most = max(most, int(limit(t, box, 'pids', 'pids.current')))
    time.sleep(0.005)
  t.true(most <= 25, '%d processes' % most)
  box.delete('--force')
  t.nothing_left()


@time_limit(40)
def test_a_quota_is_counted_where_it_throttles(t):
  t.needs_cgroup('cpu')
  box = limited(t, 'while :; do :; done', cpu={'quota': 10000, 'period': 100000}).launch()
  stat = inside(t, box.pid(), 'cpu') + '/cpu.stat'
  t.wait(lambda: int(dict(line.split() for line in read(stat).splitlines())['nr_throttled']) > 3,
         'it is throttled')


def test_a_limit_of_no_processes_lets_the_program_run(t):
  t.needs_cgroup('pids')
  box = limited(t, 'echo one; (true) || true; echo two', pids={'limit': 0})
  result = box.run()
  t.has(result.out, 'one\n')
  t.has(result.err, "can't fork")


def test_an_idle_cgroup_is_one(t):
  path = t.needs_cgroup('cpu')
  if not os.path.exists(path + '/cpu.idle'):
    t.skip('the kernel has no cpu.idle')
  box = limited(t, 'exec sleep 60', cpu={'shares': 512, 'idle': 1}).launch()
  t.same(limit(t, box, 'cpu', 'cpu.idle'), '1')


# -- what is told before anything is made

def expect_refused(t, resources, text):
  box = limited(t, 'true', **resources)
  t.refused(box.run(), text)


def test_limits_that_contradict_each_other(t):
  for resources, text in (
      ({'memory': {'limit': -7}}, 'linux.resources.memory: limit, reservation, swap, kernel and kernelTCP '
       'cannot be below -1: -1 is no limit'),
      ({'memory': {'limit': 5 << 20, 'swap': 4 << 20}}, 'linux.resources.memory: swap: 4194304 is less '
       'than the memory limit, 5242880: swap is the sum of memory and swap'),
      ({'memory': {'limit': -1, 'swap': 5}}, 'linux.resources.memory: swap: there is no memory limit to '
       'add swap to: set linux.resources.memory.limit as well'),
      ({'cpu': {'quota': 20}}, 'linux.resources.cpu: quota: 20 is below 1000: it is a number of '
       'microseconds'),
      ({'cpu': {'quota': 5000, 'burst': 6000}}, 'linux.resources.cpu: burst: 6000 is more than the quota, '
       '5000'),
      ({'cpu': {'cpus': '0-'}}, 'linux.resources.cpu: cpus: "0-" is not a list of numbers: write one like '
       '"0-3,7"'),
      ({'pids': {'limit': -3}}, 'linux.resources.pids: limit: -3 is below -1: -1 is no limit'),
      ({'blockIO': {'weight': 9}}, 'linux.resources.blockIO: weight: 9 is not between 10 and 1000'),
      ({'hugepageLimits': [{'pageSize': '2M', 'limit': 1}]}, 'linux.resources.hugepageLimits: '
       '[0].pageSize: "2M" is not a page size: write one like 64KB, 2MB or 1GB'),
      ({'rdma': {'mlx': {}}}, 'linux.resources.rdma: mlx: neither hcaHandles nor hcaObjects is given'),
      ({'unified': {'memory/high': '1'}}, 'linux.resources.unified["memory/high"]: it must be in the form '
       'CONTROLLER.PARAMETER: it is the name of a file in the cgroup, like memory.high'),
      ({'unified': {'cgroup.procs': '1'}}, 'linux.resources.unified["cgroup.procs"]: it is not a limit: of '
       'the files of the core there are cgroup.max.depth, cgroup.max.descendants and cgroup.pressure')):
    expect_refused(t, resources, text)


def test_controllers_that_are_not_there(t):
  if t.cgroup('rdma') or t.cgroup('net_prio'):
    t.skip('they are')
  box = limited(t, 'true', rdma={'mlx': {'hcaHandles': 3}})
  result = box.run()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, 'linux.resources.rdma: ')
  t.has(result.err, 'the rdma controller')
  t.nothing_left()
  result = limited(t, 'true', network={'priorities': [{'name': 'lo', 'priority': 3}]}).run()
  t.has(result.err, 'linux.resources.network: ')
  t.nothing_left()


def test_devices_of_which_one_is_taken_out(t):
  if not t.cgroup('devices'):
    t.skip('it takes version 1')
  rules = [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'major': 1, 'access': 'rw'},
           {'allow': False, 'type': 'c', 'major': 1, 'minor': 3, 'access': 'w'}]
  expect_refused(t, {'devices': rules},
                 'linux.resources.devices: "c 1:3 w" cannot be taken out of "c 1:* rw": version 1 of '
                 'cgroups has no means for it')


# -- unified

def test_files_are_written_by_their_names(t):
  path = t.needs_cgroup('v2')
  if not os.path.exists(path + '/hugetlb.2MB.max'):
    t.skip('version 2 has no hugetlb')
  box = limited(t, 'exec sleep 60', unified={'hugetlb.2MB.max': '4194304', 'cgroup.max.depth': '3'},
                hugepageLimits=[{'pageSize': '2MB', 'limit': 2 << 20}]).launch()
  t.same(limit(t, box, 'v2', 'hugetlb.2MB.max'), '4194304')
  t.same(limit(t, box, 'v2', 'hugetlb.2MB.rsvd.max'), '2097152')
  t.same(limit(t, box, 'v2', 'cgroup.max.depth'), '3')
  result = limited(t, 'true', unified={'nonsense.max': '1'}).run()
  t.has(result.err, 'linux.resources.unified["nonsense.max"]: ')
  t.has(result.err, 'lacks the nonsense controller')
  t.same(result.err.count('\n'), 1)


# -- parents

def test_a_cgroup_below_a_frozen_one_is_refused(t):
  path = t.needs_cgroup('freezer' if t.cgroup('freezer') else 'v2') + '/frozen'
  name, words = ('freezer.state', ('FROZEN', 'THAWED')) if t.cgroup('freezer') else \
                ('cgroup.freeze', ('1', '0'))
  os.mkdir(path)
  t.ready.append(lambda: os.path.exists(path) and os.rmdir(path))
  write('%s/%s' % (path, name), words[0])
  box = t.box(args=['true'])
  box.linux['cgroupsPath'] = own_base(t) + '/frozen/below'
  result = box.run()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, "container's cgroup unexpectedly frozen: ")
  t.has(result.err, '/frozen/below: a cgroup above it is frozen\n')
  t.same(sorted(os.listdir(path)), sorted(name for name in os.listdir(path) if name != 'below'))
  box.linux['cgroupsPath'] = own_base(t) + '/frozen'
  t.has(box.run().err, 'choose another linux.cgroupsPath, or thaw it')
  write('%s/%s' % (path, name), words[1])


# -- delegation

def test_names_for_a_delegated_cgroup(t):
  for name in ('..', 'a/b', '.'):
    box = t.box(args=['true'])
    box.config['annotations'] = {'run.oci.delegate-cgroup': name}
    t.refused(box.run(), 'annotations["run.oci.delegate-cgroup"]: "%s" is no name of a cgroup' % name)


def test_only_version_2_is_delegated(t):
  if t.cgroup('freezer'):
    box = t.box(args=['true'])
    box.config['annotations'] = {'run.oci.delegate-cgroup': 'inner'}
    t.refused(box.run(), 'annotations["run.oci.delegate-cgroup"]: only version 2 of cgroups can be '
                         'delegated')
  else:
    t.skip('version 2 alone is mounted')


def test_a_delegated_cgroup_belongs_to_the_containers_root(t):
  if t.cgroup('freezer') or not t.cgroup('v2'):
    t.skip('it takes version 2 alone')
  box = t.box('cat /proc/self/cgroup; mkdir /sys/fs/cgroup/mine && echo $$ >/sys/fs/cgroup/mine/cgroup.procs && '
              'cat /proc/self/cgroup; exec sleep 60')
  box.map_ids((0, 100000, 65536)).namespace('cgroup')
  box.mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev'], 'cgroup')
  box.config['annotations'] = {'run.oci.delegate-cgroup': 'inner'}
  os.system('chown -R 100000:100000 %s' % box.rootfs)
  box.launch()
  box.wait_for_output('/mine')
  t.same([line for line in box.written().splitlines() if '::' in line], ['0::/', '0::/mine'])
  inner = read('/proc/%d/cgroup' % box.pid()).strip().split('0::')[1]
  t.true(inner.endswith('/inner/mine'), inner)
  box.delete('--force')
  t.nothing_left()
