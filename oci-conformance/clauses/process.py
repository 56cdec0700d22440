"""config.md, Process."""

import array
import os
import select
import socket
import struct
import termios
import fcntl

from kit import MUST, clause

WHERE = 'config.md, Process'


@clause(WHERE, MUST, 'cwd is the working directory of the program')
def cwd(t):
  box = t.box('pwd')
  box.process['cwd'] = '/tmp'
  t.same(box.output(), '/tmp')


@clause(WHERE, MUST, 'cwd is required')
def cwd_required(t):
  box = t.box('true')
  del box.process['cwd']
  box.refused()


@clause(WHERE, MUST, 'a cwd of "{}", which is not absolute, is an error', ['tmp', './tmp', ''])
def cwd_relative(t, cwd_):
  box = t.box('true')
  box.process['cwd'] = cwd_
  box.refused()


@clause(WHERE, MUST, 'a cwd that is a file is an error')
def cwd_file(t):
  box = t.box('true')
  box.file('etc/file')
  box.process['cwd'] = '/etc/file'
  box.refused()


@clause(WHERE, MUST, 'a cwd that leads out of the container is an error or stays inside')
def cwd_outside(t):
  box = t.box('ls /proc/self/cwd/')
  box.process['cwd'] = '/proc/self/fd/7'
  result = box.try_create()
  if result.rc == 0:
    box.first = box.pid()
    result = box.try_start()
  if result.rc == 0:
    box.wait()
    t.lacks(box.written().split(), 'boot')


@clause(WHERE, MUST, 'env is the environment of the program')
def env(t):
  box = t.box(args=['/bin/env'])
  box.process['env'] = ['ONE=1', 'TWO=two words', 'EMPTY=', 'EQUALS=a=b', 'lower_case=x']
  found = box.output().splitlines()
  t.same([entry for entry in box.process['env'] if entry not in found], [], 'missing')


@clause(WHERE, MUST, 'env is not required')
def env_absent(t):
  box = t.box(args=['/bin/echo', 'fine'])
  del box.process['env']
  t.same(box.output(), 'fine')


@clause(WHERE, MUST, 'nothing of the runtime\'s environment gets into the program\'s')
def env_clean(t):
  box = t.box(args=['/bin/env'])
  box.create(env=dict(os.environ, CONFORMANCE_SECRET='x')).start().wait()
  t.lacks(box.written(), 'CONFORMANCE_SECRET')


@clause(WHERE, MUST, 'args are the program\'s arguments, unchanged')
def args(t):
  box = t.box(args=['printf', '<%s>', 'two words', '', '$HOME', '*', 'a"b', '\u00fc'])
  t.same(box.output(), '<two words><><$HOME><*><a"b><\u00fc>')


@clause(WHERE, MUST, 'args[0] is searched for in PATH of env')
def args_path(t):
  box = t.box(args=['tool'])
  box.file('opt/tool', '#!/bin/sh\necho found\n', 0o755)
  box.process['env'] = ['PATH=/nowhere:/opt:/bin']
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'args[0] that holds a slash is not searched for')
def args_slash(t):
  box = t.box(args=['opt/tool'])
  box.file('opt/tool', '#!/bin/sh\necho found\n', 0o755)
  t.same(box.output(), 'found')


@clause(WHERE, MUST, 'args needs at least one entry')
def args_empty(t):
  box = t.box(args=[])
  box.refused()


@clause(WHERE, MUST, 'args is required')
def args_required(t):
  box = t.box('true')
  del box.process['args']
  box.refused()


@clause(WHERE, MUST, 'a program that PATH does not have is an error')
def args_missing(t):
  t.box(args=['no-such-program']).refused()


@clause(WHERE, MUST, 'a program that is a directory is an error')
def args_directory(t):
  t.box(args=['/etc']).refused()


@clause(WHERE, MUST, 'user is required')
def user_required(t):
  box = t.box('true')
  del box.process['user']
  result = box.try_create()
  if result.rc == 0:
    box.start().wait()
    t.skip('the runtime takes 0 for a user that is absent')


# -- terminal

def receive_terminal(box, t):
  """Creates the container with a console socket, and returns the other side of its terminal."""
  path = t.path('s')
  server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
  here = os.getcwd()
  os.chdir(t.directory)  # a path may have 107 bytes
  server.bind('s')
  os.chdir(here)
  server.listen(1)
  box.process['terminal'] = True
  if not any(row['destination'] == '/dev/pts' for row in box.config['mounts']):
    box.mount('/dev/pts', 'devpts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=620'])
  box.create('--console-socket', path)
  ready, _, _ = select.select([server], [], [], 5)
  t.true(ready, 'nobody connects to the console socket')
  connection, _ = server.accept()
  size = array.array('i').itemsize
  _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * size))
  t.same(len(ancillary), 1, 'messages with descriptors')
  fds = array.array('i')
  fds.frombytes(ancillary[0][2][:len(ancillary[0][2]) // size * size])
  t.same(len(fds), 1, 'descriptors')
  connection.close()
  server.close()
  t.later.append(lambda: os.close(fds[0]))
  return fds[0]


def read_terminal(fd, t, end):
  text = b''
  while end not in text:
    ready, _, _ = select.select([fd], [], [], 5)
    t.true(ready, 'nothing comes any more after %r' % text)
    try:
      piece = os.read(fd, 4096)
    except OSError:  # the other side is closed
      break
    text += piece
    if not piece:
      break
  return text.decode(errors='replace').replace('\r', '')


@clause(WHERE, MUST, 'with terminal standard input, output and error are the same terminal')
def terminal_streams(t):
  box = t.box('for fd in 0 1 2; do test -t $fd && readlink /proc/self/fd/$fd; done; echo over')
  fd = receive_terminal(box, t)
  box.start()
  lines = read_terminal(fd, t, b'over').split()
  t.same((len(lines), len(set(lines[:3]))), (4, 1), ' '.join(lines))
  t.has(lines[0], '/dev/')


@clause(WHERE, MUST, 'with terminal /dev/console is that terminal')
def terminal_console(t):
  box = t.box('echo text >/dev/console; echo over')
  fd = receive_terminal(box, t)
  box.start()
  t.has(read_terminal(fd, t, b'over'), 'text')


@clause(WHERE, MUST, 'what is written to the other side is read by the program')
def terminal_input(t):
  box = t.box('read line; echo got-$line; echo over')
  fd = receive_terminal(box, t)
  box.start()
  os.write(fd, b'hello\n')
  t.has(read_terminal(fd, t, b'over'), 'got-hello')


@clause(WHERE, MUST, 'with terminal it is the controlling terminal')
def terminal_controlling(t):
  box = t.box('echo text >/dev/tty; echo over')
  fd = receive_terminal(box, t)
  box.start()
  t.has(read_terminal(fd, t, b'over'), 'text')


@clause(WHERE, MUST, 'with terminal the terminal has the consoleSize')
def terminal_size(t):
  box = t.box('stty size; echo over')
  box.process['consoleSize'] = {'height': 33, 'width': 77}
  fd = receive_terminal(box, t)
  box.start()
  t.has(read_terminal(fd, t, b'over'), '33 77')


@clause(WHERE, MUST, 'the other side of the terminal tells the consoleSize')
def terminal_size_outside(t):
  box = t.box('sleep 100')
  box.process['consoleSize'] = {'height': 34, 'width': 78}
  fd = receive_terminal(box, t)
  box.start()
  found = struct.unpack('HHHH', fcntl.ioctl(fd, termios.TIOCGWINSZ, b'\0' * 8))
  t.same(found[:2], (34, 78))


@clause(WHERE, MUST, 'without terminal there is none')
def terminal_none(t):
  box = t.box('test -t 1 && echo terminal || echo none')
  t.same(box.output(), 'none')


@clause(WHERE, MUST, 'without terminal consoleSize is ignored')
def size_ignored(t):
  box = t.box('test -t 1 && echo terminal || echo none')
  box.process['consoleSize'] = {'height': 33, 'width': 77}
  t.same(box.output(), 'none')


@clause(WHERE, MUST, 'with terminal set to false consoleSize is ignored')
def size_ignored_false(t):
  box = t.box('test -t 1 && echo terminal || echo none')
  box.process.update(consoleSize={'height': 33, 'width': 77}, terminal=False)
  t.same(box.output(), 'none')
