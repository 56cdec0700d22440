"""Kinds that end the runtime, or the machine, at a moment and not at a system call.

time: the runtime is killed so many microseconds after it was begun, as a user, an engine or the kernel does it, who
know nothing of system calls.  soak: many commands on one id, half of them killed so.  torn: the power went: no process
and no cgroup is left, and the files of the container's state are as a file system may have kept them.
"""

import os
import random
import signal
import statistics

import commands
import isolation

STEPS = 200       # moments, from the beginning to some time after the usual end
BEYOND = 1.2
SOAKS, VERBS_OF_SOAK = 100, 30
SOAK = ('create', 'create', 'start', 'start', 'exec', 'exec', 'kill', 'delete', 'pause', 'resume', 'update', 'state',
        'init')   # "init": it is killed, and not the runtime
FILES = 5         # of a container's state, in alphabetical order
DAMAGES = ('empty', 'half', 'zeros', 'missing')


def length(scene, command):
  """How long an undisturbed run takes here, in seconds."""
  if command not in scene.lengths:
    times = []
    for _ in range(5):
      scene.prepare(command)
      times.append(scene.runtime(commands.words(command, scene.box))['took'])
      scene.remove()
    scene.lengths[command] = statistics.median(times)
  return scene.lengths[command]


# -- killed at a moment

def cases_time(chosen, _):
  for command in chosen:
    for step in range(STEPS):
      yield ['time', command, step]


def do_time(scene, words):
  _, command, step = words
  moment = length(scene, command) * BEYOND * int(step) / STEPS
  scene.prepare(command)
  result = scene.runtime(commands.words(command, scene.box), kill_after=moment)
  result['may_be_killed'] = True
  kind, text, usable = scene.finish(scene.judge(command, result))
  return kind, 'after %d us: %s' % (moment * 1e6, text), usable


# -- many commands, many killed

def cases_soak(chosen, _):
  for prefix in ('', commands.ROOTLESS):
    if prefix + 'create' in chosen:
      for seed in range(SOAKS):
        yield ['soak', prefix + 'create', seed]


def kill_init(scene):
  pid = scene.pid()
  if pid:
    try:
      os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
      pass


def one_of_soak(scene, verb, dice):
  """(class, text) if it is worse than a failure that is told."""
  options = {}
  if dice.random() < 0.5:
    options['kill_after'] = dice.random() * BEYOND * length(scene, 'create')
  result = scene.runtime(commands.words(verb, scene.box), **options)
  result['may_be_killed'] = 'kill_after' in options
  if result['rc'] == 0:
    return 'success', ''
  if result['rc'] == 128 + signal.SIGKILL and verb == 'exec':
    return 'clean', ''  # its program was killed, and the exit status says so
  return scene.judge(verb, result)


def do_soak(scene, words):
  _, command, seed = words
  dice = random.Random(int(seed))
  rootless = command != commands.base(command)
  length(scene, 'create')
  scene.prepare('create')
  for number in range(VERBS_OF_SOAK):
    verb = dice.choice(SOAK)
    if verb == 'init':
      kill_init(scene)
    elif not rootless or commands.ROOTLESS + verb in commands.COMMANDS or verb == 'state':
      kind, text = one_of_soak(scene, verb, dice)
      if kind in ('silent', 'hang', 'crash', 'lie'):
        return scene.finish((kind, '%d, %s: %s' % (number, verb, text)))
  return scene.finish(('success', ''))


# -- after the power went

def cases_torn(chosen, _):
  for command, after in (('start', 'created'), ('exec', 'running')):
    for prefix in ('', commands.ROOTLESS):
      if prefix + command in chosen:
        for number in list(range(FILES)) + ['all']:
          for damage in DAMAGES:
            yield ['torn', prefix + command, after, number, damage]


def state_files(scene):
  found = []
  for folder, _, names in os.walk(scene.state_root):
    if scene.box.id in folder:
      found += ['%s/%s' % (folder, name) for name in names]
  return sorted(found)


def spoil(path, damage):
  if damage == 'missing':
    os.unlink(path)
    return
  if not os.path.isfile(path) or os.path.islink(path):
    return  # sockets and FIFOs hold nothing
  size = os.path.getsize(path)
  os.truncate(path, size // 2 if damage == 'half' else 0)
  if damage == 'zeros':
    os.truncate(path, size)


def wrong_after(scene, verb):
  """Nothing lives: what may be said of that is that it is over, or not to be known any more."""
  result = scene.runtime(commands.words(verb, scene.box))
  kind, text = scene.judge('state', result) if result['rc'] else ('success', '')
  if kind in ('silent', 'hang', 'crash'):
    return kind, '%s: %s' % (verb, text)
  if result['rc'] == 0 and verb in ('start', 'exec'):
    return 'lie', '%s worked' % verb
  if result['rc'] == 0 and verb == 'state' and scene.status() in ('created', 'running', 'paused'):
    return 'lie', 'it is said to live'
  return None


def do_torn(scene, words):
  _, command, _, number, damage = words
  scene.prepare(command)
  files = state_files(scene)
  scene.end_all(10 * isolation.PATIENCE)  # what a machine without power has no more
  chosen = files if number == 'all' else files[int(number):int(number) + 1]
  if not chosen:
    return 'not reached', '', scene.finish(('', ''))[2]
  for path in chosen:
    spoil(path, damage)
  what = ', '.join(os.path.basename(path) for path in chosen)
  for verb in ('state', 'start', 'exec', 'kill'):
    wrong = wrong_after(scene, verb)
    if wrong:
      return scene.finish((wrong[0], '%s: %s' % (what, wrong[1])))
  kind, text, usable = scene.finish(('clean', what))
  if kind == 'clean':
    again = scene.runtime(commands.words('create', scene.box))
    if again['rc']:
      kind, text = 'leak', '%s: the id can not be used again: %s' % (what, again['err'].strip())
    problem = scene.remove()
    usable = not problem or scene.scrub()
  return kind, text, usable
