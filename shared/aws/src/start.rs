//! Start-up: tracing and the SDK's configuration.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// The process cannot start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("tracing could not be set up")]
    Tracing,
}

/// Where credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// A Lambda function's role, which the platform puts into the environment. Skipping the default chain saves
    /// the look-ups that would only fail.
    Function,
    /// A person's: the SDK's default chain.
    Person,
}

/// JSON lines on standard output, INFO and above. Never lower: below INFO the runtime and the SDK write payloads.
///
/// # Errors
/// Tracing was set up before.
pub fn init_tracing() -> Result<(), StartError> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // The runtime's own span, which holds the platform's id of the request and nothing of what is in it.
        .with_current_span(true)
        .with_span_list(false)
        .with_max_level(LevelFilter::INFO)
        .without_time()
        .try_init()
        .map_err(|_| StartError::Tracing)
}

/// For clients whose answers are read whole within an attempt: its time limit ends what stalls, long before the SDK's own
/// watch over every body would (20 s).
pub(crate) fn unwatched() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::disabled()
}

/// The SDK's configuration: ring under TLS (no CPU-jitter entropy at first use), three attempts, and a time limit per
/// operation below the 10 s that a function keeps for settling and recording.
pub async fn sdk_config(credentials: Credentials) -> SdkConfig {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let limits = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(9))
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(limits)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    match credentials {
        Credentials::Function => {
            loader.credentials_provider(EnvironmentVariableCredentialsProvider::new()).load().await
        }
        Credentials::Person => loader.load().await,
    }
}
