//! What of a kubeconfig is taken, and what is refused.

use std::error::Error as _;
use std::fs;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// A kubeconfig with these settings, all else in order.
fn write(dir: &TempDir, cluster: &str, user: &str) -> Access {
    let path = dir.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}, {{name: other, user: {{exec: {{command: no}}}}}}]\n"
    );
    fs::write(&path, text).unwrap();
    Access::Kubeconfig(path)
}

fn reason(access: &Access) -> String {
    let Err(error) = Endpoint::read(access) else { panic!("accepted") };
    assert!(error.to_string().ends_with("/kubeconfig cannot be used"), "{error}");
    error.source().unwrap().to_string()
}

const SERVER: &str = "server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true";

#[test]
fn executables_are_refused_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let witness = dir.path().join("ran");
    let witness = witness.display();
    let exec = format!("exec: {{apiVersion: v1, command: touch, args: ['{witness}']}}");
    assert!(reason(&write(&dir, SERVER, &exec)).contains("no executable"));
    let provider =
        format!("auth-provider: {{name: gcp, config: {{cmd-path: touch, cmd-args: '{witness}'}}}}");
    assert!(reason(&write(&dir, SERVER, &provider)).contains("auth-provider is not supported"));
    for user in [exec, provider] {
        assert_eq!(token_warning(&write(&dir, SERVER, &user)), None);
    }
    assert!(!dir.path().join("ran").exists());
}

#[test]
fn what_would_silently_not_be_done_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(reason(&write(&dir, SERVER, "as: somebody")).contains("user.as"));
    let proxy = format!("{SERVER}, proxy-url: 'http://10.0.0.1:3128'");
    assert!(reason(&write(&dir, &proxy, "token: t")).contains("proxy-url"));
    for server in ["server: '127.0.0.1:6443'", "server: 'ftp://a'", "server: '/a'"] {
        let text = reason(&write(&dir, server, "token: t"));
        assert!(text.contains("no https:// address"), "{text}");
    }
}

#[test]
fn mistakes_are_told_without_the_secrets_around_them() {
    let dir = tempfile::tempdir().unwrap();
    let access = write(&dir, SERVER, "token: s3cret, token: [s3cret]");
    let text = reason(&access);
    assert!(text.starts_with("no kubeconfig: see line 6") && !text.contains("s3cret"), "{text}");
    assert!(reason(&write(&dir, SERVER, "tokenFile: none")).contains("/none: No such file"));
    assert!(reason(&write(&dir, SERVER, "token: \"s3\\ncret\"")).contains("characters"));
    assert!(reason(&write(&dir, SERVER, "client-certificate: a")).contains("client-certificate"));
    let authority = "server: 'https://a', certificate-authority: kubeconfig";
    assert!(reason(&write(&dir, authority, "token: t")).contains("holds no certificate"));
    fs::remove_file(dir.path().join("kubeconfig")).unwrap();
    assert!(reason(&access).contains("No such file"));
}

#[test]
fn files_are_found_beside_the_kubeconfig() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    fs::write(dir.path().join("u.crt"), certificate.pem()).unwrap();
    fs::write(dir.path().join("u.key"), key.serialize_pem()).unwrap();
    fs::write(dir.path().join("token"), "from-file\n").unwrap();
    let cluster = "server: 'https://[10.96.0.1]:443', certificate-authority: u.crt";
    let user = "client-certificate: u.crt, client-key: u.key, tokenFile: token, token: inline";
    let endpoint = Endpoint::read(&write(&dir, cluster, user)).unwrap();
    assert_eq!(endpoint.credential.header().unwrap(), "Bearer from-file");
    assert!(endpoint.tls.client_auth_cert_resolver.has_certs());
}

#[test]
fn a_token_near_its_end_is_worth_a_warning() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let dir = tempfile::tempdir().unwrap();
    let token = |claims: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims));
    fs::write(dir.path().join("token"), token("{\"iat\": 1000, \"exp\": 4600}")).unwrap();
    let text = token_warning(&write(&dir, SERVER, "tokenFile: token")).unwrap();
    assert!(text.contains("/token expired") && text.contains("days ago"), "{text}");
    let endless = token("{\"iat\": 1000, \"exp\": 99999999999}");
    assert_eq!(token_warning(&write(&dir, SERVER, &format!("token: {endless}"))), None);
    assert_eq!(token_warning(&write(&dir, SERVER, "tokenFile: none")), None);
    assert_eq!(token_warning(&write(&dir, SERVER, "")), None);
}
