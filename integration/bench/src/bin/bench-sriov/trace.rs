//! What a call asks the kernel for, as strace shows it.
//!
//! The guest's kernel does not tell strace which netlink family a socket is of, so that it prints the
//! header and the bytes after it. Requests are read from those bytes.

use std::process::Command;

use anyhow::{Context, Result};
use bench::trace;

/// Requests that change a link, `RTM_NEWLINK` and `RTM_SETLINK` of `linux/rtnetlink.h`.
const CHANGES: [u16; 2] = [16, 19];
/// Attributes of a link, of `linux/if_link.h`.
const IFLA_IFNAME: u16 = 3;
const IFLA_NET_NS_PID: u16 = 19;
const IFLA_VFINFO_LIST: u16 = 22;
const IFLA_NET_NS_FD: u16 = 28;
/// Length of `struct ifinfomsg`, which stands before the attributes.
const LINK_HEADER: usize = 16;
/// Where the interface index stands in it.
const LINK_INDEX: std::ops::Range<usize> = 4..8;

/// Counts of one call.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Requests {
    /// All netlink requests.
    pub(crate) all: usize,
    /// Those that change a link.
    pub(crate) changes: usize,
    /// Those that move a link to another namespace.
    pub(crate) moves: usize,
    /// Those that move and rename it at the same time.
    pub(crate) moves_with_name: usize,
    /// Those that rename it.
    pub(crate) renames: usize,
    /// Those that change settings of VFs.
    pub(crate) vf_settings: usize,
    /// Namespaces made.
    pub(crate) namespaces: usize,
    /// System calls other than those that only manage memory.
    pub(crate) system_calls: usize,
}

/// Runs the call under strace and counts.
pub(crate) fn requests(command: &Command, conf: &str) -> Result<Requests> {
    count(&trace::log(command, conf, &["-xx"])?)
}

/// Counts in the output of `strace -f -xx`.
fn count(log: &str) -> Result<Requests> {
    let mut counts = Requests::default();
    for call in trace::calls(log) {
        counts.system_calls += 1;
        let new_namespace = call.contains("CLONE_NEWNET") && !call.starts_with("setns");
        counts.namespaces += usize::from(new_namespace);
        if !call.starts_with("send") || !call.contains("nlmsg_type=") {
            continue;
        }
        let (kind, body) = request(call).with_context(|| format!("not understood: {call}"))?;
        let attributes = if CHANGES.contains(&kind) { attributes(&body) } else { Vec::new() };
        let has = |attribute| attributes.contains(&attribute);
        let moves = has(IFLA_NET_NS_FD) || has(IFLA_NET_NS_PID);
        counts.all += 1;
        counts.changes += usize::from(CHANGES.contains(&kind));
        counts.moves += usize::from(moves);
        // Without an index in the header the name only says which link is meant.
        let renames = has(IFLA_IFNAME) && body.get(LINK_INDEX).is_some_and(|i| i != [0; 4]);
        counts.renames += usize::from(renames);
        counts.moves_with_name += usize::from(moves && renames);
        counts.vf_settings += usize::from(has(IFLA_VFINFO_LIST));
    }
    Ok(counts)
}

/// Type and body of a request: `... nlmsg_type=0x13 /* ... */, ...}, "\x00\x01..."`.
fn request(call: &str) -> Option<(u16, Vec<u8>)> {
    let (_, header) = call.split_once("nlmsg_type=0x")?;
    let (kind, rest) = header.split_once([' ', ','])?;
    let (_, body) = rest.split_once(r#"}, "\x"#)?;
    let (body, _) = body.split_once('"')?;
    let bytes = body.split(r"\x").map(|byte| u8::from_str_radix(byte, 16));
    Some((u16::from_str_radix(kind, 16).ok()?, bytes.collect::<Result<_, _>>().ok()?))
}

/// Types of the attributes of a link message (u16 length, u16 type, padded to 4).
fn attributes(body: &[u8]) -> Vec<u16> {
    let mut types = Vec::new();
    let mut rest = body.get(LINK_HEADER..).unwrap_or_default();
    while let [l0, l1, t0, t1, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1])).max(4);
        // The two highest bits are flags.
        types.push(u16::from_ne_bytes([t0, t1]) & 0x3fff);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request as strace prints it, with attributes of four bytes.
    fn sent(kind: u16, attributes: &[u16]) -> String {
        let mut body = vec![0; LINK_HEADER];
        body[LINK_INDEX.start] = 7;
        for attribute in attributes {
            body.extend([8, 0]);
            body.extend(attribute.to_ne_bytes());
            body.extend([1, 2, 3, 4]);
        }
        let hex = body.iter().map(|byte| format!(r"\x{byte:02x}")).collect::<Vec<_>>().concat();
        format!(
            "sendto(4, [{{nlmsg_len=52, nlmsg_type={kind:#x} /* NLMSG_??? */, nlmsg_seq=1, \
             nlmsg_pid=0}}, \"{hex}\"], 52, 0, NULL, 0"
        )
    }

    #[test]
    fn counts_what_is_sent_and_not_what_is_answered() {
        let lines = [
            format!("90 {}) = 52", sent(18, &[IFLA_IFNAME])),
            format!("90 {}) = 52", sent(16, &[IFLA_IFNAME]).replace("sendto", "recvfrom")),
            format!("90 {}) = 52", sent(19, &[0x8000 | IFLA_VFINFO_LIST])),
            format!("91 {} <unfinished ...>", sent(19, &[IFLA_NET_NS_FD, IFLA_IFNAME])),
            "90 setns(3, CLONE_NEWNET) = 0".to_owned(),
            "91 <... sendto resumed>) = 60".to_owned(),
            "91 +++ exited with 0 +++".to_owned(),
            "90 unshare(CLONE_NEWNET) = 0".to_owned(),
        ];
        let expected = Requests {
            all: 3,
            changes: 2,
            moves: 1,
            moves_with_name: 1,
            renames: 1,
            vf_settings: 1,
            namespaces: 1,
            system_calls: 6,
        };
        assert_eq!(count(&lines.join("\n")).unwrap(), expected);
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        let decoded = sent(19, &[IFLA_NET_NS_FD]).replace("0x13", "RTM_SETLINK");
        assert!(count(&format!("90 {decoded})")).is_err());
    }
}
