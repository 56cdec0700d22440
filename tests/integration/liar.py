"""Callers in whose place somebody answers: a filter lets calls succeed, or fail, and does nothing.

There are such filters, to make programs believe that they are root.
"""

import ctypes
import os
import struct

from lib import Skip

# setgroups, setresuid, setresgid, capset, prctl, seccomp
NUMBERS = {
  'x86_64': (116, 117, 119, 126, 157, 317),
  'aarch64': (159, 147, 149, 91, 167, 277),
}
NAMES = ('setgroups', 'setresuid', 'setresgid', 'capset', 'prctl', 'seccomp')

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2

libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
  _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_char_p)]


def liar(name, argument=None, code=0):
  """For preexec_fn: from then on the call is answered so, if its first argument is this one."""
  numbers = NUMBERS.get(os.uname().machine)
  if not numbers:
    raise Skip('the numbers of calls are those of %s' % ' and '.join(NUMBERS))
  rows = ((LOAD, 0, 0, 0), (EQUAL, 0, 3, numbers[NAMES.index(name)]), (LOAD, 0, 0, 16),
          (EQUAL, 0, 0 if argument is None else 1, argument or 0), (RETURN, 0, 0, ERRNO | code),
          (RETURN, 0, 0, ALLOW))
  text = b''.join(struct.pack('=HBBI', *row) for row in rows)

  def lie():
    if os.geteuid() != 0:
      libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(Program(len(rows), text)), 0, 0) < 0:
      raise OSError(ctypes.get_errno(), 'load a filter')
  return lie
