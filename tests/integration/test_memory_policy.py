"""linux.memoryPolicy."""

import os

from lib import also_as_user

SHOW = 'grep stack /proc/self/numa_maps | cut -d " " -f 2'


def needs_numa(t):
  if not os.path.exists('/proc/self/numa_maps'):
    t.skip('this kernel knows no memory nodes')


@also_as_user
def test_the_policy_is_the_programs(t):
  needs_numa(t)
  cases = [
    ({'mode': 'MPOL_BIND', 'nodes': '0'}, 'bind:0'),
    ({'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_STATIC_NODES']}, 'bind=static:0'),
    ({'mode': 'MPOL_INTERLEAVE', 'nodes': '0-0', 'flags': ['MPOL_F_RELATIVE_NODES']},
     'interleave=relative:0'),
    ({'mode': 'MPOL_PREFERRED', 'nodes': '0'}, 'prefer:0'),
    ({'mode': 'MPOL_LOCAL'}, 'local'),
    ({'mode': 'MPOL_DEFAULT', 'nodes': ''}, 'default'),
  ]
  for policy, text in cases:
    box = t.box(SHOW)
    box.linux['memoryPolicy'] = policy
    t.same(box.output(), text + '\n')


def test_a_filter_that_forbids_it_comes_later(t):
  needs_numa(t)
  box = t.box(SHOW)
  box.linux['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '0'}
  box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW',
                          'syscalls': [{'names': ['set_mempolicy'], 'action': 'SCMP_ACT_ERRNO'}]}
  for no_new_privileges in (True, False):
    box.process['noNewPrivileges'] = no_new_privileges
    t.same(box.output(), 'bind:0\n')


@also_as_user
def test_a_node_that_the_machine_lacks(t):
  needs_numa(t)
  box = t.box()
  box.linux['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '1000'}
  t.refused(box.try_create(),
            'linux.memoryPolicy: set MPOL_BIND of nodes 1000: invalid argument: the kernel does '
            'not have this mode, or the machine or the caller\'s cpuset not these nodes')


@also_as_user
def test_a_wrong_policy_is_refused(t):
  cases = [
    ({'mode': 'MPOL_BEST', 'nodes': '0'},
     'unknown mode "MPOL_BEST": see set_mempolicy(2) for the modes there are'),
    ({'mode': 'MPOL_LOCAL', 'nodes': '0'}, 'nodes: MPOL_LOCAL takes none'),
    ({'mode': 'MPOL_BIND', 'nodes': ''}, 'nodes: MPOL_BIND takes at least one'),
    ({'mode': 'MPOL_BIND', 'nodes': 'x'},
     'nodes: "x" is not a list of numbers: write one like "0-3,7"'),
    ({'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_NEW']},
     'flags[0]: unknown flag "MPOL_F_NEW"'),
  ]
  for policy, text in cases:
    box = t.box()
    box.linux['memoryPolicy'] = policy
    t.refused(box.try_create(), 'linux.memoryPolicy: ' + text)
