//! Names of Kubernetes objects (multi-net-spec 3.3). What passes here is safe in a file name.

/// A namespace, in messages.
pub(crate) const NAMESPACE: &str = "a namespace: at most 63 lower case letters, digits and '-', starting and ending with a letter or digit";

/// A name in the comma form, in messages.
pub(crate) const LABEL: &str = "the name of a network: at most 253 lower case letters, digits and '-', starting and ending with a letter or digit";

/// A name in the JSON form, in messages.
pub(crate) const SUBDOMAIN: &str = "the name of a Kubernetes object: at most 253 lower case letters, digits, '-' and '.', each part between dots starting and ending with a letter or digit";

/// A device id, in messages.
pub(crate) const DEVICE_ID: &str = "the id of a device: at most 253 letters, digits, '_', '.', ':' and '-', starting with a letter or digit";

/// An extended resource, in messages.
pub(crate) const RESOURCE: &str =
    "an extended resource, domain/name: letters, digits, '_', '.' and '-', at most one '/'";

const LONGEST: usize = 253;

/// Whether `text` can name a namespace.
pub(crate) fn is_namespace(text: &str) -> bool {
    text.len() <= 63 && is_label(text)
}

/// Whether `text` is a DNS-1123 label. The specification only recommends at most 63 characters, so
/// what Kubernetes accepts as a name counts.
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= LONGEST
        && !text.is_empty()
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether `text` is a DNS-1123 subdomain: labels separated by dots.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= LONGEST && text.split('.').all(is_label)
}

/// Whether `text` can be the id of a device.
pub(crate) fn is_device_id(text: &str) -> bool {
    text.len() <= LONGEST && is_word(text, "_.:-")
}

/// Whether `text` can name an extended resource. The domain is optional: a definition without it
/// matches no device, which is for the program to say.
pub(crate) fn is_resource(text: &str) -> bool {
    text.len() <= LONGEST
        && text.split('/').count() <= 2
        && text.split('/').all(|part| is_word(part, "_.-"))
}

fn is_word(text: &str, also: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}
