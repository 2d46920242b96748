// The `.cnn` language for tree-sitter: what editors colour, fold and select by. It reads every spec that `cnnc` reads; what is
// wrong with a spec the language server says. Rules have the names of `grammar/cnn.pest`.
//
// A line's end is a token, for it ends statements. The tokens behind which a statement may go on take the line ends behind them.

const JOINS = ['sum', 'product', 'concat', 'difference', 'quotient', 'maximum', 'minimum', 'stack', 'matmul'];

/** A sign or word with the line ends behind it. */
const carrying = ($, token) => seq(token, repeat($._line_end));

/** One or more, between brackets, with a last comma or none. */
const listed = ($, open, rule, close) =>
  seq(carrying($, open), optional(seq(rule, repeat(seq(carrying($, ','), rule)), optional(carrying($, ',')), repeat($._line_end))), close);

const binary = ($, operator) => seq($._expression, carrying($, field('operator', operator)), $._expression);

module.exports = grammar({
  name: 'cnn',

  word: ($) => $.word,

  extras: ($) => [/[ \t\uFEFF]/, $.comment],

  conflicts: ($) => [[$.if_statement], [$._name, $.label], [$.call, $.label], [$.flow_item], [$._callable, $.join]],

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
    parameters: ($) => listed($, '(', $.parameter, seq(repeat($._line_end), ')')),
    parameter: ($) => seq(field('name', $.word), ':', field('type', $._type), optional(seq(carrying($, '='), field('default', $._expression)))),
    _type: ($) => choice($.type, $.list_type, $.tuple_type),
    type: ($) => $.word,
    list_type: ($) => seq('[', $._type, ']'),
    tuple_type: ($) => seq('(', $._type, repeat(seq(',', $._type)), optional(','), ')'),

    body: ($) =>
      seq('{', repeat($._separator), optional(seq($._statement, repeat(seq(repeat1($._separator), $._statement)), repeat($._separator))), '}'),

    _statement: ($) =>
      choice(
        $.flow_item, $.if_statement, $.for_statement, $.repeat, $.input, $.output, $.expect, $.keep, $.from, $.init, $.let, $.tied, $.labels,
      ),

    flow_item: ($) => choice(seq(field('label', $.label), ':', $._flow), $._flow),
    _flow: ($) => choice($.call, $.filled, $.join, $.sequential, $.body, $.constant),
    label: ($) => seq(choice($.word, $.string), optional($.index)),
    filled: ($) => seq(field('call', $.call), field('body', $.body)),
    join: ($) => prec(1, seq(field('kind', choice(...JOINS)), optional($.arguments), field('body', $.body))),
    sequential: ($) => prec(1, seq('Sequential', field('body', $.body))),
    constant: ($) => choice($.number, $.list, $.tuple),

    if_statement: ($) =>
      seq('if', field('condition', $._expression), $.body, repeat(seq(repeat($._line_end), 'else', 'if', $._expression, $.body)),
        optional(seq(repeat($._line_end), 'else', $.body))),
    for_statement: ($) => seq('for', $._pattern, 'in', $._expression, $.body),
    repeat: ($) => seq('repeat', $._expression, $.body),
    input: ($) => seq('input', optional(field('name', $.word)), field('shape', $.list), optional($.image)),
    image: ($) => seq('image', optional($.arguments)),
    output: ($) => seq('output', field('name', $.label)),
    expect: ($) => seq('expect', field('shape', $.list)),
    keep: ($) => seq('keep', field('name', $.label)),
    from: ($) => seq('from', $.label, repeat(seq('.', $.label))),
    init: ($) => seq('init', $._target, repeat(seq(carrying($, ','), $._target)), ':', field('scheme', $.call)),
    _target: ($) => choice($.word, $.string),
    let: ($) => seq('let', $._pattern, carrying($, '='), $._expression),
    tied: ($) => seq('tied', field('name', $.word), carrying($, '='), $.call),
    labels: ($) => seq('labels', choice($.list, $.string)),
    _pattern: ($) => choice($.word, $.tuple_pattern),
    tuple_pattern: ($) => seq('(', $._pattern, repeat(seq(',', $._pattern)), optional(','), ')'),

    _expression: ($) =>
      choice($.conditional, $.binary, $.unary, $.range, $.subscript, $.member, $.call, $.number, $.string, $.list, $.tuple, $.boolean),
    conditional: ($) => prec.right(1, seq($._expression, carrying($, 'if'), $._expression, carrying($, 'else'), $._expression)),
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
    unary: ($) => choice(prec(4, seq(carrying($, 'not'), $._expression)), prec(9, seq(carrying($, '-'), $._expression))),
    subscript: ($) => prec(11, seq($._expression, $.index)),
    index: ($) => seq('[', choice($._expression, $.slice), ']'),
    slice: ($) => seq(optional($._expression), ':', optional($._expression), optional(seq(':', optional($._expression)))),
    member: ($) => prec(11, seq($._expression, '.', $.word)),

    call: ($) => prec.right(seq(field('callee', $._name), optional($.arguments))),
    _name: ($) => $.word,
    arguments: ($) => listed($, '(', $.argument, ')'),
    argument: ($) => seq(optional(seq(field('key', $.word), carrying($, '='))), $._expression),

    list: ($) => choice(listed($, '[', $._expression, ']'), seq(carrying($, '['), $._expression, repeat1($.clause), repeat($._line_end), ']')),
    clause: ($) => seq(repeat($._line_end), 'for', $._pattern, 'in', $._expression, repeat(seq(repeat($._line_end), 'if', $._expression))),
    tuple: ($) => listed($, '(', $._expression, ')'),
    boolean: () => choice('true', 'false'),
    number: () => token(/\d+(\.\d+)?([eE][+-]?\d+)?/),
    string: ($) => seq('"', repeat(choice($.characters, $.interpolation)), token.immediate('"')),
    characters: () => token.immediate(/[^"{}\r\n]+/),
    interpolation: ($) => seq(token.immediate('{'), $._expression, '}'),
    word: () => /[A-Za-z_][A-Za-z0-9_]*/,
  },
});
