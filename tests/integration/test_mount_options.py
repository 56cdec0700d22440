"""mounts[].options: each word that the specification and other runtimes know."""

import os
import subprocess

from lib import also_as_user, everyone, write
from test_mounts import mountinfo, nested, options_of

# word, and what the container then sees of it
ATTRIBUTES = (('ro', 'ro'), ('nosuid', 'nosuid'), ('nodev', 'nodev'), ('noexec', 'noexec'),
              ('nosymfollow', 'nosymfollow'), ('nodiratime', 'nodiratime'),
              ('noatime', 'noatime'), ('relatime', 'relatime'))
OPPOSITES = (('ro', 'rw'), ('nosuid', 'suid'), ('nodev', 'dev'), ('noexec', 'exec'),
             ('nosymfollow', 'symfollow'), ('nodiratime', 'diratime'), ('noatime', 'atime'))


def flags(t, kind, source, options, path='/mnt'):
  return options_of(mountinfo(t, t.box().mount('/mnt', source, options, kind)), path)


def test_each_attribute_of_a_bind_mount_and_of_a_file_system(t):
  source = t.path('volume')
  os.mkdir(source)
  for kind, begin in (('bind', ['bind']), ('tmpfs', [])):
    for word, seen in ATTRIBUTES:
      t.true(seen in flags(t, kind, source, begin + [word])[0], '%s %s' % (kind, word))
    for word, opposite in OPPOSITES:
      found = flags(t, kind, source, begin + [word, opposite])[0]
      t.true(word not in found, '%s %s %s' % (kind, word, opposite))
  t.true(not {'relatime', 'noatime'} & flags(t, 'bind', source, ['strictatime'])[0], 'strictatime')
  t.true('relatime' in flags(t, 'bind', source, ['strictatime', 'nostrictatime'])[0],
         'nostrictatime')


def test_each_recursive_attribute_reaches_what_is_mounted_below(t):
  source = nested(t)
  for word, seen in ATTRIBUTES:
    text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', 'r' + word]))
    for path in ('/mnt', '/mnt/inner'):
      t.true(seen in options_of(text, path)[0], 'r%s of %s' % (word, path))
  for word, opposite in OPPOSITES:
    text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', 'r' + word, 'r' + opposite]))
    for path in ('/mnt', '/mnt/inner'):
      t.true(word not in options_of(text, path)[0], 'r%s of %s' % (opposite, path))
  text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', 'rstrictatime']))
  t.true(not {'relatime', 'noatime'} & options_of(text, '/mnt/inner')[0], 'rstrictatime')


def test_what_is_for_all_and_what_is_for_the_top_alone(t):
  source = nested(t)
  text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', 'rro', 'rnosuid', 'rw', 'suid']))
  t.true({'ro', 'nosuid'} <= options_of(text, '/mnt/inner')[0], 'below')
  t.true(not {'ro', 'nosuid'} & options_of(text, '/mnt')[0], 'the top')
  text = mountinfo(t, t.box().mount('/mnt', source, ['rbind', 'rw', 'suid', 'rro', 'rnosuid']))
  t.true({'ro', 'nosuid'} <= options_of(text, '/mnt')[0], 'the top, when all is said last')


def test_recursive_words_for_a_new_file_system(t):
  found = flags(t, 'tmpfs', 'tmpfs', ['rnosuid', 'rnoexec', 'rro'])[0]
  t.true({'nosuid', 'noexec', 'ro'} <= found, sorted(found))
  box = t.box('touch /dev/x 2>/dev/null || test -c /dev/null && echo filled').without_mount('/dev')
  t.same(box.mount('/dev', 'tmpfs', ['rro', 'nosuid'], 'tmpfs').output(), 'filled\n')


def test_properties_of_the_file_system(t):
  for options, seen in ((['sync'], 'sync'), (['dirsync'], 'dirsync'), (['lazytime'], 'lazytime')):
    t.true(seen in flags(t, 'tmpfs', 'tmpfs', options)[2], seen)
  for word in ('sync', 'lazytime'):
    opposite = {'sync': 'async', 'lazytime': 'nolazytime'}[word]
    t.true(word not in flags(t, 'tmpfs', 'tmpfs', [word, opposite])[2], opposite)
  for word in ('iversion', 'noiversion', 'mand', 'nomand', 'silent', 'loud', 'defaults',
               'norelatime', 'nostrictatime'):
    found = flags(t, 'tmpfs', 'tmpfs', [word, 'size=64k', 'nosuid'])
    t.true('nosuid' in found[0] and 'size=64k' in found[2], word)


@also_as_user
def test_words_that_a_bind_mount_has_no_use_for(t):
  source = t.path('volume')
  os.mkdir(source)
  write(source + '/f', 'here\n')
  words = ['sync', 'async', 'dirsync', 'lazytime', 'nolazytime', 'mand', 'nomand', 'iversion',
           'noiversion', 'silent', 'loud', 'defaults']
  t.same(t.box('cat /mnt/f').mount('/mnt', source, ['bind'] + words).output(), 'here\n')


@everyone
def test_words_that_no_single_mount_can_have_are_refused(t):
  for word in ('rsync', 'rasync', 'rdirsync', 'rmand', 'rnomand'):
    for kind, options in (('tmpfs', [word]), ('bind', ['rbind', word])):
      box = t.box().mount('/mnt', '/etc', options, kind)
      t.refused(box.try_create(), 'mounts[2] (/mnt): option "%s" can\'t be had: it is not one of '
                'single mounts: "%s" is for the mount of a file system' % (word, word[1:]))


@everyone
def test_unknown_words(t):
  box = t.box().mount('/mnt', '/etc', ['bind', 'x-mine'])
  t.refused(box.try_create(), 'mounts[2] (/mnt): unknown option "x-mine": only a mount of a file '
            'system takes options of its own')
  result = t.box().mount('/mnt', 'tmpfs', ['nonsense=1'], 'tmpfs').try_create()
  t.refused(result, 'mounts[2] (/mnt): mount a tmpfs: nonsense: invalid argument: the kernel says '
            '"tmpfs: Unknown parameter \'nonsense\'"')


@also_as_user
def test_nosymfollow_stops_at_links(t):
  source = t.path('volume')
  os.mkdir(source)
  write(source + '/f', 'here\n')
  os.symlink('f', source + '/l')
  box = t.box('cat /mnt/f; cat /mnt/l').mount('/mnt', source, ['bind', 'nosymfollow'])
  result = box.run()
  t.same((result.out, result.err),
         ('here\n', "cat: can't open '/mnt/l': Too many levels of symbolic links\n"))


def test_what_is_usual_for_terminals(t):
  found = flags(t, 'devpts', 'devpts', None)
  box = t.box().mount('/dev/pts', 'devpts', None, 'devpts')
  found = options_of(mountinfo(t, box), '/dev/pts')
  t.true({'gid=5', 'mode=620', 'ptmxmode=666'} <= found[2], sorted(found[2]))
  t.true({'nosuid', 'noexec'} <= found[0], sorted(found[0]))


@also_as_user
def test_the_group_of_terminals_is_left_out_where_there_is_none(t):
  box = t.box('stat -c %a /dev/pts/ptmx')
  if t.is_root:
    box.map_ids((0, 100000, 1))
  box.mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'], 'devpts')
  t.same(box.output(), '666\n')


def overlay(t, count):
  """The option lowerdir for so many layers, the first of which counts."""
  folders = []
  for number in range(count):
    folders.append(t.path('layer-%03d-%s' % (number, 'x' * 60)))
    os.mkdir(folders[-1])
    write(folders[-1] + '/name', '%d\n' % number)
    write('%s/%d' % (folders[-1], number), '')
  return 'lowerdir=' + ':'.join(folders)


def test_an_overlay_of_more_layers_than_fit_into_a_page(t):
  for count in (2, 4, 70):
    words = overlay(t, count)
    box = t.box('cat /mnt/name; ls /mnt | wc -l').mount('/mnt', 'overlay', [words], 'overlay')
    t.same(box.output(), '0\n%d\n' % (count + 1), str(len(words)))
    subprocess.run('rm -rf %s/layer-*' % t.directory, shell=True, check=True)


def test_an_overlay_that_can_be_written_to(t):
  words = overlay(t, 10)
  for name in ('upper', 'work'):
    os.mkdir(t.path(name))
  box = t.box('cat /mnt/name; echo new > /mnt/name; cat /mnt/name')
  box.mount('/mnt', 'overlay', [words, 'upperdir=' + t.path('upper'), 'workdir=' + t.path('work')],
            'overlay')
  t.same(box.output(), '0\nnew\n')
  t.same(os.listdir(t.path('upper')), ['name'])


def test_a_tmpfs_belongs_to_whom_the_directory_belonged(t):
  box = t.box('stat -c "%u %g" /mnt /tmp').mount('/mnt', 'tmpfs', [], 'tmpfs')
  os.chown(box.rootfs + '/mnt', 7, 8)
  box.mount('/tmp', 'tmpfs', ['uid=9'], 'tmpfs')
  t.same(box.output(), '7 8\n9 0\n')
  box = t.box('stat -c "%u %g" /mnt').map_ids((0, 100000, 65536)).mount('/mnt', 'tmpfs', [], 'tmpfs')
  t.same(box.output(), '0 0\n')
