"""Many containers: each step is done for all of them, so many at a time, before the next."""

import concurrent.futures
import json
import os
import subprocess
import time

import leftovers
import lib

STEPS = {'create': ['create', '--bundle', 'BUNDLE', 'ID'], 'start': ['start', 'ID'],
         'state': ['state', 'ID'], 'exec': ['exec', 'ID', 'true'], 'kill': ['kill', 'ID', 'KILL'],
         'delete': ['delete', '--force', 'ID']}
SECONDS = 120


def command(test, step, bundle, name):
  words = [{'BUNDLE': bundle, 'ID': name}.get(word, word) for word in STEPS[step]]
  # The container keeps its standard error; what create says goes to a file that is no pipe's.
  with open('%s/%s.err' % (test.directory, name), 'w+', encoding='utf-8') as err:
    begin = time.monotonic()
    process = subprocess.Popen(test.command(words), stdin=subprocess.DEVNULL,
                               stdout=err if step == 'state' else subprocess.DEVNULL, stderr=err,
                               env=test.environment(), cwd=test.directory)
    try:
      rc = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()
      rc = 'hang'
    seconds = time.monotonic() - begin
    err.seek(0)
    text = err.read()
  problem = '%s: %s' % (rc, text.strip()) if rc else ''
  if step == 'state' and not problem and json.loads(text)['status'] != 'running':
    problem = 'not running: ' + text
  return seconds, problem


def work(settings, words):
  """One job: words are how many and how many at a time.  The answer's text is JSON."""
  count, at_a_time = words
  test = lib.Test(settings, None)
  box = test.box(args=['sleep', '600'])
  box.config['ociVersion'] = '1.0.2'  # older runtimes know no later one
  box.save()
  before = leftovers.count(settings)
  names = ['load-%d-%d' % (os.getpid(), number) for number in range(count)]
  found = {}
  with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
    for step in STEPS:
      begin = time.monotonic()
      rows = list(pool.map(lambda name: command(test, step, box.directory, name), names))
      times = sorted(seconds for seconds, _ in rows)
      found[step] = {'seconds': time.monotonic() - begin, 'median': times[len(times) // 2],
                     'p99': times[len(times) * 99 // 100], 'worst': times[-1],
                     'failures': [problem for _, problem in rows if problem]}
  left = leftovers.since(before, settings)
  subprocess.run(['rm', '-rf', '--one-file-system', test.directory], check=False)
  return 'ok', json.dumps({'steps': found, 'left': left.splitlines()}), not left
