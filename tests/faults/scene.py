"""A container, the runtime, one fault: what came of it, and what was left."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import commands
import isolation
import leftovers
import lib
import tracer

MNT_DETACH = 2
SECONDS = 13 * isolation.PATIENCE  # what has not ended then hangs: runtimes wait 10 s for much
WATCHED = ('/tmp', '/var/tmp', '/dev/shm', '/run')  # where temporary files could be
# CRIU keeps there what it has found out about the kernel; and when it is interrupted, an empty folder.
CRIUS_OWN = ('/run/criu.kdat', '/tmp/.criu.')
PANIC = ('panic: ', 'fatal error: ', 'goroutine ', 'Sanitizer', 'runtime error: ')


def own_temporary_files(ground):
  """Nobody else's files are in the folders that are watched, and the machine's own cannot be written to:
  what a runtime does with a fault in it, and what cleans up after it, is not to be trusted."""
  os.makedirs('/run/keep')
  isolation.mount(ground, '/run/keep', None, 0x5000)  # MS_BIND, MS_REC
  for folder in ('/tmp', '/var/tmp', '/dev/shm'):
    isolation.mount('tmpfs', folder, 'tmpfs', 0, 'mode=1777')
  os.makedirs(ground)
  isolation.mount('/run/keep', ground, None, 0x5000)
  isolation.mount('none', '/', None, 0x1021)  # MS_REMOUNT, MS_BIND, MS_RDONLY


class Console:
  """Takes the terminals that are sent to a socket, and keeps them for as long as a container lives."""

  def __init__(self, path, account):
    self.terminals = []
    self.listener = socket.socket(socket.AF_UNIX)
    self.listener.bind(path)
    os.chown(path, *account)
    self.listener.listen()
    threading.Thread(target=self.serve, daemon=True).start()

  def forget(self):
    while self.terminals:
      os.close(self.terminals.pop())

  def serve(self):
    while True:
      connection, _ = self.listener.accept()
      connection.settimeout(SECONDS)
      try:
        _, fds, _, _ = socket.recv_fds(connection, 4096, 4)
        self.terminals += fds
      except OSError:
        pass  # whoever connected has been killed
      connection.close()


class Scene:
  """settings.role is who calls the runtime; this process itself is always root."""

  def __init__(self, settings):
    self.settings = settings
    self.state_root = settings.directory + '/state' if settings.role == 'root' else settings.default_root()
    self.test = lib.Test(settings, None)
    self.io = self.test.directory
    self.ground = os.path.dirname(settings.directory)
    serial = os.path.basename(self.ground)[-8:] + os.path.basename(settings.directory)
    os.makedirs(self.state_root, 0o700, exist_ok=True)
    os.chown(self.state_root, *settings.account)
    self.box = commands.make_box(self.test, serial + settings.role[0])
    self.console = Console(commands.console_of(self.box), settings.account)
    self.config = json.dumps(self.box.config)
    self.results = 0
    self.before = None
    self.lengths = {}  # command: how long it takes
    self.has_image = False
    self.usual = {}  # status: the descriptors that a container's first process has then
    self.restore()
    self.prepare('run')  # what the first container makes for all of them is nothing left behind
    self.runtime(commands.words('run', self.box))
    self.remove()
    for command, status in (('start', 'created'), ('kill', 'running')):
      self.prepare(command)
      self.usual[status] = self.descriptors()
      self.remove()
    self.before = self.count()

  # -- what there is

  def files(self):
    found = set()
    for top in WATCHED + (self.box.directory,):
      for folder, names, files in os.walk(top):
        if folder == top or top == self.box.directory:
          found.update('%s/%s' % (folder, name) for name in names + files)
        names[:] = [name for name in names if '%s/%s' % (folder, name) not in (
          self.ground, '/run/keep', self.box.rootfs + '/bin')]
    return {path for path in found if not path.startswith(CRIUS_OWN)}

  def keys(self):
    with open('/proc/keys', encoding='utf-8', errors='replace') as file:
      return {line.split()[-2] for line in file if self.box.id in line}

  def pid(self):
    """Of the container's first process; 0 if there is none."""
    try:
      return json.loads(self.runtime(['state', self.box.id])['out'])['pid']
    except (ValueError, KeyError):
      return 0

  def descriptors(self):
    """What the container's first process holds open."""
    try:
      return sorted(os.readlink(entry.path) for entry in os.scandir('/proc/%d/fd' % self.pid()))
    except OSError:
      return []

  def count(self):
    found = leftovers.count(self.settings)
    found['file'] = self.files()
    found['key'] = self.keys()
    return found

  def left(self, patience=1.0):
    """What there is and was not before: in words, or ''."""
    deadline = time.monotonic() + patience * isolation.PATIENCE
    while True:
      lines = self.differences()
      if not lines or time.monotonic() > deadline:
        return '; '.join(sorted(lines))
      time.sleep(0.005)

  def differences(self):
    known = {pid for pid, _ in self.before['process']}
    now = self.count()
    now['process'] = {item for item in now['process'] if item[0] not in known}
    lines = ['%s %s' % (kind, item) for kind in now
             for item in now[kind] - (self.before[kind] if kind != 'process' else set())]
    return lines + ['gone: %s %s' % (kind, item) for kind in ('mount', 'cgroup', 'host node')
                    for item in self.before[kind] - now[kind]]

  # -- what is done

  def restore(self):
    self.box.config = json.loads(self.config)

  def prepare(self, command):
    """The container that the command is about."""
    if command == 'restore' and not self.has_image:
      self.make_image()
    commands.prepare(command, self.box)
    self.box.save()
    wanted = commands.BEFORE[commands.base(command)]
    for needed, step in (('created', 'create'), ('running', 'start'), ('paused', 'pause')):
      if wanted is None:
        return
      result = self.runtime(commands.words(step, self.box))
      if result['rc'] != 0:
        raise lib.Failure('%s to begin with: %s' % (step, result['err'].strip() or result))
      if needed == wanted:
        return

  def make_image(self):
    """What is restored, each time anew."""
    self.prepare('checkpoint')
    words = commands.words('checkpoint', self.box)
    words[words.index('--image-path') + 1] = commands.image_of(self.box, 'whole')
    result = self.runtime(words)
    if result['rc'] != 0:
      raise lib.Failure('checkpoint to begin with: %s' % result['err'].strip())
    self.remove()
    self.has_image = True

  def runtime(self, words, **options):
    self.results += 1
    name = '%s/io-%d' % (self.io, self.results)
    options.setdefault('traced', False)
    options.setdefault('seconds', SECONDS)
    options.setdefault('account', self.settings.account)
    result = tracer.run(self.test.command(words), out=name + '.out', err=name + '.err', cwd=self.io,
                        env=commands.environment(self.test), **options)
    for kind in ('out', 'err'):
      result[kind] = lib.read('%s.%s' % (name, kind)) if os.path.exists(
        '%s.%s' % (name, kind)) else ''
      if os.path.exists('%s.%s' % (name, kind)):
        os.unlink('%s.%s' % (name, kind))
    return result

  def status(self):
    result = self.runtime(['state', self.box.id])
    try:
      return json.loads(result['out'])['status'] if result['rc'] == 0 else 'not there'
    except (ValueError, KeyError):
      return 'without a status'

  def remove(self):
    """Deletes by force, as a user would.  Returns what is wrong with that, in words, or ''."""
    result = self.runtime(commands.words('delete', self.box))
    self.console.forget()  # to them belongs the keyring of whoever has opened them
    if result['hang']:
      return 'hang: delete --force'
    if result['crash']:
      return 'crash: delete --force: ' + result['crash']
    if self.before is None:
      return ''
    left = self.left()
    return 'leak: %s (delete: %s %s)' % (left, result['rc'], result['err'].strip()) if left else ''

  # -- the judgement

  def judge(self, command, result):
    """(class, text) of a command's end, before anything is deleted."""
    text = result['err'].strip()
    if result['hang']:
      return 'hang', 'not over after %d s' % SECONDS
    if result['crash'] or any(word in text for word in PANIC):
      return 'crash', '%s %s' % (result['crash'], text[:300])
    if result['rc'] < 0:
      if result['rc'] == -signal.SIGKILL and result.get('may_be_killed'):
        return 'killed', ''
      return 'crash', 'ends by signal %d' % -result['rc']
    if result['rc'] == 0:
      wrong = commands.check(command)(self, result['out'])
      return ('lie', wrong) if wrong else ('success', '')
    return ('clean' if text else 'silent'), '%d: %s' % (result['rc'], text[:300])

  def finish(self, judgement):
    """Deletes, counts, and gives back what is worst."""
    kind, text = judgement
    problem = self.remove()
    if problem and kind not in ('hang', 'crash', 'lie'):
      kind, _, text = problem.partition(': ')
    elif problem:
      text += '; ' + problem
    usable = not problem or self.scrub()
    return kind, text, usable

  # -- after a leak

  def end_all(self, seconds):
    """Kills and removes what the kernel holds of containers: processes, for so long at most, and cgroups."""
    known = {pid for pid, _ in self.before['process']}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
      pids = [pid for pid in leftovers.processes(self.settings) if pid not in known]
      for pid in pids:
        try:
          os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
          pass
      if not pids:
        break
      time.sleep(0.005)
    for path in sorted(leftovers.cgroups(self.settings) - self.before['cgroup'], reverse=True):
      isolation.remove_cgroup(path)

  def scrub(self):
    """Removes what the runtime did not.  Returns whether that was possible."""
    for path in self.settings.cgroups:
      for folder, _, _ in os.walk(path):
        isolation.thaw(folder)
    self.end_all(2)
    for line in leftovers.mounts() - self.before['mount']:
      isolation.libc.umount2(line.split()[4].encode(), MNT_DETACH)
    for name in os.listdir(self.state_root):
      subprocess.run(['rm', '-rf', '--one-file-system', '%s/%s' % (self.state_root, name)],
                     check=False)
    for path in self.files() - self.before['file']:
      subprocess.run(['rm', '-rf', '--one-file-system', path], check=False)
    return not self.left()
