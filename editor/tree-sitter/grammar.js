// The `.cnn` language for tree-sitter: what editors colour, fold and select by. It reads every spec that `cnnc` reads; what is
// wrong with a spec the language server says. Rules have the names of `grammar/cnn.pest`.
//
// A line's end is a token, for it ends statements. The tokens behind which a statement may go on take the line ends behind them.

const JOINS = ['sum', 'product', 'concat', 'difference', 'quotient', 'maximum', 'minimum', 'stack', 'matmul'];

/** Words that begin statements, which may name an item all the same. */
const WORDS = [
  'if', 'for', 'repeat', 'Sequential', 'input', 'output', 'expect', 'keep', 'from', 'init', 'let', 'tied', 'labels', 'assert', 'image', 'in',
  'model', 'block', 'import', ...JOINS,
];

/** A sign or word with the line ends behind it. */
const carrying = ($, token) => seq(token, repeat($._line_end));

/** One or more or none, between brackets, with a last comma or none. */
const listed = ($, open, rule, close) =>
  seq(
    carrying($, open),
    optional(seq(rule, repeat(seq(carrying($, ','), rule)), optional(choice(carrying($, ','), repeat1($._line_end))))),
    close,
  );

const binary = ($, operator) => seq($._unconditional, carrying($, field('operator', operator)), $._unconditional);

module.exports = grammar({
  name: 'cnn',

  word: ($) => $.word,

  // Names of values may not be these; labels may.
  reserved: {
    global: () => ['if', 'else', 'and', 'or', 'not', 'in', 'true', 'false'],
    labels: () => [],
  },

  extras: ($) => [/[ \t\uFEFF]/, $.comment],

  // Whether line ends behind a body lead to its `else`, and whether `name[` is a label or a value, shows later.
  conflicts: ($) => [[$.if_statement], [$.label, $._name], [$.label, $._unconditional]],

  supertypes: ($) => [$._statement, $._expression],

  rules: {
    file: ($) => seq(repeat($._separator), optional(seq($._item, repeat(seq(repeat1($._separator), $._item)), repeat($._separator)))),

    _separator: ($) => choice($._line_end, ';'),
    _line_end: () => token(/[\r\n]/),
    comment: () => token(/#[^\r\n]*/),

    _item: ($) => choice($.import, $.preset, $.declaration),
    import: ($) => seq('import', field('path', $.string)),
    preset: ($) => seq('model', field('name', $.word), carrying($, '='), field('base', $.call)),
    declaration: ($) =>
      seq(field('kind', choice('model', 'block')), field('name', $.word), optional($.parameters), field('body', $.body)),
    parameters: ($) => listed($, '(', $.parameter, ')'),
    parameter: ($) => seq(field('name', $.word), ':', field('type', $._type), optional(seq(carrying($, '='), field('default', $._expression)))),
    _type: ($) => choice($.type, $.list_type, $.tuple_type),
    type: ($) => $.word,
    list_type: ($) => seq(carrying($, '['), $._type, repeat($._line_end), ']'),
    tuple_type: ($) => listed($, '(', $._type, ')'),

    // What ends in a `}` needs nothing behind it.
    body: ($) => seq('{', repeat(choice($._separator, $._braced, seq($._statement, $._separator))), optional($._statement), '}'),

    _braced: ($) => choice($.if_statement, $.for_statement, $.repeat, alias($.braced_item, $.flow_item)),
    braced_item: ($) => seq(optional($._labelled), choice($.filled, $.join, $.sequential, $.body)),
    _statement: ($) =>
      choice($.flow_item, $.input, $.output, $.expect, $.assert, $.keep, $.from, $.init, $.let, $.tied, $.labels),
    flow_item: ($) => seq(optional($._labelled), choice($.call, $.constant)),
    _labelled: ($) => seq(field('label', $.label), ':'),
    label: ($) => choice(seq(choice(reserved('labels', $.word), $.string), optional($.index)), alias(choice(...WORDS), $.word)),
    filled: ($) => seq(field('call', $.call), field('body', $.body)),
    join: ($) => prec(1, seq(field('kind', choice(...JOINS)), optional($.arguments), field('body', $.body))),
    sequential: ($) => prec(1, seq('Sequential', field('body', $.body))),
    constant: ($) => choice($.number, $.list, $.tuple, $.unary, $.binary),

    if_statement: ($) =>
      seq(
        'if', field('condition', $._expression), $.body,
        repeat(seq(repeat($._line_end), 'else', 'if', field('condition', $._expression), $.body)),
        optional(seq(repeat($._line_end), 'else', $.body)),
      ),
    for_statement: ($) => seq('for', $._pattern, 'in', $._expression, $.body),
    repeat: ($) => seq('repeat', $._expression, $.body),
    input: ($) => seq('input', optional(field('name', $.word)), field('shape', $.list), optional($.image)),
    image: ($) => seq('image', optional($.arguments)),
    output: ($) => seq('output', field('name', $.label)),
    expect: ($) => seq('expect', field('shape', $.list)),
    assert: ($) =>
      seq('assert', field('measure', $.call), carrying($, choice('<=', '>=', '==', '<', '>')), field('bound', choice($.amount, $._expression))),
    amount: () => token(/\d+(\.\d+)?([kMG]|[KMG]iB)/),
    keep: ($) => seq('keep', field('name', $.label)),
    from: ($) => seq('from', $.label, repeat(seq('.', $.label))),
    init: ($) => seq('init', $._target, repeat(seq(carrying($, ','), $._target)), ':', field('scheme', $.call)),
    _target: ($) => choice($.word, $.string),
    let: ($) => seq('let', $._pattern, carrying($, '='), $._expression),
    tied: ($) => seq('tied', field('name', $.word), carrying($, '='), $.call),
    labels: ($) => seq('labels', choice($.list, $.string)),
    _pattern: ($) => choice($.word, $.tuple_pattern),
    tuple_pattern: ($) => listed($, '(', $._pattern, ')'),

    _expression: ($) => choice($.conditional, $._unconditional),
    _unconditional: ($) =>
      choice($.binary, $.unary, $.range, $.subscript, $.member, $.call, $.number, $.string, $.list, $.tuple, $.boolean),
    conditional: ($) => seq($._unconditional, carrying($, 'if'), $._unconditional, carrying($, 'else'), $._expression),
    binary: ($) =>
      choice(
        prec.left(2, binary($, 'or')),
        prec.left(3, binary($, 'and')),
        prec.left(5, binary($, choice('==', '!=', '<=', '>=', '<', '>'))),
        prec.left(7, binary($, choice('+', '-'))),
        prec.left(8, binary($, choice('*', '/', '//', '%'))),
        prec.right(10, binary($, '**')),
      ),
    range: ($) => prec.left(6, binary($, '..')),
    unary: ($) => choice(prec(4, seq(carrying($, 'not'), $._unconditional)), prec(9, seq(carrying($, '-'), $._unconditional))),
    subscript: ($) => prec(11, seq($._unconditional, $.index)),
    index: ($) => seq('[', choice($._expression, $.slice), ']'),
    slice: ($) => seq(optional($._expression), ':', optional($._expression), optional(seq(':', optional($._expression)))),
    member: ($) => prec(11, seq($._unconditional, '.', $.word)),

    call: ($) => prec.right(seq(field('callee', $._name), optional($.arguments))),
    _name: ($) => $.word,
    arguments: ($) => listed($, '(', $.argument, ')'),
    argument: ($) => seq(optional(seq(field('key', $.word), carrying($, '='))), $._expression),

    list: ($) =>
      choice(
        listed($, '[', $._expression, ']'),
        seq(carrying($, '['), $._expression, repeat($._line_end), $.clause, repeat(choice($.clause, $.condition, $._line_end)), ']'),
      ),
    clause: ($) => seq('for', $._pattern, 'in', $._unconditional),
    condition: ($) => seq('if', $._unconditional),
    tuple: ($) => listed($, '(', $._expression, ')'),
    boolean: () => choice('true', 'false'),
    number: () => token(/\d+(\.\d+)?([eE][+-]?\d+)?/),
    string: ($) => seq('"', repeat(choice($.characters, $.interpolation)), token.immediate('"')),
    characters: () => token.immediate(/[^"{}\r\n]+/),
    interpolation: ($) => seq(token.immediate('{'), $._expression, '}'),
    word: () => /[A-Za-z_][A-Za-z0-9_]*/,
  },
});
