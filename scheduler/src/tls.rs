//! The certificate that clients are shown, and whose certificates are wanted of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::reloaded::Reloaded;

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The certificate, and those that lead to the authority.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The authority of clients; without it, who they are does not matter.
    pub(crate) clients: Option<PathBuf>,
}

/// TLS as it stands in the files.
pub(crate) type Tls = Reloaded<TlsAcceptor>;

impl Files {
    /// Reads them, now and whenever they change.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub(crate) fn tls(self) -> Result<Tls> {
        let all = [&self.certificate, &self.key].into_iter().chain(&self.clients);
        Reloaded::new(all.cloned().collect(), move || self.acceptor())
    }

    fn acceptor(&self) -> Result<TlsAcceptor> {
        let config = match &self.clients {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(file)? {
                    roots.add(certificate).with_context(|| unusable(file))?;
                }
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
                let verifier = verifier.with_context(|| unusable(file))?;
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_file(&self.key).with_context(|| unusable(&self.key))?;
        let config =
            config.with_single_cert(certificates(&self.certificate)?, key).with_context(|| {
                format!("{} with {}", unusable(&self.certificate), self.key.display())
            })?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| unusable(file))
}

fn unusable(file: &Path) -> String {
    format!("{} cannot be used", file.display())
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
