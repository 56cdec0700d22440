"""config-linux.md, Masked Paths, Readonly Paths and Mount Label."""

import os

from kit import MUST, clause

MASKED, READONLY = 'config-linux.md, Masked Paths', 'config-linux.md, Readonly Paths'


def masking(t, script, *paths):
  box = t.box(script)
  box.linux['maskedPaths'] = list(paths)
  return box


def protecting(t, script, *paths):
  box = t.box(script)
  box.linux['readonlyPaths'] = list(paths)
  return box


@clause(MASKED, MUST, 'a file cannot be read')
def masked_file(t):
  box = masking(t, 'cat /etc/secret 2>/dev/null; echo over', '/etc/secret')
  box.file('etc/secret', 'text')
  t.same(box.output(), 'over')


@clause(MASKED, MUST, 'a directory cannot be read')
def masked_directory(t):
  box = masking(t, 'ls -A /etc/secrets 2>/dev/null; echo over', '/etc/secrets')
  box.file('etc/secrets/file', 'text')
  t.same(box.output(), 'over')


@clause(MASKED, MUST, 'a file of /proc cannot be read')
def masked_proc(t):
  box = masking(t, 'wc -c </proc/cpuinfo', '/proc/cpuinfo')
  t.same(box.output(), '0')


@clause(MASKED, MUST, 'a path that is not there is passed over')
def masked_missing(t):
  t.same(masking(t, 'echo fine', '/no/such/path').output(), 'fine')


@clause(MASKED, MUST, 'several paths are all masked')
def masked_several(t):
  box = masking(t, 'cat /etc/a /etc/b 2>/dev/null; echo over', '/etc/a', '/etc/b')
  box.file('etc/a', 'a')
  box.file('etc/b', 'b')
  t.same(box.output(), 'over')


@clause(MASKED, MUST, 'the host\'s file is unchanged')
def masked_host(t):
  box = masking(t, 'echo x >/etc/secret', '/etc/secret')
  path = box.file('etc/secret', 'text')
  box.output()
  with open(path, encoding='utf-8') as file:
    t.same(file.read(), 'text')


@clause(MASKED, MUST, 'a path that leads out of the root by a symbolic link masks nothing outside')
def masked_link(t):
  outside = t.path('outside', 'text')
  box = masking(t, 'sleep 100', '/etc/link')
  os.symlink(outside, box.rootfs + '/etc/link')
  if box.try_create().rc == 0:
    with open(outside, encoding='utf-8') as file:
      t.same(file.read(), 'text')


@clause(MASKED, MUST, 'a path that is not absolute is an error')
def masked_relative(t):
  masking(t, 'true', 'proc/kcore').refused()


@clause(MASKED, MUST, 'a path is masked in a user namespace')
def masked_user(t):
  box = masking(t, 'cat /etc/secret 2>/dev/null; echo over', '/etc/secret')
  box.file('etc/secret', 'text')
  box.map_ids((0, 100000, 1000))
  t.same(box.output(), 'over')


@clause(READONLY, MUST, 'a file cannot be written to')
def readonly_file(t):
  box = protecting(t, 'echo x 2>/dev/null >>/etc/file || echo refused; cat /etc/file', '/etc/file')
  box.file('etc/file', 'text')
  t.same(box.output().split(), ['refused', 'text'])


@clause(READONLY, MUST, 'in a directory nothing can be made')
def readonly_directory(t):
  box = protecting(t, 'touch /etc/folder/new 2>&1', '/etc/folder')
  box.file('etc/folder/file', 'text')
  t.has(box.output(), 'Read-only file system')


@clause(READONLY, MUST, 'what is in a directory can be read')
def readonly_readable(t):
  box = protecting(t, 'cat /etc/folder/file', '/etc/folder')
  box.file('etc/folder/file', 'text')
  t.same(box.output(), 'text')


@clause(READONLY, MUST, 'a directory of /proc cannot be written to')
def readonly_proc(t):
  box = protecting(t, 'echo 1 2>&1 >/proc/sys/kernel/msgmax || true', '/proc/sys')
  box.process['args'] = ['sh', '-c', '{ echo 1 >/proc/sys/kernel/msgmax; } 2>&1; true']
  t.has(box.output(), 'ead-only file system')


@clause(READONLY, MUST, 'a path that is not there is passed over')
def readonly_missing(t):
  t.same(protecting(t, 'echo fine', '/no/such/path').output(), 'fine')


@clause(READONLY, MUST, 'the rest of the root can be written to')
def readonly_others(t):
  box = protecting(t, 'echo fine >/tmp/file; cat /tmp/file', '/etc')
  t.same(box.output(), 'fine')


@clause(READONLY, MUST, 'a path that is not absolute is an error')
def readonly_relative(t):
  protecting(t, 'true', 'proc/sys').refused()


@clause(READONLY, MUST, 'a path is read-only in a user namespace')
def readonly_user(t):
  box = protecting(t, 'touch /etc/folder/new 2>&1', '/etc/folder')
  box.file('etc/folder/file', 'text')
  box.map_ids((0, 100000, 1000))
  t.has(box.output(), 'Read-only file system')


@clause('config-linux.md, Mount Label', MUST, 'mounts have the SELinux context of mountLabel')
def mount_label(t):
  if not os.path.exists('/sys/fs/selinux/enforce'):
    t.skip('there is no SELinux here')
  box = t.box('cat /proc/self/mountinfo')
  box.linux['mountLabel'] = 'system_u:object_r:container_file_t:s0'
  box.mount('/mnt', 'tmpfs', 'tmpfs')
  t.has(box.output(), 'container_file_t')
