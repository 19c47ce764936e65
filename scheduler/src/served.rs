//! What tests of servers share: one that serves, and how it is asked.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use clap::Parser;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::certificate::Certificate;
use crate::http::{Answers, Limits, listen, serve};
use crate::tls::{Files, Tls};

/// Serves on a thread of its own as long as the test runs.
pub(crate) fn start(answers: impl Answers, tls: Option<Tls>, limits: Limits) -> SocketAddr {
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            serve(listener, tls.map(Arc::new), Arc::new(answers), limits).await;
        });
    });
    address.recv().unwrap()
}

pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    certificate: Certificate,
}

/// What `latency-scheduler certificate` makes, for `hook.here.svc` and 127.0.0.1, with a client's.
pub(crate) fn certify(dir: &Path) {
    let dir = dir.display().to_string();
    let names = ["--name", "hook.here.svc", "--name", "127.0.0.1"];
    let cli = Cli::try_parse_from(["certificate", "--client", "--dir", &dir].iter().chain(&names));
    cli.unwrap().certificate.run().unwrap();
}

/// Its files, for a server.
pub(crate) fn files(dir: &Path) -> Files {
    Files { certificate: dir.join("tls.crt"), key: dir.join("tls.key"), clients: None }
}

/// Who asks over TLS.
pub(crate) struct Client {
    /// PEM; the server's certificate is to be one of this authority's.
    pub(crate) authority: String,
    /// The name that it is to be for.
    pub(crate) name: &'static str,
    /// The directory with the certificate that is shown.
    pub(crate) shows: Option<std::path::PathBuf>,
}

impl Client {
    /// Trusts the authority of a directory that [`certify`] made.
    pub(crate) fn of(dir: &Path) -> Self {
        let authority = fs::read_to_string(dir.join("ca.crt")).unwrap();
        Self { authority, name: "hook.here.svc", shows: None }
    }

    /// What is answered; none when one does not talk to the other.
    pub(crate) fn ask(&self, server: SocketAddr, request: &[u8]) -> Option<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match &self.shows {
            None => config.with_no_client_auth(),
            Some(dir) => {
                let certificate = CertificateDer::from_pem_file(dir.join("client.crt")).unwrap();
                let key = PrivateKeyDer::from_pem_file(dir.join("client.key")).unwrap();
                config.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let name = ServerName::try_from(self.name).unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(server).unwrap());
        stream.write_all(request).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        (!answer.is_empty()).then(|| String::from_utf8(answer).unwrap())
    }
}
