"""config-linux.md, Personality."""

import platform
import subprocess

from kit import MUST, clause, read

WHERE = 'config-linux.md, Personality'


@clause(WHERE, MUST, 'the domain {} is the program\'s execution domain', [('LINUX', 0),
                                                                        ('LINUX32', 8)])
def domain(t, name, number):
  box = t.box('sleep 100')
  box.linux['personality'] = {'domain': name}
  box.launch()
  t.same(int(read('/proc/%d/personality' % box.pid()), 16) & 0xff, number)


@clause(WHERE, MUST, 'with LINUX32 uname tells of a 32-bit machine')
def uname(t):
  if platform.machine() != 'x86_64':
    t.skip('the name is that of another machine')
  if subprocess.run(['setarch', 'linux32', 'uname', '-m'], capture_output=True,
                    check=False).stdout != b'i686\n':
    t.skip('this kernel has no other name for its machine')
  box = t.box('uname -m')
  box.linux['personality'] = {'domain': 'LINUX32'}
  t.same(box.output(), 'i686')


@clause('config.md, Valid values', MUST, 'an unknown domain is an error')
def unknown(t):
  box = t.box('true')
  box.linux['personality'] = {'domain': 'NONE'}
  box.refused()


@clause(WHERE, MUST, 'a domain is required')
def required(t):
  box = t.box('true')
  box.linux['personality'] = {}
  box.refused()


@clause(WHERE, MUST, 'without personality it is the runtime\'s')
def absent(t):
  box = t.box('sleep 100').launch()
  t.same(read('/proc/%d/personality' % box.pid()), read('/proc/self/personality'))
