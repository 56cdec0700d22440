"""config.md, Annotations."""

from kit import MAY, MUST, MUST_NOT, clause

WHERE = 'config.md, Annotations'


def annotated(t, annotations):
  box = t.box('echo fine')
  box.config['annotations'] = annotations
  return box


@clause(WHERE, MUST_NOT, 'an unknown key is no error')
def unknown(t):
  t.same(annotated(t, {'com.example.unknown': 'value'}).output(), 'fine')


@clause(WHERE, MUST_NOT, 'a key without reverse domain notation is no error')
def no_domain(t):
  t.same(annotated(t, {'key': 'value'}).output(), 'fine')


@clause(WHERE, MUST_NOT, 'a reserved key that is unknown is no error')
def reserved(t):
  t.same(annotated(t, {'org.opencontainers.unknown': 'value'}).output(), 'fine')


@clause(WHERE, MAY, 'a value may be empty')
def value_empty(t):
  t.same(annotated(t, {'com.example.empty': ''}).output(), 'fine')


@clause(WHERE, MAY, 'the map may be empty')
def empty(t):
  t.same(annotated(t, {}).output(), 'fine')


@clause(WHERE, MUST_NOT, 'a key is not empty: such a config is an error')
def key_empty(t):
  annotated(t, {'': 'value'}).refused()


@clause(WHERE, MUST, 'a value that is {} and no string is an error',
        [('a number', 1), ('an object', {'a': 'b'}), ('an array', ['a'])])
def value_type(t, _, value):
  annotated(t, {'com.example.key': value}).refused()


@clause(WHERE, MUST, 'annotations that are {} and no map are an error',
        [('an array', ['a']), ('a string', 'a')])
def map_type(t, _, value):
  annotated(t, value).refused()


@clause(WHERE, MUST_NOT, 'a hundred long annotations are no error')
def large(t):
  t.same(annotated(t, {'com.example.key%d' % n: 'v' * 1000 for n in range(100)}).output(), 'fine')
