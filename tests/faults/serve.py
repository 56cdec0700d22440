"""A worker's side: gets cases on stdin, one a line, and says on stdout what came of each."""

import json
import os
import sys
import traceback

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


def work(settings):
  worker.prepare_signals()
  # What the cases write must not get between the answers.
  answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
  os.dup2(2, 1)
  place = None
  for line in sys.stdin:
    job = json.loads(line)
    if job[0] == 'load':
      answer = load.work(settings, job[1])
    else:
      if place is None:
        scene.own_temporary_files(os.path.dirname(settings.directory))
        place = scene.Scene(settings)
      answer = answer_one(place, job)
    answers.write(json.dumps(answer) + '\n')
    answers.flush()
