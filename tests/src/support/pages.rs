//! Pages in a real Chromium, as people use them: steps of `tests/local/browser/drive.mjs`, each answered before the next.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

/// A browser of this test's own. It ends with this value.
#[derive(Debug)]
pub struct Pages {
    child: Child,
    /// Its end is the browser's.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[derive(Debug, Deserialize)]
struct Installed {
    program: PathBuf,
    script: PathBuf,
    chromium: PathBuf,
    out: PathBuf,
}

impl Pages {
    /// Opens one; addresses without a host are below `base_url`. `None`, said aloud, where Node or Chromium is missing.
    pub fn open(base_url: &str) -> Option<Self> {
        let Some(installed) = installed() else {
            let _ = writeln!(std::io::stderr(), "SKIPPED: pages need node, npm and Chromium");
            return None;
        };
        let mut child = Command::new(&installed.program)
            .arg(&installed.script)
            .arg("--lines")
            .env("CHROMIUM", &installed.chromium)
            .env("CS_BROWSER_OUT", &installed.out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut pages = Self { child, input, output };
        // The bound only ends a step that would wait for ever.
        pages.send(&json!({"base_url": base_url, "timeout_ms": 60_000}));
        Some(pages)
    }

    /// Does a step that must hold, and returns what came of it.
    pub fn does(&mut self, step: &Value) -> Value {
        let answer = self.tries(step);
        assert!(answer["ok"] == true, "{step}: {answer}");
        answer
    }

    /// Does a step, whether or not it holds (`ok`).
    pub fn tries(&mut self, step: &Value) -> Value {
        self.send(step);
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the browser answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {step}: it says why above"))
    }

    fn send(&mut self, line: &Value) {
        writeln!(self.input.as_mut().expect("it is open"), "{line}").expect("the browser reads");
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Installed once a process; processes take turns.
fn installed() -> Option<&'static Installed> {
    static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();
    let found = INSTALLED.get_or_init(|| {
        let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("local/browser.py");
        let done = Command::new("python3").arg(install).arg("--install").stderr(Stdio::inherit()).output();
        let done = done.expect("python3 is on the PATH");
        assert!(done.status.success(), "the browser cannot be installed");
        serde_json::from_slice(&done.stdout).expect("browser.py prints JSON")
    });
    found.as_ref()
}
