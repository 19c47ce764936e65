//! What the picture and the text say in the same words.

use policy::{Datapath, PathReport, Report};

/// What was measured, where.
pub(super) fn title(report: &Report) -> String {
    format!("Latency of the network paths on {}", report.node)
}

/// When and under which load.
pub(super) fn conditions(report: &Report) -> String {
    let date = report.measured_at.strftime("%Y-%m-%d %H:%M UTC");
    let mut loads: Vec<String> = Vec::new();
    for PathReport { rate_pps, size_bytes, rounds, .. } in &report.paths {
        let plural = if *rounds == 1 { "" } else { "s" };
        let load = format!("{rate_pps} packets/s of {size_bytes} bytes in {rounds} round{plural}");
        if !loads.contains(&load) {
            loads.push(load);
        }
    }
    let Report { kernel, load1, .. } = report;
    let start = format!("{date}, Linux {kernel}, load {load1}");
    [vec![start], loads].concat().join(", ")
}

/// What a path's name does not tell: whether the overlay's frames crossed a tunnel.
pub(super) fn notes(report: &Report) -> Vec<String> {
    let overlay = report.paths.iter().filter(|path| path.path == Datapath::Ovn);
    overlay.map(|PathReport { name, driver, .. }| format!("{name}: {driver}")).collect()
}

/// Three digits and the unit: `8.10 µs`, `44.0 µs`, `130 µs`, `4.10 ms`.
pub(super) fn latency(us: f64) -> String {
    let (value, unit) = match us {
        ..999.5 => (us, "µs"),
        ..999_500.0 => (us / 1e3, "ms"),
        _ => (us / 1e6, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// Three digits, or all before the point where there are more.
pub(super) fn digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A step of an axis: `5 µs`, `10 ms`.
pub(super) fn step(us: f64) -> String {
    match us {
        ..1e3 => format!("{us} µs"),
        ..1e6 => format!("{} ms", us / 1e3),
        _ => format!("{} s", us / 1e6),
    }
}

/// How many packets were lost, if any.
pub(super) fn loss(path: &PathReport) -> Option<String> {
    (!path.loss_free()).then(|| format!("lost {} of {}", path.lost, path.sent))
}

/// `text` in at most `width` characters, without its middle where it has more: names differ at the ends.
pub(super) fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width - 1;
    let end = text.chars().skip(length - kept / 2);
    text.chars().take(kept - kept / 2).chain(['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_digits() {
        for (us, text) in [
            (0.0, "0.00 µs"),
            (0.854, "0.85 µs"),
            (9.994, "9.99 µs"),
            (9.996, "10.0 µs"),
            (99.96, "100 µs"),
            (999.4, "999 µs"),
            (999.6, "1.00 ms"),
            (12_345.0, "12.3 ms"),
            (999_600.0, "1.00 s"),
            (3.6e9, "3600 s"),
        ] {
            assert_eq!(latency(us), text);
        }
    }

    #[test]
    fn steps_are_written_short() {
        let steps = [0.1, 0.5, 1.0, 500.0, 1000.0, 20_000.0, 5e6];
        let texts = ["0.1 µs", "0.5 µs", "1 µs", "500 µs", "1 ms", "20 ms", "5 s"];
        assert_eq!(steps.map(step), texts);
    }

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(shortened("ovs-dpdk-pod", 12), "ovs-dpdk-pod");
        assert_eq!(shortened("ovs-dpdk-pod", 8), "ovs-…pod");
        assert_eq!(shortened("äöüäöü", 4), "äö…ü");
    }
}
