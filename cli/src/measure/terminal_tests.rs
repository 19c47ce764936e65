use policy::{Bands, Report};

use super::{WIDTH, text};

fn report() -> Report {
    Report::from_json(include_bytes!("../../../crates/policy/corpus/report/full.json")).unwrap()
}

#[test]
fn the_report_as_text() {
    let expected = "\
Latency of the network paths on worker-1
2026-11-28 00:35 UTC, Linux 6.12.117+deb13-amd64, load 0.42, 1000 packets/s of
96 bytes in 5 rounds
UDP echo, send to receive on one clock

latency in µs        sent    lost reordered   min   p50   p90   p99 p99.9   max
vf-pod               5000       0         0  8.10  11.2  14.0  19.9  44.0   130
ovs-dpdk-pod         5000      10         3  20.0  31.0  40.0  75.0   210   900
kernel-pod           5000       0         0  30.5  52.0  80.0   140   600  4100

vf-pod            █████▌───┤           ◆            ┊           ┊    ┊
ovs-dpdk-pod      ████████████▎─────┤               ◆           ┊    ┊
kernel-pod        ███████████████▊──────┤           ┊          ◆┊    ┊
                  ────┬───────────────┬──────────────┬───────────────┬──────────
                    10 µs          100 µs          1 ms            10 ms

█ to p50, ─┤ to p99, ◆ max; ┊ edges of the budgets in µs: vf 800 up to 5000,
ovs-dpdk above 5000 up to 10000, kernel above 10000
";
    let text = text(&report(), &Bands::default());
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn the_overlay_is_told_with_what_it_crosses() {
    let mut report = report();
    let overlay = &mut report.paths[1];
    (overlay.name, overlay.path) = ("ovn".to_owned(), policy::Datapath::Ovn);
    "geneve between a and b".clone_into(&mut overlay.driver);
    let text = text(&report, &Bands::default());
    assert!(text.ends_with("above 10000\novn: geneve between a and b\n"), "{text}");
}

#[test]
fn lines_are_as_wide_as_a_terminal() {
    let mut report = report();
    "interface-0000-of-a-node-with-a-long-name".clone_into(&mut report.paths[0].name);
    let us = report.paths[1].us.as_mut().unwrap();
    (us.p99_9, us.max) = (250_000.0, 3.6e9);
    let path = &mut report.paths[2];
    (path.received, path.lost, path.us) = (0, 5000, None);
    let text = text(&report, &Bands::default());
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    for part in ["interfac…ong-name ", " 0.25s 3600s\n", "kernel-pod        nothing came back\n"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn marks_further_right_are_not_hidden() {
    let mut report = report();
    for path in &mut report.paths {
        let us = path.us.as_mut().unwrap();
        (us.p99, us.p99_9, us.max) = (us.p50, us.p50, us.p50);
    }
    let text = text(&report, &Bands::default());
    let bars: Vec<_> =
        text.lines().filter(|line| line.contains('█') && line.contains('-')).collect();
    assert_eq!(bars.len(), 3);
    assert!(bars.iter().all(|bar| bar.contains('◆')), "{text}");
}
