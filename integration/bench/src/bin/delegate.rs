//! The least that a CNI plugin can be: whoever calls it pays for itself. It reads its configuration
//! without looking into it, and prints a result.
//!
//! With `BENCH_MARKS` in its environment an attachment is a file in that directory, so that one can
//! count what was attached and what was forgotten.

#![expect(clippy::disallowed_methods, reason = "an executable without any crate of ours")]
#![expect(clippy::print_stdout, reason = "how a plugin answers")]

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::{env, fs, process};

fn main() -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new())?;
    let variable = |name| env::var(name).unwrap_or_default();
    let (container, ifname) = (variable("CNI_CONTAINERID"), variable("CNI_IFNAME"));
    let mark =
        env::var_os("BENCH_MARKS").map(|dir| PathBuf::from(dir).join(container + ":" + &ifname));
    match variable("CNI_COMMAND").as_str() {
        "ADD" => {
            mark.as_deref().map_or(Ok(()), attach)?;
            print_result(&ifname, &variable("CNI_NETNS"));
        }
        "DEL" => mark.as_deref().map_or(Ok(()), detach)?,
        "VERSION" => println!(r#"{{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}}"#),
        _ => {}
    }
    Ok(())
}

/// Fails when it was attached already.
fn attach(mark: &Path) -> io::Result<()> {
    fs::File::create_new(mark).map(drop)
}

fn detach(mark: &Path) -> io::Result<()> {
    match fs::remove_file(mark) {
        // As every plugin's DEL, it may come twice.
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The address is another one each time, so that telling it to an API server changes something.
fn print_result(ifname: &str, netns: &str) {
    let [_, b, c, d] = process::id().to_be_bytes();
    println!(
        r#"{{"cniVersion":"1.0.0","interfaces":[{{"name":"{ifname}","sandbox":"{netns}"}}],"ips":[{{"address":"10.{b}.{c}.{d}/8","interface":0}}]}}"#
    );
}
