//! Bearer tokens: where they are read, and when they expire.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;

/// Reads a token. A trailing newline, which most ways to write such a file leave, is not part of it.
pub(crate) fn read(file: &Path) -> io::Result<SecretString> {
    let text = fs::read_to_string(file)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is empty"));
    }
    Ok(token.into())
}

/// How much of its life a token has left; only a JWT that ends says so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It expired this long ago.
    Over(Duration),
    /// It is in the last fifth of its life: whoever renews it (kubelet does at four fifths) is late.
    Ending(Duration),
}

/// What there is to say about a token's life, if anything.
pub(crate) fn life(token: &str, now: SystemTime) -> Option<Life> {
    let claims = claims(token)?;
    let now = now.duration_since(UNIX_EPOCH).ok()?;
    let expiry = Duration::from_secs(claims.exp?);
    let Some(left) = expiry.checked_sub(now) else {
        return Some(Life::Over(now.saturating_sub(expiry)));
    };
    let whole = expiry.checked_sub(Duration::from_secs(claims.iat?))?;
    (left < whole / 5).then_some(Life::Ending(left))
}

#[derive(Deserialize)]
struct Claims {
    iat: Option<u64>,
    exp: Option<u64>,
}

/// The second of the three parts of a JWT. Whether it is genuine is the server's business.
fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_head, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Over(ago) => write!(f, "expired {} ago", rounded(*ago)),
            Self::Ending(left) => write!(f, "expires in {}", rounded(*left)),
        }
    }
}

/// A duration in the unit that fits it.
fn rounded(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("head.{}.signature", URL_SAFE_NO_PAD.encode(claims))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn the_last_fifth_is_worth_a_word() {
        let hour = jwt("{\"iat\": 10000, \"exp\": 13600, \"sub\": \"x\"}");
        assert_eq!(life(&hour, at(10_000)), None);
        assert_eq!(life(&hour, at(12_880)), None);
        let ending = life(&hour, at(12_881)).unwrap();
        assert_eq!(ending, Life::Ending(Duration::from_secs(719)));
        assert_eq!(ending.to_string(), "expires in 11 min");
        assert_eq!(life(&hour, at(13_660)).unwrap().to_string(), "expired 60 s ago");
        assert_eq!(life(&hour, at(13_600 + 86_400)).unwrap().to_string(), "expired 24 h ago");
    }

    #[test]
    fn tokens_that_say_nothing_about_their_end_are_left_alone() {
        let forever = jwt("{\"iat\": 1}");
        let odd = jwt("{\"iat\": 20, \"exp\": 10}");
        let no_start = jwt("{\"exp\": 4600}");
        for token in ["", "opaque", "a.b", "a.%.c", "a.b.c", &forever, &odd, &no_start] {
            assert_eq!(life(token, at(5)), None, "{token}");
        }
    }
}
