"""run: create, start, wait and delete in one."""

import os
import signal
import time

from lib import also_as_user, everyone, read


@everyone
def test_the_exit_status_is_the_programs(t):
  for number in (0, 1, 7, 255):
    result = t.box('exit %d' % number).run()
    t.same((result.rc, result.err), (number, ''))
  t.nothing_left()


@also_as_user
def test_death_by_a_signal_is_128_and_the_signal(t):
  # Not of pid 1 of a pid namespace, which its own signals do not reach.
  for name, number in (('KILL', 137), ('TERM', 143), ('SEGV', 139)):
    result = t.box('kill -%s $$' % name).no_namespace('pid').run()
    t.same((result.rc, result.err), (number, ''))


def test_what_is_on_stdin_reaches_the_program(t):
  box = t.box(args=['cat'])
  with open(t.path('input', 'hello\n'), encoding='utf-8') as file:
    t.same(t.worked(box.run(stdin=file)).out, 'hello\n')


def test_a_shell_pipe_works(t):
  box = t.box('cat >&2')
  box.save()
  read_end, write_end = os.pipe()
  process = box.begin_run(stdin=read_end)
  os.close(read_end)
  os.write(write_end, b'through the pipe')
  os.close(write_end)
  t.same(t.finish(process).err, 'through the pipe')


def test_signals_are_forwarded(t):
  for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
                 signal.SIGQUIT):
    name = signal.Signals(number).name[3:]
    process = t.box('trap "exit 5" %s; echo ready; while :; do sleep 0.05; done' % name).begin_run()
    t.wait(lambda p=process: 'ready' in read(p.name + '.out'), 'it is ready')
    process.send_signal(number)
    t.same(t.finish(process).rc, 5, name)


@also_as_user
def test_detached_it_returns_when_the_program_runs(t):
  box = t.box(args=['sleep', '60'])
  t.worked(box.run('--detach'), '')
  t.same(box.status(), 'running')


def test_detached_it_can_write_a_pid_file(t):
  box = t.box(args=['sleep', '60'])
  t.worked(box.run('-d', '--pid-file', t.path('pid')))
  t.same(read(t.path('pid')), str(box.pid()))


def test_with_keep_the_container_is_there_afterwards(t):
  box = t.box('exit 3')
  t.same(box.run('--keep').rc, 3)
  t.same(box.status(), 'stopped')
  box.delete()
  t.nothing_left()


def test_without_keep_nothing_is_left_of_it(t):
  box = t.box()
  box.output()
  t.nothing_left()
  t.same(t.proa('state', box.id).rc, 1)


def test_background_processes_end_with_the_container(t):
  t.same(t.box('sleep 60 & exit 4').run().rc, 4)
  t.nothing_left()


def test_background_processes_end_even_without_a_pid_namespace(t):
  t.same(t.box('sleep 60 & exit 4').no_namespace('pid').run().rc, 4)
  t.nothing_left()


def test_a_container_that_another_one_deletes_is_over(t):
  box = t.box('echo ready; exec sleep 60')
  process = box.begin_run()
  t.wait(lambda: 'ready' in read(process.name + '.out'), 'it is ready')
  box.delete('--force')
  t.same(t.finish(process).rc, 137)


def test_many_runs_at_once(t):
  boxes = [t.box('echo %d' % number) for number in range(8)]
  processes = [box.begin_run() for box in boxes]
  for number, process in enumerate(processes):
    t.same(t.worked(t.finish(process, 25)).out, '%d\n' % number)


def test_output_that_nobody_reads_any_more_does_not_hang(t):
  read_end, write_end = os.pipe()
  process = t.box('yes').begin_run(stdout=write_end)
  os.close(write_end)
  time.sleep(0.05)
  os.close(read_end)
  # yes is killed by SIGPIPE, or fails to write, if the runtime leaves SIGPIPE as it was
  t.true(t.finish(process).rc in (1, 128 + signal.SIGPIPE), 'it has another exit status')


def test_without_stdio_it_works(t):
  box = t.box('exit 6')
  box.save()
  command = t.command(['run', '--bundle', box.directory, box.id])
  process = t.helper(['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh'] + command, env=t.environment())
  t.same(process.wait(10), 6)
