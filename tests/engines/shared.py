"""Cases for engines whose command line is docker's.

add() gives them to an engine's list: all to the roles in most, and those marked so to the roles in few, too.
"""

import os
import time

import lib
from lib import contains, proc_status, same, true, wait_for

HOST = '-v /usr:/usr:ro'  # with it the machine's programs work in the container

# The size follows right after the start: there may be a moment with another.
WAIT_FOR_SIZE = 'while [ "$(stty size)" != "%s" ]; do sleep 0.1; done; '


def rows(cases, most, few):
  """What is one command line."""
  def row(name, line, *more, wide=False, **options):
    cases.row(name, line, *more, roles=tuple(most) + (tuple(few) if wide else ()), **options)

  row('run --rm', 'run --rm IMAGE echo hello', 'hello\n', wide=True, sample=True)
  row('the exit status passes through', 'run --rm IMAGE sh -c "exit 7"', '', 7, wide=True)
  row('125: an option of the engine is wrong', 'run --rm --no-such-option IMAGE true', rc=125)
  row('126: a directory is no program', 'run --rm IMAGE /etc', rc=126)
  row('126: a file that is not executable', 'run --rm IMAGE /etc/passwd', rc=126, wide=True)
  row('127: a program that is missing', 'run --rm IMAGE nonesuch', rc=127, wide=True, sample=True,
      has='not found')
  row('127: a path that is missing', 'run --rm IMAGE /bin/nonesuch', rc=127)
  row('run -e -w', 'run --rm -e A=b -w /tmp IMAGE sh -c "echo $A $PWD"', 'b /tmp\n')
  row('run -u name', 'run --rm -u alice IMAGE id', has=['uid=1000(alice)', 'extra'])
  row('run -u number:number', 'run --rm -u 5:6 IMAGE sh -c "id -u; id -g"', '5\n6\n')
  row('run --group-add', 'run --rm --group-add 77 IMAGE id -G', has='77')
  row('run --hostname', 'run --rm --hostname harbour IMAGE hostname', 'harbour\n', wide=True)
  row('run --init', 'run --rm --init IMAGE cat /proc/1/comm', has='init')
  row('run --read-only', 'run --rm --read-only IMAGE sh -c "touch /x || echo refused"',
      'refused\n', wide=True)
  row('run --read-only --tmpfs', 'run --rm --read-only --tmpfs /scratch IMAGE '
      'sh -c "touch /scratch/x && ls /scratch"', 'x\n')
  row('run --tmpfs with a size', 'run --rm --tmpfs /t:size=64k,mode=700 IMAGE '
      'sh -c "df -k /t | tail -1; stat -c %a /t"', has=['64', '700'])
  row('run --device', 'run --rm --device /dev/null:/dev/mine IMAGE '
      'sh -c "test -c /dev/mine && echo x >/dev/mine && echo fine"', 'fine\n')
  row('run --device :r', 'run --rm --device /dev/zero:/dev/mine:r IMAGE '
      'sh -c "head -c 3 /dev/mine | wc -c"', '3\n')
  row('run --cap-drop ALL', 'run --rm --cap-drop ALL IMAGE grep CapEff /proc/self/status',
      has='0000000000000000', wide=True)
  row('run --cap-add', 'run --rm --cap-drop ALL --cap-add CHOWN IMAGE grep CapEff /proc/self/status',
      has='0000000000000001')
  row('run --security-opt no-new-privileges', 'run --rm --security-opt no-new-privileges IMAGE '
      'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1\n')
  row('seccomp is on by default', 'run --rm IMAGE grep Seccomp: /proc/self/status', 'Seccomp:\t2\n')
  row('run --security-opt seccomp=unconfined', 'run --rm --security-opt seccomp=unconfined IMAGE '
      'grep Seccomp: /proc/self/status', 'Seccomp:\t0\n')
  row('paths are masked', 'run --rm IMAGE sh -c "cat /proc/timer_list /proc/keys | wc -c"', '0\n')
  row('run --network none', 'run --rm --network none IMAGE ls /sys/class/net', 'lo\n', wide=True)
  row('run --ulimit', 'run --rm --ulimit nofile=100:200 --ulimit nproc=500:500 IMAGE '
      'sh -c "ulimit -n; ulimit -Hn"',
      '100\n200\n')
  row('run --shm-size', 'run --rm --shm-size 1m IMAGE sh -c "df -k /dev/shm | tail -1"', has='1024')
  row('run --sysctl', 'run --rm --sysctl net.ipv4.ip_default_ttl=33 IMAGE '
      'cat /proc/sys/net/ipv4/ip_default_ttl', '33\n')
  row('run --oom-score-adj', 'run --rm --oom-score-adj 500 IMAGE cat /proc/self/oom_score_adj',
      '500\n')
  row('run --add-host', 'run --rm --add-host far:10.1.2.3 IMAGE cat /etc/hosts', has='10.1.2.3')
  row('run --dns', 'run --rm --dns 10.9.8.7 IMAGE cat /etc/resolv.conf', has='10.9.8.7')
  row('run --entrypoint', 'run --rm --entrypoint /bin/echo IMAGE a b', 'a b\n')
  row('run -v of a file', 'run --rm -v /etc/hostname:/f:ro IMAGE sh -c "echo x >/f || echo refused"',
      'refused\n')
  row('run -v of what is missing', 'run --rm --mount type=bind,source=/nonesuch,destination=/x '
      'IMAGE true', rc=125)
  row('run --mount type=tmpfs', 'run --rm --mount type=tmpfs,destination=/t IMAGE '
      'grep " /t " /proc/mounts', has='tmpfs')
  row('run --pid host', 'run --rm --pid host IMAGE sh -c "test $$ -gt 1 && echo fine"', 'fine\n')
  row('run --uts host', 'run --rm --uts host IMAGE hostname', '%s\n' % os.uname().nodename)
  row('run --memory', 'run --rm --memory 64m IMAGE sh -c "cat /sys/fs/cgroup/memory.max '
      '/sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true"', '67108864\n', needs='memory',
      sample=True)
  row('run --memory is enforced', 'run --rm --memory 16m --memory-swap 16m IMAGE '
      'sh -c "dd if=/dev/zero of=/dev/null bs=64M count=1"', rc=137, needs='memory')
  row('run --pids-limit', 'run --rm --pids-limit 20 IMAGE sh -c "cat /sys/fs/cgroup/pids.max '
      '/sys/fs/cgroup/pids/pids.max 2>/dev/null; true"', '20\n', needs='pids')
  row('run --cpus', 'run --rm --cpus 0.5 IMAGE sh -c "cat /sys/fs/cgroup/cpu.max '
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null; true"', has='50000', needs='cpu')
  row('run --cpu-shares', 'run --rm --cpu-shares 512 IMAGE sh -c "cat /sys/fs/cgroup/cpu.weight '
      '/sys/fs/cgroup/cpu/cpu.shares 2>/dev/null | head -1"', needs='cpu')
  row('run --cpuset-cpus', 'run --rm --cpuset-cpus 0 IMAGE grep Cpus_allowed_list /proc/self/status',
      'Cpus_allowed_list:\t0\n', needs='cpuset')
  row('run --privileged', 'run --rm --privileged IMAGE grep Seccomp: /proc/self/status',
      'Seccomp:\t0\n', needs='all-capabilities')


def name_container(engine, *options, program='exec sleep 1000'):
  """A container called "c", which runs."""
  engine.run(['run', '-d', '--name', 'box'] + list(options) + ['IMAGE', 'sh', '-c', program])


def state(engine, name='box'):
  return engine.out(['inspect', '-f', '{{.State.Status}}', name]).strip()


def logs(engine, name='box'):
  result = engine.run(['logs', name])
  return result.out + result.err


def life_cycle(cases, most, few):
  def case(name, wide=False, **options):
    return cases.case(name, roles=tuple(most) + (tuple(few) if wide else ()), **options)

  @case('run -d, ps, logs, stop, rm', wide=True, sample=True)
  def _(e):
    name_container(e, program='trap "exit 0" TERM; echo begun; while :; do sleep 0.1; done')
    contains(e.out('ps --format {{.Names}}'), 'box')
    wait_for(lambda: 'begun' in logs(e), 'the log has the output')
    e.run('stop -t 5 box')
    same(e.out(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'box']), 'exited 0\n')
    e.run('rm box')
    same(e.out('ps -aq'), '')

  @case('create, start, restart')
  def _(e):
    e.run('create --name box IMAGE sleep 1000')
    true(state(e) in ('created', 'configured'), 'it is ' + state(e))
    e.run('start box')
    first = e.out('inspect -f {{.State.Pid}} box')
    e.run('restart -t 0 box')
    true(first != e.out('inspect -f {{.State.Pid}} box'), 'it has the same process')
    same(state(e), 'running')

  @case('start -a shows the output and passes the exit status')
  def _(e):
    e.run('create --name box IMAGE sh -c "echo out; exit 3"')
    same(e.run('start -a box', rc=3).out, 'out\n')

  @case('stop kills what ignores the signal')
  def _(e):
    name_container(e, program='trap "" TERM; while :; do sleep 0.1; done')
    e.run('stop -t 1 box')
    same(e.out(['inspect', '-f', '{{.State.ExitCode}}', 'box']), '137\n')

  @case('kill -s', wide=True)
  def _(e):
    name_container(e, program='trap "echo got; exit 9" USR1; echo ready; while :; do sleep 0.1; done')
    wait_for(lambda: 'ready' in logs(e), 'it is ready')
    e.run('kill -s USR1 box')
    same(e.out('wait box').strip(), '9')
    contains(logs(e), 'got')

  @case('a signal is 128 and its number')
  def _(e):
    name_container(e)
    e.run('kill -s KILL box')
    same(e.out('wait box').strip(), '137')

  @case('rm -f of what runs', wide=True)
  def _(e):
    name_container(e)
    e.run('rm -f box')
    same(e.out('ps -aq'), '')

  @case('--stop-signal')
  def _(e):
    name_container(e, '--stop-signal', 'INT',
                   program='trap "exit 4" INT; echo ready; while :; do sleep 0.1; done')
    wait_for(lambda: 'ready' in logs(e), 'it is ready')
    e.run('stop -t 5 box')
    same(e.out(['inspect', '-f', '{{.State.ExitCode}}', 'box']), '4\n')

  @case('inspect tells the process, the bundle is in order')
  def _(e):
    name_container(e)
    pid = int(e.out('inspect -f {{.State.Pid}} box'))
    contains(lib.read('/proc/%d/cmdline' % pid), 'sleep')

  @case('--restart on-failure')
  def _(e):
    e.run('run -d --restart on-failure:2 --name box IMAGE sh -c "echo once; exit 1"')
    wait_for(lambda: logs(e).count('once') == 3, 'it was started three times', 30)

  @case('pause, unpause', wide=True, sample=True)
  def _(e):
    e.need('freezer')
    name_container(e, program='while :; do echo x; sleep 0.1; done')
    wait_for(lambda: 'x' in logs(e), 'it writes')
    e.run('pause box')
    same(state(e), 'paused')
    time.sleep(0.3)
    before = logs(e).count('x')
    time.sleep(0.5)
    same(logs(e).count('x'), before, 'lines written while it was paused')
    e.run('unpause box')
    wait_for(lambda: logs(e).count('x') > before, 'it goes on')

  @case('exec in a paused container fails at once')
  def _(e):
    e.need('freezer')
    name_container(e)
    e.run('pause box')
    true(e.run('exec box true', rc=None, seconds=15).rc not in (0, None), 'it worked')
    e.run('unpause box')

  @case('update --memory')
  def _(e):
    e.need('memory', 'update')
    name_container(e, '--memory', '64m')
    e.run('update --memory 80m --memory-swap 160m box')
    contains(e.out('exec box sh -c "cat /sys/fs/cgroup/memory.max '
                   '/sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true"'), '83886080')

  @case('update --cpu-shares')
  def _(e):
    e.need('cpu', 'update')
    name_container(e)
    e.run('update --cpu-shares 333 box')

  @case('top')
  def _(e):
    name_container(e)
    contains(e.out('top box'), 'sleep')

  @case('stats --no-stream')
  def _(e):
    e.need('memory')
    name_container(e)
    contains(e.out('stats --no-stream box'), 'box')

  @case('cp to and from a container')
  def _(e):
    name_container(e)
    e.run('cp %s box:/tmp/in' % e.path('file', 'text\n'))
    same(e.out('exec box cat /tmp/in'), 'text\n')
    e.run('cp box:/tmp/in %s' % e.path('copy'))
    same(lib.read(e.path('copy')), 'text\n')

  @case('commit, diff, export')
  def _(e):
    e.run('run --name box IMAGE sh -c "echo kept >/kept"')
    contains(e.out('diff box'), 'A /kept')
    e.run('commit box localhost/kept:1')
    same(e.out('run --rm localhost/kept:1 cat /kept'), 'kept\n')
    e.run('rmi localhost/kept:1')
    e.run('export -o %s box' % e.path('c.tar'))
    contains(e.out('tar -tf %s kept' % e.path('c.tar'), plain=True), 'kept')

  @case('a named volume keeps its files', wide=True)
  def _(e):
    e.run('volume create kept')
    e.run('run --rm -v kept:/v IMAGE sh -c "echo 1 >/v/f"')
    same(e.out('run --rm -v kept:/v:ro IMAGE cat /v/f'), '1\n')
    e.run('volume rm kept')

  @case('--network container:')
  def _(e):
    name_container(e, '--network', 'none')
    net = e.out('exec box readlink /proc/self/ns/net')
    same(e.out('run --rm --network container:box IMAGE readlink /proc/self/ns/net'), net)

  @case('--pid container:, --ipc container:')
  def _(e):
    name_container(e, '--ipc', 'shareable')
    contains(e.out('run --rm --pid container:box --ipc container:box IMAGE ps'), 'sleep 1000')

  @case('--network host')
  def _(e):
    same(e.out('run --rm --network host IMAGE readlink /proc/self/ns/net').strip(),
         e.host_network())

  @case('a published port', wide=True, sample=True)
  def _(e):
    e.need('published')
    e.run(['run', '-d', '--name', 'box'] + e.published_options() +
          ['-p', '127.0.0.1:18080:80', 'IMAGE', 'sh', '-c',
           'while :; do echo answer | nc -l -p 80; done'])
    wait_for(lambda: 'answer' in e.fetch(18080), 'the port answers')

  @case('a JSON log of many lines is whole')
  def _(e):
    same(len(e.out('run --rm IMAGE seq 20000').splitlines()), 20000)

  @case('stdin of run -i', wide=True)
  def _(e):
    same(e.out('run --rm -i IMAGE cat', text='through\n'), 'through\n')

  @case('stdout and stderr stay apart')
  def _(e):
    result = e.run('run --rm IMAGE sh -c "echo out; echo err >&2"')
    same((result.out, result.err), ('out\n', 'err\n'))

  @case('stdout can be opened again by another user')
  def _(e):
    same(e.out('run --rm -u 1000 IMAGE sh -c "echo again >/proc/self/fd/1"'), 'again\n')

  @case('a seccomp profile of one\'s own')
  def _(e):
    profile = e.path('profile.json', '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": '
                     '["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}')
    result = e.run('run --rm --security-opt seccomp=%s IMAGE mkdir /x' % profile, rc=1)
    contains(result.err.lower(), 'operation not permitted')

  @case('five at once', seconds=90)
  def _(e):
    running = [e.begin('run --rm IMAGE echo %d' % i) for i in range(5)]
    same([e.finish(process, 60).out for process in running], ['%d\n' % i for i in range(5)])

  @case('a large environment')
  def _(e):
    words = ['run', '--rm'] + [word for i in range(300) for word in ('-e', 'V%d=%s' % (i, 'x' * 200))]
    same(e.out(words + ['IMAGE', 'sh', '-c', 'env | grep -c ^V']), '300\n')


def executions(cases, most, few):
  def case(name, wide=False, **options):
    return cases.case(name, roles=tuple(most) + (tuple(few) if wide else ()), **options)

  @case('exec', wide=True, sample=True)
  def _(e):
    name_container(e)
    same(e.out('exec box echo inside'), 'inside\n')

  @case('exec: exit status, 126 and 127', wide=True)
  def _(e):
    name_container(e)
    e.run('exec box sh -c "exit 3"', rc=3)
    e.run('exec box /etc/passwd', rc=126)
    true(e.run('exec box nonesuch', rc=None).rc in e.missing_in_exec, 'another exit status')

  @case('exec -u -w -e')
  def _(e):
    name_container(e)
    same(e.out('exec -u alice -w /tmp -e A=b box sh -c "id -un; pwd; echo $A"'), 'alice\n/tmp\nb\n')

  @case('exec -i')
  def _(e):
    name_container(e)
    same(e.out('exec -i box cat', text='in\n'), 'in\n')

  @case('exec -d')
  def _(e):
    name_container(e)
    e.run('exec -d box touch /tmp/done')
    wait_for(lambda: e.run('exec box test -e /tmp/done', rc=None).rc == 0, 'it was done')

  @case('exec has the container\'s capabilities and filter')
  def _(e):
    name_container(e, '--cap-drop', 'ALL', '--cap-add', 'CHOWN')
    text = e.out('exec box cat /proc/self/status')
    same(proc_status(text, 'CapEff'), '0000000000000001')
    same(proc_status(text, 'Seccomp'), '2')

  @case('exec is in the container\'s cgroup')
  def _(e):
    e.need('cgroups')
    name_container(e)
    same(e.out('exec box cat /proc/self/cgroup'), e.out('exec box cat /proc/1/cgroup'))

  @case('exec -it', wide=True, sample=True)
  def _(e):
    name_container(e)
    terminal = e.tty('exec -it box sh', (31, 101))
    terminal.expect('[$#]')
    terminal.send(WAIT_FOR_SIZE % '31 101' + 'tty; echo si"zed"; exit 6\n')
    terminal.expect(r'/dev/(pts/\d+|console)\s+sized')
    terminal.end(6)

  @case('run -it', wide=True, sample=True)
  def _(e):
    terminal = e.tty('run --rm -it IMAGE sh', (33, 99))
    terminal.expect('[$#]')
    terminal.send(WAIT_FOR_SIZE % '33 99' + 'tty; echo si"zed"\n')
    terminal.expect(r'/dev/(pts/\d+|console)\s+sized')
    terminal.send('exit 8\n')
    terminal.end(8)

  @case('run -it: the terminal is resized')
  def _(e):
    terminal = e.tty('run --rm -it IMAGE sh')
    terminal.expect('[$#]')
    terminal.send(WAIT_FOR_SIZE % '24 80' + 'echo be"gun"\n')
    terminal.expect('begun')
    terminal.resize(40, 120)
    terminal.process.send_signal(28)  # SIGWINCH
    terminal.send(WAIT_FOR_SIZE % '40 120' + 'echo re"sized"\n')
    terminal.expect('resized')
    terminal.send('exit\n')
    terminal.end(0)

  @case('run -it: Ctrl-C')
  def _(e):
    terminal = e.tty(['run', '--rm', '-it', 'IMAGE', 'sh', '-c',
                      'trap "echo got; exit 5" INT; echo ready; while :; do sleep 0.1; done'])
    terminal.expect('ready')
    terminal.send('\x03')
    terminal.expect('got')
    terminal.end(5)

  @case('detach by keys, attach again')
  def _(e):
    terminal = e.tty('run -it --name box IMAGE sh')
    terminal.expect('[$#]')
    for key in '\x10\x11':  # one by one, as a person would
      terminal.send(key)
      time.sleep(0.3)
    terminal.end(0)
    same(state(e), 'running')
    terminal = e.tty('attach box')
    terminal.send('echo at"tached"; exit 2\n')
    terminal.expect('attached')
    terminal.end(e.attach_status)
    same(e.out('wait box').strip(), '2')

  @case('a health check', seconds=90)
  def _(e):
    e.health_check()


def add(cases, most, few=()):
  rows(cases, most, few)
  life_cycle(cases, most, few)
  executions(cases, most, few)

