"""Where the container's cgroup is, its limits, and that it goes away."""

import os
import signal
import subprocess
import time

from lib import everyone, read, run_as, time_limit


def paths(t, pid):
  """{controller: path} of a process, in the hierarchies that can be seen."""
  rows = [line.split(':', 2) for line in read('/proc/%d/cgroup' % pid).splitlines()]
  found = {names.replace('name=', '') or 'v2': path for _, names, path in rows}
  return {name: path for name, path in found.items() if t.cgroup(name.split(',')[0])}


def inside(t, pid, controller):
  """The directory of a process's cgroup."""
  watched = t.needs_cgroup(controller)
  own = paths(t, pid).get(controller, paths(t, pid).get('v2'))
  name = os.path.basename(watched)
  return watched + own[own.index(name) + len(name):]


def limit(t, box, controller, name):
  """What a file of the container's cgroup holds."""
  return read('%s/%s' % (inside(t, box.pid(), controller), name)).strip()


def test_the_container_has_a_cgroup_of_its_own_in_every_hierarchy(t):
  box = t.box(args=['sleep', '60'])
  box.create()
  mine, its = paths(t, os.getpid()), paths(t, box.pid())
  t.true(its, 'there is none')
  for name, path in its.items():
    t.true(path != mine[name] and box.id in path, '%s: %s' % (name, path))
  box.delete()
  t.nothing_left()


def test_the_children_are_in_it(t):
  t.needs_cgroup('pids')
  box = t.box('sleep 60 & wait').launch()
  t.wait(lambda: len(limit(t, box, 'pids', 'cgroup.procs').split()) == 2, 'both are in it')


def test_limits_are_set(t):
  for controller in ('memory', 'pids', 'cpu'):
    t.needs_cgroup(controller)
  box = t.box(args=['sleep', '60'])
  box.linux['resources'] = {'memory': {'limit': 64 << 20}, 'pids': {'limit': 20},
                            'cpu': {'quota': 50000, 'period': 100000, 'shares': 512}}
  box.create()
  v1 = not t.cgroup('v2') or t.cgroup('v2') != t.cgroup('memory')
  t.same(limit(t, box, 'memory', 'memory.limit_in_bytes' if v1 else 'memory.max'), str(64 << 20))
  t.same(limit(t, box, 'pids', 'pids.max'), '20')
  if v1:
    t.same(limit(t, box, 'cpu', 'cpu.cfs_quota_us'), '50000')
    t.same(limit(t, box, 'cpu', 'cpu.shares'), '512')
  else:
    t.same(limit(t, box, 'cpu', 'cpu.max'), '50000 100000')
    t.same(limit(t, box, 'cpu', 'cpu.weight'), '59')


def test_no_limit_is_minus_one(t):
  for controller in ('memory', 'pids', 'cpu'):
    t.needs_cgroup(controller)
  box = t.box(args=['sleep', '60'])
  box.linux['resources'] = {'memory': {'limit': -1}, 'pids': {'limit': -1}, 'cpu': {'quota': -1}}
  box.create()
  t.same(limit(t, box, 'pids', 'pids.max'), 'max')


def needs_memory_of_v1(t):
  if not os.path.exists(t.needs_cgroup('memory') + '/memory.limit_in_bytes'):
    t.skip('the memory cgroup is not of version 1')


def charged(t, box):
  """KiB that the container has to pay for, without what is only lent to processors."""
  file = inside(t, box.pid(), 'memory') + '/memory.limit_in_bytes'
  for kibibytes in range(4, 1024, 4):
    for _ in range(5):
      try:
        with open(file, 'w', encoding='utf-8') as setting:
          setting.write(str(kibibytes << 10))
        return kibibytes
      except OSError:  # more than that is in use
        time.sleep(0.001)
  return 1024


def test_what_the_container_is_made_of_is_not_charged_to_it(t):
  needs_memory_of_v1(t)
  plain, mapped, hooked, own = (t.box(args=['sleep', '60']) for _ in range(4))
  mapped.map_ids((0, 100000, 65536))
  hooked.hook('createRuntime', '/bin/true')
  own.namespace('cgroup').namespace('network')
  for box in (plain, mapped, hooked, own):
    box.create()
    least = charged(t, box)
    t.true(least <= 64, '%d KiB' % least)  # with all that it is made of more than 100, or 200


def test_a_cgroup_namespace_begins_at_the_containers_cgroups(t):
  box = t.box('cat /proc/self/cgroup').namespace('cgroup')
  own = paths(t, os.getpid())
  for line in box.output().splitlines():
    _, names, path = line.split(':', 2)
    t.true((names.replace('name=', '') or 'v2') not in own or path == '/', line)


def test_a_small_limit_is_enough_for_a_container_that_waits(t):
  needs_memory_of_v1(t)
  box = t.box(args=['sleep', '60'])
  box.linux['resources'] = {'memory': {'limit': 64 << 10}}
  for _ in range(5):  # whatever is lent to processors at that time
    box.create()
    t.same(limit(t, box, 'memory', 'memory.limit_in_bytes'), str(64 << 10))
    box.delete('--force')


def test_hooks_find_the_container_in_its_cgroups(t):
  found = t.path('found')
  script = 'cat /proc/$(sed -n \'s/.*"pid": *\\([0-9]*\\).*/\\1/p\')/cgroup >' + found
  plain, small = (t.box(args=['true']).hook('createRuntime', '/bin/sh', '-c', script) for _ in range(2))
  if t.cgroup('memory'):
    small.namespace('cgroup').linux['resources'] = {'memory': {'limit': 900 << 10}}
  own = paths(t, os.getpid())
  for box in (plain, small):
    box.output()
    for line in read(found).splitlines():
      _, names, path = line.split(':', 2)
      name = names.replace('name=', '') or 'v2'
      t.true(name not in own or path.endswith(box.id), line)


def test_what_the_image_fills_a_tmpfs_with_is_charged_to_the_container(t):
  t.needs_cgroup('memory')
  box = t.box(args=['sleep', '60']).mount('/data', 'tmpfs', ['tmpcopyup'], 'tmpfs')
  box.file('data/large', 'x' * (4 << 20))
  box.create()
  v1 = not t.cgroup('v2') or t.cgroup('v2') != t.cgroup('memory')
  used = int(limit(t, box, 'memory', 'memory.usage_in_bytes' if v1 else 'memory.current'))
  t.true(used >= 4 << 20, '%d bytes' % used)
  box.delete('--force')


@time_limit(40)
def test_who_eats_too_much_memory_is_killed(t):
  t.needs_cgroup('memory')
  # dd takes a buffer of the block's size, and touches it
  box = t.box('dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo $?')
  box.linux['resources'] = {'memory': {'limit': 32 << 20}}
  t.same(box.run(seconds=30).out, '137\n')


def test_who_eats_less_is_not(t):
  t.needs_cgroup('memory')
  box = t.box('dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null; echo $?')
  box.linux['resources'] = {'memory': {'limit': 32 << 20}}
  t.same(box.output(), '0\n')


def test_who_forks_too_often_is_stopped(t):
  t.needs_cgroup('pids')
  box = t.box('for i in $(seq 40); do sleep 60 & done; echo through')
  box.linux['resources'] = {'pids': {'limit': 10}}
  box.launch()
  t.wait(lambda: "can't fork" in read(box.create_result + '.err'), 'it cannot fork')
  t.same(box.written(), '')


@time_limit(40)
def test_who_computes_too_much_has_to_wait(t):
  t.needs_cgroup('cpu')
  box = t.box('timeout 2 sh -c "while :; do :; done"; cat /proc/1/stat | cut -d" " -f16')
  box.linux['resources'] = {'cpu': {'quota': 20000, 'period': 100000}}
  begin = time.monotonic()
  ticks = int(box.run(seconds=30).out.split()[-1])
  seconds = time.monotonic() - begin
  t.true(ticks / os.sysconf('SC_CLK_TCK') < 0.5 * seconds,
         '%d ticks in %.1f seconds' % (ticks, seconds))


def test_an_absolute_path_counts_from_the_root_of_the_hierarchy(t):
  box = t.box(args=['sleep', '60'])
  base = own_base(t)
  box.linux['cgroupsPath'] = base + '/chosen'
  box.create()
  t.same(set(paths(t, box.pid()).values()), {base + '/chosen'})
  box.delete()


def own_base(t):
  """The path, in the hierarchy of pids, of the watched cgroup; it is a fine name in the others."""
  path = paths(t, os.getpid())
  return os.path.dirname(path.get('pids', path.get('v2')))


def test_a_relative_path_is_below_the_callers(t):
  box = t.box(args=['sleep', '60'])
  box.linux['cgroupsPath'] = 'somewhere'
  box.create()
  for name, path in paths(t, box.pid()).items():
    t.true(path.endswith('/somewhere') and own_base(t) in path, '%s: %s' % (name, path))


def canary(t, controllers):
  """A process in a cgroup of its own; returns it and the cgroup's name below the watched one."""
  process = subprocess.Popen(['sleep', '60'])
  t.helpers.append(process)
  for controller in controllers:
    path = t.needs_cgroup(controller) + '/occupied'
    os.mkdir(path)
    t.ready.append(lambda path=path: os.path.exists(path) and os.rmdir(path))
    with open(path + '/cgroup.procs', 'w', encoding='utf-8') as file:
      file.write(str(process.pid))
  return process


def test_a_cgroup_in_which_others_live_is_refused_and_they_live_on(t):
  process = canary(t, ['pids', 'freezer'] if t.cgroup('freezer') else ['v2'])
  box = t.box()
  box.linux['cgroupsPath'] = own_base(t) + '/occupied'
  result = box.run()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, 'linux.cgroupsPath')
  t.proa('delete', '--force', box.id)
  t.same(process.poll(), None, "the canary's end")


def test_the_callers_own_cgroup_and_those_above_are_refused(t):
  own = os.path.join(own_base(t), 'caller')
  for path in (own, own_base(t), os.path.dirname(own_base(t)), '/'):
    box = t.box()
    box.linux['cgroupsPath'] = path
    result = box.run()
    t.same((result.rc, result.err.count('\n')), (1, 1), path)
    t.has(result.err, 'linux.cgroupsPath', path)
  t.nothing_left()


def test_paths_with_dots_are_refused(t):
  for path in ('../x', '/a/../../x', 'a/..', '..', '/../../../x'):
    box = t.box()
    box.linux['cgroupsPath'] = path
    t.same(box.run().rc, 1, path)
  t.nothing_left()


def test_two_containers_with_the_same_path(t):
  first = t.box(args=['sleep', '60'])
  first.linux['cgroupsPath'] = own_base(t) + '/shared'
  first.launch()
  second = t.box()
  second.linux['cgroupsPath'] = own_base(t) + '/shared'
  t.same(second.run().rc, 1)
  t.same(first.status(), 'running')


def test_a_frozen_container_is_paused_and_can_be_deleted(t):
  box = t.box(args=['sleep', '60']).launch()
  path = inside(t, box.pid(), 'freezer' if t.cgroup('freezer') else 'v2')
  v1 = os.path.exists(path + '/freezer.state')
  with open(path + ('/freezer.state' if v1 else '/cgroup.freeze'), 'w', encoding='utf-8') as file:
    file.write('FROZEN' if v1 else '1')
  t.same(box.status(), 'paused')
  box.delete('--force')
  t.nothing_left()


def test_the_manager_disabled_leaves_the_caller_where_it_is(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  t.worked(t.proa('--cgroup-manager', 'disabled', 'create', '--bundle', box.directory, box.id))
  t.same(paths(t, box.pid()), paths(t, os.getpid()))
  box.start()
  box.kill('--all', 'KILL')
  box.wait_until('stopped')


@run_as('user', 'lone')
def test_a_user_without_a_cgroup_gets_a_container_without_one(t):
  box = t.box(args=['sleep', '60']).launch()
  t.same(read('/proc/%d/cgroup' % box.pid()), read('/proc/self/cgroup'))
  box.kill('--all', 'KILL')
  box.wait_until('stopped')


@everyone
def test_nothing_is_left_after_many_containers(t):
  for _ in range(5):
    t.box('sleep 60 & sleep 0.01').output()
  t.nothing_left()


def test_device_rules_are_enforced(t):
  box = t.box('head -c 1 /dev/zero >/dev/null && echo zero; head -c 1 /dev/mine && echo mine')
  box.linux['devices'] = [{'path': '/dev/mine', 'type': 'c', 'major': 1, 'minor': 12}]
  box.linux['resources'] = {'devices': [{'allow': False, 'access': 'rwm'}]}
  result = box.run()
  t.same(result.out, 'zero\n')
  t.has(result.err, 'Operation not permitted')


def test_killing_a_container_that_forks_leaves_nothing(t):
  box = t.box('while :; do sleep 0.001 & done').no_namespace('pid')
  if t.cgroup('pids'):
    box.linux['resources'] = {'pids': {'limit': 50}}
  box.launch()
  time.sleep(0.1)
  box.kill('--all', str(int(signal.SIGKILL)))
  box.wait_until('stopped')
  box.delete()
  t.nothing_left()
