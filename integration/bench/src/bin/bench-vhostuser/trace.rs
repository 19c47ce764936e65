//! What a call sends to the database, and how often it asks the kernel, as strace shows it.

use std::process::Command;

use anyhow::Result;
use bench::trace;

/// How a request begins, as strace prints it.
const REQUEST: &str = r#"\"method\":\""#;

/// Counts of one call.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Requests to the database.
    pub(crate) requests: usize,
    /// System calls other than those that only manage memory.
    pub(crate) system_calls: usize,
}

/// Runs the call under strace and counts.
pub(crate) fn sent(command: &Command, conf: &str) -> Result<Sent> {
    Ok(count(&trace::log(command, conf, &[])?))
}

fn count(log: &str) -> Sent {
    let mut sent = Sent::default();
    for call in trace::calls(log) {
        sent.system_calls += 1;
        if call.starts_with("write") || call.starts_with("send") {
            sent.requests += call.matches(REQUEST).count();
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_requests_and_not_their_answers() {
        let log = r#"90 sendto(3, "{\"id\":1,\"method\":\"transact\"}{\"id\":2,\"method\":\"echo\"}", 9, 0, NULL, 0) = 9
90 recvfrom(3, "{\"id\":3,\"method\":\"echo\"}", 9, 0, NULL, NULL) = 9
90 write(1, "{\"cniVersion\":\"1.1.0\"}", 9) = 9
90 +++ exited with 0 +++"#;
        assert_eq!(count(log), Sent { requests: 2, system_calls: 3 });
    }
}
