"""delete."""

import os

from lib import alive, also_as_user, everyone


@everyone
def test_a_stopped_container_is_deleted(t):
  box = t.box().launch().wait_until('stopped')
  box.delete()
  t.nothing_left()


@also_as_user
def test_a_running_container_is_not_deleted(t):
  box = t.box(args=['sleep', '60']).launch()
  result = t.proa('delete', box.id)
  t.same((result.rc, result.err),
         (1, 'cannot delete container %s that is not stopped: running: "delete --force" kills it '
             'first\n' % box.id))
  t.same(box.status(), 'running')


@also_as_user
def test_force_kills_first_and_returns_when_all_is_over(t):
  box = t.box('trap "" TERM; sleep 61 & sleep 62').launch()
  pid = box.pid()
  box.delete('--force')
  t.true(not alive(pid), 'it is still there')
  t.nothing_left()


def test_a_created_container_is_deleted_without_force(t):
  box = t.box()
  box.create()
  box.delete()
  t.nothing_left()


@also_as_user
def test_force_on_what_does_not_exist_is_silent(t):
  t.worked(t.proa('delete', '--force', 'nobody'), '')
  t.worked(t.proa('delete', '-f', 'nobody'), '')


def test_delete_of_what_does_not_exist_says_so(t):
  t.refused(t.proa('delete', 'nobody'),
            'nobody: container does not exist: looked for it in %s/state' % t.settings.directory)


def test_processes_without_a_pid_namespace_are_ended_too(t):
  box = t.box('sleep 61 & sleep 62 & exit 0').no_namespace('pid').launch().wait_until('stopped')
  box.delete()
  t.nothing_left()


def test_cgroups_below_the_containers_are_removed(t):
  box = t.box('for d in /sys/fs/cgroup/*; do mkdir $d/a $d/a/b; done 2>/dev/null; echo ready; '
              'exec sleep 60')
  box.mount('/sys/fs/cgroup', 'cgroup', ['rw'], 'cgroup').namespace('cgroup').launch()
  box.wait_for_output('ready')
  box.delete('--force')
  t.nothing_left()


def test_a_directory_without_a_record_is_removed_by_force(t):
  path = t.settings.directory + '/state/remains'
  os.makedirs(path, 0o700)
  os.chmod(os.path.dirname(path), 0o700)
  t.worked(t.proa('delete', '--force', 'remains'), '')
  t.true(not os.path.exists(path), 'it is still there')


def test_force_never_leaves_the_state_directory(t):
  canary = t.path('canary', 'alive')
  for name in ('..', '../' + os.path.basename(t.directory), '.', '', canary):
    t.same(t.proa('delete', '--force', '--', name).rc, 1, name)
  t.true(os.path.exists(canary), 'the canary is gone')


def test_an_id_can_be_used_again(t):
  box = t.box()
  for _ in range(3):
    box.launch().wait_until('stopped')
    box.delete()


def test_force_kills_what_a_damaged_record_does_not_tell_any_more(t):
  for text in ('', '{"id": ', '\0' * 100):
    for pid_namespace in (True, False):
      box = t.box('sleep 60 & exec sleep 60')
      if not pid_namespace:
        box.no_namespace('pid')
      box.launch()
      pid = box.pid()
      path = '%s/state/%s/state.json' % (t.settings.directory, box.id)
      os.unlink(path)  # the one before may be another name of the same file
      with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
      t.worked(t.proa('delete', '--force', box.id), '')
      t.true(not alive(pid), 'it lives on')
  t.nothing_left()


def test_two_deletes_at_once_leave_nothing(t):
  box = t.box(args=['sleep', '60']).launch()
  processes = [t.start('delete', '--force', box.id) for _ in range(4)]
  t.same([t.finish(process).rc for process in processes], [0, 0, 0, 0])
  t.nothing_left()
