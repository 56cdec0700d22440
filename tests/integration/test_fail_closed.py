"""A mistake in what an engine or a user writes ends in an error, before anything is done.

Never in a container that has more rights than were meant. For config.json, for the process of exec and for the
resources of update; that single properties refuse single values, and with which words, is in test_errors.
"""

import copy
import json
import os

from lib import also_as_user, everyone, read, time_limit, write

# What each kind of property does not take, as JSON; "found" is what the error says of it.
WRONG = {
  'true or false': ('"true"', '1', '0', '[]', '{}', '"false"'),
  'an id from 0 to 4294967294': ('-1', '4294967295', '4294967296', '18446744073709551616', '1e3', '1.0',
                                 '"0"', '"1"', 'true', '[0]', '{}', '-4294967295'),
  'an unsigned 32-bit number': ('-1', '4294967296', '1e2', '0.5', '"18"', 'false', '[]'),
  'a signed 32-bit number': ('2147483648', '-2147483649', '1e1', '"1"', 'true', '{}'),
  'an unsigned 64-bit number': ('-1', '18446744073709551616', '1e3', '1.0', '"1"', 'true', '[1]'),
  'a signed 64-bit number': ('9223372036854775808', '-9223372036854775809', '1e3', '1.0', '"-1"', 'true'),
  'a string': ('1', 'true', '["x"]', '{"x": "y"}'),
  'an array': ('"x"', '1', '{"0": "x"}', 'true'),
  'an object': ('"x"', '1', '[]', 'true'),
}

# Properties of each kind; [] is an item of an array.
PROCESS = (
  ('noNewPrivileges', 'true or false'), ('terminal', 'true or false'),
  ('user', 'an object'), ('user.uid', 'an id from 0 to 4294967294'),
  ('user.gid', 'an id from 0 to 4294967294'), ('user.umask', 'an unsigned 32-bit number'),
  ('user.additionalGids', 'an array'), ('user.additionalGids[]', 'an id from 0 to 4294967294'),
  ('capabilities', 'an object'), ('capabilities.bounding', 'an array'),
  ('capabilities.bounding[]', 'a string'), ('capabilities.effective', 'an array'),
  ('capabilities.inheritable', 'an array'), ('capabilities.permitted', 'an array'),
  ('capabilities.ambient', 'an array'), ('rlimits', 'an array'), ('rlimits[]', 'an object'),
  ('apparmorProfile', 'a string'), ('selinuxLabel', 'a string'), ('cwd', 'a string'),
  ('env', 'an array'), ('env[]', 'a string'), ('args', 'an array'), ('args[]', 'a string'),
  ('oomScoreAdj', 'a signed 32-bit number'), ('scheduler', 'an object'), ('ioPriority', 'an object'),
  ('execCPUAffinity', 'an object'),
)
RESOURCES = (
  ('devices', 'an array'), ('devices[]', 'an object'), ('memory', 'an object'),
  ('memory.limit', 'a signed 64-bit number'), ('memory.swap', 'a signed 64-bit number'),
  ('memory.disableOOMKiller', 'true or false'), ('cpu', 'an object'),
  ('cpu.shares', 'an unsigned 64-bit number'), ('cpu.quota', 'a signed 64-bit number'),
  ('cpu.cpus', 'a string'), ('pids', 'an object'), ('pids.limit', 'a signed 64-bit number'),
  ('blockIO', 'an object'), ('hugepageLimits', 'an array'), ('unified', 'an object'),
)
CONFIG = (
  ('root', 'an object'), ('root.readonly', 'true or false'), ('mounts', 'an array'),
  ('mounts[]', 'an object'), ('hooks', 'an object'), ('hooks.createRuntime', 'an array'),
  ('hooks.createRuntime[]', 'an object'), ('annotations', 'an object'), ('hostname', 'a string'),
  ('linux', 'an object'), ('linux.namespaces', 'an array'), ('linux.namespaces[]', 'an object'),
  ('linux.uidMappings', 'an array'), ('linux.gidMappings[]', 'an object'), ('linux.devices', 'an array'),
  ('linux.sysctl', 'an object'), ('linux.seccomp', 'an object'), ('linux.maskedPaths', 'an array'),
  ('linux.maskedPaths[]', 'a string'), ('linux.readonlyPaths', 'an array'),
  ('linux.readonlyPaths[]', 'a string'), ('linux.mountLabel', 'a string'),
  ('linux.rootfsPropagation', 'a string'), ('linux.cgroupsPath', 'a string'),
  ('linux.personality', 'an object'), ('linux.resources', 'an object'),
) + tuple(('process.' + path, kind) for path, kind in PROCESS) \
  + tuple(('linux.resources.' + path, kind) for path, kind in RESOURCES)


def place(document, path, value):
  """A copy of the document in which there is this value."""
  changed = copy.deepcopy(document)
  inner, words = changed, path.split('.')
  for word in words[:-1]:
    inner = inner.setdefault(word, {})
  if words[-1].endswith('[]'):
    inner[words[-1][:-2]] = [value]
  else:
    inner[words[-1]] = value
  return changed


def mistakes(document, rows):
  """(the text, what is said of it): every wrong value in every place."""
  mark = 'PUT-IT-HERE'
  for path, kind in rows:
    for value in WRONG[kind]:
      text = json.dumps(place(document, path, mark)).replace('"%s"' % mark, value)
      yield text, '%s: expected %s, found ' % (path.replace('[]', '[0]'), kind)


def broken(document):
  """Whole documents that are none, and what is said of each."""
  text = json.dumps(document)
  first = next(iter(document))
  return ((text + '{}', 'expected nothing more, found {'), (text + ',', 'expected nothing more, found ,'),
          (text + '\0', 'expected nothing more, found '), (text + text, 'expected nothing more, found {'),
          (text[:-1], 'the file ends before it is complete'), ('', 'the file is empty'),
          ('[%s]' % text, 'expected an object, found an array'),
          ('null', 'expected an object, found null'),
          (text[:-1] + ', "%s": null}' % first, '%s: the key is given twice' % first),
          (text[:-1] + ', "\\u00%x%s": null}' % (ord(first[0]), first[1:]), 'the key is given twice'),
          (text[:-1] + ', "vendor": "\xff"}', 'is not UTF-8'), (text[:-1] + ',}', 'expected '))


def refuses(result, text, t, what, rc=1):
  t.same((result.rc, result.out), (rc, ''), what)
  t.true(result.err.count('\n') == 1 and text in result.err, '%s: %r is not %r' % (what, result.err, text))
  t.results.clear()


def store(path, text):
  with open(path, 'wb') as file:
    file.write(text.encode('latin-1'))


def witness(t, box):
  """Hooks of all kinds would leave a file; and the container's directory is there already, so that who got as
  far as to make it would say so."""
  mark = t.path('ran')
  for kind in ('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', 'echo %s >> %s' % (kind, mark))
  root = t.path('root')
  os.makedirs('%s/%s' % (root, box.id), 0o700)
  os.chmod(root, 0o700)
  box.used = False

  def create(text=None):
    store(box.directory + '/config.json', json.dumps(box.config) if text is None else text)
    return t.proa('--root', root, 'create', '--bundle', box.directory, box.id)

  def check():
    t.true(not os.path.exists(mark), 'a hook ran')
    t.same(os.listdir(root), [box.id])
    t.same(os.listdir('%s/%s' % (root, box.id)), [])
    t.nothing_left()
  result = create()
  t.has(result.err, 'container with given ID already exists', 'what a good config gets')
  check()
  return create, check


@time_limit(120)
@also_as_user
def test_a_config_with_a_value_of_another_type(t):
  box = t.box('true')
  create, check = witness(t, box)
  for text, said in mistakes(box.config, CONFIG):
    refuses(create(text), said, t, said)
  check()


@time_limit(120)
@also_as_user
def test_a_config_that_is_none(t):
  box = t.box('true')
  create, check = witness(t, box)
  for text, said in broken(box.config):
    refuses(create(text), said, t, said)
  check()


ERRNO = {'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}
FILTER = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [ERRNO]}
ARGUMENT = {'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}
PID, MOUNT = {'type': 'pid'}, {'type': 'mount'}
RANGE = {'containerID': 0, 'hostID': 1000, 'size': 1}
CORE = {'type': 'RLIMIT_CORE', 'soft': 1, 'hard': 1}


def rule(**more):
  return dict(FILTER, syscalls=[dict(ERRNO, **more)])


# Words and numbers that nobody knows, and such as are given twice.
UNKNOWN = (
  ('linux.namespaces', [PID, MOUNT, {'type': 'usr'}], 'unknown type "usr"'),
  ('linux.namespaces', [PID, MOUNT, {'type': 'PID'}], 'unknown type "PID"'),
  ('linux.namespaces', [PID, MOUNT, {'type': ''}], 'unknown type ""'),
  ('linux.namespaces', [PID, MOUNT, {}], 'type is missing'),
  ('linux.namespaces', [PID, MOUNT, PID], 'given twice'),
  ('linux.namespaces', [PID, MOUNT, {'type': 'network', 'path': '/proc/self/ns/net\0'}], 'NUL'),
  ('linux.rootfsPropagation', 'privat', '"privat"'),
  ('linux.uidMappings', [dict(RANGE, size=0)], 'size of range 0 is 0'),
  ('linux.uidMappings', [dict(RANGE, containerID=4294967295)], 'beyond the last id'),
  ('linux.uidMappings', [dict(RANGE, hostID=4294967294, size=2)], 'beyond the last id'),
  ('linux.uidMappings', [dict(RANGE, hostID=4294967296)], 'linux.uidMappings[0].hostID: expected '),
  ('linux.uidMappings', [RANGE, RANGE], 'overlap'),
  ('linux.devices', [{'type': 'x', 'path': '/dev/x', 'major': 1, 'minor': 3}], 'linux.devices[0]'),
  ('linux.devices', [{'type': 'c', 'path': '/dev/x', 'major': 1, 'minor': 3, 'uid': -1}],
   'linux.devices[0].uid: expected an id'),
  ('linux.sysctl', {'kernel.core_pattern': 'x'}, 'linux.sysctl["kernel.core_pattern"]'),
  ('linux.sysctl', {'net.ipv4.ip_forward': 1}, 'expected a string, found 1'),
  ('linux.personality', {'domain': 'LINUX33'}, 'linux.personality'),
  ('linux.seccomp', {}, 'linux.seccomp: defaultAction is missing'),
  ('linux.seccomp', dict(FILTER, defaultAction='SCMP_ACT_ERNO'), 'unknown action "SCMP_ACT_ERNO"'),
  ('linux.seccomp', dict(FILTER, defaultAction=''), 'unknown action ""'),
  ('linux.seccomp', dict(FILTER, architectures=['SCMP_ARCH_X86-64']), 'unknown architecture'),
  ('linux.seccomp', dict(FILTER, architectures=[None]), 'expected a string, found null'),
  ('linux.seccomp', dict(FILTER, flags=['SECCOMP_FILTER_FLAG_NONE']), 'unknown flag'),
  ('linux.seccomp', dict(FILTER, defaultErrnoRet=1), 'takes no errno'),
  ('linux.seccomp', rule(action='SCMP_ACT_KIL'), 'unknown action "SCMP_ACT_KIL"'),
  ('linux.seccomp', rule(names=[]), 'it is empty'),
  ('linux.seccomp', rule(names='mkdir'), 'expected an array, found "mkdir"'),
  ('linux.seccomp', rule(errnoRet=4096), '4096 is too large'),
  ('linux.seccomp', rule(errnoRet='1'), 'expected an unsigned 32-bit number, found "1"'),
  ('linux.seccomp', rule(args=[dict(ARGUMENT, op='SCMP_CMP_EQUAL')]), 'unknown operator'),
  ('linux.seccomp', rule(args=[dict(ARGUMENT, index=6)]), '6 is not from 0 to 5'),
  ('linux.seccomp', rule(args=[dict(ARGUMENT, value=-1)]), 'expected an unsigned 64-bit number, found -1'),
  ('linux.seccomp', rule(args=[dict(ARGUMENT, value='1')]), 'expected an unsigned 64-bit number'),
  ('linux.seccomp', rule(args=[{'index': 0, 'op': 'SCMP_CMP_EQ'}]), 'value is missing'),
  ('linux.seccomp', rule(args={}), 'expected an array, found an object'),
  ('linux.seccomp', rule(action='SCMP_ACT_NOTIFY'), 'nobody listens'),
  ('process.rlimits', [dict(CORE, type='RLIMIT_NOFILES')], 'unknown type "RLIMIT_NOFILES"'),
  ('process.rlimits', [dict(CORE, type='core')], 'unknown type "core"'),
  ('process.rlimits', [CORE, CORE], 'given twice'),
  ('process.rlimits', [dict(CORE, soft=2)], 'soft limit'),
  ('process.rlimits', [{'type': 'RLIMIT_CORE', 'soft': 1}], 'hard is missing'),
  ('process.user', {'uid': 0}, 'gid is missing'),
  ('process.user', {'uid': None, 'gid': 0}, 'expected an id from 0 to 4294967294, found null'),
  ('process.user', {'uid': 0, 'gid': 0, 'umask': 0o1000}, 'not from 0 to 0777'),
  ('process.capabilities', {'effective': ['CAP_KILL']}, 'CAP_KILL is not in permitted'),
  ('process.env', ['PATH=/bin', 'LD_PRELOAD'], 'process.env[1]'),
  ('process.scheduler', {'policy': 'SCHED_X'}, 'process.scheduler'),
  ('process.ioPriority', {'class': 'IOPRIO_CLASS_X'}, 'process.ioPriority'),
  ('process.oomScoreAdj', 1001, 'not from -1000 to 1000'),
  ('linux.resources.devices', [{'allow': True, 'access': 'rwx'}], 'linux.resources.devices[0]'),
  ('linux.resources.devices', [{'type': 'c', 'access': 'r'}], 'allow is missing'),
  ('linux.resources.hugepageLimits', [{'pageSize': '../x', 'limit': 1}], 'linux.resources.hugepageLimits'),
  ('linux.resources.unified', {'../cgroup.procs': '1'}, 'linux.resources.unified'),
  ('linux.cgroupsPath', '/a/../../b', 'linux.cgroupsPath'),
  ('ociVersion', '2.0.0', 'ociVersion'),
)


@time_limit(120)
@also_as_user
def test_a_config_with_words_that_nobody_knows(t):
  box = t.box('true')
  create, check = witness(t, box)
  for path, value, said in UNKNOWN:
    refuses(create(json.dumps(place(box.config, path, value))), said, t, '%s: %s' % (path, value))
  for options, said in ((['bind', 'nosuidd'], 'unknown option "nosuidd"'), (['bind', 'r0'], '"r0"'),
                        (['rbind', 'no-exec'], '"no-exec"'), (['bind', 'ro,nosuid'], '"ro,nosuid"'),
                        (['remount', 'bind', 'noexce'], '"noexce"'), (['bind', 'rsync'], '"rsync"'),
                        (['bind', 'ro '], '"ro "'), (['bind', 'RO'], '"RO"'), (['bind', ''], '""')):
    box.config['mounts'] = [{'destination': '/mnt', 'source': '/', 'type': 'bind', 'options': options}]
    refuses(create(), said, t, str(options))
  for kind in ('ramfs', 'bpf', 'debugfs'):
    for options in (['nosuidd'], ['mode=700,nosuid']):
      box.config['mounts'] = [{'destination': '/mnt', 'source': kind, 'type': kind, 'options': options}]
      refuses(create(), 'unknown option "nosuid', t, '%s: %s' % (kind, options))
  check()


@time_limit(120)
@also_as_user
def test_an_option_that_the_file_system_does_not_know(t):
  """Only the kernel knows which there are: it is asked by init, and all is taken back."""
  for kind, options in (('tmpfs', ['nosuidd']), ('tmpfs', ['nosuid,nodev']), ('proc', ['hidepd=2']),
                        ('mqueue', ['noexce']), ('devpts', ['newinstanc'])):
    box = t.box('true').mount('/mnt', kind, options, kind)
    box.hook('createRuntime', '/bin/touch', t.path('ran'))
    if kind == 'proc':
      box.config['mounts'][0]['options'] = box.config['mounts'].pop()['options']
    result = box.try_create()
    refuses(result, ': %s: ' % options[0].split('=')[0].split(',')[0], t, '%s: %s' % (kind, options))
    t.true(not os.path.exists(t.path('ran')), 'a hook ran')
    t.nothing_left()


# -- exec

def running(t):
  box = t.box('sleep 60')
  box.process['apparmorProfile'] = ''
  return box.launch()


def try_exec(t, box, text):
  path = t.path('process.json')
  store(path, text)
  return t.proa('exec', '--process', path, box.id)


@time_limit(120)
@also_as_user
def test_a_process_with_a_value_of_another_type(t):
  box = running(t)
  process = dict(box.process, args=['touch', '/tmp/ran'])
  for text, said in list(mistakes(process, PROCESS)) + list(broken(process)):
    refuses(try_exec(t, box, text), said, t, said, 255)
  t.true(not os.path.exists(box.rootfs + '/tmp/ran'), 'it ran')
  t.same(box.status(), 'running')


@time_limit(120)
@also_as_user
def test_a_process_with_words_that_nobody_knows(t):
  box = running(t)
  process = dict(box.process, args=['touch', '/tmp/ran'])
  for path, value, said in UNKNOWN:
    if path.startswith('process.'):
      text = json.dumps(place(process, path[len('process.'):], value))
      said = said.replace('process.env[1]', 'env[1]')
      refuses(try_exec(t, box, text), said, t, '%s: %s' % (path, value), 255)
  t.true(not os.path.exists(box.rootfs + '/tmp/ran'), 'it ran')
  result = try_exec(t, box, json.dumps(dict(process, noNewPrivs=True)))
  path = t.path('process.json')
  t.same((result.rc, result.err), (0, 'warning: %s: noNewPrivs is unknown and ignored: is "noNewPrivileges" '
                                      'meant?\n' % path))


@time_limit(120)
@also_as_user
def test_options_of_exec_with_values_that_nobody_knows(t):
  box = running(t)
  ids = ('-1', '4294967295', '4294967296', '18446744073709551616', '1e3', '1.0', '"1"', '0x10', ' 1', '1 ',
         '+1', '', 'root', '1\n')
  for value in ids:
    for words in (('--user', value), ('--user', '0:' + value), ('--additional-gids', value)):
      result = t.proa('exec', *words, box.id, 'touch', '/tmp/ran')
      refuses(result, words[0] + ': ', t, str(words), 255)
  for words, said in ((('--user', '0:0:0'), '--user'), (('--user', '0:'), '--user'),
                      (('--cap', 'CAP_TELEPORT'), 'CAP_TELEPORT'), (('--cap', ''), '--cap'),
                      (('--env', 'LD_PRELOAD'), 'LD_PRELOAD'), (('--cwd', 'tmp'), 'tmp'),
                      (('--preserve-fds', '-1'), '--preserve-fds'),
                      (('--preserve-fds', '4294967296'), '--preserve-fds'),
                      (('--cgroup', '../x'), '--cgroup'), (('--no-new-privs=maybe',), 'no-new-privs')):
    refuses(t.proa('exec', *words, box.id, 'touch', '/tmp/ran'), said, t, str(words), 255)
  t.true(not os.path.exists(box.rootfs + '/tmp/ran'), 'it ran')


@time_limit(120)
@everyone
def test_a_protection_that_this_host_has_not(t):
  """The words are in test_security_labels; here it is that nothing is made, and nothing runs."""
  box = t.box('true')
  create, check = witness(t, box)
  if not os.path.exists('/sys/module/apparmor/parameters/enabled') or \
     not read('/sys/module/apparmor/parameters/enabled').startswith('Y'):
    refuses(create(json.dumps(place(box.config, 'process.apparmorProfile', 'x'))), 'process.apparmorProfile',
            t, 'apparmorProfile')
    other = running(t)
    for words in (('--apparmor', 'x'),):
      refuses(t.proa('exec', *words, other.id, 'true'), 'process.apparmorProfile', t, str(words), 255)
    other.delete('--force')
  if not os.path.exists('/sys/fs/selinux/enforce'):
    label = 'system_u:system_r:container_t:s0'
    for path in ('process.selinuxLabel', 'linux.mountLabel'):
      refuses(create(json.dumps(place(box.config, path, label))), path, t, path)
    other = running(t)
    refuses(t.proa('exec', '--process-label', label, other.id, 'true'), 'process.selinuxLabel', t,
            '--process-label', 255)
    other.delete('--force')
  check()


# -- update

def limits(t, box):
  """All limits of its cgroups, as text."""
  found = {}
  for top in t.settings.cgroups:
    for folder, _, names in os.walk(top):
      if box.id not in folder:
        continue
      for name in names:
        if name.endswith(('.max', 'limit_in_bytes', 'shares', 'quota_us', '.weight', '.list')):
          found['%s/%s' % (folder, name)] = read('%s/%s' % (folder, name))
  return found


@time_limit(120)
@also_as_user
def test_resources_with_a_value_of_another_type(t):
  box = running(t)
  before = limits(t, box)
  t.true(before or not t.is_root, 'there are no limits to look at')
  good = {'pids': {'limit': 77}}
  path = t.path('resources.json')
  for text, said in list(mistakes(good, RESOURCES)) + list(broken(good)):
    store(path, text)
    refuses(t.proa('update', '--resources', path, box.id), said, t, said)
    if said.startswith('cpu'):
      with open(path, 'rb') as file:
        refuses(t.proa('update', '--resources', '-', box.id, stdin=file), said, t, said)
  t.same(limits(t, box), before)


@time_limit(120)
def test_resources_with_words_that_nobody_knows(t):
  box = running(t)
  before = limits(t, box)
  t.true(before or not t.is_root, 'there are no limits to look at')
  path = t.path('resources.json')
  for where, value, said in UNKNOWN:
    if where.startswith('linux.resources.'):
      write(path, json.dumps(place({'pids': {'limit': 77}}, where[len('linux.resources.'):], value)))
      refuses(t.proa('update', '--resources', path, box.id), said.replace('linux.resources.', ''), t, where)
  write(path, '{"pid": {"limit": 5}, "memory": {"limits": 1}}')
  result = t.proa('update', '--resources', path, box.id)
  t.same((result.rc, result.err), (0, 'warning: %s: memory.limits is unknown and ignored: is "limit" meant?\n'
                                   % path))
  t.same(limits(t, box), before)
