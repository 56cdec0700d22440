"""linux.netDevices: devices of the host become the container's."""

import json
import os
import subprocess

from lib import read


def ip(*words):
  return subprocess.run(['ip', *words], capture_output=True, text=True, check=True).stdout


def pair(t, one, other):
  """Two devices that are connected with each other."""
  ip('link', 'add', one, 'type', 'veth', 'peer', 'name', other)
  # The kernel ends them with the container, but later than the container; both go with one.
  for name in (one, other):
    t.ready.append(lambda name=name: subprocess.run(['ip', 'link', 'del', name], check=False,
                                                    stderr=subprocess.DEVNULL))
  return one, other


def devices(box, **names):
  box.namespace('network')
  box.linux['netDevices'] = {name: {'name': value} if value else {}
                             for name, value in names.items()}
  return box


def exists(name):
  return os.path.exists('/sys/class/net/' + name) or name in {
    link['ifname'] for link in json.loads(ip('-j', 'link'))}


def test_a_device_moves_with_its_addresses(t):
  pair(t, 'proa-a0', 'proa-b0')
  ip('addr', 'add', '10.9.8.7/24', 'dev', 'proa-a0')
  ip('addr', 'add', '10.9.8.9/24', 'dev', 'proa-a0')
  ip('link', 'set', 'proa-a0', 'mtu', '1400')
  box = devices(t.box('ip addr show proa-a0'), **{'proa-a0': None})
  out = box.output()
  for part in ('inet 10.9.8.7/24', 'inet 10.9.8.9/24', 'mtu 1400', 'UP'):
    t.has(out, part)


def test_an_ipv6_address_comes_along_and_a_local_one_does_not(t):
  if not os.path.exists('/proc/sys/net/ipv6'):
    t.skip('this kernel has no IPv6')
  pair(t, 'proa-a1', 'proa-b1')
  ip('addr', 'add', 'fd00::5/64', 'dev', 'proa-a1', 'nodad')
  ip('addr', 'add', '169.254.7.7/16', 'scope', 'link', 'dev', 'proa-a1')
  out = devices(t.box('ip addr show proa-a1'), **{'proa-a1': None}).output()
  t.has(out, 'inet6 fd00::5/64')
  t.true('169.254.7.7' not in out, 'an address of the link came along')


def test_a_device_gets_another_name(t):
  pair(t, 'proa-a2', 'proa-b2')
  box = devices(t.box('ls /proc/sys/net/ipv4/conf'), **{'proa-a2': 'eth0'})
  t.true('eth0' in box.output().split(), 'there is no eth0')


def test_a_template_gets_the_first_free_number(t):
  pair(t, 'proa-a3', 'proa-b3')
  box = devices(t.box('ls /proc/sys/net/ipv4/conf'), **{'proa-a3': 'eth%d', 'proa-b3': 'eth%d'})
  t.same([name for name in box.output().split() if name.startswith('eth')], ['eth0', 'eth1'])


def test_it_is_there_for_sysctl_and_hooks(t):
  pair(t, 'proa-a4', 'proa-b4')
  box = devices(t.box('cat /proc/sys/net/ipv4/conf/eth0/forwarding'), **{'proa-a4': 'eth0'})
  box.linux['sysctl'] = {'net.ipv4.conf.eth0.forwarding': '1'}
  box.hook('createRuntime', '/bin/sh', '-c',
           'pid=$(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/"); '
           'cat /proc/$pid/net/dev > ' + t.path('seen'))
  t.same(box.output(), '1\n')
  t.has(read(t.path('seen')), 'eth0')


def test_it_moves_into_a_user_namespace_and_one_that_is_joined(t):
  pair(t, 'proa-a5', 'proa-b5')
  box = devices(t.box('ip link show eth0').map_ids((0, 100000, 65536)), **{'proa-a5': 'eth0'})
  t.has(box.output(), 'eth0')
  pair(t, 'proa-a6', 'proa-b6')
  holder = t.helper(['unshare', '-n', 'sleep', '60'])
  t.wait(lambda: os.readlink('/proc/%d/ns/net' % holder.pid) != os.readlink('/proc/self/ns/net'),
         'there is another network namespace')
  box = devices(t.box('ip link show eth0'), **{'proa-a6': 'eth0'})
  box.namespace('network', '/proc/%d/ns/net' % holder.pid)
  t.has(box.output(), 'eth0')


def test_it_is_back_when_the_container_cannot_be_made(t):
  pair(t, 'proa-a7', 'proa-b7')
  ip('addr', 'add', '10.9.7.7/24', 'dev', 'proa-a7')
  ip('link', 'set', 'proa-a7', 'up')
  box = devices(t.box(), **{'proa-a7': 'eth0', 'proa-b7': 'eth1'})
  box.hook('createRuntime', '/bin/false')
  t.same(box.run().rc, 1)
  out = ip('addr', 'show', 'proa-a7')
  t.has(out, 'inet 10.9.7.7/24')
  t.has(out, ',UP')
  t.true(',UP' not in ip('link', 'show', 'proa-b7'), 'proa-b7 was down before')


def test_a_name_that_is_taken(t):
  pair(t, 'proa-a8', 'proa-b8')
  box = devices(t.box(), **{'proa-b8': 'one', 'proa-a8': 'lo'})
  t.refused(box.run(), 'linux.netDevices["proa-a8"]: the container has a device "lo" already')
  t.true(exists('proa-a8') and exists('proa-b8'), 'a device is gone')


def test_what_cannot_be(t):
  box = devices(t.box(), **{'no-such-dev': None})
  t.refused(box.run(), 'linux.netDevices["no-such-dev"]: find it on the host: no such device')
  box.no_namespace('network')
  t.refused(box.run(), 'linux.netDevices: the container shares the host\'s network namespace: '
            'add {"type": "network"} to linux.namespaces')
  box = devices(t.box(), lo='lo0')
  t.refused(box.run(), 'linux.netDevices["lo"]: move it into the container as "lo0": invalid '
            'argument: some devices, like loopback, never leave their namespace')
