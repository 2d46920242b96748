[(body) (parameters) (arguments) (list) (tuple)] @indent
["}" ")" "]"] @outdent
