//! Random source texts that read without an error: every form of the language, laid out in every way, with comments
//! wherever a line may end.

/// A text being written. The same seed gives the same text.
pub struct Random {
    state: u64,
    text: String,
    /// How many comments there are: they are numbered, `#0`, `#1`, …
    comments: usize,
}

/// A file, and how many comments it has.
pub fn file(seed: u64) -> (String, usize) {
    let mut random = Random { state: seed, text: String::new(), comments: 0 };
    random.separator(true);
    for _ in 0..random.below(4) {
        random.item();
        random.separator(true);
    }
    (random.text, random.comments)
}

/// Words that may name anything, and words that only some places take.
const NAMES: &[&str] = &["a", "b_1", "C", "Conv2d", "ReLU", "labels", "_", "a_rather_long_name_of_a_layer_or_value"];
/// An operator that has no left operand.
const NONE: usize = 12;
const WORDS: &[&str] = &["x", "block", "sum", "if", "true", "input", "model"];

impl Random {
    /// A number below `bound`, by splitmix64.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn name(&mut self) {
        let name = self.pick(NAMES);
        self.put(name);
    }

    fn comment(&mut self) {
        let text = self.pick(&["", " c", " é × ∀ \"quoted\" {", "# twice", " blanks behind \t", " ; (not) [a] token,"]);
        let end = self.pick(&["\n", "\r\n", "\n"]);
        self.put(&format!("#{}{text}{end}", self.comments));
        self.comments += 1;
    }

    /// Where a line may end inside a statement.
    fn place(&mut self) {
        match self.below(24) {
            0 => self.put("\n"),
            1 => self.put(" \t "),
            2 => self.comment(),
            3 => {
                self.put("\n\n  ");
                self.comment();
                self.comment();
            }
            _ => {}
        }
    }

    /// What parts two statements or declarations.
    fn separator(&mut self, needed: bool) {
        match self.below(12) {
            0 | 1 => self.put("; "),
            2 => {
                self.put("  ");
                self.comment();
            }
            3 => {
                self.put("\n \n\n");
                self.comment();
                self.put("  ");
            }
            4 => {
                self.put(" ; ");
                self.comment();
                self.put("\n");
                self.comment();
                self.put("\r\n\n");
            }
            5 => self.put("\n\n"),
            6 if !needed => self.put(" "),
            _ => self.put("\n"),
        }
    }

    fn brackets(&mut self, [open, close]: [&str; 2], least: usize, write: impl Fn(&mut Self)) {
        self.put(open);
        self.place();
        let count = least + if self.one_in(12) { self.below(30) } else { self.below(3) };
        for index in 0..count {
            if index > 0 {
                self.put(",");
                self.place();
            }
            write(self);
        }
        if (count > 0 && self.one_in(5)) || (count == 1 && open == "(" && least == 1) {
            self.put(",");
            self.place();
        }
        self.place();
        self.put(close);
    }

    /// A value in brackets of its own, which make no list.
    fn grouped(&mut self, [open, close]: [&str; 2], write: impl FnOnce(&mut Self)) {
        self.put(open);
        self.place();
        write(self);
        self.place();
        self.put(close);
    }

    fn arguments(&mut self, depth: usize) {
        self.brackets(["(", ")"], 0, |random| {
            if random.one_in(2) {
                let key = random.pick(WORDS);
                random.put(key);
                random.put("=");
            }
            random.value(depth + 1);
        });
    }

    fn call(&mut self, depth: usize) {
        self.name();
        if self.one_in(2) {
            self.arguments(depth);
        }
    }

    fn value(&mut self, depth: usize) {
        self.level(0, depth);
    }

    /// A value whose outermost operator binds at least as tightly as the level says.
    fn level(&mut self, level: usize, depth: usize) {
        if level == 11 {
            return self.atom(depth);
        }
        if depth > 5 || !self.one_in(7) {
            return self.level(level + 1, depth);
        }
        let (left, signs, right): (usize, &[&str], usize) = match level {
            0 => {
                self.level(1, depth + 1);
                self.put(" if ");
                self.place();
                self.level(1, depth + 1);
                (NONE, &[" else "], 0)
            }
            1 => (1, &[" or "], 2),
            2 => (2, &[" and "], 3),
            3 => (NONE, &["not "], 3),
            4 => (5, &["==", " != ", "<", " <=", "> ", ">="], 5),
            5 => (6, &["..", " .. "], 6),
            6 => (6, &["+", " - "], 7),
            7 => (7, &["*", " / ", "//", " % "], 8),
            8 => (NONE, &["-", "- "], 8),
            9 => (10, &["**", " ** "], 8),
            _ => return self.access(depth),
        };
        if left < NONE {
            self.level(left, depth + 1);
        }
        let sign = self.pick(signs);
        self.put(sign);
        self.place();
        self.level(right, depth + 1);
    }

    fn access(&mut self, depth: usize) {
        self.level(10, depth + 1);
        match self.below(4) {
            0 | 1 => return self.grouped(["[", "]"], |random| random.value(depth + 1)),
            2 => return self.grouped(["[", "]"], |random| random.slice(depth + 1)),
            _ => {}
        }
        self.put(".");
        let word = self.pick(WORDS);
        self.put(word);
    }

    fn slice(&mut self, depth: usize) {
        for part in 0..2 + self.below(2) {
            if part > 0 {
                self.put(":");
            }
            if self.one_in(2) {
                self.value(depth);
            }
        }
    }

    /// A list made by loops, without its brackets.
    fn made(&mut self, depth: usize) {
        self.value(depth);
        for _ in 0..1 + self.below(2) {
            self.place();
            self.put(" for ");
            self.pattern(1);
            self.put(" in ");
            self.level(1, depth);
            for _ in 0..self.below(2) {
                self.place();
                self.put(" if ");
                self.level(1, depth);
            }
        }
    }

    fn atom(&mut self, depth: usize) {
        match self.below(if depth > 5 { 7 } else { 13 }) {
            0..=2 => self.name(),
            3 | 4 => {
                let number = self.pick(&["0", "007", "64", "0.10", "1e-5", "1E+3", "2.50e2", "9223372036854775807"]);
                self.put(number);
            }
            5 => self.put("true"),
            6 => self.string(),
            7 => self.grouped(["(", ")"], |random| random.value(depth + 1)),
            8 => self.brackets(["(", ")"], 1, |random| random.value(depth + 1)),
            9 => self.brackets(["[", "]"], 0, |random| random.value(depth + 1)),
            10 => self.grouped(["[", "]"], |random| random.made(depth + 1)),
            _ => self.call(depth),
        }
    }

    fn string(&mut self) {
        self.put("\"");
        for _ in 0..self.below(3) {
            let part = self.pick(&[
                "block ",
                "\\n",
                "#no comment",
                "é",
                "{i}",
                "{ a +1 }",
                "{f(x)[0]}",
                "{-n // 2}",
                "{[i**2 for i in n[1:]]}",
            ]);
            self.put(part);
        }
        self.put("\"");
    }

    fn label(&mut self) {
        match self.below(3) {
            0 => self.string(),
            1 => self.put("\"x\""),
            _ => {
                let word = self.pick(WORDS);
                self.put(word);
            }
        }
    }

    fn pattern(&mut self, depth: usize) {
        match self.below(if depth > 2 { 2 } else { 6 }) {
            4 => self.grouped(["(", ")"], |random| random.pattern(depth + 1)),
            5 => self.brackets(["(", ")"], 1, |random| random.pattern(depth + 1)),
            _ => self.name(),
        }
    }

    fn type_(&mut self, depth: usize) {
        match self.below(if depth > 2 { 3 } else { 6 }) {
            3 => self.grouped(["(", ")"], |random| random.type_(depth + 1)),
            4 => self.brackets(["(", ")"], 1, |random| random.type_(depth + 1)),
            5 => self.grouped(["[", "]"], |random| random.type_(depth + 1)),
            _ => self.put("int"),
        }
    }

    fn body(&mut self, depth: usize) {
        self.put("{");
        self.separator(false);
        for _ in 0..self.below(4) {
            self.statement(depth);
            let has_body = self.text.ends_with('}');
            self.separator(!has_body);
        }
        self.put("}");
    }

    fn item(&mut self) {
        match self.below(8) {
            0 => self.put("import \"blocks/a.cnn\""),
            1 => {
                self.put("model  ");
                self.name();
                self.put("= ");
                self.call(0);
            }
            kind => {
                self.put(if kind % 2 == 0 { "block " } else { "model\t" });
                self.name();
                if self.one_in(2) {
                    self.brackets(["(", ")"], 0, |random| {
                        random.name();
                        random.put(": ");
                        random.type_(0);
                        if random.one_in(2) {
                            random.put(" = ");
                            random.value(1);
                        }
                    });
                }
                self.put(" ");
                self.body(0);
            }
        }
    }

    fn statement(&mut self, depth: usize) {
        if depth > 3 || self.one_in(2) {
            return self.simple_statement();
        }
        match self.below(7) {
            0 => self.if_statement(depth),
            1 => {
                self.put("for ");
                self.pattern(0);
                self.put(" in ");
                self.value(2);
                self.body(depth + 1);
            }
            2 => {
                self.put("repeat ");
                self.value(2);
                self.body(depth + 1);
            }
            3 => self.body(depth + 1),
            kind => {
                if self.one_in(2) {
                    self.label();
                    self.put(" :");
                }
                match kind {
                    4 => {
                        let join = self.pick(&[
                            "sum",
                            "product",
                            "concat",
                            "difference",
                            "quotient",
                            "maximum",
                            "stack",
                            "matmul",
                        ]);
                        self.put(join);
                        if self.one_in(3) {
                            self.arguments(2);
                        }
                    }
                    _ => self.put("Sequential"),
                }
                self.body(depth + 1);
            }
        }
    }

    fn if_statement(&mut self, depth: usize) {
        self.put("if ");
        self.value(2);
        self.body(depth + 1);
        for is_last in [false, true] {
            if self.one_in(2) {
                self.place();
                self.put(if is_last { " else " } else { "else if " });
                if !is_last {
                    self.value(3);
                }
                self.body(depth + 1);
            }
        }
    }

    fn simple_statement(&mut self) {
        match self.below(14) {
            13 => {
                self.put("assert ");
                self.call(2);
                let sign = self.pick(&[" <=", "<", " >= ", ">", " =="]);
                self.put(sign);
                self.place();
                match self.pick(&["5M", "0.60G", "64MiB", "1k", ""]) {
                    "" => self.value(2),
                    amount => self.put(amount),
                }
            }
            12 => {
                let number = self.pick(&["3.0", "-1", "(0.5)", "[1, 2.50]", "2 ** -3"]);
                self.put(number);
            }
            0 => {
                self.put("input ");
                if self.one_in(2) {
                    self.put("left");
                }
                self.brackets(["[", "]"], 0, |random| random.value(3));
                if self.one_in(3) {
                    self.put("image");
                    self.arguments(3);
                }
            }
            1 => {
                self.put("expect ");
                self.brackets(["[", "]"], 0, |random| random.value(3));
            }
            2 => {
                let word = self.pick(&["keep ", "output ", "from "]);
                self.put(word);
                self.label();
                if word == "from " && self.one_in(2) {
                    self.put(".");
                    self.label();
                }
            }
            3 => {
                self.put("init Conv2d");
                for _ in 0..self.below(3) {
                    self.put(",");
                    self.place();
                    let target = self.pick(&["Linear", "\"net.{i}\"", "\"x\""]);
                    self.put(target);
                }
                self.put(": ");
                self.call(2);
            }
            4 => {
                self.put("labels");
                if self.one_in(2) {
                    return self.string();
                }
                self.brackets(["[", "]"], 0, |random| random.value(3));
            }
            5 | 6 => {
                self.put("let ");
                self.pattern(0);
                self.put(" = ");
                self.value(0);
            }
            7 => {
                self.put("tied shared= ");
                self.call(1);
            }
            8 => {
                if self.one_in(4) {
                    let group = self.pick(&["convs", "b_1", "layers"]);
                    self.put(group);
                    self.put("[");
                    self.value(2);
                    self.put("]");
                } else {
                    self.label();
                }
                self.put(": ");
                self.call(1);
            }
            _ => self.call(1),
        }
    }
}
