"""What there is on this machine because of us: processes, mounts, cgroups, state, device nodes."""

import os
import time

from isolation import PATIENCE


def processes(settings):
  """{pid: text} of all descendants of the watcher but the worker itself."""
  parents, texts = {}, {}
  for name in os.listdir('/proc'):
    if not name.isdigit():
      continue
    try:
      with open('/proc/%s/stat' % name, encoding='utf-8', errors='replace') as file:
        text = file.read()
      with open('/proc/%s/cmdline' % name, 'rb') as file:
        command = file.read().replace(b'\0', b' ').decode(errors='replace')
    except OSError:
      continue
    comm = text[text.index('(') + 1:text.rindex(')')]
    rest = text[text.rindex(')') + 2:].split()
    parents[int(name)] = int(rest[1])
    texts[int(name)] = '%s %s %s' % (rest[0], comm, command)
  return {pid: text for pid, text in texts.items()
          if pid != os.getpid() and descends(pid, parents, settings.watcher)}


def descends(pid, parents, ancestor):
  while pid in parents:
    pid = parents[pid]
    if pid == ancestor:
      return True
  return False


def mounts():
  with open('/proc/self/mountinfo', encoding='utf-8', errors='replace') as file:
    return set(file.read().splitlines())


def cgroups(settings):
  return {folder for path in settings.cgroups for folder, _, _ in os.walk(path)}


def state(settings):
  found = set()
  for root in settings.state_roots():
    try:
      found.update('%s/%s' % (root, name) for name in os.listdir(root))
    except FileNotFoundError:
      pass
  return found


def nodes():
  """Device nodes of the host that runtimes have been known to change."""
  found = set()
  for path in ('/dev/null', '/dev/zero', '/dev/tty', '/dev/ptmx'):
    status = os.stat(path)
    found.add('%s %o %d:%d' % (path, status.st_mode, status.st_uid, status.st_gid))
  return found


def count(settings):
  return {'process': set(processes(settings).items()), 'mount': mounts(),
          'cgroup': cgroups(settings), 'state': state(settings), 'host node': nodes()}


def since(before, settings, patience=2.0):
  """Text that names what is there now and was not before; what is just ending gets a moment."""
  deadline = time.monotonic() + patience * PATIENCE
  while True:
    now = count(settings)
    # A process is known by its pid: it may be in another state now.
    known = {pid for pid, _ in before['process']}
    now['process'] = {item for item in now['process'] if item[0] not in known}
    lines = ['%s: %s' % (kind, item if isinstance(item, str) else '%d %s' % item)
             for kind in now for item in sorted(now[kind] - (
               before[kind] if kind != 'process' else set()))]
    lines += ['gone: %s: %s' % (kind, item) for kind in ('mount', 'cgroup', 'host node')
              for item in sorted(before[kind] - now[kind])]
    if not lines or time.monotonic() > deadline:
      return '\n'.join(lines)
    time.sleep(0.01)


def list_processes(settings):
  lines = []
  for pid, text in sorted(processes(settings).items()):
    try:
      with open('/proc/%d/wchan' % pid, encoding='utf-8') as file:
        wait = file.read()
    except OSError:
      wait = '?'
    lines.append('%7d %s (waits in %s)' % (pid, text, wait))
  return '\n'.join(lines)
