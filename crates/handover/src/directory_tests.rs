//! On a real file system, with what a pod or a stranger may have put there.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn scene() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("base/attachment");
    (dir, path)
}

fn rights(mode: u32) -> Rights {
    Rights { mode, ..Rights::default() }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_directory_of_its_own_is_made_filled_and_removed() {
    let (_dir, path) = scene();
    let (place, rights) = (Place::Own { dir: path.clone() }, rights(0o750));
    let directory = make(&place, &rights).unwrap();
    directory.write("a", b"one").unwrap();
    directory.write("a", b"two").unwrap();
    assert_eq!(fs::read(path.join("a")).unwrap(), b"two");
    assert_eq!((mode(&path), mode(&path.join("a"))), (0o750, 0o440));
    assert_eq!(mode(path.parent().unwrap()), 0o711);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    fs::create_dir_all(path.join("x/y")).unwrap();
    remove(&place).unwrap();
    assert!(!path.exists());
    remove(&place).unwrap();
}

#[test]
fn what_is_there_already_is_refused_and_stays() {
    let (dir, path) = scene();
    let (place, rights) = (Place::Own { dir: path.clone() }, rights(0o770));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("theirs"), "").unwrap();
    assert!(matches!(make(&place, &rights), Err(Error::Present(_))));
    assert!(path.join("theirs").exists());

    remove(&place).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert!(matches!(make(&place, &rights), Err(Error::Present(_))));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // Removing it removes the link.
    fs::write(elsewhere.join("theirs"), "").unwrap();
    remove(&place).unwrap();
    assert!(elsewhere.join("theirs").exists() && !path.is_symlink());
}

#[test]
fn a_slot_is_emptied_and_keeps_its_inode() {
    let (dir, path) = scene();
    let place = Place::Slot { id: "s".to_owned(), dir: path.clone() };
    fs::create_dir_all(path.join("old/deep")).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("theirs"), "").unwrap();
    symlink(&elsewhere, path.join("link")).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let rights = rights(0o770);
    let directory = make(&place, &rights).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    directory.write("a", b"").unwrap();
    remove(&place).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    assert!(elsewhere.join("theirs").exists());
}

#[test]
fn a_link_in_the_place_of_a_slot_is_not_gone_through() {
    let (dir, path) = scene();
    let place = Place::Slot { id: "s".to_owned(), dir: path.clone() };
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("theirs"), "").unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert!(make(&place, &rights(0o770)).is_err());
    assert!(remove(&place).is_err());
    assert!(elsewhere.join("theirs").exists());
}

#[test]
fn a_planted_link_does_not_lead_a_file_astray() {
    let (dir, path) = scene();
    let (place, rights) = (Place::Own { dir: path.clone() }, rights(0o770));
    let directory = make(&place, &rights).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, path.join("a")).unwrap();
    symlink(&victim, path.join(".a.new")).unwrap();
    directory.write("a", b"ours").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read(path.join("a")).unwrap(), b"ours");
    assert!(!path.join("a").is_symlink());
}

#[test]
fn a_volume_is_reached_by_a_short_link() {
    let (dir, path) = scene();
    let link = dir.path().join("run/vhostuser/vh1");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let place = Place::Volume { dir: path.clone(), link: link.clone(), in_pod: "/x".into() };
    let rights = rights(0o770);
    make(&place, &rights).unwrap().write("a", b"ours").unwrap();
    assert_eq!(fs::read(link.join("a")).unwrap(), b"ours");
    remove(&place).unwrap();
    assert!(!path.exists() && !link.is_symlink());
    remove(&place).unwrap();
}

#[test]
fn the_switchs_socket_gets_a_second_name() {
    let (dir, path) = scene();
    let (place, rights) = (Place::Own { dir: path.clone() }, rights(0o770));
    let directory = make(&place, &rights).unwrap();
    let socket = dir.path().join("vh1");
    let _listening = UnixListener::bind(&socket).unwrap();
    directory.link_socket(&socket, "vhost.sock").unwrap();
    let [a, b] =
        [&socket, &path.join("vhost.sock")].map(|path| fs::symlink_metadata(path).unwrap().ino());
    assert_eq!((a, mode(&socket)), (b, 0o660));
    // Only a socket is given away.
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    symlink(&file, dir.path().join("link")).unwrap();
    for wrong in ["file", "link", "nothing"] {
        let error = directory.link_socket(&dir.path().join(wrong), "x").unwrap_err();
        assert!(matches!(error, Error::LinkSocket { .. }), "{error}");
    }
}
