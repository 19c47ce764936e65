//! Another program at the same place sees the same times as `frames`: both tell the kernel's.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use testkit::netns::Netns;

use crate::frames::{cable, end, run, turn};

#[test]
fn tcpdump_sees_the_same_latency() {
    let (_turn, netns) = (turn(), Netns::new());
    cable(&netns, "a0", "a1");
    let (mut sender, mut receiver) = (end(&netns, "a0"), end(&netns, "a1"));
    let tcpdump = tcpdump(&netns, "a1", 1100);
    let outcome = run(&mut sender, &mut receiver, 1000);
    let output = tcpdump.wait_with_output().unwrap().stdout;
    let mut seen = latencies(&String::from_utf8(output).unwrap());
    // The first 100 warm up.
    let seen = &mut seen[100..];
    seen.sort_unstable();
    assert_eq!(seen.len(), 1000);
    for (quantile, rank) in [(0.001, 0), (0.5, 499), (0.9, 899), (0.99, 989), (1.0, 999)] {
        let ours = outcome.latency.value_at_quantile(quantile);
        let theirs = seen[rank];
        assert!(outcome.latency.equivalent(ours, theirs), "{quantile}: {ours} {theirs}");
    }
}

/// A tcpdump that has begun to print so many frames of ours, with the kernel's stamps.
fn tcpdump(netns: &Netns, interface: &str, count: u32) -> Child {
    let mut command = netns.command("timeout");
    command.args(["20", "tcpdump", "-i", interface, "-c", &count.to_string(), "-Z", "root"]);
    // Slots as long as a frame, so that its ring has many.
    command.args(["-s", "96", "-xntt", "--time-stamp-precision=nano", "ether proto 0x88b5"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.as_mut().unwrap());
    let mut said = String::new();
    while !said.contains("listening on") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "tcpdump: {said}");
    }
    child
}

/// From what tcpdump prints: when each frame came, less when it says that it was sent.
fn latencies(output: &str) -> Vec<u64> {
    let mut sent_and_came: Vec<(String, u64)> = vec![];
    for line in output.lines() {
        match line.split_once("0x") {
            Some((before, bytes)) if before.trim().is_empty() => {
                let (frame, _) = sent_and_came.last_mut().unwrap();
                frame.extend(bytes.split_whitespace().skip(1));
            }
            _ => {
                let came = line.split_whitespace().next().unwrap().replace('.', "");
                sent_and_came.push((String::new(), came.parse().unwrap()));
            }
        }
    }
    // After the Ethernet header: magic, run and sequence in 20 bytes, then the time.
    let sent = |frame: &str| u64::from_str_radix(&frame[40..56], 16).unwrap();
    sent_and_came.iter().map(|(frame, came)| came - sent(frame)).collect()
}
