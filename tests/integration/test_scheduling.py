"""process.scheduler, process.ioPriority, process.execCPUAffinity."""

import ctypes
import os

from lib import also_as_user, everyone

# Fields of /proc/PID/stat, counted from behind the name: nice, rt_priority, policy.
SHOW = "sed 's/.*) //' /proc/self/stat | cut -d ' ' -f 17,38,39"
SYS_IOPRIO_GET = {'x86_64': 252, 'aarch64': 31, 'riscv64': 31}


# -- scheduler


@everyone
def test_a_policy_and_a_nice_value(t):
  box = t.box(SHOW)
  for policy, number in (('SCHED_OTHER', 0), ('SCHED_BATCH', 3)):
    box.process['scheduler'] = {'policy': policy, 'nice': 19}
    t.same(box.output(), '19 0 %d\n' % number)
  # Which has less than any nice value.
  box.process['scheduler'] = {'policy': 'SCHED_IDLE', 'nice': 19}
  t.same(box.output().split()[2], '5')


@also_as_user
def test_another_user_than_root_gets_it_too(t):
  box = t.box(SHOW, user={'uid': 1000, 'gid': 1000}, capabilities={})
  box.process['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 5}
  t.same(box.output(), '5 0 3\n')


def test_in_a_user_namespace(t):
  box = t.box(SHOW).map_ids((0, 100000, 65536))
  box.process['user'] = {'uid': 7, 'gid': 7}
  box.process['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 3}
  os.chmod(t.directory, 0o755)
  t.same(box.output(), '3 0 3\n')


@everyone
def test_without_a_nice_value_the_callers_stays(t):
  box = t.box(SHOW, scheduler={'policy': 'SCHED_IDLE'})
  t.same(t.worked(box.run(preexec_fn=lambda: os.nice(4))).out, f'{os.nice(0) + 4} 0 5\n')


@everyone
def test_without_a_scheduler_the_callers_stays(t):
  box = t.box(SHOW)
  t.same(t.worked(box.run(preexec_fn=lambda: os.nice(4))).out, f'{os.nice(0) + 4} 0 0\n')


def test_children_can_do_without(t):
  box = t.box('cut -d " " -f 19,41 /proc/$$/stat; ' + SHOW)
  box.process['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': -5,
                              'flags': ['SCHED_FLAG_RESET_ON_FORK']}
  t.same(box.output(), '-5 3\n0 0 3\n')


def test_real_time_is_set_or_refused_with_a_reason(t):
  box = t.box(SHOW, scheduler={'policy': 'SCHED_RR', 'priority': 7})
  result = box.run()
  if result.rc == 0:
    t.worked(result, '0 7 2\n')
  else:
    t.refused(result, 'process.scheduler: set SCHED_RR: operation not permitted: it takes '
                      'CAP_SYS_NICE on the host, and in a v1 cgroup a '
                      'linux.resources.cpu.realtimeRuntime')


def test_real_time_without_a_cgroup_of_its_own(t):
  box = t.box(SHOW, scheduler={'policy': 'SCHED_FIFO', 'priority': 3})
  result = box.run(before=['--cgroup-manager', 'disabled'])
  if result.rc:
    t.skip('the cgroup that the tests run in has no budget for real time')
  t.worked(result, '0 3 1\n')


def test_a_filter_that_forbids_it_comes_later(t):
  box = t.box(SHOW, scheduler={'policy': 'SCHED_BATCH', 'nice': 19})
  box.process['ioPriority'] = {'class': 'IOPRIO_CLASS_IDLE', 'priority': 0}
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW',
                          'syscalls': [{'names': ['sched_setattr', 'ioprio_set'],
                                        'action': 'SCMP_ACT_ERRNO'}]}
  for no_new_privileges in (True, False):
    box.process['noNewPrivileges'] = no_new_privileges
    t.same(box.output(), '19 0 3\n')


@everyone
def test_a_wrong_scheduler_is_refused(t):
  cases = [
    ({'policy': 'SCHED_FAIR'},
     'unknown policy "SCHED_FAIR": see sched(7) for the policies there are'),
    ({'policy': 'SCHED_OTHER', 'nice': 20}, 'nice: 20 is not from -20 to 19'),
    ({'policy': 'SCHED_FIFO'}, 'priority: 0 is not from 1 to 99'),
    ({'policy': 'SCHED_OTHER', 'priority': 1},
     'priority: SCHED_OTHER has none: SCHED_FIFO and SCHED_RR have'),
    ({'policy': 'SCHED_OTHER', 'period': 1},
     'runtime, deadline and period belong to SCHED_DEADLINE'),
    ({'policy': 'SCHED_DEADLINE'}, 'SCHED_DEADLINE takes a runtime and a deadline'),
    ({'policy': 'SCHED_OTHER', 'flags': ['FAST']}, 'flags[0]: unknown flag "FAST"'),
  ]
  for scheduler, text in cases:
    t.refused(t.box(scheduler=scheduler).try_create(), 'process.scheduler: ' + text)


# -- ioPriority


def io_priority_of(t, pid):
  if os.uname().machine not in SYS_IOPRIO_GET:
    t.skip('the number of ioprio_get is not known here')
  value = ctypes.CDLL(None, use_errno=True).syscall(SYS_IOPRIO_GET[os.uname().machine], 1, pid)
  return value >> 13, value & 7


@everyone
def test_a_class_and_a_priority(t):
  for name, number in (('IOPRIO_CLASS_BE', 2), ('IOPRIO_CLASS_IDLE', 3)):
    box = t.box(args=['sleep', '100'], ioPriority={'class': name, 'priority': 6})
    t.same(io_priority_of(t, box.launch().pid()), (number, 6))


def test_the_real_time_class(t):
  box = t.box(args=['sleep', '100'], ioPriority={'class': 'IOPRIO_CLASS_RT', 'priority': 2})
  t.same(io_priority_of(t, box.launch().pid()), (1, 2))
  box = t.box(args=['sleep', '100'], ioPriority={'class': 'IOPRIO_CLASS_RT', 'priority': 2})
  box.map_ids((0, 100000, 65536))
  os.chmod(t.directory, 0o755)
  t.same(io_priority_of(t, box.launch().pid()), (1, 2), 'in a user namespace')


@everyone
def test_a_wrong_io_priority_is_refused(t):
  box = t.box(ioPriority={'class': 'IOPRIO_CLASS_BE', 'priority': 8})
  t.refused(box.try_create(), 'process.ioPriority: 8 is not from 0 to 7')
  box = t.box(ioPriority={'class': 'fast', 'priority': 0})
  t.refused(box.try_create(), 'process.ioPriority: unknown class "fast": the classes are '
                              'IOPRIO_CLASS_RT, IOPRIO_CLASS_BE and IOPRIO_CLASS_IDLE')


# -- execCPUAffinity


@everyone
def test_the_affinity_of_what_is_executed_is_not_the_first_process(t):
  box = t.box("grep Cpus_allowed_list /proc/self/status")
  here = [line for line in open('/proc/self/status', encoding='utf-8')
          if line.startswith('Cpus_allowed_list')]
  box.process['execCPUAffinity'] = {'initial': '0', 'final': '0'}
  t.same(box.output(), here[0])


@everyone
def test_a_wrong_affinity_is_refused(t):
  box = t.box(execCPUAffinity={'initial': '0', 'final': '3-1'})
  t.refused(box.try_create(), 'process.execCPUAffinity.final: "3-1": 3-1 ends before it begins')
