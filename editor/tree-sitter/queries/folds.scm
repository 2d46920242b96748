[(body) (parameters) (list)] @fold
