//! The running stack that the tests drive, as `tests/local/stack.py` describes it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

/// A stack's description and where it lies.
#[derive(Debug)]
pub struct Stack {
    described: Value,
    home: PathBuf,
}

/// The stack that `CS_TEST_STACK` names. Without it nothing is skipped: a suite that did not run did not pass.
pub fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "the one variable of the test suites")]
        let file = std::env::var("CS_TEST_STACK").expect("no stack to test (CS_TEST_STACK): run make test");
        let text = std::fs::read_to_string(&file).expect("the stack is gone: run make test");
        let described = serde_json::from_str(&text).expect("stack.json is JSON");
        let home = Path::new(&file).parent().expect("stack.json lies in a directory").to_owned();
        Stack { described, home }
    })
}

impl Stack {
    /// A text of the description by its JSON pointer, such as `/tables/gates`.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("stack.json: {pointer} is no text"))
    }

    pub fn at(&self, pointer: &str) -> &Value {
        self.described.pointer(pointer).unwrap_or_else(|| panic!("stack.json has no {pointer}"))
    }

    /// The stack's own directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A file that the build left below `target/`.
    pub fn built(&self, below: &str) -> PathBuf {
        self.home.ancestors().nth(2).expect("a stack lies in target/stack/NAME").join(below)
    }

    pub fn dlp(&self, path: &str) -> String {
        format!("{}{path}", self.text("/dlp_url"))
    }

    pub fn gateway(&self, path: &str) -> String {
        format!("{}{path}", self.text("/gateway_url"))
    }
}

/// A file of `tests/support/`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("support").join(name)
}

/// `bytes` random bytes in hexadecimal: names that no other test and no other run has.
pub fn unique<const BYTES: usize>() -> String {
    let mut random = [0_u8; BYTES];
    getrandom::getrandom(&mut random).expect("the operating system has random bytes");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
