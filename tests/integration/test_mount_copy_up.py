"""mounts with tmpcopyup: a tmpfs begins with what it covers."""

import os
import socket
import stat
import subprocess

from lib import also_as_user, everyone, write


def box_with(t, script, *options, kind='tmpfs'):
  """A container with a tmpfs over /data; the caller fills that."""
  box = t.box(script).mount('/data', kind, ['tmpcopyup'] + list(options), kind)
  os.mkdir(box.rootfs + '/data')
  return box, box.rootfs + '/data'


@everyone
def test_what_is_covered_is_there_and_stays_below(t):
  box, data = box_with(t, 'cd /data && cat f d/e/g; readlink l; rm -r d; echo new > f; ls')
  os.makedirs(data + '/d/e')
  write(data + '/f', 'file\n')
  write(data + '/d/e/g', 'deep\n')
  os.symlink('/nowhere', data + '/l')
  t.same(box.output(), 'file\ndeep\n/nowhere\nf\nl\n')
  with open(data + '/f', encoding='utf-8') as file:
    t.same(file.read(), 'file\n')
  t.true(os.path.exists(data + '/d/e/g'), 'it is gone from below')


def test_owners_modes_times_and_types(t):
  box, data = box_with(t, 'cd /data && stat -c "%n %F %u %g %a %Y" . * d/*')
  os.chmod(data, 0o1750)
  os.chown(data, 7, 8)
  os.mkdir(data + '/d')
  for name, mode in (('plain', 0o640), ('set', 0o6755), ('d/in', 0o000)):
    write('%s/%s' % (data, name), '')
    os.chown('%s/%s' % (data, name), 11, 12)
    os.chmod('%s/%s' % (data, name), mode)
  os.mkfifo(data + '/fifo', 0o622)
  os.chmod(data + '/fifo', 0o622)
  os.mknod(data + '/node', 0o600 | stat.S_IFCHR, os.makedev(1, 7))
  os.symlink('x', data + '/link')
  os.lchown(data + '/link', 13, 14)
  os.chmod(data + '/d', 0o2770)
  for name in ('d/in', 'plain', 'set', 'fifo', 'node', 'link', 'd'):
    os.utime('%s/%s' % (data, name), (1000000, 2000000), follow_symlinks=False)
  lines = box.output().splitlines()
  t.same(lines[0].rsplit(' ', 1)[0], '. directory 7 8 1750')
  t.same(lines[1:], [
    'd directory 0 0 2770 2000000',
    'fifo fifo 0 0 622 2000000',
    'link symbolic link 13 14 777 2000000',
    'node character special file 0 0 600 2000000',
    'plain regular empty file 11 12 640 2000000',
    'set regular empty file 11 12 6755 2000000',
    'd/in regular empty file 11 12 0 2000000',
  ])


def test_what_the_options_say_about_the_directory_counts(t):
  box, data = box_with(t, 'stat -c "%u %g %a" /data; ls /data', 'mode=0711', 'uid=3', 'gid=4')
  os.chown(data, 7, 8)
  write(data + '/f', '')
  t.same(box.output(), '3 4 711\nf\n')


def test_extended_attributes_and_acls(t):
  box, data = box_with(t, 'sleep 60')
  write(data + '/f', 'x')
  os.mkdir(data + '/d')
  capability = bytes.fromhex('0100000200040000000000000000000000000000')
  os.setxattr(data + '/f', 'security.capability', capability)
  os.setxattr(data + '/d', 'trusted.word', b'value')
  box.launch()
  there = '/proc/%d/root/data' % box.pid()
  t.same(os.getxattr(there + '/f', 'security.capability'), capability)
  t.same(os.getxattr(there + '/d', 'trusted.word'), b'value')


def test_large_and_sparse_files(t):
  box, data = box_with(t, 'cd /data; md5sum large | cut -c-32; stat -c %s sparse; '
                       'tail -c 4 sparse; du -k sparse | cut -f1', 'size=20m')
  content = os.urandom(3000001)
  with open(data + '/large', 'wb') as file:
    file.write(content)
  with open(data + '/sparse', 'wb') as file:
    file.seek(5 << 30)
    file.write(b'end\n')
  found = box.output().splitlines()
  digest = subprocess.run(['md5sum', data + '/large'], capture_output=True, text=True, check=True)
  t.same(found[:3], [digest.stdout[:32], str((5 << 30) + 4), 'end'])
  t.true(int(found[3]) < 100, 'it takes %s KiB' % found[3])


def test_the_size_is_the_limit(t):
  box, data = box_with(t, 'true', 'size=64k')
  write(data + '/a', 'x' * 200000)
  t.refused(box.try_create(), 'mounts[2] (/data): tmpcopyup: copy a: no space left on device: the '
            'tmpfs is too small; see its options size and nr_inodes')
  box, data = box_with(t, 'true', 'nr_inodes=5')
  os.mkdir(data + '/d')
  for number in range(9):
    write('%s/d/%d' % (data, number), '')
  result = box.try_create()
  t.same(result.rc, 1)
  t.has(result.err, 'mounts[2] (/data): tmpcopyup: copy d/')
  t.nothing_left()


def test_a_tree_too_deep_is_refused(t):
  box, data = box_with(t, 'true')
  os.makedirs(data + '/d' * 90)
  box.output()
  box, data = box_with(t, 'true')
  os.makedirs(data + '/d' * 120)
  t.refused(box.try_create(), 'mounts[2] (/data): tmpcopyup: %s: more than 100 levels of '
            'directories' % ('d/' * 100)[:-1])


@also_as_user
def test_it_can_be_read_only(t):
  for word in ('ro', 'rro'):
    box, data = box_with(t, 'cat /data/f; echo x > /data/f', word)
    write(data + '/f', 'text\n')
    result = box.run()
    t.same((result.out, result.err), ('text\n', "sh: can't create /data/f: Read-only file system\n"))


def test_links_are_not_followed_out(t):
  box, data = box_with(t, 'ls /data; readlink /data/out')
  secret = box.directory + '/secret'
  os.mkdir(secret)
  write(secret + '/file', 'secret\n')
  os.symlink(secret, data + '/out')
  t.same(box.output(), 'out\n' + secret + '\n')
  box = t.box('ls /lnk').mount('/lnk', 'tmpfs', ['tmpcopyup'], 'tmpfs')
  secret = box.directory + '/secret'
  os.mkdir(secret)
  write(secret + '/file', 'secret\n')
  os.symlink(secret, box.rootfs + '/lnk')
  t.same(box.output(), '')


def test_sockets_are_left_out_and_mounts_below_are_not_entered(t):
  box = t.box('ls -R /data')
  os.makedirs(box.rootfs + '/data/sub')
  write(box.rootfs + '/data/file', '')
  listener = socket.socket(socket.AF_UNIX)
  here = os.getcwd()
  os.chdir(box.rootfs + '/data')
  listener.bind('socket')
  os.chdir(here)
  t.ready.append(listener.close)
  box.mount('/data/sub', '/etc', ['rbind']).mount('/data', 'tmpfs', ['tmpcopyup'], 'tmpfs')
  t.same(box.output(), '/data:\nfile\n')


def test_in_a_user_namespace_devices_are_left_out(t):
  box, data = box_with(t, 'cd /data; ls; stat -c "%u %a" mine suid')
  box.map_ids((0, 100000, 1000))
  os.mknod(data + '/node', 0o600 | stat.S_IFCHR, os.makedev(1, 7))
  for name, owner in (('mine', 100005), ('suid', 5)):
    write('%s/%s' % (data, name), '')
    os.chown('%s/%s' % (data, name), owner, owner)
    os.chmod('%s/%s' % (data, name), 0o4755)
  t.same(box.output(), 'mine\nsuid\n5 4755\n0 755\n')


def test_with_hooks_that_see_the_root_first(t):
  box, data = box_with(t, 'cat /data/f')
  write(data + '/f', 'text\n')
  t.same(box.hook('createContainer', '/bin/true').output(), 'text\n')


def test_it_is_for_a_tmpfs_only(t):
  box = t.box()
  source = box.directory + '/volume'
  os.mkdir(source)
  box.mount('/mnt', source, ['bind', 'tmpcopyup'])
  t.refused(box.try_create(), 'mounts[2] (/mnt): tmpcopyup is for a tmpfs only')
  box = t.box().mount('/mnt', 'sysfs', ['tmpcopyup'], 'sysfs')
  t.refused(box.try_create(), 'mounts[2] (/mnt): tmpcopyup is for a tmpfs only')
