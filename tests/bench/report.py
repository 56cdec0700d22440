"""The figures for readers: as CSV, as a chart, and as a table between two comments of a Markdown file."""

import csv
import pathlib
import re
import sys

import chart
import measure

CHART = ('run, minimal', 'run, as Podman', 'run, as Docker', 'run, rootless in a user namespace',
         'run, rootless with newuidmap', 'create', 'start', 'state', 'exec', 'kill', 'delete', 'whole cycle')
BEGIN, END = '<!-- tests/bench/run: table -->', '<!-- tests/bench/run: end -->'


def write_csv(path, samples, numbers):
  columns = (('wall', measure.median), ('wall', measure.tenth), ('cpu', measure.median), ('cpu', measure.tenth))
  with open(path, 'w', encoding='utf-8', newline='') as file:
    table = csv.writer(file)
    table.writerow(('row', 'runtime', 'rounds', 'wall us', 'wall p10 us', 'cpu us', 'cpu p10 us'))
    for row, peers in samples.items():
      for peer, list_ in peers.items():
        table.writerow((row, peer, len(list_), *(round(function(list_, what), 1) for what, function in columns)))
    for row, peers in numbers.items():
      for peer, number in peers.items():
        table.writerow((row, peer, '', number))


def write_svg(path, where, names, samples):
  table = {row: {name: measure.median(samples[row][name], 'cpu') for name in samples[row]}
           for row in CHART if row in samples}
  pathlib.Path(path).write_text(chart.draw('Processor time of one command', where, names, table), encoding='utf-8')


def times(samples):
  return f'{measure.median(samples, "cpu") / 1000:.2f} / {measure.tenth(samples, "wall") / 1000:.2f}'


def markdown(where, names, samples, numbers):
  lines = [f'{where}:', '', '| milliseconds: processor / clock | ' + ' | '.join(names) + ' |',
           '| --- |' + ' --- |' * len(names)]
  for row, peers in samples.items():
    lines.append(f'| {row} | ' + ' | '.join(times(peers[name]) if name in peers else '-' for name in names) + ' |')
  for row, peers in numbers.items():
    cells = (f'{peers[name]:,}' if peers.get(name) is not None else '-' for name in names)
    lines.append(f'| {row} | ' + ' | '.join(cells) + ' |')
  return '\n'.join(lines)


def write_table(path, *figures):
  text = pathlib.Path(path).read_text(encoding='utf-8')
  if BEGIN not in text or END not in text:
    sys.exit(f'run: {path}: it has no lines "{BEGIN}" and "{END}"')
  between = re.compile(re.escape(BEGIN) + '.*?' + re.escape(END), re.DOTALL)
  table = f'{BEGIN}\n{markdown(*figures)}\n{END}'
  pathlib.Path(path).write_text(between.sub(lambda _: table, text, count=1), encoding='utf-8')
