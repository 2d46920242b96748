; What is later in the file wins.

(word) @variable

(comment) @comment
(string) @string
(characters) @string
(interpolation ["{" "}"] @punctuation.special)
(number) @number
(amount) @number
(assert measure: (call callee: (word) @function.builtin))
(boolean) @boolean

(call callee: (word) @function.call)
((call callee: (word) @type)
  (#match? @type "^[A-Z]"))

(label (word) @label)
(argument key: (word) @variable.parameter)
(parameter name: (word) @variable.parameter)
(type (word) @type.builtin)
(declaration name: (word) @type.definition)
(preset name: (word) @type.definition)

["import" "model" "block"] @keyword
["if" "else" "for" "in" "repeat"] @keyword.control
["input" "output" "expect" "assert" "keep" "from" "init" "let" "tied" "labels" "image"] @keyword
["and" "or" "not"] @keyword.operator
["sum" "product" "concat" "difference" "quotient" "maximum" "minimum" "stack" "matmul" "Sequential"] @keyword.function

["==" "!=" "<=" ">=" "<" ">" "+" "-" "*" "/" "//" "%" "**" ".." "="] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ";" ":" "."] @punctuation.delimiter
