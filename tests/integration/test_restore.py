"""restore: what the container is like then, what it is given, and what goes with it."""

import json
import os
import re
import signal
import subprocess

import leftovers
from checkpoints import (again, begin_restore, checkpoint, counting, has_ended, inside, launch, log,
                         numbers, restore, store, try_restore, twin)
from lib import alive, read, status_field
from test_cgroups import limit, paths
from test_terminal import listen, read_until, receive, terminal_box

SLEEP = 'while :; do sleep 1; done'  # a sleep alone may end when it goes on: it was interrupted


def mounts(t, box):
  """What mountinfo tells of each mount but its numbers."""
  lines = [line.split() for line in inside(t, box, 'cat /proc/self/mountinfo').splitlines()]
  shared = re.compile('(shared|master|propagate_from):[0-9]+')
  return sorted(' '.join(words[3:6] + [shared.sub('\\1', ' '.join(words[6:]))]) for words in lines)


def stays_the_same(t, box, script):
  """Runs the script in the container before and after; returns what it wrote."""
  before, there = inside(t, box, script), mounts(t, box)
  again(t, box)
  t.same(inside(t, box, script), before)
  t.same('\n'.join(mounts(t, box)), '\n'.join(there))
  return before


def comes(t, box):
  """It has been restored by who stays in the foreground."""
  def is_there():
    result = t.proa('state', box.id)
    return result.rc == 0 and json.loads(result.out)['status'] == 'running'
  t.wait(is_there, 'it is restored')


def needs_resource_capability(t):
  """For CRIU, to find out the limits of processes that belong to others."""
  if not int(status_field(read('/proc/self/status'), 'CapEff'), 16) & 1 << 24:
    t.skip('the tests lack CAP_SYS_RESOURCE')


# -- the command

def test_the_pid_is_written_and_told(t):
  box = store(t, counting(t))
  restore(t, box, '--pid-file', t.path('pid'))
  t.same(read(t.path('pid')), str(box.pid()))
  t.true(alive(box.pid()), 'it is not there')


def test_in_the_foreground_it_is_waited_for_and_deleted(t):
  box = launch(t, t.box('echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo over; exit 7'))
  store(t, box.wait_for_output('ready'))
  process = begin_restore(t, box)
  comes(t, box)
  t.same(process.poll(), None)
  box.file('tmp/go')
  has_ended(t, process, 7)
  t.same(box.written(), 'over\n')
  t.nothing_left()


def test_it_is_kept_if_that_is_asked_for(t):
  box = launch(t, t.box('echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 7'))
  store(t, box.wait_for_output('ready'))
  box.file('tmp/go')
  has_ended(t, begin_restore(t, box, '--keep'), 7)
  t.same(box.status(), 'stopped')
  box.delete()
  t.nothing_left()


def test_signals_are_passed_on(t):
  box = launch(t, t.box('trap "echo usr1" USR1; trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done'))
  store(t, box.wait_for_output('ready'))
  process = begin_restore(t, box)
  comes(t, box)
  process.send_signal(signal.SIGUSR1)
  box.wait_for_output('usr1')
  process.send_signal(signal.SIGTERM)
  has_ended(t, process, 9)
  t.nothing_left()


def test_another_id_has_another_cgroup(t):
  box = counting(t)
  there = paths(t, box.pid())
  t.worked(checkpoint(t, box, '--leave-running'), '')
  other = restore(t, twin(t, box))
  third = restore(t, twin(t, box))
  for one in (other, third):
    found = paths(t, one.pid())
    t.same(found, {name: path.replace(box.id, one.id) for name, path in there.items()})
    t.wait(lambda one=one: len(numbers(one)) > 3, 'it goes on')
    t.worked(t.proa('pause', one.id), '')
    t.worked(t.proa('resume', one.id), '')
  other.delete('--force')
  t.same((box.status(), third.status()), ('running', 'running'))


def test_in_hierarchies_that_are_not_to_be_seen_it_stays_where_its_maker_is(t):
  mine = read('/proc/self/cgroup').splitlines()
  seen = paths(t, os.getpid())
  unseen = [row for row in mine if (row.split(':')[1].replace('name=', '') or 'v2') not in seen]
  if not unseen:
    t.skip('all hierarchies are to be seen')
  box = again(t, launch(t, t.box(SLEEP)))
  found = read('/proc/%d/cgroup' % box.pid()).splitlines()
  t.same([row for row in unseen if row not in found], [])


def test_an_id_that_is_there_is_not_restored_again(t):
  box = counting(t)
  pid = box.pid()
  t.worked(checkpoint(t, box, '--leave-running'), '')
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.has(result.err, 'already')
  t.same(box.pid(), pid)


def test_hooks_are_told_of_the_new_process(t):
  box = t.box(SLEEP)
  for kind in ('prestart', 'createRuntime'):
    box.hook(kind, '/bin/sh', '-c', 'cat >%s' % t.path(kind))
  box.hook('poststop', '/bin/sh', '-c', 'cat >%s' % t.path('poststop'))
  store(t, launch(t, box))
  for kind in ('prestart', 'createRuntime', 'poststop'):
    os.unlink(t.path(kind))
  restore(t, box)
  for kind in ('prestart', 'createRuntime'):
    state = json.loads(read(t.path(kind)))
    t.same((state['id'], state['pid'], state['status'], state['bundle']),
           (box.id, box.pid(), 'creating', box.directory))
  box.delete('--force')
  t.same(json.loads(read(t.path('poststop')))['status'], 'stopped')


def test_a_hook_that_fails_ends_it(t):
  box = store(t, counting(t))
  box.hook('createRuntime', '/bin/sh', '-c', 'exit 3')
  result = try_restore(t, box)
  t.same(result.rc, 1)
  t.has(result.err, 'hooks.createRuntime[0]')
  t.nothing_left()


# -- terminals

def test_the_terminal_is_sent_to_the_console_socket(t):
  box = terminal_box(t, 'while read line; do echo "got $line"; done')
  listener = listen(t, t.path('socket'))
  box.launch('--console-socket', t.path('socket'))
  terminal, _ = receive(t, listener)
  os.write(terminal, b'one\n')
  read_until(terminal, b'got one\r\n')
  store(t, box)
  restore(t, box, '--console-socket', t.path('socket'))
  terminal, _ = receive(t, listener)
  t.true(os.isatty(terminal), 'it is no terminal')
  os.write(terminal, b'two\n')
  read_until(terminal, b'got two\r\n')
  os.write(terminal, b'\4')
  box.wait_until('stopped')


def test_in_the_foreground_the_terminal_is_the_callers(t):
  box = terminal_box(t, 'while read line; do echo "got $line"; done; exit 4')
  listener = listen(t, t.path('socket'))
  box.launch('--console-socket', t.path('socket'))
  receive(t, listener)
  store(t, box)
  ours, theirs = os.openpty()
  t.ready.append(lambda: os.close(ours))
  process = begin_restore(t, box, stdin=theirs, stdout=theirs)
  os.close(theirs)
  comes(t, box)
  os.write(ours, b'two\n')
  read_until(ours, b'got two\r\n')
  os.write(ours, b'\4')
  has_ended(t, process, 4)
  t.nothing_left()


# -- mounts

def test_bind_mounts_are_there_again_and_as_they_were(t):
  box = t.box(SLEEP)
  os.mkdir(t.path('folder'))
  t.path('file', 'of the host\n')
  t.path('folder/file', 'in a folder\n')
  box.mount('/mnt/rw', t.path('folder'), ['bind', 'nosuid', 'nodev'])
  box.mount('/mnt/ro', t.path('folder'), ['bind', 'ro', 'noexec'])
  box.mount('/etc/file', t.path('file'), ['bind', 'ro']).mount('/etc/rw', t.path('file'), ['bind'])
  stays_the_same(t, launch(t, box), 'cat /mnt/rw/file /mnt/ro/file /etc/file; for p in /mnt/ro/x /etc/file /mnt/rw/x '
                 '/etc/rw; do (echo of the host >$p) 2>/dev/null && echo $p; done; exit 0')
  t.same(read(t.path('folder/x')), 'of the host\n')


def another_file_system(t, path):
  os.makedirs(path)
  known = set(t.before['mount'])
  subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', path], check=True)
  t.before['mount'] |= leftovers.mounts()

  def end():
    subprocess.run(['umount', path], check=True)
    t.before['mount'].intersection_update(known)
  t.ready.append(end)


def test_what_is_mounted_below_a_bind_mount_comes_along(t):
  another_file_system(t, t.path('folder/below'))
  t.path('folder/below/file', 'from below\n')
  box = t.box(SLEEP).mount('/mnt', t.path('folder'), ['rbind', 'rro'])
  found = stays_the_same(t, launch(t, box), 'cat /mnt/below/file; touch /mnt/x /mnt/below/x 2>/dev/null; '
                         'ls /mnt /mnt/below')
  t.has(found, 'from below\n')
  t.same(sorted(os.listdir(t.path('folder')) + os.listdir(t.path('folder/below'))), ['below', 'file'])


def test_each_mount_of_the_same_file_system_is_as_it_was(t):
  # CRIU takes those of one file system for copies of each other, which have inherited what they have in common.
  another_file_system(t, t.path('volumes'))
  box = t.box(SLEEP)
  options = {'one': ['ro'], 'two': ['ro'], 'three': ['ro', 'nosuid', 'nodev', 'noexec'],
             'four': ['ro', 'nosuid', 'nodev', 'noexec'], 'five': [], 'six': []}
  os.mkdir(t.path('volumes/below'))
  for name in options:
    os.mkdir(t.path('volumes/' + name))
    box.mount('/mnt/' + name, t.path('volumes/' + name), ['rbind'] + options[name])
    box.mount('/mnt/same-' + name, t.path('volumes'), ['rbind'] + options[name])
    box.mount('/mnt/below-' + name, t.path('volumes/below'), ['bind'] + options[name])
  found = stays_the_same(t, launch(t, box), 'for d in /mnt/*; do touch $d/x 2>/dev/null && echo $d; done; exit 0')
  t.same(found, ''.join('/mnt/%s\n' % name for name in (
    'below-five', 'below-six', 'five', 'same-five', 'same-six', 'six')))


def test_a_source_that_is_a_symbolic_link_is_followed(t):
  os.mkdir(t.path('folder'))
  os.symlink('folder', t.path('link'))
  t.path('folder/file', 'in a folder\n')
  os.symlink('folder/file', t.path('linked'))
  box = t.box(SLEEP).mount('/mnt', t.path('link'), ['bind', 'ro']).mount('/etc/file', t.path('linked'), ['bind'])
  t.same(stays_the_same(t, launch(t, box), 'cat /mnt/file /etc/file'), 'in a folder\n' * 2)


def test_what_is_masked_and_read_only_stays_so(t):
  box = t.box(SLEEP)
  box.file('etc/secret', 'secret')
  box.file('root/secrets/file', 'secret')
  box.linux['maskedPaths'] = ['/etc/secret', '/root/secrets', '/proc/timer_list', '/proc/nowhere']
  box.linux['readonlyPaths'] = ['/proc/sys', '/var', '/nowhere']
  found = stays_the_same(t, launch(t, box), 'cat /etc/secret; ls -A /root/secrets; cat /proc/timer_list; (echo x '
                         '>/proc/sys/kernel/domainname; touch /var/x /root/secrets/x) 2>&1; exit 0')
  t.true('secret\n' not in found.replace('secrets', ''), found)
  t.same(found.count('Read-only file system'), 3)


def test_a_read_only_root_stays_so(t):
  box = t.box(SLEEP)
  box.config['root']['readonly'] = True
  t.has(stays_the_same(t, launch(t, box), 'touch /x 2>&1; exit 0'), 'Read-only file system')


def test_the_content_of_a_tmpfs_is_kept(t):
  box = t.box('echo kept >/mnt/file; mkdir -p /mnt/d/e; ln -s file /mnt/link; chmod 640 /mnt/file; '
              'echo dev >/dev/file; echo ready; ' + SLEEP)
  box.mount('/mnt', 'tmpfs', ['size=1m', 'mode=711', 'nosuid'], 'tmpfs')
  box = launch(t, box).wait_for_output('ready')
  found = stays_the_same(t, box, 'cat /mnt/link /dev/file; ls -ln /mnt | grep -v ^total; df -k /mnt | tail -n 1')
  t.true(found.startswith('kept\ndev\n'), found)


def test_devices_are_there_again(t):
  box = t.box(SLEEP).mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620'], 'devpts')
  box.mount('/dev/shm', 'shm', ['nosuid', 'size=64k'], 'tmpfs').mount('/dev/mqueue', 'mqueue', ['nosuid'], 'mqueue')
  found = stays_the_same(t, launch(t, box), 'cd /dev; ls -ln null zero full random urandom tty | '
                         'sed "s/ [A-Z][a-z][a-z] .*:.. / /"; ls -d pts/* ptmx shm mqueue; echo x >null; head -c 2 zero | od')
  t.has(found, '1,   3 null')


def test_sysfs_and_the_cgroups_are_mounted_again(t):
  box = t.box(SLEEP).mount('/sys', 'sysfs', ['ro', 'nosuid', 'noexec', 'nodev'], 'sysfs')
  box.mount('/sys/fs/cgroup', 'cgroup', ['ro', 'nosuid', 'noexec', 'nodev', 'relatime'], 'cgroup').namespace('cgroup')
  found = stays_the_same(t, launch(t, box), 'cat /proc/1/cgroup; ls /sys/class/net')
  t.true(box.id not in found, found)


def test_a_fresh_copy_of_the_root_gets_its_places_for_mounts(t):
  def config(box):
    os.makedirs(t.path('folder'), exist_ok=True)
    box.mount('/new/deep/folder', t.path('folder'), ['bind']).mount('/new/file', t.path('file', 'hello'), ['bind'])
    return box.mount('/data', 'tmpfs', [], 'tmpfs').mount('/data/in/it', t.path('folder'), ['bind'])

  box = launch(t, config(t.box('echo kept >/data/file; echo ready; ' + SLEEP))).wait_for_output('ready')
  before = mounts(t, box)
  store(t, box)
  fresh = config(t.box(SLEEP))
  t.true(not os.path.exists(fresh.rootfs + '/new'), 'it is not fresh')
  restore(t, fresh)
  t.same(inside(t, fresh, 'cat /new/file /data/file; ls -d /new/deep/folder /data/in/it'),
         'hellokept\n/data/in/it\n/new/deep/folder\n')
  t.same('\n'.join(mounts(t, fresh)), '\n'.join(before).replace(box.id + '/', fresh.id + '/'))


# -- namespaces

def test_a_user_namespace_maps_as_before(t):
  box = t.box(SLEEP).map_ids((0, 100000, 1000), (1000, 200000, 64536)).mount('/mnt', 'tmpfs', [], 'tmpfs')
  os.chmod(box.rootfs, 0o755)
  launch(t, box, stderr=subprocess.STDOUT)  # a file that its root may write to
  found = stays_the_same(t, box, 'cat /proc/self/uid_map /proc/self/gid_map; id')
  t.has(found, 'uid=0')
  t.same(os.stat('/proc/%d' % box.pid()).st_uid, 100000)


def test_the_host_name_and_the_ids_of_processes_are_kept(t):
  box = t.box('echo $$; sh -c "%s" & %s' % (SLEEP, SLEEP)).namespace('cgroup')
  box.config['hostname'] = 'harbour'
  launch(t, box)
  t.wait(lambda: inside(t, box, 'ps -o args | grep -c "^sh -c while"; :') == '1\n', 'both sleep')
  found = stays_the_same(t, box, 'hostname; cat /proc/1/cgroup; ps -o pid,args | grep " [s]h -c while"')
  t.true(found.startswith('harbour\n'), found)
  t.true('/proa-tests' not in found, found)


def namespace(pid, kind):
  return os.readlink('/proc/%d/ns/%s' % (pid, kind))


def test_a_network_namespace_by_path_is_joined_again(t):
  # With its loopback up, without which CRIU finds out too little about the kernel.
  holder = t.helper(['unshare', '--net', 'sh', '-c', 'ip link set lo up; ip addr add 10.1.2.3/32 dev lo; '
                     'touch %s; exec sleep 100' % t.path('up')])
  t.wait(lambda: os.path.exists(t.path('up')), 'the namespace is ready')
  t.before['process'] |= set(leftovers.processes(t.settings).items())
  box = t.box(SLEEP).namespace('network', '/proc/%d/ns/net' % holder.pid)
  t.has(stays_the_same(t, launch(t, box), 'ip addr show lo'), '10.1.2.3')
  t.same(namespace(box.pid(), 'net'), namespace(holder.pid, 'net'))


def test_a_network_namespace_of_its_own_is_made_again(t):
  box = launch(t, t.box(SLEEP).namespace('network'))
  stays_the_same(t, box, 'ip addr show lo | grep -v ether')
  t.true(namespace(box.pid(), 'net') != namespace(os.getpid(), 'net'), 'it is in the host\'s')


def test_the_hosts_network_stays_the_hosts(t):
  box = again(t, launch(t, t.box(SLEEP)))
  t.same(namespace(box.pid(), 'net'), namespace(os.getpid(), 'net'))
  for kind in ('pid', 'mnt', 'ipc', 'uts'):
    t.true(namespace(box.pid(), kind) != namespace(os.getpid(), kind), 'it is in the host\'s ' + kind)


# -- limits, and what keeps it in

def test_limits_are_those_of_the_config(t):
  t.needs_cgroup('pids')
  t.needs_cgroup('memory')
  box = t.box(SLEEP)
  box.linux['resources'] = {'pids': {'limit': 30}, 'memory': {'limit': 64 << 20}}
  store(t, launch(t, box))
  box.linux['resources'] = {'pids': {'limit': 20}, 'memory': {'limit': 96 << 20}}
  restore(t, box)
  memory = 'memory.max' if t.cgroup('memory') == t.cgroup('v2') else 'memory.limit_in_bytes'
  t.same((limit(t, box, 'pids', 'pids.max'), limit(t, box, 'memory', memory)), ('20', str(96 << 20)))
  t.worked(t.proa('update', '--pids-limit', '15', box.id), '')
  t.same(limit(t, box, 'pids', 'pids.max'), '15')


def test_devices_are_forbidden_again(t):
  t.needs_cgroup('devices' if t.cgroup('devices') else 'v2')
  box = t.box(SLEEP)
  box.linux['resources'] = {'devices': [{'allow': False, 'access': 'rwm'}]}
  found = stays_the_same(t, launch(t, box), 'mknod /tmp/kmsg c 1 11; cat /tmp/kmsg 2>&1; rm -f /tmp/kmsg; exit 0')
  t.has(found, 'Operation not permitted')


def test_seccomp_and_capabilities_are_as_they_were(t):
  box = t.box('echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; mkdir /tmp/new; ' + SLEEP)
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [
    {'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38}]}
  with log(t.path('err')) as err:
    box.launch(stdout=err, stderr=err)
  t.wait(lambda: read(t.path('err.out')), 'it is ready')
  before = confinement(box)
  again(t, box)
  t.same(confinement(box), before)
  t.has(before, 'Seccomp:\t2')
  box.file('tmp/go')
  t.wait(lambda: 'mkdir' in box.written(), 'it is not allowed to')
  t.has(box.written(), 'Function not implemented')


def confinement(box):
  return '\n'.join(line for line in read('/proc/%d/status' % box.pid()).splitlines()
                   if line.split(':')[0] in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb',
                                             'NoNewPrivs', 'Seccomp', 'Seccomp_filters'))


def test_another_user_with_limits_of_its_own_comes_back(t):
  needs_resource_capability(t)
  box = t.box(SLEEP, user={'uid': 1000, 'gid': 1001, 'additionalGids': [5, 6], 'umask': 0o27}, oomScoreAdj=321,
              rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 100, 'hard': 200}])
  box = launch(t, box)
  before = confinement(box), read('/proc/%d/limits' % box.pid()), read('/proc/%d/oom_score_adj' % box.pid())
  again(t, box)
  t.same((confinement(box), read('/proc/%d/limits' % box.pid()), read('/proc/%d/oom_score_adj' % box.pid())), before)
