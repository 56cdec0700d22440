"""A worker's side: gets cases on stdin, one a line, and says on stdout what came of each."""

import copy
import json
import os
import sys
import traceback

import commands
import isolation
import kinds
import load
import scene
import worker


def answer_one(place, job):
  kind, words = job
  try:
    if kind == 'points':
      return 'ok', json.dumps(kinds.points(place, words[0])), True
    return getattr(kinds, 'do_' + kind)(place, words)
  except Exception as error:  # the next case gets a new worker
    return 'broken', str(error) or traceback.format_exc(limit=-2), False


def settings_of(role, settings):
  """The same place, for one who calls the runtime as somebody."""
  uid, gid, _ = isolation.account(role)
  found = copy.copy(settings)
  found.role, found.account = role, (uid, gid)
  if role != 'root':
    found.runtime_dir = '/run/user/%d' % uid
    os.makedirs(found.runtime_dir, exist_ok=True)
    os.chmod(found.runtime_dir, 0o700)
    os.chown(found.runtime_dir, uid, gid)
  return found


def role_of(words):
  return 'user' if any(str(word).startswith(commands.ROOTLESS) for word in words) else 'root'


def work(settings):
  worker.prepare_signals()
  # What the cases write must not get between the answers.
  answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
  os.dup2(2, 1)
  places = {}
  # None reaches the machine's own files.
  scene.own_temporary_files(os.path.dirname(settings.directory))
  for line in sys.stdin:
    job = json.loads(line)
    if job[0] == 'load':
      answer = load.work(settings, job[1])
    else:
      role = role_of(job[1])
      if role not in places:
        places[role] = scene.Scene(settings_of(role, settings))
        settings.boxes += 1  # the next one's files are elsewhere
      answer = answer_one(places[role], job)
    answers.write(json.dumps(answer) + '\n')
    answers.flush()
