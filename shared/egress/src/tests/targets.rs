//! What may be configured.

use crate::{Reach, Target, TargetError};

fn public(url: &str) -> Result<Target, TargetError> {
    Target::parse(url, Reach::Public)
}

#[test]
fn public_urls_are_accepted_in_one_spelling() {
    for (url, stored, host) in [
        ("https://api.openai.com/v1", "https://api.openai.com/v1", "api.openai.com"),
        ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com/v1/", "api.openai.com"),
        ("https://llm.example.org:8443", "https://llm.example.org:8443/", "llm.example.org:8443"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1", "8.8.8.8"),
        (
            "https://[2606:4700:0::6812:7c0]:444/",
            "https://[2606:4700::6812:7c0]:444/",
            "[2606:4700::6812:7c0]:444",
        ),
        ("https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example/v1", "xn--bcher-kva.example"),
        ("https://a.example/x/../y/%2e%2e/v1", "https://a.example/v1", "a.example"),
    ] {
        let target = public(url).unwrap();
        assert_eq!((target.as_str(), target.host().as_str()), (stored, host));
    }
}

#[test]
fn a_path_stays_below_its_base() {
    for (base, path, joined) in [
        ("https://a.example/v1", "chat/completions", "https://a.example/v1/chat/completions"),
        ("https://a.example/v1/", "chat/completions", "https://a.example/v1/chat/completions"),
        ("https://a.example", "models", "https://a.example/models"),
        ("https://a.example/v1", "../../x", "https://a.example/v1/x"),
        ("https://a.example/v1", "/x", "https://a.example/v1/x"),
        ("https://a.example/v1", "x?y#z", "https://a.example/v1/x%3Fy%23z"),
    ] {
        assert_eq!(public(base).unwrap().join(path).as_str(), joined);
    }
}

#[test]
fn what_may_not_be_configured_is_refused_with_its_reason() {
    for (url, error) in [
        ("", TargetError::Malformed),
        ("api.openai.com/v1", TargetError::Malformed),
        ("https://", TargetError::Malformed),
        ("https://[::1", TargetError::Malformed),
        ("https://a.example:99999/", TargetError::Malformed),
        ("http://api.openai.com/v1", TargetError::PlainHttp),
        ("http://8.8.8.8/v1", TargetError::PlainHttp),
        ("http://127.0.0.1/v1", TargetError::PlainHttp),
        ("ftp://a.example/", TargetError::Scheme),
        ("wss://a.example/", TargetError::Scheme),
        ("file:///etc/passwd", TargetError::Malformed),
        ("https://user@a.example/", TargetError::UserInfo),
        ("https://:secret@a.example/", TargetError::UserInfo),
        ("https://a.example/?key=1", TargetError::Query),
        ("https://a.example/#a", TargetError::Fragment),
        ("https://a.example:0/", TargetError::Port),
        ("https://a.example./", TargetError::FinalDot),
        ("https://localhost./", TargetError::FinalDot),
        ("https://a.example\\@b.example/", TargetError::Characters),
        ("https://a.exam\tple/", TargetError::Characters),
        ("https://a.example/\n", TargetError::Characters),
        (" https://a.example/", TargetError::Characters),
        ("https://b\u{fc}cher.example/", TargetError::Characters),
        ("https://\u{2460}27.0.0.1/", TargetError::Characters),
    ] {
        assert_eq!(public(url), Err(error), "{url}");
    }
    assert_eq!(public(&format!("https://a.example/{}", "x".repeat(2_048))), Err(TargetError::TooLong));
}

/// Every spelling of an address that is not public, as collected from SSRF write-ups.
#[test]
fn no_spelling_of_an_inside_address_gets_through() {
    const HOSTS: &str = "
        127.0.0.1 127.1 127.0.1 0 0.0.0.0 2130706433 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1
        0177.1 017700000001 127.0.0.1. %31%32%37.0.0.1 localhost LocalHost a.localhost 169.254.169.254
        2852039166 0xa9fea9fe 0251.0376.0251.0376 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 198.18.0.1
        224.0.0.1 240.0.0.1 255.255.255.255 [::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1]
        [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::FFFF:A9FE:A9FE] [::ffff:8.8.8.8]
        [64:ff9b::a9fe:a9fe] [2002:7f00:1::] [2001::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1]
        [ff02::1] [2001:db8::1]
    ";
    for host in HOSTS.split_whitespace() {
        let refused = public(&format!("https://{host}/v1"));
        assert!(matches!(refused, Err(TargetError::NotGlobal(_))), "{host}: {refused:?}");
    }
    assert_eq!(public("https://[fe80::1%25eth0]/"), Err(TargetError::Malformed), "zones");
}

#[test]
fn the_local_stage_adds_loopback_and_nothing_else() {
    let local = |url| Target::parse(url, Reach::Loopback);
    for url in [
        "http://127.0.0.1:8080/t/v1",
        "https://127.0.0.1:8443",
        "http://127.9.9.9/",
        "http://[::1]:80/",
        "http://localhost:8080/v1",
        "http://2130706433/",
        "https://api.openai.com/v1",
    ] {
        assert!(local(url).is_ok(), "{url}");
    }
    for url in ["http://api.openai.com/v1", "http://8.8.8.8/"] {
        assert_eq!(local(url), Err(TargetError::PlainHttp), "{url}");
    }
    for url in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "https://192.168.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://[::]/",
    ] {
        assert!(matches!(local(url), Err(TargetError::NotGlobal(_))), "{url}");
    }
}

#[test]
fn a_target_and_its_errors_do_not_print_the_url() {
    let target = public("https://a.example/secret-path").unwrap();
    assert_eq!(format!("{target:?}"), r#"Target("a.example")"#);
    let error = public("https://secret@a.example").unwrap_err();
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn an_api_version_is_one_plain_word() {
    let base = || public("https://a.example/openai/deployments/d").unwrap();
    let joined = base().with_api_version("2025-04-01-preview").unwrap().join("chat/completions");
    let path = "https://a.example/openai/deployments/d/chat/completions";
    assert_eq!(joined.as_str(), format!("{path}?api-version=2025-04-01-preview"));
    assert_eq!(base().join("chat/completions").as_str(), path);
    for version in ["", "a&b=c", "a#b", "a b", "\u{e4}", &"1".repeat(33)] {
        assert_eq!(base().with_api_version(version), Err(TargetError::ApiVersion), "{version}");
    }
}
