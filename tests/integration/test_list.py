"""list."""

import json
import os
import pwd

from lib import also_as_user


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
