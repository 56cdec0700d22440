"""Class F: what is in config.json, and what a parser makes of it."""

import copy
import json
import os
import signal
import time

from catalogue import end, quickly, read, refused, row, running
from lib import status_field


def changed(box, *path, value):
  """The box with another value at this place of its config."""
  config = box.config
  for key in path[:-1]:
    config = config[key]
  config[path[-1]] = value
  return box


@row('F1', 'CVE-2021-43784', sample=True)
def row_strings_longer_than_a_length_of_16_bits(t):
  long = 'x' * 65536
  for path in ('/' + long, '/proc/self/ns/net\0' + long, '/proc/self/ns/net,pid:' + long):
    box = t.box().namespace('network', path)
    refused(t, box.run(), 'the path of a namespace')
  box = t.box()
  box.linux['uidMappings'] = [{'containerID': number, 'hostID': number, 'size': 1}
                              for number in range(20000)]
  box.linux['gidMappings'] = copy.deepcopy(box.linux['uidMappings'])
  refused(t, box.namespace('user').run(), '20000 ranges')


@row('F2', 'crun 1.28: overflows', sample=True)
def row_links_behind_links_and_many_ranges(t):
  box = t.box()
  for number in range(60):
    os.symlink('/l%d' % (number + 1) + '/.' * 2000, '%s/l%d' % (box.rootfs, number))
  box.mount('/l0/x', 'tmpfs', [], 'tmpfs')
  t.true(box.run().rc > 0, 'it led somewhere')
  box = t.box('wc -l < /proc/self/uid_map')
  box.map_ids(*[(number, 1000 + 2 * number, 1) for number in range(340)])
  os.chown(box.rootfs, 1000, 1000)
  t.same(box.run().out.strip(), '340')


@row('F4', 'CVE-2022-4318', sample=True)
def row_line_breaks_split_nothing(t):
  passwd = 'root:x:0:0::/root:/bin/sh\n'
  box = t.box('id -u; env | grep -c "^X="; true', user={'uid': 1000, 'gid': 1000},
              env=['PATH=/bin', 'HOME=/\nevil:x:0:0::/:/bin/sh', 'A=1\nX=2'])
  box.file('etc/passwd', passwd)
  box.run()
  t.same(read(box.rootfs + '/etc/passwd'), passwd)
  box = t.box('hostname').namespace('uts')
  box.config['hostname'] = 'a\nb'
  result = box.run()
  t.true(result.rc != 0 or result.out == 'a\nb\n', str(result))
  # What stands behind a separator is no option, and no setting of its own.
  for options in (['size=64k,mode=0777'], ['mode=0700\nsize=1'], ['size=64k\0,mode=0777']):
    box = t.box('stat -c %a /mnt').mount('/mnt', 'tmpfs', ['mode=0711', *options], 'tmpfs')
    result = box.run()
    t.true(result.rc != 0 or '777' not in result.out or ',' in options[0], str(result))
  for name, value in (('mountLabel', 'a:b:c:s0\0evil'), ('mountLabel', 'a:b:c:s0,size=1'),
                      ('cgroupsPath', '/a\n/../evil'), ('cgroupsPath', '/a\0b')):
    box = t.box('true')
    box.linux[name] = value
    box.mount('/mnt', 'tmpfs', [], 'tmpfs')
    result = box.run()
    t.true(result.rc != 0 or name == 'mountLabel', '%s %r was accepted' % (name, value))
  for path, value in ((('process', 'args'), ['true\0evil']), (('process', 'cwd'), '/\0evil'),
                      (('process', 'env'), ['PATH=/bin\0X=1']), (('root', 'path'), 'rootfs\0evil'),
                      (('hostname',), 'a\0b'), (('domainname',), 'a\0b')):
    refused(t, changed(t.box('true').namespace('uts'), *path, value=value).run(), '%r' % value)


@row('F5', 'CVE-2022-1708, CVE-2025-64329', sample=True, seconds=120)
def row_output_that_nobody_reads(t):
  """What exec writes waits in its pipe, and not in the runtime."""
  box = running(t)
  reader, writer = os.pipe()
  t.ready.append(lambda: os.close(reader))
  process = t.start('exec', box.id, 'sh', '-c', 'yes | head -c 300000000; true', stdout=writer)
  os.close(writer)
  sizes = []
  for _ in range(20):
    time.sleep(0.05)
    sizes.append(int(status_field(read('/proc/%d/status' % process.pid), 'VmRSS').split()[0]))
  t.true(sizes[-1] < 64 << 10, '%d KiB' % sizes[-1])
  process.send_signal(signal.SIGKILL)
  end(box)


@row('F6', 'no CVE: depth and size', sample=True, seconds=90)
def row_configs_without_measure(t):
  for text in ('[' * 200000, '{"a":' * 200000, '{"ociVersion": "1.0.2", "x": %s}' % ('[' * 100000)):
    box = t.box()
    box.text = text
    quickly(t, lambda box=box: refused(t, box.run()), 'depth')
  box = t.box()
  box.config['annotations'] = {'key.%d' % number: '' for number in range(400000)}
  quickly(t, box.run, '400000 annotations', 10)
  box = t.box()
  box.save()
  with open(box.directory + '/config.json', 'ab') as file:
    file.truncate(100 << 20)
  box.text = None
  result = quickly(t, lambda: t.proa('run', '--bundle', box.directory, box.id), '100 MiB', 10)
  refused(t, result, '100 MiB, most of them NULs')


@row('F7', 'no CVE: another parser reads another config', sample=True)
def row_a_second_document_and_keys_given_twice(t):
  for change in (lambda text: text + ' {"process": {"args": ["id"]}}',
                 lambda text: text + 'x',
                 lambda text: text.replace('"process":', '"process": {"cwd": "/", "args": ["id"]}, '
                                           '"process":', 1),
                 lambda text: text.replace('"noNewPrivileges": true',
                                           '"noNewPrivileges": true, "noNewPrivileges": false'),
                 lambda text: text.replace('"noNewPrivileges": true',
                                           '"noNewPrivileges": true, "noNewPrivil\\u0065ges": false'),
                 lambda text: text.replace('"args"', '"Args": ["id"], "args"')):
    box = t.box('echo right; grep NoNewPrivs /proc/self/status')
    text = change(json.dumps(box.config))
    box.text = text
    result = box.run()
    fine = result.rc == 0 and result.out == 'right\nNoNewPrivs:\t1\n' and '"Args"' in text
    t.true(fine or result.rc != 0, str(result))


# A type that is not the field's: nothing of it may pass for "not there".
CONFUSED = (
  (('process', 'noNewPrivileges'), ('true', 1, [True], {})),
  (('process', 'user', 'uid'), ('1', [1], {}, True, 1.5)),
  (('process', 'user', 'additionalGids'), ('1', {'0': 1}, [[1]], 1)),
  (('process', 'capabilities'), ([], 'CAP_KILL', True)),
  (('process', 'capabilities', 'bounding'), ('CAP_KILL', {}, [1])),
  (('process', 'rlimits'), ({}, 'RLIMIT_NOFILE', [1])),
  (('process', 'apparmorProfile'), (1, ['x'], {})),
  (('process', 'selinuxLabel'), (1, ['x'], {})),
  (('root', 'readonly'), ('true', 1, [])),
  (('linux', 'readonlyPaths'), ('/proc/sys', {'0': '/proc/sys'}, [1])),
  (('linux', 'maskedPaths'), ('/proc/kcore', {'0': '/proc/kcore'}, [['/proc/kcore']])),
  (('linux', 'namespaces'), ('pid', {'type': 'pid'}, ['pid'])),
  (('linux', 'seccomp'), ([], 'default', True)),
  (('linux', 'seccomp'), ({'defaultAction': 1}, {'defaultAction': []}, {})),
  (('linux', 'resources'), ([], 'x', 1)),
  (('linux', 'resources'), ({'pids': 10}, {'pids': {'limit': '10'}}, {'devices': {}},
                            {'devices': [{'allow': 'false'}]}, {'memory': {'limit': '1'}})),
  (('linux', 'sysctl'), ([], 'kernel.msgmax=1', {'kernel.msgmax': 1})),
  (('linux', 'uidMappings'), ({}, '0 1000 1', [{'containerID': '0', 'hostID': 1000, 'size': 1}])),
  (('mounts',), ({}, '/proc', [1])),
  (('hooks',), ([], {'prestart': {}}, {'prestart': [1]})),
)


@row('F8', 'no CVE: crun 1.28 takes another type for nothing', sample=True, control=True, seconds=120)
def row_values_of_another_type(t):
  for path, values in CONFUSED:
    for value in values:
      box = changed(t.box('true'), *path, value=value)
      refused(t, box.run(), '%s: %s' % ('.'.join(path), json.dumps(value)))
    t.results.clear()


ERRNO = {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}
FILTER = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [ERRNO]}
UNKNOWN = (
  (('linux', 'namespaces'), [{'type': 'pid'}, {'type': 'mount'}, {'type': 'usr'}]),
  (('linux', 'namespaces'), [{'type': 'pid'}, {'type': 'pid'}, {'type': 'mount'}]),
  (('process', 'rlimits'), [{'type': 'RLIMIT_NOFILES', 'soft': 1, 'hard': 1}]),
  (('process', 'rlimits'), [{'type': 'RLIMIT_CORE', 'soft': 2, 'hard': 1}]),
  (('linux', 'seccomp'), {**FILTER, 'defaultAction': 'SCMP_ACT_ERNO'}),
  (('linux', 'seccomp'), {**FILTER, 'architectures': ['SCMP_ARCH_X86-64']}),
  (('linux', 'seccomp'), {**FILTER, 'flags': ['SECCOMP_FILTER_FLAG_NOTHING']}),
  (('linux', 'seccomp'), {**FILTER, 'syscalls': [{**ERRNO, 'action': 'SCMP_ACT_KIL'}]}),
  (('linux', 'seccomp'), {**FILTER, 'syscalls': [{**ERRNO, 'args': [
    {'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQUAL'}]}]}),
  (('linux', 'seccomp'), {**FILTER, 'syscalls': [{**ERRNO, 'args': [
    {'index': 6, 'value': 1, 'op': 'SCMP_CMP_EQ'}]}]}),
  (('linux', 'rootfsPropagation'), 'privat'),
)


@row('F9', 'no CVE: what is unknown is passed over', sample=True)
def row_words_that_nobody_knows(t):
  for path, value in UNKNOWN:
    refused(t, changed(t.box('true'), *path, value=value).run(), json.dumps(value))
  for options in (['bind', 'nosuidd'], ['bind', 'r0'], ['bind', 'no-exec']):
    box = t.box('true')
    box.mount('/mnt', box.rootfs, options, 'bind')
    refused(t, box.run(), 'a bind mount with %s' % options)
  refused(t, t.box('true', apparmorProfile='no-such').run(), 'a profile that this host has not')


@row('F10', 'no CVE: a config that never ends', sample=True)
def row_the_config_is_no_file(t):
  box = t.box()
  os.mkfifo(box.directory + '/config.json')
  box.used = True
  quickly(t, lambda: refused(t, t.proa('run', '--bundle', box.directory, box.id)), 'a FIFO')
  os.unlink(box.directory + '/config.json')
  os.symlink('/dev/zero', box.directory + '/config.json')
  quickly(t, lambda: refused(t, t.proa('run', '--bundle', box.directory, box.id), '/dev/zero'), 'zeroes', 5)


@row('F11', 'no CVE: a misspelt protection', sample=True)
def row_a_misspelt_protection_is_told(t):
  """The specification lets nobody refuse what is unknown; but a word about it there can be."""
  for path, value in ((('linux', 'seccmp'), FILTER), (('linux', 'masked_paths'), ['/proc/kcore']),
                      (('linux', 'readOnlyPaths'), ['/proc/sys']), (('linux', 'resource'), {}),
                      (('process', 'noNewPrivilege'), True), (('process', 'capabilites'), {}),
                      (('process', 'appArmorProfile'), 'x'), (('root', 'read_only'), True)):
    result = changed(t.box('true'), *path, value=value).run()
    t.true(result.rc != 0 or path[-1] in result.err, '%s: without a word: %s' % ('.'.join(path), result))
