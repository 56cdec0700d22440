"""Classes G to K: terminals, windows for ptrace, hooks and the environment, state, checkpoints."""

import contextlib
import errno
import fcntl
import json
import os
import pty
import select
import stat
import subprocess
import tempfile
import termios

import checkpoints
import isolation
from catalogue import Canary, create, end, execute, has_command, refused, row, running, text_of
from races import SECONDS, flood
from rows_identities import write_elf


@row('G1', 'CVE-2017-5226, CVE-2016-10124', sample=True)
def row_input_is_pushed_into_the_callers_terminal(t):
  """Without a terminal of its own the program has the caller's as a file, but not as the one that controls it."""
  box = running(t)
  leader, follower = pty.openpty()
  # Field 7 of stat is the controlling terminal; 0 is none.
  process = t.start('exec', box.id, 'sh', '-c', 'cut -d" " -f7 /proc/self/stat > /tmp/tty',
                    stdin=follower, stdout=follower, start_new_session=True)
  t.finish(process)
  os.close(leader)
  os.close(follower)
  t.same(text_of(box.rootfs + '/tmp/tty'), '0\n')
  end(box)


# ioctl(0, TIOCSTI, "X"); its error is what the program exits with.
PUSH = ('b810000000' '31ff' 'be12540000' '488d150d000000' '0f05' 'f7d8' '89c7' 'b83c000000' '0f05' '58')


def in_a_terminal_of_its_own():
  os.setsid()
  fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@row('G1i', 'CVE-2017-5226, by TIOCSTI itself', sample=True)
def row_a_program_pushes_input_into_the_terminal_that_it_was_given(t):
  """The same program, beside the container, is the control."""
  if os.uname().machine != 'x86_64':
    t.skip('the program is made of numbers of x86_64')
  leader, follower = pty.openpty()
  t.ready.append(lambda: (os.close(leader), os.close(follower)))
  box = t.box(args=['/push'])
  write_elf(box.rootfs + '/push', bytes.fromhex(PUSH))
  os.chmod(box.rootfs + '/push', 0o755)
  control = subprocess.run([box.rootfs + '/push'], stdin=follower, preexec_fn=in_a_terminal_of_its_own,
                           check=False)
  if control.returncode:
    t.skip('this kernel lets nobody push: ' + os.strerror(control.returncode))
  t.same(os.read(leader, 9), b'X', 'the control')
  other, stdin = pty.openpty()
  t.ready.append(lambda: (os.close(other), os.close(stdin)))
  result = box.run(stdin=stdin, preexec_fn=in_a_terminal_of_its_own)
  t.true(result.rc in (errno.EPERM, errno.EIO, errno.ENOTTY), 'run: %s' % result)
  second = running(t)
  write_elf(second.rootfs + '/push', bytes.fromhex(PUSH))
  os.chmod(second.rootfs + '/push', 0o755)
  result = execute(second, '/push', stdin=stdin, preexec_fn=in_a_terminal_of_its_own)
  t.true(result.rc in (errno.EPERM, errno.EIO, errno.ENOTTY), 'exec: %s' % result)
  end(second)
  t.same(select.select([other], [], [], 0.1)[0], [], 'something came')


@row('H1', 'CVE-2016-8659, CVE-2020-5291, CVE-2026-41163', sample=True)
def row_a_program_with_the_setuid_bit(t):
  """Nobody installs it like this; who does has given root away, unless it gives that up or refuses."""
  path = t.path('setuid')
  subprocess.run(['cp', t.settings.runtime, path], check=True)
  os.chmod(path, 0o4755)
  os.chmod(t.directory, 0o755)
  where = tempfile.mkdtemp(dir='/run')
  os.chmod(where, 0o777)
  box = t.box('id -u > /tmp/who')
  os.chmod(box.rootfs + '/tmp', 0o777)
  box.save()
  with open(t.path('out'), 'w', encoding='utf-8') as out:
    code = subprocess.run([path, '--root', where + '/state', 'run', '--bundle', box.directory, 'evil'],
                          user=65534, group=65534, extra_groups=[], stdin=subprocess.DEVNULL, stdout=out,
                          stderr=out, env={'PATH': '/usr/bin:/bin'}, timeout=30, check=False).returncode
  subprocess.run([path, '--root', where + '/state', 'delete', '--force', 'evil'], capture_output=True,
                 check=False)
  subprocess.run(['rm', '-rf', where], check=False)
  t.true(code != 0 or not os.path.exists(box.rootfs + '/tmp/who'), 'nobody had a container of root\'s')


@row('H2', 'CVE-2016-9962, traced', sample=True, seconds=SECONDS, view='v2')
def row_whoever_comes_in_by_exec_cannot_be_traced(t):
  """Where a program is may be read by those alone who may trace it."""
  box = running(t, 'while :; do readlink /proc/[0-9]*/exe; done 2>/dev/null >> /tmp/seen')
  flood(box, 'true')
  end(box)
  seen = set(text_of(box.rootfs + '/tmp/seen').split())
  t.true(seen, 'it saw not even itself')
  t.same([path for path in seen if not path.startswith('/bin/')], [])


@row('H3', 'CVE-2019-12439', sample=True)
def row_nothing_is_made_in_tmp(t):
  """It is read-only for all rows; what appears there is of others."""
  t.true(os.statvfs('/tmp').f_flag & os.ST_RDONLY, 'it can be written to')
  box = create(t.box('sleep 60'))
  t.proa('start', box.id)
  t.same(execute(box, 'true').rc, 0)
  end(box)
  box = t.box('echo fine')
  t.same(box.run(env=t.environment(TMPDIR='/nonexistent')).out, 'fine\n')


KINDS = ('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop')


@row('I1', 'CVE-2025-23266', sample=True)
def row_hooks_have_nothing_of_the_containers_environment(t):
  box = t.box('true', env=['PATH=/bin', 'LD_PRELOAD=/proc/self/cwd/evil.so', 'BASH_ENV=/evil'])
  notes = t.path('notes')
  os.mkdir(notes)
  box.mount(notes, notes, ['bind'])
  for kind in KINDS:
    box.config.setdefault('hooks', {})[kind] = [{
      'path': '/bin/sh', 'args': ['sh', '-c', '{ cat /proc/$$/environ | tr "\\0" "\\n"; pwd; } > %s/%s; true'
                                  % (notes, kind)]}]
  result = box.run(env=t.environment(FROM_THE_CALLER='1'))
  t.same(result.rc, 0, str(result))
  for kind in KINDS:
    text = text_of('%s/%s' % (notes, kind))
    t.true(text, 'there was no %s hook' % kind)
    t.true('LD_PRELOAD' not in text and 'BASH_ENV' not in text, '%s: %s' % (kind, text))
    cwd = text.splitlines()[-1]
    t.true(kind == 'startContainer' or not cwd.startswith(box.rootfs), '%s hook in %s' % (kind, cwd))


@row('I2', 'CVE-2026-57231, CVE-2020-14370', sample=True)
def row_a_variable_without_a_value(t):
  box = t.box('env', env=['PATH=/bin', 'FROM_THE_CALLER'])
  result = box.run(env=t.environment(FROM_THE_CALLER='secret'))
  t.true('secret' not in result.out, str(result))
  refused(t, result, 'a variable without "="')


@row('I3', 'CVE-2026-84042, CVE-2026-53488', sample=True)
def row_an_annotation_that_starts_a_program(t):
  for name, value in (('run.oci.handler', 'krun'), ('run.oci.handler', 'wasm'),
                      ('module.wasm.image/variant', 'compat'), ('krun.ram_mib', '1'),
                      ('run.oci.hooks.stdout', '/etc/passwd/x'), ('io.containers.trace-syscall', 'of:/evil')):
    box = t.box('echo ran > /ran')
    canary = Canary(t, box)
    box.file('bin/passt', '#!/bin/sh\necho > %s/H/evil\n' % box.directory, 0o755)
    box.config['annotations'] = {name: value}
    box.run()
    canary.check(name)


@row('J1', 'CVE-2021-41091, CVE-2024-25621', sample=True)
def row_the_state_is_the_callers_alone(t):
  root = t.path('root')
  box = t.box('sleep 60')
  box.save()
  box.used = False
  old = os.umask(0)
  try:
    made = t.finish(t.start('--root', root, 'create', '--bundle', box.directory, box.id, plain=True))
  finally:
    os.umask(old)
  t.same(made.rc, 0, str(made))
  t.ready.append(lambda: subprocess.run([t.settings.runtime, '--root', root, 'delete', '--force', box.id],
                                        check=False))
  open_to_others = [path for path in (root + '/' + box.id, root)
                    if os.stat(path).st_mode & (stat.S_IRWXO | stat.S_IWGRP) & ~0o111]
  t.same(open_to_others, [])


@row('J1o', 'CVE-2021-41091: a state that others can write', sample=True)
def row_the_state_of_somebody_else_is_refused(t):
  for mode, owner in ((0o777, 0), (0o770, 0), (0o1777, 0), (0o700, 65534)):
    root = t.path('root-%o-%d' % (mode, owner))
    os.mkdir(root)
    os.chmod(root, mode)
    os.chown(root, owner, owner)
    box = t.box('true')
    box.save()
    box.used = False
    result = t.proa('--root', root, 'run', '--bundle', box.directory, box.id, plain=True)
    refused(t, result, 'a state directory %o of %d' % (mode, owner))
    t.same(os.listdir(root), [])


BAD = ('..', '.', '', 'a/b', '../a', 'a\nb', 'a\tb', 'a b', 'x' * 300, 'a\x01', 'a:b', 'a*', 'é', 'a\\b',
       'a;b', '$(id)', 'a\x7f')


@row('J2', 'crun 1.20, 1.28: ids', sample=True)
def row_ids_that_are_no_names(t):
  box = t.box('true')
  box.save()
  for name in BAD:
    # Never "delete": a runtime that takes the id for a path removes what is there, "/" too.
    t.true(t.proa('run', '--bundle', box.directory, '--', name).rc != 0, '%r was accepted' % name)
    t.results.clear()


def others_links(t, box):
  """In a directory that all may write to: links of nobody's to a file of the host's, and to where one could be."""
  folder = t.path('shared')
  os.mkdir(folder)
  os.chmod(folder, 0o1777)
  for target in ('secret', 'new'):
    name = '%s/%s' % (folder, target)
    os.symlink('%s/H/%s' % (box.directory, target), name)
    os.lchown(name, 65534, 65534)
    yield target, name


@row('J3', 'no CVE: files of the caller', sample=True)
def row_a_pid_file_that_is_a_link(t):
  """In a directory that others may write to somebody has been there first."""
  box = t.box('true')
  canary = Canary(t, box)
  for target, name in others_links(t, box):
    box.run('--pid-file', name)
    canary.check(target)


@row('J3l', 'no CVE: the log', sample=True)
def row_a_log_that_is_a_link(t):
  """As above, and what goes there is what a failing container writes."""
  box = t.box(args=['/missing'])
  canary = Canary(t, box)
  for target, name in others_links(t, box):
    box.run(before=('--log', name))
    canary.check(target)


MS_BIND, MS_REC, MNT_DETACH = 4096, 16384, 2
SECCOMP = {'defaultAction': 'SCMP_ACT_ALLOW',
           'syscalls': [{'names': ['mkdirat', 'mkdir'], 'action': 'SCMP_ACT_ERRNO'}]}


@contextlib.contextmanager
def own_temporary_files(kept):
  """For what cannot do without: a new /tmp, but for the tests' folder in it."""
  fd = os.open(kept, os.O_PATH)
  isolation.mount('tmpfs', '/tmp', 'tmpfs', 0, 'mode=1777')
  os.makedirs(kept, exist_ok=True)
  isolation.mount('/proc/self/fd/%d' % fd, kept, None, MS_BIND | MS_REC)
  os.close(fd)
  try:
    yield
  finally:
    for path in (kept, '/tmp'):
      isolation.libc.umount2(path.encode(), MNT_DETACH)


@row('K1', 'GHSA-p7v4-vr35-mj6f, CVE-2026-53492', sample=True)
def row_a_checkpoint_does_not_bring_its_own_rights(t):
  """It was made without a filter and with more capabilities, and is restored for a config that has a filter and none;
  also where it says of itself that it was made so.  The process has what the config says, or there is none."""
  if not has_command(t, 'restore'):
    t.skip('it has no restore')
  env = checkpoints.criu_environment(t)
  with own_temporary_files(os.path.dirname(t.settings.directory)):  # CRIU makes folders there
    restore_with_other_rights(t, env)


def restore_with_other_rights(t, env):
  box = running(t)
  image = t.path('image')
  t.worked(t.proa('checkpoint', '--image-path', image, box.id, env=env))
  box.delete()
  box.linux['seccomp'] = SECCOMP
  box.process['capabilities'] = {}
  box.save()
  for claim in (False, True):
    if claim:
      claim_confinement(image, box)
    t.proa('restore', '--detach', '--bundle', box.directory, '--image-path', image, box.id, env=env)
    state = t.proa('state', box.id)
    t.results.clear()
    if state.rc == 0 and json.loads(state.out)['pid']:
      status = text_of('/proc/%d/status' % json.loads(state.out)['pid'])
      t.has(status, 'Seccomp:\t2')
      t.has(status, 'CapBnd:\t0000000000000000')
    t.proa('delete', '--force', box.id)


def claim_confinement(image, box):
  """proa's word on a checkpoint is changed to what the config asks for."""
  path = image + '/proa.json'
  if not os.path.exists(path):
    return
  claimed = json.loads(text_of(path))
  claimed['confinement'].update(seccomp=SECCOMP, capabilities={})
  with open(path, 'w', encoding='utf-8') as file:
    json.dump(claimed, file)
