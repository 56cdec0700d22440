"""config.md, Extensibility and Valid values."""

from kit import MUST, MUST_NOT, clause

UNKNOWN = {'string': 'x', 'number': 1, 'list': [1, {'a': None}], 'object': {'inner': [True]}}


def place(box, path):
  """The object of the config at this path."""
  found = box.config
  for word in path.split('/'):
    if not word:
      continue
    if isinstance(found, list):
      found = found[int(word)]
    else:
      found = found.setdefault(word, {})
  return found


@clause('config.md, Extensibility', MUST_NOT, 'an unknown property is no error, at /{}',
        ['', 'process', 'process/user', 'process/capabilities', 'root', 'mounts/0', 'linux',
         'linux/namespaces/0', 'linux/resources', 'hooks'])
def unknown(t, path):
  box = t.box('echo fine')
  for kind, value in UNKNOWN.items():
    place(box, path)['comExample' + kind.title()] = value
  t.same(box.output(), 'fine')


@clause('config.md, Extensibility', MUST, 'a property of another platform is ignored: {}',
        [('windows', {'layerFolders': ['a']}), ('solaris', {'milestone': 'a'}),
         ('vm', {'kernel': {'path': '/kernel'}}), ('zos', {}), ('freebsd', {})])
def other_platform(t, name, value):
  box = t.box('echo fine')
  box.config[name] = value
  t.same(box.output(), 'fine')


@clause('config.md, Extensibility', MUST, 'a property that differs in case from a known one has no effect')
def case(t):
  box = t.box('touch /file && echo fine')
  box.config['root']['READONLY'] = True
  result = box.try_create()
  if result.rc == 0:
    box.start().wait()
    if box.written() != 'fine\n':
      t.skip('the runtime does not tell upper case from lower case')
  t.worked(result)


@clause('config.md, Valid values', MUST, 'a value of the wrong type is an error: {}', [
  ('ociVersion', '', 'ociVersion', 1), ('process', '', 'process', 'sh'), ('root', '', 'root', 'rootfs'),
  ('root.path', 'root', 'path', 1), ('root.readonly', 'root', 'readonly', 'yes'),
  ('hostname', '', 'hostname', 1), ('mounts', '', 'mounts', {}), ('mounts[]', 'mounts', '0', 'proc'),
  ('mounts[].destination', 'mounts/0', 'destination', 1),
  ('mounts[].options', 'mounts/0', 'options', 'ro'), ('process.args', 'process', 'args', 'true'),
  ('process.args[]', 'process/args', '0', 1), ('process.env', 'process', 'env', {'A': 'b'}),
  ('process.cwd', 'process', 'cwd', 1), ('process.user', 'process', 'user', 'root'),
  ('process.terminal', 'process', 'terminal', 'no'),
  ('process.noNewPrivileges', 'process', 'noNewPrivileges', 1),
  ('process.capabilities', 'process', 'capabilities', ['CAP_CHOWN']),
  ('process.oomScoreAdj', 'process', 'oomScoreAdj', '1'), ('hooks', '', 'hooks', []),
  ('linux', '', 'linux', []), ('linux.namespaces', 'linux', 'namespaces', {'type': 'pid'}),
  ('linux.namespaces[]', 'linux/namespaces', '0', 'pid'), ('linux.sysctl', 'linux', 'sysctl', ['a']),
  ('linux.maskedPaths', 'linux', 'maskedPaths', '/proc/kcore'),
  ('linux.seccomp', 'linux', 'seccomp', 'default'), ('linux.devices', 'linux', 'devices', {}),
  ('linux.cgroupsPath', 'linux', 'cgroupsPath', 1),
])
def wrong_type(t, _, path, key, value):
  box = t.box('true')
  found = place(box, path)
  if isinstance(found, list):
    found[int(key)] = value
  else:
    found[key] = value
  box.refused()


@clause('config.md, Valid values', MUST, 'a number that is no integer is an error: {}',
        [('process.user.uid', 'process/user', 'uid', 1.5),
         ('process.oomScoreAdj', 'process', 'oomScoreAdj', 1.5)])
def fraction(t, _, path, key, value):
  box = t.box('true')
  place(box, path)[key] = value
  box.refused()
