"""A worker: gets the names of tests on stdin, one a line, and says on stdout how each went.

It is two processes.  The first is pid 1 of the pid namespace, or a subreaper: what is orphaned
becomes its child, is reaped, and can be counted.  The second, which the tests' user owns, runs
them.
"""

import importlib
import json
import os
import signal
import sys
import traceback

import isolation
import lib
import leftovers

TIME_LIMIT = 30  # seconds for each test that names no other


class TimeIsUp(Exception):
  pass


def on_alarm(*_):
  raise TimeIsUp()


def prepare_ground(role, directory, cgroups):
  """As root, in the new namespaces: nothing that a test does reaches the machine's own /run."""
  uid, gid, groups = isolation.account(role)
  runtime_dir = '/run/user/%d' % uid
  if os.geteuid() == 0:
    for path in cgroups:
      if not os.path.exists(path + '/caller'):
        continue
      with open(path + '/caller/cgroup.procs', 'w', encoding='utf-8') as file:
        file.write('0')
    isolation.mount('tmpfs', directory, 'tmpfs', 0, 'mode=755')
    isolation.mount('tmpfs', '/run', 'tmpfs', 0, 'mode=755')
    os.makedirs(runtime_dir, 0o755)
    os.chmod(runtime_dir, 0o700)
    os.chown(runtime_dir, uid, gid)
    os.chown(directory, uid, gid)
  else:
    isolation.become_subreaper()
    runtime_dir = directory + '/xdg'
    os.mkdir(runtime_dir, 0o700)
  return (uid, gid, groups), runtime_dir


def reap(child):
  while True:
    try:
      pid, status = os.wait()
    except ChildProcessError:
      os._exit(0)
    if pid == child:
      os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def run_test(job, settings):
  module, function, _ = job
  body = getattr(sys.modules[module], function)
  before = leftovers.count(settings)
  t = lib.Test(settings, before)
  limit = getattr(body, 'seconds', TIME_LIMIT) * isolation.PATIENCE
  result, text = 'ok', ''
  signal.alarm(limit)
  try:
    body(t)
    t.clean_up()
    text = '\n'.join(t.notes)
  except lib.Skip as reason:
    result, text = 'SKIP', str(reason)
  except lib.Failure as failure:
    result, text = 'FAIL', str(failure)
  except TimeIsUp:
    result = 'FAIL'
    text = 'not over after %d seconds\n%s\n%s' % (limit, traceback.format_exc(limit=-3),
                                                  leftovers.list_processes(settings))
  except Exception:  # a mistake in the test, or something the runtime made that it did not expect
    result, text = 'FAIL', traceback.format_exc(limit=-4)
  signal.alarm(0)
  return finish(t, before, settings, result, text)


def finish(t, before, settings, result, text):
  """Whatever happened: nothing may be left."""
  signal.alarm(TIME_LIMIT * isolation.PATIENCE)
  try:
    if result != 'ok':
      t.clean_up(strict=False)
    left = leftovers.since(before, settings)
  except TimeIsUp:
    left = 'the cleaning up hangs\n' + leftovers.list_processes(settings)
  except Exception as error:
    left = str(error)
  signal.alarm(0)
  if left:
    result = 'FAIL'
    text = '%s%sleft behind:\n%s' % (text, text and '\n', left)
  if result == 'FAIL':
    text += '\n' + t.history()
  return result, text, not left and result != 'FAIL'


def prepare_signals():
  for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE}:
    if signal.getsignal(number) == signal.SIG_IGN:
      signal.signal(number, signal.SIG_DFL)  # whatever started the harness had ignored it
  signal.signal(signal.SIGALRM, on_alarm)


def work(settings):
  prepare_signals()
  # The tests' own output must not get between the answers.
  answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
  os.dup2(2, 1)
  for line in sys.stdin:
    answers.write(json.dumps(run_test(json.loads(line), settings)) + '\n')
    answers.flush()


def main(arguments, serve=work):
  """serve(settings) is what the second process does."""
  role, directory, runtime, modules, view, mounts, *cgroups = arguments
  for module in modules.split(','):  # a plain user may not be able to read them
    importlib.import_module(module)
  account, runtime_dir = prepare_ground(role, directory, cgroups)
  if os.geteuid() == 0:
    cgroups = isolation.show_only(view, cgroups)
    isolation.make_mounts('/run/many', int(mounts))
    isolation.become_subreaper()
  begin(account, role, directory, runtime, cgroups, runtime_dir, serve)


def begin(account, role, directory, runtime, cgroups, runtime_dir, serve=work):
  """In the prepared surroundings: the second process does the tests, and this one reaps."""
  uid, gid, groups = account
  watcher = os.getpid()
  child = os.fork()
  if child:
    for fd in (0, 1):
      os.close(fd)
    reap(child)
  os.setsid()
  if os.geteuid() == 0 and uid != 0:
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    isolation.become_dumpable()
  os.umask(0o022)
  os.chdir(directory)
  serve(lib.Settings(role, directory, runtime, cgroups, runtime_dir, watcher))
  os._exit(0)
