//! Fields by hand: windows, branches, enlarging, branches one after another. Random networks are compared with what the reference
//! kernels really read in `tests/tests/receptive_fields.rs`.

use super::*;

fn window(kernel: usize, stride: usize, before: i64) -> Taps {
    Taps::window(kernel, 1, stride, before)
}

fn after(all: &[Taps]) -> Extent {
    all.iter().fold(Extent::own(), |extent, &taps| extent.through(taps, [None; 2], None))
}

fn unite(left: &Extent, right: &Extent) -> Extent {
    left.united(right, None, None)
}

#[test]
fn strides_widen_what_later_windows_see() {
    // The stem and the first block of ResNet: 7 at stride 2, 3 at stride 2, two of 3.
    let stem = [window(7, 2, 3), window(3, 2, 1), window(3, 1, 1), window(3, 1, 1)];
    assert_eq!(after(&stem).most(None, None), Some(7 + 2 * 2 + 2 * 4 + 2 * 4));
}

#[test]
fn branches_unite_by_where_they_lie() {
    assert_eq!(unite(&after(&[window(3, 1, 1)]), &after(&[window(5, 1, 2)])).most(None, None), Some(5));
    assert_eq!(unite(&after(&[window(3, 1, 0)]), &after(&[window(3, 1, 2)])).most(None, None), Some(5));
    assert_eq!(unite(&Extent::own(), &Extent::Whole), Extent::Whole);
}

#[test]
fn enlarging_makes_steps_smaller() {
    let double = Taps::below(0.5).expect("a half");
    assert_eq!(after(&[double, window(3, 1, 1)]).most(None, None), Some(2));
    assert_eq!(after(&[double, window(4, 1, 1)]).most(None, None), Some(3));
    // What was enlarged and pooled again sees one element, not two.
    assert_eq!(after(&[double, window(2, 2, 0)]), Extent::own());
    assert_eq!(after(&[double, window(2, 2, 1)]).most(None, None), Some(2));
    let back = after(&[window(2, 2, 0), double]);
    assert_eq!(unite(&back, &Extent::own()).most(None, None), Some(2));
}

#[test]
fn branches_of_different_speeds_are_listed_where_the_size_is_known() {
    let halved = after(&[window(2, 2, 0)]);
    assert_eq!(unite(&Extent::own(), &halved), Extent::Whole);
    // Of six elements, the last sees itself and 10 and 11: seven elements.
    assert_eq!(Extent::own().united(&halved, Some(6), Some(12)).most(None, Some(12)), Some(7));
    // All of seven elements see the first three.
    let first = after(&[window(3, 1, 0), Taps::FIRST]);
    assert_eq!(first.united(&Extent::own(), Some(6), Some(7)).most(None, Some(7)), Some(6));
    assert_eq!(first.united(&Extent::own(), Some(7), Some(7)).most(None, Some(7)), None);
}

#[test]
fn branches_one_after_another_are_seen_together_at_their_border_alone() {
    let (near, far) = (after(&[window(1, 1, 0)]), after(&[window(1, 1, -4)]));
    let halves = Extent::one_after_another(&[(Some(&near), Some(4)), (Some(&far), Some(4))], Some(8));
    assert_eq!(halves.most(None, Some(8)), Some(1));
    assert_eq!(halves.through(window(3, 1, 1), [Some(8); 2], Some(8)).most(None, Some(8)), Some(3));
    let swapped = Extent::one_after_another(&[(Some(&far), Some(4)), (Some(&near), Some(4))], Some(8));
    // Element 3 sees 6 and 7 of the far half and 0 of the near one.
    assert_eq!(swapped.through(window(3, 1, 1), [Some(8); 2], Some(8)).most(None, Some(8)), None);
    assert_eq!(swapped.through(window(3, 1, 1), [Some(8); 2], Some(9)).most(None, Some(9)), Some(8));
    let gap = Extent::one_after_another(&[(Some(&near), Some(2)), (None, Some(2)), (Some(&far), Some(2))], Some(99));
    assert_eq!(gap.through(window(3, 1, 1), [Some(6); 2], Some(99)).most(None, Some(99)), Some(2));
    let open = Extent::one_after_another(&[(Some(&near), None), (Some(&after(&[window(5, 1, 2)])), None)], None);
    assert_eq!(open.most(None, None), Some(5));
    assert_eq!(open.through(window(3, 1, 1), [None; 2], None), Extent::Whole);
}

#[test]
fn what_a_slice_leaves_is_not_the_whole() {
    let rows = after(&[window(3, 1, 1), window(1, 1, -4)]);
    assert_eq!(rows.gathered(Some(2), Some(10)).most(None, Some(10)), Some(4));
    assert_eq!(rows.gathered(None, None), Extent::Whole);
    assert_eq!(Extent::own().gathered(Some(10), Some(10)), Extent::Whole);
    let flat = rows.scattered(Some(2), Some(10));
    assert_eq!((flat.most(None, None), flat.gathered(None, Some(10)).most(None, None)), (Some(3), Some(4)));
}

#[test]
fn axes_are_followed_where_they_go() {
    let shape = |sizes: &[usize]| Shape::from(sizes);
    let (planes, last) = (shape(&[1, 3, 8, 8]), shape(&[1, 8, 8, 3]));
    let rows = input_field(0, 4).remove(&(0, 0)).expect("rows");
    let moved = through(&LayerField::Moved(vec![0, 3, 1, 2]), &rows, [&planes, &last], Some(8));
    assert_eq!(moved.axis, 1);
    assert_eq!(through(&LayerField::Whole(vec![3]), &moved, [&last, &last], Some(8)), moved);
    assert_eq!(through(&LayerField::Whole(vec![1]), &moved, [&last, &last], Some(8)).extent, Extent::Whole);
    let flat = through(&LayerField::Moved(vec![0, 1, 1, 1]), &rows, [&planes, &shape(&[1, 192])], Some(8));
    assert_eq!((flat.axis, flat.extent.most(None, Some(8))), (1, Some(1)));
    assert_eq!(through(&LayerField::Whole(vec![1]), &flat, [&shape(&[1, 192]); 2], Some(8)).extent, Extent::Whole);
}

#[test]
fn what_grows_past_all_bounds_is_whole() {
    assert_eq!(after(&vec![window(3, 1 << 20, 1); 10]), Extent::Whole);
    assert_eq!(after(&vec![Taps::below(0.3).expect("a fraction"); 10]), Extent::Whole);
}
