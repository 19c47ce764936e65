//! What testpmd counts.

use serde_json::Value;

/// Packets of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
    /// Lost on either way.
    pub dropped: u64,
}

impl Counters {
    pub(super) fn of_telemetry(stats: &Value) -> Self {
        let sum = |names: &[&str]| {
            names
                .iter()
                .map(|&name| stats[name].as_u64().unwrap_or_else(|| panic!("no {name}: {stats}")))
                .sum()
        };
        Self {
            received: sum(&["ipackets"]),
            sent: sum(&["opackets"]),
            dropped: sum(&["imissed", "ierrors", "rx_nombuf", "oerrors"]),
        }
    }

    /// From what testpmd prints when it ends: a block for each port, in their order.
    pub(super) fn of_log(log: &str) -> Vec<Self> {
        let blocks = log.split("Forward statistics for port").skip(1);
        // After the last port comes the sum of all.
        blocks.map(|block| Self::of_block(block.split("Accumulated").next().unwrap())).collect()
    }

    fn of_block(block: &str) -> Self {
        let words: Vec<&str> = block.split_whitespace().collect();
        let number = |name: &str| -> u64 {
            let value = words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
            value
                .and_then(|value| value.parse().ok())
                .unwrap_or_else(|| panic!("no {name}: {block}"))
        };
        Self {
            received: number("RX-packets:"),
            sent: number("TX-packets:"),
            dropped: number("RX-dropped:") + number("TX-dropped:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_testpmd_are_understood() {
        let log = "
  ---------------------- Forward statistics for port 0  ----------------------
  RX-packets: 1002           RX-dropped: 1             RX-total: 1003
  TX-packets: 1001           TX-dropped: 2             TX-total: 1003
  ----------------------------------------------------------------------------

  ---------------------- Forward statistics for port 1  ----------------------
  RX-packets: 5              RX-dropped: 0             RX-total: 5
  TX-packets: 6              TX-dropped: 0             TX-total: 6
  ----------------------------------------------------------------------------

  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++
  RX-packets: 1007           RX-dropped: 1             RX-total: 1008
";
        let counters = |received, sent, dropped| Counters { received, sent, dropped };
        assert_eq!(Counters::of_log(log), [counters(1002, 1001, 3), counters(5, 6, 0)]);
    }
}
