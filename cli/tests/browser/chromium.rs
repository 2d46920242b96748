//! A browser that tests drive: Chromium without a window, spoken to in its DevTools protocol over a pair of pipes.
//!
//! Messages are JSON, each ended by a zero byte. Clicks and keys go the way of a person's, through the browser's input.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A browser with one page.
pub struct Browser {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    asked: u64,
    /// What the page threw, or the browser wrote on its console as an error.
    pub faults: Vec<String>,
    _profile: tempfile::TempDir,
}

/// The names that it goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

impl Browser {
    /// Starts one, where there is one.
    pub fn start() -> Option<Browser> {
        let is_there =
            |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
        let name = NAMES.into_iter().find(is_there)?;
        let profile = tempfile::tempdir().expect("a folder");
        // The shell hands its input and output on as the two pipes that the protocol has numbers for. Pages of the tests are
        // all that is opened, so that no sandbox is needed, which containers often refuse.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut process = Command::new("sh")
            .args(["-c", script, name, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--window-size=1300,900", "--force-color-profile=srgb", "--no-first-run"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (session, faults) = (String::new(), Vec::new());
        let mut browser = Browser { process, input, output, session, asked: 0, faults, _profile: profile };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.ask(domain, json!({}));
        }
        Some(browser)
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let answer = self.next();
            if answer["id"] == json!(self.asked) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The next message; faults are kept.
    fn next(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).expect("the browser answers");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        let is_fault = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => message["params"]["entry"]["level"] == "error",
            _ => false,
        };
        if is_fault {
            self.faults.push(message["params"].to_string());
        }
        message
    }

    /// Opens a file, and waits until all of it is there.
    pub fn open(&mut self, file: &Path) {
        let address = format!("file://{}", file.canonicalize().expect("a file").display());
        self.ask("Page.navigate", json!({ "url": address }));
        while self.value("document.readyState") != json!("complete") || self.value("location.href") != json!(address) {}
        self.settle();
    }

    /// What an expression of the page gives.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until what was done is drawn.
    pub fn settle(&mut self) {
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// Moves the pointer to the middle of what a selector finds, which is brought into view first.
    pub fn point(&mut self, selector: &str) -> [f64; 2] {
        let selector = json!(selector);
        let place = self.value(&format!(
            "(() => {{ const found = document.querySelector({selector}); if (!found) return null; \
             found.scrollIntoView({{ block: 'center', inline: 'center' }}); const at = found.getBoundingClientRect(); \
             return [at.left + at.width / 2, at.top + at.height / 2]; }})()"
        ));
        let at = |index: usize| place[index].as_f64().unwrap_or_else(|| panic!("nothing is {selector}"));
        let [x, y] = [at(0), at(1)];
        self.ask("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": x, "y": y }));
        self.settle();
        [x, y]
    }

    /// Clicks the middle of what a selector finds.
    pub fn click(&mut self, selector: &str) {
        let [x, y] = self.point(selector);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        }
        self.settle();
    }

    /// Presses a key: `Enter` with its code and what it writes.
    pub fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.ask("Input.dispatchKeyEvent", event);
        }
        self.settle();
    }

    /// Writes over what stands in a field.
    pub fn write(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.value(&format!("document.querySelector({}).select()", json!(selector)));
        self.ask("Input.insertText", json!({ "text": text }));
        self.settle();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
