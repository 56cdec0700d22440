"""What engines and service managers rely on: notification, sockets, the log, names, the environment."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time

from lib import alive, also_as_user, everyone, read, run_as

# Says something to NOTIFY_SOCKET; the machine's Python does what busybox can't.
SAY = '''
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
for word in sys.argv[1:]:
  time.sleep(float(word)) if word[0].isdigit() else s.send(word.encode())
'''


class Listener:
  """A service manager: takes messages, and by its barrier tells that it has."""

  def __init__(self, t, address=None):
    self.address = address or t.path('n')
    self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    self.socket.bind('\0' + address[1:] if address else self.address)
    self.messages = []
    self.thread = threading.Thread(target=self.listen, daemon=True)
    self.thread.start()
    t.ready.append(self.close)

  def listen(self):
    while True:
      message, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
      for fd in fds:
        os.close(fd)
      if not message:
        return
      self.messages.append(message.decode())

  def close(self):
    self.socket.shutdown(socket.SHUT_RDWR)
    self.thread.join(5)
    self.socket.close()


def talking_box(t, *words, script=None):
  """A box with the machine's programs, whose program says these words, and then waits."""
  say = ' '.join("'%s'" % word for word in words)
  box = t.box(script or '/usr/bin/python3 -c \'%s\' %s; exec sleep 60' % (SAY, say))
  for name in ('lib', 'lib64'):
    os.symlink('usr/' + name, '%s/%s' % (box.rootfs, name))
  box.mount('/usr', '/usr', ['rbind', 'ro'])
  return box


def launch(t, box, listener):
  env = t.environment(NOTIFY_SOCKET=listener.address)
  box.create(env=env)
  return t.proa('start', box.id, env=env)


# -- NOTIFY_SOCKET

@everyone
def test_start_waits_for_readiness_and_tells_it_with_the_pid(t):
  listener = Listener(t)
  box = talking_box(t, 'STATUS=warming up', '0.3', 'X=1\nREADY=1\nMAINPID=1')
  begun = time.monotonic()
  t.worked(launch(t, box, listener))
  t.true(time.monotonic() - begun > 0.3, 'start did not wait')
  # All has arrived by now: that is what the barrier is for.
  t.same(listener.messages, ['MAINPID=%d\nREADY=1' % box.pid(), 'BARRIER=1'])


def test_the_socket_is_seen_under_a_tmpfs_on_run_and_only_to_be_sent_to(t):
  listener = Listener(t)
  box = talking_box(t, script='ls /run/notify; touch /run/notify/x; echo $NOTIFY_SOCKET; '
                    '/usr/bin/python3 -c \'%s\' READY=1; exec sleep 60' % SAY)
  box.mount('/run', 'tmpfs', ['mode=755'], kind='tmpfs')
  t.worked(launch(t, box, listener))
  t.has(box.written(), 'notify.sock\n/run/notify/notify.sock\n')
  t.has(read(box.create_result + '.err'), 'Read-only file system')


def test_an_address_can_be_abstract(t):
  listener = Listener(t, '@proa-test-%d' % os.getpid())
  t.worked(launch(t, talking_box(t, 'READY=1'), listener))
  t.same(listener.messages[1:], ['BARRIER=1'])


@also_as_user
def test_start_ends_with_a_program_that_never_was_ready(t):
  listener = Listener(t)
  box = talking_box(t, script='exit 3')
  t.worked(launch(t, box, listener))
  t.same(listener.messages, [])


def test_a_program_may_say_that_it_is_ready_and_end(t):
  listener = Listener(t)
  box = talking_box(t, script='exec /usr/bin/python3 -c \'%s\' READY=1' % SAY)
  t.worked(launch(t, box, listener))
  t.same(len(listener.messages), 2)


def test_nothing_is_locked_while_start_waits(t):
  listener = Listener(t)
  env = t.environment(NOTIFY_SOCKET=listener.address)
  box = t.box('echo begun; exec sleep 60')
  box.create(env=env)
  waiting = t.start('start', box.id, env=env)
  box.wait_for_output('begun')
  t.same(box.status(), 'running')
  again = t.proa('start', box.id, env=env)
  t.same((again.rc, again.err), (1, box.id + ': cannot start an already running container\n'))
  t.true(waiting.poll() is None, 'start has not waited')
  box.delete('--force')
  t.same(t.finish(waiting).rc, 0)


def test_a_start_that_is_killed_leaves_nothing_that_delete_minds(t):
  listener = Listener(t)
  env = t.environment(NOTIFY_SOCKET=listener.address)
  box = t.box('echo begun; exec sleep 60')
  box.create(env=env)
  waiting = t.start('start', box.id, env=env)
  box.wait_for_output('begun')
  waiting.kill()
  waiting.wait()
  box.delete('--force')
  t.nothing_left()


def test_what_a_privileged_program_puts_into_the_folder_goes_with_the_container(t):
  listener = Listener(t)
  box = talking_box(t, script='mount -o remount,rw,bind /run/notify && mkdir -p /run/notify/a/b/c && '
                    'touch /run/notify/a/f; /usr/bin/python3 -c \'%s\' READY=1; exec sleep 60' % SAY)
  for name in box.process['capabilities']:
    box.process['capabilities'][name] = box.process['capabilities'][name] + ['CAP_SYS_ADMIN']
  t.worked(launch(t, box, listener))
  box.delete('--force')
  t.nothing_left()


@also_as_user
def test_run_in_the_foreground_passes_readiness_on_while_the_program_runs(t):
  listener = Listener(t)
  box = talking_box(t, script='/usr/bin/python3 -c \'%s\' READY=1; sleep 0.5; exit 4' % SAY)
  result = box.run(env=t.environment(NOTIFY_SOCKET=listener.address))
  t.same((result.rc, result.err), (4, ''))
  t.true(len(listener.messages) == 1 and 'READY=1' in listener.messages[0], str(listener.messages))


def test_run_detached_returns_when_the_program_is_ready(t):
  listener = Listener(t)
  box = talking_box(t, '0.3', 'READY=1')
  t.worked(box.run('--detach', env=t.environment(NOTIFY_SOCKET=listener.address)))
  t.same(listener.messages[1:], ['BARRIER=1'])


def test_an_engine_that_brings_its_own_socket_is_left_alone(t):
  box = t.box('echo $NOTIFY_SOCKET; ls -d /run/notify; exit 0',
              env=['PATH=/bin', 'NOTIFY_SOCKET=/engine'])
  listener = Listener(t)
  result = box.run(env=t.environment(NOTIFY_SOCKET=listener.address))
  t.same((result.out, listener.messages), ('/engine\n', []))


def test_nobody_who_listens_is_an_error_before_the_program_begins(t):
  env = t.environment(NOTIFY_SOCKET=t.path('nobody'))
  box = t.box('echo begun')
  box.create(env=env)
  result = t.proa('start', box.id, env=env)
  t.same((result.rc, result.err), (1, '%s: NOTIFY_SOCKET: nobody listens on %s: it is the caller\'s; '
                                   'unset it where nobody is to be told that the container is ready\n'
                                   % (box.id, t.path('nobody'))))
  t.same((box.status(), box.written()), ('created', ''))


def test_an_address_that_is_none_is_refused(t):
  for value in ('relative/path', 'vsock:2:1', '@', '/'):
    t.refused(t.box().run(env=t.environment(NOTIFY_SOCKET=value)),
              'NOTIFY_SOCKET: "%s" is neither an absolute path nor an abstract name, which begins '
              'with @: unset it where nobody is to be told that the container is ready' % value)


def test_an_empty_address_is_none(t):
  t.same(t.worked(t.box('echo "<$NOTIFY_SOCKET>"').run(env=t.environment(NOTIFY_SOCKET=''))).out,
         '<>\n')


# -- sockets of engines

def test_a_console_socket_on_which_nobody_listens_leaves_nothing(t):
  box = t.box(terminal=True).mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666'], 'devpts')
  dead = socket.socket(socket.AF_UNIX)
  dead.bind(t.path('dead'))
  dead.close()
  for name in ('dead', 'missing', 'missing/deep', 'x' * 100 + '/' + 'y' * 100):
    result = box.try_create('--console-socket', t.path(name), '--pid-file', t.path('pid'))
    # Not "no such file or directory", which engines take for a program that is missing.
    t.same((result.rc, result.err), (1, '--console-socket: nobody listens on %s\n' % t.path(name)))
    t.true(not os.path.lexists(t.path('pid')), 'there is a pid file')
    t.nothing_left()


def test_the_pidfd_is_sent(t):
  listener = socket.socket(socket.AF_UNIX)
  listener.bind(t.path('p'))
  listener.listen(1)
  listener.settimeout(10)
  t.ready.append(listener.close)
  box = t.box(args=['sleep', '60'])
  box.create('--pidfd-socket', t.path('p'))
  connection, _ = listener.accept()
  text, fds, _, _ = socket.recv_fds(connection, 100, 2)
  connection.close()
  t.same((text, len(fds)), (b'standard', 1))
  t.has(read('/proc/self/fdinfo/%d' % fds[0]), 'Pid:\t%d\n' % box.pid())
  os.close(fds[0])
  box.delete()
  t.refused(box.try_create('--pidfd-socket', t.path('nobody')),
            '--pidfd-socket: nobody listens on HERE/nobody')


# -- engines that vanish, bundles that change

@also_as_user
def test_a_container_whose_engine_died_between_create_and_start_can_be_removed_by_another(t):
  box = t.box()
  box.save()
  words = t.command(['create', '--bundle', box.directory, box.id])
  with open(t.path('out'), 'w', encoding='utf-8') as out:
    engine = subprocess.Popen(['sh', '-c', '"$@" && kill -9 $$', 'sh'] + words, stdout=out,
                              stderr=out, env=t.environment())
  t.same((engine.wait(), read(t.path('out'))), (-9, ''))
  pid = box.pid()
  t.same((box.status(), alive(pid)), ('created', True))
  t.worked(t.proa('delete', '--force', box.id))
  t.true(not alive(pid), 'init lives')
  t.nothing_left()


@also_as_user
def test_a_bundle_that_is_edited_or_removed_after_create_changes_nothing(t):
  box = t.box('echo first; exec sleep 60')
  box.create()
  with open(box.directory + '/config.json', 'w', encoding='utf-8') as file:
    file.write('{"process": ')
  box.start()
  box.wait_for_output('first')
  os.unlink(box.directory + '/config.json')
  t.same(box.status(), 'running')
  box.kill('KILL')
  box.wait_until('stopped')
  box.delete()
  t.nothing_left()


def test_of_two_creates_at_once_the_one_that_fails_writes_no_pid_file(t):
  box = t.box(args=['sleep', '60'])
  running = [box.begin_create('--pid-file', t.path('pid%d' % i)) for i in range(4)]
  results = [t.finish(process) for process in running]
  t.same(sorted(result.rc for result in results), [0, 1, 1, 1])
  files = [i for i in range(4) if os.path.exists(t.path('pid%d' % i))]
  t.same([results[i].rc for i in files], [0])
  t.same(read(t.path('pid%d' % files[0])), str(box.pid()))


# -- the log

def test_a_log_that_cannot_be_opened_is_an_error_and_nothing_is_made(t):
  box = t.box()
  for path, reason in (('missing/log', 'no such file or directory'), ('', 'is a directory')):
    t.refused(box.run(before=['--log', t.path(path)]), 'open the log %s: %s' % (t.path(path), reason))


def test_a_full_log_takes_nothing_away_from_the_error_and_nothing_from_a_success(t):
  for form in ('text', 'json'):
    result = t.box(args=['missing']).run(before=['--log', '/dev/full', '--log-format', form])
    t.same((result.rc, result.err.count('\n')), (1, 1))
    t.has(result.err, 'executable file not found in $PATH')
    t.worked(t.box().run(before=['--log', '/dev/full', '--log-format', form]))


def test_each_command_that_fails_adds_one_object(t):
  path = t.path('log')
  for words in (['state', 'nobody'], ['start', 'nobody'], ['kill', 'nobody'], ['delete', 'nobody'],
                ['create', '--bundle', t.directory, 'x'], ['create'], ['nonesuch'], ['state', '/']):
    if os.path.exists(path):
      os.unlink(path)
    result = t.proa('--log', path, '--log-format', 'json', *words)
    row = json.loads(read(path))  # exactly one, or this fails
    t.same((result.rc, row['level']), (1, 'error'))
    t.true(result.err.startswith(row['msg'].split('"')[0]), result.err)


def test_the_error_is_in_the_log_even_if_nobody_reads_stderr(t):
  ends = os.pipe()
  os.close(ends[0])
  process = t.start('--log', t.path('log'), 'state', 'nobody', stderr=ends[1])
  os.close(ends[1])
  t.same(process.wait(5), 1)
  t.has(read(t.path('log')), 'container does not exist')


# -- under another's name

def copy_as(t, name):
  path = t.path(name)
  shutil.copy(t.settings.runtime, path)
  return path


@also_as_user
def test_it_works_the_same_under_the_names_of_other_runtimes(t):
  for name in ('runc', 'crun'):
    path = copy_as(t, name)
    box = t.box(args=['sleep', '60'])
    box.save()
    env = t.environment()

    def call(*words, path=path, env=env):
      # To a file: the container keeps what it inherits.
      with open(t.path('out'), 'w', encoding='utf-8') as out:
        done = subprocess.run([path] + t.command(words)[1:], stdout=out, stderr=out, env=env,
                              stdin=subprocess.DEVNULL, check=False, timeout=10)
      return done.returncode, read(t.path('out'))

    t.same(call('--version')[1], t.proa('--version').out)
    t.same(call('create', '--bundle', box.directory, box.id), (0, ''))
    # Its containers are proa's: the name does not choose another state directory.
    t.same(box.status(), 'created')
    t.same(call('start', box.id), (0, ''))
    t.same(call('-log-format', 'json', 'delete', '-force', box.id), (0, ''))


# -- the environment

@run_as('root', 'user')
def test_each_command_works_with_nothing_but_XDG_RUNTIME_DIR(t):
  env = {'XDG_RUNTIME_DIR': t.environment()['XDG_RUNTIME_DIR']}
  box = t.box('echo $PATH; exec sleep 60')
  box.create(env=env)
  t.worked(t.proa('start', box.id, env=env))
  t.worked(t.proa('state', box.id, env=env))
  t.worked(t.proa('kill', box.id, '9', env=env))
  box.wait_until('stopped')
  t.worked(t.proa('delete', box.id, env=env), '')


# -- what the container inherits

def test_another_user_can_open_stdout_again(t):
  box = t.box('echo again >/proc/self/fd/1 && echo err >/proc/self/fd/2', user={'uid': 1000, 'gid': 1000})
  box.process['capabilities'] = {}
  ends = os.pipe()
  process = box.begin_run(stdout=ends[1], stderr=ends[1])
  os.close(ends[1])
  with os.fdopen(ends[0], encoding='utf-8') as file:
    t.same(file.read(), 'again\nerr\n')
  t.same(process.wait(5), 0)


# -- where engines run in containers themselves

def test_limits_of_another_users_program_can_be_set_without_CAP_SYS_RESOURCE(t):
  box = t.box('ulimit -n; ulimit -Hn; ulimit -c', user={'uid': 1000, 'gid': 1000},
              rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 100, 'hard': 200},
                       {'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 0}])
  box.save()
  words = ['setpriv', '--bounding-set=-sys_resource', '--'] + t.command(
    ['run', '--bundle', box.directory, box.id])
  done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10,
                        stdin=subprocess.DEVNULL, env=t.environment())
  t.same((done.returncode, done.stdout, done.stderr), (0, '100\n200\n0\n', ''))


def test_a_limit_that_cannot_be_raised_makes_create_fail_without_CAP_SYS_RESOURCE(t):
  box = t.box(user={'uid': 1000, 'gid': 1000},
              rlimits=[{'type': 'RLIMIT_CORE', 'soft': 2, 'hard': 2}])
  box.save()
  words = ['prlimit', '--core=1:1', 'setpriv', '--bounding-set=-sys_resource', '--'] + t.command(
    ['create', '--bundle', box.directory, box.id])
  done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10,
                        stdin=subprocess.DEVNULL, env=t.environment())
  t.same((done.returncode, done.stderr), (
    1, 'process.rlimits[0]: set RLIMIT_CORE to 2:2: operation not permitted: raising a hard limit '
    'needs CAP_SYS_RESOURCE on the host\n'))
  t.nothing_left()


# -- who never stops talking

def test_a_program_that_floods_the_socket_does_not_keep_run_from_its_signals(t):
  listener = Listener(t)
  flood = SAY.split('for word')[0] + 's.setblocking(False)\nwhile True:\n  try: s.send(b"X=1")\n  ' \
    'except OSError: pass\n'
  box = talking_box(t, script='/usr/bin/python3 -c \'%s\' & trap "exit 5" TERM; echo begun; wait' % flood)
  process = box.begin_run(env=t.environment(NOTIFY_SOCKET=listener.address))
  t.wait(lambda: 'begun' in read(process.name + '.out'), 'it has begun')
  time.sleep(0.3)
  process.terminate()
  t.same(t.finish(process).rc, 5)
