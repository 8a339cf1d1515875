//! A browser as far as it is needed here: it keeps cookies, follows redirects and sends forms as they are, to whichever
//! storefront it is told.

use std::collections::BTreeMap;

use http::Method;
use service_kit::client::{Call, Reply, Upstream};

#[derive(Debug, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn get(&mut self, at: &Upstream, path: &str) -> String {
        self.follow(at, at.get(path)).await
    }

    /// Sends a form of a page, with what was typed over what was there.
    pub(crate) async fn send(
        &mut self,
        at: &Upstream,
        page: &str,
        action: &str,
        typed: &[(&str, &str)],
    ) -> String {
        let mut fields = form(page, action);
        fields.extend(
            typed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        let call = at
            .call(Method::POST, action)
            .header("content-type", "application/x-www-form-urlencoded")
            .raw(pairs.join("&"));
        self.follow(at, call).await
    }

    /// How many bytes a file has.
    pub(crate) async fn file(&mut self, at: &Upstream, path: &str) -> usize {
        let reply = self.once(at.get(path)).await;
        assert_eq!(reply.status.as_u16(), 200, "{path}");
        reply.body.len()
    }

    async fn follow(&mut self, at: &Upstream, call: Call) -> String {
        let mut reply = self.once(call).await;
        while reply.status.is_redirection() {
            let next = reply.headers["location"].to_str().unwrap().to_owned();
            reply = self.once(at.get(next)).await;
        }
        let html = String::from_utf8(reply.body.to_vec()).unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{html}");
        html
    }

    async fn once(&mut self, call: Call) -> Reply {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let reply = call.header("cookie", &cookies.join("; ")).send().await.unwrap();
        for line in reply.headers.get_all("set-cookie") {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }
}

/// Files that a page names.
pub(crate) fn files(page: &str) -> Vec<String> {
    page.split('"')
        .filter(|text| text.starts_with("/assets/") || text.starts_with("/pictures/"))
        .map(str::to_owned)
        .collect()
}

/// Names and values of the inputs of a form.
fn form(page: &str, action: &str) -> BTreeMap<String, String> {
    let from = page
        .find(&format!("action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form {action} in {page}"));
    let inside = page[from..].split("</form>").next().unwrap();
    let inputs = inside
        .split("<input")
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap());
    inputs
        .filter_map(|tag| {
            Some((
                attribute(tag, "name")?,
                attribute(tag, "value").unwrap_or_default(),
            ))
        })
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

fn escape(text: &str) -> String {
    let bytes = text.bytes();
    bytes
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
