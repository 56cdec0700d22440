"""linux.seccomp: SCMP_ACT_NOTIFY, the agent that answers, and filters that come compiled."""

import array
import base64
import errno
import fcntl
import json
import os
import select
import socket
import struct
import threading

from lib import also_as_user, everyone

RECEIVE, SEND = 0xc0502100, 0xc0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
GO_ON = 1                               # SECCOMP_USER_NOTIF_FLAG_CONTINUE
LATE = (True, False)                    # noNewPrivileges: the filter comes last of all, or early


class Agent:
  """Takes a listener, and answers: by the number of the call an errno, or by default lets it go on."""

  def __init__(self, t, name='agent', answers=()):
    self.path = t.path(name)
    self.answers = dict(answers)
    self.states = []
    self.messages = []
    self.calls = []
    self.listeners = []
    self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    self.server.bind(self.path)
    self.server.listen(5)
    self.stopping = os.eventfd(0, os.EFD_CLOEXEC)
    self.thread = threading.Thread(target=self.serve, daemon=True)
    self.thread.start()
    t.ready.append(self.stop)

  def stop(self):
    os.eventfd_write(self.stopping, 1)
    self.thread.join(5)
    for fd in self.listeners + [self.stopping]:
      os.close(fd)
    self.server.close()

  def serve(self):
    while True:
      watched = [self.stopping, self.server.fileno()] + self.listeners
      poll = select.poll()
      for fd in watched:
        poll.register(fd, select.POLLIN)
      for fd, events in poll.poll():
        if fd == self.stopping:
          return
        if fd == self.server.fileno():
          self.take()
        elif events & select.POLLIN:
          self.answer(fd)
        else:  # nobody is under the filter any more
          self.listeners.remove(fd)
          os.close(fd)

  def take(self):
    connection, _ = self.server.accept()
    with connection:
      text, fds, _, _ = socket.recv_fds(connection, 1 << 20, 8, socket.MSG_CMSG_CLOEXEC)
      self.messages.append((len(fds), connection.recv(1)))  # all in one, and then the end
    self.states.append(json.loads(text))
    self.listeners += fds

  def answer(self, fd):
    request = array.array('B', bytes(80))
    try:
      fcntl.ioctl(fd, RECEIVE, request)
      number = struct.unpack_from('=QIIi', request)[3]
      self.calls.append(number)
      error = self.answers.get(number, 0)
      fcntl.ioctl(fd, SEND, struct.pack('=Qqii', struct.unpack_from('=Q', request)[0], 0,
                                        -error, 0 if error else GO_ON))
    except OSError as problem:
      if problem.errno != errno.ENOENT:  # the caller was killed meanwhile
        raise


def notify(box, agent, *names, default='SCMP_ACT_ALLOW', **more):
  box.linux['seccomp'] = {'defaultAction': default, 'architectures': ['SCMP_ARCH_X86_64'],
                          'listenerPath': agent if isinstance(agent, str) else agent.path}
  if names:
    box.linux['seccomp']['syscalls'] = [{'names': list(names), 'action': 'SCMP_ACT_NOTIFY'}]
  box.linux['seccomp'].update(more)
  return box


MKDIR = 83
MKDIR_FAILS = {MKDIR: errno.EDQUOT, 258: errno.EDQUOT}


@everyone
def test_an_agent_decides(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late, MKDIR_FAILS)
    result = notify(t.box('mkdir /tmp/x; echo $?', noNewPrivileges=late), agent,
                    'mkdir', 'mkdirat').run()
    t.same((result.out, result.err), ('1\n', "mkdir: can't create directory '/tmp/x': "
                                      'Disk quota exceeded\n'))
    t.same(agent.calls, [MKDIR])


@everyone
def test_the_agent_of_a_created_container(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late, MKDIR_FAILS)
    box = notify(t.box('mkdir /tmp/x; echo $?', noNewPrivileges=late), agent, 'mkdir', 'mkdirat')
    box.create()
    t.same(len(agent.states), 0 if late else 1)
    box.start()
    box.wait_for_output('1\n')
    t.same(len(agent.states), 1)


def test_the_agent_is_told_the_state(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late)
    box = t.box(args=['sleep', '60'], noNewPrivileges=late)
    notify(box, agent, 'mkdir', listenerMetadata='any "text"')
    box.config['annotations'] = {'org.example/a': 'b'}
    box.launch()
    pid = box.pid()
    t.same(agent.messages, [(1, b'')])
    t.same(agent.states, [{
      'ociVersion': '1.3.0', 'fds': ['seccompFd'], 'pid': pid, 'metadata': 'any "text"',
      'state': {'ociVersion': '1.3.0', 'id': box.id, 'pid': pid, 'bundle': box.directory,
                'status': 'created' if late else 'creating',
                'annotations': {'org.example/a': 'b'}}}])
    box.delete('--force')


@also_as_user
def test_the_calls_that_would_hand_the_listener_over(t):
  names = ('write', 'writev', 'sendmsg', 'sendto', 'recvmsg', 'read', 'close', 'ioctl', 'poll')
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late)
    box = notify(t.box('echo fine', noNewPrivileges=late), agent, *names)
    t.same(box.output(), 'fine\n')
    t.true(1 in agent.calls or 20 in agent.calls, 'nothing was asked: %r' % agent.calls)
    t.worked(notify(t.box('echo fine', noNewPrivileges=late), agent, *names).create())


@also_as_user
def test_every_call_by_default(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late)
    box = notify(t.box('echo fine', noNewPrivileges=late), agent, default='SCMP_ACT_NOTIFY')
    t.same(box.output(), 'fine\n')
    t.true(59 in agent.calls, 'execve was not asked for')
    notify(t.box('echo fine', noNewPrivileges=late), agent, default='SCMP_ACT_NOTIFY').launch()


def test_the_programs_own_exec_may_be_refused(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late, {59: errno.ENOEXEC})
    box = notify(t.box('echo fine', noNewPrivileges=late), agent, 'execve')
    t.refused(box.run(), 'process.args[0]: exec: "sh": exec format error')


def test_all_flags(t):
  agent = Agent(t)
  for late in LATE:
    box = notify(t.box('mkdir /tmp/x; ls -d /tmp/x', noNewPrivileges=late), agent, 'mkdir', 'mkdirat')
    box.linux['seccomp']['flags'] = [
      'SECCOMP_FILTER_FLAG_' + name
      for name in ('LOG', 'SPEC_ALLOW', 'TSYNC', 'WAIT_KILLABLE_RECV')]
    t.same(box.output(), '/tmp/x\n')


@also_as_user
def test_nobody_listens_there(t):
  for late in LATE:
    for text in ('HERE/none', t.path('plain-%d' % late, '')):
      box = notify(t.box('echo fine', noNewPrivileges=late), text.replace('HERE', t.directory),
                   'mkdir')
      said = "linux.seccomp: the listener's agent: nobody listens on " + text
      t.refused(box.run(), said)
      if late:
        box.create()
        t.refused(t.proa('start', box.id), box.id + ': ' + said)
        box.used = False
      else:
        t.refused(box.try_create(), said)


def test_notify_needs_an_agent(t):
  box = notify(t.box(), '', 'mkdir')
  t.refused(box.run(), 'linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY, and nobody listens: '
            'set linux.seccomp.listenerPath to the socket of an agent that answers')
  t.refused(notify(t.box(), '', default='SCMP_ACT_NOTIFY').run(),
            'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY, and nobody listens: '
            'set linux.seccomp.listenerPath to the socket of an agent that answers')
  t.refused(notify(t.box(), 'agent', 'mkdir').run(),
            'linux.seccomp.listenerPath: "agent" is not absolute')


def test_metadata_needs_a_path(t):
  box = notify(t.box(), '', listenerMetadata='x')
  del box.linux['seccomp']['listenerPath']
  t.refused(box.run(),
            'linux.seccomp.listenerMetadata: there is no listenerPath to send it to')


def test_without_notify_nobody_is_asked(t):
  t.same(notify(t.box('echo fine'), '/nowhere').output(), 'fine\n')


def test_the_agent_may_be_named_by_an_annotation_or_the_environment(t):
  for number, way in enumerate(('annotation', 'environment', 'both')):
    agent = Agent(t, 'agent-%d' % number, MKDIR_FAILS)
    box = notify(t.box('mkdir /tmp/x 2>/dev/null; echo $?'), '', 'mkdir', 'mkdirat')
    del box.linux['seccomp']['listenerPath']
    environment = t.environment()
    if way != 'environment':
      box.config['annotations'] = {'run.oci.seccomp.receiver': agent.path}
    if way != 'annotation':
      environment['RUN_OCI_SECCOMP_RECEIVER'] = agent.path if way == 'environment' else '/nowhere'
    t.same(box.run(env=environment).out, '1\n', way)


def test_unknown_calls_are_an_error_if_that_is_asked_for(t):
  box = notify(t.box('echo fine'), '', syscalls=[
    {'names': ['mkdir', 'no_such_call'], 'action': 'SCMP_ACT_ERRNO'}])
  box.config['annotations'] = {'run.oci.seccomp_fail_unknown_syscall': '1'}
  t.refused(box.run(), 'linux.seccomp.syscalls[0].names[1]: unknown system call "no_such_call"')
  box.config['annotations'] = {'run.oci.seccomp_fail_unknown_syscall': '0'}
  t.same(box.output(), 'fine\n')


def compiled(action):
  """A filter for mkdir and mkdirat of x86-64."""
  rows = [(0x20, 0, 0, 0), (0x15, 1, 0, MKDIR), (0x15, 0, 1, 258), (0x06, 0, 0, action),
          (0x06, 0, 0, 0x7fff0000)]
  return base64.b64encode(b''.join(struct.pack('=HBBI', *row) for row in rows)).decode()


@everyone
def test_a_compiled_filter(t):
  for late in LATE:
    box = t.box('mkdir /tmp/x; echo $?', noNewPrivileges=late)
    box.config['annotations'] = {'run.oci.seccomp_bpf_data': compiled(0x50000 | errno.EDQUOT)}
    t.same(box.run().out, '1\n')
    # It takes the place of the profile.
    notify(box, '', syscalls=[{'names': ['write'], 'action': 'SCMP_ACT_ERRNO'}])
    t.same(box.run().out, '1\n')


def test_a_compiled_filter_that_notifies(t):
  box = t.box('mkdir /tmp/x 2>/dev/null; echo $?')
  box.config['annotations'] = {'run.oci.seccomp_bpf_data': compiled(0x7fc00000)}
  t.refused(box.run(), 'annotations["run.oci.seccomp_bpf_data"]: the filter notifies, and nobody '
            'listens: set linux.seccomp.listenerPath to the socket of an agent that answers')
  agent = Agent(t, answers=MKDIR_FAILS)
  box.config['annotations']['run.oci.seccomp.receiver'] = agent.path
  t.same(box.run().out, '1\n')


def test_a_compiled_filter_that_is_none(t):
  for text, reason in (('###', 'it is not base64'), ('AAAA', '3 bytes are no whole number of '
                        'instructions, which have 8 each'), ('', '0 bytes are no whole number of '
                        'instructions, which have 8 each')):
    box = t.box()
    box.config['annotations'] = {'run.oci.seccomp_bpf_data': text}
    t.refused(box.run(), 'annotations["run.oci.seccomp_bpf_data"]: ' + reason)
  box.config['annotations'] = {'run.oci.seccomp_bpf_data': base64.b64encode(bytes(8)).decode()}
  t.refused(box.run(), 'linux.seccomp: load the filter: invalid argument')


def test_the_listener_goes_nowhere_else(t):
  for late in LATE:
    agent = Agent(t, 'agent-%d' % late)
    box = notify(t.box('ls -l /proc/self/fd', noNewPrivileges=late), agent, 'mkdir')
    t.true('seccomp' not in box.run().out, 'the program has the listener')
    box = notify(t.box(args=['sleep', '60'], noNewPrivileges=late), agent, 'mkdir')
    box.create()
    fds = [os.readlink('/proc/%d/fd/%s' % (box.pid(), fd))
           for fd in os.listdir('/proc/%d/fd' % box.pid())]
    t.true(not any('seccomp' in fd or 'memfd' in fd for fd in fds), 'init holds %r' % fds)


@also_as_user
def test_a_runtime_that_is_killed_before_the_listener_is_taken(t):
  for late in LATE:
    path = t.path('full-%d' % late)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
      server.bind(path)
      server.listen(0)
      with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
        first.connect(path)  # there is no room for another: the runtime waits here
        box = notify(t.box(args=['true'], noNewPrivileges=late), path, 'mkdir')
        process = box.begin_run()
        t.wait(lambda: t.proa('state', box.id).rc == 0, 'the container has a record')
        t.wait(lambda: waits_to_connect(process.pid), 'the runtime waits for the agent')
        process.kill()
        process.wait()
    t.worked(t.proa('delete', '--force', box.id))
    t.nothing_left()


def waits_to_connect(pid):
  with open('/proc/%d/syscall' % pid, encoding='utf-8') as file:
    return file.read().startswith('42 ')
