"""What the tests are written with.

A test is a function test_...(t): its name is a sentence, t is a Test.  t.box(...) makes a bundle
and the means to handle its container.  Whatever a test leaves behind makes it fail.
"""

import copy
import difflib
import json
import os
import shutil
import subprocess
import time

import leftovers
from isolation import PATIENCE

PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
FOLDERS = ('bin', 'dev', 'etc', 'mnt', 'proc', 'root', 'sys', 'tmp', 'usr', 'var')
CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_SETGID',
                'CAP_SETUID', 'CAP_SYS_CHROOT', 'CAP_MKNOD', 'CAP_NET_BIND_SERVICE']

# Lean: what a test is not about is not there.
CONFIG = {
  'ociVersion': '1.3.0',
  'process': {
    'user': {'uid': 0, 'gid': 0},
    'args': ['true'],
    'env': ['PATH=/bin'],
    'cwd': '/',
    'capabilities': {'bounding': CAPABILITIES, 'effective': CAPABILITIES,
                     'permitted': CAPABILITIES},
    'noNewPrivileges': True,
  },
  'root': {'path': 'rootfs'},
  'mounts': [
    {'destination': '/proc', 'type': 'proc', 'source': 'proc'},
    {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs',
     'options': ['nosuid', 'strictatime', 'mode=755', 'size=65536k']},
  ],
  'linux': {
    'namespaces': [{'type': 'pid'}, {'type': 'mount'}, {'type': 'ipc'}, {'type': 'uts'}],
  },
}


class Failure(Exception):
  """The runtime did something else than expected."""


class Skip(Exception):
  """The test cannot be done here; the text says why."""


def run_as(*roles):
  """Who a test is run as: root (also the default), user (has subordinate ids), lone (has none)."""
  def mark(function):
    function.roles = roles
    return function
  return mark


everyone = run_as('root', 'user', 'lone')
also_as_user = run_as('root', 'user')


def time_limit(seconds):
  def mark(function):
    function.seconds = seconds
    return function
  return mark


class Settings:
  def __init__(self, role, directory, runtime, cgroups, runtime_dir, watcher):
    self.role = role
    self.directory = directory
    self.runtime = runtime
    self.cgroups = cgroups
    self.runtime_dir = runtime_dir
    self.watcher = watcher
    self.boxes = 0
    self.template = make_template(directory + '/template')

  def default_root(self):
    return self.runtime_dir + '/proa' if self.role != 'root' else '/run/proa'

  def state_roots(self):
    return {self.default_root(), self.directory + '/state', self.runtime_dir + '/proa'}


def make_template(path):
  os.makedirs(path + '/bin')
  busybox = path + '/bin/busybox'
  shutil.copy(shutil.which('busybox'), busybox)
  names = subprocess.run([busybox, '--list'], capture_output=True, text=True, check=True).stdout
  for name in names.split():
    if not os.path.exists('%s/bin/%s' % (path, name)):
      os.link(busybox, '%s/bin/%s' % (path, name))
  return path


def tap(number, title, result, text):
  """The lines of one case in the Test Anything Protocol."""
  line = '%sok %d - %s' % ('not ' if result == 'FAIL' else '', number, title)
  if result == 'SKIP':
    line += ' # SKIP ' + text
  if result == 'FAIL':
    line += '\n# ' + text.rstrip().replace('\n', '\n# ')
  return line


class Result:
  """What a command ended with."""

  def __init__(self, arguments, rc, out, err):
    self.arguments = arguments
    self.rc = rc
    self.out = out
    self.err = err

  def __str__(self):
    text = '$ %s -> %s' % (' '.join(self.arguments), self.rc)
    for name, value in (('out', self.out), ('err', self.err)):
      if value:
        text += '\n    %s: %s' % (name, value[:500].rstrip().replace('\n', '\n         '))
    return text


class Test:
  """One run of one test function."""

  def __init__(self, settings, before):
    self.settings = settings
    self.before = before
    self.boxes = []
    self.helpers = []
    self.results = []
    self.ready = []  # removed, or called, at the end
    self.notes = []  # told by those harnesses that tell more than how it went
    self.role = settings.role
    self.is_root = settings.role == 'root'
    self.directory = '%s/t%d' % (settings.directory, settings.boxes)
    os.mkdir(self.directory)
    self.files = 0

  # -- running things

  def environment(self, **more):
    values = {'PATH': PATH, 'XDG_RUNTIME_DIR': '' if self.is_root else self.settings.runtime_dir}
    values.update(more)
    return {name: value for name, value in values.items() if value is not None}

  def command(self, words):
    """The runtime's whole command line; root's state is kept where it can be watched."""
    root = ['--root', self.settings.directory + '/state'] if self.is_root else []
    return [self.settings.runtime] + root + [str(word) for word in words]

  def start(self, *words, stdin=subprocess.DEVNULL, plain=False, **options):
    """Starts the runtime and returns its Popen; its out and err are files, not pipes, because a
    container goes on writing after the runtime has ended."""
    self.files += 1
    name = '%s/%d' % (self.directory, self.files)
    command = [self.settings.runtime] + list(words) if plain else self.command(words)
    options.setdefault('env', self.environment())
    with open(name + '.out', 'w', encoding='utf-8') as out, \
         open(name + '.err', 'w', encoding='utf-8') as err:
      options.setdefault('stdout', out)
      options.setdefault('stderr', err)
      process = subprocess.Popen(command, stdin=stdin, cwd=options.pop('cwd', self.directory),
                                 **options)
    process.name = name
    process.words = words
    self.helpers.append(process)
    return process

  def finish(self, process, seconds=15):
    try:
      rc = process.wait(seconds * PATIENCE)
    except subprocess.TimeoutExpired:
      text = leftovers.list_processes(self.settings)
      process.kill()
      process.wait()
      raise Failure('%s does not end:\n%s' % (' '.join(map(str, process.words)), text)) from None
    result = Result([str(word) for word in process.words], rc, read(process.name + '.out'),
                    read(process.name + '.err'))
    self.results.append(result)
    return result

  def proa(self, *words, seconds=15, **options):
    """Runs the runtime to its end."""
    return self.finish(self.start(*words, **options), seconds)

  def helper(self, command, **options):
    """Starts another program, which is killed at the end of the test."""
    process = subprocess.Popen(command, **options)
    self.helpers.append(process)
    return process

  def box(self, script=None, args=None, **process):
    """A bundle, and the means to handle its container.  script is for the shell."""
    self.settings.boxes += 1
    box = Box(self, 'box-%d' % self.settings.boxes)
    if script is not None:
      args = ['sh', '-c', script]
    if args is not None:
      box.process['args'] = args
    box.process.update(process)
    self.boxes.append(box)
    return box

  def path(self, name, text=None, mode=0o644):
    """A path in the test's own directory; with a text, a file that holds it."""
    path = '%s/%s' % (self.directory, name)
    if text is not None:
      write(path, text, mode)
    return path

  def cgroup(self, controller):
    """The watched directory of the hierarchy that has this controller ("v2": of version 2)."""
    for path in self.settings.cgroups:
      if os.path.exists(path + '/cgroup.controllers'):
        if controller == 'v2' or controller in read(path + '/cgroup.controllers').split():
          return path
      elif controller in path.split('/') and os.path.exists(path):
        return path
    return None

  def needs_cgroup(self, controller):
    path = self.cgroup(controller)
    if not path:
      self.skip('there is no cgroup controller ' + controller)
    return path

  # -- looking at things

  def same(self, found, expected, what=''):
    if found == expected:
      return
    if isinstance(found, str) and isinstance(expected, str) and '\n' in found + expected:
      difference = '\n'.join(difflib.unified_diff(expected.splitlines(), found.splitlines(),
                                                  'expected', 'found', lineterm=''))
    else:
      difference = 'expected %r\nfound    %r' % (expected, found)
    raise Failure((what + ':\n' if what else '') + difference)

  def true(self, condition, text):
    if not condition:
      raise Failure(text)

  def has(self, text, part, what=''):
    if part not in text:
      raise Failure('%s%r is not in %r' % (what and what + ': ', part, text))

  def worked(self, result, out=None):
    """The command succeeded, and said nothing on stderr."""
    if result.rc != 0 or result.err:
      raise Failure('did not work: %s' % result)
    if out is not None:
      self.same(result.out, out)
    return result

  def refused(self, result, text, rc=1):
    """The command failed, said exactly this one line, and left nothing.

    BUNDLE stands for the last box's directory, HERE for the test's, and UID for the user's."""
    if self.boxes:
      text = text.replace('BUNDLE', self.boxes[-1].directory)
    text = text.replace('HERE', self.directory).replace('UID', str(os.geteuid()))
    self.same(result.err, text + '\n', 'stderr')
    self.same((result.rc, result.out), (rc, ''), 'exit status and output')
    self.nothing_left()
    return result

  def nothing_left(self):
    left = leftovers.since(self.before, self.settings)
    if left:
      raise Failure('left behind:\n' + left)

  def wait(self, condition, what, seconds=10):
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
      if time.monotonic() > deadline:
        raise Failure('waited %d seconds in vain: %s' % (seconds * PATIENCE, what))
      time.sleep(0.005)

  def skip(self, reason):
    raise Skip(reason)

  def history(self):
    texts = [str(result) for result in self.results]
    return '\n'.join([text for text, after in zip(texts, texts[1:] + ['']) if text != after][-6:])

  # -- the end

  def clean_up(self, strict=True):
    """Deletes the containers; after a test that went well this has to work."""
    problems = []
    for box in self.boxes:
      try:
        if os.path.exists(box.directory) and box.used:
          result = self.proa('delete', '--force', box.id)
          if result.rc or result.err or result.out:
            problems.append(str(result))
      except Failure as failure:
        problems.append(str(failure))
    for process in self.helpers:
      if process.poll() is None:
        process.kill()
        process.wait()
    for action in reversed(self.ready):
      action()
    subprocess.run(['rm', '-rf', '--one-file-system', self.directory], check=False)
    if problems and strict:
      raise Failure('\n'.join(problems))


class Box:
  """A bundle and its container."""

  def __init__(self, test, name):
    self.test = test
    self.id = name
    self.used = False
    self.directory = '%s/%s' % (test.directory, name)
    self.rootfs = self.directory + '/rootfs'
    self.config = copy.deepcopy(CONFIG)
    self.process = self.config['process']
    self.linux = self.config['linux']
    self.text = None  # instead of config
    self.create_result = None
    self.make_rootfs()

  def make_rootfs(self):
    for folder in FOLDERS:
      os.makedirs('%s/%s' % (self.rootfs, folder))
    os.chmod(self.rootfs + '/tmp', 0o1777)
    template = self.test.settings.template + '/bin'
    for name in os.listdir(template):
      os.link('%s/%s' % (template, name), '%s/bin/%s' % (self.rootfs, name))

  # -- the configuration

  def mount(self, destination, source=None, options=None, kind=None):
    mount = {'destination': destination}
    if kind:
      mount['type'] = kind
    if source:
      mount['source'] = source
    if options is not None:
      mount['options'] = options
    self.config['mounts'].append(mount)
    return self

  def without_mount(self, destination):
    self.config['mounts'] = [mount for mount in self.config['mounts']
                             if mount['destination'] != destination]
    return self

  def namespace(self, kind, path=None):
    self.no_namespace(kind)
    self.linux['namespaces'].append({'type': kind, 'path': path} if path else {'type': kind})
    return self

  def no_namespace(self, kind):
    self.linux['namespaces'] = [row for row in self.linux['namespaces'] if row['type'] != kind]
    return self

  def map_ids(self, *ranges):
    """A new user namespace; ranges are (inside, outside, how many)."""
    self.namespace('user')
    rows = [{'containerID': inside, 'hostID': outside, 'size': size}
            for inside, outside, size in ranges]
    self.linux['uidMappings'] = rows
    self.linux['gidMappings'] = copy.deepcopy(rows)
    return self

  def hook(self, kind, path, *args, **more):
    row = {'path': path, 'args': [path] + list(args)}
    row.update(more)
    self.config.setdefault('hooks', {}).setdefault(kind, []).append(row)
    return self

  def file(self, name, text='', mode=0o644):
    """Makes a file in the rootfs, and returns its path."""
    path = '%s/%s' % (self.rootfs, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write(path, text, mode)
    return path

  def save(self):
    self.used = True
    write(self.directory + '/config.json',
          json.dumps(self.config) if self.text is None else self.text)

  # -- commands

  def run(self, *options, before=(), **more):
    """Returns when the container is over; result.out is what it wrote."""
    self.save()
    return self.test.proa(*before, 'run', '--bundle', self.directory, *options, self.id, **more)

  def output(self, *options):
    """What the container writes, which has to end well."""
    return self.test.worked(self.run(*options)).out

  def begin_run(self, *options, before=(), **more):
    self.save()
    return self.test.start(*before, 'run', '--bundle', self.directory, *options, self.id, **more)

  def begin_create(self, *options, **more):
    self.save()
    return self.test.start('create', '--bundle', self.directory, *options, self.id, **more)

  def try_create(self, *options, **more):
    process = self.begin_create(*options, **more)
    self.create_result = process.name
    return self.test.finish(process)

  def create(self, *options, **more):
    return self.test.worked(self.try_create(*options, **more))

  def start(self):
    return self.test.worked(self.test.proa('start', self.id))

  def launch(self, *options, **more):
    """create and start."""
    self.create(*options, **more)
    self.start()
    return self

  def written(self):
    """What a container that was made with create has written until now."""
    return read(self.create_result + '.out')

  def state(self):
    return json.loads(self.test.worked(self.test.proa('state', self.id)).out)

  def status(self):
    return self.state()['status']

  def pid(self):
    return self.state()['pid']

  def kill(self, *words):
    return self.test.worked(self.test.proa('kill', self.id, *words), '')

  def delete(self, *options):
    return self.test.worked(self.test.proa('delete', *options, self.id), '')

  def wait_until(self, status):
    self.test.wait(lambda: self.status() == status, 'the container is %s' % status)
    return self

  def wait_for_output(self, text):
    self.test.wait(lambda: text in self.written(), 'the container writes %r' % text)
    return self


def read(path):
  with open(path, encoding='utf-8', errors='replace') as file:
    return file.read()


def write(path, text, mode=0o644):
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  os.chmod(path, mode)


def status_field(text, name):
  """A line of /proc/PID/status."""
  return next(line.split(':', 1)[1].strip() for line in text.splitlines()
              if line.startswith(name + ':'))


def alive(pid):
  """Whether it is there and not only waits to be reaped."""
  try:
    return status_field(read('/proc/%d/status' % pid), 'State')[0] not in 'ZX'
  except (FileNotFoundError, ProcessLookupError):
    return False
