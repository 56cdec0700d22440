"""runtime.md, State, and the operation that queries it."""

import os
import re

from kit import MAY, MUST, clause, read

WHERE = 'runtime.md, State'
SEMVER = re.compile(r'\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$')


@clause(WHERE, MUST, 'ociVersion is a semantic version')
def oci_version(t):
  version = t.box('sleep 100').create().state().get('ociVersion')
  t.true(isinstance(version, str) and SEMVER.match(version), 'it is %r' % (version,))


@clause(WHERE, MUST, 'id is the ID that the container was created with')
def identity(t):
  box = t.box('sleep 100').create()
  t.same(box.state().get('id'), box.id)


@clause(WHERE, MUST, 'status is "created" between create and start')
def status_created(t):
  t.same(t.box('sleep 100').create().status(), 'created')


@clause(WHERE, MUST, 'status is "running" once the program runs')
def status_running(t):
  t.same(t.box('sleep 100').launch().status(), 'running')


@clause(WHERE, MUST, 'status is "stopped" when the process has exited')
def status_stopped(t):
  box = t.box('true').launch()
  box.wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')


@clause(WHERE, MUST, 'pid is there when the container is created, and is a live process')
def pid_created(t):
  pid = t.box('sleep 100').create().state().get('pid')
  t.true(isinstance(pid, int) and pid > 0 and os.path.exists('/proc/%d' % pid), 'pid is %r' % (pid,))


@clause(WHERE, MUST, 'pid is there when the container runs, and is the process of the program')
def pid_running(t):
  pid = t.box(args=['sleep', '4321']).launch().state().get('pid')
  t.true(isinstance(pid, int), 'pid is %r' % (pid,))
  t.same(read('/proc/%d/cmdline' % pid).split('\0')[:2], ['sleep', '4321'])


@clause(WHERE, MUST, 'pid is the one that the runtime sees, though the container has its own')
def pid_outside(t):
  box = t.box('sleep 100').launch()
  inside = read('/proc/%d/status' % box.pid())
  line = next(line for line in inside.splitlines() if line.startswith('NSpid:'))
  t.same(line.split()[-1], '1', 'the pid inside')
  t.true(box.pid() != 1, 'the state has the pid that the container sees')


@clause(WHERE, MUST, 'bundle is an absolute path')
def bundle_absolute(t):
  box = t.box('sleep 100').create()
  t.same(os.path.realpath(box.state().get('bundle', '')), os.path.realpath(box.directory))


@clause(WHERE, MUST, 'bundle is absolute when create was given a relative path')
def bundle_relative(t):
  box = t.box('sleep 100').save()
  box.made = True
  t.worked(t.runtime('create', '--bundle', box.id, box.id, cwd=t.directory, stdout=box.log))
  found = box.state()['bundle']
  t.true(os.path.isabs(found), 'it is %r' % found)
  t.same(os.path.realpath(found), os.path.realpath(box.directory))


@clause(WHERE, MUST, 'annotations are those of the config')
def annotations(t):
  box = t.box('sleep 100')
  box.config['annotations'] = {'com.example.one': 'first', 'com.example.two': 'second'}
  found = box.create().state().get('annotations') or {}
  t.same({key: found.get(key) for key in box.config['annotations']}, box.config['annotations'])


@clause(WHERE, MUST, 'an annotation with an empty value is in the state')
def annotation_empty(t):
  box = t.box('sleep 100')
  box.config['annotations'] = {'com.example.empty': ''}
  t.same((box.create().state().get('annotations') or {}).get('com.example.empty'), '')


@clause(WHERE, MUST, 'annotations of special characters come back unchanged')
def annotation_characters(t):
  box = t.box('sleep 100')
  value = 'a "quote", a \\ and a / and \u00fc and \U0001f40b and a\ttab'
  box.config['annotations'] = {'com.example.text': value}
  t.same(box.create().state().get('annotations', {}).get('com.example.text'), value)


@clause(WHERE, MAY, 'without annotations in the config they are absent or an empty map')
def annotations_absent(t):
  t.true(not t.box('sleep 100').create().state().get('annotations'), 'there are some')


@clause(WHERE, MUST, 'a status beyond the defined ones is used for no defined state')
def defined_status(t):
  box = t.box('sleep 100').create()
  found = [box.status()]
  found.append(box.start().status())
  found.append(box.stop().status())
  t.same(found, ['created', 'running', 'stopped'])


@clause('runtime.md, Query State', MUST, 'it is an error to ask for no container')
def without_id(t):
  t.failed(t.runtime('state'))


@clause('runtime.md, Query State', MUST, 'it is an error to ask for a container that does not exist')
def unknown(t):
  t.failed(t.runtime('state', 'no-such-container'))


@clause('runtime.md, Query State', MUST, 'asking changes nothing')
def no_effect(t):
  box = t.box('sleep 100').create()
  first = box.state()
  t.same([box.state() for _ in range(3)], [first] * 3)


@clause('runtime.md, Query State', MUST, 'each container has a state of its own')
def several(t):
  boxes = [t.box('sleep 100') for _ in range(3)]
  for box in boxes:
    box.create()
  boxes[1].start()
  t.same([box.status() for box in boxes], ['created', 'running', 'created'])
  t.same(len({box.pid() for box in boxes}), 3, 'different pids')
