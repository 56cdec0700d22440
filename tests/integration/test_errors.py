"""What goes wrong is told in one line: where, what, why and what to do.  And nothing is left.

The whole text is compared.  Most of these break one thing in a bundle that would work.
"""

import os
import socket
import stat

from lib import also_as_user, everyone, read, run_as, time_limit


def refused(t, box, text, *options):
  t.refused(box.try_create(*options), text)


# -- the file


@also_as_user
def test_there_is_no_bundle(t):
  t.refused(t.proa('create', '--bundle', '/nowhere', 'box'),
    'bundle /nowhere: no such file or directory')


def test_there_is_no_config(t):
  box = t.box()
  t.refused(t.proa('create', '--bundle', box.directory, box.id),
    'bundle BUNDLE: open config.json: no such file or directory: a bundle is a directory '
    'with a config.json; "proa spec" writes one to begin with')


def test_the_config_is_a_directory(t):
  box = t.box()
  os.mkdir(box.directory + '/config.json')
  t.refused(t.proa('create', '--bundle', box.directory, box.id),
    'bundle BUNDLE: read config.json: is a directory')


def test_the_config_is_a_fifo(t):
  box = t.box()
  os.mkfifo(box.directory + '/config.json')
  t.refused(t.proa('create', '--bundle', box.directory, box.id),
    'bundle BUNDLE: config.json is not a regular file')


def test_the_config_is_empty(t):
  box = t.box()
  box.text = ''
  refused(t, box, 'config.json:1:1: the file is empty')


@also_as_user
def test_the_config_is_no_json(t):
  box = t.box()
  box.text = '{\n  "ociVersion": "1.3.0",\n  "root": {"path": rootfs}\n}\n'
  refused(t, box, 'config.json:3:20: root.path: expected a value, found rootfs')


def test_the_config_ends_too_early(t):
  box = t.box()
  box.text = '{\n  "ociVersion": "1.3.0",\n  "root": {"path": "rootfs"}'
  refused(t, box, 'config.json:3:29: the file ends before it is complete')


def test_something_follows_the_config(t):
  box = t.box()
  box.text = '{\n  "ociVersion": "1.3.0",\n  "root": {"path": "rootfs"}\n}\n{}\n'
  refused(t, box, 'config.json:5:1: expected nothing more, found {')


def test_the_config_is_a_list(t):
  box = t.box()
  box.text = '[]'
  refused(t, box, 'config.json:1:1: expected an object, found an array')


def test_a_key_is_given_twice(t):
  box = t.box()
  box.text = '{"ociVersion": "1.3.0",\n "hostname": "a", "hostname": "b"}'
  refused(t, box, 'config.json:2:19: hostname: the key is given twice')


def test_a_misspelt_key_is_told_and_ignored(t):
  box = t.box('echo works')
  box.linux['seccmp'] = {'defaultAction': 'SCMP_ACT_KILL'}
  box.linux['vendorThing'] = {'seccmp': {}}
  result = box.run()
  t.same((result.rc, result.out, result.err), (
    0, 'works\n', 'warning: config.json: linux.seccmp is unknown and ignored: is "seccomp" meant?\n'))


def test_a_string_is_no_utf_8(t):
  box = t.box()
  box.save()
  with open(box.directory + '/config.json', 'wb') as file:
    file.write(b'{"ociVersion": "1.3.0", "hostname": "\xff\xfe"}')
  t.refused(t.proa('create', '--bundle', box.directory, box.id),
    'config.json:1:38: hostname: the byte 0xff is not UTF-8')


def test_a_string_has_a_nul(t):
  box = t.box()
  box.process['args'] = ['echo', 'a\0b']
  refused(t, box, 'config.json:1:84: process.args[1]: a string must not hold a NUL character')


def test_the_nesting_is_too_deep(t):
  box = t.box()
  box.text = '{"ociVersion": "1.3.0", "x": ' + '[' * 100000 + ']' * 100000 + '}'
  refused(t, box, 'config.json:1:93: x: nested deeper than 64 levels')


def test_the_file_is_too_large(t):
  box = t.box()
  box.save()
  os.truncate(box.directory + '/config.json', 1 << 30)
  t.refused(t.proa('create', '--bundle', box.directory, box.id),
    'bundle BUNDLE: config.json is larger than 16 MiB')


# -- types and ranges


def test_a_string_stands_where_a_number_should(t):
  box = t.box()
  box.text = ('{\n"ociVersion": "1.3.0",\n"process": {"rlimits": [\n'
              '  {"type": "RLIMIT_NOFILE", "soft": "x", "hard": 5}]}}')
  refused(t, box,
    'config.json:4:37: process.rlimits[0].soft: expected an unsigned 64-bit number, found '
    '"x"')


def test_a_number_is_negative(t):
  box = t.box()
  box.text = '{"ociVersion": "1.3.0",\n"process": {"user": {"uid": -1, "gid": 0}}}'
  refused(t, box,
    'config.json:2:29: process.user.uid: expected an id from 0 to 4294967294, found -1')


def test_a_number_has_a_fraction(t):
  box = t.box()
  box.text = '{"ociVersion": "1.3.0",\n"process": {"user": {"uid": 1.5, "gid": 0}}}'
  refused(t, box,
    'config.json:2:29: process.user.uid: expected an id from 0 to 4294967294, found 1.5')


def test_an_id_is_one_too_large(t):
  box = t.box()
  box.text = '{"ociVersion": "1.3.0",\n"process": {"user": {"uid": 4294967296, "gid": 0}}}'
  refused(t, box,
    'config.json:2:29: process.user.uid: expected an id from 0 to 4294967294, found '
    '4294967296')


def test_a_limit_is_too_large(t):
  box = t.box()
  box.text = ('{"ociVersion": "1.3.0",\n"process": {"rlimits": [{"type": "RLIMIT_NOFILE", '
              '"soft": 18446744073709551616, "hard": 5}]}}')
  refused(t, box,
    'config.json:2:59: process.rlimits[0].soft: expected an unsigned 64-bit number, found '
    '18446744073709551616')


def test_an_object_stands_where_a_list_should(t):
  box = t.box()
  box.config['mounts'] = {}
  refused(t, box, 'config.json:1:671: mounts: expected an array, found an object')


def test_a_bool_is_a_string(t):
  box = t.box(terminal='false')
  refused(t, box,
    'config.json:1:644: process.terminal: expected true or false, found "false": remove '
    'the quotes')


def test_ociVersion_is_missing(t):
  box = t.box()
  del box.config['ociVersion']
  refused(t, box, 'config.json:1:1: ociVersion is missing')


def test_ociVersion_is_of_the_future(t):
  box = t.box()
  box.config['ociVersion'] = '2.0.0'
  refused(t, box,
    'ociVersion: version 2.0.0 of the specification is not supported: the versions 1.x.y '
    'are')


def test_ociVersion_is_no_version(t):
  box = t.box()
  box.config['ociVersion'] = 'latest'
  refused(t, box, 'ociVersion: "latest" is not a version: it has the form 1.2.0')


# -- root and the program


def test_root_is_missing(t):
  box = t.box()
  del box.config['root']
  refused(t, box, 'root is missing')


@everyone
def test_the_rootfs_does_not_exist(t):
  box = t.box()
  box.config['root']['path'] = 'missing'
  refused(t, box, 'root.path: BUNDLE/missing does not exist')


def test_the_rootfs_is_a_file(t):
  box = t.box()
  box.config['root']['path'] = 'config.json'
  refused(t, box, 'root.path: BUNDLE/config.json is not a directory')


def test_process_is_missing(t):
  box = t.box()
  del box.config['process']
  box.create()
  result = t.proa('start', box.id)
  t.same((result.rc, result.err), (1, box.id + ': process is missing: a container can be created '
                                      'without, but not started\n'))
  t.same(box.status(), 'stopped')


def test_args_is_missing(t):
  box = t.box()
  del box.process['args']
  refused(t, box, 'process.args: there is no program to run')


def test_args_is_empty(t):
  refused(t, t.box(args=[]), 'process.args: there is no program to run')


def test_the_programs_name_is_empty(t):
  refused(t, t.box(args=['']), "process.args[0]: the program's name is empty")


@everyone
def test_the_program_is_not_found_in_PATH(t):
  refused(t, t.box(args=['gone', 'with', 'the', 'wind']),
    'process.args[0]: exec: "gone": executable file not found in $PATH')


@also_as_user
def test_the_program_does_not_exist(t):
  refused(t, t.box(args=['/opt/gone']),
    'process.args[0]: exec: "/opt/gone": stat /opt/gone: no such file or directory')


@also_as_user
def test_the_program_is_not_executable(t):
  box = t.box(args=['/etc/data'])
  box.file('etc/data', 'no program', 0o644)
  refused(t, box, 'process.args[0]: exec: "/etc/data": permission denied')


def test_the_program_is_a_directory(t):
  refused(t, t.box(args=['/etc']), 'process.args[0]: exec: "/etc": is a directory')


def test_the_programs_interpreter_does_not_exist(t):
  box = t.box(args=['/bin/script'])
  box.file('bin/script', '#!/opt/gone\n', 0o755)
  t.refused(box.run(),
    'process.args[0]: exec: "/bin/script": no such file or directory: the file is there: the '
    'interpreter that it names is not')


def test_the_program_is_of_no_known_format(t):
  box = t.box(args=['/bin/garbage'])
  box.file('bin/garbage', '\x01\x02\x03 garbage', 0o755)
  t.refused(box.run(), 'process.args[0]: exec: "/bin/garbage": exec format error')


def test_the_programs_file_system_is_noexec(t):
  box = t.box(args=['/mnt/true'])
  box.mount('/mnt', box.rootfs + '/bin', ['bind', 'noexec'])
  refused(t, box, 'process.args[0]: exec: "/mnt/true": permission denied')


def test_the_program_may_not_be_executed_by_this_user(t):
  box = t.box(args=['/bin/mine'], user={'uid': 1000, 'gid': 1000})
  box.process['capabilities'] = {}
  box.file('bin/mine', '#!/bin/sh\n', 0o700)
  refused(t, box, 'process.args[0]: exec: "/bin/mine": permission denied')


# -- the process


def test_cwd_is_relative(t):
  refused(t, t.box(cwd='tmp'),
    'process.cwd: "tmp" is not an absolute path: it is a path in the container and begins '
    'with /')


def test_cwd_is_missing(t):
  box = t.box()
  del box.process['cwd']
  refused(t, box, 'config.json:1:36: process: cwd is missing')


def test_cwd_is_a_file(t):
  box = t.box(cwd='/etc/data')
  box.file('etc/data')
  refused(t, box, 'process.cwd: "/etc/data" is not a directory')


def test_an_environment_entry_has_no_equals_sign(t):
  refused(t, t.box(env=['PATH=/bin', 'FOO']),
    'process.env[1]: "FOO" is not of the form NAME=VALUE: for an empty value end the name '
    'with =')


def test_the_uid_is_not_mapped(t):
  box = t.box(user={'uid': 5, 'gid': 0}).map_ids((0, 100000, 5))
  refused(t, box,
    "process.user.uid: 5 is not mapped in the container's user namespace: add it to "
    "linux.uidMappings")


@run_as('lone')
def test_the_uid_is_not_mapped_for_a_user_without_subordinate_ids(t):
  refused(t, t.box(user={'uid': 1, 'gid': 0}),
    "process.user.uid: 1 is not mapped in the container's user namespace: add it to "
    "linux.uidMappings")


@run_as('user')
def test_the_uid_lies_beyond_the_subordinate_ids(t):
  refused(t, t.box(user={'uid': 70000, 'gid': 0}),
    "process.user.uid: 70000 is not mapped in the container's user namespace: add it to "
    "linux.uidMappings")


def test_the_gid_is_not_mapped(t):
  box = t.box(user={'uid': 0, 'gid': 5}).map_ids((0, 100000, 5))
  refused(t, box,
    "process.user.gid: 5 is not mapped in the container's user namespace: add it to "
    "linux.gidMappings")


def test_an_additional_gid_is_not_mapped(t):
  box = t.box(user={'uid': 0, 'gid': 0, 'additionalGids': [1, 7]}).map_ids((0, 100000, 5))
  refused(t, box,
    "process.user.additionalGids[1]: 7 is not mapped in the container's user namespace: "
    "add it to linux.gidMappings")


@run_as('lone')
def test_additional_gids_for_a_user_without_subordinate_ids(t):
  refused(t, t.box(user={'uid': 0, 'gid': 0, 'additionalGids': [0]}),
    "process.user.additionalGids: the container's user namespace allows no change of "
    "groups: with more than one gid mapped, by newgidmap and /etc/subgid, it would")


def test_the_umask_is_out_of_range(t):
  refused(t, t.box(user={'uid': 0, 'gid': 0, 'umask': 0o1000}),
    'process.user.umask: 01000 is not from 0 to 0777')


def test_a_rlimit_is_given_twice(t):
  row = {'type': 'RLIMIT_NOFILE', 'soft': 5, 'hard': 9}
  refused(t, t.box(rlimits=[row, row]), 'process.rlimits[1]: RLIMIT_NOFILE is given twice')


def test_a_rlimit_is_unknown(t):
  refused(t, t.box(rlimits=[{'type': 'RLIMIT_FOO', 'soft': 5, 'hard': 9}]),
    'process.rlimits[0]: unknown type "RLIMIT_FOO": see getrlimit(2) for the limits there '
    'are')


def test_a_soft_limit_is_above_the_hard_one(t):
  refused(t, t.box(rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 10, 'hard': 9}]),
    'process.rlimits[0]: RLIMIT_NOFILE: soft limit 10 is above hard limit 9')


@also_as_user
def test_a_hard_limit_may_not_be_raised(t):
  refused(t, t.box(rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 10, 'hard': 1 << 31}]),
    'process.rlimits[0]: set RLIMIT_NOFILE to 10:2147483648: operation not permitted: the '
    'sysctl fs.nr_open allows ' + read('/proc/sys/fs/nr_open').strip())


def test_the_oom_score_is_out_of_range(t):
  refused(t, t.box(oomScoreAdj=1001), 'process.oomScoreAdj: 1001 is not from -1000 to 1000')


def test_nobody_takes_the_terminal(t):
  refused(t, t.box(terminal=True),
    'process.terminal: nobody would take the terminal: give --console-socket, or set '
    'process.terminal to false')


def with_devpts(box):
  return box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')


def test_a_terminal_without_devpts(t):
  refused(t, t.box(terminal=True),
    'process.terminal: open /dev/pts/ptmx in the container: no such file or directory: a terminal '
    'needs a mount of type devpts on /dev/pts, with newinstance and ptmxmode=0666',
    '--console-socket', '/nowhere/socket')


def test_the_console_socket_does_not_exist(t):
  box = with_devpts(t.box(terminal=True))
  refused(t, box, '--console-socket: nobody listens on /nowhere/socket',
    '--console-socket', '/nowhere/socket')


def test_nobody_listens_at_the_console_socket(t):
  path = t.path('socket')
  with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path)
  refused(t, with_devpts(t.box(terminal=True)),
    '--console-socket: nobody listens on HERE/socket', '--console-socket', path)


def test_a_console_socket_without_a_terminal(t):
  refused(t, t.box(),
    '--console-socket: the container has no terminal: set process.terminal to true',
    '--console-socket', '/nowhere/socket')


# -- namespaces and mappings


def test_a_namespace_is_of_an_unknown_type(t):
  refused(t, t.box().namespace('mnt'),
    'linux.namespaces[4]: unknown type "mnt": the types are cgroup, ipc, mount, network, '
    'pid, time, user and uts')


def test_a_namespace_is_given_twice(t):
  box = t.box()
  box.linux['namespaces'].append({'type': 'pid'})
  refused(t, box, 'linux.namespaces[4]: pid is given twice')


def test_a_namespaces_path_is_relative(t):
  refused(t, t.box().namespace('uts', 'ns/uts'),
    'linux.namespaces[3]: path "ns/uts" is not absolute')


def test_a_namespaces_path_does_not_exist(t):
  refused(t, t.box().namespace('uts', '/nowhere/uts'),
    'linux.namespaces[3]: open /nowhere/uts: no such file or directory')


def test_a_namespaces_path_is_another_file(t):
  box = t.box()
  refused(t, box.namespace('uts', box.file('etc/file')),
    'linux.namespaces[3]: BUNDLE/rootfs/etc/file is not a namespace')


def test_a_namespaces_path_is_of_another_type(t):
  refused(t, t.box().namespace('uts', '/proc/self/ns/ipc'),
    'linux.namespaces[3]: /proc/self/ns/ipc is of type ipc, not uts')


def test_a_hostname_without_its_namespace(t):
  box = t.box().no_namespace('uts')
  box.config['hostname'] = 'x'
  refused(t, box,
    'hostname: the container shares the host\'s UTS namespace: add {"type": "uts"} to '
    'linux.namespaces, or remove hostname')


def test_a_hostname_is_too_long(t):
  box = t.box()
  box.config['hostname'] = 'h' * 65
  refused(t, box, 'hostname: 65 bytes are too many, the kernel takes 64')


def test_id_ranges_overlap(t):
  refused(t, t.box().map_ids((0, 100000, 10), (9, 200000, 10)),
    'linux.uidMappings: ranges 0 and 1 overlap')


def test_an_id_range_is_empty(t):
  refused(t, t.box().map_ids((0, 100000, 0)), 'linux.uidMappings: size of range 0 is 0')


def test_there_are_too_many_id_ranges(t):
  box = t.box().map_ids(*((number, 100000 + number, 1) for number in range(341)))
  refused(t, box, 'linux.uidMappings: 341 ranges, but the kernel takes 340')


def test_a_user_namespace_without_mappings(t):
  refused(t, t.box().namespace('user'),
    'linux.uidMappings is missing: a new user namespace needs linux.uidMappings and '
    'linux.gidMappings')


@run_as('user')
def test_a_range_of_ids_is_another_users(t):
  box = t.box().map_ids((0, 300000, 10))
  refused(t, box,
    'linux.uidMappings: /usr/bin/newuidmap failed: newuidmap: uid range [0-10) -> '
    '[300000-300010) not allowed: the ranges must lie within what /etc/subuid and '
    '/etc/subgid give you')


@run_as('lone')
def test_a_user_without_subordinate_ids_asks_for_some(t):
  box = t.box().map_ids((0, 300000, 10))
  refused(t, box,
    'linux.uidMappings: /usr/bin/newuidmap failed: newuidmap: uid range [0-10) -> '
    '[300000-300010) not allowed: the ranges must lie within what /etc/subuid and '
    '/etc/subgid give you')


def test_time_offsets_without_their_namespace(t):
  box = t.box()
  box.linux['timeOffsets'] = {'monotonic': {'secs': 5}}
  refused(t, box,
    'linux.timeOffsets: the container has no new time namespace: add {"type": "time"}, '
    'without a path, to linux.namespaces')


# -- mounts


@also_as_user
def test_a_bind_source_does_not_exist(t):
  box = t.box().mount('/mnt', '/nowhere/source', ['bind'])
  refused(t, box,
    'mounts[2] (/mnt): bind source /nowhere/source: no such file or directory: the source '
    'of a bind mount must be there before the container is')


@run_as('user')
def test_a_bind_source_may_not_be_read(t):
  refused(t, t.box().mount('/mnt', '/root/secret', ['bind']),
    'mounts[2] (/mnt): bind source /root/secret: permission denied')


def test_a_bind_mount_without_a_source(t):
  refused(t, t.box().mount('/mnt', None, ['bind']), 'mounts[2] (/mnt): a bind mount needs a source')


def test_a_file_is_bound_to_a_directory(t):
  box = t.box()
  box.mount('/mnt', box.file('etc/file'), ['bind'])
  refused(t, box, 'mounts[2] (/mnt): the source is a file and the destination a directory')


def test_a_directory_is_bound_to_a_file(t):
  box = t.box()
  box.file('etc/file')
  box.mount('/etc/file', box.rootfs + '/bin', ['bind'])
  refused(t, box, 'mounts[2] (/etc/file): the source is a directory and the destination a file')


def test_a_file_system_is_unknown(t):
  refused(t, t.box().mount('/mnt', 'x', [], 'floppyfs'),
    'mounts[2] (/mnt): mount a floppyfs: no such device: the kernel has no file system '
    '"floppyfs"')


def test_an_option_of_a_bind_mount_is_unknown(t):
  box = t.box()
  refused(t, box.mount('/mnt', box.rootfs, ['bind', 'readonly']),
    'mounts[2] (/mnt): unknown option "readonly": only a mount of a file system takes '
    'options of its own')


def test_an_option_of_a_file_system_is_unknown(t):
  refused(t, t.box().mount('/mnt', 'tmpfs', ['colour=red'], 'tmpfs'),
    'mounts[2] (/mnt): mount a tmpfs: colour: invalid argument: the kernel says "tmpfs: '
    'Unknown parameter \'colour\'"')


def test_a_mount_has_no_type(t):
  refused(t, t.box().mount('/mnt', 'x', []),
    'mounts[2] (/mnt): the type is missing: a bind mount says so by the option bind or '
    'rbind')


def test_a_mount_has_no_destination(t):
  refused(t, t.box().mount('', 'tmpfs', [], 'tmpfs'), 'mounts[2]: the destination is empty')


def test_the_way_to_a_destination_leads_through_a_file(t):
  box = t.box().mount('/etc/file/below', 'tmpfs', [], 'tmpfs')
  box.file('etc/file')
  refused(t, box,
    'mounts[2] (/etc/file/below): open /etc/file/below in the container: not a directory')


def test_a_masked_path_without_a_mount_namespace(t):
  box = t.box().no_namespace('mount')
  box.linux['maskedPaths'] = ['/proc/keys']
  refused(t, box,
    'linux.maskedPaths needs a new mount namespace: it would change what others see; add '
    '{"type": "mount"} to linux.namespaces')


def test_a_masked_path_is_relative(t):
  box = t.box()
  box.linux['maskedPaths'] = ['proc/keys']
  refused(t, box, 'linux.maskedPaths[0]: "proc/keys" is not absolute')


def test_a_readonly_path_without_a_mount_namespace(t):
  box = t.box().no_namespace('mount')
  box.linux['readonlyPaths'] = ['/proc/sys']
  refused(t, box,
    'linux.readonlyPaths needs a new mount namespace: it would change what others see; '
    'add {"type": "mount"} to linux.namespaces')


def test_a_propagation_is_unknown(t):
  box = t.box()
  box.linux['rootfsPropagation'] = 'public'
  refused(t, box,
    'linux.rootfsPropagation: unknown propagation "public": it is one of shared, slave, '
    'private and unbindable, each also with r before it')


# -- the rest of linux


def test_a_device_is_of_an_unknown_type(t):
  box = t.box()
  box.linux['devices'] = [{'path': '/dev/x', 'type': 'x', 'major': 1, 'minor': 3}]
  refused(t, box, 'linux.devices[0] (/dev/x): unknown type "x": it is one of c, b, u and p')


def test_a_device_without_numbers(t):
  box = t.box()
  box.linux['devices'] = [{'path': '/dev/x', 'type': 'c'}]
  refused(t, box,
    'linux.devices[0] (/dev/x): it needs a major number up to 4095 and a minor number up '
    'to 1048575')


def test_another_device_is_there_already(t):
  box = t.box()
  os.mknod(box.rootfs + '/mnt/x', 0o600 | stat.S_IFCHR, os.makedev(1, 5))
  box.linux['devices'] = [{'path': '/mnt/x', 'type': 'c', 'major': 1, 'minor': 3}]
  refused(t, box,
    'linux.devices[0] (/mnt/x): something else is there in the container: only the same device '
    'may be there already')


def test_a_sysctl_without_its_namespace(t):
  box = t.box()
  box.linux['sysctl'] = {'net.ipv4.ip_forward': '1'}
  refused(t, box,
    'linux.sysctl["net.ipv4.ip_forward"]: the container shares the host\'s network '
    'namespace: add {"type": "network"} to linux.namespaces')


def test_a_sysctl_that_is_the_hosts(t):
  box = t.box()
  box.linux['sysctl'] = {'vm.swappiness': '1'}
  refused(t, box,
    'linux.sysctl["vm.swappiness"]: no namespace has such a setting: if there is one it is the '
    "host's, and to be set there")


def test_a_sysctl_that_does_not_exist(t):
  box = t.box()
  box.linux['sysctl'] = {'kernel.shm_gone': '1'}
  refused(t, box,
    'linux.sysctl["kernel.shm_gone"]: no namespace has such a setting: if there is one it is the '
    "host's, and to be set there")


def test_a_sysctls_value_that_the_kernel_refuses(t):
  box = t.box()
  box.linux['sysctl'] = {'kernel.msgmax': 'many'}
  refused(t, box,
    'linux.sysctl: /proc/sys/kernel/msgmax: set it to "many": invalid argument')


def test_a_seccomp_action_is_unknown(t):
  box = t.box()
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_PERHAPS'}
  refused(t, box, 'linux.seccomp.defaultAction: unknown action "SCMP_ACT_PERHAPS"')


def test_a_seccomp_actions_name_of_a_rule_is_unknown(t):
  box = t.box()
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
    {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}, {'names': ['chmod'], 'action': 'ERRNO'}]}
  refused(t, box, 'linux.seccomp.syscalls[1].action: unknown action "ERRNO"')


def test_a_seccomp_architecture_is_unknown(t):
  box = t.box()
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_PDP11']}
  refused(t, box, 'linux.seccomp.architectures[0]: unknown architecture "SCMP_ARCH_PDP11"')


def test_a_seccomp_argument_index_is_out_of_range(t):
  box = t.box()
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
    {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO',
     'args': [{'index': 6, 'value': 1, 'op': 'SCMP_CMP_EQ'}]}]}
  refused(t, box, 'linux.seccomp.syscalls[0].args[0].index: 6 is not from 0 to 5')


def test_a_seccomp_operator_is_unknown(t):
  box = t.box()
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
    {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO',
     'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_ALMOST'}]}]}
  refused(t, box, 'linux.seccomp.syscalls[0].args[0].op: unknown operator "SCMP_CMP_ALMOST"')


# -- hooks


def test_a_hook_fails(t):
  box = t.box().hook('createRuntime', '/bin/true').hook(
    'createRuntime', '/bin/sh', '-c', 'echo no room left >&2; exit 3')
  refused(t, box,
    'hooks.createRuntime[1]: error running createRuntime hook #1: /bin/sh: exit status 3: '
    'it said: no room left')


def test_a_hook_does_not_exist(t):
  refused(t, t.box().hook('createRuntime', '/nowhere/hook'),
    'hooks.createRuntime[0]: error running createRuntime hook #0: run /nowhere/hook: no such file '
    'or directory')


def test_a_hooks_path_is_relative(t):
  refused(t, t.box().hook('createContainer', 'hook'),
    'hooks.createContainer[0]: path "hook" is not absolute')


def test_a_hook_is_killed(t):
  refused(t, t.box().hook('prestart', '/bin/sh', '-c', 'kill -9 $$'),
    'hooks.prestart[0]: error running prestart hook #0: /bin/sh was killed by signal 9')


def test_a_hook_takes_too_long(t):
  refused(t, t.box().hook('createRuntime', '/bin/sleep', '60', timeout=1),
    'hooks.createRuntime[0]: error running createRuntime hook #0: /bin/sleep did not end '
    'within its timeout of 1 s')


def test_a_hooks_timeout_is_0(t):
  refused(t, t.box().hook('createRuntime', '/bin/true', timeout=0),
    'hooks.createRuntime[0]: timeout 0 is not above 0: it is in seconds; leave it out for '
    'no limit')


def test_a_createContainer_hook_fails(t):
  refused(t, t.box().hook('createContainer', '/bin/false'),
    'hooks.createContainer[0]: error running createContainer hook #0: /bin/false: exit '
    'status 1')


@also_as_user
def test_a_startContainer_hook_fails(t):
  box = t.box().hook('startContainer', '/bin/false')
  t.refused(box.run(),
    'hooks.startContainer[0]: error running startContainer hook #0: /bin/false: exit '
    'status 1')


def test_a_poststart_hook_fails(t):
  box = t.box(args=['sleep', '60']).hook('poststart', '/bin/false')
  t.refused(box.run(),
    'hooks.poststart[0]: error running poststart hook #0: /bin/false: exit status 1')


# -- cgroups


def test_the_cgroup_path_has_two_dots(t):
  box = t.box()
  box.linux['cgroupsPath'] = '/a/../../b'
  refused(t, box, 'linux.cgroupsPath: ".." could lead out of it')


def test_the_cgroup_is_the_root(t):
  box = t.box()
  box.linux['cgroupsPath'] = '/'
  refused(t, box, "linux.cgroupsPath: the root cgroup cannot be a container's")


@run_as('user', 'lone')
def test_a_user_without_a_cgroup_asks_for_a_limit(t):
  box = t.box()
  box.linux['resources'] = {'pids': {'limit': 10}}
  if os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
    own = '/sys/fs/cgroup' + read('/proc/self/cgroup').split('0::')[1].strip().rstrip('/')
    refused(t, box,
      'linux.resources.pids: cgroup %s, with "%s" in cgroup.controllers, is not delegated to uid UID: '
      '"systemd-run --user --scope -p Delegate=yes" runs a command in one that is, with the controllers '
      'of "Delegate=cpu cpuset io memory pids" in a drop-in of user@.service'
      % (own, read(own + '/cgroup.controllers').strip()))
    return
  refused(t, box,
    'linux.resources.pids: no cgroup is delegated to uid UID: remove linux.resources, or give '
    'user@.service a drop-in with Delegate=cpu cpuset io memory pids')


# -- the command line and the surroundings


def test_an_id_has_a_slash(t):
  t.refused(t.proa('create', 'a/b'),
    'invalid container ID "a/b": it is made of A-Z a-z 0-9 _ + - . '
    'and begins with neither - nor .')


def test_an_id_is_two_dots(t):
  t.refused(t.proa('create', '..'),
    'invalid container ID "..": it is made of A-Z a-z 0-9 _ + - . '
    'and begins with neither - nor .')


def test_an_id_is_empty(t):
  t.refused(t.proa('create', ''),
    'invalid container ID "": it is made of A-Z a-z 0-9 _ + - . '
    'and begins with neither - nor .')


def test_an_id_begins_like_an_option(t):
  # Other commands would take it for one.
  t.refused(t.proa('create', '--', '-x'),
    'invalid container ID "-x": it is made of A-Z a-z 0-9 _ + - . and begins with neither - nor .')


def test_an_id_is_too_long(t):
  t.refused(t.proa('create', 'x' * 2000), 'container ID is longer than 240 bytes')


def test_an_id_has_a_newline(t):
  t.refused(t.proa('create', 'a\nb'),
    'invalid container ID "a?b": it is made of A-Z a-z 0-9 _ + - . '
    'and begins with neither - nor .')


def test_the_id_is_missing(t):
  t.refused(t.proa('create'), 'create: too few arguments: usage: proa create [OPTIONS] ID')


def test_there_are_two_ids(t):
  t.refused(t.proa('create', 'a', 'b'),
    'create: too many arguments: usage: proa create [OPTIONS] ID')


def test_a_command_is_unknown(t):
  t.refused(t.proa('crate', 'a'), 'unknown command "crate": did you mean "create"?')


def test_a_command_is_missing(t):
  t.refused(t.proa(), 'a command is missing: --help shows the commands there are')


def test_an_option_is_unknown(t):
  t.refused(t.proa('create', '--bundel', '/x', 'a'),
    'unknown option --bundel: did you mean --bundle?')


def test_an_options_argument_is_missing(t):
  t.refused(t.proa('create', '--bundle'), 'flag needs an argument: --bundle')


def test_an_options_number_is_none(t):
  t.refused(t.proa('create', '--preserve-fds', 'two', 'a'),
    '--preserve-fds: "two" is no number from 0 to 2147483647')


def test_the_pid_files_directory_does_not_exist(t):
  refused(t, t.box(),
    '--pid-file /nowhere/pid: open its directory: no such file or directory', '--pid-file', '/nowhere/pid')


def test_the_log_cannot_be_opened(t):
  t.refused(t.proa('--log', '/nowhere/log', 'list'),
    'open the log /nowhere/log: no such file or directory')


@run_as('user')
def test_the_state_directory_cannot_be_made(t):
  box = t.box()
  box.save()
  t.refused(t.proa('--root', '/etc/state', 'create', '--bundle', box.directory, box.id),
    'make the state directory /etc/state: permission denied: choose another one with --root or '
    'XDG_RUNTIME_DIR')


@run_as('user')
def test_the_state_directory_is_anothers(t):
  box = t.box()
  box.save()
  t.refused(t.proa('--root', '/etc', 'create', '--bundle', box.directory, box.id),
    'the state directory /etc belongs to uid 0, not to uid UID: its owner could decide '
    'what is done in your name')


def test_others_may_write_to_the_state_directory(t):
  root = t.path('open')
  os.mkdir(root)
  os.chmod(root, 0o777)
  t.refused(t.proa('--root', root, 'list'),
    'other users may write to the state directory HERE/open: chmod go-w HERE/open')


def test_the_state_directory_is_a_file(t):
  root = t.path('file', 'text')
  t.refused(t.proa('--root', root, 'list'), 'open the state directory HERE/file: not a directory')


def test_a_preserved_descriptor_is_not_open(t):
  refused(t, t.box(),
    'file descriptor 3 is to be preserved, but is not open: --preserve-fds and LISTEN_FDS '
    'count from 3 on', '--preserve-fds', '5')


def test_the_cgroup_manager_is_unknown(t):
  t.refused(t.proa('--cgroup-manager', 'mine', 'create', 'a'), 'unknown cgroup manager "mine": there are cgroupfs, systemd and disabled')


@time_limit(60)
def test_a_kind_of_hook_that_hangs_ends_with_its_children(t):
  box = t.box().hook('createRuntime', '/bin/sh', '-c', 'sleep 61 & sleep 62', timeout=1)
  t.same(box.try_create().rc, 1)
  t.nothing_left()
