"""Class D: ids, groups, capabilities and filters that come out as something else."""

import os
import random

from catalogue import end, execute, powerful, read, refused, row, running
from lib import status_field
from races import SECONDS, TRIES

# What setresuid(2) takes for "leave it", what wraps around in 32 bits, and what strtol(3) makes 0 of.
BAD_IDS = ('4294967295', '4294967296', '4294967297', '-1', '"0"', '"1"', '1.0', '1e3', '0x10', '01', ' "0"',
           'null', '18446744073709551616', 'true', '[1]', '{}', '-0')


@row('D1', 'CVE-2016-3697', sample=True)
def row_a_number_that_is_a_name_in_the_image(t):
  passwd = '1000:x:0:0::/:/bin/sh\nroot:x:0:0::/root:/bin/sh\n'
  box = t.box('id -u; id -g', user={'uid': 1000, 'gid': 1000})
  box.file('etc/passwd', passwd)
  box.file('etc/group', '1000:x:0:\n')
  t.same(box.run().out.split(), ['1000', '1000'])
  box = t.box('sleep 60')
  box.file('etc/passwd', passwd)
  running(t, box=box)
  t.same(execute(box, '--user', '1000:1000', 'sh', '-c', 'id -u; id -g').out.split(), ['1000', '1000'])
  end(box)


def bits(names):
  known = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL',
           'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE']
  return known, sum(1 << known.index(name) for name in names)


@row('D2', 'CVE-2016-8867, CVE-2021-20188', sample=True, seconds=SECONDS)
def row_capabilities_are_those_of_the_config(t):
  """Sets by chance, for root and for others: the kernel says what a program then has."""
  chance = random.Random(20260101)
  known, _ = bits([])
  for number in range(max(40, TRIES // 20)):
    uid = chance.choice((0, 1000))
    bounding = [name for name in known if chance.random() < 0.7]
    permitted = [name for name in bounding if chance.random() < 0.7]
    effective = [name for name in permitted if chance.random() < 0.7]
    box = t.box(args=['cat', '/proc/self/status'], user={'uid': uid, 'gid': uid})
    box.process['capabilities'] = {'bounding': bounding, 'permitted': permitted,
                                   'effective': effective, 'inheritable': [], 'ambient': []}
    result = box.run()
    t.same(result.rc, 0, str(result))
    # What the kernel makes of it at the exec: root gets its bounding set, others nothing.
    most = bits(bounding)[1] if uid == 0 else 0
    for name in ('CapInh', 'CapAmb', 'CapPrm', 'CapEff'):
      found = int(status_field(result.out, name), 16)
      t.true(found & ~(most if name[3:] in ('Prm', 'Eff') else 0) == 0,
             '%s is %x with uid %d and %r' % (name, found, uid, box.process['capabilities']))
    t.same(int(status_field(result.out, 'CapBnd'), 16), bits(bounding)[1], 'CapBnd %d' % number)


@row('D3', 'CVE-2022-24769, CVE-2022-27650, CVE-2022-29162, CVE-2025-27612', sample=True)
def row_nothing_is_inheritable(t):
  box = t.box('grep CapInh: /proc/self/status; sleep 60')
  running(t, box=box)
  t.wait(lambda: 'CapInh' in box.written(), 'it tells')
  t.same(box.written().split()[1].strip('0'), '', 'run')
  for words in ((), ('--cap', 'CAP_NET_RAW')):
    result = execute(box, *words, 'grep', 'CapInh:', '/proc/self/status')
    t.same(result.out.split()[1].strip('0'), '', 'exec %s' % ' '.join(words))
  end(box)


@row('D4', 'CVE-2026-30892', sample=True, control=True)
def row_users_of_exec_are_who_they_seem_to_be(t):
  box = running(t)
  good = {'1': ('1', None), '1:2': ('1', '2'), '4294967294': ('4294967294', None), '0': ('0', '0'),
          '2147483648': ('2147483648', None)}
  for text in list(good) + ['-1', '4294967295', '4294967296', '4294967297', '0x10', '1x', ' 1', '1 ', '1:',
                            ':1', '1:-1', '1:4294967295', '1:4294967296', '+1', '1.0', '1:2:3',
                            '18446744073709551616']:
    result = execute(box, '--user', text, 'sh', '-c', 'id -u; id -g')
    found = result.out.split()
    if text in good:
      uid, gid = good[text]
      strict = int(uid) >= 1 << 31 and result.rc != 0  # some take 31 bits only
      t.true(strict or (found and found[0] == uid and gid in (None, found[1])), '%s: %s' % (text, result))
    else:
      t.true(result.rc != 0, '%r was accepted, and is %s' % (text, found))
    t.results.clear()
  end(box)


@row('D5', 'CVE-2024-40635, CVE-2026-46680', sample=True, control=True)
def row_ids_in_the_config_never_wrap_around(t):
  for text in BAD_IDS:
    for name in ('uid', 'gid'):
      box = t.box('id -u; id -g')
      box.save()
      whole = read(box.directory + '/config.json')
      box.text = whole.replace('"%s": 0' % name, '"%s": %s' % (name, text), 1)
      t.true(box.text != whole, 'nothing was replaced')
      if text == '-0':
        t.true('0\n0\n' == box.run().out or box.run().rc != 0, text)
      else:
        refused(t, box.run(), '%s %s' % (name, text))
      t.results.clear()
  for text in ('4294967295', '"0"', '-1'):
    box = t.box('id -G')
    box.save()
    whole = read(box.directory + '/config.json')
    box.text = whole.replace('"gid": 0', '"gid": 0, "additionalGids": [%s]' % text, 1)
    refused(t, box.run(), 'additionalGids ' + text)


@row('D6', 'CVE-2022-36109, CVE-2022-2989, CVE-2023-25173', sample=True)
def row_groups_are_those_of_the_config(t):
  for more in ([], [7, 8]):
    box = t.box('grep Groups: /proc/self/status')
    box.process['user']['additionalGids'] = more
    result = box.run(preexec_fn=lambda: os.setgroups([42, 4]))
    t.true(set(map(int, result.out.split()[1:])) <= {0, *more}, str(result))
    t.true(set(more) <= set(map(int, result.out.split()[1:])), str(result))
  box = running(t)
  result = execute(box, 'grep', 'Groups:', '/proc/self/status',
                   preexec_fn=lambda: os.setgroups([42, 4]))
  t.true(set(map(int, result.out.split()[1:])) <= {0}, str(result))
  end(box)


def filter_of(box, rules, **more):
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
                          'syscalls': rules, **more}


def needs_x86_64(t):
  if os.uname().machine != 'x86_64':
    t.skip('the numbers are those of x86_64')


@row('D7', 'CVE-2017-18367', sample=True)
def row_all_conditions_of_a_rule_have_to_hold(t):
  needs_x86_64(t)
  box = t.box('kill -0 2; echo $?; kill -0 1; echo $?; kill -CONT 2; echo $?; kill -CONT 1; echo $?')
  box.namespace('pid')
  filter_of(box, [{'names': ['kill'], 'action': 'SCMP_ACT_ERRNO', 'args': [
    {'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, {'index': 1, 'value': 18, 'op': 'SCMP_CMP_EQ'}]}])
  result = box.run()
  t.same(result.out.split(), ['1', '0', '1', '1'], str(result))
  t.same(result.err.count('not permitted'), 1, result.err)


@row('D8', 'CVE-2019-9893', sample=True)
def row_comparisons_beyond_32_bits(t):
  """truncate -s N calls ftruncate(2) with a 64-bit N: which of them fail is what the rule says."""
  needs_x86_64(t)
  sizes = (1, 0xffffffff, 0x100000000, 0x100000001, 0x1ffffffff, 0x200000000)
  rules = {'SCMP_CMP_GE': lambda n: n >= 0x100000001, 'SCMP_CMP_LT': lambda n: n < 0x100000001,
           'SCMP_CMP_GT': lambda n: n > 0x100000001, 'SCMP_CMP_LE': lambda n: n <= 0x100000001,
           'SCMP_CMP_EQ': lambda n: n == 0x100000001, 'SCMP_CMP_NE': lambda n: n != 0x100000001}
  for word, wanted in rules.items():
    box = t.box('cd /tmp; for n in %s; do truncate -s $n f 2>/dev/null && echo y || echo n; done'
                % ' '.join(map(str, sizes)))
    box.mount('/tmp', 'tmpfs', [], 'tmpfs')
    filter_of(box, [{'names': ['ftruncate'], 'action': 'SCMP_ACT_ERRNO', 'args': [
      {'index': 1, 'value': 0x100000001, 'op': word}]}])
    t.same(box.run().out.split(), ['n' if wanted(size) else 'y' for size in sizes], word)


# getpid by its number, and exit with 7 if that gives a pid, else with 0.
TRY = '85c0' '7f09' '31ff' 'b83c000000' '0f05' 'bf07000000' 'b83c000000' '0f05'
FOREIGN = {'i386': 'b814000000' 'cd80' + TRY, 'x32': 'b827000040' '0f05' + TRY}


@row('D9', 'runc #3474, #4219', sample=True)
def row_calls_of_another_architecture(t):
  """They have other numbers: what a filter for x86_64 forbids is forbidden by those, too."""
  needs_x86_64(t)
  tried = 0
  for name, code in FOREIGN.items():
    box = t.box(args=['/foreign'])
    write_elf(box.rootfs + '/foreign', bytes.fromhex(code))
    os.chmod(box.rootfs + '/foreign', 0o755)
    if box.run().rc != 7:
      continue  # the kernel does not know them
    tried += 1
    filter_of(box, [{'names': ['getpid'], 'action': 'SCMP_ACT_ERRNO'}])
    result = box.run()
    t.true(result.rc != 7, 'a call of %s was let through: %s' % (name, result))
  if not tried:
    t.skip('this kernel knows no other architecture')


# What the runtime itself may need once the filter is there.
NEEDED = ('access arch_prctl brk capget capset chdir clock_gettime close close_range dup3 epoll_create1 epoll_ctl '
          'epoll_pwait eventfd2 execve execveat exit exit_group faccessat faccessat2 fchdir fcntl fstat fstatfs '
          'futex getcwd getdents64 geteuid getgid getppid getrandom gettid getuid ioctl keyctl lseek lstat '
          'madvise mmap mprotect munmap nanosleep newfstatat open openat openat2 pipe2 poll ppoll prctl pread64 '
          'prlimit64 read readlink readlinkat recvmsg rseq rt_sigaction rt_sigprocmask rt_sigreturn '
          'sched_getaffinity sched_yield sendmsg set_robust_list set_tid_address setgid setgroups setresgid '
          'setresuid setsid setuid sigaltstack stat statfs statx tgkill tkill umask uname wait4 write').split()


@row('D9n', 'runc #2151: a system call of tomorrow', sample=True)
def row_a_call_that_nobody_knows_yet(t):
  """C libraries go by ENOSYS to find out whether there is a new call; EPERM makes them fail."""
  needs_x86_64(t)
  for number, wanted in ((39, 1), (16000, 38)):  # getpid, which is denied; EPERM and ENOSYS
    box = t.box(args=['/one'])
    # The call; its error is what the program exits with.
    write_elf(box.rootfs + '/one', b'\xb8' + number.to_bytes(4, 'little') + bytes.fromhex(
      '0f05' 'f7d8' '89c7' 'b83c000000' '0f05'))
    os.chmod(box.rootfs + '/one', 0o755)
    filter_of(box, [{'names': NEEDED, 'action': 'SCMP_ACT_ALLOW'}], defaultAction='SCMP_ACT_ERRNO')
    t.same(box.run().rc, wanted, 'number %d' % number)


def write_elf(path, code):
  """A program of nothing but this code."""
  base, start = 0x400000, 120
  header = b'\x7fELF\x02\x01\x01' + bytes(9) + (2).to_bytes(2, 'little') + (62).to_bytes(2, 'little')
  header += (1).to_bytes(4, 'little') + (base + start).to_bytes(8, 'little')
  header += (64).to_bytes(8, 'little') + bytes(8) + bytes(4) + (64).to_bytes(2, 'little')
  header += (56).to_bytes(2, 'little') + (1).to_bytes(2, 'little') + bytes(6)
  segment = (1).to_bytes(4, 'little') + (5).to_bytes(4, 'little') + bytes(8)
  segment += base.to_bytes(8, 'little') * 2 + (start + len(code)).to_bytes(8, 'little') * 2
  segment += (0x1000).to_bytes(8, 'little')
  with open(path, 'wb') as file:
    file.write(header + segment + code)


@row('D10', 'CVE-2026-30892 and others: what the kernel has at the end', sample=True)
def row_no_new_privileges_and_filter_are_in_force(t):
  for uid in (0, 1000):
    box = t.box(args=['cat', '/proc/self/status'], user={'uid': uid, 'gid': uid})
    filter_of(box, [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}])
    out = box.run().out
    t.same((status_field(out, 'NoNewPrivs'), status_field(out, 'Seccomp')), ('1', '2'))
    t.same(status_field(out, 'Uid').split(), [str(uid)] * 4)
    t.same(status_field(out, 'Gid').split(), [str(uid)] * 4)


@row('D11', 'no CVE: exec forgets what the container has', sample=True)
def row_exec_has_the_containers_protection(t):
  box = powerful(t.box('sleep 60'), 'CAP_KILL')
  filter_of(box, [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}])
  running(t, box=box)
  out = execute(box, 'cat', '/proc/self/status').out
  t.same((status_field(out, 'NoNewPrivs'), status_field(out, 'Seccomp'),
          int(status_field(out, 'CapBnd'), 16)), ('1', '2', 1 << 5))
  end(box)
