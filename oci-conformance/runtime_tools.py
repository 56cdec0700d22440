"""Runs the validation programs of an OCI runtime-tools tree, which its user has built.

    https://github.com/opencontainers/runtime-tools

They are programs named *.t below DIR/validation, which write TAP, take the runtime from RUNTIME and
are started in DIR, where they find rootfs-*.tar.gz and their own inner program.
"""

import os
import subprocess
import sys
import tempfile

import ground

SECONDS = 60  # for one program
FAILURE = ('not ok', 'Bail out!')


def find(directory, names):
  for folder, _, files in sorted(os.walk(os.path.join(directory, 'validation'))):
    for file in sorted(files):
      path = os.path.join(folder, file)
      if file.endswith('.t') and os.access(path, os.X_OK):
        if not names or any(name in path for name in names):
          yield path


def judge(process, output):
  """(result, text): what one program's TAP, and its exit status, come to."""
  lines = output.splitlines()
  bad = [line for line in lines if line.startswith(FAILURE) and '# TODO' not in line]
  good = [line for line in lines if line.startswith('ok ')]
  if bad:
    return 'fail', '\n'.join(bad[:20])
  if process.returncode:
    return 'fail', 'exit status %d\n%s' % (process.returncode, '\n'.join(lines[-10:]))
  if lines and not good and any('# SKIP' in line.upper() for line in lines):
    return 'skip', next(line for line in lines if '# SKIP' in line.upper())
  return 'ok', ''


def run_one(path, runtime, options):
  environment = dict(os.environ, RUNTIME=runtime)
  command = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child',
             '--mount-proc', '--', sys.executable, os.path.abspath(__file__), options.cgroup_view,
             options.runtime_tools, path]
  process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=environment, start_new_session=True)
  try:
    output = process.communicate(timeout=SECONDS)[0].decode(errors='replace')
  except subprocess.TimeoutExpired:
    process.kill()
    process.communicate()
    return 'fail', 'not over after %d seconds' % SECONDS
  return judge(process, output)


def run(runtime, options):
  programs = list(find(options.runtime_tools, options.groups))
  if not programs:
    sys.exit('%s/validation has no programs *.t that can be run: build them with "make runtimetest '
             'validation-executables"' % options.runtime_tools)
  counts = {'ok': 0, 'fail': 0, 'skip': 0}
  print('TAP version 13\n1..%d' % len(programs), flush=True)
  for number, path in enumerate(programs, 1):
    result, text = run_one(path, runtime, options)
    counts[result] += 1
    title = os.path.relpath(path, options.runtime_tools)
    skipped = ' # SKIP ' + text.split('#')[-1][5:].strip() if result == 'skip' else ''
    print('%s %d - %s%s' % ('not ok' if result == 'fail' else 'ok', number, title, skipped))
    if result == 'fail':
      print('\n'.join('# ' + line for line in text.splitlines()))
    sys.stdout.flush()
  print('# %d programs: %d ok, %d failed, %d skipped' % (
    len(programs), counts['ok'], counts['fail'], counts['skip']))
  return 1 if counts['fail'] or not counts['ok'] else 0


def become(view, directory, path):
  """In the new namespaces."""
  ground.mount('tmpfs', '/run', 'tmpfs', 0, 'mode=755')
  ground.show_only(view, tempfile.mkdtemp(prefix='oci-conformance-', dir='/run'))
  os.chdir(directory)
  os.execv(path, [path])


if __name__ == '__main__':
  become(*sys.argv[1:])
