"""linux.sysctl."""

from lib import also_as_user, read


def test_settings_of_each_namespace(t):
  box = t.box('cd /proc/sys; cat kernel/shmmax net/ipv4/ip_forward fs/mqueue/msg_max '
              'kernel/domainname').namespace('network')
  box.linux['sysctl'] = {'kernel.shmmax': '123456', 'net.ipv4.ip_forward': '1',
                         'fs.mqueue.msg_max': '7', 'kernel.domainname': 'here.example'}
  t.same(box.output().split(), ['123456', '1', '7', 'here.example'])


@also_as_user
def test_a_setting_of_the_network(t):
  box = t.box('cat /proc/sys/net/ipv4/ip_unprivileged_port_start').namespace('network')
  box.linux['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '80'}
  t.same(box.output(), '80\n')


def test_slashes_instead_of_dots(t):
  box = t.box('cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/conf/lo/forwarding')
  box.namespace('network')
  box.linux['sysctl'] = {'kernel/msgmax': '4096', 'net/ipv4/conf/lo/forwarding': '1'}
  t.same(box.output().split(), ['4096', '1'])


def test_a_value_of_several_numbers(t):
  box = t.box('cat /proc/sys/kernel/sem')
  box.linux['sysctl'] = {'kernel.sem': '300 32000 32 200'}
  t.same(box.output().split(), ['300', '32000', '32', '200'])


def test_no_way_leads_out_of_the_namespace(t):
  before = read('/proc/sys/vm/swappiness')
  for key in ('net/../vm/swappiness', 'net.../vm/swappiness', 'kernel.shm/../../vm/swappiness',
              'fs.mqueue/../../vm/swappiness', '', '.', '/', 'net', 'net.', 'kernel.hostname',
              '../vm/swappiness', 'kernel.shmmax\n'):
    box = t.box().namespace('network')
    box.linux['sysctl'] = {key: '11'}
    result = box.try_create()
    t.same((result.rc, result.err.count('\n')), (1, 1), repr(key))
    t.has(result.err, 'linux.sysctl', repr(key))
  t.same(read('/proc/sys/vm/swappiness'), before)
  t.nothing_left()


def test_the_value_may_not_hold_a_line_break(t):
  box = t.box()
  box.linux['sysctl'] = {'kernel.shmmax': '1\n2'}
  t.same(box.try_create().rc, 1)
  t.nothing_left()


def test_the_hosts_settings_stay(t):
  before = read('/proc/sys/kernel/msgmax')
  box = t.box()
  box.linux['sysctl'] = {'kernel.msgmax': '4097'}
  box.output()
  t.same(read('/proc/sys/kernel/msgmax'), before)


def test_a_mount_over_proc_does_not_catch_the_value(t):
  box = t.box('cat /proc/sys/kernel/msgmax 2>/dev/null; echo over')
  box.without_mount('/proc').mount('/proc/sys', 'tmpfs', [], 'tmpfs')
  box.linux['sysctl'] = {'kernel.msgmax': '4097'}
  result = box.run()
  t.true(result.rc == 1 or result.out == 'over\n', str(result))
