"""config-linux.md, Default Filesystems: what a config that lists them makes available."""

from kit import SHOULD, clause, mount_lines

WHERE = 'config-linux.md, Default Filesystems'


@clause(WHERE, SHOULD, '{} is available', [
  ('/proc', 'proc', []), ('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
  ('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
  ('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'])])
def available(t, path, kind, options):
  box = t.box(args=['cat', '/proc/self/mountinfo']).namespace('network')
  if path != '/proc':
    box.mount(path, kind, kind, options)
  t.same(mount_lines(box.output()).get(path, {}).get('type'), kind)


@clause(WHERE, SHOULD, '/proc tells of the container')
def proc_of_container(t):
  t.same(t.box('cat /proc/1/comm; true').output(), 'sh')


@clause(WHERE, SHOULD, 'a pseudoterminal can be made with /dev/pts')
def pts_works(t):
  box = t.box('exec 3<>/dev/ptmx && ls /dev/pts')
  box.mount('/dev/pts', 'devpts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=620'])
  t.has(box.output().split(), '0')


@clause(WHERE, SHOULD, 'files can be made in /dev/shm')
def shm_works(t):
  box = t.box('echo text >/dev/shm/file; cat /dev/shm/file')
  box.mount('/dev/shm', 'shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=64k'])
  t.same(box.output(), 'text')
