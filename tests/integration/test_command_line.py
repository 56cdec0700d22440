"""Options, --help, --version and the log."""

import json
import os
import re
import shutil
import subprocess

from lib import also_as_user, everyone, read

COMMANDS = ('create', 'start', 'run', 'state', 'list', 'kill', 'delete', 'spec')


def test_a_program_with_the_set_user_ID_bit(t):
  path = t.path('proa-setuid')
  shutil.copy(t.settings.runtime, path)
  os.chmod(path, 0o4755)
  with open(t.path('said'), 'w', encoding='utf-8') as said:
    code = t.helper([path, '--version'], user=65534, group=65534, extra_groups=[], stderr=said).wait(15)
  t.same((code, read(t.path('said'))), (
    1, 'this program must not have the set-user-ID or set-group-ID bit: remove it with "chmod ug-s"; '
    'containers need no such rights\n'))


@everyone
def test_the_version_is_printed_as_engines_parse_it(t):
  for option in ('--version', '-v'):
    out = t.worked(t.proa(option, plain=True)).out
    lines = out.splitlines()
    t.true(re.fullmatch(r'proa version \d+\.\d+(\.\d+)?\S*', lines[0]), lines[0])
    t.same([line for line in lines[1:] if 'version' in line], [])
    t.true('spec: 1.3.0' in lines, 'there is no line "spec: 1.3.0"')
    t.true(any(line.startswith('commit: ') for line in lines), 'there is no line "commit: "')


def test_help_tells_all_commands_and_options(t):
  for words in (['--help'], ['-h']):
    out = t.worked(t.proa(*words, plain=True)).out
    for command in COMMANDS:
      t.true(re.search(r'(?m)^  %s +\S' % command, out), command + ' is not in it')
    for option in ('--root', '--log', '--log-format', '--debug', '--version'):
      t.has(out, option)


def test_each_command_has_a_help(t):
  options = {'create': ['--bundle', '--pid-file', '--console-socket', '--no-pivot',
                        '--no-new-keyring', '--preserve-fds'],
             'run': ['--bundle', '--detach', '--keep'], 'kill': ['--all'], 'delete': ['--force'],
             'list': ['--format', '--quiet'], 'spec': ['--rootless', '--bundle']}
  for command in COMMANDS:
    out = t.worked(t.proa(command, '--help', plain=True)).out
    t.has(out, 'Usage: proa ' + command)
    for option in options.get(command, []):
      t.has(out, option, command)


def test_no_line_of_help_is_wider_than_a_terminal(t):
  for words in [['--help']] + [[command, '--help'] for command in COMMANDS]:
    for line in t.proa(*words, plain=True).out.splitlines():
      t.true(len(line) <= 80, line)


def test_options_with_one_dash_with_equals_and_behind_the_id_are_understood(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  root = t.settings.directory + '/state'
  t.worked(t.proa('-root', root, 'create', '-bundle=' + box.directory, box.id, '-pid-file',
                  t.path('pid'), plain=True))
  t.same(read(t.path('pid')), str(box.pid()))
  t.worked(t.proa('--root=' + root, 'delete', box.id, '-force', plain=True))


def test_a_switch_can_be_turned_off(t):
  box = t.box(args=['sleep', '60']).launch()
  t.same(t.proa('delete', '--force=false', box.id).rc, 1)
  t.worked(t.proa('delete', '--force=true', box.id))


def test_what_engines_pass_for_compatibility_is_accepted(t):
  t.worked(t.proa('--rootless=true', 'list', '-q'))
  t.worked(t.proa('--rootless', 'auto', 'list', '-q'))
  t.worked(t.box().run('--no-subreaper', '--no-new-keyring'))


def test_no_pivot_works(t):
  t.same(t.box('cat /proc/1/comm').output('--no-pivot'), 'cat\n')


def test_the_default_state_directory_is_in_run(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  t.worked(t.proa('create', '--bundle', box.directory, box.id, plain=True))
  t.true(os.path.isdir('/run/proa/' + box.id), 'it is not in /run/proa')
  t.worked(t.proa('delete', box.id, plain=True))


@also_as_user
def test_the_default_state_directory_is_in_XDG_RUNTIME_DIR(t):
  box = t.box(args=['sleep', '60'])
  box.save()
  env = t.environment(XDG_RUNTIME_DIR=t.settings.runtime_dir)
  t.worked(t.proa('create', '--bundle', box.directory, box.id, plain=True, env=env))
  path = t.settings.runtime_dir + '/proa'
  t.true(os.path.isdir(path + '/' + box.id), 'it is not in ' + path)
  t.true(os.stat(path).st_mode & 0o1000, 'there is no sticky bit: cleaners would remove it')
  t.worked(t.proa('delete', box.id, plain=True, env=env))


def test_a_log_that_is_json_holds_one_object_after_a_failure(t):
  box = t.box(args=['missing "quoted"\n'])
  result = box.run(before=['--log', t.path('log'), '--log-format', 'json'])
  text = read(t.path('log'))
  t.same(text.count('\n'), 1)
  row = json.loads(text)
  t.same(row['level'], 'error')
  t.has(row['msg'], 'executable file not found in $PATH')
  t.true(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)', row['time']),
         row['time'])
  t.same(result.rc, 1)
  t.has(result.err, 'executable file not found in $PATH')
  t.same(result.err.count('\n'), 1)


@also_as_user
def test_the_log_is_empty_after_a_success(t):
  for form in ('json', 'text'):
    box = t.box()
    t.worked(box.run(before=['--log=' + t.path(form), '--log-format=' + form]))
    t.same(read(t.path(form)), '')


def test_the_log_is_appended_to(t):
  path = t.path('log', 'earlier\n')
  t.proa('--log', path, 'state', 'nobody')
  lines = read(path).splitlines()
  t.same((len(lines), lines[0]), (2, 'earlier'))
  t.has(lines[1], 'error: nobody: container does not exist')


def test_a_failure_of_the_command_line_goes_to_the_log_too(t):
  path = t.path('log')
  t.proa('--log', path, '--log-format', 'json', 'create')
  t.same(json.loads(read(path))['level'], 'error')


@also_as_user
def test_debug_tells_more_and_changes_nothing(t):
  result = t.box('echo out; exit 3').run(before=['--debug'])
  t.same((result.rc, result.out), (3, 'out\n'))
  t.true(len(result.err.splitlines()) > 5, 'it tells little')
  t.same([line for line in result.err.splitlines() if not line.startswith('debug: ')], [])


def test_debug_lines_in_a_json_log_are_objects(t):
  path = t.path('log')
  t.worked(t.box().run(before=['--debug', '--log', path, '--log-format', 'json']))
  levels = {json.loads(line)['level'] for line in read(path).splitlines()}
  t.same(levels, {'debug'})


def test_an_unknown_log_format_is_refused(t):
  t.refused(t.proa('--log-format', 'xml', 'list'),
            'unknown log format "xml": it is text or json')


def test_what_podmans_probe_looks_for_is_there(t):
  t.has(t.proa('run', '--pid-file').err, 'flag needs an argument')


def test_a_full_output_is_an_error(t):
  with open('/dev/full', 'w', encoding='utf-8') as full:
    process = t.start('--version', plain=True, stdout=full)
    result = t.finish(process)
  t.same((result.rc, result.err), (1, 'write the output: no space left on device\n'))


def test_a_command_works_without_any_environment(t):
  t.worked(t.proa('list', '-q', env={}))
  t.worked(t.box().run(env={}))


def test_it_does_not_need_a_current_directory(t):
  gone = t.path('gone')
  os.mkdir(gone)
  box = t.box(args=['echo', 'fine'])
  box.save()
  words = t.command(['run', '--bundle', box.directory, box.id])
  done = subprocess.run(['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', gone] + words,
                        capture_output=True, text=True, check=False, timeout=10)
  t.same((done.returncode, done.stdout, done.stderr), (0, 'fine\n', ''))
