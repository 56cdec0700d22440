"""features.md and features-linux.md."""

import json
import platform
import re

from kit import MAY, MUST, MUST_NOT, SHOULD, clause

COMMON, LINUX = 'features.md', 'features-linux.md'
HOOKS = {'prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'}
TOP = {'ociVersionMin', 'ociVersionMax', 'hooks', 'mountOptions', 'linux', 'annotations',
       'potentiallyUnsafeConfigAnnotations'}
OF_LINUX = {'namespaces', 'capabilities', 'cgroup', 'seccomp', 'apparmor', 'selinux', 'intelRdt',
            'memoryPolicy', 'mountExtensions', 'netDevices'}


def document(t):
  result = t.runtime('features')
  if result.rc:
    t.skip('the runtime has no features document, which it MAY have')
  try:
    found = json.loads(result.out)
  except ValueError:
    found = None
  t.true(isinstance(found, dict), 'no JSON object: %r' % result.out[:200])
  return found


def part(t, *path):
  found = document(t)
  for word in path:
    found = (found or {}).get(word)
  if found is None:
    t.skip('%s is absent, which it may be' % '.'.join(path))
  return found


def version(text):
  match = re.match(r'(\d+)\.(\d+)\.(\d+)([-+].*)?$', text)
  return match and tuple(map(int, match.groups()[:3]))


@clause(COMMON, MAY, 'there is a features document, and it is a JSON object')
def exists(t):
  document(t)


@clause(COMMON, MUST, '{} is there, and a semantic version', ['ociVersionMin', 'ociVersionMax'])
def version_is(t, key):
  found = document(t).get(key)
  t.true(isinstance(found, str) and version(found), 'it is %r' % (found,))


@clause(COMMON, MUST_NOT, 'ociVersionMax is not less than ociVersionMin')
def version_order(t):
  found = document(t)
  t.true(version(found['ociVersionMax']) >= version(found['ociVersionMin']), 'it is')


@clause(COMMON, MUST, 'a config of version {} is accepted', ['ociVersionMin', 'ociVersionMax'])
def version_accepted(t, key):
  box = t.box('echo fine')
  box.config['ociVersion'] = document(t)[key]
  t.same(box.output(), 'fine')


@clause(COMMON, MUST_NOT, 'there is no property that the specification does not define')
def properties(t):
  t.same(sorted(set(document(t)) - TOP), [])


@clause(LINUX, MUST_NOT, 'linux has no property that the specification does not define')
def properties_linux(t):
  t.same(sorted(set(part(t, 'linux')) - OF_LINUX), [])


@clause(COMMON, SHOULD, 'the document does not change from one call to the next')
def constant(t):
  t.same(document(t), document(t))


@clause(COMMON, SHOULD, 'the document does not depend on the environment of the caller')
def environment(t):
  first = document(t)
  t.same(json.loads(t.runtime('features', env={}, cwd='/').out), first)


@clause(COMMON, MUST, 'hooks are names of hooks')
def hooks(t):
  t.same(sorted(set(part(t, 'hooks')) - HOOKS), [])


@clause(COMMON, MUST, 'each of the hooks can be used')
def hooks_used(t):
  box = t.box('echo fine')
  for kind in part(t, 'hooks'):
    box.hook(kind, 'true')
  t.same(box.output(), 'fine')


@clause(COMMON, MUST, '{} has no name twice', ['hooks', 'mountOptions', 'potentiallyUnsafeConfigAnnotations'])
def unique(t, key):
  found = part(t, key)
  t.same(len(found), len(set(found)))


@clause(COMMON, MUST, 'each of the mountOptions is recognized')
def mount_options(t):
  # On a bind mount an unknown word is either an error or is seen to do nothing; most can stand together.
  unfit = {'remount', 'idmap', 'ridmap', 'tmpcopyup', 'mand', 'copy-symlink', 'dest-nofollow',
           'src-nofollow', 'acl', 'noacl'}
  alone = {'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'}
  words = [word for word in part(t, 'mountOptions') if word not in unfit | alone | {'bind', 'rbind'}]
  box = t.box('echo fine')
  box.mount('/mnt', t.folder('source'), 'none', ['bind'] + words)
  t.same(box.output(), 'fine')


@clause(COMMON, SHOULD, 'mountOptions has no option of a file system')
def mount_options_generic(t):
  found = part(t, 'mountOptions')
  t.same([word for word in found if '=' in word or word in ('size', 'mode', 'uid', 'gid')], [])


@clause(COMMON, MUST, 'the mountOptions that the specification demands are there')
def mount_options_all(t):
  demanded = '''async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev
    nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount
    ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync unbindable'''
  t.same(sorted(set(demanded.split()) - set(part(t, 'mountOptions'))), [])


@clause(COMMON, MUST, 'annotations are a map of strings, without an empty key')
def annotations(t):
  found = part(t, 'annotations')
  t.true(isinstance(found, dict) and '' not in found
         and all(isinstance(value, str) for value in found.values()), str(found))


@clause(COMMON, MUST, 'potentiallyUnsafeConfigAnnotations are strings')
def unsafe(t):
  found = part(t, 'potentiallyUnsafeConfigAnnotations')
  t.true(isinstance(found, list) and all(isinstance(value, str) and value for value in found), str(found))


@clause(LINUX, MUST, 'each of the namespaces can be asked for')
def namespaces(t):
  box = t.box('echo fine')
  for kind in part(t, 'linux', 'namespaces'):
    box.namespace(kind)
  if 'user' in part(t, 'linux', 'namespaces'):
    box.map_ids((0, 100000, 1000))
  t.same(box.output(), 'fine')


@clause(LINUX, MUST, 'each of the capabilities is recognized')
def capabilities(t):
  names = part(t, 'linux', 'capabilities')
  t.same([name for name in names if not name.startswith('CAP_')], [])
  box = t.box('echo fine')
  box.process['capabilities'] = {'bounding': names}
  t.same(box.output(), 'fine')


@clause(LINUX, MUST, 'cgroup.{} is a boolean', ['v1', 'v2', 'systemd', 'systemdUser', 'rdma'])
def cgroup(t, key):
  t.true(isinstance(part(t, 'linux', 'cgroup', key), bool), 'it is not')


@clause(LINUX, MUST, '{}.enabled is a boolean', ['seccomp', 'apparmor', 'selinux', 'intelRdt', 'netDevices'])
def enabled(t, key):
  t.true(isinstance(part(t, 'linux', key, 'enabled'), bool), 'it is not')


@clause(LINUX, MUST, 'intelRdt.{} is a boolean', ['schemata', 'monitoring'])
def intel_rdt(t, key):
  t.true(isinstance(part(t, 'linux', 'intelRdt', key), bool), 'it is not')


@clause(LINUX, MUST, 'mountExtensions.idmap.enabled tells whether mappings of a mount are used')
def idmap(t):
  said = part(t, 'linux', 'mountExtensions', 'idmap', 'enabled')
  box = t.box('true')
  row = box.mount('/mnt', t.folder('source'), None, ['bind'])
  for key in ('uidMappings', 'gidMappings'):
    row[key] = [{'containerID': 0, 'hostID': 1000, 'size': 1}]
  box.map_ids((0, 0, 10000))
  result = box.try_create()
  if result.rc and said:
    t.true('not supported' not in result.err, str(result))
  t.same(result.rc == 0, said)
  if result.rc == 0:
    box.stop()


def with_seccomp(t, **more):
  box = t.box('echo fine')
  box.linux['seccomp'] = dict({'defaultAction': 'SCMP_ACT_ALLOW'}, **more)
  return box


@clause(LINUX, MUST, 'each of seccomp.actions is recognized')
def actions(t):
  for action in part(t, 'linux', 'seccomp', 'actions'):
    if action != 'SCMP_ACT_NOTIFY':
      box = with_seccomp(t, syscalls=[{'names': ['swapoff'], 'action': action}])
      t.same(box.output(), 'fine', action)


@clause(LINUX, MUST, 'each of seccomp.operators is recognized')
def operators(t):
  args = [{'index': 0, 'value': 1, 'valueTwo': 1, 'op': operator}
          for operator in part(t, 'linux', 'seccomp', 'operators')]
  box = with_seccomp(t, syscalls=[{'names': ['swapoff'], 'action': 'SCMP_ACT_ERRNO', 'args': [row]}
                                  for row in args])
  t.same(box.output(), 'fine')


@clause(LINUX, MUST, 'seccomp.archs has the machine\'s own, and it is recognized')
def architectures(t):
  own = {'x86_64': 'SCMP_ARCH_X86_64', 'aarch64': 'SCMP_ARCH_AARCH64'}.get(platform.machine())
  if not own:
    t.skip('its name here is not known')
  t.has(part(t, 'linux', 'seccomp', 'archs'), own)
  t.same(with_seccomp(t, architectures=[own]).output(), 'fine')


@clause(LINUX, MUST, 'each of seccomp.supportedFlags can be used')
def supported_flags(t):
  for flag in part(t, 'linux', 'seccomp', 'supportedFlags'):
    if flag == 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV':
      continue  # goes only with SCMP_ACT_NOTIFY
    t.same(with_seccomp(t, flags=[flag]).output(), 'fine', flag)


@clause(LINUX, MUST, 'seccomp.supportedFlags are some of knownFlags')
def known_flags(t):
  t.same(sorted(set(part(t, 'linux', 'seccomp', 'supportedFlags'))
                - set(part(t, 'linux', 'seccomp', 'knownFlags'))), [])


@clause(LINUX, MUST, 'memoryPolicy.{} are names of the kernel\'s', [('modes', 'MPOL_'),
                                                                  ('flags', 'MPOL_F_')])
def memory_policy(t, key, start):
  found = part(t, 'linux', 'memoryPolicy', key)
  t.same([name for name in found if not name.startswith(start)], [])
