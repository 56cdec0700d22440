"""Bundles of the shape that engines write: what is in them decides what a runtime has to do.

minimal is what runtimes' own "spec" gives.  podman and docker have the mounts, masks, limits, device rules and
the seccomp profile, of some four hundred names, that these engines give a container by default.
"""

import json
import os
import pathlib
import re
import resource
import shutil

HEADERS = '/usr/include/x86_64-linux-gnu/asm/unistd_%s.h'
NEWEST = 450  # of the numbers of system calls: newer headers do not make a longer profile

# What engines refuse to programs without the privilege that they are about.
REFUSED = '''
  acct bdflush bpf clock_settime clock_settime64 create_module delete_module fanotify_init finit_module
  get_kernel_syms init_module io_pgetevents ioperm iopl kcmp kexec_file_load kexec_load lookup_dcookie
  migrate_pages move_pages nfsservctl nice oldfstat oldlstat oldolduname oldstat olduname open_by_handle_at
  perf_event_open process_madvise query_module quotactl setdomainname sethostname setns settimeofday sgetmask
  ssetmask stime swapoff swapon sysfs uselib userfaultfd ustat vhangup vm86 vm86old vmsplice'''.split()
# Neither allowed nor refused by name: never finished, or with rules of their own.
UNNAMED = '''
  _sysctl afs_syscall break ftime gtty idle lock mpx prof profil putpmsg getpmsg security stty tuxcall ulimit
  vserver io_uring_enter io_uring_register io_uring_setup quotactl_fd set_mempolicy_home_node personality
  socket'''.split()
PERSONALITIES = (0, 8, 0x20000, 0x20008, 0xffffffff)

CAPABILITIES = ['CAP_' + name for name in '''
  CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'''.split()]
MORE_CAPABILITIES = CAPABILITIES + ['CAP_AUDIT_WRITE', 'CAP_MKNOD', 'CAP_NET_RAW']

PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
ID = '4e7a90c1d35f'
LONG_ID = ID + '2b8d60f4a1937ce5d8021b6f493ae7c50d1f8246b93ea0c75d46'

QUIET = ['nosuid', 'noexec', 'nodev']
MASKED = ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
          '/proc/sched_debug', '/proc/scsi', '/sys/firmware']
READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']


def known_calls():
  """The names of this machine's system calls and its 32-bit ones."""
  names = set()
  for width in ('64', '32'):
    text = pathlib.Path(HEADERS % width).read_text(encoding='utf-8')
    names |= {name for name, number in re.findall(r'#define __NR_(\w+)\s+(\d+)', text) if int(number) <= NEWEST}
  return names


def condition(index, value, operator='EQ'):
  return {'index': index, 'value': value, 'op': 'SCMP_CMP_' + operator}


def seccomp(refused_by_name):
  """The profile: Podman's names what it refuses, too, and tells unknown calls from refused ones."""
  names = sorted(known_calls() - set(REFUSED) - set(UNNAMED))
  rules = [{'names': names, 'action': 'SCMP_ACT_ALLOW'}]
  rules += [{'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [condition(0, value)]}
            for value in PERSONALITIES]
  if refused_by_name:
    rules.insert(0, {'names': sorted(REFUSED), 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1})
    rules.append({'names': ['socket'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 22,
                  'args': [condition(0, 16), condition(2, 9)]})
    rules += [{'names': ['socket'], 'action': 'SCMP_ACT_ALLOW', 'args': [condition(index, value, 'NE')]}
              for index, value in ((2, 9), (0, 16), (2, 9))]
  else:
    rules += [{'names': ['socket'], 'action': 'SCMP_ACT_ALLOW', 'args': [condition(0, value, operator)]}
              for value, operator in ((38, 'LT'), (39, 'EQ'), (40, 'GT'))]
  return {'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38 if refused_by_name else 1,
          'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], 'syscalls': rules}


def file_system(destination, kind, options, source=None):
  return {'destination': destination, 'type': kind, 'source': source or kind, 'options': options}


def usual_mounts():
  return [file_system('/proc', 'proc', QUIET),
          file_system('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
          file_system('/sys', 'sysfs', QUIET + ['ro']),
          file_system('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620',
                                             'gid=5']),
          file_system('/dev/mqueue', 'mqueue', QUIET)]


def shared_memory():
  return file_system('/dev/shm', 'tmpfs', QUIET + ['mode=1777', 'size=65536k'], 'shm')


def process(capabilities, **more):
  return {'user': {'uid': 0, 'gid': 0}, 'args': ['/bin/program'], 'cwd': '/', 'env': [PATH, 'TERM=xterm'],
          'capabilities': {kind: capabilities for kind in ('bounding', 'effective', 'permitted')}, **more}


def limit(kind, most):
  hard = resource.getrlimit(getattr(resource, kind))[1]
  most = most if hard == resource.RLIM_INFINITY else min(most, hard)
  return {'type': kind, 'hard': most, 'soft': most}


def namespaces(*kinds):
  return [{'type': kind} for kind in kinds]


def minimal(ground):
  spaces = namespaces('pid', 'network', 'ipc', 'uts', 'mount', *(['cgroup'] if ground.v2 else []))
  few = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return {'ociVersion': '1.0.2',
          'process': process(few, noNewPrivileges=True, rlimits=[limit('RLIMIT_NOFILE', 1024)]),
          'root': {'path': ground.rootfs, 'readonly': True}, 'hostname': 'bench',
          'mounts': usual_mounts() + [shared_memory()],
          'linux': {'resources': {'devices': [{'allow': False, 'access': 'rwm'}]}, 'namespaces': spaces,
                    'maskedPaths': MASKED, 'readonlyPaths': READONLY}}


def from_files(ground, destinations):
  return [file_system(place, 'bind', ['bind', 'rprivate'], f'{ground.files}/{os.path.basename(place)}')
          for place in destinations]


def podman(ground):
  spaces = namespaces('pid', 'network', 'ipc', 'uts', 'mount', *(['cgroup'] if ground.v2 else []))
  mounts = usual_mounts() + from_files(ground, ('/run/.containerenv', '/etc/hostname', '/etc/hosts',
                                                '/etc/resolv.conf'))
  mounts += [file_system('/dev/shm', 'bind', ['bind', 'rprivate'] + QUIET, f'{ground.files}/shm'),
             file_system('/sys/fs/cgroup', 'cgroup', ['rprivate'] + QUIET + ['relatime', 'ro'])]
  config = {'ociVersion': '1.0.2-dev',
            'process': process(CAPABILITIES, rlimits=[limit('RLIMIT_NOFILE', 1048576),
                                                      limit('RLIMIT_NPROC', 4194304)]),
            'root': {'path': ground.rootfs}, 'hostname': ID, 'mounts': mounts,
            'annotations': {'io.container.manager': 'libpod', 'io.podman.annotations.autoremove': 'FALSE',
                            'io.podman.annotations.init': 'FALSE', 'io.podman.annotations.privileged': 'FALSE',
                            'io.podman.annotations.publish-all': 'FALSE',
                            'org.opencontainers.image.stopSignal': '15'},
            'linux': {'sysctl': {'net.ipv4.ping_group_range': '0 0'},
                      'resources': {'devices': [{'allow': False, 'access': 'rwm'}]},
                      'cgroupsPath': f'{ground.cgroups}/libpod-{LONG_ID}', 'namespaces': spaces,
                      'seccomp': seccomp(True), 'maskedPaths': MASKED + ['/sys/fs/selinux', '/sys/dev/block'],
                      'readonlyPaths': ['/proc/asound'] + READONLY}}
  config['process']['user']['umask'] = 0o22
  config['process']['env'] += ['container=podman', 'HOME=/root', f'HOSTNAME={ID}']
  if 'pids' in ground.controllers:
    config['linux']['resources']['pids'] = {'limit': 2048}
  return config


def docker(ground):
  allowed = ((1, 5), (1, 3), (1, 9), (1, 8), (5, 0), (5, 1))
  rules = [{'allow': False, 'access': 'rwm'}]
  rules += [{'allow': True, 'type': 'c', 'major': major, 'minor': minor, 'access': 'rwm'}
            for major, minor in allowed]
  rules.append({'allow': False, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rwm'})
  mounts = usual_mounts() + [file_system('/sys/fs/cgroup', 'cgroup', ['ro'] + QUIET), shared_memory()]
  mounts += from_files(ground, ('/etc/resolv.conf', '/etc/hostname', '/etc/hosts'))
  config = {'ociVersion': '1.0.2-dev', 'process': process(MORE_CAPABILITIES, oomScoreAdj=0),
            'root': {'path': ground.rootfs}, 'hostname': ID, 'mounts': mounts,
            'linux': {'sysctl': {'net.ipv4.ip_unprivileged_port_start': '0',
                                 'net.ipv4.ping_group_range': '0 2147483647'},
                      'resources': {'devices': rules}, 'cgroupsPath': f'{ground.cgroups}/{LONG_ID}',
                      'namespaces': namespaces('mount', 'network', 'uts', 'pid', 'ipc',
                                               *(['cgroup'] if ground.v2 else [])),
                      'seccomp': seccomp(False),
                      'maskedPaths': MASKED + ['/proc/asound', '/proc/interrupts', '/sys/devices/virtual/powercap'],
                      'readonlyPaths': READONLY}}
  config['process']['user']['additionalGids'] = [0]
  return config


def write(config, folder):
  os.makedirs(folder, exist_ok=True)
  pathlib.Path(f'{folder}/config.json').write_text(json.dumps(config), encoding='utf-8')
  return folder


def make_rootfs(rootfs, program):
  """As an image has it: the places of all mounts are there, so that none has to be made."""
  for name in ('bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp'):
    os.makedirs(f'{rootfs}/{name}')
  for name in ('etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'run/.containerenv'):
    pathlib.Path(f'{rootfs}/{name}').touch()
  pathlib.Path(f'{rootfs}/etc/passwd').write_text('root:x:0:0:root:/root:/bin/sh\n', encoding='utf-8')
  pathlib.Path(f'{rootfs}/etc/group').write_text('root:x:0:\n', encoding='utf-8')
  shutil.copy(program, f'{rootfs}/bin/program')


def make_files(files):
  os.makedirs(f'{files}/shm')
  for name in ('.containerenv', 'hostname', 'hosts', 'resolv.conf'):
    pathlib.Path(f'{files}/{name}').write_text('127.0.0.1 localhost\n', encoding='utf-8')
