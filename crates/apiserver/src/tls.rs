//! TLS as the kubeconfig wants it: whom to trust, and our certificate.
//!
//! kube could build it. But the same functions of kube run the credential plugins of a kubeconfig:
//! what this program must never do it had better not contain, and it is a quarter smaller without.

use std::fs;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::config::AuthInfo;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;

use cni::chain;

/// Everything TLS needs, or what is wrong with it.
pub(crate) fn client_config(config: &Config) -> Result<ClientConfig, String> {
    let builder = trusting(config)?;
    match identity(&config.auth_info)? {
        None => Ok(builder.with_no_client_auth()),
        Some((certificates, key)) => builder
            .with_client_auth_cert(certificates, key)
            .map_err(|error| format!("client-certificate and client-key: {error}")),
    }
}

/// Trusts the certificate authority that is named; without one those of the system, which cost tens
/// of milliseconds to read; or anybody.
fn trusting(config: &Config) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| chain(&error))?;
    if config.accept_invalid_certs {
        let anybody = Arc::new(Anybody(provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(anybody));
    }
    let Some(authorities) = &config.root_cert else {
        return builder
            .with_platform_verifier()
            .map_err(|error| format!("no certificate-authority, and of the system: {error}"));
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.as_slice().into())
            .map_err(|error| format!("certificate-authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("certificate-authority holds no certificate".to_owned());
    }
    Ok(builder.with_root_certificates(roots))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(auth: &AuthInfo) -> Result<Option<Identity>, String> {
    let certificate = bytes(
        "client-certificate",
        auth.client_certificate_data.as_deref(),
        auth.client_certificate.as_deref(),
    )?;
    let key = bytes(
        "client-key",
        auth.client_key_data.as_ref().map(ExposeSecret::expose_secret),
        auth.client_key.as_deref(),
    )?;
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err("client-certificate and client-key need each other".to_owned()),
    };
    let certificates = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("client-certificate: {error}"))?;
    let key =
        PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("client-key: {error}"))?;
    Ok(Some((certificates, key)))
}

/// What stands in the kubeconfig itself comes before a file.
fn bytes(what: &str, data: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (data, file) {
        (Some(data), _) => STANDARD.decode(data).map(Some).map_err(|e| format!("{what}-data: {e}")),
        (None, Some(file)) => fs::read(file).map(Some).map_err(|e| format!("{what} {file}: {e}")),
        (None, None) => Ok(None),
    }
}

/// `insecure-skip-tls-verify`: any certificate will do, if only its key signs the handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
