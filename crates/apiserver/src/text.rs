//! Parts of error messages.

use http::Uri;

/// The server as messages name it: without the user and password an address may hold.
pub(crate) fn server(url: &Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    format!("{}://{host}{port}{path}", url.scheme_str().unwrap_or("https"))
}

/// Somebody else's text in a message: one line, not too long.
pub(crate) fn excerpt(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_named_without_credentials() {
        for (url, text) in [
            ("https://user:secret@10.0.0.1:6443", "https://10.0.0.1:6443"),
            ("https://[fd00::1]:6443/", "https://[fd00::1]:6443"),
            ("https://rancher/k8s/clusters/c-1?token=secret", "https://rancher/k8s/clusters/c-1"),
        ] {
            assert_eq!(server(&url.parse().unwrap()), text);
        }
    }
}
