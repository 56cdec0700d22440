"""What came out, as TAP or as a table."""

import copy
import os
import sys

import ground


def read_known(path):
  """{clause: reason}"""
  known = {}
  if path:
    with open(path, encoding='utf-8') as file:
      for line in file:
        if line.strip() and not line.startswith('#'):
          name, _, reason = line.strip().partition(' ')
          known[name] = reason.strip()
  return known


def tap(runtime, clauses, options, scratch):
  """TAP version 13.  Returns the exit status: 0 if nothing failed but what is known."""
  known = read_known(options.known)
  counts = {'ok': 0, 'fail': 0, 'skip': 0, 'todo': 0}
  print('TAP version 13\n1..%d' % len(clauses), flush=True)
  rows = ground.check_all(runtime, clauses, options, scratch)
  slow = []
  for number, (clause, result, text, seconds) in enumerate(rows, 1):
    slow.append((seconds, clause.name))
    # "#" would begin a directive.
    title = clause.title().replace('#', '\\#')
    reason = known.get(clause.name)
    if result == 'fail' and reason is not None:
      result = 'todo'
    elif result == 'ok' and reason is not None:
      result, text = 'fail', 'it is done right: take it out of %s' % options.known
    counts[result] += 1
    line = '%s %d %s' % ('not ok' if result in ('fail', 'todo') else 'ok', number, title)
    if result == 'skip':
      line += ' # SKIP ' + text.replace('\n', ' ')
    elif result == 'todo':
      line += ' # TODO ' + reason
    print(line)
    if result == 'fail':
      print('\n'.join('# ' + part for part in text.rstrip().splitlines()))
    sys.stdout.flush()
  print('# %d clauses: %d ok, %d failed, %d known to fail, %d skipped' % (
    len(clauses), counts['ok'], counts['fail'], counts['todo'], counts['skip']))
  print('# slowest: ' + ', '.join('%s %.1f s' % (name, seconds)
                                  for seconds, name in sorted(slow, reverse=True)[:5]))
  return 1 if counts['fail'] or not counts['ok'] else 0


def table(names, find_program, clauses, options, scratch):
  """One column for each runtime: how many, and where they differ or fail."""
  columns, found = [], []
  for name in names:
    program, _, view = name.partition(':')
    mine = copy.copy(options)
    mine.cgroup_view = view or options.cgroup_view
    columns.append(os.path.basename(program) + (view and ' (%s)' % view))
    rows = ground.check_all(find_program(program), clauses, mine, scratch)
    found.append({clause.name: (result, text) for clause, result, text, _ in rows})
  print('| | %s |\n| --- |%s' % (' | '.join(columns), ' --- |' * len(columns)))
  for result in ('ok', 'fail', 'skip'):
    counts = [sum(1 for value in column.values() if value[0] == result) for column in found]
    print('| %s | %s |' % (result, ' | '.join(map(str, counts))))
  print('\n| clause | | %s |\n| --- | --- |%s' % (' | '.join(columns), ' --- |' * len(columns)))
  for clause in clauses:
    results = [column[clause.name][0] for column in found]
    if 'fail' in results or len(set(results)) > 1:
      print('| %s | %s %s: %s | %s |' % (clause.name, clause.where, clause.level, clause.text,
                                         ' | '.join(results)))
  return 0
