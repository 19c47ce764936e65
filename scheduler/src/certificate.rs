//! `latency-scheduler certificate`: a certificate for clusters where nothing else makes one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// Make certificates, and an authority for them whose key nobody keeps
#[derive(Args)]
pub(crate) struct Certificate {
    /// Where to write ca.crt, tls.crt and tls.key; none of them may exist
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A name or address by which the API server reaches it; may be repeated
    #[arg(long = "name", value_name = "NAME", default_value = "latency-scheduler.kube-system.svc")]
    names: Vec<String>,
    /// Write client.crt and client.key as well, with which kube-scheduler shows who it is
    #[arg(long)]
    client: bool,
}

impl Certificate {
    pub(crate) fn run(self) -> Result<()> {
        let authority = authority().context("make an authority")?;
        let names = self.names.join(", ");
        let server =
            CertificateParams::new(self.names).with_context(|| format!("{names}: no names"))?;
        let server = issue(server, "latency-scheduler", ServerAuth, &authority)?;
        let client = CertificateParams::default();
        let client = issue(client, "kube-scheduler", ClientAuth, &authority)?;

        let dir = &self.dir;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.with_context(|| format!("make {}", dir.display()))?;
        write(&dir.join("ca.crt"), &authority.pem(), 0o644)?;
        server.write(dir, "tls")?;
        if self.client {
            client.write(dir, "client")?;
        }
        Ok(())
    }
}

/// A certificate and its key, PEM.
struct Issued {
    certificate: String,
    key: String,
}

impl Issued {
    fn write(&self, dir: &Path, name: &str) -> Result<()> {
        write(&dir.join(format!("{name}.crt")), &self.certificate, 0o644)?;
        write(&dir.join(format!("{name}.key")), &self.key, 0o600)
    }
}

fn issue(
    mut params: CertificateParams,
    name: &str,
    usage: ExtendedKeyUsagePurpose,
    authority: &CertifiedIssuer<'_, KeyPair>,
) -> Result<Issued> {
    let key = KeyPair::generate().context("make a key")?;
    params.distinguished_name = named(name);
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, authority).context("sign a certificate")?;
    Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// Its key ends with this process: it signs no more. To renew a certificate is to make all anew.
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
