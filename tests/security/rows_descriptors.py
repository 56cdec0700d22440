"""Class C: descriptors and programs of the host that arrive in a container."""

import fcntl
import os
import signal
import subprocess
import time

from catalogue import (Canary, create, digest, end, execute, link, powerful, read, row, running, text_of,
                       write)
from isolation import PATIENCE
from races import SECONDS, flood

SEALS = 1 | 2 | 4 | 8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
LOOK = ('while :; do for p in /proc/[0-9]*; do for l in $p/exe $p/root $p/cwd $p/fd/*; do '
        'readlink $l; done; done; done 2>/dev/null >> /tmp/seen')


@row('C1', 'CVE-2016-9962, CVE-2016-8649', sample=True, seconds=SECONDS, view='v2')
def row_those_who_exec_are_looked_at_all_the_time(t):
  """Whoever looks at all processes at all times sees nothing of the host's."""
  box = running(t, box=powerful(t.box(LOOK), 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'))
  flood(box, 'true')
  end(box)
  seen = set(read(box.rootfs + '/tmp/seen').split('\n')) - {''}
  # The test's own files are the standard streams of the exec.
  known = ('/', '/bin/busybox', '/proc', '/tmp/seen', '/dev/null', 'pipe:', 'socket:', 'anon_inode:')
  strange = [link for link in seen if not link.startswith(('pipe:', 'socket:', 'anon_inode:', '/memfd:'))
             and link not in known and not link.startswith(('/bin/', '/proc/', t.directory))]
  strange += [link for link in seen if link.startswith(t.settings.runtime)]
  t.same(strange, [])


@row('C1b', 'no CVE: a created container that waits', sample=True)
def row_a_waiting_init_is_looked_into(t):
  first = running(t, box=powerful(t.box('sleep 60'), 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'))
  space = '/proc/%d/ns/pid' % first.pid()
  second = create(t.box().namespace('pid', space))
  state = os.stat(t.settings.directory + '/state').st_ino
  binary = os.stat(t.settings.runtime).st_ino
  # It has the right to look; there must be nothing to see.
  third = powerful(t.box('for f in /proc/[0-9]*/fd/*; do readlink $f; stat -L -c "%i %n" $f $f/.. $f/../..; '
                         'done; stat -L -c "%i %n" /proc/[0-9]*/exe; true').namespace('pid', space),
                   'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE')
  result = third.run()
  lines = [line.split() for line in result.out.splitlines() if line.split()[0].isdigit()]
  t.true(lines, 'it saw nothing at all: %s' % result)
  t.same([line for line in lines if line[0] in (str(state), str(binary))], [], 'the host shows')
  t.true('/state/' not in result.out, result.out)
  end(second)
  end(first)


def descriptors(pid):
  folder = '/proc/%d/fd' % pid
  return {'%s/%s' % (folder, name): os.readlink('%s/%s' % (folder, name)) for name in os.listdir(folder)}


@row('C1c', 'no CVE: what a created container that waits holds', sample=True)
def row_the_waiting_init_holds_its_streams_and_one_socket(t):
  for box in (t.box(), t.box().namespace('cgroup'), t.box().map_ids((0, 100000, 1000))):
    os.chown(box.rootfs, 100000, 100000) if 'uidMappings' in box.linux else None
    create(box)
    held = [link for path, link in descriptors(box.pid()).items() if path.split('/')[-1] not in '012']
    t.same([link.split(':')[0] for link in held], ['socket'], 'beside its standard streams')
    t.same(os.readlink('/proc/%d/cwd' % box.pid()), '/', 'its directory')
    end(box)


@row('C1e', 'no CVE: what exec holds while it waits', sample=True, seconds=120)
def row_the_waiting_exec_holds_nothing_of_the_host(t):
  """The runtime is stopped at any moment: what it has sent into the container goes on as far as it can, and is
  looked at then.  It may hold its streams, sockets, and what is the container's."""
  box = running(t, 'sleep 1000')
  space = os.readlink('/proc/%d/ns/pid' % box.pid())
  root = os.stat('/proc/%d/root' % box.pid())
  first = box.pid()
  seen, strange = set(), set()
  for step in range(120):
    process = t.start('exec', box.id, 'sleep', '0.01')
    time.sleep(step * 0.0001 * PATIENCE)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.01 * PATIENCE)
    for pid in map(int, filter(str.isdigit, os.listdir('/proc'))):
      try:
        if pid != first and os.readlink('/proc/%d/ns/pid' % pid) == space:
          seen.add(pid)
          strange |= {link for path, link in descriptors(pid).items() if is_of_the_host(t, path, link, root)}
      except OSError:
        pass  # it has gone
    process.send_signal(signal.SIGCONT)
    t.finish(process)
    t.results.clear()
  end(box)
  t.true(seen, 'nothing was ever there')
  t.notes.append('%d were looked at' % len(seen))
  t.same(strange, set())


def is_of_the_host(t, path, link, root):
  if link.startswith(('socket:', 'pipe:', 'anon_inode:', '/dev/null', '/memfd:', t.directory + '/')):
    return t.settings.directory + '/state' in link
  found = os.stat(path)
  known = {(root.st_dev, root.st_ino)}
  inside = '/proc/%s/root%s' % (path.split('/')[2], link)
  if os.path.exists(inside):
    known.add((os.stat(inside).st_dev, os.stat(inside).st_ino))
  return (found.st_dev, found.st_ino) not in known


@row('C2', 'CVE-2019-5736', sample=True, seconds=SECONDS, view='v2')
def row_the_runtimes_program_is_opened_for_writing(t):
  before = digest(t.settings.runtime)
  for args in (['/proc/self/exe', '--help'], ['/entry']):
    box = t.box(args=args)
    box.file('entry', '#!/proc/self/exe\n', 0o755)
    result = box.run()
    t.true('sage:' not in result.out, 'the runtime ran itself: %s' % result)
  box = t.box('while :; do for e in /proc/[0-9]*/exe; do test "$(readlink $e)" = /bin/busybox || '
              'echo overwritten >> $e; done; done 2>/dev/null')
  running(t, box=powerful(box, 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'))
  flood(box, 'true')
  box.file('entry', '#!/proc/self/exe\n', 0o755)
  for _ in range(20):
    execute(box, '/entry')
  end(box)
  t.same(digest(t.settings.runtime), before, "the runtime's program")


@row('C3', 'CVE-2016-5195, CVE-2022-0847, CVE-2026-31431 against the runtime', sample=True)
def row_the_waiting_inits_program_is_not_the_hosts_file(t):
  """A kernel that lets a reader write to the page cache must not hand out the host's."""
  box = create(t.box())
  exe = '/proc/%d/exe' % box.pid()
  ours, theirs = os.stat(t.settings.runtime), os.stat(exe)
  t.true((ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino), "it is the host's inode")
  with open(exe, 'rb') as file:
    try:
      seals = fcntl.fcntl(file.fileno(), 1034)  # F_GET_SEALS
    except OSError:
      seals = 0
  t.same(seals & SEALS, SEALS, 'seals of %s' % os.readlink(exe))
  end(box)


@row('C3m', 'no CVE: who pays for the copy', sample=True)
def row_the_copy_is_charged_to_the_caller(t):
  """A container with little memory must not have to hold the runtime's copy of itself."""
  box = create(t.box())
  stat = next((text for text in map(text_of, memory_files(box.pid())) if text), None)
  if stat is None:
    end(box)
    t.skip('no memory controller counts here')
  found = dict(line.split() for line in stat.splitlines())
  end(box)
  t.true(int(found['shmem']) < 64 << 10, '%s bytes of memory files' % found['shmem'])


def memory_files(pid):
  for line in read('/proc/%d/cgroup' % pid).splitlines():
    _, names, path = line.split(':', 2)
    if names in ('', 'memory'):
      yield '/sys/fs/cgroup/%s%s/memory.stat' % (names, path)


def is_outside(result):
  return 'config.json' in result.out or 'lost+found' in result.out or 'caller' in result.out


@row('C4', 'CVE-2024-21626', sample=True, control=True, seconds=600)
def row_a_cwd_or_program_through_a_descriptor(t):
  """The list of the host's root or of a cgroup must not come out, whatever number the descriptor has."""
  leak = os.open('/sys/fs/cgroup', os.O_RDONLY)
  t.ready.append(lambda: os.close(leak))
  for number in range(3, 64):
    for more in ('', '/..', '/../../..'):
      box = t.box('ls -a; ls -a ../../..; ls ./../../../../../..',
                  cwd='/proc/self/fd/%d%s' % (number, more))
      write(t.path('config.json'), '')
      result = box.run(pass_fds=[leak])
      t.true(result.rc != 0 or ('lost+found' not in result.out and 'cgroup' not in result.out and
                                'config.json' not in result.out and 'caller' not in result.out
                                and 'vmlinuz' not in result.out), str(result))
    box = t.box(args=['/proc/self/fd/%d/../../../bin/ls' % number, '/'])
    result = box.run(pass_fds=[leak])
    t.true(not is_outside(result), str(result))
    t.results.clear()


@row('C4x', 'CVE-2024-21626, by exec', sample=True, control=True, seconds=120)
def row_a_cwd_of_exec_through_a_descriptor(t):
  box = t.box('sleep 60')
  link(box, 'lnk', '/tmp/there')
  running(t, box=box)
  for number in range(3, 16):
    unlink_and_link(box, '/proc/self/fd/%d' % number)
    for cwd in ('/proc/self/fd/%d' % number, '/lnk'):
      result = execute(box, '--cwd', cwd, 'sh', '-c', 'ls -a; ls -a ../../..; ls ../../../../../..')
      t.true(result.rc != 0 or not (is_outside(result) or 'cgroup' in result.out), str(result))
  end(box)


def unlink_and_link(box, target):
  path = box.rootfs + '/tmp/there'
  if os.path.lexists(path):
    os.unlink(path)
  os.symlink(target, path)


@row('C5', 'the caller leaks', sample=True)
def row_descriptors_that_the_caller_leaks(t):
  leaks = [os.open('/', os.O_RDONLY) for _ in range(7)]
  t.ready.append(lambda: [os.close(fd) for fd in leaks])
  box = t.box('ls /proc/$$/fd; true')
  t.same(box.run(pass_fds=leaks).out.split(), ['0', '1', '2'])
  box = running(t)
  result = execute(box, 'sh', '-c', 'ls /proc/$$/fd; true', pass_fds=leaks)
  t.same(result.out.split(), ['0', '1', '2'], 'exec')
  end(box)


@row('C6', 'CVE-2022-1227', sample=True)
def row_looking_at_a_container_runs_nothing_of_it(t):
  box = t.box('sleep 60')
  canary = Canary(t, box)
  mark = '#!/bin/sh\necho run > /tmp/mark\n'
  for name in ('bin/ps', 'bin/newuidmap', 'bin/nsenter'):
    path = '%s/%s' % (box.rootfs, name)
    if os.path.lexists(path):
      os.unlink(path)
    write(path, mark, 0o755)
  running(t, box=box)
  for words in (('ps', box.id), ('state', box.id), ('list',), ('events', '--stats', box.id)):
    t.proa(*words)
  t.true(not os.path.exists(box.rootfs + '/tmp/mark'), 'a program of the container was run')
  canary.check()
  end(box)


@row('C7', 'CVE-2020-15257', sample=True)
def row_no_socket_without_a_path(t):
  def abstract():
    return {line.split()[-1] for line in read('/proc/net/unix').splitlines() if ' @' in line}
  before = abstract()
  box = create(t.box('sleep 60'))
  t.same(abstract() - before, set(), 'created')
  t.proa('start', box.id)
  t.same(abstract() - before, set(), 'running')
  end(box)


@row('C8', 'CVE-2019-14271', sample=True)
def row_nothing_of_the_root_is_loaded(t):
  """No library, and no file that says which ones, is looked for once the root is the container's."""
  if not os.access('/usr/bin/strace', os.X_OK):
    t.skip('strace is not installed')
  box = t.box(args=['true'])
  box.save()
  trace = t.path('trace')
  command = t.command(['run', '--bundle', box.directory, box.id])
  with open(t.path('out'), 'w', encoding='utf-8') as out:
    t.same(subprocess.run(['strace', '-f', '-o', trace, '-e', 'trace=pivot_root,chroot,open,openat,openat2']
                          + command, env=t.environment(), stdin=subprocess.DEVNULL, stdout=out,
                          stderr=out, timeout=60, check=False).returncode, 0, text_of(t.path('out')))
  lines = read(trace).splitlines()
  entered = next((n for n, line in enumerate(lines) if 'pivot_root(' in line or 'chroot(' in line), None)
  t.true(entered is not None, 'the root is not entered')
  bad = [line for line in lines[entered:] if '.so' in line or 'nsswitch' in line or 'gconv' in line]
  # The runtime outside goes on with its own files of the host.
  inside = {lines[entered].split()[0]}
  t.same([line for line in bad if line.split()[0] in inside], [])
