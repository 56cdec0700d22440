"""Root file systems and configs that were made to reach the host.

H is a directory beside the rootfs; whatever the container's files say, it has to stay as it is.
"""

import hashlib
import os
import stat
import time

from lib import PATIENCE, also_as_user, everyone, read, write


class Canary:
  """The host's directory, and what it looked like."""

  def __init__(self, t, box):
    self.t = t
    self.path = box.directory + '/H'
    os.mkdir(self.path)
    write(self.path + '/secret', 'secret\n', 0o600)
    write(self.path + '/ptmx', 'no device\n')
    write(self.path + '/bf', '')
    os.mkdir(self.path + '/proc')
    self.before = self.look()

  def look(self):
    rows = []
    for folder, folders, files in os.walk(self.path):
      for name in folders + files:
        path = '%s/%s' % (folder, name)
        status = os.lstat(path)
        content = read(path) if stat.S_ISREG(status.st_mode) else ''
        rows.append((path, status.st_mode, status.st_uid, status.st_gid, status.st_ino, content))
    return sorted(rows)

  def check(self, what=''):
    self.t.same(self.look(), self.before, 'the canary %s' % what)
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
      self.t.true(self.path not in file.read(), 'something is mounted on the canary %s' % what)


def link(box, name, target):
  path = '%s/%s' % (box.rootfs, name)
  if os.path.isdir(path) and not os.path.islink(path):
    os.rmdir(path)
  os.makedirs(os.path.dirname(path), exist_ok=True)
  os.symlink(target, path)


def targets(box):
  """Ways to name H from inside."""
  return (box.directory + '/H', '../H', '../' * 30 + box.directory.lstrip('/') + '/H')


# -- links in the rootfs


@also_as_user
def test_mounts_and_devices_below_a_link_to_the_host(t):
  for number in range(3):
    box = t.box()
    canary = Canary(t, box)
    link(box, 'lnk', targets(box)[number])
    link(box, 'lnkf', targets(box)[number] + '/bf')
    box.mount('/lnk/md', 'tmpfs', [], 'tmpfs')
    box.mount('/lnkf', box.file('etc/file', 'bound\n'), ['bind'])
    if t.is_root:
      box.linux['devices'] = [{'path': '/lnk/dv', 'type': 'c', 'major': 1, 'minor': 3}]
    box.run()
    canary.check(targets(box)[number])


@also_as_user
def test_proc_and_sys_are_links(t):
  for name, kind in (('proc', 'proc'), ('sys', 'sysfs')):
    for number in range(3):
      box = t.box().namespace('network')
      canary = Canary(t, box)
      link(box, name, targets(box)[number])
      box.without_mount('/' + name).mount('/' + name, kind, [], kind)
      result = box.try_create()
      t.same((result.rc, result.err.count('\n')), (1, 1), name)
      t.has(result.err, '/' + name)
      canary.check(name)


def test_proc_is_a_link_inside(t):
  box = t.box()
  os.mkdir(box.rootfs + '/evil')
  link(box, 'proc', '/evil')
  result = box.try_create()
  t.same(result.rc, 1)
  t.has(result.err, '/proc')


@also_as_user
def test_dev_is_a_link(t):
  for number in range(3):
    for has_mount in (True, False):
      box = t.box()
      canary = Canary(t, box)
      link(box, 'dev', targets(box)[number])
      if not has_mount:
        box.without_mount('/dev')
      box.run()
      canary.check('dev -> ' + targets(box)[number])


def test_the_console_is_a_link(t):
  for readonly in (True, False):
    box = t.box(terminal=True).without_mount('/dev')
    canary = Canary(t, box)
    box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')
    os.mkdir(box.rootfs + '/dev/pts')
    link(box, 'dev/console', box.directory + '/H/newfile')
    box.config['root']['readonly'] = readonly
    box.run()
    canary.check()


def test_null_is_a_link_or_another_device(t):
  box = t.box(args=['cat'], user={'uid': 1000, 'gid': 1000}).without_mount('/dev')
  canary = Canary(t, box)
  link(box, 'dev/null', box.directory + '/H/secret')
  with open('/dev/null', 'r+b') as null:
    result = box.run(stdin=null)
  t.true('secret' not in result.out, 'the secret is out')
  canary.check()


def test_masking_does_not_go_through_the_containers_null(t):
  box = t.box('cat /proc/keys; echo over').without_mount('/dev')
  link(box, 'dev/null', '/proc/sys/kernel/hostname')
  box.linux['maskedPaths'] = ['/proc/keys']
  result = box.run()
  t.true(result.rc == 1 or result.out == 'over\n', str(result))


@also_as_user
def test_a_cwd_that_is_a_link_to_the_host_is_made_inside(t):
  for number in range(3):
    box = t.box(args=['pwd'], cwd='/lnk/new')
    canary = Canary(t, box)
    link(box, 'lnk', targets(box)[number])
    box.run()
    canary.check()


def test_a_masked_or_read_only_path_that_is_a_link(t):
  box = t.box()
  canary = Canary(t, box)
  link(box, 'lnk', box.directory + '/H')
  box.linux['maskedPaths'] = ['/lnk/secret', '/lnk']
  box.linux['readonlyPaths'] = ['/lnk']
  box.run()
  canary.check()


# -- files that are no files


@also_as_user
def test_passwd_is_anything_but_a_file(t):
  def fifo(path):
    os.mkfifo(path)

  def sparse(path):
    with open(path, 'wb') as file:
      file.truncate(3 << 30)

  def to_the_host(path):
    os.symlink('/etc/shadow', path)

  def loop(path):
    os.symlink('passwd', path)

  for make in (fifo, sparse, to_the_host, loop, os.mkdir):
    for name in ('passwd', 'group'):
      box = t.box('echo $HOME')
      make(box.rootfs + '/etc/' + name)
      begin = time.monotonic()
      result = box.run()
      t.true(time.monotonic() - begin < 3 * PATIENCE, '%s %s takes long' % (name, make.__name__))
      t.true((result.rc, result.out) == (0, '/\n') or
             (result.rc == 1 and result.err.count('\n') == 1), str(result))
  if t.is_root:
    box = t.box('echo $HOME')
    os.mknod(box.rootfs + '/etc/passwd', 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    begin = time.monotonic()
    box.run()
    t.true(time.monotonic() - begin < 3 * PATIENCE, 'a device takes long')


# -- the runtime's own program


def digest(path):
  with open(path, 'rb') as file:
    return hashlib.sha256(file.read()).hexdigest()


@everyone
def test_the_runtime_cannot_be_made_to_run_itself(t):
  before = digest(t.settings.runtime)
  for make in (lambda: t.box(args=['/proc/self/exe', '--help']),
               lambda: t.box(args=['/entry'])):
    box = make()
    box.file('entry', '#!/proc/self/exe\n', 0o755)
    result = box.run()
    t.true(result.rc != 0 and 'Usage' not in result.out, str(result))
  t.same(digest(t.settings.runtime), before)


def test_the_waiting_inits_program_cannot_be_written_to(t):
  first = t.box('exec sleep 60')
  first.process['capabilities'] = {'bounding': ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'],
                                   'effective': ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'],
                                   'permitted': ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']}
  first.launch()
  second = t.box().namespace('pid', '/proc/%d/ns/pid' % first.pid())
  second.create()
  before = digest(t.settings.runtime)
  third = t.box('for e in /proc/[0-9]*/exe; do echo x >> $e && echo written to $e; done '
                '2>/dev/null; echo over').namespace('pid', '/proc/%d/ns/pid' % first.pid())
  third.process['capabilities'] = first.process['capabilities']
  t.same(third.output(), 'over\n')
  t.same(digest(t.settings.runtime), before)


@also_as_user
def test_cwd_through_a_descriptor_of_the_runtime(t):
  leak = os.open('/', os.O_RDONLY)
  t.ready.append(lambda: os.close(leak))
  for number in range(3, 20):
    for more in ('', '/../../..'):
      box = t.box('pwd; ls -d H 2>/dev/null; ls', cwd='/proc/self/fd/%d%s' % (number, more))
      result = box.run(pass_fds=[leak])
      inside = result.rc == 0 and 'lost+found' not in result.out and 'config.json' not in result.out
      t.true(result.rc == 1 or inside, str(result))


@also_as_user
def test_a_program_through_a_descriptor_of_the_runtime(t):
  leak = os.open('/', os.O_RDONLY)
  t.ready.append(lambda: os.close(leak))
  for number in list(range(3, 12)) + [leak]:
    for more in ('', '/bin/ls', '/../../bin/ls'):
      result = t.box(args=['/proc/self/fd/%d%s' % (number, more), '/']).run(pass_fds=[leak])
      t.same((result.rc, result.out, result.err.count('\n')), (1, '', 1), '%d%s' % (number, more))


def test_a_cwd_that_is_a_link_to_a_descriptor(t):
  for number in range(3, 12):
    box = t.box('ls', cwd='/lnk')
    link(box, 'lnk', '/proc/self/fd/%d' % number)
    t.same(box.run().rc, 1)


# -- ids


@also_as_user
def test_ids_that_would_wrap_around_are_never_root(t):
  for text in ('4294967295', '4294967296', '-1', '"1"', '1.0', '1e3', '0x10', '01', ' "0"', 'null',
               '18446744073709551616', 'true', '[1]'):
    for name in ('uid', 'gid'):
      box = t.box('id -u; id -g')
      box.save()
      whole = read(box.directory + '/config.json')
      box.text = whole.replace('"%s": 0' % name, '"%s": %s' % (name, text), 1)
      t.true(box.text != whole, 'nothing was replaced')
      result = box.run()
      t.same((result.rc, result.out, result.err.count('\n')), (1, '', 1), '%s %s' % (name, text))
      t.true('process' in result.err or 'config.json:' in result.err, result.err)


def test_a_line_break_does_not_split_anything(t):
  box = t.box('hostname')
  box.config['hostname'] = 'a\nb'
  t.same(box.run().rc, 1)
  box = t.box('env | grep -c "^X"', env=['PATH=/bin', 'A=1\nX=2'])
  t.true(box.run().out in ('0\n', '1\n'), 'it has another count')
  t.nothing_left()
