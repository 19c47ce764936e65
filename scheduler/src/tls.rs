//! The certificate that clients are shown. Its files are read again when they change: certificates are renewed
//! while we run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The certificate, and those that lead to the authority.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// TLS as it stands in the files.
pub(crate) struct Tls {
    files: Files,
    latest: Mutex<Latest>,
}

struct Latest {
    acceptor: TlsAcceptor,
    /// Of the files that it was read from.
    stamp: Stamp,
    /// What could not be read since; it is said once.
    bad: Option<Stamp>,
}

/// When the files were changed, and how long they are; none of a file that is not there.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub(crate) fn read(files: Files) -> Result<Self> {
        let stamp = files.stamp();
        let latest = Latest { acceptor: files.acceptor()?, stamp, bad: None };
        Ok(Self { files, latest: Mutex::new(latest) })
    }

    /// For the next connection. Files that have changed and are no use, as they may be half-way through a
    /// change, leave the former certificate in use.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.files.stamp();
        if latest.stamp != stamp {
            match self.files.acceptor() {
                Ok(acceptor) => *latest = Latest { acceptor, stamp, bad: None },
                Err(error) => {
                    if latest.bad != Some(stamp) {
                        log::warn!("{error:#}; the former certificate stays in use");
                    }
                    latest.bad = Some(stamp);
                }
            }
        }
        latest.acceptor.clone()
    }
}

impl Files {
    fn acceptor(&self) -> Result<TlsAcceptor> {
        let name = |path: &Path| format!("{} cannot be used", path.display());
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| name(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).with_context(|| name(&self.key))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .with_context(|| format!("{} with {}", name(&self.certificate), self.key.display()))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}
