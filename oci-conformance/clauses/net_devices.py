"""config-linux.md, Network Devices."""

import shutil
import subprocess

from kit import MUST, clause, read

WHERE = 'config-linux.md, Network Devices'


def veth(t, name='conf0', address=None):
  """A pair of network devices in the runtime's network namespace, which is this check's own."""
  if not shutil.which('ip'):
    t.skip('there is no ip(8) to make network devices with')
  made = subprocess.run(['ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', name + 'p'],
                        stderr=subprocess.DEVNULL, check=False)
  if made.returncode:
    t.skip('the kernel makes no veth devices')
  t.later.append(lambda: subprocess.run(['ip', 'link', 'delete', name + 'p'], check=False,
                                        stderr=subprocess.DEVNULL))
  if address:
    subprocess.run(['ip', 'address', 'add', address, 'dev', name], check=True)


def names(text):
  return [line.split(':')[0].strip() for line in text.splitlines() if ':' in line]


def moving(t, devices, script='cat /proc/net/dev'):
  box = t.box(script).namespace('network')
  box.linux['netDevices'] = devices
  return box


@clause(WHERE, MUST, 'a device is moved into the container')
def moved(t):
  veth(t)
  t.has(names(moving(t, {'conf0': {}}).output()), 'conf0')


@clause(WHERE, MUST, 'a device that is moved is not the runtime\'s any more')
def moved_away(t):
  veth(t)
  moving(t, {'conf0': {}}, 'sleep 100').launch()
  t.lacks(names(read('/proc/net/dev')), 'conf0')


@clause(WHERE, MUST, 'a device gets the name that is given')
def renamed(t):
  veth(t)
  found = names(moving(t, {'conf0': {'name': 'inside7'}}).output())
  t.true('inside7' in found and 'conf0' not in found, str(found))


@clause(WHERE, MUST, 'a device keeps its global addresses')
def addresses(t):
  veth(t, address='192.0.2.7/24')
  t.has(moving(t, {'conf0': {}}, 'ip address show conf0').output(), '192.0.2.7/24')


@clause(WHERE, MUST, 'a device is up in the container')
def up(t):
  veth(t)
  t.has(moving(t, {'conf0': {}}, 'ip link show conf0').output(), 'UP')


@clause(WHERE, MUST, 'a device that the runtime does not have is an error')
def missing(t):
  moving(t, {'no-such-dev': {}}).refused()


@clause(WHERE, MUST, 'a name that the container has already is an error')
def conflict(t):
  veth(t)
  moving(t, {'conf0': {'name': 'lo'}}).refused()


@clause(WHERE, MUST, 'a device without a network namespace to move it to is an error')
def without_namespace(t):
  veth(t)
  box = moving(t, {'conf0': {}}).no_namespace('network')
  box.refused()


@clause('config.md, Valid values', MUST, 'a name of "{}", which no device can have, is an error',
        ['.', '..', 'a/b', 'sixteen-letters-', 'a b'])
def invalid_name(t, name):
  veth(t)
  moving(t, {'conf0': {'name': name}}).refused()
