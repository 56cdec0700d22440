"""config.md, Hostname and Domainname."""

import os

from kit import MUST, clause


@clause('config.md, Hostname', MUST, 'the program sees the hostname')
def hostname(t):
  box = t.box('hostname')
  box.config['hostname'] = 'some-name'
  t.same(box.output(), 'some-name')


@clause('config.md, Hostname', MUST, 'the runtime keeps its own hostname')
def hostname_host(t):
  before = os.uname().nodename
  box = t.box('hostname')
  box.config['hostname'] = 'some-name'
  box.output()
  t.same(os.uname().nodename, before)


@clause('config.md, Hostname', MUST, 'without hostname the name is unchanged')
def hostname_absent(t):
  t.same(t.box('hostname').output(), os.uname().nodename)


@clause('config.md, Hostname', MUST, 'a hostname of 64 characters is set')
def hostname_long(t):
  box = t.box('hostname')
  box.config['hostname'] = 'n' * 64
  t.same(box.output(), 'n' * 64)


@clause('config.md, Valid values', MUST, 'a hostname that the kernel refuses is an error')
def hostname_too_long(t):
  box = t.box('true')
  box.config['hostname'] = 'n' * 65
  box.refused()


@clause('config.md, Hostname', MUST, 'in a uts namespace that is joined the hostname is set')
def hostname_joined(t):
  pid = t.namespaced('--uts')
  box = t.box('hostname').namespace('uts', '/proc/%d/ns/uts' % pid)
  box.config['hostname'] = 'joined-name'
  t.same(box.output(), 'joined-name')


@clause('config.md, Domainname', MUST, 'the program sees the domainname')
def domainname(t):
  box = t.box('cat /proc/sys/kernel/domainname')
  box.config['domainname'] = 'example.org'
  t.same(box.output(), 'example.org')


@clause('config.md, Domainname', MUST, 'hostname and domainname are set together')
def both(t):
  box = t.box('hostname; cat /proc/sys/kernel/domainname')
  box.config.update(hostname='some-name', domainname='example.org')
  t.same(box.output().split(), ['some-name', 'example.org'])
