"""features, and that what it says is so."""

import json

from lib import everyone, run_as


def document(t):
  return json.loads(t.worked(t.proa('features')).out)


def switches(linux):
  """(object in config.json, key, a value, whether the document says that it is supported)"""
  return [
    ('process', 'apparmorProfile', 'unconfined', linux['apparmor']['enabled']),
    ('process', 'selinuxLabel', 'u:r:t:s0', linux['selinux']['enabled']),
    ('linux', 'intelRdt', {'closID': 'class'}, linux['intelRdt']['enabled']),
  ]


@everyone
def test_the_whole_document_is_there(t):
  found = document(t)
  t.same(sorted(found), ['annotations', 'hooks', 'linux', 'mountOptions', 'ociVersionMax',
                         'ociVersionMin', 'potentiallyUnsafeConfigAnnotations'])
  t.same(sorted(found['linux']),
         ['apparmor', 'capabilities', 'cgroup', 'intelRdt', 'memoryPolicy', 'mountExtensions',
          'namespaces', 'netDevices', 'seccomp', 'selinux'])
  t.same((found['ociVersionMin'], found['ociVersionMax']), ('1.0.0', '1.3.0'))


@everyone
def test_everybody_is_told_the_same_without_a_place_to_keep_state(t):
  expected = document(t)
  result = t.proa('features', env={}, plain=True)
  t.same(json.loads(t.worked(result).out), expected)
  result = t.proa('--root', '/nowhere', '--debug', 'features', plain=True)
  t.same(json.loads(t.worked(result).out), expected)


def test_the_versions_are_accepted(t):
  found = document(t)
  for version in (found['ociVersionMin'], found['ociVersionMax']):
    box = t.box('echo fine')
    box.config['ociVersion'] = version
    t.same(box.output(), 'fine\n')


def test_a_container_can_have_all_capabilities_that_are_told(t):
  # Those that the kernel or the caller lacks are left out with a warning: no name is an error.
  names = document(t)['linux']['capabilities']
  box = t.box('echo fine', capabilities={'bounding': names})
  t.same(box.output(), 'fine\n')


def test_all_seccomp_words_can_be_used(t):
  seccomp = document(t)['linux']['seccomp']
  for action in set(seccomp['actions']) - {'SCMP_ACT_NOTIFY'}:  # that needs somebody to listen
    box = t.box('echo fine')
    box.linux['seccomp'] = {
      'defaultAction': 'SCMP_ACT_ALLOW', 'flags': seccomp['knownFlags'],
      'syscalls': [{'names': ['swapoff'], 'action': action,
                    'args': [{'index': 0, 'value': 0, 'valueTwo': 1, 'op': operator}]}
                   for operator in seccomp['operators']]}
    t.same(box.output(), 'fine\n', action)


def test_all_seccomp_architectures_are_known(t):
  for arch in document(t)['linux']['seccomp']['archs']:
    box = t.box('echo fine')
    box.linux['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': [arch]}
    result = box.run()
    if result.rc:  # that is a matter of the machine
      t.has(result.err, 'its byte order is not this machine\'s')


@run_as('root')
def test_what_is_not_there_is_refused(t):
  for part, key, value, has in switches(document(t)['linux']):
    box = t.box('true')
    box.config[part][key] = value
    if not has:
      result = box.run()
      t.same(result.rc, 1)
      t.has(result.err, '%s.%s' % (part, key))


def test_the_checkpoint_annotation_means_that_there_is_one(t):
  has = document(t)['annotations'].get('org.opencontainers.runc.checkpoint.enabled') == 'true'
  t.same(t.proa('checkpoint', '--help').rc == 0, has)


def test_it_takes_no_arguments(t):
  t.refused(t.proa('features', 'x'),
            'features: too many arguments: usage: proa features [OPTIONS]')


def test_the_help_names_the_command(t):
  t.has(t.worked(t.proa('--help')).out, '\n  features ')
  t.has(t.worked(t.proa('features', '--help')).out, 'Usage: proa features [OPTIONS]\n')
