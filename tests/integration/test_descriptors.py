"""Which file descriptors, and which executable, the container can see."""

import fcntl
import os
import socket

from lib import also_as_user, everyone

SEALS = (getattr(fcntl, 'F_SEAL_SEAL', 1) | getattr(fcntl, 'F_SEAL_SHRINK', 2) |
         getattr(fcntl, 'F_SEAL_GROW', 4) | getattr(fcntl, 'F_SEAL_WRITE', 8))
LIST = ['sh', '-c', 'ls /proc/$$/fd; true']  # true: so that the shell does not become ls


@everyone
def test_the_program_has_its_stdio_and_nothing_else(t):
  t.same(t.box(args=LIST).output().split(), ['0', '1', '2'])


@also_as_user
def test_what_the_caller_leaks_does_not_arrive(t):
  fds = [os.open('/', os.O_RDONLY) for _ in range(7)]
  t.ready.append(lambda: [os.close(fd) for fd in fds])
  t.same(t.box(args=LIST).run(pass_fds=fds).out.split(), ['0', '1', '2'])
  box = t.box(args=LIST)
  box.create(pass_fds=fds)
  box.start()
  box.wait_until('stopped')
  t.same(box.written().split(), ['0', '1', '2'])


def preserved(t):
  """A file as descriptor 3 and 4 of the runtime, and something else as 5."""
  path = t.path('file', 'kept\n')
  command = 'exec 3< %s 4< %s 5< /; exec "$@"' % (path, path)
  return ['sh', '-c', command, 'sh']


def run_with(t, box, shell, *options, **more):
  box.save()
  words = shell + t.command(['run', '--bundle', box.directory, *options, box.id])
  with open(t.path('out'), 'w', encoding='utf-8') as out:
    code = t.helper(words, stdout=out, env=t.environment(**more)).wait(15)
  with open(t.path('out'), encoding='utf-8') as out:
    return code, out.read()


@also_as_user
def test_descriptors_that_are_to_be_preserved_are(t):
  code, out = run_with(t, t.box('ls /proc/$$/fd; cat <&4'), preserved(t), '--preserve-fds', '2')
  t.same((code, out.split()), (0, ['0', '1', '2', '3', '4', 'kept']))


def test_descriptors_of_systemd_are_preserved_and_told(t):
  box = t.box('ls /proc/$$/fd; echo $LISTEN_FDS $LISTEN_PID; cat <&3')
  code, out = run_with(t, box, preserved(t), LISTEN_FDS='1')
  t.same((code, out.split()), (0, ['0', '1', '2', '3', '1', '1', 'kept']))


def test_a_closed_descriptor_of_stdio_is_not_somebody_elses(t):
  box = t.box('for n in 0 2; do readlink /proc/$$/fd/$n >> /tmp/links; done')
  box.save()
  command = ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'] + t.command(
    ['run', '--bundle', box.directory, box.id])
  t.same(t.helper(command, env=t.environment()).wait(15), 0)
  with open(box.rootfs + '/tmp/links', encoding='utf-8') as file:
    for link in file.read().split():
      t.true(link == '/dev/null', link)


@everyone
def test_the_waiting_init_runs_from_a_sealed_copy(t):
  box = t.box()
  box.create()
  exe = '/proc/%d/exe' % box.pid()
  t.true(os.readlink(exe).startswith('/memfd:'), os.readlink(exe))
  with open(exe, 'rb') as file:
    seals = fcntl.fcntl(file.fileno(), getattr(fcntl, 'F_GET_SEALS', 1034))
    t.same(seals & SEALS, SEALS)


def test_the_waiting_init_holds_its_stdio_and_one_socket(t):
  box = t.box()
  box.create()
  folder = '/proc/%d/fd' % box.pid()
  links = {name: os.readlink('%s/%s' % (folder, name)) for name in os.listdir(folder)}
  others = [link for name, link in links.items() if name not in ('0', '1', '2')]
  t.same([link.split(':')[0] for link in others], ['socket'])


def test_the_waiting_init_cannot_be_looked_into_by_another_container(t):
  first = t.box('while :; do sleep 0.1; done').launch()
  second = t.box().namespace('pid', '/proc/%d/ns/pid' % first.pid())
  second.create()
  third = t.box('for d in /proc/[0-9]*; do test "$(cat $d/comm 2>/dev/null)" = sh && continue; '
                'ls $d/fd $d/root/ >/dev/null 2>&1 && cat $d/comm 2>/dev/null; done; echo over')
  third.namespace('pid', '/proc/%d/ns/pid' % first.pid())
  out = third.output()
  t.true('proa' not in out, out)


def test_no_socket_of_the_runtime_is_in_the_abstract_namespace(t):
  def abstract():
    with open('/proc/net/unix', encoding='utf-8') as file:
      return {line.split()[-1] for line in file if ' @' in line}
  before = abstract()
  box = t.box(args=['sleep', '60'])
  box.create()
  t.same(abstract() - before, set())
  box.start()
  t.same(abstract() - before, set())


def test_a_socket_as_stdin_arrives(t):
  ours, theirs = socket.socketpair()
  with ours, theirs:
    process = t.box('read line; echo "got $line"').begin_run(stdin=theirs)
    ours.send(b'hello\n')
    t.same(t.worked(t.finish(process)).out, 'got hello\n')
