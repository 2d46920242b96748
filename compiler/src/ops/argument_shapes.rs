//! The types of arguments that say shapes: sizes that may be open, axes, and places in a list.

use super::argument::{Argument, Constant};
use super::argument_types::tuple;
use crate::shape::Dim;

/// A size of at least 1, a number or what symbols make of one.
impl Argument for Dim {
    const ACCEPTS: &'static str = "an int of at least 1 or a size";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Size(size) => Some(size.clone()),
            number => usize::read(number).map(Dim::from),
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// The members of a tuple or list, or the one that stands alone.
fn one_or_more<T: Argument>(value: &Constant) -> Option<Vec<T>> {
    match value {
        Constant::Tuple(members) | Constant::List(members) => members.iter().map(T::read).collect(),
        single => T::read(single).map(|single| vec![single]),
    }
}

/// A size of a shape that is given, or −1: what the others leave of a reshaped value, or what an expanded one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSize(pub Option<Dim>);

impl Argument for NewSize {
    const ACCEPTS: &'static str = "a size or -1";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Int(-1) => Some(NewSize(None)),
            size => Dim::read(size).map(|size| NewSize(Some(size))),
        }
    }
    fn write(&self) -> String {
        self.0.as_ref().map_or_else(|| "-1".into(), Argument::write)
    }
}

/// A shape that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShape(pub Vec<NewSize>);

impl Argument for NewShape {
    const ACCEPTS: &'static str = "a size or -1, or a tuple or list of them";
    fn read(value: &Constant) -> Option<Self> {
        one_or_more(value).filter(|sizes| !sizes.is_empty()).map(NewShape)
    }
    fn write(&self) -> String {
        tuple(&self.0)
    }
}

/// One axis or several, each counted from the end when negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMore(pub Vec<i64>);

impl Argument for OneOrMore {
    const ACCEPTS: &'static str = "an int, or a tuple or list of them";
    fn read(value: &Constant) -> Option<Self> {
        one_or_more(value).filter(|members| !members.is_empty()).map(OneOrMore)
    }
    fn write(&self) -> String {
        match self.0.as_slice() {
            [single] => single.write(),
            several => tuple(several),
        }
    }
}

/// Height and width, which may be open. One size means it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneSize(pub Dim, pub Dim);

impl Argument for PlaneSize {
    const ACCEPTS: &'static str = "a size of at least 1 or a tuple of two";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Tuple(pair) => match pair.as_slice() {
                [height, width] => Some(PlaneSize(Dim::read(height)?, Dim::read(width)?)),
                _ => None,
            },
            single => Dim::read(single).map(|size| PlaneSize(size.clone(), size)),
        }
    }
    fn write(&self) -> String {
        if self.0 == self.1 { self.0.write() } else { format!("({}, {})", self.0.write(), self.1.write()) }
    }
}

/// A place in a list, the first being 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub usize);

impl Argument for Place {
    const ACCEPTS: &'static str = "an int of at least 0";
    fn read(value: &Constant) -> Option<Self> {
        i64::read(value).and_then(|place| usize::try_from(place).ok()).map(Place)
    }
    fn write(&self) -> String {
        self.0.to_string()
    }
}

/// The sizes of the parts that an axis is cut into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// All of one size, the last perhaps smaller.
    Of(usize),
    /// Each of its own.
    Each(Vec<usize>),
}

impl Argument for Parts {
    const ACCEPTS: &'static str = "an int of at least 1, or a tuple or list of them";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Tuple(_) | Constant::List(_) => {
                one_or_more(value).filter(|sizes| !sizes.is_empty()).map(Parts::Each)
            }
            size => usize::read(size).map(Parts::Of),
        }
    }
    fn write(&self) -> String {
        match self {
            Parts::Of(size) => size.write(),
            Parts::Each(sizes) => tuple(sizes),
        }
    }
}
