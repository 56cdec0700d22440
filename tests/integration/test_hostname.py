"""hostname and domainname."""

from lib import also_as_user, read


@also_as_user
def test_a_hostname_is_set(t):
  box = t.box(args=['hostname'])
  box.config['hostname'] = 'harbour'
  t.same(box.output(), 'harbour\n')


@also_as_user
def test_a_domainname_is_set(t):
  box = t.box('cat /proc/sys/kernel/domainname')
  box.config['domainname'] = 'islands.example'
  t.same(box.output(), 'islands.example\n')


def test_the_longest_hostname_is_set(t):
  box = t.box(args=['hostname'])
  box.config['hostname'] = 'h' * 64
  t.same(box.output(), 'h' * 64 + '\n')


def test_a_joined_uts_namespace_can_be_given_a_hostname(t):
  first = t.box(args=['sleep', '60']).launch()
  second = t.box(args=['hostname']).namespace('uts', '/proc/%d/ns/uts' % first.pid())
  second.config['hostname'] = 'shared'
  t.same(second.output(), 'shared\n')


def test_the_hosts_name_stays(t):
  before = read('/proc/sys/kernel/hostname')
  box = t.box()
  box.config['hostname'] = 'other'
  box.output()
  t.same(read('/proc/sys/kernel/hostname'), before)
