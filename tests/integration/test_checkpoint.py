"""checkpoint: what is written, what is refused, and that the container is as before where it is to."""

import os
import socket
import subprocess
import time

import leftovers
from checkpoints import (COUNT, again, begin_restore, checkpoint, counting, criu_environment, find_criu, has_ended,
                         inside, launch, numbers, restore, store, try_restore)
from lib import read, run_as


def pipe(t):
  ends = list(os.pipe())
  t.ready.append(lambda: [os.close(fd) for fd in ends])
  return ends


def goes_on(t, box):
  t.same(box.status(), 'running')
  count = len(numbers(box))
  t.wait(lambda: len(numbers(box)) > count + 3, 'it goes on')


def fails(t, result, text):
  t.same((result.rc, result.out, result.err), (1, '', text + '\n'))


# -- what goes on

def test_a_program_goes_on_where_it_stopped(t):
  box = store(t, counting(t))
  last = numbers(box)[-1]
  restore(t, box)
  goes_on(t, box)
  t.same(numbers(box)[0], last + 1)
  t.same(inside(t, box, 'echo hello'), 'hello\n')
  box.kill('KILL')
  box.wait_until('stopped')
  box.delete()
  t.nothing_left()


def test_it_is_dumped_and_restored_again_and_again(t):
  box = counting(t)
  for _ in range(3):
    store(t, box)
    last = numbers(box)[-1]
    t.same(len(os.listdir(t.path('image'))) > 10, True)
    restore(t, box)
    goes_on(t, box)
    t.same(numbers(box)[0], last + 1)


def test_what_it_writes_goes_into_the_pipe_of_who_restores_it(t):
  box = t.box('while read line; do n=$((n+1)); echo "$n: $line"; done; echo over; exit 3')
  into, out, new_into, new_out = [pipe(t) for _ in range(4)]
  box.launch(stdin=into[0], stdout=out[1])
  os.write(into[1], b'one\n')
  t.same(os.read(out[0], 100), b'1: one\n')
  store(t, box)
  process = begin_restore(t, box, stdin=new_into[0], stdout=new_out[1])
  os.write(new_into[1], b'two\n')
  t.same(os.read(new_out[0], 100), b'2: two\n')
  os.close(new_into.pop())
  has_ended(t, process, 3)
  t.same(os.read(new_out[0], 100), b'over\n')
  t.nothing_left()


def family(t, box):
  """Whose child each shell is; some of them are about to become a sleep."""
  rows = inside(t, box, 'ps -o pid,ppid,pgid,sid,args').splitlines()[1:]
  return [' '.join(row.split()[:5]) for row in rows if ' sh -c (trap' in row]


def test_children_and_the_pipe_between_them_come_back(t):
  box = launch(t, t.box('(trap "echo child is told" USR1; while :; do sleep 0.02; done) & echo $! >/tmp/pid; '
                        'i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done | '
                        'while read n; do echo "piped $n"; done'))
  box.wait_for_output('piped 3')
  before = family(t, box)
  again(t, box)
  box.wait_for_output('piped')
  after = family(t, box)
  lasting = set(before) & set(after)
  t.true(len(lasting) >= 4, 'not all are back: %s, %s' % (before, after))
  inside(t, box, 'kill -USR1 $(cat /tmp/pid)')
  box.wait_for_output('child is told')


def test_a_file_that_is_appended_to_need_not_be_the_same(t):
  # Any other has to have its size again, says CRIU: else what was read of it would not fit.
  box = t.box('echo first; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo second; while :; do sleep 1; done')
  with open(t.path('plain'), 'w', encoding='utf-8') as out:
    box.launch(stdout=out)
  t.wait(lambda: read(t.path('plain')), 'it writes')
  store(t, box)
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.has(result.err, ' has bad size 0 (expect 6)')
  t.nothing_left()
  box.file('tmp/go')
  with open(t.path('plain'), 'r+', encoding='utf-8') as out:
    restore(t, box, stdout=out)
  t.wait(lambda: read(t.path('plain')) == 'first\nsecond\n', 'it goes on')


# -- options

def test_it_goes_on_when_it_is_left_running(t):
  box = counting(t)
  pid = box.pid()
  t.worked(checkpoint(t, box, '--leave-running'), '')
  t.same(box.pid(), pid)
  goes_on(t, box)
  box.delete('--force')
  t.nothing_left()
  restore(t, box)
  goes_on(t, box)


def test_the_folder_is_for_its_maker_alone_and_the_log_is_in_it(t):
  box = counting(t)
  t.worked(checkpoint(t, box, '--leave-running'), '')
  t.same(os.stat(t.path('image')).st_mode & 0o7777, 0o700)
  for name in ('proa.json', 'descriptors.json', 'dump.log', 'inventory.img', 'core-1.img'):
    t.true(os.path.exists(t.path('image/' + name)), 'no ' + name)
  for name in os.listdir(t.path('image')):
    t.same(os.stat(t.path('image/' + name)).st_mode & 0o022, 0, name)


def test_the_log_goes_to_a_folder_of_its_own(t):
  box = counting(t)
  t.worked(checkpoint(t, box, '--work-path', t.path('work')), '')
  t.true(os.path.exists(t.path('work/dump.log')), 'no log')
  t.true(not os.path.exists(t.path('image/dump.log')), 'two logs')
  box.delete()
  restore(t, box, '--work-path', t.path('work'))
  t.true(os.path.exists(t.path('work/restore.log')), 'no log')
  t.true(not os.path.exists(t.path('image/restore.log')), 'two logs')
  t.has(read(t.path('work/restore.log')), 'Restore finished successfully')


def test_the_folder_is_called_checkpoint_unless_it_is_named(t):
  box = counting(t)
  t.worked(t.proa('checkpoint', box.id, env=criu_environment(t)), '')
  t.true(os.path.exists(t.path('checkpoint/proa.json')), 'it is not there')


def tracks_memory():
  done = subprocess.run([find_criu()[0] + '/criu', 'check', '--feature', 'mem_dirty_track'], check=False,
                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  return done.returncode == 0


def test_memory_is_written_ahead_where_the_kernel_tells_what_has_changed(t):
  box = counting(t)
  env = criu_environment(t)
  before = t.proa('checkpoint', '--pre-dump', '--image-path', t.path('before'), box.id, env=env)
  if not tracks_memory():
    fails(t, before, box.id + ': --pre-dump: this kernel cannot tell which memory has changed: it takes '
          'CONFIG_MEM_SOFT_DIRTY')
    fails(t, checkpoint(t, box, '--parent-path', '../before'), box.id + ': --parent-path: this kernel cannot tell '
          'which memory has changed: it takes CONFIG_MEM_SOFT_DIRTY')
    goes_on(t, box)
    return
  t.worked(before, '')
  goes_on(t, box)
  t.worked(checkpoint(t, box, '--parent-path', '../before'), '')
  t.same(os.readlink(t.path('image/parent')), '../before')
  box.delete()
  restore(t, box)
  goes_on(t, box)


def test_a_parent_that_is_absolute_or_missing_is_refused(t):
  box = counting(t)
  fails(t, checkpoint(t, box, '--parent-path', t.path('before')), '%s: --parent-path: "%s" is absolute: it is '
        'taken from --image-path: ../before' % (box.id, t.path('before')))
  fails(t, checkpoint(t, box, '--parent-path', '../before'), box.id + ': --parent-path: look for ../before below '
        '--image-path: no such file or directory')
  goes_on(t, box)


# -- in which state

def test_a_paused_container_is_dumped_and_runs_when_it_is_restored(t):
  box = counting(t)
  t.worked(t.proa('pause', box.id), '')
  last = numbers(box)[-1]
  store(t, box)
  restore(t, box)
  goes_on(t, box)
  t.same(numbers(box)[0], last + 1)


def test_a_paused_container_that_is_left_running_stays_paused(t):
  box = counting(t)
  t.worked(t.proa('pause', box.id), '')
  t.worked(checkpoint(t, box, '--leave-running'), '')
  t.same(box.status(), 'paused')
  t.worked(t.proa('resume', box.id), '')
  goes_on(t, box)


def test_what_does_not_run_is_not_dumped(t):
  box = t.box()
  box.create()
  fails(t, checkpoint(t, box), box.id + ': cannot checkpoint a container that is created: "start" it first')
  box.start()
  box.wait_until('stopped')
  fails(t, checkpoint(t, box), box.id + ': container not running')
  box.delete()
  t.refused(checkpoint(t, box), '%s: container does not exist: looked for it in %s/state' %
            (box.id, t.settings.directory))
  t.true(not os.path.exists(t.path('image')), 'a folder was made')


def test_a_mount_whose_name_ends_a_name_is_refused(t):
  os.mkdir(t.path('folder'))
  box = launch(t, t.box(COUNT).mount('/a]:b', t.path('folder'), ['bind']))
  last = len(box.config['mounts']) - 1
  fails(t, checkpoint(t, box), '%s: mounts[%d] (/a]:b): CRIU cannot be told of a mount on /a]:b, for the ]' %
        (box.id, last))
  goes_on(t, box)


def test_a_container_without_a_cgroup_goes_on_without_one(t):
  box = t.box('echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo gone on; while :; do sleep 1; done')
  box.save()
  manager = ('--cgroup-manager', 'disabled')
  t.files += 1
  with open(t.path('log.out'), 'a', encoding='utf-8') as out:
    t.worked(t.proa(*manager, 'create', '--bundle', box.directory, box.id, stdout=out))
  box.create_result = t.path('log')
  box.start()
  store(t, box.wait_for_output('ready'))
  box.file('tmp/go')
  with open(t.path('log.out'), 'a', encoding='utf-8') as out:
    t.worked(t.proa(*manager, 'restore', '--bundle', box.directory, '--image-path', t.path('image'), '--detach', box.id,
                    env=criu_environment(t), stdout=out))
  box.wait_for_output('gone on')
  t.same(read('/proc/%d/cgroup' % box.pid()), read('/proc/self/cgroup'))


# -- what CRIU refuses

def python_box(t, text, *words):
  """Does what busybox cannot."""
  box = t.box(args=['/usr/bin/python3', '-uc', text] + list(words))
  for name in ('lib', 'lib64'):
    os.symlink('usr/' + name, '%s/%s' % (box.rootfs, name))
  return box.mount('/usr', '/usr', ['rbind', 'ro'])


LOCK = '''
import fcntl, time
file = open("/tmp/lock", "w")
fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("locked")
time.sleep(60)
'''


def test_a_file_lock_takes_an_option(t):
  box = launch(t, python_box(t, LOCK)).wait_for_output('locked')
  result = checkpoint(t, box)
  t.same(result.rc, 1)
  t.has(result.err, box.id + ': CRIU has failed: Some file locks are hold by dumping tasks!')
  t.true(result.err.endswith('%s/dump.log tells the rest; the container is as before\n' % t.path('image')), result.err)
  t.same(box.status(), 'running')
  t.true(not os.path.exists(t.path('image/proa.json')), 'there seems to be a checkpoint')
  store(t, box, '--file-locks')
  restore(t, box, '--file-locks')
  result = t.proa('exec', box.id, '/usr/bin/python3', '-c', LOCK)
  t.has(result.err, 'BlockingIOError')


TALK = '''
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
while True:
  s.send(b"hello")
  time.sleep(0.02)
'''


def talking(t):
  """A box whose program sends something to a socket of the host's, and that socket."""
  # CRIU connects it again by the name that the other side has given to it: it is to be the same in the container.
  folder = t.path('sockets')
  os.mkdir(folder)
  outside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
  outside.bind(folder + '/s')
  outside.settimeout(10)
  t.ready.append(outside.close)
  box = launch(t, python_box(t, TALK, folder + '/s').mount(folder, folder, ['bind']))
  t.same(outside.recv(10), b'hello')
  return box, outside


def test_a_socket_that_leads_out_takes_an_option(t):
  box, outside = talking(t)
  result = checkpoint(t, box)
  t.same(result.rc, 1)
  t.has(result.err, box.id + ': CRIU has failed: ')
  t.has(result.err, 'unix')
  t.same(box.status(), 'running')
  store(t, box, '--ext-unix-sk')
  outside.setblocking(False)
  try:
    while outside.recv(10):
      pass
  except BlockingIOError:
    outside.settimeout(10)
  restore(t, box, '--ext-unix-sk')
  t.same(outside.recv(10), b'hello')


# -- who cannot

@run_as('user')
def test_a_plain_user_cannot(t):
  box = t.box(args=['sleep', '60']).launch()
  for command, words in (('checkpoint', ()), ('restore', ('--bundle', box.directory))):
    result = t.proa(command, *words, box.id)
    fails(t, result, '%s takes root: CRIU reads and writes what no plain user may' % command)
  t.same(box.status(), 'running')


def test_criu_is_looked_for_in_PATH(t):
  box = counting(t)
  missing = 'execute criu: no such file or directory: install CRIU 3.15 or newer; it is looked for in PATH'
  env = t.environment(PATH=t.path('nowhere'))
  fails(t, checkpoint(t, box, env=env), '%s: %s' % (box.id, missing))
  goes_on(t, box)
  store(t, box)
  fails(t, try_restore(t, box, env=env), missing)
  t.nothing_left()


def test_a_criu_that_says_nothing_is_an_error(t):
  box = counting(t)
  t.path('criu', '#!/bin/sh\nexit 0\n', 0o755)
  fails(t, checkpoint(t, box, env=criu_environment(t, t.directory + ':')),
        box.id + ': CRIU ended without an answer: connection reset by peer')
  goes_on(t, box)


# -- what is told of it

@run_as('root', 'user')
def test_help_needs_no_criu(t):
  for command in ('checkpoint', 'restore'):
    result = t.worked(t.proa(command, '--help', env={}))
    t.has(result.out, '--image-path')


def test_a_missing_value_is_told_as_runc_tells_it(t):
  # Podman asks in this way whether --lsm-mount-context is there.
  result = t.proa('restore', '--lsm-mount-context')
  t.same(result.rc, 1)
  t.has(result.err, 'flag needs an argument')


def test_words_that_mean_nothing_are_refused(t):
  box = counting(t)
  for words, text in (
      (('--manage-cgroups-mode', 'hard'), '--manage-cgroups-mode: "hard" is none of those that --help shows'),
      (('--network-lock', 'x'), '--network-lock: "x" is none of those that --help shows'),
      (('--page-server', 'host'), '--page-server: "host" is no HOST:PORT'),
      (('--page-server', ':80'), '--page-server: ":80" is no HOST:PORT'),
      (('--page-server', 'host:65536'), '--page-server: "host:65536" is no HOST:PORT'),
      (('--empty-ns', 'pid'), '--empty-ns: "pid" cannot be left empty'),
      (('--status-fd', '99'), '--status-fd: 99 is not open')):
    fails(t, checkpoint(t, box, *words), text)
  goes_on(t, box)


# -- who is killed

def test_checkpoint_is_killed(t):
  running = 0
  for number in range(10):
    box = counting(t)
    process = t.start('checkpoint', '--image-path', t.path('image%d' % number), box.id, env=criu_environment(t))
    time.sleep(0.015 * number)
    process.kill()
    process.wait()
    t.wait(lambda: not [line for line in processes(t) if 'criu' in line], 'CRIU ends')
    status = box.status()
    t.true(status in ('running', 'stopped'), status)
    if status == 'running':
      goes_on(t, box)
      running += 1
    box.delete('--force')
    t.nothing_left()
  t.true(running > 0, 'not one went on')


def processes(t):
  return leftovers.list_processes(t.settings).splitlines()
