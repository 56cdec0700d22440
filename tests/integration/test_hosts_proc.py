"""The host's /proc is asked about the host, and what is written there acts on the kernel; where it is another
thing, as it can be where proa itself runs in a container, there is an error instead."""

import os
import subprocess

from isolation import libc
from lib import Result, also_as_user, read

NEW_MOUNTS, BIND, PRIVATE = 0x20000, 4096, 0x44000
FOREIGN = ("the host's /proc is that of another pid namespace: mount the own one: mount -t proc proc /proc")


def with_mount(kind, source, target, flags=0):
  """For preexec_fn: a mount in a namespace of the runtime's own."""
  def mount():
    for words in ((b'none', b'/', None, PRIVATE),
                  (source.encode(), target.encode(), kind and kind.encode(), flags)):
      if libc.unshare(NEW_MOUNTS) < 0 or libc.mount(*words, None) < 0:
        raise OSError('mount %s' % target)
  return mount


def in_pid_namespace(t, *words):
  """The runtime in a pid namespace of its own, with the /proc that was there before."""
  command = ['unshare', '--pid', '--fork', '--kill-child'] + t.command(words)
  result = subprocess.run(command, capture_output=True, text=True, cwd=t.directory, check=False,
                          stdin=subprocess.DEVNULL, env=t.environment(), timeout=20)
  return Result(list(words), result.returncode, result.stdout, result.stderr)


def test_it_is_no_procfs(t):
  box = t.box('echo ran')
  os.mkdir(t.path('fake'))
  os.mkdir(t.path('fake/self'))
  with open(t.path('fake/self/status'), 'w', encoding='utf-8') as file:
    file.write(read('/proc/self/status'))
  # A build with sanitizers misses its own /proc, and has more to say.
  quiet = t.environment(ASAN_OPTIONS='detect_leaks=0')
  for mount in (with_mount('tmpfs', 'none', '/proc'), with_mount(None, t.path('fake'), '/proc', BIND)):
    result = box.try_create(preexec_fn=mount, env=quiet)
    t.same((result.rc, result.out), (1, ''))
    t.has(result.err, "the host's /proc is no procfs: mount it: mount -t proc proc /proc\n")
    t.nothing_left()


def test_its_processes_are_others(t):
  """Their numbers are not those that the runtime knows: ids would be mapped, and badness adjusted, of others."""
  box = t.box('echo ran', oomScoreAdj=500)
  box.save()
  before = [read('/proc/%s/oom_score_adj' % pid) for pid in os.listdir('/proc') if pid.isdigit()
            and int(pid) < 10]
  result = in_pid_namespace(t, 'create', '--bundle', box.directory, box.id)
  t.refused(result, FOREIGN)
  t.same([read('/proc/%s/oom_score_adj' % pid) for pid in os.listdir('/proc') if pid.isdigit()
          and int(pid) < 10], before)
  box = t.box('sleep 60').launch()
  result = in_pid_namespace(t, 'exec', box.id, 'echo', 'ran')
  t.same((result.rc != 0, result.out), (True, ''))


def test_something_is_mounted_on_a_setting(t):
  value = read('/proc/sys/kernel/domainname')
  file = t.path('file', 'a file\n')
  box = t.box('echo ran')
  box.linux['sysctl'] = {'kernel.domainname': 'harbour'}
  text = "linux.sysctl: /proc/sys/kernel/domainname: in the host's /proc something else is mounted there"
  for mount in (with_mount(None, file, '/proc/sys/kernel/domainname', BIND),
                with_mount(None, '/proc/sys/kernel', '/proc/sys/kernel', BIND),
                with_mount(None, t.directory, '/proc/sys', BIND)):
    t.refused(box.try_create(preexec_fn=mount), text)
  t.same((read(file), read('/proc/sys/kernel/domainname')), ('a file\n', value))


def test_something_is_mounted_on_the_containers_process(t):
  """What is not to be believed says nothing of whether the container lives."""
  box = t.box('exec sleep 60').launch()
  pid = box.pid()
  file = t.path('stat', read('/proc/%d/stat' % pid))
  hint = ('it must be the procfs of this pid namespace that is at /proc, with nothing mounted on what is in it')
  for mount in (with_mount(None, file, '/proc/%d/stat' % pid, BIND), with_mount('tmpfs', 'none', '/proc/%d' % pid),
                with_mount('tmpfs', 'none', '/proc')):
    for verb in ('state', 'delete'):
      result = t.proa(verb, box.id, preexec_fn=mount, env=t.environment(ASAN_OPTIONS='detect_leaks=0'))
      if 'look at process' in result.err:
        # C libraries have two words for it, and sanitizers miss their /proc.
        t.has(result.err.replace('invalid ', ''), '%s: look at process %d: cross-device link: %s\n' % (box.id, pid, hint))
      else:  # it was not needed: the kernel tells processes apart by the inode of their pidfds
        t.true(verb == 'state' and '"running"' in result.out or 'running' in result.err, str(result))
  t.same(box.status(), 'running')


@also_as_user
def test_what_is_written_there_is_there(t):
  """The other side: the same files, where nothing is in the way."""
  box = t.box('cat /proc/self/oom_score_adj /proc/sys/kernel/msgmax', oomScoreAdj=700)
  box.linux['sysctl'] = {'kernel.msgmax': '4097'}
  t.same(box.output(), '700\n4097\n')
