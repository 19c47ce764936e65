//! Lists, which the server gives in pages.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{ApiServer, Error, Inquiry, Question};

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    resource_version: String,
    /// Where the next page begins; none or empty on the last.
    #[serde(rename = "continue")]
    next: Option<String>,
}

impl ApiServer {
    /// Asks for a list, page by page, and gives each object of it to `each`. Returns the version from which a
    /// watch goes on behind it. `path` has a query with a `limit`, and `question` is what is asked of it.
    ///
    /// # Errors
    /// No answer, what a refusal means, or that an answer is no such list. `each` may have had objects before.
    pub fn list<T: DeserializeOwned>(
        &self,
        inquiry: &Inquiry,
        path: &str,
        question: impl Fn(String) -> Question,
        mut each: impl FnMut(T),
    ) -> Result<String, Error> {
        let mut of_page = path.to_owned();
        loop {
            let answer = self.ask(inquiry, &question(of_page))?;
            let page: Page<T> = serde_json::from_slice(&answer.body)
                .map_err(|error| self.failed(inquiry, &format!("it is no list: {error}")))?;
            page.items.unwrap_or_default().into_iter().for_each(&mut each);
            let Some(next) = page.metadata.next.filter(|next| !next.is_empty()) else {
                return Ok(page.metadata.resource_version);
            };
            if !is_token(&next) {
                let reason = format!("the server's token {next:?} is of no known kind");
                return Err(self.failed(inquiry, &reason));
            }
            of_page = format!("{path}&continue={next}");
        }
    }
}

/// Whether it is as a server's own tokens are: base64 for URLs, or a number. Nothing in it needs to be escaped
/// in a query.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=.~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_would_change_the_question_is_none() {
        for token in ["1&watch=true", "a b", "x\r\nHost: y", "a#b", "é"] {
            assert!(!is_token(token), "{token}");
        }
        assert!(is_token("eyJ2Ij-_="));
    }
}
