"""Callers and places that are not as usual."""

import os
import resource
import signal
import subprocess
import time

from lib import PATIENCE, also_as_user, everyone, read, status_field


@also_as_user
def test_a_strict_umask_of_the_caller_has_no_effect(t):
  box = t.box('stat -c %a /dev/null /dev/full /new /made/mount; umask', cwd='/new')
  box.mount('/made/mount', 'tmpfs', [], 'tmpfs')
  old = os.umask(0o077)
  try:
    result = box.run()
  finally:
    os.umask(old)
  t.same(t.worked(result).out.split(), ['666', '666', '755', '755', '0022'])


def test_blocked_signals_of_the_caller_are_not_the_containers(t):
  def block():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
  result = t.box(args=['cat', '/proc/self/status']).run(preexec_fn=block)
  t.same(int(status_field(t.worked(result).out, 'SigBlk'), 16), 0)


def test_a_caller_that_ignores_SIGCHLD_gets_the_exit_status_all_the_same(t):
  result = t.box('exit 5').run(preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
  t.same((result.rc, result.err), (5, ''))


def test_a_host_on_which_memory_cannot_be_executed(t):
  """There is no container then: never one that has the host's file for its program."""
  setting = '/proc/sys/vm/memfd_noexec'
  if not os.path.exists(setting):
    t.skip('this kernel has no vm.memfd_noexec')
  box = t.box('echo made')
  box.save()
  words = ' '.join(t.command(['run', '--bundle', box.directory, box.id]))
  # The setting is the pid namespace's.
  for value, out in (('1', 'made\n'), ('2', '')):
    process = t.helper(['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c',
                        'echo %s > %s && %s' % (value, setting, words)], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, env=t.environment())
    found = process.communicate(timeout=20 * PATIENCE)
    t.same(found, (out, '' if out else (
      "make memory for the container's init: this host does not let programs in memory be executed: the "
      'sysctl vm.memfd_noexec must be below 2, and security modules must let proa execute a memfd\n')))
    t.nothing_left()


@also_as_user
def test_a_bundles_path_may_have_any_characters(t):
  for name in ('a b', "it's", 'co:lon,comma', '"quoted"', 'back\\slash', '\u00e4\u4e2d',
               'new\nline', '%s%n', '-x', '$(id)'):
    box = t.box(args=['echo', 'fine'])
    path = t.path(name)
    os.rename(box.directory, path)
    box.directory, box.rootfs = path, path + '/rootfs'
    box.mount('/mnt', box.rootfs + '/bin', ['bind', 'ro'])
    t.same(t.worked(box.run()).out, 'fine\n', name)


@also_as_user
def test_the_state_directory_may_have_a_long_path(t):
  root = t.path('r' * 200)
  box = t.box('echo fine; exec sleep 60')
  box.save()
  os.mkdir(root, 0o700)
  t.worked(t.proa('--root', root, 'create', '--bundle', box.directory, box.id, plain=True))
  t.worked(t.proa('--root', root, 'start', box.id, plain=True))
  t.worked(t.proa('--root', root, 'delete', '--force', box.id, plain=True))


@also_as_user
def test_a_bundle_may_lie_deep(t):
  box = t.box(args=['echo', 'fine'])
  path = t.directory
  for _ in range(8):
    path += '/' + 'd' * 200
  os.makedirs(path)
  os.rename(box.directory, path + '/b')
  box.directory, box.rootfs = path + '/b', path + '/b/rootfs'
  t.same(t.worked(box.run()).out, 'fine\n')


def test_few_descriptors_of_the_caller_are_enough_for_many_mounts(t):
  box = t.box('grep -c /many/ /proc/self/mountinfo; ulimit -Sn')
  for number in range(200):
    box.mount('/many/%d' % number, 'tmpfs', [], 'tmpfs')
  result = box.run(preexec_fn=lambda: resource.setrlimit(
    resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
  t.same(t.worked(result).out, '200\n100\n')


def test_a_large_environment_and_many_arguments(t):
  box = t.box(args=['sh', '-c', 'echo $# ${#BIG}', 'sh'] + ['a'] * 50000,
              env=['PATH=/bin', 'BIG=' + 'x' * 100000])
  t.same(box.output(), '50000 100000\n')


def test_too_many_arguments_are_an_error(t):
  box = t.box(args=['true'] + ['a' * 1000] * 8000)
  result = box.run()
  t.same((result.rc, result.err.count('\n')), (1, 1))
  t.has(result.err.lower(), 'argument list too long')
  t.nothing_left()


def test_a_large_config_is_read_quickly(t):
  box = t.box()
  box.config['annotations'] = {'key.%d' % number: 'x' * 20 for number in range(100000)}
  begin = time.monotonic()
  box.run()
  t.true(time.monotonic() - begin < 3 * PATIENCE, 'it took %.1f s' % (time.monotonic() - begin))


def test_a_damaged_record_is_an_error_and_can_be_removed(t):
  box = t.box(args=['sleep', '60']).no_namespace('mount')
  box.config['mounts'] = []
  box.launch()
  box.kill('KILL')
  box.wait_until('stopped')
  box.delete()
  root = t.settings.directory + '/state'
  os.mkdir(root + '/broken', 0o700)
  for text in ('', '{', '{}', '[]', '{"id": 5}', '\0' * 100, 'x' * 100000):
    with open(root + '/broken/state.json', 'w', encoding='utf-8') as file:
      file.write(text)
    for words in (('state',), ('start',), ('kill',), ('delete',)):
      result = t.proa(*words, 'broken')
      t.same((result.rc, result.out, result.err.count('\n')), (1, '', 1), '%s %r' % (words, text))
    t.same(t.proa('list', '-q').rc, 0, repr(text))
  t.worked(t.proa('delete', '--force', 'broken'), '')
  t.true(not os.path.exists(root + '/broken'), 'it is still there')


def test_a_state_entry_that_is_a_link_is_not_followed(t):
  box = t.box(args=['sleep', '60']).launch()
  root = t.settings.directory + '/state'
  other = t.path('other')
  os.mkdir(other)
  with open(other + '/state.json', 'w', encoding='utf-8') as file:
    file.write(read('%s/%s/state.json' % (root, box.id)))
  os.symlink(other, root + '/linked')
  t.ready.append(lambda: os.path.lexists(root + '/linked') and os.unlink(root + '/linked'))
  for words in (('state',), ('kill',), ('delete', '--force')):
    t.same(t.proa(*words, 'linked').rc, 1, ' '.join(words))
  t.same(box.status(), 'running')
  t.true(os.path.exists(other + '/state.json'), 'it was removed through the link')


@also_as_user
def test_TERM_during_a_hook_leaves_nothing(t):
  flag = t.path('flag')
  box = t.box().hook('createRuntime', '/bin/sh', '-c', 'touch %s; exec sleep 61' % flag)
  for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    if os.path.exists(flag):
      os.unlink(flag)
    process = box.begin_create()
    t.wait(lambda: os.path.exists(flag), 'the hook runs')
    process.send_signal(number)
    result = t.finish(process)
    t.true(result.rc != 0, 'it succeeded')
    t.worked(t.proa('delete', '--force', box.id))
    t.nothing_left()


@everyone
def test_state_of_a_container_that_is_being_created(t):
  flag = t.path('flag')
  box = t.box().hook('createRuntime', '/bin/sh', '-c', 'touch %s; sleep 0.5' % flag)
  process = box.begin_create()
  t.wait(lambda: os.path.exists(flag), 'the hook runs')
  t.same(box.status(), 'creating')
  t.same(t.proa('kill', box.id, 'KILL').rc, 1)
  t.worked(t.finish(process))
  t.same(box.status(), 'created')
