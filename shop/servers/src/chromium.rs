//! Chromium without a screen, driven over a pipe by the protocol of its developer tools.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Process, Result, folder, program};

/// How long an answer of the browser, or something on a page, may take.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(30);

/// Whether pages run their scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// As most browsers do.
    On,
    /// As some customers have it.
    Off,
}

/// A browser with nothing in it.
#[derive(Debug)]
pub struct Chromium {
    to: ChildStdin,
    from: Receiver<Value>,
    next: u64,
    errors: Vec<String>,
    _process: Process,
    _folder: tempfile::TempDir,
}

/// One page of it.
#[derive(Debug)]
pub struct Page {
    browser: Chromium,
    session: String,
}

impl Chromium {
    /// Starts one.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = program("chromium", "chromium")? else {
            return Ok(None);
        };
        let folder = folder()?;
        // It reads its orders from descriptor 3 and answers on 4; a shell puts our pipes there.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#])
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
            ])
            .args(["--remote-debugging-pipe", "--force-prefers-reduced-motion"])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| format!("chromium: {cause}"))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let process = Process(child);
        Ok(Some(Self {
            to: to.ok_or("chromium has no pipe")?,
            from: listen(from.ok_or("chromium has no pipe")?),
            next: 0,
            errors: Vec::new(),
            _process: process,
            _folder: folder,
        }))
    }

    /// An empty page.
    pub fn page(mut self, scripts: Scripts) -> Result<Page> {
        let target = self.ask(None, "Target.createTarget", &json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.ask(None, "Target.attachToTarget", &attach)?;
        let session = session["sessionId"].as_str().ok_or("no session")?.to_owned();
        let mut page = Page {
            browser: self,
            session,
        };
        page.ask("Page.enable", &json!({}))?;
        page.ask("Runtime.enable", &json!({}))?;
        page.ask("Log.enable", &json!({}))?;
        if scripts == Scripts::Off {
            page.ask("Emulation.setScriptExecutionDisabled", &json!({"value": true}))?;
        }
        Ok(page)
    }

    fn ask(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Result<Value> {
        self.next += 1;
        let id = self.next;
        let mut order = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            order["sessionId"] = session.into();
        }
        let mut bytes = order.to_string().into_bytes();
        bytes.push(0);
        let sent = self.to.write_all(&bytes).and_then(|()| self.to.flush());
        sent.map_err(|cause| format!("chromium has gone: {cause}"))?;
        let ends = Instant::now() + PATIENCE;
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            let said = match self.from.recv_timeout(left) {
                Ok(said) => said,
                Err(RecvTimeoutError::Timeout) => return Err(format!("{method}: no answer")),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("{method}: chromium has gone")),
            };
            self.errors.extend(error(&said));
            if said["id"] == id {
                return match said.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(said["result"].clone()),
                };
            }
        }
    }
}

/// What the browser's console shows in red: what a script threw or logged, a file that is not there, a broken policy.
fn error(said: &Value) -> Option<String> {
    let about = &said["params"];
    match said["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(about["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" => {
            let bad = matches!(about["type"].as_str(), Some("error" | "assert"));
            bad.then(|| about["args"].to_string())
        }
        "Log.entryAdded" => {
            let entry = &about["entry"];
            (entry["level"] == "error").then(|| format!("{} {}", entry["text"], entry["url"]))
        }
        _ => None,
    }
}

/// Everything that the browser says, read beside.
fn listen(from: ChildStdout) -> Receiver<Value> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while from.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            let said = serde_json::from_slice(bytes.strip_suffix(b"\0").unwrap_or(&bytes));
            bytes.clear();
            if let Ok(said) = said
                && give.send(said).is_err()
            {
                return;
            }
        }
    });
    take
}

impl Page {
    /// Goes to an address, and waits until all of it is there.
    pub fn open(&mut self, url: &str) -> Result<()> {
        let went = self.ask("Page.navigate", &json!({"url": url}))?;
        if let Some(error) = went["errorText"].as_str() {
            return Err(format!("{url}: {error}"));
        }
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")
    }

    /// The value of an expression on the page. It works without scripts too, because it is the developer tools' own.
    pub fn tell(&mut self, expression: &str) -> Result<Value> {
        let evaluate = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let said = self.ask("Runtime.evaluate", &evaluate)?;
        match said.get("exceptionDetails") {
            Some(error) => Err(format!("{expression}: {}", error["exception"]["description"])),
            None => Ok(said["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true. A page that is just being replaced is no answer.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = self.tell(expression);
            if said.as_ref().is_ok_and(|value| *value == true) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let text = self.tell("location.href + '\\n' + document.body?.innerText");
                return Err(format!("never true: {expression} ({said:?}) at {text:?}"));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Types into a field, as its label names it by its name.
    pub fn fill(&mut self, name: &str, text: &str) -> Result<()> {
        let (name, text) = (json!(name), json!(text));
        let set = format!(
            "(() => {{ const field = document.querySelector(`main [name=${{JSON.stringify({name})}}]`) ?? document.querySelector(`[name=${{JSON.stringify({name})}}]`); \
             field.focus(); field.value = {text}; field.dispatchEvent(new Event('input', {{bubbles: true}})); \
             field.dispatchEvent(new Event('change', {{bubbles: true}})); return true; }})()"
        );
        self.until(&set)
    }

    /// Presses what a selector names, once it is there.
    pub fn press(&mut self, selector: &str) -> Result<()> {
        let selector = json!(selector);
        self.until(&format!("document.querySelector({selector}) != null"))?;
        self.tell(&format!("document.querySelector({selector}).click()"))
            .map(drop)
    }

    /// Waits until a text is on the page.
    pub fn shows(&mut self, text: &str) -> Result<()> {
        let text = json!(text);
        self.until(&format!(
            "document.readyState == 'complete' && document.body.innerText.includes({text})"
        ))
    }

    /// The size of the window, and whether customers like it dark.
    pub fn look(&mut self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", &size)?;
        let liked = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", &liked).map(drop)
    }

    /// What the console showed as errors since the last time.
    pub fn errors(&mut self) -> Result<Vec<String>> {
        // Events come before the answer to a later question.
        self.tell("1")?;
        Ok(std::mem::take(&mut self.browser.errors))
    }

    /// What can be used on the page but has no name that a screen reader could say.
    pub fn nameless(&mut self) -> Result<Vec<String>> {
        const ROLES: [&str; 10] = [
            "button",
            "checkbox",
            "combobox",
            "heading",
            "link",
            "radio",
            "searchbox",
            "spinbutton",
            "textbox",
            "image",
        ];
        let tree = self.ask("Accessibility.getFullAXTree", &json!({}))?;
        let nodes = tree["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let silent = nodes.iter().filter(|node| {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            node["ignored"] != true
                && ROLES.contains(&role)
                && node["name"]["value"]
                    .as_str()
                    .is_none_or(|name| name.trim().is_empty())
        });
        let silent: Vec<String> = silent.map(Value::to_string).collect();
        let named = nodes.len() - silent.len();
        if named < 5 {
            return Err(format!("only {named} things are on the page"));
        }
        Ok(silent)
    }

    /// A picture of the whole page, for people; as PNG in base64.
    pub fn picture(&mut self) -> Result<String> {
        let said = self.ask(
            "Page.captureScreenshot",
            &json!({"format": "png", "captureBeyondViewport": true}),
        )?;
        said["data"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| "no picture".to_owned())
    }

    /// A picture into a file, where `PICTURES` names a folder.
    pub fn keep_picture(&mut self, name: &str) -> Result<()> {
        let Some(folder) = std::env::var_os("PICTURES") else {
            return Ok(());
        };
        let file = Path::new(&folder).join(format!("{name}.png.base64"));
        let picture = self.picture()?;
        std::fs::write(&file, picture).map_err(|cause| format!("{}: {cause}", file.display()))
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        let session = self.session.clone();
        self.browser.ask(Some(&session), method, parameters)
    }
}
