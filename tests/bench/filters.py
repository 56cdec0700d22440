"""A seccomp filter for the floor program: which numbers the profile of bundles.py allows, as a binary search."""

import pathlib
import re
import struct

import bundles

LOAD, EQUAL, AT_LEAST, RETURN, AND = 0x20, 0x15, 0x35, 0x06, 0x54
ALLOW, REFUSE = 0x7fff0000, 0x00050001
X86_64, I386 = 0xc000003e, 0x40000003
X32_BIT = 0x40000000


def ranges(allowed):
  """(first number, verdict) of each run of numbers with one verdict."""
  found = []
  for number in range(bundles.NEWEST + 2):
    verdict = ALLOW if number in allowed else REFUSE
    if not found or found[-1][1] != verdict:
      found.append((number, verdict))
  return found


def search(list_):
  """Instructions as (code, jump if true, jump if false, value)."""
  if len(list_) == 1:
    return [(RETURN, 0, 0, list_[0][1])]
  middle = len(list_) // 2
  low, high = search(list_[:middle]), search(list_[middle:])
  if len(low) > 255:
    raise ValueError('the filter is too long for its jumps')
  return [(AT_LEAST, len(low), 0, list_[middle][0])] + low + high


def numbers(width, names):
  text = pathlib.Path(bundles.HEADERS % width).read_text(encoding='utf-8')
  return {int(number) for name, number in re.findall(r'#define __NR_(\w+)\s+(\d+)', text) if name in names}


def write(path):
  names = set(bundles.seccomp(True)['syscalls'][1]['names']) | {'socket', 'personality'}
  wide, narrow = (search(ranges(numbers(width, names))) for width in ('64', '32'))
  wide = [(LOAD, 0, 0, 0), (AND, 0, 0, ~X32_BIT & 0xffffffff)] + wide
  narrow = [(LOAD, 0, 0, 0)] + narrow
  program = [(LOAD, 0, 0, 4), (EQUAL, 0, len(wide), X86_64), *wide, (EQUAL, 1, 0, I386), (RETURN, 0, 0, REFUSE),
             *narrow]
  pathlib.Path(path).write_bytes(b''.join(struct.pack('<HBBI', *row) for row in program))
  return path
