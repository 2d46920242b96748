//! Some classes of a set alone: which they are comes in, by name or by number; their samples go out, counted in that order.

use super::classes::{listed, renumbered};
use super::split::Chosen;
use super::{Set, SetName};
use crate::Result;
use crate::failure::{failure, note};
use cnnc_compiler::diagnostic::{Code, Label, nearest};
use cnnc_grammar::span::Span;
use std::path::Path;
use std::sync::Arc;

/// A class that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassChoice {
    /// Its name, or its number where the data number their classes.
    pub name: String,
    /// Where a recipe says so.
    pub place: Option<Span>,
}

/// The samples of some classes of a set, which are counted from 0 in the order given.
///
/// # Errors
/// E610 when the training set has none of a class, or there is nothing of any.
pub fn chosen(set: Set, choices: &[ClassChoice], name: SetName, folder: &Path) -> Result<Set> {
    let mut occurs = vec![false; set.classes];
    let labels: Vec<usize> = (0..set.samples.len()).map(|index| set.samples.label(index)).collect();
    for &label in &labels {
        occurs.get_mut(label).into_iter().for_each(|occurs| *occurs = true);
    }
    let number = |choice: &ClassChoice| match &set.class_names {
        Some(names) => names.iter().position(|known| *known == choice.name),
        None => choice.name.parse().ok().filter(|&number| occurs.get(number) == Some(&true)),
    };
    let mut numbers = vec![None; set.classes];
    let mut absent = Vec::new();
    for (place, choice) in choices.iter().enumerate() {
        match number(choice) {
            Some(number) => numbers[number] = Some(place),
            None => absent.push(choice),
        }
    }
    let kept: Vec<usize> = (0..labels.len()).filter(|&index| numbers[labels[index]].is_some()).collect();
    if let Some(first) = absent.first().filter(|_| name == SetName::Train || kept.is_empty()) {
        return Err(unknown(&set, first, &occurs, name, folder));
    }
    let mut notes = set.notes.clone();
    if !absent.is_empty() {
        let absent: Vec<&str> = absent.iter().map(|choice| choice.name.as_str()).collect();
        notes.push(note(Code::E610, format!("{} has no picture of {}", in_words(name), listed(&absent))));
    }
    let numbers = numbers.into_iter().map(Option::unwrap_or_default).collect();
    let class_names = set.class_names.as_ref().map(|_| choices.iter().map(|choice| choice.name.clone()).collect());
    let samples = Arc::new(Chosen { samples: set.samples.clone(), numbers: kept });
    Ok(renumbered(Set { samples, class_names, notes, ..set }, numbers, choices.len()))
}

/// What a set is called in messages.
fn in_words(name: SetName) -> &'static str {
    match name {
        SetName::Train => "the training set",
        SetName::Validation => "the set for validation",
        SetName::Test => "the test set",
    }
}

/// A class that a set has not, with what could be meant.
fn unknown(set: &Set, choice: &ClassChoice, occurs: &[bool], name: SetName, folder: &Path) -> crate::Error {
    let ClassChoice { name: class, place } = choice;
    let message = format!("{} in `{}` has no class `{class}`", in_words(name), folder.display());
    let mut unknown = failure(Code::E610, message);
    unknown.labels.extend(place.map(|span| Label { span, text: "no such class".into() }));
    match &set.class_names {
        Some(names) => {
            let near = nearest(class, names.iter().map(String::as_str));
            unknown.help.extend(near.map(|near| format!("there is `{near}`")));
            unknown.notes.push(format!("its classes are {}", listed(names)));
        }
        None => {
            let numbers: Vec<usize> = (0..occurs.len()).filter(|&number| occurs[number]).collect();
            unknown.notes.push(format!("its classes have numbers and no names: {}", listed(&numbers)));
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Decoded, Samples};
    use crate::failure::fault;

    /// Ten samples of the classes 0, 1, 2, 4, 0, 1, …
    struct Ten;

    impl Samples for Ten {
        fn len(&self) -> usize {
            10
        }

        fn label(&self, index: usize) -> usize {
            [0, 1, 2, 4][index % 4]
        }

        fn picture(&self, _index: usize, _grey: bool) -> Result<Decoded<'_>> {
            Err(fault("no picture"))
        }

        fn name(&self, index: usize) -> String {
            index.to_string()
        }
    }

    fn taken(names: Option<&[&str]>, classes: &[&str], name: SetName) -> Result<Set> {
        let names = names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let choices: Vec<ClassChoice> =
            classes.iter().map(|&name| ClassChoice { name: name.into(), place: None }).collect();
        chosen(Set::of_classes(Ten, 5, names), &choices, name, Path::new("it"))
    }

    fn samples(set: &Set) -> Vec<(String, usize)> {
        (0..set.samples.len()).map(|index| (set.samples.name(index), set.samples.label(index))).collect()
    }

    #[test]
    fn classes_are_counted_in_the_order_in_which_they_are_named() {
        let expected = [("0", 1), ("3", 0), ("4", 1), ("7", 0), ("8", 1)].map(|(name, label)| (name.to_owned(), label));
        let by_number = taken(None, &["4", "0"], SetName::Train).expect("a set");
        assert_eq!((samples(&by_number), by_number.classes, &by_number.class_names), (expected.to_vec(), 2, &None));
        // Where classes have names, a number is one too.
        let names = ["cat", "dog", "4", "cow", "owl"];
        let by_name = taken(Some(&names), &["owl", "cat"], SetName::Train).expect("a set");
        assert_eq!(samples(&by_name), expected);
        assert_eq!(by_name.class_names, Some(vec!["owl".into(), "cat".into()]));
        let named = taken(Some(&names), &["4"], SetName::Train).expect("a set");
        assert_eq!(samples(&named), [("2".to_owned(), 0), ("6".to_owned(), 0)]);
    }

    #[test]
    fn a_class_that_is_not_there_is_told() {
        let refused = |names: Option<&[&str]>, classes: &[&str]| {
            let refused = taken(names, classes, SetName::Train).err().expect("a failure");
            (refused.message.clone(), [refused.notes.clone(), refused.help.clone()].concat())
        };
        let (message, more) = refused(None, &["0", "3"]);
        assert_eq!(message, "the training set in `it` has no class `3`");
        assert_eq!(more, ["its classes have numbers and no names: `0`, `1`, `2`, `4`"]);
        assert_eq!(refused(None, &["cat"]).0, "the training set in `it` has no class `cat`");
        let (_, more) = refused(Some(&["cat", "dog", "hen", "cow", "owl"]), &["cats"]);
        assert_eq!(more, ["its classes are `cat`, `dog`, `hen`, `cow`, `owl`", "there is `cat`"]);
        // What is only asked may lack some, not all.
        let some = taken(None, &["0", "3"], SetName::Validation).expect("a set");
        assert_eq!((some.classes, some.samples.len()), (2, 3));
        assert_eq!(some.notes[0].message, "the set for validation has no picture of `3`");
        assert!(taken(None, &["3"], SetName::Test).is_err());
    }
}
