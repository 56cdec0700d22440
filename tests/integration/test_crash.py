"""The runtime is killed at any moment; "delete --force" then removes all that it made."""

import os
import time

import leftovers
from lib import also_as_user, everyone, time_limit


def busy_box(t):
  """A container with some of everything that could be left."""
  box = t.box(args=['sleep', '60']).namespace('network').namespace('cgroup')
  box.mount('/mnt', 'tmpfs', [], 'tmpfs').mount('/var', box.rootfs + '/bin', ['rbind', 'ro'])
  box.linux['maskedPaths'] = ['/proc/keys']
  box.linux['readonlyPaths'] = ['/proc/sys']
  if t.is_root and t.cgroup('pids'):
    box.linux['resources'] = {'pids': {'limit': 50}}
  return box


def how_long(t, make):
  """Seconds that it takes if nobody disturbs."""
  begin = time.monotonic()
  box = make()
  t.worked(t.finish(box.begin_create()))
  seconds = time.monotonic() - begin
  box.delete('--force')
  return seconds


def kill_at_spread_times(t, make, begin, count, tail=1.2):
  """Kills the runtime after ever longer times, and counts what is left when it is deleted."""
  whole = how_long(t, make) * tail
  created = 0
  for number in range(count):
    box = make()
    process = begin(box)
    time.sleep(whole * number / count)
    process.kill()
    process.wait()
    created += t.proa('state', box.id).rc == 0
    result = t.proa('delete', '--force', box.id)
    t.same((result.rc, result.out, result.err), (0, '', ''), 'killed after %.1f ms'
           % (whole * number / count * 1000))
    t.nothing_left()
    box.used = False
  t.true(created > 0, 'not one was killed late enough to leave a record')


@time_limit(90)
@also_as_user
def test_create_is_killed(t):
  kill_at_spread_times(t, lambda: busy_box(t), lambda box: box.begin_create(), 60)


@time_limit(60)
def test_create_in_a_user_namespace_is_killed(t):
  kill_at_spread_times(t, lambda: busy_box(t).map_ids((0, 100000, 65536)),
                       lambda box: box.begin_create(), 30)


@time_limit(60)
def test_create_without_namespaces_is_killed(t):
  def make():
    box = t.box(args=['sleep', '60']).no_namespace('pid').no_namespace('mount')
    box.config['mounts'] = box.config['mounts'][:1]
    return box
  kill_at_spread_times(t, make, lambda box: box.begin_create(), 30)


@time_limit(60)
def test_create_in_a_cgroup_of_others_is_killed_and_they_live_on(t):
  path = t.needs_cgroup('pids' if t.cgroup('pids') else 'v2')
  os.mkdir(path + '/occupied')
  t.ready.append(lambda: os.rmdir(path + '/occupied'))
  canary = t.helper(['sleep', '60'])
  with open(path + '/occupied/cgroup.procs', 'w', encoding='utf-8') as file:
    file.write(str(canary.pid))
  for number in range(40):
    box = t.box()
    # A path that is the same in all hierarchies: below the watched cgroup, wherever that is.
    box.linux['cgroupsPath'] = '/%s/occupied' % os.path.basename(path)
    process = box.begin_create()
    time.sleep(0.0003 * number)
    process.kill()
    process.wait()
    result = t.proa('delete', '--force', box.id)
    t.same(canary.poll(), None, 'the end of the canary, round %d' % number)
    t.same((result.rc, result.err), (0, ''), 'delete, round %d' % number)
    box.used = False


@time_limit(60)
def test_run_is_killed(t):
  kill_at_spread_times(t, lambda: busy_box(t), lambda box: box.begin_run(), 30, 2)


@time_limit(60)
def test_delete_is_killed(t):
  for number in range(20):
    box = busy_box(t).launch()
    process = t.start('delete', '--force', box.id)
    time.sleep(0.001 * number)
    process.kill()
    process.wait()
    t.worked(t.proa('delete', '--force', box.id), '')
    t.nothing_left()


@everyone
def test_an_init_whose_runtime_dies_before_the_record_is_written_ends_by_itself(t):
  box = t.box()
  flag = t.path('flag')
  if t.is_root:
    box.hook('createContainer', '/bin/sh', '-c', 'touch %s; sleep 0.3' % flag)
  else:
    box.hook('createRuntime', '/bin/sh', '-c', 'touch %s; sleep 0.3' % flag)
  process = box.begin_create()
  t.wait(lambda: os.path.exists(flag), 'the hook runs')
  process.kill()
  process.wait()
  # without any delete: only the record may be there
  def processes():
    return [line for line in left(t) if line.startswith('process')]
  t.wait(lambda: not processes(), 'all processes end')
  t.worked(t.proa('delete', '--force', box.id), '')
  t.nothing_left()


def left(t):
  return leftovers.since(t.before, t.settings, 0).splitlines()


def test_an_id_whose_creation_was_killed_can_be_used_after_a_delete(t):
  box = t.box(args=['echo', 'fine']).hook('createRuntime', '/bin/sleep', '0.2')
  process = box.begin_create()
  time.sleep(0.1)
  process.kill()
  process.wait()
  t.same(box.try_create().rc, 1)
  t.worked(t.proa('delete', '--force', box.id), '')
  t.same(box.output(), 'fine\n')


def test_the_container_lives_on_when_a_detached_run_is_over(t):
  box = t.box(args=['sleep', '60'])
  t.worked(box.run('--detach'))
  t.same(box.status(), 'running')
