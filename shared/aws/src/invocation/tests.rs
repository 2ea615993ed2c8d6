use std::sync::Arc;

use lambda_runtime::Config;

use super::*;
use crate::batch::Failure;

fn context() -> Context {
    let mut context = Context::default();
    context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned();
    context.env_config = Arc::new(Config {
        function_name: "cs-prod-eu-gateway".to_owned(),
        version: "41".to_owned(),
        ..Config::default()
    });
    context
}

#[test]
fn a_line_is_figures_and_the_thread_from_request_to_action() {
    let came =
        Came::Answered { status: 200, action_id: Some("01980a5e-7c00-7000-8000-000000000001".to_owned()) };
    let told = line(&context(), Some(&came), 12.5, 1_795_430_530_120);
    let expected = r#"{"Function":"cs-prod-eu-gateway","Served":1.0,"Refused":0.0,"Failed":0.0,"AnswerMs":12.5,"_aws":{"Timestamp":1795430530120,"CloudWatchMetrics":[{"Namespace":"Countersign","Dimensions":[["Function"]],"Metrics":[{"Name":"Served","Unit":"Count"},{"Name":"Refused","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"AnswerMs","Unit":"Milliseconds"}]}]},"message":"invocation.told","level":"INFO","requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","version":"41","status":200,"action_id":"01980a5e-7c00-7000-8000-000000000001"}"#;
    assert_eq!(told.to_string(), expected);
}

#[test]
fn an_invocation_is_served_refused_or_failed() {
    let answered = |status| Some(Came::Answered { status, action_id: None });
    let cases = [
        (answered(200), [1.0, 0.0, 0.0]),
        (answered(303), [1.0, 0.0, 0.0]),
        (answered(400), [0.0, 1.0, 0.0]),
        (answered(429), [0.0, 1.0, 0.0]),
        (answered(499), [0.0, 1.0, 0.0]),
        (answered(500), [0.0, 0.0, 1.0]),
        (answered(503), [0.0, 0.0, 1.0]),
        (Some(Came::Taken { failed: 0 }), [1.0, 0.0, 0.0]),
        (Some(Came::Taken { failed: 2 }), [0.0, 0.0, 1.0]),
        (Some(Came::Done), [1.0, 0.0, 0.0]),
        (None, [0.0, 0.0, 1.0]),
    ];
    for (came, expected) in cases {
        let told = line(&context(), came.as_ref(), 1.0, 0);
        let figures = ["Served", "Refused", "Failed"].map(|name| told[name].as_f64().unwrap());
        assert_eq!(figures, expected, "{came:?}");
    }
}

#[test]
fn what_came_is_read_from_the_answer_itself() {
    let mut prelude = MetadataPrelude::default();
    assert_eq!(Came::of_prelude(&prelude), Came::Answered { status: 200, action_id: None });
    prelude.headers.insert(ACTION, "a1".parse().unwrap());
    let answer = StreamResponse { metadata_prelude: prelude, stream: () };
    assert_eq!(Came::of_stream(&answer), Came::Answered { status: 200, action_id: Some("a1".to_owned()) });
    let failures = vec![Failure { item_identifier: "m1".to_owned() }];
    assert_eq!(Came::of_batch(&BatchResponse { batch_item_failures: failures }), Came::Taken { failed: 1 });
}

#[test]
fn time_is_left_until_the_deadline() {
    let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
    let mut context = context();
    context.deadline = 10_000;
    assert_eq!(time_left(&context, at(8_500)), Duration::from_millis(1_500));
    assert_eq!(time_left(&context, at(11_000)), Duration::ZERO);
    context.deadline = u64::MAX;
    assert_eq!(time_left(&context, at(0)), Duration::ZERO, "a deadline that is no time");
}

#[tokio::test]
async fn an_error_is_handed_on() {
    let event = LambdaEvent::new((), context());
    let failed = told(event, |(): &()| Came::Done, async |_| Err("code".into())).await;
    assert_eq!(failed.unwrap_err().to_string(), "code");
}
