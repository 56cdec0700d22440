"""config-linux.md, Memory Policy."""

import os

from kit import MUST, clause, read

WHERE = 'config-linux.md, Memory Policy'

# (mode, nodes, what numa_maps shows of it)
MODES = [('MPOL_DEFAULT', None, 'default'), ('MPOL_BIND', '0', 'bind'), ('MPOL_INTERLEAVE', '0', 'interleave'),
         ('MPOL_PREFERRED', '0', 'prefer'), ('MPOL_PREFERRED_MANY', '0', 'prefer'),
         ('MPOL_LOCAL', None, 'local'), ('MPOL_WEIGHTED_INTERLEAVE', '0', 'weighted interleave')]


def with_policy(t, mode, nodes=None, flags=None):
  if not os.path.exists('/proc/self/numa_maps'):
    t.skip('the kernel has no memory policies')
  box = t.box('sleep 100')
  box.linux['memoryPolicy'] = {'mode': mode}
  if nodes is not None:
    box.linux['memoryPolicy']['nodes'] = nodes
  if flags is not None:
    box.linux['memoryPolicy']['flags'] = flags
  return box


def policies(box):
  box.launch()
  return {' '.join(line.split(' file=')[0].split(' anon=')[0].split()[1:2])
          for line in read('/proc/%d/numa_maps' % box.pid()).splitlines()}


@clause(WHERE, MUST, 'the mode {} is the program\'s', MODES)
def mode(t, name, nodes, shown):
  found = policies(with_policy(t, name, nodes))
  t.true(any(policy.startswith(shown.split()[0]) for policy in found), '%s: %s' % (shown, found))


@clause(WHERE, MUST, 'the flag {} is accepted', ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES',
                                               'MPOL_F_NUMA_BALANCING'])
def flag(t, name):
  policies(with_policy(t, 'MPOL_BIND', '0', [name]))


@clause(WHERE, MUST, 'a mode is required')
def mode_required(t):
  box = with_policy(t, 'MPOL_BIND', '0')
  del box.linux['memoryPolicy']['mode']
  box.refused()


@clause(WHERE, MUST, 'a mode that does not exist is an error')
def mode_unknown(t):
  with_policy(t, 'MPOL_NONE', '0').refused()


@clause(WHERE, MUST, 'a flag that does not exist is an error')
def flag_unknown(t):
  with_policy(t, 'MPOL_BIND', '0', ['MPOL_F_NONE']).refused()


@clause(WHERE, MUST, 'nodes that are {} are an error', [('not there', '900'), ('no list', 'x')])
def nodes_invalid(t, _, nodes):
  with_policy(t, 'MPOL_BIND', nodes).refused()


@clause(WHERE, MUST, 'nodes that are needed and not given are an error')
def nodes_missing(t):
  with_policy(t, 'MPOL_BIND').refused()


@clause(WHERE, MUST, 'the runtime\'s own policy is not changed')
def own(t):
  before = read('/proc/self/numa_maps').splitlines()[0].split()[1] \
    if os.path.exists('/proc/self/numa_maps') else None
  policies(with_policy(t, 'MPOL_BIND', '0'))
  t.same(read('/proc/self/numa_maps').splitlines()[0].split()[1], before)
