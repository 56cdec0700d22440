"""What a program is to be is read back from the kernel, and not believed, before there is a program.

Whoever calls proa may be under a filter that lets calls succeed and does nothing, and so may the container's
own program. Then there is an error, and no program.
"""

import json
import os

from lib import run_as
from liar import liar

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_GET_SECCOMP = 38, 24, 47, 21
FILTER = {'defaultAction': 'SCMP_ACT_ALLOW',
          'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO'}]}

USER = 'process.user: it is not what was set'
GROUPS = 'process.user.additionalGids: they are not what was set'
SETS = 'process.capabilities: they are not what was set'
BOUNDING = 'process.capabilities.bounding: it is not what was set'
NO_NEW_PRIVILEGES = 'process.noNewPrivileges: it is not what was set'
SECCOMP = ("linux.seccomp: the kernel can't be asked for filters: what proa runs in answers seccomp(2) in "
           'its place')
NO_FILTER = 'linux.seccomp: it is not in force'

# The call that does nothing, its first argument, what the process is to be, and what is said of it.
LIES = (
  ('setresuid', None, {'user': {'uid': 1000, 'gid': 0}}, USER),
  ('setresgid', None, {'user': {'uid': 0, 'gid': 1000}}, USER),
  ('setgroups', None, {}, GROUPS),
  ('setgroups', None, {'user': {'uid': 0, 'gid': 0, 'additionalGids': [42, 7]}}, GROUPS),
  ('setgroups', None, {'user': {'uid': 0, 'gid': 0, 'additionalGids': [42]}}, GROUPS),
  ('capset', None, {}, SETS),
  ('capset', None, {'capabilities': {}}, SETS),
  ('prctl', PR_CAPBSET_DROP, {}, BOUNDING),
  ('prctl', PR_CAPBSET_DROP, {'capabilities': {}, 'noNewPrivileges': False}, BOUNDING),
  ('prctl', None, {'noNewPrivileges': False}, BOUNDING),
  ('prctl', PR_SET_NO_NEW_PRIVS, {}, NO_NEW_PRIVILEGES),
)


def with_groups(lie):
  def become():
    os.setgroups([42, 4])
    lie()
  return become


def test_a_caller_whose_calls_do_nothing(t):
  for name, argument, process, text in LIES:
    box = t.box('echo ran', **process)
    t.refused(box.try_create(preexec_fn=with_groups(liar(name, argument))), text)


def test_a_caller_whose_calls_do_nothing_and_exec(t):
  box = t.box('sleep 60').launch()
  for name, argument, process, text in LIES:
    if 'user' not in process and name != 'prctl':
      process = dict(process, user={'uid': 0, 'gid': 0})
    words = dict(box.process, args=['echo', 'ran'], **process)
    path = t.path('process.json', json.dumps(words))
    result = t.proa('exec', '--process', path, box.id, preexec_fn=with_groups(liar(name, argument)))
    t.same((result.rc, result.out, result.err), (255, '', '%s: %s\n' % (box.id, text)))


@run_as('lone')
def test_a_caller_whose_calls_do_nothing_and_who_is_nobody(t):
  for name, argument, text in (('capset', None, SETS), ('prctl', PR_CAPBSET_DROP, BOUNDING)):
    t.refused(t.box('echo ran').try_create(preexec_fn=liar(name, argument)), text)


@run_as('root', 'lone')
def test_a_filter_that_nobody_would_load(t):
  """It is found out before anything is made."""
  for late in (True, False) if t.is_root else (True,):
    for flags in (None, [], ['SECCOMP_FILTER_FLAG_LOG']):
      box = t.box('echo ran', noNewPrivileges=late)
      box.linux['seccomp'] = dict(FILTER, **({} if flags is None else {'flags': flags}))
      for code in (0, 1):
        t.refused(box.try_create(preexec_fn=liar('seccomp', code=code)), SECCOMP)
      t.refused(box.try_create(preexec_fn=liar('seccomp', code=38)),
                'linux.seccomp: this kernel has no filters')
  box = t.box('echo ran')
  box.linux['seccomp'] = dict(FILTER, flags=['SECCOMP_FILTER_FLAG_LOG'])
  t.refused(box.try_create(preexec_fn=liar('seccomp', code=22)),
            'linux.seccomp.flags[0]: this kernel has no SECCOMP_FILTER_FLAG_LOG')


def test_a_filter_that_nobody_would_load_for_exec(t):
  box = t.box('sleep 60')
  box.linux['seccomp'] = FILTER
  box.launch()
  result = t.proa('exec', box.id, 'echo', 'ran', preexec_fn=liar('seccomp'))
  t.same((result.rc, result.out, result.err), (255, '', '%s: %s\n' % (box.id, SECCOMP)))


def test_a_filter_that_is_not_there_afterwards(t):
  box = t.box('echo ran', noNewPrivileges=False)
  box.linux['seccomp'] = FILTER
  t.refused(box.try_create(preexec_fn=liar('prctl', PR_GET_SECCOMP)), NO_FILTER)


def test_the_containers_own_filter_lies_to_init(t):
  """Without noNewPrivileges it is there before the privileges go, and the calls that make them go."""
  for name, process, text in (('setresuid', {'user': {'uid': 1000, 'gid': 0}}, USER),
                              ('setresgid', {'user': {'uid': 0, 'gid': 1000}}, USER),
                              ('capset', {}, SETS), ('prctl', {}, NO_FILTER)):
    box = t.box('echo ran', noNewPrivileges=False, **process)
    box.linux['seccomp'] = dict(FILTER, syscalls=[
      {'names': [name], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 0}])
    t.refused(box.try_create(), text)
  # The groups are set before: there is nothing to lie about.
  box = t.box('id -G; mkdir /tmp/x', noNewPrivileges=False)
  box.process['user']['additionalGids'] = [7]
  box.linux['seccomp'] = dict(FILTER, syscalls=[
    {'names': ['setgroups', 'getgroups'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 0}])
  t.same(box.run().rc, 0)


def test_groups_are_known_again_in_whatever_order(t):
  many = [7, 3, 65534, 7, 0, 4294967294] + list(range(2000, 1000, -1))
  box = t.box('grep Groups: /proc/self/status')
  box.process['user']['additionalGids'] = many
  t.same(sorted(map(int, box.output().split()[1:])), sorted(many))
