"""Class B: procfs and sysfs taken for the truth, or made a means to write elsewhere."""

import json
import os
import tempfile

from catalogue import (Canary, end, execute, is_null, link, powerful, read, refused, row, running,
                       text_of, write)
from isolation import libc
from lib import status_field
from races import SECONDS, exchange, race
from test_hosts_proc import BIND, with_mount

# What runc, crun, containerd and Docker mask, in their newest releases.
MASKED = ('/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys',
          '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list',
          '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware')
NEW_PIDS = 0x20000000
COVERS = 6  # of covers_of_another()
READ_ONLY = ('/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger')


@row('B1', 'CVE-2019-16884', sample=True)
def row_something_is_mounted_over_proc(t):
  """Refused, or at least the runtime itself still acts on the kernel: here by a sysctl."""
  for destination, linked in (('/proc', None), ('/proc/self/attr', None), ('/proc/sys', None),
                              ('/foo', '/proc/self/attr'), ('/foo', '/proc/sys'), ('/foo', '/proc')):
    box = t.box('cat /proc/sys/kernel/msgmax; grep -c NoNewPrivs:.1 /proc/self/status')
    if linked:
      link(box, 'foo', linked)
    box.mount(destination, 'tmpfs', [], 'tmpfs')
    box.linux['sysctl'] = {'kernel.msgmax': '12345'}
    result = box.run()
    t.true(result.rc != 0 or '12345' in result.out, '%s -> %s: %s' % (destination, linked, result))


@row('B2', 'CVE-2019-19921', sample=True, seconds=SECONDS, view='v2')
def row_proc_is_exchanged_for_a_link(t):
  box = t.box('test -e /false/self/status && echo mounted elsewhere; true')
  os.mkdir(box.rootfs + '/false')
  os.symlink('false', box.rootfs + '/proc-link')
  exchange(t, box.rootfs + '/proc', box.rootfs + '/proc-link')
  race(t, box, lambda text: 'the proc is where the link leads' if 'elsewhere' in text else '')


@row('B3', 'CVE-2025-31133, CVE-2025-62161', sample=True)
def row_masking_by_a_null_device_that_is_a_link(t):
  for target in ('/proc/sys/kernel/hostname', '/proc/sys/kernel/core_pattern', '/etc/secret'):
    box = t.box('cat /proc/keys; echo x > /proc/keys; cat /etc/secret').without_mount('/dev')
    box.file('etc/secret', 'secret\n')
    link(box, 'dev/null', target)
    box.linux['maskedPaths'] = ['/proc/keys']
    result = box.run()
    t.true(result.rc != 0 or result.out == 'secret\n', str(result))
    t.same(text_of(box.rootfs + '/etc/secret'), 'secret\n')


@row('B3r', 'CVE-2025-31133, raced', sample=True, control=True, seconds=SECONDS, view='v2')
def row_the_null_device_is_exchanged_meanwhile(t):
  """What masks is never a file of the container's: in /dev is a node when it is looked at, and a link to a
  file when it is bound."""
  box = t.box('cat /etc/masked; true').without_mount('/dev')
  box.file('etc/masked', 'masked\n')
  box.file('etc/other', 'gotcha\n')
  volume = t.path('dev')
  os.mkdir(volume)
  os.mknod(volume + '/null', 0o20666, os.makedev(1, 3))
  os.symlink('/etc/other', volume + '/link')
  box.mount('/dev', volume, ['rbind'])
  box.linux['maskedPaths'] = ['/etc/masked']
  exchange(t, volume + '/null', volume + '/link')
  race(t, box, lambda text: next((word for word in ('gotcha', 'masked\n') if word in text), ''))
  t.true(is_null('/dev/null'), "the host's /dev/null")


@row('B3m', 'CVE-2019-19921, of what is masked', sample=True, control=True, seconds=SECONDS, view='v2')
def row_proc_is_exchanged_between_its_mount_and_the_masks(t):
  """Whoever can rename in the rootfs exchanges the directory that the proc was mounted on for an empty one.
  The masks must be on the proc all the same, or there must be no container."""
  box = t.box('for d in /proc /decoy; do test -s $d/version && echo "$d is bare"; '
              'echo linux > $d/sys/kernel/domainname && echo "$d is writable"; done; true')
  box.namespace('uts')
  box.linux['maskedPaths'] = ['/proc/version']
  box.linux['readonlyPaths'] = ['/proc/sys']
  os.mkdir(box.rootfs + '/decoy')
  exchange(t, box.rootfs + '/proc', box.rootfs + '/decoy')
  race(t, box, lambda text: next((line for line in text.splitlines()
                                  if line.endswith((' is bare', ' is writable'))), ''))


@row('B4', 'CVE-2025-52565', sample=True)
def row_devpts_is_a_volume_with_planted_names(t):
  for name in ('ptmx', '0', '1'):
    box = t.box(terminal=True)
    canary = Canary(t, box)
    pts = t.path('pts-' + name)
    os.mkdir(pts)
    os.symlink(box.directory + '/H/secret', pts + '/' + name)
    box.mount('/dev/pts', pts, ['rbind'])
    leader, follower = os.openpty()
    box.run(stdin=follower, stdout=follower)
    os.close(leader)
    os.close(follower)
    canary.check('/dev/pts/' + name)


@row('B4r', 'CVE-2025-52565, raced', sample=True, control=True, seconds=SECONDS, view='v2')
def row_the_terminals_name_leads_elsewhere_meanwhile(t):
  """The directory that devpts was mounted on is exchanged for one with a link of the terminal's number, by a
  container that shares the volume: what is bound to /dev/console is the terminal, or nothing."""
  box = t.box('test -c /dev/console || echo gotcha > /tmp/hit; true', terminal=True).without_mount('/dev')
  box.file('etc/other')
  volume = t.path('dev')
  for name in ('pts', 'false'):
    os.makedirs('%s/%s' % (volume, name))
  os.symlink('pts/ptmx', volume + '/ptmx')
  for number in range(8):
    os.symlink('/etc/other', '%s/false/%d' % (volume, number))
  box.mount('/dev', volume, ['rbind'])
  box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')
  mark = box.rootfs + '/tmp/hit'
  exchange(t, volume + '/pts', volume + '/false')
  leader, follower = os.openpty()
  t.ready.append(lambda: (os.close(leader), os.close(follower)))
  race(t, box, lambda _: 'the console is a file' if os.path.exists(mark) else '',
       lambda: os.unlink(mark), stdin=follower)


FALSE = ('sys/kernel/msgmax', 'self/oom_score_adj', 'thread-self/oom_score_adj', 'self/attr/exec',
         'thread-self/attr/exec', 'self/status')


@row('B5', 'CVE-2025-52881, CVE-2025-62596', sample=True, control=True, seconds=SECONDS, view='v2')
def row_settings_are_written_while_proc_is_exchanged(t):
  """What is written goes into the kernel of the container, or nowhere: not into files of a false proc, on whose
  name the true one was mounted."""
  box = t.box(args=['cat', '/proc/sys/kernel/msgmax'], oomScoreAdj=500)
  false = box.rootfs + '/false'
  for name in FALSE:
    os.makedirs(os.path.dirname('%s/%s' % (false, name)), exist_ok=True)
  folder = os.open(false, os.O_PATH | os.O_DIRECTORY)
  t.ready.append(lambda: os.close(folder))
  box.linux['sysctl'] = {'kernel.msgmax': '12345'}
  before = text_of('/proc/sys/kernel/msgmax')

  def falsify():
    for name in FALSE:
      write('/proc/self/fd/%d/%s' % (folder, name), 'false\n', 0o666)

  def written(_):
    where = [name for name in FALSE if text_of('/proc/self/fd/%d/%s' % (folder, name)) != 'false\n']
    return ', '.join(where) or ('' if text_of('/proc/sys/kernel/msgmax') == before else "the host's")

  falsify()
  exchange(t, box.rootfs + '/proc', false)
  race(t, box, written, falsify)


@row('B6', 'CVE-2015-1334', sample=True)
def row_exec_with_a_false_proc(t):
  box = powerful(t.box('mount -t tmpfs none /proc; mkdir -p /proc/self/attr /proc/self/ns /proc/sys/kernel '
                       '/proc/self/fd /proc/thread-self/attr; echo x > /proc/self/attr/exec; '
                       'echo 0 > /proc/sys/kernel/cap_last_cap; echo ready; sleep 60'))
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
                          'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO'}]}
  running(t, box=box)
  t.wait(lambda: 'ready' in box.written(), 'proc is false')
  result = execute(box, 'mkdir', '/tmp/x')
  t.true(result.rc != 0, 'the filter is not there')
  t.same(text_of(box.rootfs + '/proc/self/attr/exec'), '')
  # It goes on for long enough to be looked at from outside.
  process = t.start('exec', box.id, 'sleep', '61')
  t.wait(lambda: newcomers('61') or process.poll() is not None, 'the program begins')
  for pid in newcomers('61'):
    status = read('/proc/%d/status' % pid)
    t.same((status_field(status, 'Seccomp'), status_field(status, 'NoNewPrivs')), ('2', '1'))
  end(box)


def newcomers(argument):
  found = []
  for name in filter(str.isdigit, os.listdir('/proc')):
    if text_of('/proc/%s/cmdline' % name) == 'sleep\0%s\0' % argument:
      found.append(int(name))
  return found


@row('B7', 'CVE-2022-0811', sample=True)
def row_names_of_settings_that_lead_elsewhere(t):
  watched = ('/proc/sys/vm/swappiness', '/proc/sys/kernel/panic', '/proc/sys/kernel/core_pattern')
  before = [text_of(path) for path in watched]
  for name in ('net/../vm/swappiness', 'net.../vm/swappiness', 'fs.mqueue/../../vm/swappiness',
               'fs/mqueue/../../vm/swappiness', '', '.', '/', 'net.', '../vm/swappiness',
               'vm.swappiness', 'kernel.panic', 'kernel.core_pattern', 'net/ipv4/../../vm/swappiness'):
    box = t.box().namespace('network')
    box.linux['sysctl'] = {name: '1'}
    refused(t, box.run(), repr(name))
    t.same([text_of(path) for path in watched], before, repr(name))


@row('B8', 'CVE-2017-16539, CVE-2018-10892, GHSA-jq35-85cj-fj4p', sample=True)
def row_what_the_default_config_masks(t):
  folder = t.path('spec')
  os.mkdir(folder)
  t.same(t.finish(t.start('spec', plain=True, cwd=folder)).rc, 0)
  wanted = json.loads(read(folder + '/config.json'))
  masked = wanted['linux'].get('maskedPaths', [])
  locked = wanted['linux'].get('readonlyPaths', [])
  missing = [path for path in MASKED if path not in masked and os.path.exists(path)]
  missing += [path for path in READ_ONLY if path not in locked]
  t.same(missing, [], 'not in the list')
  box = t.box('for p in %s; do test -f $p && head -c1 $p; test -d $p && ls -A $p; done 2>/dev/null; '
              'for p in %s; do test -f $p && echo >> $p && echo wrote $p; done 2>/dev/null; true'
              % (' '.join(masked), ' '.join(locked)))
  box.namespace('network').mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro'], 'sysfs')
  box.linux['maskedPaths'] = masked
  box.linux['readonlyPaths'] = locked
  result = box.run()
  t.same((result.rc, result.out), (0, ''), str(result))


# -- the /proc that the runtime itself sees --------------------------------------------------------

def falsified(t, tree):
  """A directory with these files, whose text is false."""
  folder = tempfile.mkdtemp(dir=t.directory)
  for name, text in tree.items():
    os.makedirs(os.path.dirname('%s/%s' % (folder, name)), exist_ok=True)
    write('%s/%s' % (folder, name), text)
  return folder


def whole_tree(pid):
  """A false procfs, for a runtime that only looks whether the files are there."""
  tree = {name: 'false\n' for name in FALSE}
  tree['self/status'] = read('/proc/self/status')
  tree['self/cgroup'] = read('/proc/self/cgroup')
  tree['self/mountinfo'] = read('/proc/self/mountinfo')
  tree['%d/stat' % pid] = false_stat(pid)
  return tree


def false_stat(pid):
  """Of another process of that number: it began later."""
  words = read('/proc/%d/stat' % pid).rsplit(')', 1)
  fields = words[1].split()
  fields[19] = str(int(fields[19]) + 7)
  return '%s) %s\n' % (words[0], ' '.join(fields))


def covers_of_self(t):
  """(what is covered, by what): directories, files, and all of it."""
  empty = falsified(t, {'empty': ''})
  yield '/proc', falsified(t, whole_tree(os.getpid()))
  yield '/proc', '/proc/sys'
  yield '/proc/self', empty
  yield '/proc/self/attr', falsified(t, {'exec': 'false\n', 'current': 'false\n'})
  yield '/proc/self/fd', empty
  yield '/proc/self/ns', falsified(t, {name: '' for name in ('mnt', 'net', 'pid', 'user', 'cgroup')})
  yield '/proc/self/status', falsified(t, {'x': 'CapEff: 0\n'}) + '/x'
  yield '/proc/self/cgroup', falsified(t, {'x': '0::/elsewhere\n'}) + '/x'
  yield '/proc/self/mountinfo', falsified(t, {'x': 'false\n'}) + '/x'
  yield '/proc/sys', falsified(t, {'kernel/msgmax': '7\n'})
  yield '/proc/sys/kernel/msgmax', falsified(t, {'x': '7\n'}) + '/x'


@row('B9', 'CVE-2019-16884, CVE-2025-52881: at the runtime itself', sample=True)
def row_the_runtime_sees_a_false_proc_and_makes_a_container(t):
  """What can be covered in the mount namespace that it is called in: either it says so, or the container is as
  it was asked for, and nothing went into the false files."""
  before = text_of('/proc/sys/kernel/msgmax')
  for place, source in covers_of_self(t):
    box = t.box('cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj', oomScoreAdj=500)
    box.linux['sysctl'] = {'kernel.msgmax': '12345'}
    was = contents(source)
    result = box.run(preexec_fn=with_mount(None, source, place, BIND))
    t.true(result.rc != 0 or result.out == '12345\n500\n', '%s: %s' % (place, result))
    t.same(contents(source), was, 'written to what covers %s' % place)
    t.same(text_of('/proc/sys/kernel/msgmax'), before, place)


def contents(source):
  if source.startswith('/proc'):
    return None
  if os.path.isfile(source):
    return text_of(source)
  return {name: text_of('%s/%s' % (folder, name)) for folder, _, names in os.walk(source) for name in names}


def covers_of_another(t, pid):
  """The same for a container's process, with a procfs of another pid namespace: its own."""
  for place, source in (('/proc', falsified(t, whole_tree(pid))),
                        ('/proc/%d' % pid, falsified(t, {'empty': ''})),
                        ('/proc/%d' % pid, '/proc/1'),
                        ('/proc/%d/stat' % pid, falsified(t, {'stat': false_stat(pid)}) + '/stat'),
                        ('/proc/%d/ns' % pid, '/proc/1/ns')):
    yield '%s on %s' % (source, place), with_mount(None, source, place, BIND)
  yield 'that of other pids', with_proc_of_other_pids


def with_proc_of_other_pids():
  """For preexec_fn: the procfs of a pid namespace that is not the runtime's."""
  with_mount('tmpfs', 'none', '/mnt')()
  child = os.fork()
  if child == 0:
    libc.unshare(NEW_PIDS)
    child = os.fork()
    if child == 0:
      os._exit(-libc.mount(b'proc', b'/proc', b'proc', 0, None))
    os._exit(os.waitpid(child, 0)[1] >> 8)
  if os.waitpid(child, 0)[1]:
    raise OSError('mount /proc')


def pid_of(t, box):
  return json.loads(t.worked(t.proa('state', box.id)).out)['pid']


def lives(pid, since):
  return text_of('/proc/%d/stat' % pid).split(' ')[21:22] == since and 'Z' not in text_of(
    '/proc/%d/stat' % pid).split(' ')[2]


@row('B9x', 'CVE-2015-1334: at the runtime itself', sample=True, seconds=SECONDS)
def row_the_runtime_sees_a_false_proc_and_goes_by_it(t):
  """A container that runs is not said to be over, nor removed as such, nor is another one killed; what exec runs
  is in the container, or nothing."""
  commands = ('state', 'exec', 'kill', 'delete')
  for command in commands:
    for number in range(COVERS):
      box = running(t, box=t.box('while :; do sleep 1; done').namespace('uts'))
      pid = pid_of(t, box)
      since = read('/proc/%d/stat' % pid).split(' ')[21:22]
      name, cover = list(covers_of_another(t, pid))[number]
      words = {'exec': ['sh', '-c', 'readlink /proc/self/ns/uts'], 'kill': ['KILL']}.get(command, [])
      inside = os.readlink('/proc/%d/ns/uts' % pid)
      result = t.proa(command, box.id, *words, preexec_fn=cover)
      what = '%s with %s: %s' % (command, name, result)
      if command == 'state':
        t.true(result.rc != 0 or json.loads(result.out)['status'] == 'running', what)
      elif command == 'exec':
        t.true(result.rc != 0 or result.out.strip() == inside, what)
      elif command == 'delete':
        t.true(result.rc != 0 and lives(pid, since), what)
      elif result.rc == 0:
        t.wait(lambda: not lives(pid, since), 'killed: ' + what)
      t.results.clear()
      end(box)
