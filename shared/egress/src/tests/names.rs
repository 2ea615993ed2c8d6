//! Names: checked, pinned, checked again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::server::{Server, Step, response};
use super::{LIMITS, config, either_error, lookup, post, stream};
use crate::resolver::{Lookup, ResolveError, Resolver};
use crate::{Client, EgressError, NotSent, Reach, Target};

async fn resolve(answers: &'static [&'static [&'static str]]) -> Result<Vec<IpAddr>, ResolveError> {
    Resolver::new(Reach::Public, lookup(answers)).addresses("provider.test").await
}

#[tokio::test]
async fn public_answers_are_returned_as_found() {
    let found = resolve(&[&["104.18.7.192", "2606:4700::6812:7c0"]]).await.unwrap();
    let expected: [IpAddr; 2] = ["104.18.7.192".parse().unwrap(), "2606:4700::6812:7c0".parse().unwrap()];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn one_address_that_is_not_public_refuses_the_name() {
    const REFUSED: [&[&[&str]]; 6] = [
        &[&["127.0.0.1"]],
        &[&["8.8.8.8", "10.0.0.1"]],
        &[&["10.0.0.1", "8.8.8.8"]],
        &[&["2606:4700::1", "::ffff:169.254.169.254"]],
        &[&["64:ff9b::a9fe:a9fe"]],
        &[&["fd00:ec2::254"]],
    ];
    for answers in REFUSED {
        assert_eq!(resolve(answers).await, Err(ResolveError::Refused), "{answers:?}");
    }
    assert_eq!(resolve(&[&[]]).await, Err(ResolveError::Failed), "a name without addresses");
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_every_question() {
    let resolver = Resolver::new(Reach::Public, lookup(&[&["8.8.8.8"], &["127.0.0.1"]]));
    assert!(resolver.addresses("rebind.test").await.is_ok());
    assert_eq!(resolver.addresses("rebind.test").await, Err(ResolveError::Refused));
}

#[tokio::test]
async fn localhost_is_never_asked_of_dns() {
    let unreachable: Lookup = Arc::new(|name| panic!("asked for {name}"));
    let local = Resolver::new(Reach::Loopback, Arc::clone(&unreachable));
    let public = Resolver::new(Reach::Public, unreachable);
    for name in ["localhost", "LOCALHOST", "a.localhost"] {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        assert_eq!(local.addresses(name).await.unwrap(), loopback);
        assert_eq!(public.addresses(name).await, Err(ResolveError::Refused));
    }
}

/// A listening server on loopback and a name that leads to it: no connection is made, on either stage.
#[tokio::test]
async fn a_name_that_leads_inside_gets_no_connection() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    for reach in [Reach::Public, Reach::Loopback] {
        let client = Client::with_lookup(&config(reach), lookup(&[&["127.0.0.1"]])).unwrap();
        let target = Target::parse(&format!("https://provider.test:{}/v1", server.port), reach).unwrap();
        assert_eq!(either_error(&client, &target).await, EgressError::NotSent(NotSent::Address));
    }
    assert_eq!(server.requests().len(), 0);
}

/// Check and use are one: the connection goes to what the resolver answered, asked once. (`a.localhost` is the one
/// name that may lead to this machine.)
#[tokio::test]
async fn a_connection_goes_to_the_checked_addresses() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let never: Lookup = Arc::new(|name| panic!("asked for {name}"));
    let client = Client::with_lookup(&config(Reach::Loopback), never).unwrap();
    let target = Target::parse(&format!("http://a.localhost:{}/v1", server.port), Reach::Loopback).unwrap();
    assert_eq!(post(&client, &target).await.unwrap().status, 200);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_not_sent() {
    let broken: Lookup = Arc::new(|_| async { Err(std::io::Error::other("no such name")) }.boxed());
    let client = Client::with_lookup(&config(Reach::Public), broken).unwrap();
    let target = Target::parse("https://provider.test/v1", Reach::Public).unwrap();
    assert_eq!(either_error(&client, &target).await, EgressError::NotSent(NotSent::Dns));
}

/// A target that was parsed for the local stage is refused by a public client, before anything is opened.
#[tokio::test]
async fn a_local_target_is_refused_elsewhere() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let client = Client::new(&config(Reach::Public)).unwrap();
    let error = either_error(&client, &super::local(server.port)).await;
    assert_eq!(error, EgressError::NotSent(NotSent::Address));
    assert_eq!(server.requests().len(), 0);
}

/// Every kind of inside address that a name may lead to, alone or beside a public one, for both ways to call.
#[tokio::test]
async fn no_kind_of_inside_address_is_reached_through_a_name() {
    const INSIDE: [&[&str]; 12] = [
        &["10.0.0.1"],
        &["172.16.0.1"],
        &["192.168.1.1"],
        &["127.0.0.1"],
        &["169.254.10.10"],
        &["169.254.169.254"],
        &["169.254.170.2"],
        &["fd00:ec2::254"],
        &["fe80::1"],
        &["::ffff:127.0.0.1"],
        &["::ffff:169.254.169.254"],
        &["8.8.8.8", "10.0.0.1"],
    ];
    for addresses in INSIDE {
        let answer: Lookup = Arc::new(move |_| {
            let found = addresses.iter().map(|text| text.parse().unwrap()).collect();
            async move { Ok(found) }.boxed()
        });
        let client = Client::with_lookup(&config(Reach::Public), answer).unwrap();
        let target = Target::parse("https://provider.test/v1", Reach::Public).unwrap();
        let error = either_error(&client, &target).await;
        assert_eq!(error, EgressError::NotSent(NotSent::Address), "{addresses:?}");
        assert!(!error.may_have_been_processed());
    }
}

/// The first answer is a public address where nobody is; the second, a moment later, is this machine. Neither call
/// is sent, and the second is refused for its address.
#[tokio::test]
async fn a_client_checks_a_changed_answer_again() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let url = format!("https://rebind.test:{}/v1", server.port);
    let target = Target::parse(&url, Reach::Public).unwrap();
    for streamed in [false, true] {
        let client =
            Client::with_lookup(&config(Reach::Public), lookup(&[&["2000::1"], &["127.0.0.1"]])).unwrap();
        let call = async || {
            let posted = post(&client, &target);
            if streamed { stream(&client, &target, LIMITS).await.map(drop) } else { posted.await.map(drop) }
        };
        let first = call().await.unwrap_err();
        assert!(matches!(first, EgressError::NotSent(NotSent::Connect | NotSent::TimedOut)), "{first:?}");
        assert_eq!(call().await, Err(EgressError::NotSent(NotSent::Address)));
    }
    assert_eq!(server.requests().len(), 0);
}
