//! Authorities of one's own for TLS, each with the key and certificate of one member.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Files of PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The member's private key.
    pub key: PathBuf,
    /// Its certificate, which names no host.
    pub certificate: PathBuf,
    /// The certificate of who signed it.
    pub authority: PathBuf,
}

/// Makes an authority that believes nobody else, and a member; their files are in the directory, and are
/// called so.
pub fn make(dir: &Path, name: &str) -> Files {
    let called = |text: String| {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, text);
        params
    };
    let mut params = called(format!("authority {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = called(name.to_owned()).signed_by(&key, &authority).unwrap();
    let file = |extension: &str, text: String| {
        let path = dir.join(format!("{name}.{extension}"));
        fs::write(&path, text).unwrap();
        path
    };
    Files {
        key: file("key", key.serialize_pem()),
        certificate: file("pem", certificate.pem()),
        authority: file("ca", authority.pem()),
    }
}
