//! What a file holds besides its meaning: comments, and the lines that people parted their statements by.
//!
//! The parser fills it in and `crate::format` writes it again; the compiler reads none of it. A comment belongs to what it stands
//! before or behind, so that a tool that moves or removes that takes the comment along.

/// `# ...`, to the end of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From the `#` on, without blanks at the end.
    pub text: String,
    /// What parts it from what stands before it.
    pub gap: Gap,
}

/// What parts a statement, a declaration or a comment from what stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// Nothing but blanks or `;`.
    SameLine,
    /// The end of a line.
    #[default]
    NextLine,
    /// At least one empty line.
    EmptyLine,
}

/// How a statement or a declaration is laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// What parts it from the comment, statement, declaration or `{` before it.
    pub gap: Gap,
    /// Its comments; `None` where there are none, as nearly everywhere.
    pub comments: Option<Box<Comments>>,
}

/// The comments of a statement or a declaration, but for those in its bodies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comments {
    /// Before it, each on a line of its own.
    pub before: Vec<Comment>,
    /// Between its words, in order.
    pub inside: Vec<InsideComment>,
    /// Behind it, on its last line.
    pub behind: Option<Comment>,
}

/// A comment between the words of a statement or a declaration: in brackets, behind an operator, or before an `else`.
#[derive(Clone, Debug, PartialEq)]
pub struct InsideComment {
    /// How many words, numbers and strings stand before it in the statement; a whole body counts as one.
    pub words_before: usize,
    /// How many brackets, opening and closing, stand between the last of these and it.
    pub brackets_before: usize,
    /// The comment.
    pub comment: Comment,
}

/// The comments of a body that belong to none of its statements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BodyComments {
    /// Behind the `{`.
    pub opening: Option<Comment>,
    /// Before the `}`, behind the last statement.
    pub closing: Vec<Comment>,
}

impl Gap {
    /// The gap that so many ends of lines make.
    pub(crate) fn of(line_ends: usize) -> Gap {
        match line_ends {
            0 => Gap::SameLine,
            1 => Gap::NextLine,
            _ => Gap::EmptyLine,
        }
    }

    /// Without an empty line, as where nothing stands before.
    pub(crate) fn without_empty_line(self) -> Gap {
        if self == Gap::EmptyLine { Gap::NextLine } else { self }
    }
}

impl Layout {
    /// The comments, to add to.
    pub(crate) fn comments_mut(&mut self) -> &mut Comments {
        self.comments.get_or_insert_default()
    }
}
