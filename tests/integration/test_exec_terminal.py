"""exec with a terminal, and with a seccomp agent that has to know who is meant."""

import os
import signal
import time

from lib import also_as_user, everyone
from test_exec import execute, failed, from_file, process_of
from test_seccomp_notify import LATE, MKDIR, MKDIR_FAILS, Agent, notify
from test_terminal import Foreground, listen, read_until, receive, set_window_size, terminal_box, window_size


def box_with_devpts(t, **process):
  """A container that has no terminal itself."""
  box = terminal_box(t, 'exec sleep 1000', **process)
  box.process['terminal'] = False
  return box.launch()


def shell(t, box, script, *options, **more):
  return Foreground(t, box, words=['exec', '--tty', *options, box.id, 'sh', '-c', script], **more)


@everyone
def test_in_the_foreground_what_is_typed_arrives(t):
  box = box_with_devpts(t)
  session = shell(t, box, 'tty; echo ready; read line; echo "got $line"; exit 7')
  session.expect(b'/dev/pts/')
  session.expect(b'ready')
  session.type(b'hello\r')
  session.expect(b'got hello')
  t.same(session.end(), 7)


@also_as_user
def test_keys_interrupt_the_program_not_the_container(t):
  box = box_with_devpts(t)
  session = shell(t, box, 'trap "echo interrupted; exit 3" INT; echo > /dev/tty; echo ready; '
                          'while :; do sleep 0.05; done')
  session.expect(b'ready')
  session.type(b'\3')
  session.expect(b'interrupted')
  t.same(session.end(), 3)
  t.same(box.status(), 'running')


@also_as_user
def test_the_size_is_the_callers_and_follows_it(t):
  box = box_with_devpts(t)
  session = shell(t, box, 'sleep 0.1; stty size; trap "stty size" WINCH; echo ready; '
                          'while :; do sleep 0.05; done', rows=40, columns=100)
  session.expect(b'40 100')
  session.expect(b'ready')
  set_window_size(session.fd, 50, 132)
  session.expect(b'50 132')
  os.kill(session.pid, signal.SIGKILL)


@everyone
def test_the_terminal_is_sent_to_the_console_socket(t):
  box = box_with_devpts(t)
  listener = listen(t, t.path('socket'))
  process = process_of(box, 'sh', '-c', 'stty size; tty; read line; echo "got $line"', terminal=True,
                       consoleSize={'height': 33, 'width': 111})
  t.worked(from_file(box, process, '--detach', '--console-socket', t.path('socket'), '--pid-file',
                     t.path('pid')), '')
  terminal, _ = receive(t, listener)
  t.same(window_size(terminal), (33, 111))
  read_until(terminal, b'/dev/pts/')
  os.write(terminal, b'hello\n')
  read_until(terminal, b'got hello\r\n')


def test_the_terminal_belongs_to_the_user(t):
  box = box_with_devpts(t)
  session = shell(t, box, 'stat -Lc "%u %a" /dev/fd/0; id -u; exit 5', '--user', '1000')
  session.expect(b'1000 620\r\n1000\r\n')
  t.same(session.end(), 5)


def test_two_have_terminals_of_their_own(t):
  box = box_with_devpts(t)
  one, two = (shell(t, box, 'tty; read line; echo "got $line"') for _ in range(2))
  names = []
  for session in (one, two):
    session.expect(b'/dev/pts/')
    names.append(session.expect(b'\r\n').strip())
  t.true(names[0] != names[1], 'both have %s' % names[0])
  for session, word in ((one, b'a'), (two, b'b')):
    session.type(word + b'\r')
    session.expect(b'got ' + word)
    t.same(session.end(), 0)


@everyone
def test_nobody_takes_the_terminal(t):
  box = box_with_devpts(t)
  failed(t, execute(box, 'true', options=['--tty', '--detach']),
         box.id + ': process.terminal: nobody would take the terminal: give --console-socket, or set '
         'process.terminal to false')
  failed(t, execute(box, 'true', options=['--console-socket', '/x']),
         box.id + ': --console-socket: the container has no terminal: set process.terminal to true')


def test_a_container_without_devpts(t):
  box = t.box('exec sleep 1000').launch()
  failed(t, execute(box, 'true', options=['--tty']),
         box.id + ': process.terminal: open /dev/pts/ptmx in the container: no such file or directory: '
         'a terminal needs a mount of type devpts on /dev/pts, with newinstance and ptmxmode=0666')


def test_a_multiplexer_that_is_a_trap(t):
  box = t.box('mkdir /dev/pts; mkfifo /dev/pts/ptmx; echo ready; exec sleep 1000').launch()
  box.wait_for_output('ready')
  failed(t, execute(box, 'true', options=['--tty']),
         box.id + ': process.terminal: /dev/pts in the container is no devpts')


@everyone
def test_the_agent_decides_for_it_too(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late, MKDIR_FAILS)
    box = notify(t.box('exec sleep 1000', noNewPrivileges=late), agent, 'mkdir', 'mkdirat',
                 listenerMetadata='text')
    box.launch()
    result = execute(box, 'sh', '-c', 'mkdir /tmp/x; echo $?', options=['--pid-file', t.path('pid')])
    t.same(result.out, '1\n')
    t.same(agent.calls, [MKDIR])
    t.same(len(agent.states), 2)
    told = agent.states[1]
    with open(t.path('pid'), encoding='utf-8') as file:
      t.same(told['pid'], int(file.read()))
    t.same((told['state']['pid'], told['state']['status'], told['state']['id'], told['metadata']),
           (box.pid(), 'running', box.id, 'text'))
    box.delete('--force')


@also_as_user
def test_an_agent_that_is_gone(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late)
    box = notify(t.box('exec sleep 1000', noNewPrivileges=late), agent, 'mkdir')
    box.launch()
    os.unlink(agent.path)
    begun = time.monotonic()
    result = execute(box, 'true')
    t.same((result.rc, result.out), (255, ''))
    t.has(result.err, "the listener's agent: nobody listens on %s" % agent.path)
    t.true(time.monotonic() - begun < 5, 'that took long')
    box.delete('--force')
