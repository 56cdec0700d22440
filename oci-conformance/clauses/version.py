"""config.md, Specification version."""

from kit import MUST, clause

WHERE = 'config.md, Specification version'


@clause(WHERE, MUST, 'a config of version {} is accepted',
        ['1.0.0', '1.0.2', '1.1.0', '1.2.0', '1.0.2-dev', '1.0.0-rc1'])
def accepted(t, version):
  box = t.box('echo fine')
  box.config['ociVersion'] = version
  t.same(box.output(), 'fine')


@clause(WHERE, MUST, 'ociVersion is required')
def missing(t):
  box = t.box('true')
  del box.config['ociVersion']
  box.refused()


@clause('config.md, Valid values', MUST, 'an ociVersion of {} is an error: it is no semantic version',
        ['', 'one', '1', '1.0', 'v1.0.0', '1.0.0.0'])
def not_semver(t, version):
  box = t.box('true')
  box.config['ociVersion'] = version
  box.refused()


@clause('config.md, Valid values', MUST, 'an ociVersion of {}, which is incompatible, is an error',
        ['2.0.0', '0.2.0', '99.0.0'])
def other_major(t, version):
  box = t.box('true')
  box.config['ociVersion'] = version
  box.refused()
