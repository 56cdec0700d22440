"""The figures as an SVG chart: a group of bars for each row, as long as the processor time beside the slowest's."""

import html

WIDTH, LEFT, RIGHT = 860, 270, 90
BAR, GAP, HEAD, FOOT = 13, 12, 88, 16
COLOURS = ('#2f7ed8', '#e08a2e', '#8a63b8', '#4aa36b', '#c4566b')
FLOOR = '#9aa3ad'

STYLE = '''
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet { fill: #6a737d; font-size: 11px; }
  .line { stroke: #d0d7de; stroke-width: 1; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .line { stroke: #3d444d; }
    .ground { fill: #0d1117; }
  }
'''


def amount(microseconds):
  return f'{microseconds / 1000:.{1 if microseconds < 100000 else 0}f} ms'


def text(x, y, words, kind='', anchor='start'):
  kind = f' class="{kind}"' if kind else ''
  return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{html.escape(words)}</text>'


def legend(names, colours):
  parts, x = [], LEFT
  for name in names:
    parts.append(f'<rect x="{x}" y="58" width="11" height="11" rx="2" fill="{colours[name]}"/>')
    parts.append(text(x + 16, 68, name))
    x += 34 + 7 * len(name)
  return parts


def bars(row, values, top, colours):
  """values: {name: microseconds} in the order of the legend."""
  most, y = max(values.values()), top
  parts = [text(LEFT - 12, top + len(values) * BAR / 2 + 4, row, anchor='end'),
           f'<line class="line" x1="{LEFT}" y1="{top - 3}" x2="{LEFT}" y2="{top + len(values) * BAR + 1}"/>']
  for name, value in values.items():
    width = max(1, (WIDTH - LEFT - RIGHT) * value / most)
    parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 3}" rx="2" fill="{colours[name]}">'
                 f'<title>{html.escape(f"{name}, {row}: {amount(value)}")}</title></rect>')
    parts.append(text(round(LEFT + width + 6, 1), y + 9, amount(value), 'quiet'))
    y += BAR
  return parts


def draw(title, subtitle, names, rows):
  """rows: {row: {name: microseconds}}; returns the file's text."""
  runtimes = [name for name in names if name != 'floor']
  colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(runtimes)}
  colours['floor'] = FLOOR
  parts, y = [text(16, 26, title, 'title'), text(16, 43, subtitle, 'quiet'), *legend(names, colours)], HEAD
  for row, values in rows.items():
    ordered = {name: values[name] for name in names if name in values}
    parts += bars(row, ordered, y, colours)
    y += len(ordered) * BAR + GAP
  height = y + FOOT
  return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
          f'role="img" aria-label="{html.escape(title)}">\n<style>{STYLE}</style>\n'
          f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>\n' + '\n'.join(parts) + '\n</svg>\n')
