"""config-linux.md, Offset for Time Namespace."""

import os
import time

from kit import MUST, clause, read

WHERE = 'config-linux.md, Offset for Time Namespace'


def needs_time(t):
  if not os.path.exists('/proc/self/ns/time'):
    t.skip('the kernel has no time namespaces')


@clause(WHERE, MUST, 'the offset of the clock {} is set', ['monotonic', 'boottime'])
def offset(t, clock):
  needs_time(t)
  box = t.box('sleep 100').namespace('time')
  box.linux['timeOffsets'] = {clock: {'secs': 12345, 'nanosecs': 678}}
  box.launch()
  found = {line.split()[0]: line.split()[1:]
           for line in read('/proc/%d/timens_offsets' % box.pid()).splitlines()}
  t.same(found[clock], ['12345', '678'])


@clause(WHERE, MUST, 'the program sees the time since the start of the machine with its offset')
def seen(t):
  needs_time(t)
  box = t.box('cat /proc/uptime').namespace('time')
  box.linux['timeOffsets'] = {'boottime': {'secs': 1000000, 'nanosecs': 0}}
  now = time.clock_gettime(time.CLOCK_BOOTTIME)
  found = float(box.output().split()[0])
  t.true(abs(found - now - 1000000) < 60, '%f, and outside %f' % (found, now))


@clause(WHERE, MUST, 'a negative offset is set')
def negative(t):
  needs_time(t)
  if time.clock_gettime(time.CLOCK_MONOTONIC) < 100:
    t.skip('the machine has just started')
  box = t.box('sleep 100').namespace('time')
  box.linux['timeOffsets'] = {'monotonic': {'secs': -50, 'nanosecs': 0}}
  box.launch()
  t.has(read('/proc/%d/timens_offsets' % box.pid()), '-50')


@clause(WHERE, MUST, 'a new time namespace without offsets has none')
def none(t):
  needs_time(t)
  box = t.box('sleep 100').namespace('time')
  box.launch()
  words = read('/proc/%d/timens_offsets' % box.pid()).split()
  t.same([word for word in words if not word.isalpha()], ['0'] * 4)


@clause(WHERE, MUST, 'offsets without a new time namespace are an error')
def without_namespace(t):
  needs_time(t)
  box = t.box('true')
  box.linux['timeOffsets'] = {'boottime': {'secs': 10, 'nanosecs': 0}}
  box.refused()


@clause('config.md, Valid values', MUST, 'the offset of a clock that has none is an error')
def unknown_clock(t):
  needs_time(t)
  box = t.box('true').namespace('time')
  box.linux['timeOffsets'] = {'realtime': {'secs': 10, 'nanosecs': 0}}
  box.refused()
