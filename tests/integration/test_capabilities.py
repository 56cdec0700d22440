"""process.capabilities."""

from lib import also_as_user, everyone, status_field

SHOW = 'cat /proc/self/status'
NUMBERS = {'CAP_CHOWN': 0, 'CAP_KILL': 5, 'CAP_SETUID': 7, 'CAP_NET_BIND_SERVICE': 10,
           'CAP_SYS_CHROOT': 18}
SETS = {'CapBnd': 'bounding', 'CapEff': 'effective', 'CapPrm': 'permitted',
        'CapInh': 'inheritable', 'CapAmb': 'ambient'}


def bits(names):
  return sum(1 << NUMBERS[name] for name in names)


def check(t, box, expected):
  """What the program has, as the kernel tells it."""
  text = box.output()
  for field, name in SETS.items():
    t.same(int(status_field(text, field), 16), bits(expected.get(name, [])), name)


@everyone
def test_the_sets_are_the_configs(t):
  box = t.box(SHOW)
  sets = {'bounding': ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_CHROOT'], 'effective': ['CAP_CHOWN'],
          'permitted': ['CAP_CHOWN', 'CAP_KILL']}
  box.process['capabilities'] = sets
  # root gets back what is permitted when it executes a program
  check(t, box, {'bounding': sets['bounding'], 'effective': sets['permitted'],
                 'permitted': sets['permitted']})


@also_as_user
def test_without_any_the_program_has_none(t):
  for value in ({}, None, {'bounding': [], 'effective': [], 'permitted': []}):
    box = t.box(SHOW)
    box.process.pop('capabilities')
    if value is not None:
      box.process['capabilities'] = value
    check(t, box, {})


def test_another_user_has_none_but_the_ambient_ones(t):
  box = t.box(SHOW, user={'uid': 1000, 'gid': 1000})
  check(t, box_with(box, ambient=[]), {'bounding': ['CAP_CHOWN', 'CAP_KILL']})


def box_with(box, ambient):
  both = ['CAP_CHOWN', 'CAP_KILL']
  box.process['capabilities'] = {'bounding': both, 'effective': both, 'permitted': both,
                                 'inheritable': ambient, 'ambient': ambient}
  return box


def test_another_user_keeps_the_ambient_ones(t):
  box = box_with(t.box(SHOW, user={'uid': 1000, 'gid': 1000}), ['CAP_KILL'])
  check(t, box, {'bounding': ['CAP_CHOWN', 'CAP_KILL'], 'effective': ['CAP_KILL'],
                 'permitted': ['CAP_KILL'], 'inheritable': ['CAP_KILL'], 'ambient': ['CAP_KILL']})


def test_nothing_is_inheritable_that_was_not_asked_for(t):
  text = t.box(SHOW).output()
  t.same(int(status_field(text, 'CapInh'), 16), 0)


def test_an_unknown_name_is_ignored_with_a_warning(t):
  box = t.box(SHOW)
  names = ['CAP_KILL', 'CAP_TIME_TRAVEL']
  box.process['capabilities'] = {'bounding': names, 'effective': names, 'permitted': names}
  result = box.run(before=['--log-level', 'warning'])
  t.same(int(status_field(result.out, 'CapBnd'), 16), bits(['CAP_KILL']))
  t.same(result.err, 'warning: process.capabilities: ignoring unknown names: CAP_TIME_TRAVEL\n')
  t.worked(box.run())


def test_all_five_sets_at_once(t):
  one = ['CAP_NET_BIND_SERVICE']
  box = t.box(SHOW, user={'uid': 5, 'gid': 5})
  box.process['capabilities'] = {name: one for name in SETS.values()}
  check(t, box, {name: one for name in SETS.values()})
