"""annotations: those by which engines ask for something."""

import os
import socket

from lib import also_as_user, everyone, read


def annotated(box, **values):
  box.config['annotations'] = {'run.oci.' + key.replace('__', '.'): value
                               for key, value in values.items()}
  return box


@everyone
def test_a_pidfd_of_the_first_process_is_sent(t):
  path = t.path('receiver')
  with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
    server.bind(path)
    server.listen(1)
    box = annotated(t.box(args=['sleep', '60']), pidfd_receiver=path)
    box.create()
    connection, _ = server.accept()
    with connection:
      text, fds, _, _ = socket.recv_fds(connection, 100, 8)
      t.same((text, connection.recv(1)), (b'standard', b''))
  line = next(line for line in read('/proc/self/fdinfo/%d' % fds[0]).splitlines()
              if line.startswith('Pid:'))
  os.close(fds[0])
  t.same(line, 'Pid:\t%d' % box.pid())


def test_nobody_takes_the_pidfd(t):
  box = annotated(t.box(), pidfd_receiver=t.path('none'))
  t.refused(box.run(), 'annotations["run.oci.pidfd_receiver"]: nobody listens on HERE/none')
  t.refused(annotated(t.box(), pidfd_receiver='none').run(),
            'annotations["run.oci.pidfd_receiver"]: "none" is not absolute')


@also_as_user
def test_what_hooks_write_is_kept(t):
  box = t.box('echo program')
  for kind in ('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'):
    box.hook(kind, '/bin/sh', '-c', 'echo %s; echo %s >&2' % (kind, kind.upper()))
  box.hook('startContainer', '/bin/sh', '-c', 'echo startContainer; echo STARTCONTAINER >&2')
  annotated(box, hooks__stdout=t.path('out'), hooks__stderr=t.path('err'))
  t.path('out', 'old\n')
  box.launch()
  box.wait_until('stopped')
  box.delete()
  expected = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart',
              'poststop']
  t.same(read(t.path('out')).split(), ['old'] + expected)
  t.same(read(t.path('err')).split(), [kind.upper() for kind in expected])
  t.same(box.written(), 'program\n')


def test_a_failing_hook_is_told_and_kept(t):
  box = t.box().hook('createRuntime', '/bin/sh', '-c', 'echo why >&2; exit 4')
  annotated(box, hooks__stderr=t.path('err'))
  t.refused(box.run(), 'hooks.createRuntime[0]: error running createRuntime hook #0: /bin/sh: exit '
            'status 4: it said: why')
  t.same(read(t.path('err')), 'why\n')


def test_a_log_for_hooks_that_cannot_be_opened(t):
  box = annotated(t.box().hook('poststop', '/bin/true'), hooks__stdout='/nowhere/log')
  t.refused(box.run(), 'annotations["run.oci.hooks.stdout"]: open /nowhere/log: no such file or '
            'directory')


def test_a_created_container_holds_the_log_only_for_hooks_inside(t):
  def links(box):
    folder = '/proc/%d/fd' % box.pid()
    return [os.readlink('%s/%s' % (folder, fd)) for fd in os.listdir(folder)]
  for kind, held in (('createRuntime', False), ('startContainer', True)):
    box = annotated(t.box('ls -l /proc/self/fd').hook(kind, '/bin/true'), hooks__stdout=t.path('log'))
    box.create()
    t.same(t.path('log') in links(box), held, kind)
    box.start()
    box.wait_until('stopped')
    t.true(t.path('log') not in box.written(), 'the program has the log')


def test_a_slow_hook_that_fails_tells_how_slow(t):
  box = t.box().hook('createRuntime', '/bin/sh', '-c', '/bin/sleep 1.1; exit 3')
  result = box.run()
  t.has(result.err, 'hook #0: /bin/sh: exit status 3 after 1.')
  t.true(result.err.endswith(' s\n'), result.err)


@everyone
def test_properties_of_a_systemd_unit_are_kept(t):
  box = t.box(args=['sleep', '60'])
  box.config['annotations'] = {'org.systemd.property.TimeoutStopSec': 'uint64 90',
                               'org.systemd.property.After': "['crio.service']",
                               'org.criu.config': '/etc/criu.conf'}
  box.create()
  t.same(box.state()['annotations'], box.config['annotations'])


def test_a_malformed_property_of_a_systemd_unit(t):
  for name, value, text in (
      ('After', "['a'", 'at byte 4: expected "," or "]": write the value as GVariant text: true, '
       "'text', uint64 5, ['a', 'b']"),
      ('Ab', '1', '"Ab" is not a property\'s name: expected 3 or more ASCII letters'),
      ('StopSec', '-1', 'expected a number of seconds from 0 to 18446744073709: set StopUSec, which '
       'is in microseconds: uint64 5000000')):
    box = t.box()
    box.config['annotations'] = {'org.systemd.property.' + name: value}
    t.refused(box.run(), 'annotations["org.systemd.property.%s"]: %s' % (name, text))
