"""config-linux.md, Sysctl."""

from kit import MUST, clause, read

WHERE = 'config-linux.md, Sysctl'

# (name, its file, a value)
IPC = [('kernel.msgmax', 'kernel/msgmax', '4096'), ('kernel.msgmnb', 'kernel/msgmnb', '8192'),
       ('kernel.msgmni', 'kernel/msgmni', '123'), ('kernel.sem', 'kernel/sem', '100 2000 30 40'),
       ('kernel.shmall', 'kernel/shmall', '1000'), ('kernel.shmmax', 'kernel/shmmax', '123456'),
       ('kernel.shmmni', 'kernel/shmmni', '77'),
       ('kernel.shm_rmid_forced', 'kernel/shm_rmid_forced', '1')]
NETWORK = [('net.ipv4.ip_forward', 'net/ipv4/ip_forward', '1'),
           ('net.core.somaxconn', 'net/core/somaxconn', '256'),
           ('net.ipv4.ip_local_port_range', 'net/ipv4/ip_local_port_range', '20000 30000'),
           ('net.ipv4.conf.lo.forwarding', 'net/ipv4/conf/lo/forwarding', '1'),
           ('net/ipv4/ip_unprivileged_port_start', 'net/ipv4/ip_unprivileged_port_start', '80')]


def setting(t, name, value, file):
  box = t.box('cat /proc/sys/' + file).namespace('network')
  box.linux['sysctl'] = {name: value}
  return box


@clause(WHERE, MUST, '{} is set in the ipc namespace', IPC)
def ipc(t, name, file, value):
  t.same(setting(t, name, value, file).output().split(), value.split())


@clause(WHERE, MUST, '{} is set in the network namespace', NETWORK)
def network(t, name, file, value):
  t.same(setting(t, name, value, file).output().split(), value.split())


@clause(WHERE, MUST, 'fs.mqueue.msg_max is set')
def mqueue(t):
  box = setting(t, 'fs.mqueue.msg_max', '17', 'fs/mqueue/msg_max')
  t.same(box.output(), '17')


@clause(WHERE, MUST, 'several are all set')
def several(t):
  box = t.box('cat /proc/sys/kernel/msgmni /proc/sys/net/ipv4/ip_forward').namespace('network')
  box.linux['sysctl'] = {'kernel.msgmni': '55', 'net.ipv4.ip_forward': '1'}
  t.same(box.output().split(), ['55', '1'])


@clause(WHERE, MUST, 'the runtime\'s own value is not changed')
def own(t):
  before = read('/proc/sys/kernel/msgmni')
  setting(t, 'kernel.msgmni', '66', 'kernel/msgmni').output()
  t.same(read('/proc/sys/kernel/msgmni'), before)


@clause('config.md, Valid values', MUST, 'a name that does not exist, {}, is an error',
        ['net.no.such', 'net.ipv4.no_such_thing', 'kernel.msg_none'])
def unknown(t, name):
  setting(t, name, '1', 'kernel/msgmax').refused()


@clause('config.md, Valid values', MUST, 'a value that the kernel refuses is an error')
def invalid(t):
  setting(t, 'net.ipv4.ip_local_port_range', 'x', 'net/ipv4/ip_forward').refused()


@clause('config.md, Valid values', MUST, 'a name that leads out of /proc/sys is an error')
def outside(t):
  setting(t, 'net/../../self/oom_score_adj', '1', 'kernel/msgmax').refused()


@clause('config.md, Valid values', MUST, 'a value of a namespace that the container shares, {}, is an error',
        [('kernel.msgmni', 'ipc'), ('net.ipv4.ip_forward', 'network')])
def shared(t, name, kind):
  box = setting(t, name, '1', 'kernel/msgmax')
  box.no_namespace(kind)
  box.refused()
