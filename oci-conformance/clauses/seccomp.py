"""config-linux.md, Seccomp."""

import array
import json
import os
import platform
import select
import socket

from kit import MUST, MUST_NOT, clause, field

WHERE = 'config-linux.md, Seccomp'
ARCHITECTURES = ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'] \
  if platform.machine() == 'x86_64' else []

MKDIR = {'names': ['mkdir', 'mkdirat']}
KILL = 1  # which of kill(2)'s arguments is the signal

# (operator, value, valueTwo, a signal that it matches, one that it does not)
OPERATORS = [('SCMP_CMP_NE', 17, 0, 18, 17), ('SCMP_CMP_LT', 18, 0, 17, 18), ('SCMP_CMP_LE', 18, 0, 18, 23),
             ('SCMP_CMP_EQ', 17, 0, 17, 18), ('SCMP_CMP_GE', 18, 0, 18, 17), ('SCMP_CMP_GT', 17, 0, 18, 17),
             ('SCMP_CMP_MASKED_EQ', 16, 16, 17, 1)]


def filtered(t, script, rules, **more):
  box = t.box(script)
  box.linux['seccomp'] = dict({'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': rules}, **more)
  if ARCHITECTURES:
    box.linux['seccomp'].setdefault('architectures', ARCHITECTURES)
  return box


@clause(WHERE, MUST, 'a filter is in force')
def in_force(t):
  box = filtered(t, 'true', [dict(MKDIR, action='SCMP_ACT_ERRNO')])
  box.process['args'] = ['cat', '/proc/self/status']
  t.same(field(box.output(), 'Seccomp'), '2')


@clause(WHERE, MUST, 'without seccomp there is no filter')
def absent(t):
  t.same(field(t.box(args=['cat', '/proc/self/status']).output(), 'Seccomp'), '0')


@clause(WHERE, MUST, 'a filter is in force without noNewPrivileges')
def in_force_with_privileges(t):
  box = filtered(t, 'mkdir /a 2>&1; echo over', [dict(MKDIR, action='SCMP_ACT_ERRNO')])
  box.process['noNewPrivileges'] = False
  t.has(box.output(), 'ot permitted')


@clause(WHERE, MUST, 'SCMP_ACT_ERRNO makes a system call fail with EPERM')
def errno_default(t):
  t.has(filtered(t, 'mkdir /a 2>&1; echo over', [dict(MKDIR, action='SCMP_ACT_ERRNO')]).output(),
        'ot permitted')


@clause(WHERE, MUST, 'an errnoRet of {} is what the system call fails with', [
  ('13', 'ermission denied'), ('28', 'No space left'), ('38', 'not implemented')])
def errno_ret(t, number, text):
  box = filtered(t, 'mkdir /a 2>&1; echo over',
                 [dict(MKDIR, action='SCMP_ACT_ERRNO', errnoRet=int(number))])
  t.has(box.output(), text)


@clause(WHERE, MUST, 'an errnoRet with an action that has none, {}, is an error',
        ['SCMP_ACT_ALLOW', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_LOG'])
def errno_ret_without(t, action):
  filtered(t, 'true', [dict(MKDIR, action=action, errnoRet=1)]).refused()


@clause(WHERE, MUST, 'a defaultErrnoRet with a defaultAction that has none is an error')
def default_errno_ret_without(t):
  filtered(t, 'true', [], defaultErrnoRet=1).refused()


@clause(WHERE, MUST, '{} ends a process that makes the system call',
        ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP'])
def kill(t, action):
  box = filtered(t, 'mkdir /a; echo $?', [dict(MKDIR, action=action)])
  t.same(box.output().splitlines()[-1], '159')


@clause(WHERE, MUST, '{} lets the system call be made', ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'])
def allow(t, action):
  t.same(filtered(t, 'mkdir /a && echo made', [dict(MKDIR, action=action)]).output(), 'made')


@clause(WHERE, MUST, 'SCMP_ACT_TRACE without a tracer makes the system call fail')
def trace(t):
  t.has(filtered(t, 'mkdir /a 2>&1; echo over', [dict(MKDIR, action='SCMP_ACT_TRACE')]).output(),
        'not implemented')


@clause(WHERE, MUST, 'a system call without a rule gets the defaultAction')
def default_action(t):
  # All that a small program needs, and not mkdir.
  box = filtered(t, 'mkdir /a 2>&1; echo over', [dict(names=everything_but_mkdir(),
                                                     action='SCMP_ACT_ALLOW')],
                 defaultAction='SCMP_ACT_ERRNO')
  t.has(box.output(), 'ot permitted')


@clause(WHERE, MUST, 'a defaultErrnoRet is what the defaultAction makes it fail with')
def default_errno_ret(t):
  box = filtered(t, 'mkdir /a 2>&1; echo over', [dict(names=everything_but_mkdir(),
                                                     action='SCMP_ACT_ALLOW')],
                 defaultAction='SCMP_ACT_ERRNO', defaultErrnoRet=28)
  t.has(box.output(), 'No space left')


def everything_but_mkdir():
  return '''
    access arch_prctl brk capget capset chdir clone clone3 close close_range dup dup2 dup3 epoll_create1
    epoll_ctl epoll_pwait execve execveat exit exit_group faccessat faccessat2 fchdir fchmod fchown fcntl
    fork fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getgroups getpgrp getpid getppid
    getrandom getresgid getresuid getrlimit getsid gettid getuid ioctl kill lseek lstat madvise mmap
    mprotect mremap munmap nanosleep newfstatat open openat openat2 pidfd_open pidfd_send_signal pipe
    pipe2 poll ppoll prctl pread64 prlimit64 pwrite64 read readlink readlinkat readv recvfrom recvmsg
    restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn sched_getaffinity
    sched_yield seccomp sendmsg sendto set_robust_list set_tid_address setgid setgroups setpgid
    setresgid setresuid setsid setuid shutdown sigaltstack socketpair stat statfs statx tgkill umask
    uname vfork wait4 waitid write writev clock_gettime clock_nanosleep sysinfo eventfd2 mincore
    setitimer getitimer timer_create timer_settime timer_delete keyctl splice fadvise64 sched_setaffinity
  '''.split()


@clause(WHERE, MUST, 'a rule with {} is for the calls whose argument matches', OPERATORS)
def operator_matches(t, operator, value, value_two, yes, _):
  rule = {'names': ['kill'], 'action': 'SCMP_ACT_ERRNO',
          'args': [{'index': KILL, 'value': value, 'valueTwo': value_two, 'op': operator}]}
  t.has(filtered(t, 'kill -%d 1 2>&1; echo over' % yes, [rule]).output(), 'ot permitted')


@clause(WHERE, MUST, 'a rule with {} is not for the calls whose argument does not match', OPERATORS)
def operator_matches_not(t, operator, value, value_two, _, no):
  rule = {'names': ['kill'], 'action': 'SCMP_ACT_ERRNO',
          'args': [{'index': KILL, 'value': value, 'valueTwo': value_two, 'op': operator}]}
  t.same(filtered(t, 'kill -%d 1 && echo sent' % no, [rule]).output(), 'sent')


@clause(WHERE, MUST, 'of several arguments all have to match')
def several_arguments(t):
  rule = {'names': ['kill'], 'action': 'SCMP_ACT_ERRNO',
          'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'},
                   {'index': KILL, 'value': 17, 'op': 'SCMP_CMP_EQ'}]}
  t.same(filtered(t, 'kill -17 1 2>/dev/null || echo first; kill -18 1 && echo second', [rule]
                  ).output().split(), ['first', 'second'])


@clause(WHERE, MUST, 'several rules for one system call are all in force')
def several_rules(t):
  rules = [{'names': ['kill'], 'action': 'SCMP_ACT_ERRNO',
            'args': [{'index': KILL, 'value': number, 'op': 'SCMP_CMP_EQ'}]} for number in (17, 18)]
  script = 'for s in 17 18 23; do kill -$s 1 2>/dev/null && echo $s; done'
  t.same(filtered(t, script, rules).output(), '23')


@clause(WHERE, MUST, 'a rule without a name is an error')
def names_empty(t):
  filtered(t, 'true', [{'names': [], 'action': 'SCMP_ACT_ERRNO'}]).refused()


@clause(WHERE, MUST, '{} of a rule is required', ['names', 'action'])
def rule_required(t, key):
  rule = dict(MKDIR, action='SCMP_ACT_ERRNO')
  del rule[key]
  filtered(t, 'true', [rule]).refused()


@clause(WHERE, MUST, 'defaultAction is required')
def default_action_required(t):
  box = filtered(t, 'true', [])
  del box.linux['seccomp']['defaultAction']
  box.refused()


@clause(WHERE, MUST, 'an unknown action is an error')
def action_unknown(t):
  filtered(t, 'true', [dict(MKDIR, action='SCMP_ACT_NONE')]).refused()


@clause(WHERE, MUST, 'an unknown defaultAction is an error')
def default_action_unknown(t):
  filtered(t, 'true', [], defaultAction='SCMP_ACT_NONE').refused()


@clause(WHERE, MUST, 'an unknown operator is an error')
def operator_unknown(t):
  filtered(t, 'true', [{'names': ['kill'], 'action': 'SCMP_ACT_ERRNO', 'args': [
    {'index': 0, 'value': 1, 'op': 'SCMP_CMP_NONE'}]}]).refused()


@clause(WHERE, MUST, 'an argument of index 6, which no system call has, is an error')
def index_unknown(t):
  filtered(t, 'true', [{'names': ['kill'], 'action': 'SCMP_ACT_ERRNO', 'args': [
    {'index': 6, 'value': 1, 'op': 'SCMP_CMP_EQ'}]}]).refused()


@clause(WHERE, MUST, 'an unknown architecture is an error')
def architecture_unknown(t):
  filtered(t, 'true', [], architectures=['SCMP_ARCH_NONE']).refused()


@clause(WHERE, MUST, 'the architecture {} is known', ARCHITECTURES or ['SCMP_ARCH_AARCH64'])
def architecture(t, name):
  box = filtered(t, 'echo fine', [dict(MKDIR, action='SCMP_ACT_ERRNO')], architectures=[name])
  t.same(box.output(), 'fine')


@clause(WHERE, MUST_NOT, 'a system call that is not known here is no error')
def syscall_unknown(t):
  box = filtered(t, 'mkdir /a 2>&1; echo over',
                 [{'names': ['no_such_call', 'mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO'}])
  t.has(box.output(), 'ot permitted')


@clause(WHERE, MUST, 'the flag {} is known', [
  'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'])
def flag(t, name):
  box = filtered(t, 'echo fine', [dict(MKDIR, action='SCMP_ACT_ERRNO')], flags=[name])
  t.same(box.output(), 'fine')


@clause(WHERE, MUST, 'an unknown flag is an error')
def flag_unknown(t):
  filtered(t, 'true', [dict(MKDIR, action='SCMP_ACT_ERRNO')],
           flags=['SECCOMP_FILTER_FLAG_NONE']).refused()


# -- the listener

# A call that neither a runtime nor the program makes: nobody would answer it.
UNUSED = {'names': ['swapoff'], 'action': 'SCMP_ACT_NOTIFY'}


def listen(t):
  here = os.getcwd()
  server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
  os.chdir(t.directory)
  server.bind('l')
  os.chdir(here)
  server.listen(1)
  t.later.append(server.close)
  return server, t.path('l')


def receive(t, box, server):
  """(the state that the runtime sends, how many descriptors came with it)"""
  box.create()
  # Whether the filter is loaded by create or by start is the runtime's choice.
  started = not select.select([server], [], [], 0.2)[0] and bool(box.start())
  t.true(select.select([server], [], [], 5)[0], 'nobody connects to the listener')
  connection, _ = server.accept()
  if not started and not select.select([connection], [], [], 0.2)[0]:
    box.start()
  t.true(select.select([connection], [], [], 5)[0], 'nothing is sent to the listener')
  size = array.array('i').itemsize
  data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(8 * size))
  fds = array.array('i')
  for _, _, raw in ancillary:
    fds.frombytes(raw[:len(raw) // size * size])
  for fd in fds:
    t.later.append(lambda fd=fd: os.close(fd))
  rest = connection.recv(1) if select.select([connection], [], [], 2)[0] else None
  connection.close()
  return json.loads(data.decode()), len(fds), rest


def notifying(t, **more):
  server, path = listen(t)
  box = filtered(t, 'sleep 100', [UNUSED], listenerPath=path, **more)
  return box, receive(t, box, server)


@clause(WHERE, MUST, 'with SCMP_ACT_NOTIFY the listener gets the descriptor of the filter')
def listener_descriptor(t):
  _, (state, count, _) = notifying(t)
  t.same((state.get('fds'), count), (['seccompFd'], 1))


@clause(WHERE, MUST, 'the listener gets the state of the container')
def listener_state(t):
  box, (state, _, _) = notifying(t)
  t.same((state.get('state', {}).get('id'), isinstance(state.get('ociVersion'), str)), (box.id, True))


@clause(WHERE, MUST, 'the listener gets the pid of the process')
def listener_pid(t):
  box, (state, _, _) = notifying(t)
  t.same(state.get('pid'), box.pid())


@clause(WHERE, MUST, 'the listener gets the listenerMetadata')
def listener_metadata(t):
  _, (state, _, _) = notifying(t, listenerMetadata='some data')
  t.same(state.get('metadata'), 'some data')


@clause(WHERE, MUST, 'the connection to the listener is closed when the state is sent')
def listener_closed(t):
  _, (_, _, rest) = notifying(t)
  t.same(rest, b'')


@clause(WHERE, MUST, 'a listener that is not there is an error')
def listener_missing(t):
  filtered(t, 'true', [UNUSED], listenerPath=t.path('nobody')).refused()


@clause(WHERE, MUST, 'SCMP_ACT_NOTIFY without listenerPath is an error')
def listener_path_missing(t):
  filtered(t, 'true', [UNUSED]).refused()


@clause(WHERE, MUST, 'without SCMP_ACT_NOTIFY listenerPath is ignored')
def listener_unused(t):
  box = filtered(t, 'echo fine', [dict(MKDIR, action='SCMP_ACT_ERRNO')], listenerPath=t.path('nobody'))
  t.same(box.output(), 'fine')


@clause(WHERE, MUST_NOT, 'listenerMetadata is not set without listenerPath: that is an error')
def listener_metadata_alone(t):
  filtered(t, 'true', [dict(MKDIR, action='SCMP_ACT_ERRNO')], listenerMetadata='some data').refused()
