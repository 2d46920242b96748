//! Attention in the forms that exporters write it in: a layer where it is one, products where it is not.

use super::*;

/// Chances of queries `q` and keys `k`.
const CHANCES: [&str; 4] =
    ["Transpose k -> kt perm=0,1,3,2", "Mul q scale -> s", "MatMul s kt -> p", "Softmax p -> c axis=-1"];

/// `x` of `[batch, 5, 8]` through nodes that make queries, keys and values of it, two heads of four features, and their chances.
fn attention(projections: &[&str], chances: &[&str], weights: Vec<Tensor>) -> Model {
    let behind = [
        "MatMul c v -> e",
        "Transpose e -> f perm=0,2,1,3",
        "Reshape f whole -> g",
        "MatMul g attn.out.weight -> h",
        "Add h attn.out.bias -> y",
    ];
    let shared = vec![
        number("scale", 0.5),
        ints("whole", &[0, 5, 8]),
        ints("apart", &[0, 5, 2, 4]),
        tensor("attn.out.weight", &[8, 8]),
        tensor("attn.out.bias", &[8]),
    ];
    file(13, "batch,5,8", &[projections, chances, &behind].concat(), [shared, weights].concat())
}

const ONE: [&str; 6] = [
    "MatMul x attn.in.weight -> a",
    "Add a attn.in.bias -> b",
    "Split b -> q0,k0,v0 axis=2",
    "Reshape q0 apart -> q1",
    "Reshape k0 apart -> k1",
    "Reshape v0 apart -> v1",
];
const TURNED: [&str; 3] =
    ["Transpose q1 -> q perm=0,2,1,3", "Transpose k1 -> k perm=0,2,1,3", "Transpose v1 -> v perm=0,2,1,3"];

fn one_weight() -> Vec<Tensor> {
    vec![tensor("attn.in.weight", &[8, 24]), tensor("attn.in.bias", &[24])]
}

fn imported(model: &Model) -> Imported {
    read(model, Form::Flat).unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

/// The numbers of a parameter.
fn numbers(imported: &Imported, key: &str) -> Vec<f32> {
    let (_, number) = imported.written.tensors.iter().find(|(known, _)| known == key).expect("a key");
    imported.tensors[*number].small_floats().expect("numbers")
}

#[test]
fn one_projection_of_all_three_is_a_layer_under_the_module_of_both() {
    let found = imported(&attention(&[&ONE[..], &TURNED].concat(), &CHANCES, one_weight()));
    let expected = "\
model Net {
    input [N, 5, 8]
    attn: MultiheadAttention(2, batch_first=true)
}
";
    assert_eq!(found.written.text, expected);
    let keys: Vec<&str> = found.written.tensors.iter().map(|(key, _)| key.as_str()).collect();
    let wanted = ["attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias"];
    assert_eq!(keys, wanted);
    assert!(found.notes.iter().any(|note| note.contains("`in_proj_weight`")), "{:?}", found.notes);
}

#[test]
fn heads_that_lie_beside_each_other_have_their_rows_in_order() {
    let nodes = [
        "MatMul x attn.in.weight -> a",
        "Add a attn.in.bias -> b",
        "Reshape b mixed -> m",
        "Split m -> q0,k0,v0 axis=3",
        "Squeeze q0 three -> q1",
        "Squeeze k0 three -> k1",
        "Squeeze v0 three -> v1",
    ];
    let weights = [one_weight(), vec![ints("mixed", &[0, 5, 2, 3, 4]), ints("three", &[3])]].concat();
    let found = imported(&attention(&[&nodes[..], &TURNED].concat(), &CHANCES, weights));
    assert!(found.written.text.contains("attn: MultiheadAttention(2, batch_first=true)"), "{}", found.written.text);
    let file: Vec<f32> = tensor("", &[24]).float_data;
    // Of each head's 12 rows the first four are queries.
    let rows = [0..4, 12..16, 4..8, 16..20, 8..12, 20..24];
    let wanted: Vec<f32> = rows.into_iter().flat_map(|rows| file[rows].to_vec()).collect();
    assert_eq!(numbers(&found, "attn.in_proj_bias"), wanted);
}

#[test]
fn three_projections_of_one_value_are_joined_and_what_has_no_bias_gets_zeros() {
    let nodes = [
        "MatMul x attn.q.weight -> qa",
        "Add qa attn.q.bias -> q0",
        "MatMul x attn.k.weight -> k0",
        "MatMul x attn.v.weight -> v0",
        "Reshape q0 apart -> q1",
        "Reshape k0 apart -> k1",
        "Reshape v0 apart -> v1",
    ];
    let weights = ["attn.q.weight", "attn.k.weight", "attn.v.weight"].map(|name| tensor(name, &[8, 8]));
    let weights = [weights.to_vec(), vec![tensor("attn.q.bias", &[8])]].concat();
    let all = [&nodes[..], &TURNED].concat();
    let found = imported(&attention(&all, &CHANCES, weights.clone()));
    assert!(found.written.text.contains("attn: MultiheadAttention(2, batch_first=true)"), "{}", found.written.text);
    let bias = [tensor("", &[8]).float_data, vec![0.0; 16]].concat();
    assert_eq!(numbers(&found, "attn.in_proj_bias"), bias);
    // Keys of another value are no attention of this one.
    let others = all.iter().copied().filter(|text| !text.starts_with("MatMul x attn.k.weight"));
    let other: Vec<&str> = ["Relu x -> z", "MatMul z attn.k.weight -> k0"].into_iter().chain(others).collect();
    let found = imported(&attention(&other, &CHANCES, weights));
    assert!(!found.written.text.contains("MultiheadAttention"), "{}", found.written.text);
}

#[test]
fn another_scale_a_mask_or_another_axis_leave_products() {
    let all = [&ONE[..], &TURNED].concat();
    let [turned, scaled, _, chances] = CHANCES;
    let masked = [turned, scaled, "MatMul s kt -> p0", "Add p0 mask -> p", chances];
    let across = [turned, scaled, "MatMul s kt -> p", "Softmax p -> c axis=2"];
    let weights = [vec![tensor("mask", &[5, 5])], one_weight()].concat();
    for chances in [&masked[..], &across] {
        let found = imported(&attention(&all, chances, weights.clone()));
        assert!(!found.written.text.contains("MultiheadAttention"), "{}", found.written.text);
    }
    let mut other = attention(&all, &CHANCES, one_weight());
    let graph = other.graph.as_mut().expect("a graph");
    graph.initializer.iter_mut().filter(|one| one.name == "scale").for_each(|one| one.float_data = vec![0.25]);
    assert!(!imported(&other).written.text.contains("MultiheadAttention"));
}

#[test]
fn attention_of_set_23_is_its_products_and_so_a_layer() {
    let nodes = [
        "MatMul x attn.in.weight -> a",
        "Add a attn.in.bias -> b",
        "Split b -> q,k,v axis=2 num_outputs=3",
        "Attention q k v -> e q_num_heads=2 kv_num_heads=2",
        "MatMul e attn.out.weight -> y",
    ];
    let weights = [one_weight(), vec![tensor("attn.out.weight", &[8, 8])]].concat();
    let found = imported(&file(23, "batch,5,8", &nodes, weights.clone()));
    assert!(found.written.text.contains("attn: MultiheadAttention(2, batch_first=true)"), "{}", found.written.text);
    let causal = nodes.map(|text| match text {
        "Attention q k v -> e q_num_heads=2 kv_num_heads=2" => {
            "Attention q k v -> e q_num_heads=2 kv_num_heads=2 is_causal=1"
        }
        other => other,
    });
    let lines = refusal(&file(23, "batch,5,8", &causal, weights));
    assert!(lines[0].contains("`Attention` (set 23)") && lines[0].contains("no place looks"), "{lines:?}");
}
