"""linux.personality."""

import ctypes
import os
import subprocess

from lib import also_as_user

ADDR_NO_RANDOMIZE = 0x0040000


@also_as_user
def test_LINUX32_is_a_32_bit_machine(t):
  if os.uname().machine != 'x86_64':
    t.skip('this is no x86-64 machine')
  if subprocess.run(['setarch', 'linux32', 'uname', '-m'], capture_output=True, text=True,
                    check=True).stdout != 'i686\n':
    t.skip('this kernel has no other name for its machine')
  box = t.box(args=['uname', '-m'])
  box.linux['personality'] = {'domain': 'LINUX32'}
  t.same(box.output(), 'i686\n')


@also_as_user
def test_LINUX_is_the_machine_itself(t):
  box = t.box(args=['uname', '-m'])
  box.linux['personality'] = {'domain': 'LINUX'}
  t.same(box.output(), os.uname().machine + '\n')


def test_nothing_of_the_callers_personality_is_left(t):
  before = ctypes.CDLL(None).personality
  box = t.box('cat /proc/self/personality')
  t.same(t.worked(box.run(preexec_fn=lambda: before(ADDR_NO_RANDOMIZE))).out, '00040000\n')
  box.linux['personality'] = {'domain': 'LINUX'}
  t.same(t.worked(box.run(preexec_fn=lambda: before(ADDR_NO_RANDOMIZE))).out, '00000000\n')


def test_flags_are_ignored_with_a_warning(t):
  box = t.box('true')
  box.linux['personality'] = {'domain': 'LINUX', 'flags': ['ADDR_NO_RANDOMIZE']}
  t.same(box.run(before=['--log-level', 'warning']).err,
         'warning: linux.personality.flags[0]: ADDR_NO_RANDOMIZE is ignored: the specification '
         'has no flags yet\n')


@also_as_user
def test_an_unknown_domain_is_refused(t):
  box = t.box()
  box.linux['personality'] = {'domain': 'BSD'}
  t.refused(box.try_create(), 'linux.personality: unknown domain "BSD": the domains are LINUX and '
                              'LINUX32')


def test_a_filter_that_forbids_it_comes_later(t):
  box = t.box(args=['uname', '-m'])
  box.linux['personality'] = {'domain': 'LINUX32'}
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW',
                          'syscalls': [{'names': ['personality'], 'action': 'SCMP_ACT_ERRNO'}]}
  for no_new_privileges in (True, False):
    box.process['noNewPrivileges'] = no_new_privileges
    t.true(box.output() != '', 'the container says nothing')
