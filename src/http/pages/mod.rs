//! The few pages that a browser shows before the browser client does: what a link is, and
//! what to do with it. zh-CN first, English below, made for a phone 360 px wide.
//!
//! Refuses scripts, images, fonts and everything from elsewhere: one inline style whose hash
//! the policy names. Invariant: a page says the same for every id, so it tells nobody whether
//! a link is real, unless the link proves itself.

pub mod arrival;
pub mod invitation;
pub mod request;
pub mod share;

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");

/// The same words for people (HTML) and for terminals (plain text), zh-CN and English.
pub struct Page {
    title: &'static str,
    sections: Vec<Section>,
}

struct Section {
    lang: &'static str,
    heading: &'static str,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Command(String),
    Note(String),
}

impl Page {
    /// A page with this title, in both languages.
    pub fn new(title: &'static str) -> Self {
        Self { title, sections: Vec::new() }
    }

    /// Begins a language's half.
    #[must_use]
    pub fn section(mut self, lang: &'static str, heading: &'static str) -> Self {
        self.sections.push(Section { lang, heading, parts: Vec::new() });
        self
    }

    /// A paragraph.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.part(Part::Text(text.into()))
    }

    /// Something to type.
    #[must_use]
    pub fn command(self, command: impl Into<String>) -> Self {
        self.part(Part::Command(command.into()))
    }

    /// A remark in small print.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        self.part(Part::Note(note.into()))
    }

    fn part(mut self, part: Part) -> Self {
        if let Some(section) = self.sections.last_mut() {
            section.parts.push(part);
        }
        self
    }

    /// HTML for whoever prefers it, plain text for terminals.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        if prefers_html(headers) { self.html_response() } else { self.text_response() }
    }

    fn html_response(&self) -> Response {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy).expect("base64 is a header value");
        (
            [
                (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (CONTENT_SECURITY_POLICY, policy),
                (VARY, HeaderValue::from_static("Accept")),
            ],
            self.html(),
        )
            .into_response()
    }

    fn text_response(&self) -> Response {
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        ([(CONTENT_TYPE, kind), (VARY, HeaderValue::from_static("Accept"))], self.plain())
            .into_response()
    }

    fn html(&self) -> String {
        let mut out = format!(
            "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex, nofollow\"><title>{}</title>\
             <style>{STYLE}</style></head><body><main>",
            escape(self.title)
        );
        for Section { lang, heading, parts } in &self.sections {
            let _ = write!(out, "<section lang=\"{lang}\"><h1>{}</h1>", escape(heading));
            for part in parts {
                let _ = match part {
                    Part::Text(text) => write!(out, "<p>{}</p>", escape(text)),
                    Part::Command(text) => write!(out, "<pre><code>{}</code></pre>", escape(text)),
                    Part::Note(text) => write!(out, "<p class=\"note\">{}</p>", escape(text)),
                };
            }
            out.push_str("</section>");
        }
        out.push_str("</main></body></html>\n");
        out
    }

    fn plain(&self) -> String {
        let mut out = String::new();
        for Section { heading, parts, .. } in &self.sections {
            let _ = writeln!(out, "{heading}\n");
            for part in parts {
                let _ = match part {
                    Part::Text(text) | Part::Note(text) => writeln!(out, "{text}\n"),
                    Part::Command(text) => writeln!(out, "    {}\n", text.replace('\n', "\n    ")),
                };
            }
        }
        out
    }
}

/// Browsers name `text/html`; curl says `*/*`.
fn prefers_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(http::header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html") || value.contains("application/xhtml"))
}

/// HTML text and attribute values.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page::new("t").section("zh-CN", "标题").text("<script>").command("curl -T 'x'").note("&")
    }

    #[test]
    fn nothing_in_a_page_is_markup_by_accident() {
        let html = page().html();
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
        assert!(html.contains("curl -T &#39;x&#39;"));
        assert!(!html.contains("http://") && !html.contains("src="), "nothing from elsewhere");
    }

    #[test]
    fn terminals_get_text_and_browsers_html() {
        let mut headers = HeaderMap::new();
        assert_eq!(page().answer(&headers).headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
        let answer = page().answer(&headers);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    }
}
