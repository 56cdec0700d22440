"""maskedPaths, readonlyPaths, root.readonly, rootfsPropagation."""

import os

from lib import also_as_user, everyone


@everyone
def test_a_masked_file_is_empty_and_stays_so(t):
  box = t.box('cat /proc/cpuinfo /etc/secret; echo x > /etc/secret; cat /etc/secret; echo over')
  box.file('etc/secret', 'secret\n')
  box.linux['maskedPaths'] = ['/proc/cpuinfo', '/etc/secret']
  result = box.run()
  t.same(result.out, 'over\n')


@everyone
def test_a_masked_directory_is_empty_and_read_only(t):
  box = t.box('ls -A /secret; touch /secret/x')
  box.file('secret/key', 'secret\n')
  box.linux['maskedPaths'] = ['/secret']
  result = box.run()
  t.same((result.out, result.err), ('', 'touch: /secret/x: Read-only file system\n'))


def test_a_masked_path_that_is_missing_is_no_error(t):
  box = t.box('ls -d /missing 2>&1')
  box.linux['maskedPaths'] = ['/missing', '/proc/missing/too', '/etc/file/below']
  box.file('etc/file')
  t.same(box.run().out, 'ls: /missing: No such file or directory\n')


def test_what_masks_is_not_the_containers_dev_null(t):
  box = t.box('cat /etc/secret').without_mount('/dev')
  box.file('etc/secret', 'secret\n')
  box.file('dev/null', 'not the device\n')
  box.linux['maskedPaths'] = ['/etc/secret']
  result = box.run()
  t.true('secret' not in result.out and 'not the device' not in result.out, str(result))


def test_a_masked_path_through_a_link_masks_what_is_behind(t):
  box = t.box('cat /etc/secret; echo over')
  box.file('etc/secret', 'secret\n')
  os.symlink('/etc/secret', box.rootfs + '/link')
  box.linux['maskedPaths'] = ['/link']
  t.same(box.output(), 'over\n')


@everyone
def test_read_only_paths_are(t):
  box = t.box('echo x > /etc/file; echo x > /proc/sys/kernel/hostname; cat /etc/file')
  box.file('etc/file', 'as before\n')
  box.linux['readonlyPaths'] = ['/etc', '/proc/sys', '/missing']
  result = box.run()
  t.same(result.out, 'as before\n')
  t.same(result.err.count('Read-only file system'), 2)


def test_a_read_only_path_covers_the_mounts_below(t):
  box = t.box('touch /mnt/in/x 2>&1').mount('/mnt/in', 'tmpfs', [], 'tmpfs')
  box.linux['readonlyPaths'] = ['/mnt']
  t.same(box.run().out, 'touch: /mnt/in/x: Read-only file system\n')


@everyone
def test_a_read_only_root_is_and_its_mounts_are_not(t):
  box = t.box('touch /x; touch /tmp/x && echo fine; echo x > /dev/null && touch /dev/x '
              '&& echo fine')
  box.mount('/tmp', 'tmpfs', [], 'tmpfs').config['root']['readonly'] = True
  result = box.run()
  t.same((result.out, result.err), ('fine\nfine\n', 'touch: /x: Read-only file system\n'))


def test_a_read_only_root_does_not_make_the_hosts_directory_so(t):
  box = t.box()
  box.config['root']['readonly'] = True
  box.output()
  with open(box.rootfs + '/x', 'w', encoding='utf-8'):
    pass


@also_as_user
def test_destinations_are_made_in_a_read_only_root_beforehand(t):
  box = t.box('ls -d /new/*').mount('/new/mount', 'tmpfs', [], 'tmpfs')
  box.config['root']['readonly'] = True
  t.same(box.output(), '/new/mount\n')


def test_the_root_can_be_an_absolute_path(t):
  box = t.box('echo here')
  box.config['root']['path'] = box.rootfs
  t.same(box.output(), 'here\n')


def test_the_root_can_be_the_bundle_itself(t):
  box = t.box('ls /config.json')
  for name in os.listdir(box.rootfs):
    os.rename('%s/%s' % (box.rootfs, name), '%s/%s' % (box.directory, name))
  os.rmdir(box.rootfs)
  box.config['root']['path'] = '.'
  t.same(box.output(), '/config.json\n')


def test_the_root_can_be_a_link(t):
  box = t.box('echo here')
  os.symlink('rootfs', box.directory + '/link')
  box.config['root']['path'] = 'link'
  t.same(box.output(), 'here\n')


def test_the_propagation_of_the_root(t):
  for word, tag in (('shared', 'shared:'), ('rshared', 'shared:'), ('private', None),
                    ('rprivate', None), ('unbindable', 'unbindable'), ('slave', None),
                    (None, None)):
    box = t.box('grep " / / \\| /t[^ ]* / " /proc/self/mountinfo')
    if word:
      box.linux['rootfsPropagation'] = word
    line = box.output().splitlines()[-1]
    tags = line.split(' - ')[0].split()[6:]
    if tag:
      t.true(any(found.startswith(tag) for found in tags), '%s: %s' % (word, line))
    else:
      t.true(not any(found.startswith(('shared', 'unbindable')) for found in tags),
             '%s: %s' % (word, line))


def test_the_hosts_mounts_cannot_be_reached_by_dots(t):
  t.same(t.box('cd /../../.. && pwd && ls -d bin').output(), '/\nbin\n')
