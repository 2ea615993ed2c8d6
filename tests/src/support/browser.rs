//! As much of a browser as a sign-in needs: cookies, redirects one by one, and forms without scripts.

use std::collections::BTreeMap;

use super::http::{Answer, Request};

/// Longer chains are loops.
const STEPS: usize = 30;

/// One browser: its cookies by host and name. Every host is the loopback, where `Secure` cookies are taken too.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    cookies: BTreeMap<(String, String), Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    value: String,
    path: String,
}

/// Where a step led.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: String,
    pub answer: Answer,
}

impl Browser {
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an address; no redirect is followed.
    pub fn get(&mut self, url: &str) -> Page {
        self.send(url, Request::new("GET", url))
    }

    /// Sends a form; no redirect is followed.
    pub fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send(url, form_request(url, &fields))
    }

    /// A form as this browser would send it now, to be sent beside others. What it sets is not kept.
    pub fn form_request(&self, url: &str, fields: &[(String, String)]) -> Request {
        self.with_cookies(url, form_request(url, fields))
    }

    /// Opens `url` and does what its pages ask for as `user`, until a redirect leads to where `stop` begins: that address,
    /// which is not opened.
    pub fn sign_in(&mut self, url: &str, user: &str, stop: &str) -> String {
        let mut page = self.get(url);
        for _ in 0..STEPS {
            page = match page.location() {
                Some(next) if next.starts_with(stop) => return next,
                Some(next) => self.get(&next),
                None => self.submit(&page, &[("login", user)]),
            };
        }
        panic!("no way to {stop} within {STEPS} steps: {page:?}")
    }

    /// Sends a page's form: its own fields, and `filled` where it has such a field.
    pub fn submit(&mut self, page: &Page, filled: &[(&str, &str)]) -> Page {
        let form = page.form().unwrap_or_else(|| panic!("no form: {page:?}"));
        let fields: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| {
                let given = filled.iter().find(|(one, _)| one == name);
                (name.as_str(), given.map_or(value.as_str(), |(_, value)| value))
            })
            .collect();
        self.post(&form.action, &fields)
    }

    /// The value of a cookie, whatever path it is for.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|((_, one), _)| one == name).map(|(_, cookie)| cookie.value.as_str())
    }

    pub fn forget(&mut self, name: &str) {
        self.cookies.retain(|(_, one), _| one != name);
    }

    fn send(&mut self, url: &str, request: Request) -> Page {
        let answer = self.with_cookies(url, request).send();
        for set in &answer.set_cookies {
            self.take(&host(url), set);
        }
        Page { url: url.to_owned(), answer }
    }

    fn with_cookies(&self, url: &str, request: Request) -> Request {
        let (host, path) = (host(url), path(url));
        let fits = |cookie: &Cookie| path.starts_with(&cookie.path);
        let held = self.cookies.iter().filter(|((of, _), cookie)| *of == host && fits(cookie));
        let held: Vec<_> = held.map(|((_, name), cookie)| format!("{name}={}", cookie.value)).collect();
        if held.is_empty() { request } else { request.with("cookie", held.join("; ")) }
    }

    fn take(&mut self, host: &str, set: &str) {
        let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
        let (name, value) = pair.split_once('=').expect("a cookie has a name");
        let attribute = |wanted: &str| {
            let named = attributes.split(';').filter_map(|one| one.trim().split_once('='));
            named.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value).next()
        };
        let gone =
            attribute("max-age") == Some("0") || attribute("expires").is_some_and(|at| at.contains(" 1970 "));
        let key = (host.to_owned(), name.to_owned());
        if gone {
            self.cookies.remove(&key);
        } else {
            let path = attribute("path").unwrap_or("/").to_owned();
            self.cookies.insert(key, Cookie { value: value.to_owned(), path });
        }
    }
}

struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Page {
    /// Where a redirect leads, as a whole address.
    pub fn location(&self) -> Option<String> {
        let location = self.answer.header("location").filter(|_| (300..400).contains(&self.answer.status))?;
        Some(absolute(&self.url, location))
    }

    /// The fields of the form that is sent to a path.
    pub fn form_to(&self, path: &str) -> Option<Vec<(String, String)>> {
        let forms = self.answer.body.split("<form").skip(1).filter_map(|text| self.read(text));
        forms.into_iter().find(|form| form.action == absolute(&self.url, path)).map(|form| form.fields)
    }

    fn form(&self) -> Option<Form> {
        self.read(self.answer.body.split_once("<form")?.1)
    }

    /// A form from behind its `<form` on.
    fn read(&self, text: &str) -> Option<Form> {
        let (head, inside) = text.split("</form>").next()?.split_once('>')?;
        let inputs = inside.split("<input").skip(1).filter_map(|input| {
            let input = input.split('>').next()?;
            Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
        });
        Some(Form { action: absolute(&self.url, &attribute(head, "action")?), fields: inputs.collect() })
    }
}

fn form_request(url: &str, fields: &[(String, String)]) -> Request {
    let form: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    Request::new("POST", url)
        .with("content-type", "application/x-www-form-urlencoded")
        .with("origin", origin(url))
        .body(form.join("&"))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(|value| value.replace("&amp;", "&"))
}

fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn host(url: &str) -> String {
    let authority = url.split('/').nth(2).unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned()
}

fn path(url: &str) -> String {
    let path = url.get(origin(url).len()..).unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

fn absolute(from: &str, to: &str) -> String {
    match to {
        to if to.contains("://") => to.to_owned(),
        to if to.starts_with('/') => format!("{}{to}", origin(from)),
        to => panic!("no absolute path: {to}"),
    }
}

/// A value of a form or a query.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
