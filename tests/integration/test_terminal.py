"""process.terminal: with a console socket, and in the foreground."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import termios
import time

from lib import Failure, also_as_user, everyone


def terminal_box(t, script, **process):
  box = t.box(script, terminal=True, **process)
  return box.mount('/dev/pts', 'devpts',
                   ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')


def listen(t, path):
  """A listening socket at a path of any length."""
  listener = socket.socket(socket.AF_UNIX)
  folder = os.open(os.path.dirname(path), os.O_PATH)
  listener.bind('/proc/self/fd/%d/%s' % (folder, os.path.basename(path)))
  os.close(folder)
  listener.listen(1)
  listener.settimeout(10)
  t.ready.append(listener.close)
  return listener


def receive(t, listener):
  """The one descriptor that comes, and the bytes that come with it."""
  connection, _ = listener.accept()
  connection.settimeout(10)
  data, fds, flags, _ = socket.recv_fds(connection, 4096, 4)
  t.same((len(fds), flags & socket.MSG_CTRUNC), (1, 0), 'descriptors')
  t.true(len(data) > 0, 'no byte came with the descriptor: receivers would see an end of file')
  t.ready.append(lambda: os.close(fds[0]))
  t.same(connection.recv(1), b'', 'after the message')
  connection.close()
  return fds[0], data


def read_until(fd, text, seconds=10):
  found = b''
  deadline = time.monotonic() + seconds
  while not found or text not in found:
    ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
    try:
      more = os.read(fd, 4096) if ready else b''
    except OSError:  # the other side is closed
      more = b''
    if not more:
      raise Failure('%r does not come, only %r' % (text, found))
    found += more
  return found


@everyone
def test_the_terminal_is_sent_to_the_console_socket(t):
  path = t.path('socket')
  listener = listen(t, path)
  box = terminal_box(t, 'tty; test -c /dev/console && echo console; read line; echo "got $line"')
  box.create('--console-socket', path)
  terminal, _ = receive(t, listener)
  t.true(os.isatty(terminal), 'it is no terminal')
  box.start()
  read_until(terminal, b'console\r\n')
  os.write(terminal, b'hello\n')
  read_until(terminal, b'got hello\r\n')


@also_as_user
def test_the_path_of_the_socket_may_be_long(t):
  path = t.path('d' * 200 + '/' + 's' * 90)
  os.mkdir(os.path.dirname(path))
  listener = listen(t, path)
  box = terminal_box(t, 'echo works')
  box.create('--console-socket', path)
  terminal, _ = receive(t, listener)
  box.start()
  read_until(terminal, b'works\r\n')


def test_the_path_of_the_socket_may_be_relative(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'echo works')
  box.create('--console-socket', 'socket')
  terminal, _ = receive(t, listener)
  box.start()
  read_until(terminal, b'works\r\n')


def test_the_size_is_the_configs(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'stty size', consoleSize={'height': 33, 'width': 111})
  box.create('--console-socket', t.path('socket'))
  terminal, _ = receive(t, listener)
  t.same(window_size(terminal), (33, 111))
  box.start()
  read_until(terminal, b'33 111\r\n')


def test_the_container_has_the_terminal_as_its_controlling_one(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'trap "echo interrupted" INT; echo > /dev/tty; echo ready; '
                        'while :; do sleep 0.05; done')
  box.create('--console-socket', t.path('socket'))
  terminal, _ = receive(t, listener)
  box.start()
  read_until(terminal, b'ready')
  os.write(terminal, b'\3')
  read_until(terminal, b'interrupted')


def test_the_terminal_belongs_to_the_user(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'stat -Lc "%u %a" /dev/fd/0; echo > /dev/pts/0 && echo opened',
                     user={'uid': 1000, 'gid': 1000})
  box.create('--console-socket', t.path('socket'))
  terminal, _ = receive(t, listener)
  box.start()
  t.same(read_until(terminal, b'opened\r\n'), b'1000 620\r\n\r\nopened\r\n')


def test_run_detached_takes_a_console_socket(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'echo works; exec sleep 60')
  t.worked(box.run('--detach', '--console-socket', t.path('socket')))
  terminal, _ = receive(t, listener)
  read_until(terminal, b'works\r\n')


def window_size(fd):
  rows, columns, _, _ = struct.unpack('HHHH', fcntl.ioctl(fd, termios.TIOCGWINSZ, b'\0' * 8))
  return rows, columns


def set_window_size(fd, rows, columns):
  fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


class Foreground:
  """run, or the command of these words, with a pty for a terminal, as a shell would start it."""

  def __init__(self, t, box, rows=24, columns=80, words=None):
    self.seen = b''
    if not words:
      box.save()
    command = t.command(words or ['run', '--bundle', box.directory, box.id])
    self.pid, self.fd = pty.fork()
    if self.pid == 0:
      try:
        set_window_size(0, rows, columns)
        os.execve(command[0], command, t.environment())
      finally:
        os._exit(126)
    t.ready.append(self.close)

  def expect(self, text):
    """Returns what comes until then; what comes after it is kept."""
    while text not in self.seen:
      try:
        self.seen += read_until(self.fd, b'')
      except Failure as failure:
        raise Failure('%r does not come, only %r: %s' % (text, self.seen, failure)) from None
    end = self.seen.index(text) + len(text)
    found, self.seen = self.seen[:end], self.seen[end:]
    return found

  def type(self, text):
    os.write(self.fd, text)

  def end(self):
    """The exit status; what still comes out is read."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
      pid, status = os.waitpid(self.pid, os.WNOHANG)
      if pid:
        self.pid = None
        return os.waitstatus_to_exitcode(status)
      ready, _, _ = select.select([self.fd], [], [], 0.02)
      try:
        if ready:
          os.read(self.fd, 4096)
      except OSError:
        time.sleep(0.01)
    raise Failure('run does not end')

  def close(self):
    if self.pid:
      os.kill(self.pid, signal.SIGKILL)
      os.waitpid(self.pid, 0)
    os.close(self.fd)


@also_as_user
def test_in_the_foreground_what_is_typed_arrives_and_the_exit_status_comes_back(t):
  shell = Foreground(t, terminal_box(t, 'echo ready; read line; echo "got $line"; exit 7'))
  shell.expect(b'ready')
  shell.type(b'hello\r')
  shell.expect(b'got hello')
  t.same(shell.end(), 7)
  t.nothing_left()


@also_as_user
def test_in_the_foreground_the_size_is_the_callers_and_follows_it(t):
  shell = Foreground(t, terminal_box(t, 'stty size; trap "stty size" WINCH; echo ready; '
                                        'while :; do sleep 0.05; done'), 40, 100)
  shell.expect(b'40 100')
  shell.expect(b'ready')
  set_window_size(shell.fd, 50, 132)
  shell.expect(b'50 132')
  shell.type(b'\x1c')
  os.kill(shell.pid, signal.SIGKILL)


def test_in_the_foreground_keys_are_the_containers(t):
  shell = Foreground(t, terminal_box(t, 'trap "echo interrupted; exit 3" INT; echo ready; '
                                        'while :; do sleep 0.05; done'))
  shell.expect(b'ready')
  shell.type(b'\3')
  shell.expect(b'interrupted')
  t.same(shell.end(), 3)


def test_in_the_foreground_signals_are_forwarded(t):
  shell = Foreground(t, terminal_box(t, 'trap "exit 4" TERM; echo ready; while :; do sleep 0.05; '
                                        'done'))
  shell.expect(b'ready')
  os.kill(shell.pid, signal.SIGTERM)
  t.same(shell.end(), 4)


def test_in_the_foreground_all_output_comes_even_if_much(t):
  shell = Foreground(t, terminal_box(t, 'seq 1 20000; echo the end'))
  out = shell.expect(b'the end')
  t.true(b'\n20000\r\n' in out and b'\n10000\r\n' in out, 'something is missing')
  t.same(shell.end(), 0)


def test_the_callers_terminal_is_as_before_afterwards(t):
  shell = Foreground(t, terminal_box(t, 'echo ready; read line'))
  shell.expect(b'ready')
  during = termios.tcgetattr(shell.fd)
  t.same(during[3] & (termios.ECHO | termios.ICANON), 0, 'raw mode')
  shell.type(b'\r')
  t.same(shell.end(), 0)
  after = termios.tcgetattr(shell.fd)
  t.true(after[3] & termios.ECHO and after[3] & termios.ICANON, 'it is still raw')


def test_a_terminal_without_a_caller_that_has_one(t):
  result = terminal_box(t, 'echo works').run()
  t.same((result.rc, result.out.replace('\r', '')), (0, 'works\n'))


def test_the_waiting_container_does_not_hold_the_callers_terminal(t):
  listener = listen(t, t.path('socket'))
  box = terminal_box(t, 'echo works')
  box.create('--console-socket', t.path('socket'))
  receive(t, listener)
  links = [os.readlink('/proc/%d/fd/%s' % (box.pid(), name))
           for name in os.listdir('/proc/%d/fd' % box.pid())]
  t.same([link for link in links if link.startswith('/tmp')], [])
