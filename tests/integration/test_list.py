"""list."""

import json
import os
import pwd
import resource
import shutil
import signal
import subprocess
import tempfile

from lib import also_as_user, read, write


def test_nothing_is_an_empty_list(t):
  t.same(json.loads(t.worked(t.proa('list', '--format', 'json')).out), [])
  t.worked(t.proa('list', '--quiet'), '')
  t.same(len(t.worked(t.proa('list')).out.splitlines()), 1)


@also_as_user
def test_the_json_has_every_container_with_its_state(t):
  boxes = [t.box(args=['sleep', '60']) for _ in range(3)]
  boxes[0].create()
  boxes[1].launch()
  boxes[2].config['annotations'] = {'a': 'b'}
  boxes[2].launch()
  boxes[2].kill('KILL')
  boxes[2].wait_until('stopped')
  rows = json.loads(t.worked(t.proa('list', '-f', 'json')).out)
  t.same({row['id']: row['status'] for row in rows},
         dict(zip((box.id for box in boxes), ('created', 'running', 'stopped'))))
  by_id = {row['id']: row for row in rows}
  for box in boxes:
    state = box.state()
    t.same({key: by_id[box.id].get(key) for key in state}, state)


def record(t, box):
  """The path of its record."""
  paths = ['%s/%s/state.json' % (root, box.id) for root in t.settings.state_roots()]
  return next(path for path in paths if os.path.exists(path))


def agree(t, *boxes, words=()):
  """list says of each container what state says; then so of records in memory, where list may go by one look."""
  def compare(*before):
    rows = {row['id']: row for row in json.loads(t.worked(t.proa(*before, 'list', '-f', 'json')).out)}
    for box in boxes:
      state = json.loads(t.worked(t.proa(*before, 'state', box.id)).out)
      t.same({key: rows[box.id].get(key) for key in state}, state)
    return [rows[box.id]['status'] for box in boxes]
  found = compare()
  memory = tempfile.mkdtemp(dir='/dev/shm')
  try:
    for box in boxes:
      os.mkdir('%s/%s' % (memory, box.id))
      shutil.copy(record(t, box), '%s/%s' % (memory, box.id))
    t.same(compare('--root', memory), found)
  finally:
    shutil.rmtree(memory)
  t.same(found, list(words or found))


def cgroup_v2(t, box):
  """Its directory in version 2, which has to be one of its own."""
  watched = t.needs_cgroup('v2')
  row, = [line for line in read('/proc/%d/cgroup' % box.pid()).splitlines() if line.startswith('0::')]
  path = watched + row.split(os.path.basename(watched), 1)[1]
  if json.loads(read(record(t, box)))['cgroup'].get('v2') != path:
    t.skip('the container has no cgroup of version 2 of its own')
  return path


def end(t, box):
  """Ends its first process, of which nobody tells the runtime, and waits until it is no zombie either."""
  pid = box.pid()
  os.kill(pid, signal.SIGKILL)
  t.wait(lambda: not os.path.exists('/proc/%d' % pid), 'it has ended')


@also_as_user
def test_it_agrees_with_state_whatever_becomes_of_a_container(t):
  boxes = [t.box(args=['sleep', '60']) for _ in range(5)]
  boxes[4].no_namespace('pid')
  boxes[0].create()
  for box in boxes[1:]:
    box.launch()
  agree(t, *boxes, words=['created'] + ['running'] * 4)
  boxes[1].kill('KILL')
  end(t, boxes[2])
  for box in boxes[1:3]:
    box.wait_until('stopped')
  agree(t, *boxes, words=['created', 'stopped', 'stopped', 'running', 'running'])
  end(t, boxes[4])
  boxes[0].start()
  agree(t, *boxes, words=['running', 'stopped', 'stopped', 'running', 'stopped'])


@also_as_user
def test_it_agrees_with_state_of_what_is_paused(t):
  boxes = [t.box(args=['sleep', '60']) for _ in range(3)]
  boxes[0].create()
  for box in boxes[1:]:
    box.launch()
  if t.proa('pause', boxes[0].id).rc != 0:
    t.skip('nothing can be paused here')
  t.worked(t.proa('pause', boxes[1].id))
  agree(t, *boxes, words=['paused', 'paused', 'running'])
  for box in boxes[:2]:
    t.worked(t.proa('resume', box.id))
  agree(t, *boxes, words=['created', 'running', 'running'])


def test_it_agrees_with_state_of_what_is_frozen_from_above(t):
  if not all(os.path.exists(path + '/cgroup.controllers') for path in t.settings.cgroups):
    t.skip('there is more than version 2 of cgroups')
  box = t.box(args=['sleep', '60'])
  box.linux['cgroupsPath'] = 'above/box'
  above = os.path.dirname(cgroup_v2(t, box.launch()))
  write(above + '/cgroup.freeze', '1')
  t.wait(lambda: 'frozen 1' in read(above + '/box/cgroup.events'), 'it is frozen')
  agree(t, box, words=['running'])
  write(above + '/cgroup.freeze', '0')
  box.delete('--force')
  os.rmdir(above)


def test_it_agrees_with_state_when_its_cgroup_is_anothers(t):
  box = t.box(args=['sleep', '60']).launch()
  path = cgroup_v2(t, box)
  end(t, box)
  t.wait(lambda: 'populated 0' in read(path + '/cgroup.events'), 'the cgroup is empty')
  os.rmdir(path)
  agree(t, box, words=['stopped'])
  os.mkdir(path)
  agree(t, box, words=['stopped'])
  with subprocess.Popen(['sleep', '60']) as stranger:
    write(path + '/cgroup.procs', str(stranger.pid))
    agree(t, box, words=['stopped'])
    stranger.kill()


def test_it_agrees_with_state_when_a_stranger_is_in_its_cgroup(t):
  box = t.box(args=['sleep', '60']).launch()
  path = cgroup_v2(t, box)
  with subprocess.Popen(['sleep', '60']) as stranger:
    write(path + '/cgroup.procs', str(stranger.pid))
    agree(t, box, words=['running'])
    end(t, box)
    agree(t, box, words=['stopped'])
    stranger.kill()


def test_it_agrees_with_state_when_it_was_moved_out_of_its_cgroup(t):
  box = t.box(args=['sleep', '60']).launch()
  path, pid = cgroup_v2(t, box), box.pid()
  elsewhere = os.path.dirname(path) + '/elsewhere'
  os.mkdir(elsewhere)
  write(elsewhere + '/cgroup.procs', str(pid))
  agree(t, box, words=['running'])
  box.delete('--force')
  t.wait(lambda: 'populated 0' in read(elsewhere + '/cgroup.events'), 'it is gone')
  os.rmdir(elsewhere)


def test_it_leaves_out_nothing_where_few_files_may_be_open(t):
  box = t.box(args=['sleep', '60']).launch()
  text = read(record(t, box))
  memory = tempfile.mkdtemp(dir='/dev/shm')
  try:
    names = ['copy-%02d' % number for number in range(40)]
    for name in names:
      os.mkdir('%s/%s' % (memory, name))
      write('%s/%s/state.json' % (memory, name), text.replace('"%s"' % box.id, '"%s"' % name))
    for most in (8, 10, 20, 30):
      result = t.proa('--root', memory, 'list', '-f', 'json',
                      preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
      t.same([row['id'] for row in json.loads(t.worked(result).out)], names)
  finally:
    shutil.rmtree(memory)


def test_ids_are_sorted_however_many_there_are(t):
  names = ['%s%d' % (letter, number) for number in (7, 1, 10, 3, 30, 2, 22) for letter in 'cabd_B']
  for count in (0, 1, 2, 3, 5, 8, 17, 33, len(names)):
    root = t.path('root-%d' % count)
    os.mkdir(root, 0o700)
    for name in names[:count]:
      os.mkdir('%s/%s' % (root, name))
      write('%s/%s/state.json' % (root, name), '')
    t.same(t.worked(t.proa('--root', root, 'list', '-q')).out.split(), sorted(names[:count]))


def test_the_table_tells_the_same(t):
  box = t.box(args=['sleep', '60']).launch()
  head, row = t.worked(t.proa('list')).out.splitlines()
  t.same(head.split(), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
  words = row.split()
  t.same(words[:4] + words[5:], [box.id, str(box.pid()), 'running', box.directory,
                                 pwd.getpwuid(os.geteuid()).pw_name])


def test_quiet_prints_the_ids_alone(t):
  boxes = [t.box(args=['sleep', '60']) for _ in range(2)]
  for box in boxes:
    box.create()
  t.same(sorted(t.worked(t.proa('list', '-q')).out.split()), sorted(box.id for box in boxes))


def test_an_unknown_format_is_refused(t):
  t.refused(t.proa('list', '--format', 'yaml'), 'unknown format "yaml": it is table or json')
