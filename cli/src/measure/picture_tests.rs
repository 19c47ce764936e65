use std::collections::BTreeSet;

use policy::{Bands, Report};
use roxmltree::Document;

use super::{Curve, svg};

/// A full report: `vf-pod` and `kernel-pod` without loss, `ovs-dpdk-pod` with.
fn report() -> Report {
    Report::from_json(include_bytes!("../../../crates/policy/corpus/report/full.json")).unwrap()
}

fn curves(report: &Report) -> Vec<Curve> {
    let of = |path: &policy::PathReport| {
        let us = path.us?;
        let points =
            vec![(0.0, us.min), (0.5, us.p50), (0.9, us.p90), (0.99, us.p99), (0.999, us.p99_9)];
        Some(Curve { name: path.name.clone(), points: [points, vec![(1.0, us.max)]].concat() })
    };
    report.paths.iter().filter_map(of).collect()
}

fn drawn(report: &Report, curves: &[Curve]) -> String {
    svg(report, curves, &Bands::default(), &["vf-pod: a software path".to_owned()]).unwrap()
}

fn texts(document: &Document<'_>) -> Vec<String> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| Some(node.text()?.trim().to_owned())).collect()
}

/// Colours of the rectangles, other than paper and bands.
fn bars(document: &Document<'_>) -> Vec<String> {
    let rects = document.descendants().filter(|node| node.has_tag_name("rect"));
    let ground = ["#FFFFFF", "#F0F3F6", "#E4E9EE"];
    let fill = rects.filter_map(|node| node.attribute("fill"));
    fill.filter(|fill| !ground.contains(fill)).map(str::to_owned).collect()
}

#[test]
fn every_path_has_a_bar_of_its_colour_and_a_curve() {
    let svg = drawn(&report(), &curves(&report()));
    let document = Document::parse(&svg).unwrap();
    assert_eq!(bars(&document), ["#0072B2", "#D55E00", "#009E73"]);
    for colour in bars(&document) {
        let is_curve = |node: &roxmltree::Node<'_, '_>| {
            // From 50 % on, without the greatest: 4 points.
            node.attribute("stroke") == Some(&colour)
                && node.attribute("points").is_some_and(|points| points.split(' ').count() == 5)
        };
        assert_eq!(document.descendants().filter(is_curve).count(), 1, "{colour}");
    }
}

#[test]
fn all_is_labelled() {
    let svg = drawn(&report(), &curves(&report()));
    let document = Document::parse(&svg).unwrap();
    let texts = texts(&document);
    for label in [
        "Latency of the network paths on worker-1",
        "2026-11-28 00:35 UTC, Linux 6.12.117+deb13-amd64, load 0.42, 1000 packets/s of 96 bytes in 5 rounds",
        "UDP echo, send to receive on one clock",
        "vf-pod",
        "ovs-dpdk-pod",
        "kernel-pod",
        "p50 11.2 µs",
        "p99 75.0 µs",
        "max 4.10 ms",
        "lost 10 of 5000",
        "vf",
        "ovs-dpdk",
        "kernel",
        "800 µs",
        "10 µs",
        "100 µs",
        "1 ms",
        "5 ms",
        "10 ms",
        "50 %",
        "90 %",
        "99 %",
        "99.9 %",
        "vf-pod: a software path",
    ] {
        assert!(texts.iter().any(|text| text == label), "{label}: {texts:?}");
    }
    assert_eq!(texts.iter().filter(|text| text.starts_with("lost")).count(), 1);
}

#[test]
fn texts_of_others_are_text() {
    let mut report = report();
    "<b>&\"']]>".clone_into(&mut report.paths[0].name);
    "a\u{1b}[2J\u{ffff}".clone_into(&mut report.node);
    let svg = drawn(&report, &curves(&report));
    let document = Document::parse(&svg).unwrap();
    assert!(texts(&document).iter().filter(|text| *text == "<b>&\"']]>").count() == 2);
    assert!(texts(&document)[0].ends_with("on a\u{fffd}[2J\u{fffd}"));
    assert_eq!(bars(&document).len(), 3);
}

#[test]
fn every_number_is_one() {
    let mut report = report();
    let us = report.paths[0].us.as_mut().unwrap();
    (us.min, us.p50, us.p90, us.p99) = (0.0, 0.0, 0.0, 0.0);
    let us = report.paths[2].us.as_mut().unwrap();
    (us.p99_9, us.max) = (3.6e9, 3.6e9);
    let svg = drawn(&report, &curves(&report));
    let document = Document::parse(&svg).unwrap();
    for node in document.descendants().filter(|node| !node.has_tag_name("style")) {
        for name in ["x", "y", "x1", "y1", "x2", "y2", "width", "height", "points"] {
            let numbers = node.attribute(name).unwrap_or_default().split([' ', ',']);
            for number in numbers.filter(|number| !number.is_empty()) {
                assert!(number.parse::<i32>().is_ok_and(|n| (0..2000).contains(&n)), "{node:?}");
            }
        }
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn what_did_not_come_back_has_no_bar() {
    let mut report = report();
    let path = &mut report.paths[1];
    (path.received, path.lost, path.reordered, path.us) = (0, 5000, 0, None);
    let svg = drawn(&report, &curves(&report));
    let document = Document::parse(&svg).unwrap();
    assert_eq!(bars(&document), ["#0072B2", "#009E73"]);
    let texts = texts(&document);
    assert!(texts.iter().any(|text| text == "nothing came back"), "{texts:?}");
    assert!(texts.iter().any(|text| text == "lost 5000 of 5000"), "{texts:?}");
}

#[test]
fn nothing_and_much_can_be_drawn() {
    let mut report = report();
    let path = report.paths[0].clone();
    for count in [0, 1, 20] {
        let named = |index| policy::PathReport { name: format!("path {index}"), ..path.clone() };
        report.paths = (0..count).map(named).collect();
        let all = drawn(&report, &curves(&report));
        assert_eq!(bars(&Document::parse(&all).unwrap()).len(), count);
        let without_curves = drawn(&report, &[]);
        assert!(!without_curves.contains("percentile"));
        assert_eq!(bars(&Document::parse(&without_curves).unwrap()).len(), count);
    }
}

#[test]
fn every_colour_has_one_for_the_dark() {
    let svg = drawn(&report(), &curves(&report()));
    let document = Document::parse(&svg).unwrap();
    let sheet = document.descendants().find(|node| node.has_tag_name("style")).unwrap();
    let sheet = sheet.text().unwrap();
    let colours: BTreeSet<(&str, &str)> = document
        .descendants()
        .flat_map(|node| ["fill", "stroke"].map(|key| (key, node.attribute(key))))
        .filter_map(|(key, colour)| Some((key, colour.filter(|colour| *colour != "none")?)))
        .collect();
    assert!(colours.len() > 8, "{colours:?}");
    for (key, colour) in colours {
        assert!(sheet.contains(&format!("[{key}=\"{colour}\"]{{{key}:#")), "{key} {colour}");
    }
}
