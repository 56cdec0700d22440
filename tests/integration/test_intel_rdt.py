"""linux.intelRdt, on a machine without it; the rest is in tests/unit/test-intel-rdt.c."""

from lib import read


def test_it_is_an_error_where_resctrl_is_not_mounted(t):
  if ' - resctrl ' in read('/proc/self/mountinfo'):
    t.skip('resctrl is mounted')
  box = t.box()
  box.linux['intelRdt'] = {'closID': 'guaranteed', 'memBwSchema': 'MB:0=20'}
  t.refused(box.run(), 'linux.intelRdt: the file system resctrl is not mounted: on a processor that '
            'has it: mount -t resctrl resctrl /sys/fs/resctrl')


def test_a_name_that_leads_elsewhere(t):
  box = t.box()
  box.linux['intelRdt'] = {'closID': '../x'}
  t.refused(box.run(), 'linux.intelRdt.closID: "../x" is no name of a group')
