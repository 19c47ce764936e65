use roxmltree::Document;

use super::*;
use crate::simulate::tally::Count;

fn columns() -> Vec<(&'static str, Tally)> {
    let fast = |placed, kept| Count { pods: 200, placed, kept };
    let ours = Tally { fast: fast(200, 200), slow_on_fast: 5, ..Tally::default() };
    let other =
        Tally { fast: fast(150, 100), wasted_vfs: 40, slow_on_fast: 10, ..Tally::default() };
    vec![("ours", ours), ("other", other)]
}

#[test]
fn bars_are_as_long_as_their_figures_say() {
    let drawn = svg(&["two nodes".to_owned()], &columns()).unwrap();
    let document = Document::parse(&drawn).unwrap();
    let bars: Vec<i32> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("height") == Some("18"))
        .map(|node| node.attribute("width").unwrap().parse().unwrap())
        .collect();
    // Of each row: all of it, the pale part and the strong one.
    let rows: Vec<&[i32]> = bars.chunks(3).collect();
    let want =
        [[540, 540, 540], [540, 405, 270], [540, 0, 0], [540, 540, 540], [540, 270, 270], [540; 3]];
    assert_eq!(rows, want);
}

#[test]
fn figures_stand_beside_their_bars() {
    let drawn = svg(&["two nodes".to_owned()], &columns()).unwrap();
    let document = Document::parse(&drawn).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text().map(str::trim))
        .collect();
    let want =
        ["two nodes", "other", "50.0 % kept, 75.0 % placed", "40", "Slow pods on fast nodes"];
    for text in want {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
}

#[test]
fn nothing_at_all_can_be_drawn() {
    let drawn = svg(&[], &[("none", Tally::default())]).unwrap();
    assert!(drawn.contains("0.0 % kept, 0.0 % placed"));
}
