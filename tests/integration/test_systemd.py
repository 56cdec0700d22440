"""The systemd cgroup manager where there is no systemd, or one that does not behave.

What it does with a real one is tested in a machine that has one: tests/vm/suites/systemd.py.
"""

import os
import time

from fake_bus import FakeBus
from lib import also_as_user, everyone, read, time_limit

MANAGER = ('--systemd-cgroup',)
SYSTEMD1 = 'org.freedesktop.systemd1.'


def needs_manager(t):
  """A build without libsystemd has none; a machine without cgroups has no use for one."""
  result = t.proa('--systemd-cgroup', 'run', 'x', env=t.environment(DBUS_SYSTEM_BUS_ADDRESS='x:'))
  if 'this build of proa has no systemd cgroup manager' in result.err:
    t.skip('built without libsystemd')


def bus_variable(t):
  return 'DBUS_SYSTEM_BUS_ADDRESS' if t.is_root else 'DBUS_SESSION_BUS_ADDRESS'


def run_with(t, address, box=None, **more):
  box = box or t.box()
  return box.run(before=MANAGER, env=t.environment(**{bus_variable(t): address}), **more)


@everyone
def test_no_systemd(t):
  needs_manager(t)
  if t.is_root and any(os.path.exists(path) for path in ('/run/dbus/system_bus_socket',
                                                         '/run/systemd/private')):
    t.skip('there may be one here')
  box = t.box()
  begin = time.monotonic()
  result = box.run(before=MANAGER)
  t.true(time.monotonic() - begin < 5, 'it took long')
  if t.is_root:
    t.refused(result, 'there is no systemd here: neither /run/dbus/system_bus_socket nor '
              '/run/systemd/private exists: use --cgroup-manager cgroupfs')
  else:
    directory = t.settings.runtime_dir
    t.refused(result, 'the user has no systemd: neither %s/bus nor %s/systemd/private exists: log in by '
              'way of systemd, or "loginctl enable-linger"; or use --cgroup-manager cgroupfs'
              % (directory, directory))


@also_as_user
def test_nobody_listens(t):
  needs_manager(t)
  path = t.path('nobody')
  t.refused(run_with(t, 'unix:path=' + path),
            'systemd: nobody listens at unix:path=%s: --cgroup-manager cgroupfs does without systemd'
            % path)


def test_an_address_that_would_start_a_program(t):
  needs_manager(t)
  flag = t.path('flag')
  t.refused(run_with(t, 'unixexec:path=/bin/touch,argv1=' + flag),
            'DBUS_SYSTEM_BUS_ADDRESS: "unixexec:path=/bin/touch,argv1=%s" is not the address of a '
            'socket: it begins with "unix:"' % flag)
  t.true(not os.path.exists(flag), 'it was started')


@also_as_user
def test_a_bus_that_closes(t):
  needs_manager(t)
  bus = FakeBus(t, hello='close')
  result = run_with(t, bus.address)
  t.same(result.rc, 1)
  t.has(result.err, 'systemd: %s: ' % bus.address)
  t.nothing_left()


def test_a_bus_that_speaks_another_language(t):
  needs_manager(t)
  bus = FakeBus(t, hello='garbage')
  t.refused(run_with(t, bus.address), 'systemd: %s does not let this user in: --cgroup-manager cgroupfs '
            'does without systemd' % bus.address)


@time_limit(90)
def test_a_bus_that_hangs(t):
  needs_manager(t)
  bus = FakeBus(t, hello='hang')
  begin = time.monotonic()
  t.refused(run_with(t, bus.address, seconds=60),
            'systemd: %s: no answer within 30 s: --cgroup-manager cgroupfs does without systemd'
            % bus.address)
  t.true(time.monotonic() - begin < 45, 'it took longer than it says')


@time_limit(90)
def test_a_systemd_that_does_not_answer(t):
  needs_manager(t)
  bus = FakeBus(t, {'StartTransientUnit': ('silence',)})
  box = t.box()
  t.refused(run_with(t, bus.address, box, seconds=60),
            'systemd: start proa-%s.scope: no answer within 30 s: "systemctl list-jobs" shows what '
            'systemd is busy with' % box.id)


def test_a_systemd_that_goes_away_in_the_middle(t):
  needs_manager(t)
  for answer in ('close', 'garbage'):
    bus = FakeBus(t, {'StartTransientUnit': (answer,)})
    box = t.box()
    result = run_with(t, bus.address, box)
    t.same(result.rc, 1)
    t.has(result.err, 'systemd: start proa-%s.scope: ' % box.id)
    t.nothing_left()
    bus.close()
    os.unlink(bus.path)


@also_as_user
def test_a_job_that_fails(t):
  needs_manager(t)
  bus = FakeBus(t, {'StartTransientUnit': ('job', 'failed')})
  box = t.box()
  t.refused(run_with(t, bus.address, box),
            'systemd: start proa-%s.scope: systemd\'s job ended with "failed": systemd\'s log says why: '
            '"journalctl"' % box.id)


@also_as_user
def test_a_systemd_that_lies(t):
  needs_manager(t)
  bus = FakeBus(t, {'StartTransientUnit': ('job', 'done')})
  result = run_with(t, bus.address)
  t.same(result.rc, 1)
  t.true('but its process is in /' in result.err or 'cannot be seen from here' in result.err, result.err)
  t.nothing_left()


def test_a_unit_that_is_there_already_is_reset_once(t):
  needs_manager(t)
  bus = FakeBus(t, {'StartTransientUnit': ('error', SYSTEMD1 + 'UnitExists', 'exists')})
  box = t.box()
  t.refused(run_with(t, bus.address, box),
            "systemd: start proa-%s.scope: systemd has a unit of this name already: it is another's: choose "
            'another linux.cgroupsPath, or stop it with "systemctl stop"' % box.id)
  t.same(bus.calls, ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit'])


def test_an_old_systemd_does_without_what_is_not_needed(t):
  needs_manager(t)
  bus = FakeBus(t, {'StartTransientUnit': ('error', 'org.freedesktop.DBus.Error.PropertyReadOnly',
                                           'Cannot set property IOAccounting, or unknown property.')})
  box = t.box()
  t.refused(run_with(t, bus.address, box),
            'systemd: start proa-%s.scope: Cannot set property IOAccounting, or unknown property.' % box.id)
  t.same(bus.calls, ['StartTransientUnit'] * 2)
  bus.answers = {'StartTransientUnit': ('error', 'org.freedesktop.DBus.Error.PropertyReadOnly',
                                        'Cannot set property Delegate, or unknown property.')}
  bus.calls.clear()
  box = t.box()
  t.refused(run_with(t, bus.address, box),
            'systemd: start proa-%s.scope: Cannot set property Delegate, or unknown property.' % box.id)
  t.same(bus.calls, ['StartTransientUnit'])


def test_a_refusal_does_not_sound_like_a_missing_program(t):
  needs_manager(t)
  for name, said, text in (
      ('org.freedesktop.DBus.Error.AccessDenied', 'Permission denied',
       'systemd does not let uid UID do it'),
      ('org.freedesktop.DBus.Error.FileNotFound', 'No such file or directory',
       'org.freedesktop.DBus.Error.FileNotFound'),
      ('org.freedesktop.DBus.Error.ServiceUnknown', 'The name was not provided',
       'there is no systemd on this bus: use --cgroup-manager cgroupfs'),
      (SYSTEMD1 + 'ShuttingDown', 'Down it goes', 'Down it goes')):
    bus = FakeBus(t, {'StartTransientUnit': ('error', name, said)})
    box = t.box()
    t.refused(run_with(t, bus.address, box), 'systemd: start proa-%s.scope: %s' % (box.id, text))
    bus.close()
    os.unlink(bus.path)


@also_as_user
def test_the_runtime_is_killed_while_systemd_is_asked(t):
  needs_manager(t)
  for answers, hello in (({}, 'hang'), ({'StartTransientUnit': ('silence',)}, 'answer')):
    bus = FakeBus(t, answers, hello)
    box = t.box()
    process = box.begin_run(before=MANAGER, env=t.environment(**{bus_variable(t): bus.address}))
    t.wait(lambda: bus.calls or len(bus.open) > 1, 'somebody asks')
    time.sleep(0.05)
    process.kill()
    process.wait()
    bus.close()
    os.unlink(bus.path)
    # the helper ends with it; delete looks whether it left a unit, if there is still a systemd
    t.worked(t.proa('delete', '--force', box.id), '')
    t.nothing_left()
    box.used = False


@everyone
def test_a_place_of_the_other_manager(t):
  box = t.box()
  box.linux['cgroupsPath'] = 'machine.slice:libpod:abc'
  t.refused(box.run(), 'linux.cgroupsPath "machine.slice:libpod:abc": the cgroupfs manager takes a path: '
            'this is a place in a systemd, for --systemd-cgroup; or have the engine use the cgroupfs '
            'manager')
  needs_manager(t)
  box.linux['cgroupsPath'] = '/machine/abc'
  t.refused(box.run(before=MANAGER), 'linux.cgroupsPath "/machine/abc": the systemd cgroup manager takes '
            '"slice:prefix:name": have the engine use the systemd cgroup manager as well, or use '
            '--cgroup-manager cgroupfs')


def test_a_property_that_no_container_may_set(t):
  needs_manager(t)
  bus = FakeBus(t)
  box = t.box()
  box.config['annotations'] = {'org.systemd.property.ExecStartPre': "'/bin/sh'"}
  t.refused(run_with(t, bus.address, box),
            'annotations["org.systemd.property.ExecStartPre"]: a container may not set this property: the '
            'manual lists those that it may')
  t.same(bus.calls, [])
  # where systemd does not make the cgroup it changes nothing
  t.worked(box.run())


def test_a_subgroup_that_is_no_name(t):
  needs_manager(t)
  bus = FakeBus(t)
  for name in ('..', 'a/b', '.', 'cgroup.procs', 'a\nb'):
    box = t.box()
    box.config['annotations'] = {'run.oci.systemd.subgroup': name}
    t.refused(run_with(t, bus.address, box),
              'annotations["run.oci.systemd.subgroup"]: "%s" is not a cgroup\'s name: it is one level below '
              'the scope, as in "container"' % name.replace('\n', '?'))


def test_the_helper_gets_neither_environment_nor_files(t):
  needs_manager(t)
  bus = FakeBus(t, hello='hang')
  box = t.box()
  secret = os.open(t.path('secret', 'x'), os.O_RDONLY)
  process = box.begin_run(before=MANAGER, pass_fds=[secret],
                          env=t.environment(DBUS_SYSTEM_BUS_ADDRESS=bus.address, SECRET='x'))
  os.close(secret)
  t.wait(lambda: len(bus.open) > 1, 'somebody asks')
  children = read('/proc/%d/task/%d/children' % (process.pid, process.pid)).split()
  t.same(len(children), 1, 'children')
  t.same(read('/proc/%s/cmdline' % children[0]), 'proa-systemd\0')
  t.same(read('/proc/%s/environ' % children[0]), '')
  t.same(os.readlink('/proc/%s/cwd' % children[0]), '/')
  links = {int(fd): os.readlink('/proc/%s/fd/%s' % (children[0], fd))
           for fd in os.listdir('/proc/%s/fd' % children[0])}
  t.same((links[1], links[2]), ('/dev/null', '/dev/null'))
  t.true(all(link.startswith(('socket:', '/dev/null', 'anon_inode:')) for link in links.values()),
         str(links))
  process.kill()
  process.wait()
  bus.close()
  os.unlink(bus.path)
  t.worked(t.proa('delete', '--force', box.id), '')
  box.used = False
