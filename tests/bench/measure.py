"""Runs commands and keeps what they took: on the clock, of the processor, in memory."""

import os
import resource
import select
import statistics
import sys
import time

DEVNULL = os.open('/dev/null', os.O_RDWR | os.O_CLOEXEC)


class Sample:
  """Microseconds of one command, the children that it waited for included."""

  def __init__(self, wall, cpu):
    self.wall, self.cpu = wall, cpu

  def __add__(self, other):
    return Sample(self.wall + other.wall, self.cpu + other.cpu)


class Memory:
  """KiB of a process: resident, and of that its own alone."""

  def __init__(self, resident, own):
    self.resident, self.own = resident, own


def begin(words, log, output=DEVNULL):
  actions = [(os.POSIX_SPAWN_DUP2, DEVNULL, 0), (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
  return os.posix_spawn(words[0], words, os.environ, file_actions=actions)


def fail(words, log):
  os.lseek(log, 0, os.SEEK_SET)
  sys.exit(f'{" ".join(words)}: {os.read(log, 4096).decode(errors="replace").strip()}')


def take(words, log, output=DEVNULL):
  """One command, which has to succeed; log is a file that it may write errors to."""
  begun = time.perf_counter()
  pid = begin(words, log, output)
  _, status, usage = os.wait4(pid, 0)
  wall = time.perf_counter() - begun
  if status != 0:
    fail(words, log)
  return Sample(wall * 1e6, (usage.ru_utime + usage.ru_stime) * 1e6)


def take_many(commands, log):
  """All at once; a sample of them together."""
  before, begun = processor_of_children(), time.perf_counter()
  pids = [begin(words, log) for words in commands]
  for pid, words in zip(pids, commands):
    if os.waitpid(pid, 0)[1] != 0:
      fail(words, log)
  wall = time.perf_counter() - begun
  return Sample(wall * 1e6, (processor_of_children() - before) * 1e6)


def processor_of_children():
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime


def processor_of(pid):
  """Microseconds that a process that nobody waits for has run."""
  with open(f'/proc/{pid}/schedstat', encoding='ascii') as file:
    return int(file.read().split()[0]) / 1000


def wait_for_end(pidfd):
  poll = select.poll()
  poll.register(pidfd, select.POLLIN)
  poll.poll(10000)
  os.close(pidfd)


def median(samples, what):
  return statistics.median(getattr(sample, what) for sample in samples)


def tenth(samples, what):
  """The value that a tenth of the samples is below: what it takes when nothing else is in the way."""
  values = sorted(getattr(sample, what) for sample in samples)
  return values[len(values) // 10]
