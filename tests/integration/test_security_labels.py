"""process.apparmorProfile, process.selinuxLabel, linux.mountLabel."""

import os

from lib import also_as_user, everyone, read

LABEL = 'system_u:system_r:container_t:s0:c1,c2'


def has_apparmor():
  path = '/sys/module/apparmor/parameters/enabled'
  return os.path.exists(path) and read(path).startswith('Y')


def needs_no_selinux(t):
  if os.path.exists('/sys/fs/selinux/enforce'):
    t.skip('this machine has SELinux')


@everyone
def test_a_profile_that_cannot_be_had_is_refused(t):
  result = t.box(apparmorProfile='proa-test').try_create()
  if has_apparmor():
    path = '/proc/self/attr/apparmor/exec'
    t.refused(result, 'process.apparmorProfile: write `%s`: the profile "proa-test" is not '
                      'loaded: load it on the host with apparmor_parser' % path)
  else:
    t.refused(result, 'process.apparmorProfile: AppArmor is not enabled on this machine: without '
                      'the profile "proa-test" the container would run unconfined; remove it, or '
                      'boot with apparmor=1')


@everyone
def test_unconfined_is_what_a_container_is_without_apparmor(t):
  box = t.box('echo here', apparmorProfile='unconfined')
  t.same(box.output(), 'here\n')


@everyone
def test_an_empty_profile_and_an_empty_label_are_none(t):
  box = t.box('echo here', apparmorProfile='', selinuxLabel='')
  box.linux['mountLabel'] = ''
  t.same(box.output(), 'here\n')


@everyone
def test_a_label_that_cannot_be_had_is_refused(t):
  needs_no_selinux(t)
  why = (': SELinux is not enabled on this machine: remove the label "%s", or mount a selinuxfs on '
         '/sys/fs/selinux' % LABEL)
  t.refused(t.box(selinuxLabel=LABEL).try_create(), 'process.selinuxLabel' + why)
  box = t.box()
  box.linux['mountLabel'] = LABEL
  t.refused(box.try_create(), 'linux.mountLabel' + why)


@also_as_user
def test_an_unknown_kind_of_label_is_refused(t):
  box = t.box()
  box.config['annotations'] = {'run.oci.mount_context_type': 'label'}
  t.refused(box.try_create(),
            'annotations["run.oci.mount_context_type"]: unknown type "label": the types are '
            'context, fscontext, defcontext and rootcontext, see mount(8)')
