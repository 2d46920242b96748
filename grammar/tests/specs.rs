//! Whole specs read without an error.

use cnnc_grammar::ast::Item;
use cnnc_grammar::parse;
use cnnc_grammar::span::FileId;

#[test]
fn specs_read_without_an_error() {
    let specs = [
        ("googlenet", include_str!("specs/googlenet.cnn"), 3),
        ("mobilenet_v2", include_str!("specs/mobilenet_v2.cnn"), 3),
        ("resnet18", include_str!("specs/resnet18.cnn"), 3),
        ("unet", include_str!("specs/unet.cnn"), 3),
        ("yolo", include_str!("specs/yolo.cnn"), 6),
    ];
    for (name, text, items) in specs {
        let (ast, errors) = parse(text, FileId(0));
        assert_eq!(errors, [], "{name}");
        assert_eq!(ast.items.len(), items, "{name}");
        assert!(!ast.items.iter().any(|item| matches!(item, Item::Unreadable(_))), "{name}");
    }
}
