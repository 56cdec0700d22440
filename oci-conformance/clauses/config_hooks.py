"""config.md, POSIX-platform Hooks: what a hook is given."""

import json
import os

from kit import MUST, clause, read

WHERE = 'config.md, POSIX-platform Hooks'
KINDS = ('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')
STATUS = [('prestart', 'creating'), ('createRuntime', 'creating'), ('createContainer', 'creating'),
          ('startContainer', 'created'), ('poststart', 'running'), ('poststop', 'stopped')]


def seen(t, box, kind, script, **more):
  """What a hook of this kind writes to its standard output, through the whole life of the container."""
  log = box.rootfs + '/log'
  box.hook(kind, '{ %s; } >%s' % (script, '/log' if kind == 'startContainer' else log), **more)
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  return read(log) if os.path.exists(log) else ''


def state_of(t, box, kind):
  text = seen(t, box, kind, 'cat')
  try:
    return json.loads(text)
  except ValueError:
    t.true(False, 'no JSON on standard input: %r' % text)


@clause(WHERE, MUST, 'a {} hook gets the state on standard input', list(KINDS))
def state(t, kind):
  box = t.box('true')
  box.config['annotations'] = {'com.example.key': 'value'}
  found = state_of(t, box, kind)
  t.same((found.get('id'), found.get('annotations', {}).get('com.example.key'),
          os.path.realpath(found.get('bundle', ''))),
         (box.id, 'value', os.path.realpath(box.directory)))
  t.true(isinstance(found.get('ociVersion'), str), 'there is no ociVersion')


@clause('runtime.md, State', MUST, 'the state that a {} hook gets has the status of that step', STATUS)
def status(t, kind, expected):
  t.same(state_of(t, t.box('true'), kind).get('status'), expected)


@clause('runtime.md, State', MUST, 'the state that a {} hook gets has the pid which the runtime sees',
        ['prestart', 'createRuntime', 'poststart'])
def pid_outside(t, kind):
  box = t.box('true')
  found = state_of(t, box, kind)
  t.same(found.get('pid'), box.first)


@clause('runtime.md, State', MUST, 'the state that a {} hook gets has the pid which the container sees',
        ['createContainer', 'startContainer'])
def pid_inside(t, kind):
  t.same(state_of(t, t.box('true'), kind).get('pid'), 1)


@clause(WHERE, MUST, 'a {} hook is started with its args', list(KINDS))
def args(t, kind):
  box = t.box('true')
  log = box.rootfs + '/log'
  script = 'echo "$0/$1/$2" >%s' % ('/log' if kind == 'startContainer' else log)
  box.hook(kind, '', args=['sh', '-c', script, 'zero', 'one', 'two words'])
  box.launch().wait()
  t.wait(lambda: box.status() == 'stopped', 'it is stopped')
  box.delete()
  t.same(read(log) if os.path.exists(log) else '', 'zero/one/two words\n')


@clause(WHERE, MUST, 'a {} hook has the variables of its env', list(KINDS))
def env(t, kind):
  found = seen(t, t.box('true'), kind, 'echo "$ONE-$TWO"',
               env=['PATH=/bin:/usr/bin', 'ONE=1', 'TWO=two words'])
  t.same(found, '1-two words\n')


@clause(WHERE, MUST, 'a {} hook whose path is not absolute is an error', list(KINDS))
def relative_path(t, kind):
  box = t.box('true')
  box.hook(kind, 'true', path='sh')
  result = box.try_create()
  if result.rc == 0:
    box.first = box.pid()
    result = box.try_start()
  if result.rc == 0 and kind == 'poststop':
    box.wait()
    t.wait(lambda: box.status() == 'stopped', 'it is stopped')
    result = box.try_delete()
  t.failed(result)


@clause(WHERE, MUST, 'a timeout of {} is an error', [('0', 0), ('-1', -1)])
def timeout_invalid(t, _, timeout):
  box = t.box('true')
  box.hook('createRuntime', 'true', timeout=timeout)
  box.refused()


@clause(WHERE, MUST, 'a {} hook that takes longer than its timeout is aborted and has failed',
        ['prestart', 'createRuntime', 'createContainer'])
def timeout(t, kind):
  box = t.box('true')
  box.hook(kind, 'sleep 3; touch %s' % t.path('over'), timeout=1)
  t.failed(box.try_create())
  t.true(not os.path.exists(t.path('over')), 'the hook went on')


@clause(WHERE, MUST, 'a hook that is over before its timeout has not failed')
def timeout_kept(t):
  box = t.box('true')
  box.hook('createRuntime', 'true', timeout=5)
  box.launch().wait()


@clause(WHERE, MUST, 'a path is required for a hook')
def path_missing(t):
  box = t.box('true')
  del box.hook('createRuntime', 'true')['path']
  box.refused()


@clause(WHERE, MUST, 'the namespaces of the container are there when a {} hook is run',
        ['prestart', 'createRuntime', 'createContainer'])
def namespaces_made(t, kind):
  box = t.box('true')
  script = 'pid=$(sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/"); readlink /proc/$pid/ns/uts /proc/$pid/ns/ipc'
  if kind == 'createContainer':  # whatever pid it is told, it is in them itself
    script = 'readlink /proc/self/ns/uts /proc/self/ns/ipc'
  found = seen(t, box, kind, script).split()
  t.same(len(found), 2)
  t.true(os.readlink('/proc/self/ns/uts') not in found, 'the uts namespace is the runtime\'s')
  t.true(os.readlink('/proc/self/ns/ipc') not in found, 'the ipc namespace is the runtime\'s')


@clause(WHERE, MUST, 'a createContainer hook is run before the root is switched to')
def before_pivot(t):
  box = t.box('true')
  t.same(seen(t, box, 'createContainer', 'test -e %s/rootfs && echo host' % box.directory), 'host\n')


@clause(WHERE, MUST, 'a createContainer hook finds the mounts of the config below the root')
def mounts_made(t):
  box = t.box('true')
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  t.has(seen(t, box, 'createContainer', 'cat /proc/self/mountinfo'), '/rootfs/mnt ')


@clause(WHERE, MUST, 'a hook that does not read its standard input has not failed')
def input_unread(t):
  box = t.box('echo fine')
  box.config['annotations'] = {'com.example.large': 'x' * 100000}
  box.hook('createRuntime', 'exec <&-; exit 0')
  t.same(box.output(), 'fine')
