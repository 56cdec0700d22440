"""Class E: control groups, systemd, and processes of others."""

import json
import os
import signal
import stat
import time

from catalogue import end, execute, powerful, read, refused, row, running, text_of, write
from fake_bus import FakeBus
from isolation import PATIENCE
from lib import alive


@row('E1', 'CVE-2023-25809', sample=True, role='user')
def row_a_user_without_a_cgroup_namespace(t):
  box = t.box('find /sys/fs/cgroup -type f -name cgroup.procs | while read f; do '
              'echo 0 > $f && echo wrote $f; done 2>/dev/null; '
              'find /sys/fs/cgroup -type d | while read d; do mkdir $d/evil && echo made $d; done '
              '2>/dev/null; true')
  box.map_ids((0, os.geteuid(), 1))
  box.linux['gidMappings'][0]['hostID'] = os.getegid()
  box.mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'], 'cgroup')
  t.same(box.run().out, '')


@row('E2', 'CVE-2022-0492', sample=True)
def row_no_release_agent_can_be_set(t):
  box = t.box('find /sys/fs/cgroup -name release_agent | while read f; do echo /evil > $f && '
              'echo wrote $f; done 2>/dev/null; true')
  box.namespace('cgroup')
  box.mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'], 'cgroup')
  result = box.run()
  t.same((result.rc, result.out), (0, ''), str(result))


@row('E3', 'runc #4103', sample=True)
def row_names_of_files_that_lead_elsewhere(t):
  for resources in ({'hugepageLimits': [{'pageSize': '../x', 'limit': 1}]},
                    {'hugepageLimits': [{'pageSize': '2MB/../../cgroup.procs', 'limit': 1}]},
                    {'unified': {'../cgroup.procs': '1'}},
                    {'unified': {'/cgroup.procs': '1'}},
                    {'unified': {'': '1'}},
                    {'cpu': {'cpus': '0\n1'}},
                    {'network': {'priorities': [{'name': 'lo 1\neth0', 'priority': 1}]}},
                    {'rdma': {'mlx 1\nx': {'hcaHandles': 3}}}):
    box = t.box()
    box.linux['resources'] = resources
    refused(t, box.run(), json.dumps(resources))


def folders():
  return {folder for folder, _, _ in os.walk('/sys/fs/cgroup')}


@row('E4', 'no CVE: cgroups outside of the own ones', sample=True)
def row_paths_of_cgroups_that_lead_elsewhere(t):
  before, outside = folders(), set(os.listdir('/sys/fs')) | set(os.listdir('/'))
  for path in ('../x', '/a/../../x', '/../../..', '..', '/', '/a/..', 'a/../../../../../../tmp/x'):
    box = t.box()
    box.linux['cgroupsPath'] = path
    result = box.run()
    t.true(result.rc != 0, '%r was accepted' % path)
    t.same(folders() - before, set(), '%r left' % path)
    t.same((set(os.listdir('/sys/fs')) | set(os.listdir('/'))) - outside, set(), path)
    t.results.clear()


@row('E4x', 'crun 1.29: exec --cgroup', sample=True)
def row_exec_into_a_cgroup_that_is_not_the_containers(t):
  box = running(t)
  before = folders()
  for path in ('..', '../caller', '/../caller', 'a/../../caller', '/..'):
    refused(t, execute(box, '--cgroup', path, 'true'), path)
    t.same(folders() - before, set(), path)
  end(box)


@row('E5', 'CVE-2024-3154', sample=True)
def row_properties_of_units_that_run_programs(t):
  """A runtime that knows which are harmless says so before it asks systemd; here is one that would do it."""
  bus = FakeBus(t, {'StartTransientUnit': ('job', 'done')})
  for name, value in (('ExecStartPre', "'/bin/touch /tmp/evil'"), ('ExecStart', "'/evil'"),
                      ('ExecStopPost', "['/evil']"), ('User', "'root'"),
                      ('DeviceAllow', "[('/dev/sda', 'rwm')]"), ('Slice', "'system.slice'")):
    box = t.box()
    box.linux['cgroupsPath'] = 'system.slice:proa:' + box.id
    box.config['annotations'] = {'org.systemd.property.' + name: value}
    refused(t, box.run(before=('--systemd-cgroup',), env=t.environment(DBUS_SYSTEM_BUS_ADDRESS=bus.address)), name)
    t.true('StartTransientUnit' not in bus.calls, '%s: systemd was asked' % name)
    t.results.clear()


def stranger(t, path):
  """A process of somebody else's in the cgroup at path, in all hierarchies."""
  canary = t.helper(['sleep', '1000'])
  for root in hierarchies():
    os.makedirs(root + path, exist_ok=True)
    for name in ('cpuset.cpus', 'cpuset.mems'):
      if os.path.exists('%s/%s' % (root, name)):
        write(root + path + '/' + name, read('%s/%s' % (root, name)))
    write(root + path + '/cgroup.procs', str(canary.pid))
  return canary


def hierarchies():
  if os.path.exists('/sys/fs/cgroup/cgroup.procs'):
    return ['/sys/fs/cgroup']
  return [entry.path for entry in os.scandir('/sys/fs/cgroup') if entry.is_dir()]


def dismiss(canary, path):
  canary.kill()
  canary.wait()
  for root in hierarchies():
    if os.path.isdir(root + path):
      os.rmdir(root + path)


@row('E6', 'no CVE: strangers are killed', sample=True, seconds=90)
def row_others_live_in_the_cgroup(t):
  canary = stranger(t, '/occupied')
  try:
    box = t.box('true')
    box.linux['cgroupsPath'] = '/occupied'
    result = box.run()
    t.proa('delete', '--force', box.id)
    t.true(canary.poll() is None, 'a stranger was killed: %s' % result)
    refused(t, result, 'a cgroup in which others live')
  finally:
    dismiss(canary, '/occupied')


@row('E6v2', 'no CVE: strangers are killed', sample=True, seconds=90, view='v2')
def row_others_live_in_the_cgroup_of_version_2(t):
  row_others_live_in_the_cgroup(t)


@row('E7', 'no CVE: cgroup.kill and CLONE_INTO_CGROUP', sample=True, view='v2')
def row_a_cgroup_that_was_killed_before(t):
  """A kernel that has killed a cgroup once may kill all that is born into it later, for ever."""
  path = '/sys/fs/cgroup/killed'
  os.mkdir(path)
  if not os.path.exists(path + '/cgroup.kill'):
    os.rmdir(path)
    t.skip('this kernel has no cgroup.kill')
  try:
    write(path + '/cgroup.kill', '1')
    box = t.box('echo alive')
    box.linux['cgroupsPath'] = '/killed'
    result = box.run()
    t.same((result.rc, result.out), (0, 'alive\n'), str(result))
  finally:
    if os.path.exists(path):
      os.rmdir(path)


@row('E7x', 'no CVE: cgroup.kill and exec', sample=True, view='v2')
def row_exec_into_a_cgroup_that_was_killed_before(t):
  """The container itself can do this to a cgroup below its own."""
  box = running(t)
  place = '/sys/fs/cgroup' + read('/proc/%d/cgroup' % box.pid()).split('::')[1].strip()
  below = place + '/below'
  os.mkdir(below)
  if not os.path.exists(below + '/cgroup.kill'):
    t.skip('this kernel has no cgroup.kill')
  write(below + '/cgroup.kill', '1')
  result = execute(box, '--cgroup', 'below', 'echo', 'alive')
  t.same((result.rc, result.out), (0, 'alive\n'), str(result))
  end(box)


@row('E8', 'no CVE: a record that cannot be read', sample=True)
def row_delete_force_with_a_damaged_record(t):
  """What delete --force says is gone is gone: the processes, and their cgroup."""
  for view in ('empty', 'half', 'rubbish'):
    box = running(t)
    pid = box.pid()
    state = '%s/state/%s' % (t.settings.directory, box.id)
    name = next((name for name in ('state.json', 'status') if os.path.exists(state + '/' + name)), None)
    t.true(name, 'no record of the state')
    whole = text_of('%s/%s' % (state, name))
    with open('%s/%s' % (state, name), 'w', encoding='utf-8') as file:
      file.write({'empty': '', 'half': whole[:len(whole) // 2], 'rubbish': '\0{]'}[view])
    result = t.proa('delete', '--force', box.id)
    gone = is_dead(pid)
    t.true(gone or result.rc != 0, '%s: it said that it was deleted, and it lives' % view)
    t.true(gone, '%s: its process lives: %s' % (view, result))
    if not gone:
      os.kill(pid, signal.SIGKILL)


def is_dead(pid):
  """Whoever has left its cgroup to die has still a moment to go."""
  deadline = time.monotonic() + PATIENCE
  while alive(pid):
    if time.monotonic() > deadline:
      return False
    time.sleep(0.01)
  return True


@row('E9', 'no CVE: a disk of the host', sample=True)
def row_a_node_of_a_disk_is_made_inside(t):
  """CAP_MKNOD is in every engine's default; what keeps disks out is that their numbers are not allowed."""
  disks = [line.split() for line in read('/proc/partitions').splitlines()[2:]]
  made = 'mknod /tmp/disk b %s %s && head -c 512 /tmp/disk | wc -c; head -c 1 /tmp/null | wc -c'
  if not disks:
    t.skip('this machine has no disk')
  box = powerful(t.box(made % tuple(disks[0][:2])), 'CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_SYS_ADMIN')
  os.mknod(box.rootfs + '/tmp/null', 0o666 | stat.S_IFCHR, os.makedev(1, 5))
  result = box.run()
  t.true(result.out.split() in (['0', '1'], ['1']), 'the disk can be read: %s' % result)
