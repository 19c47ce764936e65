//! Certificates and keys of a cluster, made by OpenSSL's tool.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::output;

/// Extensions for each kind of certificate. An authority that poses as a server is refused by some
/// clients, and OpenSSL's defaults would make one of everything. 10.0.2.2 is this machine as a VM sees it.
const CONFIG: &str = "
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,IP:10.0.2.2
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
";

/// A directory with pairs of `NAME.crt` and `NAME.key`:
///
/// - `ca`: the authority, of the other two
/// - `server`: the API server's
/// - `client`: what the API server shows to kubelets
/// - `accounts`: what the tokens of service accounts are signed with; `accounts.pub` instead of a
///   certificate
#[derive(Debug)]
pub(super) struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// Makes all of it in a new directory.
    pub(super) fn make(dir: PathBuf) -> Self {
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("openssl.cnf"), CONFIG).unwrap();
        let pki = Self { dir };
        pki.certificate("ca", "authority", "/CN=test-ca");
        pki.certificate("server", "server", "/CN=kube-apiserver");
        pki.certificate("client", "client", "/O=system:masters/CN=kube-apiserver-kubelet-client");
        pki.key_pair("accounts");
        pki
    }

    /// Path of a file.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn certificate(&self, name: &str, kind: &str, subject: &str) {
        let file = |file: &str| text(&self.path(file));
        let (crt, key) = (file(&format!("{name}.crt")), file(&format!("{name}.key")));
        let config = file("openssl.cnf");
        let (ca_crt, ca_key) = (file("ca.crt"), file("ca.key"));
        let signed: &[&str] = if name == "ca" { &[] } else { &["-CA", &ca_crt, "-CAkey", &ca_key] };
        let new = [
            ["req", "-x509", "-config"].as_slice(),
            &[&config, "-extensions", kind, "-subj", subject, "-days", "30", "-nodes"],
            &[
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-keyout",
                &key,
                "-out",
                &crt,
            ],
            signed,
        ];
        output("openssl", &new.concat());
    }

    fn key_pair(&self, name: &str) {
        let key = text(&self.path(&format!("{name}.key")));
        let public = text(&self.path(&format!("{name}.pub")));
        output("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]);
        output("openssl", &["pkey", "-in", &key, "-pubout", "-out", &public]);
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
