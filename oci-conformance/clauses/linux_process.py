"""config.md, Linux Process."""

import ctypes
import os

from kit import CAPABILITIES, MUST, MUST_NOT, SHOULD, clause, field, is_alive, read
from ground import libc

WHERE = 'config.md, Linux Process'
SETS = [('bounding', 'CapBnd'), ('permitted', 'CapPrm'), ('effective', 'CapEff'),
        ('inheritable', 'CapInh'), ('ambient', 'CapAmb')]
NUMBERS = {'CAP_CHOWN': 0, 'CAP_DAC_OVERRIDE': 1, 'CAP_FOWNER': 3, 'CAP_KILL': 5, 'CAP_SETGID': 6,
           'CAP_SETUID': 7, 'CAP_NET_BIND_SERVICE': 10, 'CAP_MKNOD': 27}


def mask(names):
  return sum(1 << NUMBERS[name] for name in names)


def sets_of(box):
  box.process['args'] = ['cat', '/proc/self/status']
  text = box.output()
  return {name: int(field(text, row), 16) for name, row in SETS}


# -- capabilities

@clause(WHERE, MUST, 'the process has the {} capabilities that are listed', SETS)
def capabilities(t, name, _):
  box = t.box()
  box.process['capabilities'] = {key: ['CAP_CHOWN', 'CAP_KILL'] for key, _ in SETS}
  t.same(sets_of(box)[name], mask(['CAP_CHOWN', 'CAP_KILL']))


@clause(WHERE, MUST, 'the {} set can differ from the others',
        [('bounding', ['CAP_CHOWN', 'CAP_KILL', 'CAP_MKNOD']),
         ('effective', ['CAP_CHOWN', 'CAP_KILL']), ('permitted', ['CAP_CHOWN', 'CAP_KILL'])])
def capabilities_differ(t, name, expected):
  box = t.box()
  box.process['user'] = {'uid': 1000, 'gid': 1000}
  box.process['capabilities'] = {
    'bounding': ['CAP_CHOWN', 'CAP_KILL', 'CAP_MKNOD'], 'permitted': ['CAP_CHOWN', 'CAP_KILL'],
    'effective': ['CAP_CHOWN', 'CAP_KILL'], 'inheritable': ['CAP_CHOWN', 'CAP_KILL'],
    'ambient': ['CAP_CHOWN', 'CAP_KILL']}
  t.same(sets_of(box)[name], mask(expected))


@clause(WHERE, MUST, 'without capabilities in any set the process has none: {}', SETS)
def capabilities_none(t, name, _):
  box = t.box()
  box.process['capabilities'] = {key: [] for key, _ in SETS}
  t.same(sets_of(box)[name], 0)


@clause(WHERE, MUST, 'a user who is not root keeps ambient capabilities')
def capabilities_ambient(t):
  box = t.box()
  box.process['user'] = {'uid': 1000, 'gid': 1000}
  box.process['capabilities'] = {key: ['CAP_NET_BIND_SERVICE'] for key, _ in SETS}
  t.same(sets_of(box)['effective'], mask(['CAP_NET_BIND_SERVICE']))


@clause(WHERE, MUST, 'a user who is not root has no capabilities but ambient ones')
def capabilities_user(t):
  box = t.box()
  box.process['user'] = {'uid': 1000, 'gid': 1000}
  t.same(sets_of(box)['effective'], 0)


@clause(WHERE, MUST, 'what a missing capability protects is protected')
def capabilities_effect(t):
  box = t.box('chown 1:1 /etc 2>&1; echo $?')
  box.process['capabilities'] = {key: ['CAP_KILL'] for key in ('bounding', 'effective', 'permitted')}
  t.has(box.output(), 'ot permitted')


@clause(WHERE, MUST, '{} can be had', CAPABILITIES)
def capability(t, name):
  box = t.box()
  box.process['capabilities'] = {key: [name] for key in ('bounding', 'effective', 'permitted')}
  t.same(sets_of(box)['effective'], mask([name]))


@clause(WHERE, SHOULD, 'a capability that is not known is no error')
def capabilities_unknown(t):
  box = t.box('echo fine')
  box.process['capabilities'] = {'bounding': ['CAP_CHOWN', 'CAP_NO_SUCH_THING'],
                                 'effective': ['CAP_CHOWN'], 'permitted': ['CAP_CHOWN']}
  t.same(box.output(), 'fine')


@clause(WHERE, SHOULD, 'a capability that the runtime itself lacks is no error')
def capabilities_lacked(t):
  bounding = int(field(read('/proc/self/status'), 'CapBnd'), 16)
  if bounding >> 24 & 1:
    t.skip('the runtime lacks none (CAP_SYS_RESOURCE was looked for)')
  box = t.box('echo fine')
  names = ['CAP_CHOWN', 'CAP_SYS_RESOURCE']
  box.process['capabilities'] = {'bounding': names, 'effective': names, 'permitted': names}
  t.same(box.output(), 'fine')


# -- noNewPrivileges

@clause(WHERE, MUST, 'with noNewPrivileges {} the process has it or not', [('true', True, '1'),
                                                                        ('false', False, '0')])
def no_new_privileges(t, _, value, expected):
  box = t.box(args=['cat', '/proc/self/status'])
  box.process['noNewPrivileges'] = value
  t.same(field(box.output(), 'NoNewPrivs'), expected)


@clause(WHERE, MUST, 'without noNewPrivileges the process does not have it')
def no_new_privileges_absent(t):
  box = t.box(args=['cat', '/proc/self/status'])
  del box.process['noNewPrivileges']
  t.same(field(box.output(), 'NoNewPrivs'), '0')


# -- oomScoreAdj

@clause(WHERE, MUST, 'an oomScoreAdj of {} is set', ['100', '500', '1000'])
def oom_score_adj(t, value):
  box = t.box(args=['cat', '/proc/self/oom_score_adj'])
  box.process['oomScoreAdj'] = int(value)
  t.same(box.output(), value)


@clause(WHERE, MUST_NOT, 'without oomScoreAdj the value is not changed')
def oom_score_adj_absent(t):
  path = '/proc/self/oom_score_adj'
  before = read(path).strip()
  with open(path, 'w', encoding='utf-8') as file:
    file.write('7')
  try:
    t.same(t.box(args=['cat', '/proc/self/oom_score_adj']).output(), '7')
  finally:
    try:
      with open(path, 'w', encoding='utf-8') as file:
        file.write(before)
    except OSError:
      pass  # it may only be lowered with a privilege


@clause('config.md, Valid values', MUST, 'an oomScoreAdj of {} is an error', ['1001', '-1001'])
def oom_score_adj_invalid(t, value):
  box = t.box('true')
  box.process['oomScoreAdj'] = int(value)
  box.refused()


# -- scheduler

POLICIES = [('SCHED_OTHER', 0), ('SCHED_BATCH', 3), ('SCHED_IDLE', 5)]


@clause(WHERE, MUST, 'the scheduler\'s policy {} is set', POLICIES)
def scheduler(t, name, number):
  box = t.box('sleep 100')
  box.process['scheduler'] = {'policy': name}
  box.launch()
  t.same(os.sched_getscheduler(box.pid()), number)


@clause(WHERE, MUST, 'the scheduler\'s nice value is set')
def scheduler_nice(t):
  box = t.box('sleep 100')
  box.process['scheduler'] = {'policy': 'SCHED_OTHER', 'nice': 11}
  box.launch()
  t.same(os.getpriority(os.PRIO_PROCESS, box.pid()), 11)


@clause(WHERE, MUST, 'the scheduler\'s policy {} is set, with its priority', [('SCHED_FIFO', 1),
                                                                             ('SCHED_RR', 2)])
def scheduler_realtime(t, name, number):
  child = os.fork()
  if child == 0:
    try:
      os.sched_setscheduler(0, number, os.sched_param(3))
      os._exit(0)
    finally:
      os._exit(1)
  if os.waitpid(child, 0)[1]:
    t.skip('there is no real-time budget or no privilege here')
  box = t.box('sleep 100')
  box.process['scheduler'] = {'policy': name, 'priority': 3}
  result = box.try_create()
  if result.rc and 'ermitted' in result.err:
    t.skip('a new cgroup of version 1 has no real-time budget')
  t.worked(result)
  box.start()
  t.same((os.sched_getscheduler(box.pid()), os.sched_getparam(box.pid()).sched_priority), (number, 3))


@clause(WHERE, MUST, 'a scheduler\'s policy that does not exist is an error')
def scheduler_unknown(t):
  box = t.box('true')
  box.process['scheduler'] = {'policy': 'SCHED_NONE'}
  box.refused()


@clause(WHERE, MUST, 'a scheduler\'s flag that does not exist is an error')
def scheduler_unknown_flag(t):
  box = t.box('true')
  box.process['scheduler'] = {'policy': 'SCHED_OTHER', 'flags': ['SCHED_FLAG_NONE']}
  box.refused()


@clause(WHERE, MUST, 'the scheduler\'s flag SCHED_FLAG_RESET_ON_FORK is set')
def scheduler_flag(t):
  box = t.box('sleep 100')
  box.process['scheduler'] = {'policy': 'SCHED_BATCH', 'flags': ['SCHED_FLAG_RESET_ON_FORK']}
  box.launch()
  reset_on_fork = 0x40000000
  t.true(os.sched_getscheduler(box.pid()) & reset_on_fork, 'it is not')


# -- ioPriority

@clause(WHERE, MUST, 'the class {} and the priority of ioPriority are set',
        [('IOPRIO_CLASS_BE', 2, 5), ('IOPRIO_CLASS_IDLE', 3, 0), ('IOPRIO_CLASS_RT', 1, 3)])
def io_priority(t, name, number, priority):
  box = t.box('sleep 100')
  box.process['ioPriority'] = {'class': name, 'priority': priority}
  box.launch()
  ioprio_get, who_process = 252, 1
  found = libc.syscall(ctypes.c_long(ioprio_get), who_process, box.pid())
  t.same((found >> 13, found & 7), (number, priority))


@clause(WHERE, MUST, 'a class of ioPriority that does not exist is an error')
def io_priority_unknown(t):
  box = t.box('true')
  box.process['ioPriority'] = {'class': 'IOPRIO_CLASS_NO', 'priority': 1}
  box.refused()


# -- execCPUAffinity is about later processes; here is what create makes of it

@clause(WHERE, MUST, 'an execCPUAffinity does not keep a container from being created')
def exec_cpu_affinity(t):
  box = t.box('echo fine')
  box.process['execCPUAffinity'] = {'initial': '0', 'final': '0'}
  t.same(box.output(), 'fine')


# -- LSMs

@clause(WHERE, MUST, 'the process has its apparmorProfile')
def apparmor(t):
  if not os.path.exists('/sys/kernel/security/apparmor'):
    t.skip('there is no AppArmor here')
  box = t.box(args=['cat', '/proc/self/attr/current'])
  box.process['apparmorProfile'] = 'unconfined'
  t.has(box.output(), 'unconfined')


@clause(WHERE, MUST, 'the process has its selinuxLabel')
def selinux(t):
  if not os.path.exists('/sys/fs/selinux/enforce'):
    t.skip('there is no SELinux here')
  box = t.box(args=['cat', '/proc/self/attr/current'])
  box.process['selinuxLabel'] = 'system_u:system_r:container_t:s0'
  t.has(box.output(), 'container_t')


@clause('config.md, Valid values', MUST, 'an apparmorProfile where there is no AppArmor is an error')
def apparmor_absent(t):
  if os.path.exists('/sys/kernel/security/apparmor'):
    t.skip('there is AppArmor here')
  box = t.box('true')
  box.process['apparmorProfile'] = 'no-such-profile'
  box.refused()


@clause(WHERE, MUST, 'the process is the one that runs the program, not a child of it')
def is_program(t):
  box = t.box(args=['sleep', '4322']).launch()
  t.same(read('/proc/%d/cmdline' % box.pid()).split('\0')[:2], ['sleep', '4322'])
  t.true(is_alive(box.pid()), 'it is gone')
