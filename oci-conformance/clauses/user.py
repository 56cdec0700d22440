"""config.md, User."""

import os

from kit import MUST, clause, field

WHERE = 'config.md, POSIX-platform User'


def ids(box, name):
  box.process['args'] = ['cat', '/proc/self/status']
  return field(box.output(), name).split()


@clause(WHERE, MUST, 'the process has the {}, real, effective, saved and for files',
        [('uid', 'Uid'), ('gid', 'Gid')])
def identity(t, key, row):
  box = t.box()
  box.process['user'][key] = 1234
  t.same(ids(box, row), ['1234'] * 4)


@clause(WHERE, MUST, 'a {} is required', ['uid', 'gid'])
def required(t, key):
  box = t.box('true')
  del box.process['user'][key]
  if box.try_create().rc == 0:
    box.stop()
    t.skip('the runtime takes 0 for one that is absent')


@clause(WHERE, MUST, 'uid and gid can be those that nobody has')
def unnamed(t):
  box = t.box('id -u; id -g')
  box.process['user'] = {'uid': 54321, 'gid': 65432}
  t.same(box.output().split(), ['54321', '65432'])


@clause(WHERE, MUST, 'additionalGids are the process\'s supplementary groups')
def additional(t):
  box = t.box()
  box.process['user']['additionalGids'] = [5, 600, 70000]
  t.same([gid for gid in ids(box, 'Groups') if gid != '0'], ['5', '600', '70000'])


@clause(WHERE, MUST, 'a user who is not root has additionalGids')
def additional_user(t):
  box = t.box()
  box.process['user'] = {'uid': 1000, 'gid': 1000, 'additionalGids': [5, 600]}
  t.same([gid for gid in ids(box, 'Groups') if gid != '1000'], ['5', '600'])


@clause(WHERE, MUST, 'none of the runtime\'s own supplementary groups is kept')
def none_kept(t):
  before = os.getgroups()
  os.setgroups([4321])
  try:
    t.lacks(ids(t.box(), 'Groups'), '4321')
  finally:
    os.setgroups(before)


@clause(WHERE, MUST, 'the process has the umask {}', [('077', 0o77), ('0', 0), ('027', 0o27)])
def umask(t, _, value):
  box = t.box('touch /tmp/file; stat -c %a /tmp/file')
  box.process['user']['umask'] = value
  t.same(box.output(), '%o' % (0o666 & ~value))


@clause(WHERE, MUST, 'a file that the process makes belongs to it')
def owner(t):
  box = t.box('touch /tmp/file')
  box.process['user'] = {'uid': 1001, 'gid': 1002}
  box.output()
  status = os.stat(box.rootfs + '/tmp/file')
  t.same((status.st_uid, status.st_gid), (1001, 1002))


@clause(WHERE, MUST, 'in a user namespace uid and gid are those of the container')
def in_user_namespace(t):
  box = t.box('id -u; id -g; touch /tmp/file')
  box.map_ids((0, 100000, 2000))
  box.process['user'] = {'uid': 10, 'gid': 20}
  os.chmod(box.rootfs + '/tmp', 0o1777)
  t.same(box.output().split(), ['10', '20'])
  status = os.stat(box.rootfs + '/tmp/file')
  t.same((status.st_uid, status.st_gid), (100010, 100020))


@clause('config.md, Valid values', MUST, 'a {} that is not mapped is an error', ['uid', 'gid'])
def unmapped(t, key):
  box = t.box('true').map_ids((0, 100000, 10))
  box.process['user'][key] = 500
  box.refused()


@clause('config.md, Valid values', MUST, 'a uid of {} is an error', [('-1', -1), ('2^32', 2 ** 32),
                                                                   ('a name', 'root')])
def invalid(t, _, value):
  box = t.box('true')
  box.process['user']['uid'] = value
  box.refused()
