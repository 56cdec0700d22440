"""linux.seccomp."""

from lib import also_as_user, everyone, status_field


def forbid(box, *names, action='SCMP_ACT_ERRNO', default='SCMP_ACT_ALLOW', **more):
  rule = {'names': list(names), 'action': action}
  rule.update(more)
  box.linux['seccomp'] = {'defaultAction': default, 'architectures': ['SCMP_ARCH_X86_64'],
                          'syscalls': [rule]}
  return box


@everyone
def test_a_call_fails_with_EPERM(t):
  for value in (True, False):
    box = t.box('mkdir /tmp/x; test -d /tmp/x || echo none', noNewPrivileges=value)
    result = forbid(box, 'mkdir', 'mkdirat').run()
    t.same((result.out, result.err),
           ('none\n', "mkdir: can't create directory '/tmp/x': Operation not permitted\n"))


def test_the_errno_can_be_chosen(t):
  result = forbid(t.box('mkdir /tmp/x'), 'mkdir', 'mkdirat', errnoRet=28).run()
  t.same(result.err, "mkdir: can't create directory '/tmp/x': No space left on device\n")


def test_the_errno_may_be_0(t):
  box = forbid(t.box('mkdir /tmp/x && ls -d /tmp/x'), 'mkdir', 'mkdirat', errnoRet=0)
  t.same(box.run().err, 'ls: /tmp/x: No such file or directory\n')


def test_all_argument_conditions_have_to_hold(t):
  box = t.box('chmod 700 /tmp; chmod 711 /tmp; stat -c %a /tmp')
  forbid(box, 'chmod', args=[{'index': 1, 'value': 0o711, 'op': 'SCMP_CMP_EQ'}])
  result = box.run()
  t.same((result.out, result.err), ('700\n', 'chmod: /tmp: Operation not permitted\n'))


def test_a_masked_comparison(t):
  box = t.box('chmod 1700 /tmp; chmod 2700 /tmp; stat -c %a /tmp')
  forbid(box, 'chmod', args=[{'index': 1, 'value': 0o2000, 'valueTwo': 0o2000,
                              'op': 'SCMP_CMP_MASKED_EQ'}])
  result = box.run()
  t.same((result.out, result.err), ('1700\n', 'chmod: /tmp: Operation not permitted\n'))


def test_two_conditions_on_one_argument_are_two_rules(t):
  box = t.box('for m in 700 711 755; do chmod $m /tmp 2>/dev/null && echo $m; done')
  forbid(box, 'chmod', args=[{'index': 1, 'value': 0o711, 'op': 'SCMP_CMP_EQ'},
                             {'index': 1, 'value': 0o755, 'op': 'SCMP_CMP_EQ'}])
  t.same(box.run().out, '700\n')


def test_of_rules_that_contradict_each_other_the_most_restrictive_counts(t):
  box = t.box('for m in 700 711 755; do chmod $m /tmp && echo $m; done')
  forbid(box, 'chmod', args=[{'index': 1, 'value': 0o711, 'op': 'SCMP_CMP_GE'}], errnoRet=28)
  rules = box.linux['seccomp']['syscalls']
  rules.insert(0, {'names': ['chmod'], 'action': 'SCMP_ACT_LOG',
                   'args': [{'index': 1, 'value': 0o755, 'op': 'SCMP_CMP_EQ'}]})
  result = box.run(before=['--log-level', 'warning'])
  t.same((result.out, result.err), (
    '700\n', 'warning: linux.seccomp: rules on chmod with different actions can apply to the same call: '
    'the most restrictive one counts\n' + 2 * 'chmod: /tmp: No space left on device\n'))


def test_a_filter_that_is_too_long(t):
  box = forbid(t.box('true'), 'ioctl')
  box.linux['seccomp']['syscalls'] = [
    {'names': ['ioctl'], 'action': 'SCMP_ACT_ERRNO',
     'args': [{'index': 1, 'value': number << 32, 'op': 'SCMP_CMP_EQ'}]} for number in range(1100)]
  result = box.run()
  t.same((result.rc, result.err), (
    1, 'linux.seccomp: the filter would have more than 4096 instructions, which is all that the kernel takes\n'))


def test_the_process_can_be_killed(t):
  box = forbid(t.box('mkdir /tmp/x; echo $?'), 'mkdir', 'mkdirat', action='SCMP_ACT_KILL_PROCESS')
  t.same(box.run().out, '159\n')


def test_a_filter_that_allows_a_list(t):
  box = t.box(args=['echo', 'fine'])
  forbid(box, *'''read write open openat close stat fstat lstat mmap mprotect munmap brk
         rt_sigaction rt_sigprocmask ioctl access execve exit_group arch_prctl getuid getgid
         geteuid getegid getpid prctl set_tid_address set_robust_list rseq prlimit64 readlink
         readlinkat getrandom newfstatat writev futex getcwd capset capget setgroups setresuid
         setresgid chdir setuid
         setgid fchdir close_range dup2 dup3 fcntl recvmsg sendmsg poll exit'''.split(),
         action='SCMP_ACT_ALLOW', default='SCMP_ACT_ERRNO')
  t.same(box.output(), 'fine\n')


@also_as_user
def test_the_filter_is_in_force(t):
  box = forbid(t.box('cat /proc/self/status'), 'swapon')
  t.same(status_field(box.output(), 'Seccomp'), '2')
  t.same(status_field(t.box('cat /proc/self/status').output(), 'Seccomp'), '0')


def test_an_unknown_call_is_ignored(t):
  t.same(forbid(t.box('echo fine'), 'no_such_call', 'mkdir').output(), 'fine\n')


def test_flags(t):
  box = forbid(t.box('echo fine'), 'mkdir')
  box.linux['seccomp']['flags'] = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
  t.same(box.output(), 'fine\n')


def test_several_architectures(t):
  box = forbid(t.box('mkdir /tmp/x 2>/dev/null || echo refused'), 'mkdir', 'mkdirat')
  box.linux['seccomp']['architectures'] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
  t.same(box.output(), 'refused\n')


def test_without_architectures_it_is_the_own_one(t):
  box = forbid(t.box('mkdir /tmp/x 2>/dev/null || echo refused'), 'mkdir', 'mkdirat')
  del box.linux['seccomp']['architectures']
  t.same(box.output(), 'refused\n')


def test_the_calls_of_the_runtime_itself_may_be_forbidden(t):
  for value in (True, False):
    box = t.box('echo fine', noNewPrivileges=value, user={'uid': 5, 'gid': 5})
    forbid(box, 'mount', 'umount2', 'pivot_root', 'setns', 'unshare', 'open_tree', 'move_mount',
           'fsopen', 'openat2', 'mount_setattr', 'sethostname', 'mknod', 'mknodat', 'keyctl',
           'setsid', 'socketpair', 'clone3')
    t.same(box.output(), 'fine\n')
