"""mounts: file systems, bind mounts, their options, and where they come to stand."""

import os
import subprocess

from lib import also_as_user, everyone, run_as, write


def options_of(text, path):
  """(mount options, file system type) of the last mount on path, of a mountinfo."""
  found = None
  for line in text.splitlines():
    words = line.split()
    if words[4] == path:
      dash = words.index('-')
      found = (set(words[5].split(',')), words[dash + 1], set(words[dash + 3].split(',')),
               words[6:dash])
  return found


def mountinfo(t, box):
  box.process['args'] = ['cat', '/proc/self/mountinfo']
  return box.output()


@everyone
def test_the_usual_file_systems(t):
  box = t.box()
  for path, kind, options in (
      ('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']),
      ('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']),
      ('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev'])):
    box.mount(path, kind, options, kind)
  box.mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro'], 'sysfs').namespace('network')
  box.mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'], 'cgroup')
  box.namespace('cgroup')
  text = mountinfo(t, box)
  for path, kind in (('/proc', 'proc'), ('/dev', 'tmpfs'), ('/dev/pts', 'devpts'),
                     ('/dev/shm', 'tmpfs'), ('/dev/mqueue', 'mqueue'), ('/sys', 'sysfs')):
    found = options_of(text, path)
    t.true(found, path + ' is no mount')
    t.same(found[1], kind, path)
  t.true('ro' in options_of(text, '/sys')[0], '/sys can be written to')
  t.true('size=65536k' in options_of(text, '/dev/shm')[2], '/dev/shm has no limit')


@run_as('user', 'lone')
def test_a_users_sysfs_without_a_network_namespace_is_the_hosts(t):
  box = t.box('ls /sys/class/net >/dev/null && touch /sys/x 2>/dev/null || echo read-only')
  box.mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro'], 'sysfs')
  t.same(box.output(), 'read-only\n')


@also_as_user
def test_a_tmpfs_has_its_size_and_mode(t):
  box = t.box('stat -c %a /mnt; dd if=/dev/zero of=/mnt/f bs=1k count=2000 2>/dev/null; '
              'stat -c %s /mnt/f')
  box.mount('/mnt', 'tmpfs', ['mode=0750', 'size=1m'], 'tmpfs')
  t.same(box.output(), '750\n1048576\n')


def test_a_tmpfs_without_a_mode_gets_that_of_what_it_covers(t):
  box = t.box('stat -c %a /tmp').mount('/tmp', 'tmpfs', [], 'tmpfs')
  t.same(box.output(), '1777\n')


@also_as_user
def test_a_bind_mount_shows_its_source_and_can_be_written_to(t):
  source = t.path('volume')
  os.mkdir(source)
  write(source + '/in', 'from outside\n')
  box = t.box('cat /mnt/in; echo from inside > /mnt/out')
  box.mount('/mnt', source, ['bind']).output()
  with open(source + '/out', encoding='utf-8') as file:
    t.same(file.read(), 'from inside\n')


def test_the_options_and_types_that_make_a_bind_mount(t):
  source = t.path('volume')
  os.mkdir(source)
  write(source + '/in', 'here\n')
  for kind, options in (('bind', ['bind']), ('none', ['bind']), (None, ['rbind']),
                        ('bind', []), ('bind', None)):
    box = t.box('cat /mnt/in').mount('/mnt', source, options, kind)
    t.same(box.output(), 'here\n', '%s %s' % (kind, options))


@also_as_user
def test_a_bind_mount_that_is_read_only_is(t):
  source = t.path('volume')
  os.mkdir(source)
  box = t.box('echo x > /mnt/f').mount('/mnt', source, ['bind', 'ro'])
  result = box.run()
  t.same((result.rc, result.err), (1, "sh: can't create /mnt/f: Read-only file system\n"))


@also_as_user
def test_a_relative_source_is_below_the_bundle(t):
  box = t.box('cat /mnt/in').mount('/mnt', 'volume', ['bind'])
  os.mkdir(box.directory + '/volume')
  write(box.directory + '/volume/in', 'relative\n')
  t.same(box.output(), 'relative\n')


@also_as_user
def test_a_file_can_be_bound_and_its_destination_is_made(t):
  source = t.path('file', 'content\n')
  box = t.box('cat /opt/deep/down/file').mount('/opt/deep/down/file', source, ['bind', 'ro'])
  t.same(box.output(), 'content\n')
  t.same(os.stat(box.rootfs + '/opt/deep/down/file').st_size, 0)


def test_a_socket_and_a_device_can_be_bound(t):
  box = t.box('test -c /mnt/zero && head -c 3 /mnt/zero | od -An -c')
  box.mount('/mnt/zero', '/dev/zero', ['bind'])
  t.same(box.output().split(), ['\\0', '\\0', '\\0'])


@also_as_user
def test_plain_options_are_set(t):
  source = t.path('volume')
  os.mkdir(source)
  rows = [(['nosuid', 'nodev', 'noexec'], {'nosuid', 'nodev', 'noexec', 'rw'}),
          (['ro', 'relatime'], {'ro', 'relatime'}), (['ro', 'rw'], {'rw'})]
  if t.is_root:  # a user namespace may not change when access times of the host's are kept
    rows += [(['ro', 'noatime'], {'ro', 'noatime'}), (['nodiratime'], {'nodiratime', 'relatime'})]
  for options, there in rows:
    text = mountinfo(t, t.box().mount('/mnt', source, ['bind'] + options))
    found = options_of(text, '/mnt')[0]
    t.true(there <= found, '%s became %s' % (options, sorted(found)))


def test_later_options_win(t):
  text = mountinfo(t, t.box().mount('/mnt', 't', ['noexec', 'exec', 'nosuid', 'suid', 'ro', 'rw'],
                                    'tmpfs'))
  t.same(options_of(text, '/mnt')[0], {'rw', 'relatime'})


def nested(t):
  """A volume with another file system in it."""
  source = t.path('volume')
  os.makedirs(source + '/inner')
  subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', source + '/inner'], check=True)
  t.ready.append(lambda: subprocess.run(['umount', source + '/inner'], check=True))
  write(source + '/inner/f', 'inner\n')
  return source


def test_bind_takes_one_file_system_and_rbind_all(t):
  source = nested(t)
  t.same(t.box('ls /mnt/inner').mount('/mnt', source, ['bind']).output(), '')
  t.same(t.box('ls /mnt/inner').mount('/mnt', source, ['rbind']).output(), 'f\n')


def test_ro_is_for_the_top_and_rro_for_all(t):
  source = nested(t)
  script = 'touch /mnt/x 2>/dev/null || echo top; touch /mnt/inner/x 2>/dev/null || echo inner'
  t.same(t.box(script).mount('/mnt', source, ['rbind', 'ro']).output(), 'top\n')
  t.same(t.box(script).mount('/mnt', source, ['rbind', 'rro']).output(), 'top\ninner\n')


def test_propagation(t):
  source = nested(t)
  for word, tag in (('shared', 'shared:'), ('rshared', 'shared:'), ('private', None),
                    ('unbindable', 'unbindable')):
    text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', word]))
    tags = options_of(text, '/mnt')[3]
    t.same([found for found in tags if not (tag and found.startswith(tag))], [], word)
    t.same(bool(tags), bool(tag), word)


def test_a_slave_sees_what_the_host_mounts(t):
  source = t.path('volume')
  os.mkdir(source)
  subprocess.run(['mount', '--bind', source, source], check=True)
  subprocess.run(['mount', '--make-shared', source], check=True)
  t.ready.append(lambda: subprocess.run(['umount', '-R', source], check=True))
  os.mkdir(source + '/late')
  box = t.box('echo ready; while ! test -e /mnt/late/f; do sleep 0.02; done; echo seen')
  box.mount('/mnt', source, ['rbind', 'rslave']).launch().wait_for_output('ready')
  subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', source + '/late'], check=True)
  write(source + '/late/f', '')
  box.wait_for_output('seen')


@also_as_user
def test_the_order_is_that_of_the_list(t):
  first, second = t.path('first'), t.path('second')
  for path in (first, second):
    os.makedirs(path + '/below')
    write(path + '/name', os.path.basename(path) + '\n')
  box = t.box('cat /mnt/name /mnt/below/name')
  box.mount('/mnt', second, ['bind']).mount('/mnt', first, ['bind'])
  box.mount('/mnt/below', second, ['bind'])
  t.same(box.output(), 'first\nsecond\n')


@also_as_user
def test_links_on_the_way_to_a_destination_stay_in_the_container(t):
  for target in ('/var/target', '../../../../../../../../../../var/target', 'var/target'):
    box = t.box('ls /var/target')
    source = box.directory + '/volume'
    os.mkdir(source)
    write(source + '/here', '')
    os.mkdir(box.rootfs + '/var/target')
    os.symlink(target, box.rootfs + '/link')
    t.same(box.mount('/link', source, ['bind']).output(), 'here\n', target)


def test_a_destination_is_cleaned_of_dots(t):
  box = t.box('ls /mnt').mount('/mnt/../mnt/./', '/proc/self/task', ['bind'])
  t.true(box.output().strip().isdigit(), 'it is elsewhere')


def test_a_destination_may_be_relative_as_it_once_might(t):
  source = t.path('volume')
  os.mkdir(source)
  write(source + '/here', '')
  t.same(t.box('ls /mnt').mount('mnt', source, ['bind']).output(), 'here\n')


def test_a_read_only_tmpfs_can_have_mounts_in_it(t):
  box = t.box('ls /mnt; touch /mnt/x 2>&1; touch /mnt/in/x && echo written')
  box.mount('/mnt', 'tmpfs', ['ro'], 'tmpfs').mount('/mnt/in', 'tmpfs', [], 'tmpfs')
  t.same(box.output(), 'in\ntouch: /mnt/x: Read-only file system\nwritten\n')


def test_dev_can_be_read_only(t):
  box = t.box('echo x > /dev/null && touch /dev/x').without_mount('/dev')
  box.mount('/dev', 'tmpfs', ['ro', 'nosuid'], 'tmpfs')
  t.same(box.run().err, 'touch: /dev/x: Read-only file system\n')


def test_a_mount_below_proc_is_refused_but_for_harmless_files(t):
  source = t.path('meminfo', 'little\n')
  t.same(t.box('cat /proc/meminfo').mount('/proc/meminfo', source, ['bind']).output(), 'little\n')
  t.same(t.box().mount('/proc/self/attr', 'tmpfs', [], 'tmpfs').try_create().rc, 1)
  t.nothing_left()


def test_a_second_proc_elsewhere(t):
  box = t.box('cat /mnt/1/comm').mount('/mnt', 'proc', ['ro', 'nosuid'], 'proc')
  t.same(box.output(), 'cat\n')


@also_as_user
def test_the_containers_mounts_are_not_the_hosts(t):
  box = t.box(args=['sleep', '60']).mount('/mnt', 'tmpfs', [], 'tmpfs').launch()
  with open('/proc/self/mountinfo', encoding='utf-8') as file:
    t.true(box.rootfs not in file.read(), 'a mount is in the rootfs')


@also_as_user
def test_nothing_of_the_hosts_tree_is_in_the_container(t):
  text = mountinfo(t, t.box())
  t.same([line for line in text.splitlines() if line.split()[4] not in ('/', '/proc', '/dev')
          and not line.split()[4].startswith('/dev/')], [])


def test_a_mount_flag_that_the_user_namespace_locks_is_kept(t):
  source = t.path('locked')
  os.mkdir(source)
  subprocess.run(['mount', '-t', 'tmpfs', '-o', 'noexec,nosuid,nodev', 'tmpfs', source], check=True)
  t.ready.append(lambda: subprocess.run(['umount', source], check=True))
  box = t.box().map_ids((0, 100000, 65536)).mount('/mnt', source, ['bind', 'ro'])
  found = options_of(mountinfo(t, box), '/mnt')[0]
  t.true({'noexec', 'nosuid', 'nodev', 'ro'} <= found, sorted(found))


def test_many_mounts(t):
  box = t.box('grep -c /many/ /proc/self/mountinfo')
  for number in range(300):
    box.mount('/many/%d' % number, 'tmpfs', [], 'tmpfs')
  t.same(box.output(), '300\n')


def test_cgroups_are_seen_read_only_and_from_the_own_one(t):
  box = t.box('find /sys/fs/cgroup -name cgroup.procs | while read f; do grep -qx 1 $f || '
              'echo pid 1 is not in $f; done | head -3; '
              'for d in /sys/fs/cgroup/*/; do mkdir $d/x 2>/dev/null && echo $d; done; echo over')
  box.mount('/sys/fs/cgroup', 'cgroup', ['ro'], 'cgroup').namespace('cgroup')
  t.same(box.output(), 'over\n')
