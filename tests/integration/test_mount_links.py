"""mounts where a symbolic link is not followed: copy-symlink, src-nofollow, dest-nofollow."""

import os

from lib import also_as_user, everyone, write


@everyone
def test_copy_symlink_makes_the_same_link(t):
  box = t.box('readlink /etc/localtime; readlink /opt/deep/link')
  source = box.directory + '/link'
  os.symlink('../usr/share/zoneinfo/UTC', source)
  box.mount('/etc/localtime', source, ['rbind', 'ro', 'copy-symlink'])
  box.mount('/opt/deep/link', 'link', ['copy-symlink'], 'bind')
  t.same(box.output(), '../usr/share/zoneinfo/UTC\n' * 2)


@also_as_user
def test_copy_symlink_binds_what_is_no_link(t):
  source = t.path('file', 'content\n')
  box = t.box('cat /mnt/f').mount('/mnt/f', source, ['bind', 'copy-symlink'])
  t.same(box.output(), 'content\n')


def test_copy_symlink_finds_the_link_there_or_refuses(t):
  box = t.box('readlink /etc/l')
  source = box.directory + '/link'
  os.symlink('target', source)
  os.symlink('target', box.rootfs + '/etc/l')
  t.same(box.mount('/etc/l', source, ['bind', 'copy-symlink']).output(), 'target\n')
  box = t.box().mount('/etc/l', source, ['bind', 'copy-symlink'])
  os.symlink('target', box.directory + '/link')
  box.config['mounts'][-1]['source'] = 'link'
  os.symlink('elsewhere', box.rootfs + '/etc/l')
  t.refused(box.try_create(), 'mounts[2] (/etc/l): make a symbolic link to target: file exists')


@also_as_user
def test_copy_symlink_does_not_lead_out(t):
  box = t.box('ls -l /lnk >/dev/null; readlink /lnk/made')
  outside = box.directory + '/H'
  os.mkdir(outside)
  os.symlink('target', box.directory + '/link')
  os.symlink(outside, box.rootfs + '/lnk')
  box.mount('/lnk/made', 'link', ['bind', 'copy-symlink'])
  box.run()
  t.same(os.listdir(outside), [])


@also_as_user
def test_src_nofollow_binds_the_link_itself(t):
  box = t.box('readlink /mnt/l; cat /mnt/l')
  os.symlink('/etc/inside', box.directory + '/link')
  box.file('etc/inside', 'inside\n')
  t.same(box.mount('/mnt/l', 'link', ['bind', 'src-nofollow']).output(), '/etc/inside\ninside\n')


@also_as_user
def test_src_nofollow_with_what_is_no_link(t):
  source = t.path('file', 'content\n')
  t.same(t.box('cat /mnt/f').mount('/mnt/f', source, ['bind', 'src-nofollow']).output(), 'content\n')


def test_dest_nofollow_covers_the_link_itself(t):
  for words in (['dest-nofollow'], ['dest-nofollow', 'src-nofollow']):
    source = t.path('file', 'bound\n')
    box = t.box('cat /etc/mtab /etc/target; test -L /etc/mtab || echo no link')
    box.file('etc/target', 'target\n')
    os.symlink('target', box.rootfs + '/etc/mtab')
    box.mount('/etc/mtab', source, ['bind'] + words)
    t.same(box.output(), 'bound\ntarget\nno link\n', words)
    t.same(os.readlink(box.rootfs + '/etc/mtab'), 'target')


def test_dest_nofollow_makes_what_is_missing_and_follows_the_way(t):
  source = t.path('file', 'bound\n')
  box = t.box('cat /usr/new').mount('/lnk/new', source, ['bind', 'dest-nofollow'])
  os.symlink('usr', box.rootfs + '/lnk')
  t.same(box.output(), 'bound\n')


def test_a_link_over_a_link(t):
  box = t.box('readlink /etc/l').mount('/etc/l', 'link', ['bind', 'src-nofollow', 'dest-nofollow'])
  os.symlink('from-outside', box.directory + '/link')
  os.symlink('from-inside', box.rootfs + '/etc/l')
  t.same(box.output(), 'from-outside\n')


def test_a_directory_does_not_fit_over_a_link(t):
  source = t.path('volume')
  os.mkdir(source)
  box = t.box().mount('/lnk', source, ['bind', 'dest-nofollow'])
  os.symlink('etc', box.rootfs + '/lnk')
  t.refused(box.try_create(), 'mounts[2] (/lnk): the source is a directory and the destination a '
            'symbolic link')


def test_what_makes_no_sense_is_refused(t):
  source = t.path('file', '')
  both = "copy-symlink can't be combined with src-nofollow or dest-nofollow"
  for options, kind, text in (
      (['bind', 'copy-symlink', 'src-nofollow'], None, both),
      (['bind', 'copy-symlink', 'dest-nofollow'], None, both),
      (['copy-symlink'], 'tmpfs', 'copy-symlink is for bind mounts only'),
      (['src-nofollow'], 'tmpfs', 'src-nofollow is for bind mounts only'),
      (['bind', 'remount', 'src-nofollow'], None, 'src-nofollow is for bind mounts only')):
    box = t.box().mount('/mnt/f', source, options, kind)
    t.refused(box.try_create(), 'mounts[2] (/mnt/f): ' + text)


def test_a_missing_source_is_told(t):
  for word in ('copy-symlink', 'src-nofollow'):
    box = t.box().mount('/mnt/f', '/nowhere/at/all', ['bind', word])
    t.refused(box.try_create(), 'mounts[2] (/mnt/f): bind source /nowhere/at/all: no such file or '
              'directory: the source of a bind mount must be there before the container is')


def test_a_link_that_leads_nowhere(t):
  for word, rc in (('copy-symlink', 0), ('src-nofollow', 0), (None, 1)):
    box = t.box('readlink /mnt/f')
    os.symlink('/nowhere', box.directory + '/link')
    box.mount('/mnt/f', 'link', ['bind'] + ([word] if word else []))
    result = box.run()
    t.same((result.rc, result.out), (rc, '/nowhere\n' if rc == 0 else ''), word)


def test_a_write_through_the_link_is_not_the_hosts(t):
  box = t.box('echo x > /mnt/l').mount('/mnt/l', 'link', ['bind', 'src-nofollow'])
  write(box.directory + '/host', 'host\n')
  os.symlink(box.directory + '/host', box.directory + '/link')
  box.run()
  with open(box.directory + '/host', encoding='utf-8') as file:
    t.same(file.read(), 'host\n')
