//! Databases on other hosts: `tcp:` and `ssl:`.
//!
//! As with all programs of Open vSwitch, a server by TLS has to have a certificate of the authority that
//! was named, and so do we; which host it was made for does not matter (ovs-vsctl(8), `--ca-cert`).

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, StreamOwned,
};

use crate::address::Endpoint;
use crate::stream::left;

/// Who we are to a server that is reached by TLS, and whom we believe; nobody, if not loaded.
#[derive(Debug, Clone, Default)]
pub struct Identity(Option<Arc<ClientConfig>>);

/// A file of PEM that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("use {} for TLS: {text}", file.display())]
pub struct IdentityError {
    file: PathBuf,
    text: String,
}

/// A server is to be reached by TLS, and nobody said who we are.
#[derive(Debug, thiserror::Error)]
#[error("private key, certificate and authority are missing")]
struct NoIdentity;

/// Whether it was TLS that failed: without an identity, or because one side does not believe the other.
pub(crate) fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>() || inner.is::<NoIdentity>())
}

impl Identity {
    /// Reads our private key and certificate, and the certificates of the authorities that we believe,
    /// all PEM.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn load(key: &Path, certificate: &Path, authority: &Path) -> Result<Self, IdentityError> {
        let mut roots = RootCertStore::empty();
        for trusted in certificates(authority)? {
            roots.add(trusted).map_err(|e| unusable(authority, &e))?;
        }
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots);
        let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let chain = chain.build().map_err(|e| unusable(authority, &e))?;
        let own_key = PrivateKeyDer::from_pem_file(key).map_err(|e| unusable(key, &e))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| unusable(key, &e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyHost(chain)))
            .with_client_auth_cert(certificates(certificate)?, own_key)
            .map_err(|e| unusable(certificate, &e))?;
        Ok(Self(Some(Arc::new(config))))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let read = CertificateDer::pem_file_iter(file).map_err(|e| unusable(file, &e))?;
    read.collect::<Result<_, _>>().map_err(|e| unusable(file, &e))
}

fn unusable(file: &Path, error: &dyn std::error::Error) -> IdentityError {
    IdentityError { file: file.to_owned(), text: error.to_string() }
}

/// Believes a certificate of the authority, whatever host it names.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The name is the last thing that it looks at.
        let verified =
            self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// A connection to another host.
#[derive(Debug)]
pub(crate) enum Connection {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    pub(crate) fn plain(endpoint: &Endpoint, deadline: Instant) -> io::Result<Self> {
        connect(endpoint, deadline).map(Self::Plain)
    }

    pub(crate) fn encrypted(
        endpoint: &Endpoint,
        identity: &Identity,
        deadline: Instant,
    ) -> io::Result<Self> {
        let config = identity.0.clone().ok_or_else(|| io::Error::other(NoIdentity))?;
        let name = ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, connect(endpoint, deadline)?);
        // So that a certificate that is not believed fails here.
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self::Encrypted(Box::new(stream)))
    }

    /// The same, for a call that ends in time.
    pub(crate) fn within(&mut self, timeout: Duration) -> io::Result<&mut Self> {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Encrypted(stream) => &stream.sock,
        };
        limit(socket, timeout)?;
        Ok(self)
    }
}

fn limit(socket: &TcpStream, timeout: Duration) -> io::Result<()> {
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))
}

/// Tries the addresses of the host in turn.
fn connect(endpoint: &Endpoint, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (endpoint.host.as_str(), endpoint.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                limit(&socket, left(deadline)?)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Encrypted(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}
