#!/usr/bin/env python3
"""process.apparmorProfile with a kernel that enforces it."""

import subprocess

import suite
from lib import read

PROFILE = '''
profile proa-test-confined flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  signal,
  deny /etc/secret r,
}
'''


def prepare(role):
  if role == 'root' and enabled():
    subprocess.run(['apparmor_parser', '--replace', '--skip-cache'], input=PROFILE, text=True,
                   check=True)


def enabled():
  try:
    return read('/sys/module/apparmor/parameters/enabled').strip() == 'Y'
  except FileNotFoundError:
    return False


def confined(t, script, profile):
  if not enabled():
    t.skip('this kernel has no AppArmor')
  box = t.box(script, apparmorProfile=profile)
  box.file('etc/secret', 'harbour\n')
  return box


@suite.also_as_user
def test_the_container_is_confined(t):
  box = confined(t, 'cat /proc/self/attr/current /etc/secret', 'proa-test-confined')
  result = box.run()
  t.same((result.rc, result.out), (1, 'proa-test-confined (enforce)\n'))
  t.has(result.err, "can't open '/etc/secret': Permission denied")


@suite.also_as_user
def test_without_noNewPrivileges_it_is_confined_too(t):
  box = confined(t, 'cat /etc/secret', 'proa-test-confined')
  box.process['noNewPrivileges'] = False
  t.has(box.run().err, 'Permission denied')


@suite.also_as_user
def test_what_it_executes_is_confined_as_well(t):
  box = confined(t, 'sh -c "cat /etc/secret" 2>&1 | cat; cat /proc/1/attr/current',
                 'proa-test-confined')
  t.same(box.output(), "cat: can't open '/etc/secret': Permission denied\n"
                       'proa-test-confined (enforce)\n')


@suite.also_as_user
def test_unconfined_is_not(t):
  box = confined(t, 'cat /etc/secret; cat /proc/self/attr/current', 'unconfined')
  t.same(box.output(), 'harbour\nunconfined\n')


@suite.also_as_user
def test_a_profile_that_is_not_loaded_is_an_error(t):
  box = confined(t, 'true', 'proa-test-missing')
  result = box.try_create()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err, 'process.apparmorProfile')
  t.has(result.err, 'proa-test-missing')
  t.nothing_left()


if __name__ == '__main__':
  suite.main()
