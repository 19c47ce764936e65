//! What Prometheus reads. Names and labels are listed in README.md.

use std::sync::atomic::AtomicU64;

use journal::Call;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    resource: String,
}

/// Of calls of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    plugin: String,
    verb: String,
    outcome: &'static str,
}

/// Of what was repaired.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Repaired {
    kind: String,
    outcome: String,
}

/// Of a measured path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Quantile {
    path: String,
    quantile: &'static str,
}

/// Devices of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All.
    pub(crate) devices: usize,
    /// Those that no attachment has and that can be handed out.
    pub(crate) free: usize,
    /// Those that cannot.
    pub(crate) unhealthy: usize,
}

/// All that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    devices: Family<Of, Gauge>,
    free: Family<Of, Gauge>,
    unhealthy: Family<Of, Gauge>,
    calls: Family<Served, Histogram>,
    repairs: Family<Repaired, Counter>,
    latency: Family<Quantile, Gauge<f64, AtomicU64>>,
    switch_up: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From 1 ms to 8 s: an attachment takes milliseconds, and a plugin that waits is cut off later.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let mut all = Self {
            registry: Registry::with_prefix("fastpath"),
            devices: Family::default(),
            free: Family::default(),
            unhealthy: Family::default(),
            calls: Family::new_with_constructor(histogram),
            repairs: Family::default(),
            latency: Family::default(),
            switch_up: Gauge::default(),
        };
        all.register();
        all
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("devices", "Devices of a pool", self.devices.clone());
        r.register("devices_free", "Devices that can be handed out now", self.free.clone());
        r.register(
            "devices_unhealthy",
            "Devices that cannot be handed out",
            self.unhealthy.clone(),
        );
        let help = "Time of ADD and DEL in the plugin";
        r.register_with_unit("call", help, Unit::Seconds, self.calls.clone());
        r.register("repairs", "What the caretaker has found", self.repairs.clone());
        let help = "Measured one-way latency of a path";
        r.register_with_unit("path_latency", help, Unit::Seconds, self.latency.clone());
        r.register("switch_up", "Whether OVS-DPDK answers", self.switch_up.clone());
    }

    pub(crate) fn pool(&self, resource: &str, counts: Counts) {
        let of = Of { resource: resource.to_owned() };
        let set = |family: &Family<Of, Gauge>, count: usize| {
            family.get_or_create(&of).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set(&self.devices, counts.devices);
        set(&self.free, counts.free);
        set(&self.unhealthy, counts.unhealthy);
    }

    pub(crate) fn call(&self, call: Call) {
        let outcome = if call.ok { "ok" } else { "failed" };
        let served = Served { plugin: call.plugin, verb: call.verb, outcome };
        self.calls.get_or_create(&served).observe(call.took.as_secs_f64());
    }

    pub(crate) fn repair(&self, kind: &str, outcome: &str) {
        let repaired = Repaired { kind: kind.to_owned(), outcome: outcome.to_owned() };
        self.repairs.get_or_create(&repaired).inc();
    }

    /// The figures of a report; those of an earlier one go.
    pub(crate) fn measured(&self, report: Option<&policy::Report>) {
        self.latency.clear();
        for path in report.into_iter().flat_map(|report| &report.paths) {
            let Some(us) = &path.us else { continue };
            for (quantile, us) in [("0.5", us.p50), ("0.99", us.p99)] {
                let labels = Quantile { path: path.name.clone(), quantile };
                self.latency.get_or_create(&labels).set(us / 1e6);
            }
        }
    }

    pub(crate) fn switch(&self, up: bool) {
        self.switch_up.set(up.into());
    }

    /// All of it, in the `OpenMetrics` text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_is_told_under_its_name() {
        let metrics = Metrics::new();
        metrics.pool("fastpath.dev/vf", Counts { devices: 7, free: 4, unhealthy: 1 });
        metrics.switch(true);
        metrics.repair("lost pod", "done");
        let took = Duration::from_micros(1500);
        metrics.call(Call { plugin: "sriov".into(), verb: "ADD".into(), took, ok: true });
        let text = metrics.text();
        for line in [
            "fastpath_devices{resource=\"fastpath.dev/vf\"} 7",
            "fastpath_devices_free{resource=\"fastpath.dev/vf\"} 4",
            "fastpath_devices_unhealthy{resource=\"fastpath.dev/vf\"} 1",
            "fastpath_switch_up 1",
            "fastpath_repairs_total{kind=\"lost pod\",outcome=\"done\"} 1",
            "fastpath_call_seconds_bucket{le=\"0.001\",plugin=\"sriov\",verb=\"ADD\",outcome=\"ok\"} 0",
            "fastpath_call_seconds_bucket{le=\"0.002\",plugin=\"sriov\",verb=\"ADD\",outcome=\"ok\"} 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
    }

    #[test]
    fn figures_of_an_earlier_report_go() {
        let metrics = Metrics::new();
        let report = |name: &str| {
            policy::Report::from_json(
                format!(
                    r#"{{"version":1,"node":"n","measuredAt":"2026-11-28T00:00:00Z","method":"m","kernel":"6","load1":0.1,
                    "paths":[{{"name":"{name}","path":"kernel","driver":"bridge","numa":null,"sizeBytes":96,"ratePps":1000,
                    "rounds":1,"sent":10,"received":10,"lost":0,"reordered":0,"us":{{"min":1.0,"p50":20.0,"p90":30.0,
                    "p99":400.0,"p99.9":400.0,"max":400.0}},"p50Interval95":null}}]}}"#
                )
                .as_bytes(),
            )
            .unwrap()
        };
        metrics.measured(Some(&report("kernel")));
        let line = "fastpath_path_latency_seconds{path=\"kernel\",quantile=\"0.99\"} 0.0004";
        assert!(metrics.text().contains(line), "{}", metrics.text());
        metrics.measured(None);
        assert!(!metrics.text().contains("quantile"));
    }
}
