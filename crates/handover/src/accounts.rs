//! Users and groups by number or name.
//!
//! Names are looked up in passwd(5) and group(5) and nowhere else: a static program cannot ask the
//! name services of its host.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::{Error, Rights};

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Account {
    /// By number.
    Id(u32),
    /// By name.
    Name(String),
}

/// Whose the attachment's directory is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Owner; root if not given.
    pub owner: Option<Account>,
    /// Group; that of the directory above, where that one passes it on, else root's.
    pub group: Option<Account>,
    /// Permissions.
    pub mode: u32,
    /// `SELinux` label.
    pub label: Option<String>,
}

impl Access {
    /// By numbers; names are looked up in `etc`.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`].
    pub fn rights(&self, etc: &Path) -> Result<Rights, Error> {
        let id = |account: &Option<Account>, file| {
            account.as_ref().map(|account| id_of(account, etc, file)).transpose()
        };
        Ok(Rights {
            uid: id(&self.owner, "passwd")?,
            gid: id(&self.group, "group")?,
            mode: self.mode,
            label: self.label.clone(),
        })
    }
}

/// The number of a user or group; `file` is `passwd` or `group` in `etc`.
fn id_of(account: &Account, etc: &Path, file: &str) -> Result<u32, Error> {
    let name = match account {
        Account::Id(id) => return Ok(*id),
        Account::Name(name) => name,
    };
    let path = etc.join(file);
    let unknown = |source| Error::UnknownAccount { name: name.clone(), path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(|source| unknown(Some(source)))?;
    // name:password:id:...
    let line =
        text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|line| line[0] == name);
    line.and_then(|line| line.get(2)?.parse().ok()).ok_or_else(|| unknown(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_become_numbers() {
        let etc = tempfile::tempdir().unwrap();
        fs::write(etc.path().join("group"), "root:x:0:\nhugetlbfs:x:117:a,b\nbroken\nbad:x:y:\n")
            .unwrap();
        let id = |account: Account| id_of(&account, etc.path(), "group");
        assert_eq!(id(Account::Id(7)).unwrap(), 7);
        assert_eq!(id(Account::Name("hugetlbfs".to_owned())).unwrap(), 117);
        for name in ["broken", "bad", "huge", ""] {
            let error = id(Account::Name(name.to_owned())).unwrap_err();
            assert!(error.to_string().contains("group"), "{error}");
        }
        assert!(id_of(&Account::Name("root".to_owned()), etc.path(), "passwd").is_err());
    }
}
