"""config.md, POSIX process: rlimits."""

import resource

from kit import MUST, clause, read

WHERE = 'config.md, POSIX process'

# (type, its row in /proc/PID/limits, its number)
LIMITS = [('RLIMIT_AS', 'Max address space', 9), ('RLIMIT_CORE', 'Max core file size', 4),
          ('RLIMIT_CPU', 'Max cpu time', 0), ('RLIMIT_DATA', 'Max data size', 2),
          ('RLIMIT_FSIZE', 'Max file size', 1), ('RLIMIT_LOCKS', 'Max file locks', 10),
          ('RLIMIT_MEMLOCK', 'Max locked memory', 8), ('RLIMIT_MSGQUEUE', 'Max msgqueue size', 12),
          ('RLIMIT_NICE', 'Max nice priority', 13), ('RLIMIT_NOFILE', 'Max open files', 7),
          ('RLIMIT_NPROC', 'Max processes', 6), ('RLIMIT_RSS', 'Max resident set', 5),
          ('RLIMIT_RTPRIO', 'Max realtime priority', 14), ('RLIMIT_RTTIME', 'Max realtime timeout', 15),
          ('RLIMIT_SIGPENDING', 'Max pending signals', 11), ('RLIMIT_STACK', 'Max stack size', 3)]
INFINITY = 2 ** 64 - 1


def values(number):
  """(soft, hard): both different from what there is, and within what an unprivileged process may set."""
  hard = resource.getrlimit(number)[1]
  most = hard if hard != resource.RLIM_INFINITY else 2 ** 33
  if most == 0:
    return 0, 0
  top = most - most // 4 - 1 if most > 8 else most
  return (top // 2, top)


def limits(box, row):
  line = next(line for line in box.output().splitlines() if line.startswith(row))
  return line[len(row):].split()[:2]


@clause(WHERE, MUST, 'the soft limit of {} is what getrlimit tells', LIMITS)
def soft(t, kind, row, number):
  found, (expected, _) = limits(limited(t, kind, values(number)), row), values(number)
  t.same(found[0], str(expected))


@clause(WHERE, MUST, 'the hard limit of {} is what getrlimit tells', LIMITS)
def hard(t, kind, row, number):
  found, (_, expected) = limits(limited(t, kind, values(number)), row), values(number)
  t.same(found[1], str(expected))


def limited(t, kind, pair):
  box = t.box(args=['cat', '/proc/self/limits'])
  box.process['rlimits'] = [{'type': kind, 'soft': pair[0], 'hard': pair[1]}]
  return box


@clause(WHERE, MUST, 'the largest number is no limit')
def infinity(t):
  if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
    t.skip('the hard limit of RLIMIT_CORE is lower, and may not be raised')
  box = limited(t, 'RLIMIT_CORE', (INFINITY, INFINITY))
  t.same(limits(box, 'Max core file size'), ['unlimited', 'unlimited'])


@clause(WHERE, MUST, 'a type given twice is an error')
def twice(t):
  box = limited(t, 'RLIMIT_NOFILE', (64, 64))
  box.process['rlimits'] *= 2
  box.refused()


@clause(WHERE, MUST, 'a type given twice with different limits is an error')
def twice_different(t):
  box = limited(t, 'RLIMIT_NOFILE', (64, 64))
  box.process['rlimits'].append({'type': 'RLIMIT_NOFILE', 'soft': 32, 'hard': 32})
  box.refused()


@clause(WHERE, MUST, 'a type of "{}", which the kernel does not have, is an error',
        ['RLIMIT_NONE', 'NOFILE', 'rlimit_nofile', ''])
def unknown(t, kind):
  limited(t, kind, (64, 64)).refused()


@clause('config.md, Valid values', MUST, 'a soft limit above the hard one is an error')
def soft_above_hard(t):
  limited(t, 'RLIMIT_NOFILE', (128, 64)).refused()


@clause('config.md, Valid values', MUST, 'a negative limit is an error')
def negative(t):
  limited(t, 'RLIMIT_NOFILE', (-5, 64)).refused()


@clause(WHERE, MUST, 'a {} of a limit is required', ['type', 'soft', 'hard'])
def required(t, key):
  box = limited(t, 'RLIMIT_NOFILE', (64, 64))
  del box.process['rlimits'][0][key]
  result = box.try_create()
  if result.rc == 0 and key != 'type':
    box.stop()
    t.skip('the runtime takes 0 for a limit that is absent')
  t.failed(result)


@clause(WHERE, MUST, 'a limit that is not listed is the runtime\'s')
def others(t):
  box = limited(t, 'RLIMIT_CORE', (0, 0))
  row = 'Max pending signals'
  line = next(line for line in read('/proc/self/limits').splitlines() if line.startswith(row))
  t.same(limits(box, row), line[len(row):].split()[:2])


@clause(WHERE, MUST, 'several limits are all set')
def several(t):
  box = limited(t, 'RLIMIT_NOFILE', (50, 60))
  box.process['rlimits'] += [{'type': 'RLIMIT_CORE', 'soft': 10, 'hard': 20},
                             {'type': 'RLIMIT_FSIZE', 'soft': 100000, 'hard': 200000}]
  text = box.output()
  found = [line.split()[-3:-1] for line in text.splitlines()
           if line.startswith(('Max open files', 'Max core file size', 'Max file size'))]
  t.same(sorted(found), sorted([['50', '60'], ['10', '20'], ['100000', '200000']]))
