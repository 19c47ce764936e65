//! Which system calls change something, and what each is about to change.

use libc::user_regs_struct;
use nix::unistd::Pid;

use super::Point;
use super::tracee::{
    Sockets, arguments, descriptor, int, is_device, is_file, memory, path, text, word,
};

/// The point at whose entry a thread stands; none when the call changes nothing.
pub(super) fn of(pid: Pid, regs: &user_regs_struct, sockets: &Sockets) -> Option<Point> {
    let call = Call { pid, args: arguments(regs), sockets };
    let (name, target) = match regs.orig_rax.cast_signed() {
        libc::SYS_creat => ("creat", call.here(0)),
        libc::SYS_open => ("open", created(call.here(0), call.args[1])?),
        libc::SYS_openat => ("openat", created(call.at(0, 1), call.args[2])?),
        libc::SYS_openat2 => ("openat2", created(call.at(0, 1), word(pid, call.args[2]))?),

        libc::SYS_write => ("write", call.written(0)?),
        libc::SYS_writev => ("writev", call.written(0)?),
        libc::SYS_pwrite64 => ("pwrite64", call.written(0)?),
        libc::SYS_pwritev => ("pwritev", call.written(0)?),
        libc::SYS_pwritev2 => ("pwritev2", call.written(0)?),
        libc::SYS_sendfile => ("sendfile", call.written(0)?),
        libc::SYS_copy_file_range => ("copy_file_range", call.written(2)?),
        libc::SYS_splice => ("splice", call.written(2)?),
        libc::SYS_fallocate => ("fallocate", call.written(0)?),
        libc::SYS_ftruncate => ("ftruncate", call.written(0)?),
        libc::SYS_truncate => ("truncate", call.here(0)),

        libc::SYS_sendto => ("sendto", call.sent(0, call.args[1])?),
        libc::SYS_sendmsg => ("sendmsg", call.sent(0, call.first_of_message())?),
        libc::SYS_sendmmsg => ("sendmmsg", call.sent(0, call.first_of_message())?),
        libc::SYS_bind => ("bind", call.bound()?),

        libc::SYS_rename => ("rename", arrow(call.here(0), &call.here(1))),
        libc::SYS_renameat => ("renameat", arrow(call.at(0, 1), &call.at(2, 3))),
        libc::SYS_renameat2 => ("renameat2", arrow(call.at(0, 1), &call.at(2, 3))),
        libc::SYS_link => ("link", arrow(call.here(0), &call.here(1))),
        libc::SYS_linkat => ("linkat", arrow(call.at(0, 1), &call.at(2, 3))),
        libc::SYS_symlink => ("symlink", arrow(call.text(0), &call.here(1))),
        libc::SYS_symlinkat => ("symlinkat", arrow(call.text(0), &call.at(1, 2))),
        libc::SYS_unlink => ("unlink", call.here(0)),
        libc::SYS_unlinkat => ("unlinkat", call.at(0, 1)),
        libc::SYS_rmdir => ("rmdir", call.here(0)),
        libc::SYS_mkdir => ("mkdir", call.here(0)),
        libc::SYS_mkdirat => ("mkdirat", call.at(0, 1)),
        libc::SYS_mknod => ("mknod", call.here(0)),
        libc::SYS_mknodat => ("mknodat", call.at(0, 1)),

        libc::SYS_chmod => ("chmod", call.here(0)),
        libc::SYS_fchmod => ("fchmod", call.descriptor(0)),
        libc::SYS_fchmodat => ("fchmodat", call.at(0, 1)),
        libc::SYS_fchmodat2 => ("fchmodat2", call.at(0, 1)),
        libc::SYS_chown => ("chown", call.here(0)),
        libc::SYS_lchown => ("lchown", call.here(0)),
        libc::SYS_fchown => ("fchown", call.descriptor(0)),
        libc::SYS_fchownat => ("fchownat", call.at(0, 1)),

        libc::SYS_mount => ("mount", arrow(call.text(0), &call.here(1))),
        libc::SYS_umount2 => ("umount2", call.here(0)),
        libc::SYS_move_mount => ("move_mount", arrow(call.at(0, 1), &call.at(2, 3))),
        libc::SYS_mount_setattr => ("mount_setattr", call.at(0, 1)),
        libc::SYS_pivot_root => ("pivot_root", arrow(call.here(0), &call.here(1))),
        libc::SYS_setns => ("setns", call.descriptor(0)),
        libc::SYS_unshare => ("unshare", format!("{:#x}", call.args[0])),

        libc::SYS_init_module => ("init_module", String::new()),
        libc::SYS_finit_module => ("finit_module", call.descriptor(0)),
        libc::SYS_delete_module => ("delete_module", call.text(0)),
        libc::SYS_execve => ("execve", call.here(0)),
        libc::SYS_execveat => ("execveat", call.at(0, 1)),
        _ => return None,
    };
    Some(Point { call: name, target })
}

/// A call about to be made, with its arguments by their number.
struct Call<'a> {
    pid: Pid,
    args: [u64; 6],
    sockets: &'a Sockets,
}

impl Call<'_> {
    fn text(&self, n: usize) -> String {
        text(self.pid, self.args[n])
    }

    /// A path relative to the working directory.
    fn here(&self, n: usize) -> String {
        path(self.pid, libc::AT_FDCWD, self.args[n])
    }

    /// A path relative to a directory that is open.
    fn at(&self, dirfd: usize, n: usize) -> String {
        path(self.pid, int(self.args[dirfd]), self.args[n])
    }

    fn descriptor(&self, n: usize) -> String {
        descriptor(self.pid, int(self.args[n]))
    }

    /// What a descriptor writes to, when it counts.
    fn written(&self, n: usize) -> Option<String> {
        let fd = int(self.args[n]);
        if self.sockets.is_stdout(self.pid, fd) {
            return Some("stdout".into());
        }
        if is_file(self.pid, fd) {
            return Some(descriptor(self.pid, fd));
        }
        self.sockets.family(self.pid, fd)
    }

    /// The family of a socket; for rtnetlink the message at `data` too.
    fn sent(&self, n: usize, data: u64) -> Option<String> {
        let family = self.sockets.family(self.pid, int(self.args[n]))?;
        let header = memory(self.pid, data, 6);
        if family != "netlink" || header.len() < 6 {
            return Some(family);
        }
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        // Of every four message types the third asks and changes nothing (rtnetlink(7)). How often a
        // program asks may depend on time, so points would move from run to run.
        (kind & 3 != 2).then(|| format!("netlink {}", rtnetlink_name(kind)))
    }

    /// Where the first buffer of the `msghdr` in the second argument is: its `msg_iov[0].iov_base`.
    fn first_of_message(&self) -> u64 {
        word(self.pid, word(self.pid, self.args[1] + 16))
    }

    /// Binding a unix socket makes a file, unless the name is abstract.
    fn bound(&self) -> Option<String> {
        let family = self.sockets.family(self.pid, int(self.args[0]))?;
        let name = path(self.pid, libc::AT_FDCWD, self.args[1] + 2);
        (family == "unix" && memory(self.pid, self.args[1] + 2, 1) != [0]).then_some(name)
    }
}

fn arrow(from: String, to: &str) -> String {
    from + " -> " + to
}

/// The path of an `open` that creates or truncates; the shell opens `/dev/null` so, too.
fn created(path: String, flags: u64) -> Option<String> {
    let creates = int(flags) & (libc::O_CREAT | libc::O_TRUNC) != 0;
    (creates && !is_device(&path)).then_some(path)
}

/// The rtnetlink messages that programs here send; others by number.
fn rtnetlink_name(kind: u16) -> String {
    let name = match kind {
        libc::RTM_NEWLINK => "RTM_NEWLINK",
        libc::RTM_DELLINK => "RTM_DELLINK",
        libc::RTM_GETLINK => "RTM_GETLINK",
        libc::RTM_SETLINK => "RTM_SETLINK",
        libc::RTM_NEWADDR => "RTM_NEWADDR",
        libc::RTM_DELADDR => "RTM_DELADDR",
        libc::RTM_GETADDR => "RTM_GETADDR",
        libc::RTM_NEWROUTE => "RTM_NEWROUTE",
        libc::RTM_DELROUTE => "RTM_DELROUTE",
        libc::RTM_GETROUTE => "RTM_GETROUTE",
        libc::RTM_NEWNEIGH => "RTM_NEWNEIGH",
        libc::RTM_DELNEIGH => "RTM_DELNEIGH",
        libc::RTM_GETNEIGH => "RTM_GETNEIGH",
        libc::RTM_NEWRULE => "RTM_NEWRULE",
        libc::RTM_DELRULE => "RTM_DELRULE",
        libc::RTM_GETRULE => "RTM_GETRULE",
        libc::RTM_NEWNSID => "RTM_NEWNSID",
        libc::RTM_GETNSID => "RTM_GETNSID",
        _ => return format!("type {kind}"),
    };
    name.into()
}
