//! The header of an array: a Python dictionary of three known keys, in Python's grammar as far as they need it.

/// What the header says.
#[derive(Debug, PartialEq)]
pub struct Header {
    /// The type of the elements: `<f4`.
    pub descr: String,
    /// Whether the first axis is the fastest.
    pub fortran_order: bool,
    /// A size an axis.
    pub shape: Vec<usize>,
}

type Parsed<T> = Result<T, String>;

impl Header {
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order; the reason when it is no such
    /// dictionary.
    pub fn parse(text: &str) -> Parsed<Header> {
        let mut rest = Rest(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        rest.expect("{")?;
        while !rest.take("}") {
            let key = rest.text("a key")?;
            rest.expect(":")?;
            let twice = match key {
                "descr" if rest.begins_with(['[', '(']) => return Err("its elements are records".into()),
                "descr" => descr.replace(rest.text("the type")?).is_some(),
                "fortran_order" => fortran_order.replace(rest.truth()?).is_some(),
                "shape" => shape.replace(rest.tuple()?).is_some(),
                other => return Err(format!("NumPy knows no key '{other}'")),
            };
            if twice {
                return Err(format!("'{key}' is there twice"));
            }
            if !rest.take(",") {
                rest.expect("}")?;
                break;
            }
        }
        rest.end()?;
        let lacks = |key: &str| format!("it has no '{key}'");
        Ok(Header {
            descr: descr.ok_or_else(|| lacks("descr"))?.to_owned(),
            fortran_order: fortran_order.ok_or_else(|| lacks("fortran_order"))?,
            shape: shape.ok_or_else(|| lacks("shape"))?,
        })
    }

    /// Where each element of the file in turn belongs in an array whose last axis is the fastest.
    pub fn places(&self) -> impl FnMut() -> usize {
        let count = self.shape.iter().product();
        // Axes from the fastest on, each with its size and how far apart its neighbours are.
        let mut axes = vec![(count, 1, 0)];
        if self.fortran_order {
            let stride = |axis: usize| self.shape[axis + 1..].iter().product::<usize>();
            axes = self.shape.iter().enumerate().map(|(axis, &size)| (size, stride(axis), 0)).collect();
        }
        let mut place = 0;
        move || {
            let here = place;
            for (size, stride, at) in &mut axes {
                *at += 1;
                place += *stride;
                if *at < *size {
                    break;
                }
                place -= *stride * *size;
                *at = 0;
            }
            here
        }
    }
}

/// What of a header is still to be read.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r', '\x0C']);
    }

    fn begins_with(&mut self, first: [char; 2]) -> bool {
        self.skip_space();
        self.0.starts_with(first)
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(format!("`{token}` is missing before {}", self.shown())) }
    }

    /// What comes next, in short.
    fn shown(&self) -> String {
        if self.0.is_empty() { "its end".into() } else { format!("{:?}", self.0.chars().take(20).collect::<String>()) }
    }

    fn end(&mut self) -> Parsed<()> {
        self.skip_space();
        if self.0.is_empty() { Ok(()) } else { Err(format!("after the dictionary comes {}", self.shown())) }
    }

    /// `'text'` or `"text"`.
    fn text(&mut self, what: &str) -> Parsed<&'t str> {
        self.skip_space();
        let quote = self.0.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        let quote = quote.ok_or_else(|| format!("{what} is missing before {}", self.shown()))?;
        let (text, rest) = self.0[1..].split_once(quote).ok_or_else(|| format!("{what} has no end"))?;
        if text.contains(['\\', '\n']) {
            return Err(format!("{what} is written with `\\` or over lines, as NumPy writes none"));
        }
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Parsed<bool> {
        self.skip_space();
        let end = self.0.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err("'fortran_order' is neither True nor False".into()),
        }
    }

    /// `()`, `(2,)`, `(2, 3)`: a number alone in parentheses is no tuple to Python.
    fn tuple(&mut self) -> Parsed<Vec<usize>> {
        if !self.take("(") {
            return Err("its shape is no tuple".into());
        }
        let mut sizes = Vec::new();
        while !self.take(")") {
            sizes.push(self.size()?);
            if !self.take(",") {
                if sizes.len() == 1 {
                    return Err("its shape is no tuple: one size is written `(2,)`".into());
                }
                self.expect(")")?;
                break;
            }
        }
        Ok(sizes)
    }

    /// A whole number, as Python writes one; Python 2 put an `L` behind long ones.
    fn size(&mut self) -> Parsed<usize> {
        self.skip_space();
        let end = self.0.find([',', ')', ' ', '\t', '\n', '\r']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        let digits = word.strip_suffix('L').unwrap_or(word);
        let is_plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        // Python takes no zero before other digits.
        let is_number = is_plain && (!digits.starts_with('0') || digits.bytes().all(|digit| digit == b'0'));
        let size = if is_number { digits.parse().ok() } else { None };
        let size = size.ok_or_else(|| format!("`{}` is no size", word.chars().take(30).collect::<String>()))?;
        self.0 = rest;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::Header;

    fn header(shape: &str) -> String {
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}  \n")
    }

    #[test]
    fn headers_are_read_in_any_order() {
        let expected = Header { descr: "<f4".into(), fortran_order: false, shape: vec![2, 3] };
        assert_eq!(Header::parse(&header("(2, 3)")).unwrap(), expected);
        assert_eq!(Header::parse("{ 'shape':(2,3),\"fortran_order\":False, 'descr':\"<f4\" }").unwrap(), expected);
        assert_eq!(Header::parse("{'descr': '|u1', 'fortran_order': True, 'shape': ()}").unwrap().shape, [0usize; 0]);
    }

    /// Tried with NumPy 2.4: what it takes is taken, and what it refuses is refused.
    #[test]
    fn shapes_are_tuples_as_python_has_them() {
        for (shape, sizes) in
            [("()", &[][..]), ("(3,)", &[3]), ("( 1 , 3\n)", &[1, 3]), ("(1, 3,)", &[1, 3]), ("(0, 3L)", &[0, 3])]
        {
            assert_eq!(Header::parse(&header(shape)).unwrap().shape, sizes, "{shape}");
        }
        for shape in [
            "(1,,3)",
            "(,)",
            "(,1)",
            "(3)",
            "(1 3)",
            "(1, 3",
            "(1, 3]",
            "[1, 3]",
            "3",
            "(1, -3)",
            "(1, 3.0)",
            "(1, 03)",
            "(1, 1e3)",
            "(1, (3,))",
            "(1, 'a')",
            "(1, None)",
            "(99999999999999999999,)",
            "(1, 3) + (2,)",
            "(1,3),,",
            "",
        ] {
            assert!(Header::parse(&header(shape)).is_err(), "{shape}");
        }
    }

    #[test]
    fn what_is_no_header_says_why() {
        for (text, words) in [
            ("", "`{` is missing before its end"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "records"),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "neither True nor False"),
            ("{'descr': '<f4', 'fortran_order': Falsey, 'shape': (2,)}", "neither True nor False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", "is missing before its end"),
            ("{'descr': '", "has no end"),
            ("{'descr': '<f4', 'fortran_order': False}", "no 'shape'"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", "no key 'x'"),
            ("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "twice"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} 3", "after the dictionary"),
            ("{'descr' '<f4'}", "`:` is missing"),
            ("{,}", "a key is missing"),
        ] {
            let reason = Header::parse(text).unwrap_err();
            assert!(reason.contains(words), "{text}: {reason}");
        }
    }

    #[test]
    fn columns_are_turned_into_rows() {
        let places = |fortran_order, shape: &[usize]| -> Vec<usize> {
            let header = Header { descr: String::new(), fortran_order, shape: shape.to_vec() };
            let mut place = header.places();
            (0..shape.iter().product()).map(|_| place()).collect()
        };
        assert_eq!(places(true, &[2, 3]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(places(false, &[2, 3]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(places(true, &[2, 1, 2, 2]), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(places(true, &[]), [0]);
    }
}
