"""What suites in Python are written with; it runs in the guest.

A suite has functions test_...(t), as the integration tests have (tests/integration/README.md), and
ends with suite.main().  By default they run as root; @suite.as_user is for the plain user "tester",
@suite.also_as_user for both.  The suite's process is in the cgroup OWN/caller; OWN, with all
controllers, is delegated to it, and it is where containers' cgroups are made, and watched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import traceback

import isolation
import lib
import worker

as_user = lib.run_as('user')
also_as_user = lib.run_as('root', 'user')
HANDED_ON = ('PROA', 'PROA_TEST_PATIENCE', 'PYTHONPATH', 'PYTHONDONTWRITEBYTECODE')


def own_cgroup():
  """The directory of the caller's cgroup."""
  return '/sys/fs/cgroup' + lib.read('/proc/self/cgroup').strip().split('::', 1)[1]


def take_cgroup():
  """Makes the delegated cgroup, which the caller is in, one that can have others below it."""
  own = own_cgroup()
  isolation.divide(own)
  return own


def run(words, seconds=60, **options):
  """Runs another program to its end; returns a lib.Result.  Its output goes to files: containers
  inherit pipes and keep them open."""
  with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, **options)
    try:
      rc = process.wait(seconds * isolation.PATIENCE)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()
      rc = 'not over after %d seconds' % (seconds * isolation.PATIENCE)
    texts = []
    for file in (out, err):
      file.seek(0)
      texts.append(file.read())
  return lib.Result([str(word) for word in words], rc, *texts)


def has_command(name):
  """Whether the runtime has this command."""
  text = subprocess.run([os.environ['PROA'], '--help'], capture_output=True, text=True,
                        check=True).stdout
  return any(line.split()[:1] == [name] for line in text.split('Commands:')[1].split('Options:')[0]
             .splitlines())


def run_tests(names, role):
  """In a process whose parent reaps what is orphaned.  Returns whether all went well."""
  directory = tempfile.mkdtemp(prefix='suite-', dir='/var/tmp')  # a disk, /tmp is memory
  os.chmod(directory, 0o755)
  settings = lib.Settings(role, directory, os.environ['PROA'], [take_cgroup()],
                          '/run/user/%d' % os.geteuid(), os.getppid())
  worker.prepare_signals()
  os.umask(0o022)
  os.chdir(directory)
  good = True
  prepare = getattr(sys.modules['__main__'], 'prepare', None)
  if prepare:
    prepare(role)
  for number, name in enumerate(names, 1):
    result, text, _ = worker.run_test(('__main__', name, role), settings)
    title = '%s [%s]' % (name[5:].replace('_', ' '), role)
    print(lib.tap(number, title, result, text), flush=True)
    good = good and result != 'FAIL'
  os.chdir('/')
  shutil.rmtree(directory, ignore_errors=True)
  return good


def tests_of(role):
  return [name for name, function in vars(sys.modules['__main__']).items()
          if name.startswith('test_') and role in getattr(function, 'roles', ('root',))]


def fork_and_run(names, role):
  isolation.become_subreaper()
  child = os.fork()
  if child:
    worker.reap(child)  # does not return
  status = 1
  try:
    status = 0 if run_tests(names, role) else 1
  except Exception:
    traceback.print_exc()
  sys.stdout.flush()
  os._exit(status)


def run_as_user():
  """In a scope of the plain user's own systemd, which hands only its own variables on."""
  settings = ['%s=%s' % (name, os.environ[name]) for name in HANDED_ON if name in os.environ]
  command = ['as-user', 'env'] + settings + [sys.executable, os.path.abspath(sys.argv[0]), '--user']
  return subprocess.run(command, check=False).returncode == 0


def main():
  """Runs the suite's tests as root, and then those of the plain user."""
  if sys.argv[1:] == ['--user']:
    fork_and_run(tests_of('user'), 'user')
  good, names = True, tests_of('root')
  if names:
    child = os.fork()
    if child == 0:
      fork_and_run(names, 'root')
    good = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
  if tests_of('user'):
    good = run_as_user() and good
  sys.exit(0 if good else 1)
