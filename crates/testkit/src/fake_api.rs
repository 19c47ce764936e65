//! A server behind TLS that answers as a test wants, well or badly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// What the server does with a request.
pub enum Reply {
    /// Sends this and waits for the next request.
    Answer(Vec<u8>),
    /// Sends this and closes the connection.
    Last(Vec<u8>),
    /// Sends this, then nothing any more.
    Silence(Vec<u8>),
    /// Sends this byte by byte, one each 20 ms.
    Drip(Vec<u8>),
    /// Sends zeros, as many as the client takes.
    Endless,
}

/// A complete answer of JSON.
pub fn json(status: u16, body: &str) -> Reply {
    with_header(status, "Content-Type: application/json", body)
}

/// A complete answer with another header.
pub fn with_header(status: u16, header: &str, body: &str) -> Reply {
    Reply::Answer(
        format!("HTTP/1.1 {status} \r\n{header}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes(),
    )
}

/// The server, and a directory with the kubeconfig and all it needs.
pub struct FakeServer {
    /// The kubeconfig, `ca.crt`, and what a test adds.
    pub dir: TempDir,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

type Script = dyn Fn(usize, &str) -> Reply + Send + Sync;

impl FakeServer {
    /// A server that answers the nth request, from 0, as `script` says.
    pub fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_certificate_until(4096, script)
    }

    /// The same with a certificate that is valid until a year.
    pub fn with_certificate_until(
        year: i32,
        script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tls = Arc::new(certificates(&dir, year));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, count, script) =
            (Arc::clone(&requests), Arc::clone(&connections), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let tls = ServerConnection::new(Arc::clone(&tls)).unwrap();
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                let stream = StreamOwned::new(tls, stream.unwrap());
                thread::spawn(move || serve(stream, &log, &*script));
            }
        });
        Self { dir, address, requests, connections }
    }

    /// A kubeconfig for this server with this user, as JSON text.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.kubeconfig_with("\"certificate-authority\": \"ca.crt\"", user)
    }

    /// The same with other settings of the cluster.
    pub fn kubeconfig_with(&self, cluster: &str, user: &str) -> PathBuf {
        let path = self.dir.path().join("kubeconfig");
        let text = format!(
            "{{\"current-context\": \"c\", \
             \"contexts\": [{{\"name\": \"c\", \"context\": {{\"cluster\": \"k\", \"user\": \"u\"}}}}], \
             \"clusters\": [{{\"name\": \"k\", \"cluster\": {{\"server\": \"https://{}\", {cluster}}}}}], \
             \"users\": [{{\"name\": \"u\", \"user\": {user}}}]}}",
            self.address
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// All requests so far, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Makes a certificate authority, left as `ca.crt`, and the server's certificate.
fn certificates(dir: &TempDir, year: i32) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.path().join("ca.crt"), authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    server.not_after = date_time_ymd(year, 1, 1);
    let server = server.signed_by(&key, &authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key.into())
        .unwrap()
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Answers until the client or the script ends it.
fn serve(mut stream: Stream, log: &Mutex<Vec<String>>, script: &Script) -> Option<()> {
    loop {
        let request = read_request(&mut stream)?;
        let nth = {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(request.clone());
            log.len() - 1
        };
        match script(nth, &request) {
            Reply::Answer(bytes) => stream.write_all(&bytes).ok()?,
            Reply::Last(bytes) => {
                stream.write_all(&bytes).ok()?;
                return None;
            }
            Reply::Silence(bytes) => {
                stream.write_all(&bytes).ok()?;
                stream.read_to_end(&mut Vec::new()).ok()?;
            }
            Reply::Drip(bytes) => {
                for byte in bytes {
                    stream.write_all(&[byte]).ok()?;
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Reply::Endless => {
                stream.write_all(b"HTTP/1.1 200 \r\n\r\n").ok()?;
                while stream.write_all(&[0; 8192]).is_ok() {}
            }
        }
    }
}

/// The head and the body of one request.
fn read_request(stream: &mut Stream) -> Option<String> {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        text.push(byte[0].into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8(body).unwrap());
    Some(text)
}
