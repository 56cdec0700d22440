"""exec: another program in a container that is there."""

import json
import os
import signal
import socket
import time

from lib import PATH, alive, also_as_user, everyone, read, status_field, time_limit, write
from test_cgroups import inside, paths


def running(t, script='exec sleep 1000', **process):
  """A started container."""
  return t.box(script, **process).launch()


def execute(box, *words, options=(), **more):
  return box.test.proa('exec', *options, box.id, *words, **more)


def output(box, *words, options=(), **more):
  return box.test.worked(execute(box, *words, options=options, **more)).out


def shell(box, script, *options, **more):
  return output(box, 'sh', '-c', script, options=options, **more)


def failed(t, result, text, rc=255):
  """Like refused(), but the container is still there."""
  t.same(result.err, text + '\n', 'stderr')
  t.same((result.rc, result.out), (rc, ''), 'exit status and output')


def from_file(box, process, *options, **more):
  """exec with --process."""
  path = '%s/process.json' % box.directory
  write(path, process if isinstance(process, str) else json.dumps(process))
  return box.test.proa('exec', '--process', path, *options, box.id, **more)


def process_of(box, *args, **more):
  """What an engine gives: the container's own process, with other words."""
  process = dict(box.process, args=list(args))
  process.update(more)
  return process


def in_container(box):
  """The pids of its processes, but for the first."""
  text = shell(box, 'echo /proc/[0-9]*')
  return sorted(int(word[6:]) for word in text.split())[1:-1]


# -- the program

@everyone
def test_a_program_runs_in_the_containers_namespaces(t):
  box = t.box('exec sleep 1000')
  box.config['hostname'] = 'harbour'
  box.launch()
  t.same(shell(box, 'hostname; echo $$; cat /proc/1/comm'), 'harbour\n2\nsleep\n')
  links = {name: os.readlink('/proc/%d/ns/%s' % (box.pid(), name))
           for name in ('ipc', 'mnt', 'net', 'pid', 'user', 'uts', 'cgroup')}
  found = shell(box, 'for n in %s; do readlink /proc/self/ns/$n; done' % ' '.join(links))
  t.same(found.split(), list(links.values()))


@everyone
def test_every_kind_of_namespace_is_entered(t):
  box = t.box('exec sleep 1000')
  for kind in ('network', 'cgroup', 'time'):
    box.namespace(kind)
  box.linux['timeOffsets'] = {'boottime': {'secs': 1000000}}
  box.launch()
  pid = box.pid()
  found = shell(box, 'cd /proc/self/ns; for n in cgroup ipc mnt net pid time user uts; do '
                     'readlink $n; done; cut -d. -f1 /proc/uptime').split()
  expected = [os.readlink('/proc/%d/ns/%s' % (pid, name))
              for name in ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts')]
  t.same(found[:-1], expected)
  t.true(int(found[-1]) > 1000000, 'the clock is not the container\'s')


@also_as_user
def test_without_namespaces_of_its_own(t):
  for kind in ('pid', 'ipc', 'uts'):
    box = t.box('exec sleep 1000').no_namespace(kind)
    box.launch()
    t.same(shell(box, 'echo works; cd /; echo *'), 'works\n%s\n' % ' '.join(sorted(
      os.listdir(box.rootfs))))
    box.delete('--force')


def test_without_a_mount_namespace_the_root_is_the_containers(t):
  box = t.box('exec sleep 1000').no_namespace('mount')
  box.config['mounts'] = []
  box.file('only-here', 'yes')
  box.launch()
  t.same(shell(box, 'cat /only-here; cd ..; cat only-here'), 'yesyes')


def test_a_container_that_was_made_without_pivot_root(t):
  box = t.box('exec sleep 1000')
  box.file('only-here', 'yes')
  box.launch('--no-pivot')
  t.same(shell(box, 'cat /only-here; cd ..; cat only-here'), 'yesyes')


def test_namespaces_that_were_joined_by_path(t):
  other = running(t)
  box = t.box('exec sleep 1000')
  for kind, name in (('pid', 'pid'), ('ipc', 'ipc'), ('uts', 'uts')):
    box.namespace(kind, '/proc/%d/ns/%s' % (other.pid(), name))
  box.launch()
  t.same(shell(box, 'cd /proc/self/ns; for n in ipc pid uts; do readlink $n; done').split(),
         [os.readlink('/proc/%d/ns/%s' % (other.pid(), name)) for name in ('ipc', 'pid', 'uts')])
  box.delete('--force')


@also_as_user
def test_a_user_namespace_of_its_own(t):
  box = t.box('exec sleep 1000')
  if t.is_root:
    box.map_ids((0, 100000, 1000))
    os.chown(box.rootfs, 100000, 100000)
  box.launch()
  t.same(shell(box, 'id -u; id -g; cat /proc/self/setgroups'), '0\n0\nallow\n')
  t.same(shell(box, 'id -u; id -g', '--user', '7:8'), '7\n8\n')
  failed(t, execute(box, 'id', options=['--user', '70000']),
         box.id + ': process.user.uid: 70000 is not mapped in the container\'s user namespace: '
         'add it to linux.uidMappings')


def test_a_user_namespace_without_root(t):
  box = t.box('exec sleep 1000', user={'uid': 5, 'gid': 5}).map_ids((5, 100005, 10))
  box.launch()
  t.same(shell(box, 'id -u; id -g'), '5\n5\n')


@everyone
def test_a_created_container(t):
  box = t.box('exec sleep 1000')
  box.create()
  t.same(shell(box, 'cat /proc/1/comm; echo $$'), 'proa:init\n2\n')
  t.same(box.status(), 'created')
  box.start()
  t.same(shell(box, 'cat /proc/1/comm'), 'sleep\n')


@everyone
def test_the_exit_status_is_the_programs(t):
  box = running(t)
  for status in (0, 1, 7, 254, 255):
    t.same(execute(box, 'sh', '-c', 'exit %d' % status).rc, status)
  for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
    t.same(execute(box, 'sh', '-c', 'kill -%d $$' % number).rc, 128 + number)


@everyone
def test_a_program_that_is_missing(t):
  box = running(t)
  box.file('etc/text', 'text')
  for name, text in (
      ('nope', 'exec: "nope": executable file not found in $PATH'),
      ('/no/pe', 'exec: "/no/pe": stat /no/pe: no such file or directory'),
      ('/etc/text', 'exec: "/etc/text": permission denied'),
      ('/etc', 'exec: "/etc": is a directory')):
    failed(t, execute(box, name), '%s: process.args[0]: %s' % (box.id, text))
    failed(t, execute(box, name, options=['--detach']),
           '%s: process.args[0]: %s' % (box.id, text))


def test_an_interpreter_that_is_missing(t):
  box = running(t)
  box.file('bin/script', '#!/bin/missing\n', 0o755)
  failed(t, execute(box, 'script'), box.id + ': process.args[0]: exec: "script": no such file or '
         'directory: the file is there: the interpreter that it names is not')


@everyone
def test_the_streams_are_the_callers(t):
  box = running(t)
  path = t.path('in', 'hello')
  with open(path, encoding='utf-8') as stdin:
    result = execute(box, 'sh', '-c', 'cat; echo error >&2', stdin=stdin)
  t.same((result.rc, result.out, result.err), (0, 'hello', 'error\n'))


def test_what_comes_behind_the_id_are_no_options(t):
  box = running(t)
  t.same(output(box, 'echo', '--tty', '-e', '--', '--help', '-v'), '--tty -e -- --help -v\n')


# -- what it is like

@everyone
def test_what_is_not_said_is_the_containers_own(t):
  box = running(t, env=['PATH=/bin', 'COLOR=blue'], cwd='/tmp', noNewPrivileges=True,
                rlimits=[{'type': 'RLIMIT_CORE', 'soft': 3584, 'hard': 4608}], oomScoreAdj=500,
                user={'uid': 0, 'gid': 0, 'umask': 0o27},
                scheduler={'policy': 'SCHED_BATCH', 'nice': 15},
                ioPriority={'class': 'IOPRIO_CLASS_BE', 'priority': 6})
  t.same(shell(box, 'echo $COLOR; pwd; umask; ulimit -Sc; ulimit -Hc; cat /proc/self/oom_score_adj'),
         'blue\n/tmp\n0027\n7\n9\n500\n')
  pid = box.pid()
  own, other = read('/proc/%d/status' % pid), output(box, 'cat', '/proc/self/status')
  for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Groups'):
    t.same(status_field(other, name), status_field(own, name), name)
  t.same(output(box, 'sh', '-c', 'ionice -p $$').split(':')[0].strip(), 'best-effort')
  t.same(shell(box, 'cut -d" " -f19,41 /proc/self/stat'), '15 3\n')


def test_the_bundle_may_change_meanwhile(t):
  box = running(t, env=['PATH=/bin', 'COLOR=blue'])
  os.unlink(box.directory + '/config.json')
  t.same(shell(box, 'echo $COLOR'), 'blue\n')


@everyone
def test_options_change_it(t):
  box = running(t, env=['PATH=/bin', 'COLOR=blue', 'SIZE=1'])
  t.same(shell(box, 'echo $COLOR $SIZE $MORE', '--env', 'COLOR=red', '-e', 'MORE=a=b'),
         'red 1 a=b\n')
  t.same(shell(box, 'pwd', '--cwd', '/tmp'), '/tmp\n')
  t.same(status_field(output(box, 'cat', '/proc/self/status', options=['--no-new-privs']),
                      'NoNewPrivs'), '1')


def test_a_user_and_groups(t):
  box = running(t, user={'uid': 1, 'gid': 2, 'additionalGids': [3]})
  look = 'id -u; id -g; grep Groups /proc/self/status'
  for options, expected in (
      ((), (1, 2, '3')),
      (('-u', '1000'), (1000, 2, '3')),
      (('-u', '0'), (0, 2, '3')),
      (('--user=1000:1001',), (1000, 1001, '3')),
      (('-u', '4294967294:0'), (4294967294, 0, '3')),
      (('-u', '0:0', '-g', '7', '--additional-gids', '8'), (0, 0, '3 7 8'))):
    t.same(shell(box, look, *options).replace(' \n', '\n'), '%d\n%d\nGroups:\t%s\n' % expected,
           ' '.join(options))


def test_a_user_that_is_no_number_is_refused(t):
  box = running(t)
  for text in ('', '-1', '+1', ' 1', '1 ', '1:', ':1', '1:2:3', '0x10', '1x', '4294967295',
               '4294967296', '18446744073709551616', '1:4294967295', '1:-1', 'root', '1.0', '１'):
    failed(t, execute(box, 'id', options=['--user', text]),
           '%s: --user: "%s" is not of the form UID[:GID]: both are numbers from 0 to 4294967294'
           % (box.id, text))
  for text in ('', '-1', ' 1', '4294967295', '4294967296', 'root', '1,2'):
    failed(t, execute(box, 'id', options=['--additional-gids', text]),
           '%s: --additional-gids: "%s" is no number from 0 to 4294967294' % (box.id, text))


def test_a_user_by_a_number_that_is_a_name_in_the_image(t):
  box = running(t)
  box.file('etc/passwd', 'root:x:0:0::/root:/bin/sh\n1000:x:0:0::/tmp:/bin/sh\n')
  t.same(shell(box, 'id -u', '--user', '1000'), '1000\n')


def test_the_home_is_the_users(t):
  box = running(t)
  box.file('etc/passwd', 'root:x:0:0::/root:/bin/sh\na:x:1000:0::/home/a:/bin/sh\n')
  t.same(shell(box, 'echo $HOME', '-u', '1000'), '/home/a\n')
  t.same(shell(box, 'echo $HOME', '-u', '1001'), '/\n')
  t.same(shell(box, 'echo $HOME', '-u', '1000', '-e', 'HOME=/tmp'), '/tmp\n')


def capabilities(box, *options):
  text = output(box, 'cat', '/proc/self/status', options=options)
  return {name: int(status_field(text, 'Cap' + name), 16)
          for name in ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb')}


@everyone
def test_a_capability_is_added_but_never_inheritable(t):
  chown, raw = 1 << 0, 1 << 13
  sets = {name: ['CAP_CHOWN'] for name in ('bounding', 'permitted', 'effective')}
  box = running(t, capabilities=sets)
  t.same(capabilities(box), {'Inh': 0, 'Prm': chown, 'Eff': chown, 'Bnd': chown, 'Amb': 0})
  both = chown | raw
  t.same(capabilities(box, '--cap', 'CAP_NET_RAW'),
         {'Inh': 0, 'Prm': both, 'Eff': both, 'Bnd': both, 'Amb': 0})
  failed(t, execute(box, 'true', options=['--cap', 'CAP_FLY']), box.id + ': --cap: unknown '
         'capability "CAP_FLY": its name begins with CAP_, see capabilities(7)')


@everyone
def test_a_capability_becomes_ambient_only_where_it_is_inheritable(t):
  names = ['CAP_CHOWN', 'CAP_NET_RAW']
  box = running(t, capabilities={'bounding': names, 'permitted': names, 'inheritable': names,
                                 'effective': ['CAP_CHOWN']})
  t.same(capabilities(box, '-c', 'CAP_NET_RAW', '-c', 'CAP_KILL')['Amb'], 1 << 13)


def test_another_user_has_no_capabilities_but_ambient_ones(t):
  box = running(t)
  t.same(capabilities(box, '--user', '1000')['Eff'], 0)


@everyone
def test_a_working_directory_is_not_made(t):
  box = running(t)
  failed(t, execute(box, 'pwd', options=['--cwd', '/not/there']),
         box.id + ': process.cwd: enter "/not/there": no such file or directory')
  t.true(not os.path.exists(box.rootfs + '/not'), 'it was made')
  failed(t, execute(box, 'pwd', options=['--cwd', 'tmp']), box.id + ': process.cwd: "tmp" is not an '
         'absolute path: it is a path in the container and begins with /')
  failed(t, execute(box, 'pwd', options=['--cwd', '/bin/busybox']),
         box.id + ': process.cwd: "/bin/busybox" is not a directory')


def test_a_working_directory_that_only_its_user_may_enter(t):
  box = running(t)
  os.mkdir(box.rootfs + '/private', 0o700)
  os.chown(box.rootfs + '/private', 1000, 1000)
  t.same(shell(box, 'pwd', '--cwd', '/private', '--user', '1000'), '/private\n')


@everyone
def test_bad_environments(t):
  box = running(t, env=['PATH=/bin'])
  for text in ('A', '=b'):
    failed(t, execute(box, 'env', options=['--env', text]),
           '%s: process.env[1]: "%s" is not of the form NAME=VALUE: for an empty value end the name '
           'with =' % (box.id, text))


@everyone
def test_no_program(t):
  box = running(t)
  failed(t, execute(box), box.id + ': exec: there is no program to run: name it behind the '
         'container\'s id, or give --process')
  failed(t, execute(box, ''), box.id + ": process.args[0]: the program's name is empty")


# -- --process

@everyone
def test_a_process_from_a_file(t):
  box = running(t, env=['PATH=/bin', 'COLOR=blue'])
  process = process_of(box, 'sh', '-c', 'echo $COLOR $SIZE; pwd', env=['PATH=/bin', 'SIZE=2'],
                       cwd='/tmp')
  t.same(t.worked(from_file(box, process)).out, '2\n/tmp\n')


@everyone
def test_what_the_file_does_not_have_is_the_containers_own(t):
  box = running(t, env=['PATH=/bin', 'COLOR=blue'], noNewPrivileges=True,
                rlimits=[{'type': 'RLIMIT_CORE', 'soft': 3584, 'hard': 4608}])
  process = {'user': {'uid': 0, 'gid': 0}, 'cwd': '/', 'args': ['sh', '-c', 'echo $COLOR; ulimit -Hc']}
  t.same(t.worked(from_file(box, process)).out, 'blue\n9\n')
  process['args'] = ['cat', '/proc/self/status']
  own, other = read('/proc/%d/status' % box.pid()), t.worked(from_file(box, process)).out
  t.same(status_field(other, 'CapEff'), status_field(own, 'CapEff'))


@everyone
def test_every_property_of_a_process(t):
  box = running(t)
  process = process_of(box, 'sh', '-c', 'umask; ulimit -Hc; ulimit -n; cat /proc/self/oom_score_adj; '
                       'cut -d" " -f19,41 /proc/self/stat; grep NoNewPrivs /proc/self/status',
                       user={'uid': 0, 'gid': 0, 'umask': 0o77}, oomScoreAdj=700,
                       rlimits=[{'type': 'RLIMIT_CORE', 'soft': 512, 'hard': 1024},
                                {'type': 'RLIMIT_NOFILE', 'soft': 20, 'hard': 30}],
                       scheduler={'policy': 'SCHED_BATCH', 'nice': 17}, noNewPrivileges=False,
                       ioPriority={'class': 'IOPRIO_CLASS_IDLE'})
  t.same(t.worked(from_file(box, process)).out, '0077\n2\n20\n700\n17 3\nNoNewPrivs:\t0\n')


def test_a_process_from_standard_input_and_from_a_pipe(t):
  box = running(t)
  text = json.dumps(process_of(box, 'echo', 'works'))
  with open(t.path('in', text), encoding='utf-8') as stdin:
    t.same(t.worked(t.proa('exec', '--process', '-', box.id, stdin=stdin)).out, 'works\n')
  reader, writer = os.pipe()
  os.write(writer, text.encode())
  os.close(writer)
  t.same(t.worked(t.proa('exec', '-p', '/dev/fd/%d' % reader, box.id, pass_fds=[reader])).out,
         'works\n')
  os.close(reader)


@everyone
def test_bad_files(t):
  box = running(t)
  path = box.directory + '/process.json'
  for text, error in (
      ('{', path + ':1:2: the file ends before it is complete'),
      ('{"cwd": 5}', path + ':1:9: cwd: expected a string, found 5'),
      (process_of(box, 'true', cwd='x'), 'process.cwd: "x" is not an absolute path: it is a path in '
       'the container and begins with /'),
      (process_of(box, 'true', user={'uid': 4294967295, 'gid': 0}), None),
      (process_of(box, 'true', rlimits=[{'type': 'RLIMIT_X', 'soft': 1, 'hard': 1}]),
       'process.rlimits[0]: unknown type "RLIMIT_X": see getrlimit(2) for the limits there are'),
      (process_of(box), 'process.args: there is no program to run')):
    result = from_file(box, text)
    t.same((result.rc, result.out), (255, ''))
    if error:
      t.has(result.err, error)
  failed(t, t.proa('exec', '--process', '/not/there', box.id),
         box.id + ': --process: open /not/there: no such file or directory')


def test_a_file_and_options_are_not_given_together(t):
  box = running(t)
  for words, name in ((['--user', '5'], '--user'), (['-e', 'A=b'], '--env'),
                      (['--cap', 'CAP_KILL'], '--cap'), (['--cwd', '/'], '--cwd'),
                      (['-g', '5'], '--additional-gids'), (['--apparmor', 'x'], '--apparmor'),
                      (['--process-label', 'x'], '--process-label'),
                      (['--no-new-privs'], '--no-new-privs')):
    failed(t, from_file(box, process_of(box, 'true'), *words),
           '%s: exec: %s cannot be given together with --process: say it in the file' % (box.id, name))
  write(box.directory + '/process.json', '{}')
  failed(t, t.proa('exec', '--process', box.directory + '/process.json', box.id, 'true'),
         box.id + ': exec: a program cannot be given together with --process: say it in the file')


# -- descriptors

@everyone
def test_it_has_no_descriptors_but_its_streams(t):
  box = running(t)
  with open(box.rootfs + '/bin/true', 'rb') as file:
    os.set_inheritable(file.fileno(), True)
    for options in ((), ('--user', '0:0')):
      # The shell's own: it opens the directory that it reads.
      found = output(box, 'sh', '-c', 'for f in /proc/self/fd/*; do echo ${f##*/}; done',
                     options=options, pass_fds=[file.fileno()])
      t.same(found.split(), ['0', '1', '2', '3'])


def preserved(t, box, options, count, **environment):
  """What a program in the container reads from the descriptors from 3 on."""
  fds = []
  for number in range(3, 3 + count):
    write(t.path('file%d' % number), 'file %d\n' % number)
    fds.append(os.open(t.path('file%d' % number), os.O_RDONLY))

  def arrange():
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(high):
      os.dup2(fd, 3 + i, inheritable=True)

  words = [word for option in options for word in option.split()]
  result = t.proa('exec', *words, box.id, 'sh', '-c',
                  'cat <&3; cat <&4; echo $LISTEN_FDS $((LISTEN_PID - $$)); '
                  'for f in /proc/$$/fd/*; do echo ${f##*/}; done', close_fds=False,
                  preexec_fn=arrange, env=t.environment(**environment))
  for fd in fds:
    os.close(fd)
  return result


def test_descriptors_are_preserved(t):
  box = running(t)
  result = preserved(t, box, ['--preserve-fds 2'], 2)
  t.has(t.worked(result).out, 'file 3\nfile 4\n')


def test_sockets_are_handed_over_with_the_pid_of_the_program(t):
  box = running(t)
  result = preserved(t, box, [], 2, LISTEN_FDS='2')
  t.has(t.worked(result).out, 'file 3\nfile 4\n2 0\n')


@everyone
def test_a_descriptor_that_is_not_open(t):
  box = running(t)
  failed(t, execute(box, 'true', options=['--preserve-fds', '5']), 'file descriptor 3 is to be '
         'preserved, but is not open: --preserve-fds and LISTEN_FDS count from 3 on')


@everyone
def test_programs_by_descriptors_are_refused(t):
  box = running(t)
  for number in range(3, 12):
    result = execute(box, '/proc/self/fd/%d/../../bin/sh' % number)
    t.true(result.rc == 255 and not result.out, str(result))
    result = execute(box, 'pwd', options=['--cwd', '/proc/self/fd/%d' % number])
    t.true(result.rc == 255 and not result.out, str(result))


# -- detached

@everyone
def test_detached_it_goes_on(t):
  box = running(t)
  path = t.path('pid')
  t.worked(execute(box, 'sleep', '1000', options=['--detach', '--pid-file', path]), '')
  pid = int(read(path))
  t.same(os.readlink('/proc/%d/ns/pid' % pid), os.readlink('/proc/%d/ns/pid' % box.pid()))
  t.same(read('/proc/%d/comm' % pid), 'sleep\n')
  box.kill('KILL')
  t.wait(lambda: not alive(pid), 'it ends with the container')


def test_without_a_pid_namespace_it_ends_with_the_container(t):
  t.needs_cgroup('pids')
  box = t.box('exec sleep 1000').no_namespace('pid')
  box.launch()
  t.worked(execute(box, 'sleep', '1000', options=['-d', '--pid-file', t.path('pid')]))
  pid = int(read(t.path('pid')))
  box.delete('--force')
  t.wait(lambda: not alive(pid), 'it ends with the container')


@everyone
def test_there_is_no_pid_file_after_a_failure(t):
  box = running(t)
  for options in ([], ['--detach']):
    t.same(execute(box, 'nope', options=options + ['--pid-file', t.path('pid')]).rc, 255)
    t.true(not os.path.exists(t.path('pid')), 'there is one')
  failed(t, execute(box, 'true', options=['--pid-file', '/not/there/pid']),
         box.id + ': --pid-file /not/there/pid: open its directory: no such file or directory')


@everyone
def test_a_pid_file_that_can_not_be_written_ends_the_program(t):
  box = running(t)
  os.mkdir(t.path('pid'))
  result = execute(box, 'sleep', '1000', options=['--detach', '--pid-file', t.path('pid')])
  t.same(result.rc, 255)
  t.same(in_container(box), [])


def test_in_the_foreground_there_is_a_pid_file(t):
  box = running(t)
  process = t.start('exec', '--pid-file', t.path('pid'), box.id, 'sleep', '1000')
  t.wait(lambda: os.path.exists(t.path('pid')), 'a pid file')
  os.kill(int(read(t.path('pid'))), signal.SIGKILL)
  t.same(t.finish(process).rc, 128 + 9)


@everyone
def test_signals_are_forwarded(t):
  box = running(t)
  process = t.start('exec', '--pid-file', t.path('pid'), box.id, 'sh', '-c',
                    'trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done')
  t.wait(lambda: 'ready' in read(process.name + '.out'), 'it is ready')
  process.terminate()
  t.same(t.finish(process).rc, 4)


def pidfd_from(t, *words):
  listener = socket.socket(socket.AF_UNIX)
  path = t.path('pidfd%d' % len(t.ready))
  listener.bind(path)
  listener.listen(1)
  t.ready.append(listener.close)
  t.worked(t.proa(*words[:1], '--pidfd-socket', path, *words[1:]))
  connection, _ = listener.accept()
  data, fds, _, _ = socket.recv_fds(connection, 100, 2)
  connection.close()
  text = read('/proc/self/fdinfo/%d' % fds[0])
  os.close(fds[0])
  return data, int(status_field(text, 'Pid'))


@everyone
def test_a_pidfd_is_sent(t):
  box = t.box('exec sleep 1000')
  box.save()
  data, pid = pidfd_from(t, 'create', '--bundle', box.directory, box.id)
  t.same((data, pid), (b'standard', box.pid()))
  box.start()
  data, pid = pidfd_from(t, 'exec', '--detach', '--pid-file', t.path('pid'), box.id, 'sleep', '99')
  t.same((data, pid), (b'setns', int(read(t.path('pid')))))
  failed(t, execute(box, 'true', options=['--pidfd-socket', t.path('none')]),
         '%s: --pidfd-socket: nobody listens on %s' % (box.id, t.path('none')))


# -- which containers

@everyone
def test_a_container_that_is_not_there(t):
  t.refused(t.proa('exec', 'none', 'true'),
            'none: container does not exist: looked for it in %s' % (
              t.settings.directory + '/state' if t.is_root else t.settings.default_root()), 255)


@everyone
def test_a_stopped_container(t):
  box = t.box(args=['true'])
  box.launch()
  box.wait_until('stopped')
  failed(t, execute(box, 'true'),
         box.id + ': cannot exec in a stopped container: container not running')
  box.delete()


def freeze(t, box, frozen):
  """Pauses or resumes it, as engines do that have no runtime for it."""
  directory = inside(t, box.pid(), 'freezer' if t.cgroup('freezer') else 'v2')
  v1 = os.path.exists(directory + '/freezer.state')
  path = directory + ('/freezer.state' if v1 else '/cgroup.freeze')
  with open(path, 'w', encoding='utf-8') as file:
    file.write(('FROZEN' if frozen else 'THAWED') if v1 else str(int(frozen)))
  t.wait(lambda: box.status() == ('paused' if frozen else 'running'), 'it is frozen or not')


def test_a_paused_container(t):
  box = running(t)
  freeze(t, box, True)
  try:
    failed(t, execute(box, 'true'), box.id + ': cannot exec in a paused container (use '
           '--ignore-paused to override)')
    process = t.start('exec', '--ignore-paused', box.id, 'echo', 'works')
    time.sleep(0.2)
    t.same(process.poll(), None, 'what it ended with')
    interrupted = t.start('exec', '--ignore-paused', box.id, 'echo', 'never')
    time.sleep(0.2)
    interrupted.terminate()
    t.same(t.finish(interrupted).rc, -signal.SIGTERM)
  finally:
    freeze(t, box, False)
  t.same(t.worked(t.finish(process)).out, 'works\n')
  t.wait(lambda: in_container(box) == [], 'the interrupted one has ended')


@everyone
def test_a_container_without_a_process_in_its_config(t):
  box = t.box()
  del box.config['process']
  box.create()
  result = t.proa('exec', box.id, '/bin/sh', '-c', 'echo works; pwd')
  t.same((result.rc, result.out), (0, 'works\n/\n'))


# -- cgroups

def test_it_is_in_the_containers_cgroups(t):
  box = running(t)
  t.worked(execute(box, 'sleep', '1000', options=['-d', '--pid-file', t.path('pid')]))
  t.same(paths(t, int(read(t.path('pid')))), paths(t, box.pid()))


def test_it_is_in_a_cgroup_below(t):
  box = running(t)
  own = paths(t, box.pid())
  for name in own:
    above = inside(t, box.pid(), name.split(',')[0])
    for path in (above + '/a', above + '/a/b'):
      os.mkdir(path)
      for file in ('cpuset.cpus', 'cpuset.mems') if name == 'cpuset' else ():
        with open(path + '/' + file, 'w', encoding='utf-8') as setting:
          setting.write(read(above + '/' + file))
  t.worked(execute(box, 'sleep', '1000', options=['-d', '--cgroup', 'a/b', '--pid-file',
                                                   t.path('pid')]))
  t.same(paths(t, int(read(t.path('pid')))), {name: path + '/a/b' for name, path in own.items()})
  os.kill(int(read(t.path('pid'))), signal.SIGKILL)
  if not t.cgroup('pids') or t.cgroup('pids') == t.cgroup('v2'):
    return
  t.worked(execute(box, 'sleep', '1000', options=['-d', '--cgroup', 'freezer:a', '--cgroup', 'pids:/a',
                                                  '--cgroup', 'freezer,pids:b', '--pid-file', t.path('pid')]))
  t.same(paths(t, int(read(t.path('pid'))))['pids'], own['pids'] + '/a/b')


def test_a_cgroup_that_is_not_below(t):
  box = running(t)
  for path, text in (
      ('..', '".." would lead out of the container\'s cgroup'),
      ('a/../../b', '".." would lead out of the container\'s cgroup'),
      ('/../x', '".." would lead out of the container\'s cgroup'),
      ('pids:..', '".." would lead out of the container\'s cgroup'),
      ('', 'it names no cgroup below the container\'s'),
      ('/', 'it names no cgroup below the container\'s'),
      ('pids:', 'it names no cgroup below the container\'s'),
      ('nothing:a', 'the container has no v1 cgroup with the controller "nothing": in version 2 all '
       'controllers are in one: give the path alone'),
      (',:a', 'the container has no v1 cgroup with the controller "": in version 2 all '
       'controllers are in one: give the path alone')):
    failed(t, execute(box, 'true', options=['--cgroup', path]),
           '%s: --cgroup %s: %s' % (box.id, path, text))
  result = execute(box, 'true', options=['--cgroup', 'missing'])
  t.same(result.rc, 255)
  t.has(result.err, '--cgroup missing: the container has no such cgroup: ')
  t.true('no such file' not in result.err, result.err)


# -- seccomp

REFUSE_MKDIR = {
  'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
  'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 122}]}


@everyone
def test_the_containers_filter_is_loaded(t):
  for late in (True, False):
    box = t.box('exec sleep 1000', noNewPrivileges=late)
    box.linux['seccomp'] = REFUSE_MKDIR
    box.launch()
    os.unlink(box.directory + '/config.json')
    for process in ({}, {'noNewPrivileges': not late}):
      result = from_file(box, process_of(box, 'sh', '-c', 'grep Seccomp: /proc/self/status; '
                                         'mkdir /tmp/x', **process))
      t.same((result.rc, result.out, result.err), (
        1, 'Seccomp:\t2\n', "mkdir: can't create directory '/tmp/x': Disk quota exceeded\n"))
    t.same(read('/proc/%d/status' % box.pid()).count('Seccomp_filters:\t1'), 1)
    box.delete('--force')


@everyone
def test_a_filter_that_lets_nobody_clone(t):
  """With noNewPrivileges it comes after the last clone; without, there can be no program."""
  forbidden = ['fork', 'vfork', 'clone', 'clone3']
  for late in (True, False):
    box = t.box(args=['sleep', '1000'], noNewPrivileges=late)
    box.linux['seccomp'] = {
      'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86_64'],
      'syscalls': [{'names': forbidden, 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1}]}
    box.launch()
    if late:
      t.same(output(box, 'echo', 'works'), 'works\n')
    else:
      failed(t, execute(box, 'echo', 'works'),
             box.id + ": clone into the container's pid namespace: operation not permitted: "
             'linux.seccomp may forbid it: with process.noNewPrivileges it is loaded later')
    box.delete('--force')


def test_a_damaged_record_is_refused(t):
  box = t.box('exec sleep 1000')
  box.linux['seccomp'] = REFUSE_MKDIR
  box.launch()
  path = '%s/%s/exec.json' % (t.settings.directory + '/state', box.id)
  with open(path, 'rb') as file:
    whole = file.read()
  for length in (len(whole) - 8, len(whole) - 1, whole.index(b'\0') - 1, 0):
    with open(path, 'wb') as file:
      file.write(whole[:length])
    result = execute(box, 'true')
    t.true(result.rc == 255 and 'exec.json' in result.err and not result.out, str(result))
  os.unlink(path)
  failed(t, execute(box, 'true'), box.id + ': exec.json is missing: the container was made by a '
         'version of proa that had no exec')


# -- processors

def cpus(text):
  return status_field(text, 'Cpus_allowed_list')


def test_the_processors_are_the_cgroups_not_the_callers(t):
  if os.cpu_count() < 2:
    t.skip('there is but one processor')
  box = running(t)
  everywhere = cpus(read('/proc/%d/status' % box.pid()))
  found = output(box, 'cat', '/proc/self/status', preexec_fn=lambda: os.sched_setaffinity(0, {1}))
  t.same(cpus(found), everywhere)


def test_the_processors_that_are_asked_for(t):
  if os.cpu_count() < 2:
    t.skip('there is but one processor')
  box = running(t, execCPUAffinity={'initial': '0', 'final': '1'})
  t.same(cpus(output(box, 'cat', '/proc/self/status')), '1')
  process = process_of(box, 'cat', '/proc/self/status', execCPUAffinity={'final': '0'})
  t.same(cpus(t.worked(from_file(box, process)).out), '0')
  process['execCPUAffinity'] = {'final': '9-8'}
  t.has(from_file(box, process).err, 'process.execCPUAffinity.final: "9-8": 9-8 ends before it begins')
  process['execCPUAffinity'] = {'final': '8000'}
  t.has(from_file(box, process).err, 'process.execCPUAffinity.final: run on the processors 8000: '
        'invalid argument: the machine, or the cpuset of the cgroup, has none of them')


# -- what the container may try

@everyone
def test_a_fake_proc_does_not_matter(t):
  box = t.box('mount -t tmpfs none /proc 2>/dev/null; mkdir -p /proc/self/attr /proc/self/ns; '
              'echo x > /proc/self/attr/exec; echo ready; exec sleep 1000')
  box.process['capabilities'] = {name: ['CAP_SYS_ADMIN'] for name in (
    'bounding', 'permitted', 'effective')}
  box.launch()
  box.wait_for_output('ready')
  t.same(output(box, 'echo', 'works'), 'works\n')


@time_limit(90)
def test_the_newcomer_shows_nothing_of_the_host(t):
  """Whoever looks at all processes at all times finds no root, program or descriptor of the host's."""
  box = t.box('while :; do for p in /proc/[0-9]*; do for l in $p/exe $p/root $p/cwd $p/fd/*; do '
              'readlink $l; done; done; done 2>/dev/null >> /tmp/seen')
  box.process['capabilities'] = {name: ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'] for name in (
    'bounding', 'permitted', 'effective')}
  box.launch()
  for _ in range(100):
    t.worked(execute(box, 'true'))
  box.kill('KILL')
  box.wait_until('stopped')
  seen = set(read(box.rootfs + '/tmp/seen').split('\n')) - {''}
  expected = ('/', '/bin/', '/proc', '/tmp/seen', '/dev/null', 'pipe:', 'socket:', '/memfd:proa:init',
              t.directory)
  strange = [link for link in seen if not link.startswith(expected) or
             (link.startswith('/') and 'proa' in link and '/memfd:' not in link
              and not link.startswith(t.directory))]
  t.same(strange, [])


@time_limit(90)
def test_a_container_that_kills_all_newcomers(t):
  box = t.box('trap : TERM; while :; do kill -9 -1; done 2>/dev/null')
  box.launch()
  for _ in range(10):
    result = execute(box, 'true')
    t.true(result.rc in (0, 128 + 9, 255), str(result))
  box.delete('--force')


@time_limit(90)
def test_a_container_that_stops_all_newcomers(t):
  box = t.box('while :; do kill -STOP -1; done 2>/dev/null')
  box.launch()
  processes = [t.start('exec', box.id, 'true') for _ in range(5)]
  time.sleep(0.5)
  for process in processes:
    process.kill()  # the caller has had enough
    process.wait()
  box.delete('--force')


def test_a_container_that_ends_in_the_middle(t):
  for delay in (0, 1, 2, 3, 5):
    box = running(t)
    process = t.start('exec', box.id, 'sleep', '1000')
    time.sleep(delay / 1000)
    box.kill('KILL')
    result = t.finish(process)
    t.true(result.rc == 128 + 9 or (result.rc == 255 and 'container not running' in result.err),
           str(result))
    box.delete('--force')


def test_a_container_that_is_deleted_in_the_middle(t):
  for delay in (0, 1, 2, 3, 5):
    box = t.box('exec sleep 1000').no_namespace('pid') if delay % 2 else t.box('exec sleep 1000')
    box.launch()
    process = t.start('exec', box.id, 'sleep', '1000')
    time.sleep(delay / 1000)
    t.worked(t.proa('delete', '--force', box.id))
    result = t.finish(process)
    t.true(result.rc == 128 + 9 or (result.rc == 255 and (
      'container not running' in result.err or 'container does not exist' in result.err)), str(result))
  t.nothing_left()


@everyone
def test_exec_is_killed_at_any_moment(t):
  box = running(t)
  for step in range(40):
    process = t.start('exec', '--detach', box.id, 'sleep', '0.01')
    time.sleep(step / 8000)
    process.kill()
    process.wait()
  t.wait(lambda: in_container(box) == [], 'all has ended: %s' % in_container(box))
  t.same(output(box, 'echo', 'works'), 'works\n')


@everyone
@time_limit(60)
def test_a_hundred_leave_nothing(t):
  box = running(t)
  pid = box.pid()
  before = len(os.listdir('/proc/%d/fd' % pid))
  files = sorted(os.listdir(state_of(box)))
  for _ in range(100):
    t.worked(execute(box, 'true'))
  t.same(in_container(box), [])
  t.same(len(os.listdir('/proc/%d/fd' % pid)), before)
  t.same(sorted(os.listdir(state_of(box))), files)


def state_of(box):
  root = box.test.settings.directory + '/state' if box.test.is_root else (
    box.test.settings.default_root())
  return '%s/%s' % (root, box.id)


def test_a_limit_of_processes(t):
  t.needs_cgroup('pids')
  box = t.box('exec sleep 1000')
  box.linux['resources'] = {'pids': {'limit': 1}}
  box.launch()
  result = execute(box, 'true')
  t.same((result.rc, result.out), (255, ''))
  t.has(result.err, 'resource temporarily unavailable')
  box.delete('--force')


@also_as_user
def test_options_that_engines_give(t):
  box = running(t)
  t.same(output(box, 'echo', 'works', options=['-no-subreaper', '--tty=false', '-pid-file',
                                               t.path('pid')]), 'works\n')
  t.same(t.proa('exec', '--nope', box.id, 'true').rc, 255)
  result = t.proa('exec')
  t.same((result.rc, result.out), (255, ''))


def test_a_caller_without_an_environment(t):
  box = running(t)
  t.same(t.worked(t.proa('exec', box.id, 'echo', 'works', env={'PATH': PATH})).out, 'works\n')
