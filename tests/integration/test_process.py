"""process: cwd, env, args, user, umask, groups, noNewPrivileges, oomScoreAdj, rlimits."""

import os
import resource

from lib import also_as_user, everyone, run_as, status_field

SHOW = 'cat /proc/self/status'


# -- cwd


@also_as_user
def test_the_program_begins_in_cwd(t):
  t.same(t.box(args=['pwd'], cwd='/usr').output(), '/usr\n')


@also_as_user
def test_a_cwd_that_is_missing_is_made(t):
  box = t.box('pwd; stat -c %u:%a .', cwd='/new/deep')
  t.same(box.output(), '/new/deep\n0:755\n')


def test_a_cwd_that_only_root_may_enter_is_entered_as_root(t):
  box = t.box('pwd', cwd='/secret', user={'uid': 1000, 'gid': 1000})
  box.process['capabilities'] = {}
  os.mkdir(box.rootfs + '/secret', 0o700)
  t.same(box.output(), '/secret\n')


def test_a_cwd_through_a_link_stays_in_the_container(t):
  box = t.box(args=['pwd'], cwd='/link')
  os.symlink('/usr', box.rootfs + '/link')
  t.same(box.output(), '/usr\n')


def test_a_cwd_in_a_mount(t):
  box = t.box('pwd; touch f && ls', cwd='/mnt').mount('/mnt', 'tmpfs', [], 'tmpfs')
  t.same(box.output(), '/mnt\nf\n')


# -- env


@also_as_user
def test_the_environment_is_the_configs_and_no_other(t):
  box = t.box(args=['env'], env=['PATH=/bin', 'A=1', 'B=', 'C=x=y', 'D=\u00e4\nz', 'HOME=/h'])
  t.same(box.run(env=t.environment(LEAK='yes', LD_PRELOAD='')).out,
         'PATH=/bin\nA=1\nB=\nC=x=y\nD=\u00e4\nz\nHOME=/h\n')


def test_of_a_name_that_comes_twice_the_last_counts(t):
  box = t.box('echo $A', env=['PATH=/bin', 'A=1', 'A=2'])
  t.same(box.output(), '2\n')


@also_as_user
def test_HOME_is_taken_from_passwd(t):
  box = t.box('echo $HOME')
  box.file('etc/passwd', 'other:x:7:7::/other:\n# line\n\nme:x:0:0::/home/me:/bin/sh\n')
  t.same(box.output(), '/home/me\n')


def test_HOME_of_another_uid(t):
  box = t.box('echo $HOME', user={'uid': 7, 'gid': 7})
  box.file('etc/passwd', 'root:x:0:0::/root:\n7:x:0:0::/wrong:\nother:x:7:7::/other:\n')
  t.same(box.output(), '/other\n')


def test_HOME_is_the_root_without_a_passwd(t):
  t.same(t.box('echo $HOME').output(), '/\n')


def test_HOME_of_the_config_stays(t):
  box = t.box('echo $HOME', env=['PATH=/bin', 'HOME=/mine'])
  box.file('etc/passwd', 'root:x:0:0::/root:\n')
  t.same(box.output(), '/mine\n')


def test_an_empty_HOME_is_replaced(t):
  box = t.box('echo $HOME', env=['PATH=/bin', 'HOME='])
  box.file('etc/passwd', 'root:x:0:0::/root:\n')
  t.same(box.output(), '/root\n')


# -- args


@also_as_user
def test_arguments_arrive_as_they_are(t):
  args = ['printf', '[%s]', 'a b', '', '*', '$HOME', "'", '"', '\n', '\u00e9', '-x']
  t.same(t.box(args=args).output(), '[a b][][*][$HOME][\']["][\n][\u00e9][-x]')


def test_args_0_is_what_the_program_is_called(t):
  box = t.box(args=['/usr/../bin/sh', '-c', 'echo $0'])
  t.same(box.output(), '/usr/../bin/sh\n')


def test_the_program_is_looked_for_in_the_configs_PATH(t):
  box = t.box(args=['tool'], env=['PATH=/nowhere:/opt/b:/opt/a:/bin'])
  box.file('opt/a/tool', '#!/bin/sh\necho a\n', 0o755)
  box.file('opt/b/tool', '#!/bin/sh\necho b\n', 0o755)
  t.same(box.output(), 'b\n')


def test_what_may_not_be_executed_is_passed_over(t):
  box = t.box(args=['tool'], env=['PATH=/opt/b:/opt/a:/bin'])
  box.file('opt/a/tool', '#!/bin/sh\necho a\n', 0o755)
  box.file('opt/b/tool', '#!/bin/sh\necho b\n', 0o644)
  t.same(box.output(), 'a\n')


def test_without_a_PATH_the_usual_places_are_looked_at(t):
  t.same(t.box(args=['echo', 'found'], env=[]).output(), 'found\n')


def test_a_path_with_a_slash_counts_from_cwd(t):
  box = t.box(args=['./tool'], cwd='/opt')
  box.file('opt/tool', '#!/bin/sh\necho here\n', 0o755)
  t.same(box.output(), 'here\n')


def test_a_program_behind_links(t):
  box = t.box(args=['/opt/link'])
  box.file('real/tool', '#!/bin/sh\necho found\n', 0o755)
  os.mkdir(box.rootfs + '/opt')
  os.symlink('/opt/other', box.rootfs + '/opt/link')
  os.symlink('../real/tool', box.rootfs + '/opt/other')
  t.same(box.output(), 'found\n')


def test_a_program_that_comes_from_a_mount(t):
  box = t.box(args=['/mnt/echo', 'mounted'])
  t.same(box.mount('/mnt', box.rootfs + '/bin', ['bind', 'ro']).output(), 'mounted\n')


# -- user


def test_the_ids_are_the_configs(t):
  box = t.box(args=['id'], user={'uid': 1000, 'gid': 1001, 'additionalGids': [5, 1002, 7]})
  t.same(box.output(), 'uid=1000 gid=1001 groups=5,7,1002\n')


@everyone
def test_no_group_of_the_callers_is_kept(t):
  text = t.box(SHOW).run().out
  groups = status_field(text, 'Groups').split()
  t.true(groups in ([], ['0']) or t.role == 'lone', groups)


def test_supplementary_groups_of_the_caller_are_dropped(t):
  text = t.worked(t.box(SHOW).run(extra_groups=[42, 4])).out
  t.same(status_field(text, 'Groups').split(), [])


@run_as('user')
def test_a_plain_user_with_subordinate_ids_can_be_anybody(t):
  box = t.box('id -u; id -g; grep Groups /proc/self/status',
              user={'uid': 1000, 'gid': 1001, 'additionalGids': [5]})
  t.same(box.output().split(), ['1000', '1001', 'Groups:', '5'])


@also_as_user
def test_the_umask_is_0022_or_the_configs(t):
  t.same(t.box('umask').output(), '0022\n')
  t.same(t.box('umask', user={'uid': 0, 'gid': 0, 'umask': 0o27}).output(), '0027\n')
  t.same(t.box('umask', user={'uid': 0, 'gid': 0, 'umask': 0}).output(), '0000\n')


# -- the rest


@also_as_user
def test_noNewPrivileges_is_as_the_config_says(t):
  for value in (True, False):
    text = t.box(SHOW, noNewPrivileges=value).output()
    t.same(status_field(text, 'NoNewPrivs'), str(int(value)))
  box = t.box(SHOW)
  del box.process['noNewPrivileges']
  t.same(status_field(box.output(), 'NoNewPrivs'), '0')


def test_the_oom_score_is_set(t):
  t.same(t.box('cat /proc/self/oom_score_adj', oomScoreAdj=500).output(), '500\n')


@run_as('user', 'lone')
def test_a_user_can_raise_the_oom_score(t):
  t.same(t.box('cat /proc/self/oom_score_adj', oomScoreAdj=700).output(), '700\n')


def test_without_an_oom_score_the_callers_stays(t):
  with open('/proc/self/oom_score_adj', encoding='utf-8') as file:
    t.same(t.box('cat /proc/self/oom_score_adj').output(), file.read())


@also_as_user
def test_resource_limits_are_set(t):
  box = t.box('cat /proc/self/limits', rlimits=[
    {'type': 'RLIMIT_NOFILE', 'soft': 100, 'hard': 200},
    {'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 0},
    {'type': 'RLIMIT_FSIZE', 'soft': 1000000, 'hard': 18446744073709551615},
    {'type': 'RLIMIT_STACK', 'soft': 1 << 23, 'hard': 1 << 24}])
  rows = {line[:26].strip(): line[26:].split()[:2] for line in box.output().splitlines()}
  t.same((rows['Max open files'], rows['Max core file size'], rows['Max file size'],
          rows['Max stack size']),
         (['100', '200'], ['0', '0'], ['1000000', 'unlimited'], ['8388608', '16777216']))


def test_other_limits_are_the_callers(t):
  soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
  t.same(t.box('ulimit -Sn; ulimit -Hn').output().split(), [str(soft), str(hard)])


def test_a_very_low_limit_does_not_hinder_the_start(t):
  t.same(t.box('echo fine', rlimits=[{'type': 'RLIMIT_NOFILE', 'soft': 3, 'hard': 3}]).output(),
         'fine\n')


def test_the_program_leads_a_session_of_its_own(t):
  box = t.box('cut -d" " -f1,5,6 /proc/1/stat')
  t.same(box.output(), '1 1 1\n')


def test_signals_are_as_at_the_beginning(t):
  text = t.box(args=['cat', '/proc/self/status']).output()
  blocked = int(status_field(text, 'SigBlk'), 16)
  ignored = int(status_field(text, 'SigIgn'), 16)
  t.same((blocked, ignored), (0, 0))
