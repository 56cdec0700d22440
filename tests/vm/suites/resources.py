#!/usr/bin/env python3
"""linux.resources and update with all controllers of cgroup v2: what is written for each property, that all is
set back when one limit is refused, files named by unified, device programs, who owns a cgroup, and parents
that cannot be one.  That each kind of limit holds is in limits.py."""

import json
import os
import subprocess

import suite
from lib import read, time_limit, write

MIB = 1 << 20
NONE = {'allow': False, 'access': 'rwm'}
FULL = {'type': 'c', 'major': 1, 'minor': 7}


def own(t):
  return t.settings.cgroups[0]


def setting(t, box, name):
  return read('%s/%s/%s' % (own(t), box.id, name)).strip()


def exists(t, box, name):
  return os.path.exists('%s/%s/%s' % (own(t), box.id, name))


def limited(t, script='exec sleep 100', **resources):
  box = t.box(script)
  box.linux['resources'] = resources
  return box


def update(t, box, resources):
  write(t.path('resources.json'), json.dumps(resources))
  return t.proa('update', '-r', t.path('resources.json'), box.id)


def disk():
  """(major, minor) of the disk."""
  device = os.stat('/var/tmp').st_dev
  return os.major(device), os.minor(device)


def refused(t, box, *parts):
  """It is refused in one line that has these parts, and leaves nothing."""
  result = box.run()
  t.same((result.rc, result.err.count('\n')), (1, 1), str(result))
  for part in parts:
    t.has(result.err, part)
  t.nothing_left()


# -- what is written

def test_each_property_has_its_file(t):
  major, minor = disk()
  box = limited(t, memory={'limit': 64 * MIB, 'swap': 96 * MIB, 'reservation': 16 * MIB, 'useHierarchy': True},
                cpu={'shares': 10240, 'quota': 30000, 'period': 60000, 'burst': 10000, 'cpus': '0', 'mems': '0'},
                pids={'limit': 33}, rdma={},
                blockIO={'throttleWriteIOPSDevice': [{'major': major, 'minor': minor, 'rate': 7000}]}).launch()
  for name, text in (('memory.max', str(64 * MIB)), ('memory.swap.max', str(32 * MIB)),
                     ('memory.low', str(16 * MIB)), ('cpu.weight', '639'), ('cpu.max', '30000 60000'),
                     ('cpu.max.burst', '10000'), ('cpuset.cpus', '0'), ('cpuset.mems', '0'), ('pids.max', '33'),
                     ('io.max', '%d:%d rbps=max wbps=max riops=max wiops=7000' % (major, minor))):
    t.same(setting(t, box, name), text, name)


def scheduler(t, name):
  """Has the disk scheduled by this, for as long as the test takes; False if the kernel cannot."""
  folder = os.path.realpath('/sys/dev/block/%d:%d' % disk())
  path = (folder if os.path.exists(folder + '/queue') else os.path.dirname(folder)) + '/queue/scheduler'
  before = read(path).split('[')[1].split(']')[0]
  t.ready.append(lambda: write(path, before))
  try:
    write(path, name)
  except OSError:
    return False
  return True


def test_weights_of_block_devices(t):
  major, minor = disk()
  box = limited(t, blockIO={'weight': 500, 'weightDevice': [{'major': major, 'minor': minor, 'weight': 1000}]})
  probe = limited(t).launch()
  if not exists(t, probe, 'io.bfq.weight') or not scheduler(t, 'bfq'):
    t.skip('the kernel has no bfq')
  box.launch()
  t.same(setting(t, box, 'io.bfq.weight').splitlines(), ['default 500', '%d:%d 1000' % (major, minor)])
  t.has(update(t, box, {'blockIO': {'weight': 300, 'weightDevice': [
    {'major': major, 'minor': minor, 'weight': 20}]}, 'unified': {'memory.max': 'x'}}).err, 'nothing was changed')
  t.same(setting(t, box, 'io.bfq.weight').splitlines(), ['default 500', '%d:%d 1000' % (major, minor)])


def test_a_device_without_weights(t):
  major, minor = disk()
  if not scheduler(t, 'none'):
    t.skip('the disk is scheduled by bfq alone')
  refused(t, limited(t, 'true', blockIO={'weightDevice': [{'major': major, 'minor': minor, 'weight': 100}]}),
          'linux.resources.blockIO: weightDevice[0]: weight: ')


def test_what_only_version_1_has_is_refused_before_anything_is_made(t):
  for resources, text in (
      ({'memory': {'swappiness': 10}}, 'memory: swappiness: cgroup version 2 cannot do this'),
      ({'memory': {'disableOOMKiller': True}}, 'memory: disableOOMKiller: cgroup version 2 cannot do this'),
      ({'memory': {'useHierarchy': False}}, 'memory: useHierarchy: false: cgroup version 2 cannot do this'),
      ({'cpu': {'realtimeRuntime': 5000}},
       'cpu: realtimeRuntime and realtimePeriod: cgroup version 2 cannot do this'),
      ({'blockIO': {'leafWeight': 100}}, 'blockIO: leafWeight: cgroup version 2 cannot do this'),
      ({'network': {'classID': 5}}, 'network: classID: cgroup version 2 cannot do this'),
      ({'network': {'priorities': [{'name': 'lo', 'priority': 1}]}},
       'network: priorities: cgroup version 2 cannot do this')):
    t.refused(limited(t, 'true', **resources).run(), 'linux.resources.' + text)


def test_kernel_memory_is_a_warning(t):
  box = limited(t, 'true', memory={'limit': 64 * MIB, 'kernel': 5 * MIB})
  box.save()
  result = t.proa('--log-level', 'warning', 'run', '--bundle', box.directory, box.id)
  t.same((result.rc, result.err), (0, 'warning: linux.resources.memory.kernel is not applied: the kernel '
                                      'counts that memory within limit\n'))


def test_rdma_goes_to_its_controller(t):
  """There is no device: the kernel says so."""
  refused(t, limited(t, rdma={'mlx5_0': {'hcaHandles': 3, 'hcaObjects': 100}}),
          'linux.resources.rdma: mlx5_0: write mlx5_0 hca_handle=3 hca_object=100 to ')


# -- unified

def test_unified_is_written_last_and_wins(t):
  major, minor = disk()
  text = '%d:%d rbps=1048576\n%d:%d wiops=77\n' % (major, minor, major, minor)
  box = limited(t, cpu={'shares': 1024}, pids={'limit': 5}, unified={
    'cpu.weight': '42', 'memory.high': '%d' % (40 * MIB), 'pids.max': '66', 'io.max': text,
    'cgroup.max.descendants': '9', 'memory.oom.group': '1', 'cpuset.cpus': '0'}).launch()
  for name, value in (('cpu.weight', '42'), ('memory.high', str(40 * MIB)), ('pids.max', '66'),
                      ('io.max', '%d:%d rbps=1048576 wbps=max riops=max wiops=77' % (major, minor)),
                      ('cgroup.max.descendants', '9'), ('memory.oom.group', '1'), ('cpuset.cpus', '0')):
    t.same(setting(t, box, name), value, name)
  t.worked(update(t, box, {'unified': {'memory.high': 'max', 'cpuset.cpus': ''}}))
  t.same(setting(t, box, 'memory.high'), 'max')
  t.same(setting(t, box, 'cpuset.cpus'), '')
  t.same(setting(t, box, 'pids.max'), '66')


def test_unified_that_cannot_be(t):
  for key, value, text in (('memory.nonsense', '1', 'the kernel has no such file in '),
                           ('nonsense.max', '1', 'lacks the nonsense controller'),
                           ('cgroup.kill', '1', 'it is not a limit'),
                           ('memory.high', '', 'the value is empty'),
                           ('memory.high', 'lots', 'value: write lots to ')):
    refused(t, limited(t, 'true', unified={key: value}), 'linux.resources.unified["%s"]: ' % key, text)


# -- update

def files(t, box):
  """All that was limited, as it is."""
  names = ['memory.max', 'memory.swap.max', 'memory.low', 'memory.high', 'cpu.weight', 'cpu.max',
           'cpu.max.burst', 'cpuset.cpus', 'pids.max', 'io.max', 'io.weight', 'cpu.idle']
  return {name: setting(t, box, name) for name in names if exists(t, box, name)}


def test_all_is_set_back_when_the_last_limit_is_refused(t):
  major, minor = disk()
  device = {'major': major, 'minor': minor}
  box = limited(t, memory={'limit': 64 * MIB, 'swap': 96 * MIB, 'reservation': 16 * MIB}, pids={'limit': 33},
                cpu={'shares': 512, 'quota': 20000, 'period': 50000, 'burst': 5000, 'cpus': '0-1'},
                blockIO={'throttleReadBpsDevice': [dict(device, rate=MIB)]},
                unified={'memory.high': str(50 * MIB)}).launch()
  before = files(t, box)
  more = {'memory': {'limit': 128 * MIB, 'swap': 128 * MIB, 'reservation': 32 * MIB}, 'pids': {'limit': 44},
          'cpu': {'shares': 2048, 'quota': 4000, 'period': 10000, 'burst': 4000, 'cpus': '1'},
          'blockIO': {'throttleReadBpsDevice': [dict(device, rate=2 * MIB)],
                      'throttleWriteIOPSDevice': [dict(device, rate=900)]},
          'unified': {'memory.high': '1000000', 'memory.max': 'nonsense'}}
  result = update(t, box, more)
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, '%s: nothing was changed: linux.resources.unified["memory.max"]: value: write nonsense to '
        % box.id)
  t.same(files(t, box), before)
  more['unified']['memory.max'] = 'max'
  t.worked(update(t, box, more), '')
  after = files(t, box)
  t.same([after[name] for name in ('memory.max', 'memory.swap.max', 'cpu.max', 'cpu.max.burst', 'cpuset.cpus')],
         ['max', '0', '4000 10000', '4000', '1'])
  # and smaller again, in one step
  t.worked(update(t, box, {'memory': {'limit': 32 * MIB, 'swap': 40 * MIB},
                           'cpu': {'quota': 90000, 'burst': 80000, 'period': 100000}}))
  t.same([setting(t, box, name) for name in ('memory.max', 'memory.swap.max', 'cpu.max', 'cpu.max.burst')],
         [str(32 * MIB), str(8 * MIB), '90000 100000', '80000'])


def test_idle_comes_and_goes(t):
  box = limited(t, cpu={'shares': 512}).launch()
  t.worked(update(t, box, {'cpu': {'idle': 1, 'shares': 2048}}))
  t.same(setting(t, box, 'cpu.idle'), '1')
  result = update(t, box, {'cpu': {'shares': 1024}})
  t.same(result.err, '%s: linux.resources.cpu: shares: the cgroup is idle, and has none: set '
                     'linux.resources.cpu.idle to 0 as well\n' % box.id)
  before = files(t, box)
  t.has(update(t, box, {'cpu': {'idle': 0, 'shares': 1024}, 'unified': {'memory.max': 'x'}}).err,
        'nothing was changed')
  t.same(files(t, box), before)
  t.worked(update(t, box, {'cpu': {'idle': 0, 'shares': 1024}}))
  t.same((setting(t, box, 'cpu.idle'), setting(t, box, 'cpu.weight')), ('0', '100'))


@time_limit(60)
def test_device_programs_are_replaced_in_one_step(t):
  box = t.box('while :; do (: </dev/zero) 2>/dev/null || echo no-zero; '
              '(: </dev/full) 2>/dev/null && echo full || echo no-full; done')
  box.linux['resources'] = {'devices': [NONE, dict(FULL, allow=False, access='rw')]}
  box.launch().wait_for_output('no-full\n')
  for _ in range(10):
    t.worked(update(t, box, {'devices': [NONE]}))
    start = len(box.written())
    t.wait(lambda: '\nfull\n' in box.written()[start:], 'it may be opened')
    t.worked(update(t, box, {'devices': [NONE, dict(FULL, allow=False, access='rw')]}))
    start = len(box.written())
    t.wait(lambda: box.written().count('no-full\n', start) > 2, 'it may not be opened')
    start = len(box.written())
    t.wait(lambda: box.written().count('no-full\n', start) > 2, 'it may not be opened')
    t.true('\nfull\n' not in box.written()[start:], 'it may be opened, still')
  t.worked(update(t, box, {'devices': [{'allow': True, 'access': 'rwm'}]}))
  start = len(box.written())
  t.wait(lambda: '\nfull\n' in box.written()[start:], 'all may be opened')
  t.true('no-zero' not in box.written(), 'a device that stayed could not be opened for a moment')


def test_a_plain_users_container_is_updated(t):
  box = limited(t, pids={'limit': 20}).launch()
  t.worked(update(t, box, {'pids': {'limit': 30}, 'memory': {'limit': 64 * MIB}}), '')
  t.same((setting(t, box, 'pids.max'), setting(t, box, 'memory.max')), ('30', str(64 * MIB)))
  t.has(update(t, box, {'pids': {'limit': 40}, 'unified': {'memory.max': 'x'}}).err, 'nothing was changed')
  t.same(setting(t, box, 'pids.max'), '30')


test_a_plain_users_container_is_updated.roles = ('user',)


# -- who owns a cgroup

def owners(path):
  return {name: os.stat('%s/%s' % (path, name)).st_uid for name in os.listdir(path) + ['.']}


def delegable():
  return set(read('/sys/kernel/cgroup/delegate').split()) | {'.'}


def with_cgroup(t, options, *, uid=5, namespace=True):
  box = t.box('exec sleep 100')
  box.process['user'] = {'uid': uid, 'gid': 0}
  box.map_ids((0, 100000, 65536))
  if namespace:
    box.namespace('cgroup')
  box.mount('/sys/fs/cgroup', 'cgroup', options, 'cgroup')
  subprocess.run(['chown', '-R', '100000:100000', box.rootfs], check=True)
  return box.launch()


def test_the_user_of_the_process_owns_what_the_kernel_lists(t):
  box = with_cgroup(t, ['nosuid', 'noexec', 'nodev'])
  found = owners('%s/%s' % (own(t), box.id))
  t.same({name for name, uid in found.items() if uid == 100005}, delegable() & set(found))
  t.same({uid for name, uid in found.items() if name not in delegable()}, {0})


def test_nobody_owns_a_cgroup_that_cannot_be_written_to(t):
  for options, namespace in ((['ro'], True), (['rw'], False)):
    box = with_cgroup(t, options, namespace=namespace)
    t.same(set(owners('%s/%s' % (own(t), box.id)).values()), {0}, str(options))


def test_a_delegated_cgroup_can_be_divided_by_the_containers_root(t):
  box = t.box('cat /proc/self/cgroup; cd /sys/fs/cgroup && mkdir init work && echo $$ >init/cgroup.procs && '
              'echo +pids +memory >cgroup.subtree_control && echo 7 >work/pids.max && cat work/pids.max; '
              'echo 9 >pids.max; echo 1 >../cgroup.procs; exec sleep 100')
  box.map_ids((0, 100000, 65536)).namespace('cgroup')
  box.mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev'], 'cgroup')
  box.config['annotations'] = {'run.oci.delegate-cgroup': 'inner'}
  box.linux['resources'] = {'pids': {'limit': 50}}
  subprocess.run(['chown', '-R', '100000:100000', box.rootfs], check=True)
  box.launch()
  t.wait(lambda: 'ermission' in read(box.create_result + '.err'), 'it may not raise its own limit')
  t.same(box.written(), '0::/\n7\n')
  above = '%s/%s' % (own(t), box.id)
  t.same(read(above + '/pids.max'), '50\n')
  t.same(set(owners(above).values()) - {100000}, {0})
  t.same({name for name, uid in owners(above).items() if uid == 100000}, {'inner'})
  t.has(read('/proc/%d/cgroup' % box.pid()), '/%s/inner/init' % box.id)
  box.delete('--force')
  t.nothing_left()


# -- parents

def parent(t, name):
  path = '%s/%s' % (own(t), name)
  os.mkdir(path)
  t.ready.append(lambda: os.path.exists(path) and os.rmdir(path))
  return path


def below(t, path, **resources):
  box = limited(t, 'true', **resources)
  box.linux['cgroupsPath'] = path[len('/sys/fs/cgroup'):] + '/below'
  return box


def test_a_threaded_parent(t):
  parent(t, 'domain')
  path = parent(t, 'domain/threads')
  write(path + '/cgroup.type', 'threaded')
  result = below(t, path).run()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, ' is threaded: no cgroup below it can have processes of its own\n')
  t.true(not os.path.exists(path + '/below'), 'its cgroup is left')


def test_a_frozen_parent(t):
  path = parent(t, 'frozen')
  write(path + '/cgroup.freeze', '1')
  result = below(t, path).run()
  t.same(result.err, "container's cgroup unexpectedly frozen: %s/below: a cgroup above it is frozen\n" % path)
  t.true(not os.path.exists(path + '/below'), 'its cgroup is left')


def test_a_parent_with_processes(t):
  path = parent(t, 'taken')
  process = t.helper(['sleep', '100'])
  write(path + '/cgroup.procs', str(process.pid))
  t.worked(below(t, path).run())
  result = below(t, path, pids={'limit': 5}).run()
  t.same(result.err, 'linux.resources.pids: the cgroup %s cannot hand on the pids controller: there are '
         'processes in it: in version 2 a cgroup has either processes or controllers for those below it\n' % path)
  t.true(not os.path.exists(path + '/below'), 'its cgroup is left')
  process.kill()
  process.wait()


def test_a_cgroup_that_is_frozen_or_taken(t):
  path = parent(t, 'below')
  box = t.box('true')
  box.linux['cgroupsPath'] = path[len('/sys/fs/cgroup'):]
  write(path + '/cgroup.freeze', '1')
  t.has(box.run().err, "container's cgroup unexpectedly frozen: %s: choose another" % path)
  write(path + '/cgroup.freeze', '0')
  process = t.helper(['sleep', '100'])
  write(path + '/cgroup.procs', str(process.pid))
  t.has(box.run().err, "container's cgroup is not empty: 1 process(es) found in %s" % path)
  t.same(process.poll(), None)
  process.kill()
  process.wait()


# -- in an engine's user namespace

@time_limit(60)
def test_limits_in_an_engines_user_namespace(t):
  """Where podman is root, as it calls a plain user's runtime."""
  box = t.box('echo in; exec true')
  box.linux['resources'] = {'pids': {'limit': 21}, 'memory': {'limit': 64 * MIB}}
  box.save()
  inner = ('"$p create --bundle $b boxed; cat $own/boxed/pids.max; $p update --pids-limit 22 boxed; '
           'cat $own/boxed/pids.max $own/boxed/memory.max; $p start boxed; $p delete --force boxed; '
           'ls $own/boxed"')
  script = ('own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir $own/caller; '
            'echo $$ >$own/caller/cgroup.procs; p="$1 --root $HOME/state"; b=$2; '
            'podman unshare sh -ec ' + inner + '; podman system migrate')
  subprocess.run(['chown', '-R', '1000:1000', box.directory], check=True)
  result = suite.run(['as-user', 'sh', '-c', script, 'sh', t.settings.runtime, box.directory])
  t.same([line for line in result.out.splitlines() if line != 'in'], ['21', '22', str(64 * MIB)], str(result))
  t.has(result.err, 'No such file')


if __name__ == '__main__':
  suite.main()
