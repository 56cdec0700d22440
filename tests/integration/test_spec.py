"""spec, and that what it writes can be run."""

import json
import os

from lib import also_as_user, everyone, read, run_as, write


def bundle(t, *options):
  """A bundle with the config that spec writes; its program is no shell that wants a terminal."""
  box = t.box()
  t.worked(t.proa('spec', '--bundle', box.directory, *options), '')
  box.config = json.loads(read(box.directory + '/config.json'))
  return box


@everyone
def test_the_config_is_written_once(t):
  here = t.path('empty')
  os.mkdir(here)
  t.worked(t.proa('spec', cwd=here), '')
  before = read(here + '/config.json')
  t.refused(t.proa('spec', cwd=here),
            'make config.json: file exists: remove it, or choose another name with --config')
  t.same(read(here + '/config.json'), before)
  t.true(before.endswith('}\n') and '\n    "process"' in before.replace('\t', '    '),
         'it is not made to be read')


def test_the_config_can_have_another_name(t):
  t.worked(t.proa('spec', '-f', 'other.json'))
  json.loads(read(t.path('other.json')))


def test_the_config_asks_for_few_rights(t):
  config = bundle(t).config
  t.same(sorted(config['process']['capabilities']['bounding']),
         ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'])
  t.same((config['process']['noNewPrivileges'], config['root']['readonly']), (True, True))
  t.true('/proc/kcore' in config['linux']['maskedPaths'], '/proc/kcore is not masked')


def test_what_it_writes_runs(t):
  box = bundle(t)
  box.config['process'].update(terminal=False, args=['sh', '-c', 'id -u; hostname; touch /x'])
  result = box.run()
  t.same((result.rc, result.out, result.err),
         (1, '0\nproa\n', 'touch: /x: Read-only file system\n'))


@run_as('root', 'user', 'lone')
def test_what_it_writes_for_a_plain_user_runs(t):
  box = bundle(t, '--rootless')
  box.config['process'].update(terminal=False, args=['sh', '-c', 'id -u; cat /proc/self/uid_map'])
  result = t.worked(box.run())
  t.same(result.out.split(), ['0', '0', str(os.geteuid()), '1'])


def test_the_rootless_config_maps_the_caller(t):
  config = bundle(t, '--rootless').config
  t.same(config['linux']['uidMappings'],
         [{'containerID': 0, 'hostID': os.geteuid(), 'size': 1}])
  kinds = {row['type'] for row in config['linux']['namespaces']}
  t.same(('user' in kinds, 'network' in kinds), (True, False))


@also_as_user
def test_everything_that_is_to_be_hidden_is_hidden(t):
  box = bundle(t, *([] if t.is_root else ['--rootless']))
  paths = box.config['linux']['maskedPaths']
  readonly = [path for path in box.config['linux']['readonlyPaths'] if os.path.exists(path)]
  box.config['process'].update(terminal=False, args=['sh', '-c', '''
    for p in %s; do
      if [ -d $p ]; then ls -A $p; elif [ -e $p ]; then cat $p; fi
    done 2>&1
    for p in %s; do grep -q " $p ro[, ]" /proc/self/mountinfo || echo $p is writable; done
    echo over''' % (' '.join(paths), ' '.join(readonly))])
  t.same(t.worked(box.run()).out, 'over\n')


def test_the_directory_has_to_exist(t):
  t.refused(t.proa('spec', '--bundle', '/nowhere'),
            'open the bundle /nowhere: no such file or directory')


def test_a_link_is_not_followed(t):
  os.symlink(t.path('target'), t.path('config.json'))
  t.same(t.proa('spec').rc, 1)
  t.true(not os.path.exists(t.path('target')), 'it was')


@run_as('user', 'lone')
def test_a_user_who_forgets_rootless_gets_a_container_all_the_same(t):
  box = bundle(t)
  box.config['process'].update(terminal=False, args=['id', '-u'])
  box.config['linux'].pop('resources', None)
  write(box.directory + '/config.json', json.dumps(box.config))
  t.same(t.worked(box.run()).out, '0\n')
