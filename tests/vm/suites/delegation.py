#!/usr/bin/env python3
"""A plain user's containers in the cgroups that systemd has delegated to him, and what he is told
where it has not.  Debian's user managers get the controllers cpu, memory and pids."""

import os
import subprocess

import suite
from lib import read, run_as, time_limit

MIB = 1 << 20
DROP_IN = '/run/systemd/system/user@1000.service.d/proa-test.conf'
HINT = ('systemd does so with "Delegate=cpu cpuset io memory pids" in a drop-in of user@.service')


def setting(t, box, name):
  return read('%s/%s/%s' % (t.settings.cgroups[0], box.id, name)).strip()


@suite.as_user
def test_a_container_is_beside_its_caller(t):
  box = t.box('sleep 60').launch()
  t.has(read('/proc/%d/cgroup' % box.pid()), '/user@1000.service/')
  t.same(os.stat('%s/%s' % (t.settings.cgroups[0], box.id)).st_uid, 1000)
  box.delete('--force')
  t.nothing_left()


@suite.as_user
def test_limits_are_set(t):
  box = t.box('sleep 60')
  box.linux['resources'] = {'memory': {'limit': 64 * MIB}, 'pids': {'limit': 20},
                            'cpu': {'quota': 50000, 'period': 100000, 'shares': 512}}
  box.launch()
  t.same([setting(t, box, name) for name in ('memory.max', 'pids.max', 'cpu.max', 'cpu.weight')],
         [str(64 * MIB), '20', '50000 100000', '59'])


@suite.as_user
def test_who_eats_too_much_memory_is_killed(t):
  box = t.box('dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo $?')
  box.linux['resources'] = {'memory': {'limit': 32 * MIB}}
  t.same(box.output(), '137\n')


@suite.as_user
@time_limit(60)
def test_a_fork_bomb_stops_at_the_limit_and_can_be_deleted(t):
  box = t.box('bomb() { bomb | bomb & }; while :; do bomb; sleep 0.1; done')
  box.linux['resources'] = {'pids': {'limit': 30}}
  box.launch()
  t.wait(lambda: 'max 0\n' not in setting(t, box, 'pids.events') + '\n', 'forks are refused', 20)
  box.delete('--force')
  t.nothing_left()


@suite.as_user
def test_a_frozen_container_is_paused_and_can_be_deleted(t):
  box = t.box('sleep 60').launch()
  with open('%s/%s/cgroup.freeze' % (t.settings.cgroups[0], box.id), 'w', encoding='utf-8') as file:
    file.write('1')
  box.wait_until('paused')
  box.delete('--force')
  t.nothing_left()


@suite.as_user
def test_device_rules_are_left_to_the_host(t):
  """A user namespace's devices are the host's, so that its own permissions hold."""
  box = t.box('head -c 1 /dev/zero | wc -c')
  box.linux['resources'] = {'devices': [{'allow': False, 'access': 'rwm'}]}
  t.same(box.output(), '1\n')


@suite.as_user
def test_a_controller_that_is_not_delegated_is_named(t):
  above = os.path.dirname(t.settings.cgroups[0])
  while 'cpuset' not in read(above + '/cgroup.controllers').split():
    above = os.path.dirname(above)
  box = t.box()
  box.linux['resources'] = {'cpu': {'cpus': '0'}}
  t.refused(box.try_create(), 'linux.resources.cpu: the cgroup %s cannot hand on the cpuset '
            'controller: it is not delegated to uid 1000; %s' % (above, HINT))


def outside(t, box):
  """Has the plain user run it from a cgroup that is root's."""
  box.save()
  subprocess.run(['chown', '-R', '1000:1000', box.directory], check=True)
  return suite.run(['setpriv', '--reuid=tester', '--regid=tester', '--init-groups', 'env', '-i',
                  'PATH=/usr/bin:/bin', 'XDG_RUNTIME_DIR=/run/user/1000', t.settings.runtime, 'run',
                  '--bundle', box.directory, box.id])


def test_without_delegation_a_limit_is_an_error(t):
  box = t.box('true')
  box.linux['resources'] = {'memory': {'limit': 64 * MIB}}
  own = '/sys/fs/cgroup' + read('/proc/self/cgroup').strip().split('::', 1)[1]
  t.refused(outside(t, box), 'linux.resources.memory: cgroup %s, with "%s" in cgroup.controllers, is not '
            'delegated to uid 1000: "systemd-run --user --scope -p Delegate=yes" runs a command in one that '
            'is, with the controllers of "Delegate=cpu cpuset io memory pids" in a drop-in of user@.service' % (
              own, read(own + '/cgroup.controllers').strip()))


def test_without_delegation_and_limits_it_runs_where_it_is(t):
  box = t.box('cat /proc/self/cgroup')
  t.worked(outside(t, box), read('/proc/self/cgroup'))


def restart_user_manager():
  suite.run(['systemctl', 'daemon-reload'])
  return suite.run(['systemctl', 'restart', 'user@1000.service'])


@run_as('root')
@time_limit(60)
def test_the_drop_in_that_is_recommended_helps(t):
  def undo():
    os.remove(DROP_IN)
    restart_user_manager()

  os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
  with open(DROP_IN, 'w', encoding='utf-8') as file:
    file.write('[Service]\nDelegate=cpu cpuset io memory pids\n')
  t.ready.append(undo)
  t.worked(restart_user_manager())
  box = t.box('grep Cpus_allowed_list /proc/self/status')
  box.linux['resources'] = {'cpu': {'cpus': '0'}}
  box.save()
  subprocess.run(['chown', '-R', '1000:1000', box.directory], check=True)
  # The container's cgroup is beside the shell's, in a scope of the user's own.
  script = ('own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir $own/caller; '
            'echo $$ >$own/caller/cgroup.procs; exec "$@"')
  result = suite.run(['as-user', 'sh', '-c', script, 'sh', t.settings.runtime, 'run', '--bundle',
                    box.directory, box.id])
  t.worked(result, 'Cpus_allowed_list:\t0\n')


if __name__ == '__main__':
  suite.main()
