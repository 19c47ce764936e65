//! `latency-scheduler certificate`: a certificate for clusters where nothing else makes one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// Make a certificate for the webhook, and an authority for it whose key nobody keeps
#[derive(Args)]
pub(crate) struct Certificate {
    /// Where to write ca.crt, tls.crt and tls.key; none of them may exist
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A name or address by which the API server reaches it; may be repeated
    #[arg(long = "name", value_name = "NAME", default_value = "latency-scheduler.kube-system.svc")]
    names: Vec<String>,
}

impl Certificate {
    pub(crate) fn run(self) -> Result<()> {
        let authority = authority().context("make an authority")?;
        let key = KeyPair::generate().context("make a key")?;
        let names = self.names.join(", ");
        let mut params =
            CertificateParams::new(self.names).with_context(|| format!("{names}: no names"))?;
        params.distinguished_name = named("latency-scheduler");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &authority).context("sign the certificate")?;

        let dir = &self.dir;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.with_context(|| format!("make {}", dir.display()))?;
        write(&dir.join("ca.crt"), &authority.pem(), 0o644)?;
        write(&dir.join("tls.crt"), &certificate.pem(), 0o644)?;
        write(&dir.join("tls.key"), &key.serialize_pem(), 0o600)
    }
}

/// Its key ends with this process: it signs one certificate. To renew that is to make both anew.
fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("latency-scheduler authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file: File| file.write_all(text.as_bytes()));
    written.with_context(|| format!("write {}", path.display()))
}
