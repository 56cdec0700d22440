"""create, start and state: the life cycle of the specification."""

import json
import os
import pwd
import re
import stat

from lib import alive, also_as_user, everyone, read


@everyone
def test_a_container_goes_through_all_its_states(t):
  box = t.box('echo begun; exec sleep 60')
  box.create()
  t.same(box.status(), 'created')
  t.same(box.written(), '')
  box.start()
  box.wait_for_output('begun')
  t.same(box.status(), 'running')
  box.kill('KILL')
  box.wait_until('stopped')
  box.delete()
  t.same(t.proa('state', box.id).rc, 1)


@also_as_user
def test_the_state_has_what_the_specification_and_engines_ask_for(t):
  box = t.box(args=['sleep', '60'])
  box.config['annotations'] = {'org.example.key': 'v"\\\n\u00e9', 'empty': ''}
  box.create()
  state = box.state()
  t.true(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z', state.pop('created')),
         'created is not RFC 3339')
  pid = state.pop('pid')
  t.true(os.path.exists('/proc/%d' % pid), 'the pid is not of a process')
  owner = state.pop('owner')
  t.same(owner, pwd.getpwuid(os.geteuid()).pw_name)
  t.same(state, {'ociVersion': '1.3.0', 'id': box.id, 'status': 'created',
                 'bundle': box.directory, 'rootfs': box.rootfs,
                 'annotations': box.config['annotations']})


def test_a_stopped_container_has_no_pid(t):
  box = t.box().launch().wait_until('stopped')
  t.true(box.state().get('pid', 0) == 0, 'it has one')


def test_the_version_in_the_state_is_the_configs(t):
  box = t.box()
  box.config['ociVersion'] = '1.0.2-dev'
  box.create()
  t.same(box.state()['ociVersion'], '1.0.2-dev')


def test_the_bundle_in_the_state_is_absolute_and_that_of_the_current_directory_by_default(t):
  box = t.box()
  box.save()
  t.worked(t.proa('create', box.id, cwd=box.directory))
  t.same(box.state()['bundle'], box.directory)
  box.delete()
  t.worked(t.proa('create', '--bundle', box.id, box.id))
  t.same(box.state()['bundle'], box.directory)


def test_the_config_can_have_another_name(t):
  box = t.box(args=['echo', 'other'])
  box.save()
  os.rename(box.directory + '/config.json', box.directory + '/other.json')
  t.same(t.worked(t.proa('run', '-b', box.directory, '-f', 'other.json', box.id)).out, 'other\n')


@also_as_user
def test_the_pid_file_holds_the_pid_and_nothing_else(t):
  box = t.box(args=['sleep', '60'])
  path = t.path('pid')
  box.create('--pid-file', path)
  t.same(read(path), str(box.pid()))
  t.same(os.listdir(t.directory).count('pid'), 1)


def test_the_pid_file_replaces_an_old_one(t):
  box = t.box(args=['sleep', '60'])
  path = t.path('pid', 'this is an old one, and a long one')
  box.create('--pid-file', path)
  t.same(read(path), str(box.pid()))


def test_the_pid_file_is_not_written_through_a_link(t):
  canary = t.path('canary', 'alive')
  os.symlink(canary, t.path('pid'))
  box = t.box(args=['sleep', '60'])
  box.create('--pid-file', t.path('pid'))
  t.same(read(canary), 'alive')


def test_there_is_no_pid_file_after_a_failure(t):
  box = t.box(args=['missing'])
  t.same(box.try_create('--pid-file', t.path('pid')).rc, 1)
  t.true(not os.path.lexists(t.path('pid')), 'there is one')


@also_as_user
def test_the_second_create_of_an_id_fails_and_leaves_the_first_alone(t):
  box = t.box('exec sleep 60').launch()
  before = box.state()
  result = box.try_create()
  t.same(result.err, '%s: container with given ID already exists: choose another ID, or remove it '
         'with "delete --force"\n' % box.id)
  t.same((result.rc, box.state()), (1, before))


def test_start_of_a_running_container_fails(t):
  box = t.box('exec sleep 60').launch()
  result = t.proa('start', box.id)
  t.same((result.rc, result.err), (1, box.id + ': cannot start an already running container\n'))
  t.same(box.status(), 'running')


def test_start_of_a_stopped_container_fails(t):
  box = t.box().launch().wait_until('stopped')
  result = t.proa('start', box.id)
  t.same((result.rc, result.err), (1, box.id + ': cannot start a container that has stopped\n'))


def test_start_of_a_container_that_was_killed_while_it_waited_fails(t):
  box = t.box()
  box.create()
  box.kill('KILL')
  box.wait_until('stopped')
  result = t.proa('start', box.id)
  t.same((result.rc, result.err), (1, box.id + ': cannot start a container that has stopped\n'))


def test_of_two_starts_at_once_one_works(t):
  box = t.box('echo once; exec sleep 60')
  box.create()
  processes = [t.start('start', box.id) for _ in range(4)]
  codes = sorted(t.finish(process).rc for process in processes)
  t.same(codes, [0, 1, 1, 1])
  box.wait_for_output('once')
  t.same(box.written(), 'once\n')


def test_of_many_creates_of_an_id_at_once_one_works(t):
  box = t.box(args=['sleep', '60'])
  processes = [box.begin_create() for _ in range(5)]
  codes = sorted(t.finish(process).rc for process in processes)
  t.same(codes, [0, 1, 1, 1, 1])
  t.same(box.status(), 'created')


@also_as_user
def test_start_works_with_another_environment_and_directory(t):
  box = t.box('echo "$PWD $X"', env=['PATH=/bin', 'X=1'])
  box.create()
  t.worked(t.proa('start', box.id, cwd='/', env={
    'XDG_RUNTIME_DIR': t.environment()['XDG_RUNTIME_DIR']}))
  box.wait_for_output('/ 1')


def test_start_returns_when_the_program_runs_and_does_not_wait_for_its_end(t):
  box = t.box(args=['sleep', '60']).launch()
  with open('/proc/%d/cmdline' % box.pid(), encoding='utf-8') as file:
    t.same(file.read(), 'sleep\x0060\0')


def test_state_of_what_does_not_exist_says_so(t):
  root = t.settings.directory + '/state'
  t.refused(t.proa('state', 'nobody'),
            'nobody: container does not exist: looked for it in ' + root)


def test_the_state_directory_is_for_its_owner_alone(t):
  old = os.umask(0)
  try:
    box = t.box()
    box.create()
  finally:
    os.umask(old)
  root = t.settings.directory + '/state'
  for path in (root, root + '/' + box.id):
    t.same(stat.S_IMODE(os.stat(path).st_mode) & 0o777, 0o700, path)
  for folder, _, names in os.walk(root):
    for name in names:
      mode = stat.S_IMODE(os.lstat(folder + '/' + name).st_mode)
      t.true(mode & 0o022 == 0, '%s/%s may be written by others' % (folder, name))


def test_an_init_that_waits_ends_when_it_is_told_to(t):
  box = t.box()
  box.create()
  pid = box.pid()
  box.kill('TERM')
  box.wait_until('stopped')
  t.wait(lambda: not alive(pid), 'the process ends')


def test_an_empty_object_of_annotations_is_accepted(t):
  box = t.box()
  box.config['annotations'] = {}
  box.create()
  t.same(box.state().get('annotations', {}), {})


def test_ids_may_have_dots_pluses_minuses_and_underscores(t):
  box = t.box()
  box.id = 'A.b+c-d_9'
  box.create()
  t.same(box.state()['id'], 'A.b+c-d_9')


def test_an_unknown_key_is_ignored(t):
  box = t.box(args=['echo', 'fine'])
  box.config['unheardOf'] = {'deep': [1, {'deeper': None}]}
  box.linux['somethingNew'] = 'private'
  t.same(box.output(), 'fine\n')


def test_an_unreadable_entry_in_the_state_directory_harms_no_other(t):
  box = t.box(args=['sleep', '60'])
  box.create()
  foreign = t.settings.directory + '/state/foreign'
  os.mkdir(foreign)
  t.ready.append(lambda: os.path.exists(foreign) and os.rmdir(foreign))
  t.same([row['id'] for row in json.loads(t.worked(t.proa('list', '--format=json')).out)],
         [box.id])
