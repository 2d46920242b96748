//! Whether a value fits a declared type, and the value as that type sees it.
//!
//! Two widenings only: an int where a float is wanted, and one int where a tuple of ints is wanted, which means it for each.

use super::value::{Items, MAX_LEAVES, Value};
use crate::shape::Dim;
use cnnc_grammar::ast::TypeKind;

/// The types that have a name.
pub(in crate::resolve) const NAMED_TYPES: &[&str] = &["int", "float", "bool", "str", "layer", "tensor"];

/// Why a value does not fit.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::resolve) enum Misfit {
    /// It is of another type.
    Wrong,
    /// It is a symbol where a number is needed.
    Symbol(Dim),
}

/// The value as the type wants it.
pub(in crate::resolve) fn fit<'a>(value: Value<'a>, ty: &TypeKind) -> Result<Value<'a>, Misfit> {
    match ty {
        TypeKind::Unreadable => Ok(value),
        TypeKind::Named(name) => fit_named(value, name),
        TypeKind::List(inner) => fit_list(value, &inner.kind),
        TypeKind::Tuple(types) => {
            let values = match &value {
                Value::Tuple(items) if items.values().len() == types.len() => items.values().to_vec(),
                Value::Int(_) => vec![value.clone(); types.len()],
                _ => return Err(Misfit::Wrong),
            };
            let fitted = values.into_iter().zip(types).map(|(value, ty)| fit(value, &ty.kind));
            Items::new(fitted.collect::<Result<_, _>>()?).map(Value::Tuple).ok_or(Misfit::Wrong)
        }
    }
}

fn fit_named<'a>(value: Value<'a>, name: &str) -> Result<Value<'a>, Misfit> {
    match (name, value) {
        ("int" | "float", Value::Size(size)) => Err(Misfit::Symbol(size)),
        ("float", Value::Int(number)) => Ok(Value::Float(number as f64)),
        ("int", value @ Value::Int(_))
        | ("float", value @ Value::Float(_))
        | ("bool", value @ Value::Bool(_))
        | ("str", value @ Value::Text(_))
        | ("layer", value @ Value::Layer(_))
        | ("tensor", value @ Value::Tensor(_)) => Ok(value),
        (known, _) if NAMED_TYPES.contains(&known) => Err(Misfit::Wrong),
        // The name of no type; that is reported where it is declared.
        (_, value) => Ok(value),
    }
}

fn fit_list<'a>(value: Value<'a>, inner: &TypeKind) -> Result<Value<'a>, Misfit> {
    let is_int = matches!(inner, TypeKind::Named(name) if name == "int");
    if is_int && matches!(value, Value::Range(..)) {
        return Ok(value);
    }
    let values: Vec<Value<'a>> = match &value {
        Value::List(items) => items.values().to_vec(),
        // As Python's code writes lists: `((1, 64), (1, 128))`. A single pair is no list of pairs.
        Value::Tuple(items) => {
            let is_pair = matches!(inner, TypeKind::Tuple(_)) && items.values().iter().any(|value| value.depth() == 0);
            if is_pair {
                return Err(Misfit::Wrong);
            }
            items.values().to_vec()
        }
        Value::Range(..) | Value::Enumerated(..) => {
            let length = value.length().filter(|length| *length <= MAX_LEAVES as i64).ok_or(Misfit::Wrong)?;
            (0..length).filter_map(|position| value.element(position)).collect()
        }
        _ => return Err(Misfit::Wrong),
    };
    let fitted = values.into_iter().map(|value| fit(value, inner));
    Items::new(fitted.collect::<Result<_, _>>()?).map(Value::List).ok_or(Misfit::Wrong)
}

/// The type as it is written.
pub(in crate::resolve) fn written(ty: &TypeKind) -> String {
    match ty {
        TypeKind::Unreadable => "a value".into(),
        TypeKind::Named(name) => name.clone(),
        TypeKind::List(inner) => format!("[{}]", written(&inner.kind)),
        TypeKind::Tuple(types) => {
            let all: Vec<String> = types.iter().map(|ty| written(&ty.kind)).collect();
            match all.as_slice() {
                [single] => format!("({single},)"),
                all => format!("({})", all.join(", ")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cnnc_grammar::ast::Type;
    use cnnc_grammar::span::Span;

    fn named(name: &str) -> Type {
        Type { kind: TypeKind::Named(name.into()), span: Span::default() }
    }

    fn fitted(value: Value<'static>, ty: TypeKind) -> Option<String> {
        fit(value, &ty).ok().map(|value| value.written())
    }

    #[test]
    fn a_tuple_serves_as_a_list() {
        let pair = || TypeKind::Tuple(vec![named("int"), named("int")]);
        let pairs = || TypeKind::List(Box::new(Type { kind: pair(), span: Span::default() }));
        let tuple = |values: &[Value<'static>]| Value::Tuple(Items::new(values.to_vec()).unwrap());
        let one = tuple(&[Value::Int(1), Value::Int(64)]);
        assert_eq!(fitted(tuple(&[one.clone(), one.clone()]), pairs()).unwrap(), "[(1, 64), (1, 64)]");
        assert_eq!(fitted(one.clone(), TypeKind::List(Box::new(named("int")))).unwrap(), "[1, 64]");
        assert_eq!(fitted(one, pairs()), None);
    }

    #[test]
    fn only_two_widenings() {
        let pair = || TypeKind::Tuple(vec![named("int"), named("int")]);
        assert_eq!(fitted(Value::Int(3), pair()).unwrap(), "(3, 3)");
        assert_eq!(fitted(Value::Int(3), named("float").kind).unwrap(), "3.0");
        assert_eq!(fitted(Value::Float(3.0), named("int").kind), None);
        assert_eq!(fitted(Value::Bool(true), named("int").kind), None);
        assert_eq!(fitted(Value::Float(3.0), pair()), None);
    }

    #[test]
    fn lists_fit_element_by_element() {
        let floats = || TypeKind::List(Box::new(named("float")));
        let list = |values| Value::List(Items::new(values).unwrap());
        assert_eq!(fitted(list(vec![Value::Int(1), Value::Float(0.5)]), floats()).unwrap(), "[1.0, 0.5]");
        assert_eq!(fitted(list(vec![Value::Bool(true)]), floats()), None);
        assert_eq!(fitted(Value::Range(0, 3), floats()).unwrap(), "[0.0, 1.0, 2.0]");
        assert_eq!(
            fitted(Value::Range(0, 1_000_000_000), TypeKind::List(Box::new(named("int")))).unwrap(),
            "0..1000000000"
        );
    }
}
