//! What can be read of a thread that stands still: memory, paths, descriptors.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};

use libc::user_regs_struct;
use nix::unistd::Pid;

/// The six arguments of a system call, in the order of its declaration.
pub(super) fn arguments(regs: &user_regs_struct) -> [u64; 6] {
    [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9]
}

/// An `int` argument: the lower half of its register.
#[expect(clippy::cast_possible_truncation, reason = "the kernel reads the lower half too")]
pub(super) fn int(value: u64) -> i32 {
    (value as u32).cast_signed()
}

/// Reads a thread's memory; less than `len` bytes where it is not mapped.
pub(super) fn memory(pid: Pid, address: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let got = File::open(format!("/proc/{pid}/mem"))
        .and_then(|memory| memory.read_at(&mut bytes, address))
        .unwrap_or(0);
    bytes.truncate(got);
    bytes
}

/// A word of a thread's memory, 0 where it is not mapped.
pub(super) fn word(pid: Pid, address: u64) -> u64 {
    memory(pid, address, 8).try_into().map_or(0, u64::from_ne_bytes)
}

/// A string that ends with a zero byte; at most `PATH_MAX` of it.
pub(super) fn text(pid: Pid, address: u64) -> String {
    let mut found = Vec::new();
    let mut at = address;
    while at != 0 && found.len() < 4096 {
        // Never across the end of a page: the next one may not be mapped.
        let piece = memory(pid, at, 256 - usize::try_from(at % 256).unwrap());
        let end = piece.iter().position(|byte| *byte == 0);
        found.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
        if end.is_some() || piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
    }
    String::from_utf8_lossy(&found).into_owned()
}

/// The path at `address`, made absolute: relative to the directory open as `dirfd`.
pub(super) fn path(pid: Pid, dirfd: i32, address: u64) -> String {
    let path = PathBuf::from(text(pid, address));
    if path.is_absolute() {
        return path.display().to_string();
    }
    let base = if dirfd == libc::AT_FDCWD {
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default()
    } else {
        PathBuf::from(descriptor(pid, dirfd))
    };
    if path.as_os_str().is_empty() {
        return base.display().to_string();
    }
    base.join(path).display().to_string()
}

/// What a descriptor is: a path, `socket:[1]`, `pipe:[1]`, `anon_inode:...`; "" when not open.
pub(super) fn descriptor(pid: Pid, fd: i32) -> String {
    fs::read_link(link(pid, fd)).map(|to| to.display().to_string()).unwrap_or_default()
}

/// Whether a descriptor is a file on a file system, sysfs and procfs included.
pub(super) fn is_file(pid: Pid, fd: i32) -> bool {
    // A memfd is the program's own memory.
    let own = descriptor(pid, fd).starts_with("/memfd:");
    !own && fs::metadata(link(pid, fd)).is_ok_and(|meta| meta.is_file())
}

/// Whether a path is a device, which opening with `O_CREAT` does not create.
pub(super) fn is_device(path: &str) -> bool {
    fs::metadata(Path::new(path)).is_ok_and(|meta| meta.file_type().is_char_device())
}

fn link(pid: Pid, fd: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/fd/{fd}"))
}

/// The sockets of the tree, by what /proc calls them, and its stdout.
pub(super) struct Sockets {
    stdout: String,
    made: HashMap<String, (i32, i32)>,
}

impl Sockets {
    pub(super) fn new(stdout: String) -> Self {
        Self { stdout, made: HashMap::new() }
    }

    /// At the exit of a call: remembers the domain and protocol of a socket just made. /proc does
    /// not tell them, and its tables are those of one network namespace only.
    pub(super) fn learn(&mut self, pid: Pid, regs: &user_regs_struct) {
        let fd = int(regs.rax);
        if regs.orig_rax.cast_signed() == libc::SYS_socket && fd >= 0 {
            let [domain, _, protocol, ..] = arguments(regs).map(int);
            self.made.insert(descriptor(pid, fd), (domain, protocol));
        }
    }

    /// Whether a descriptor is the stdout that the program was started with.
    pub(super) fn is_stdout(&self, pid: Pid, fd: i32) -> bool {
        descriptor(pid, fd) == self.stdout
    }

    /// The family of a socket in words; none for what is not a socket.
    pub(super) fn family(&self, pid: Pid, fd: i32) -> Option<String> {
        let name = descriptor(pid, fd);
        name.starts_with("socket:").then(|| match self.made.get(&name) {
            Some((libc::AF_UNIX, _)) => "unix".into(),
            Some((libc::AF_INET, _)) => "inet".into(),
            Some((libc::AF_INET6, _)) => "inet6".into(),
            Some((libc::AF_PACKET, _)) => "packet".into(),
            Some((libc::AF_NETLINK, libc::NETLINK_ROUTE)) => "netlink".into(),
            Some((libc::AF_NETLINK, protocol)) => format!("netlink protocol {protocol}"),
            Some((domain, _)) => format!("family {domain}"),
            // Inherited, accepted or one of a pair.
            None => "socket".into(),
        })
    }
}
