//! Mail through SES (Amazon SES API v2, `SendEmail`).

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::ProvideErrorMetadata as _;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};

use crate::desk::Away;

#[derive(Debug, Clone)]
pub struct Mail {
    client: Client,
    from: String,
}

impl Mail {
    pub fn new(sdk: &aws::SdkConfig, from: String) -> Self {
        Self { client: Client::new(sdk), from }
    }

    /// Plain text to one address.
    ///
    /// # Errors
    /// Not taken by SES. The address is not logged.
    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Away> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().map_err(|_| Away);
        let message = Message::builder().subject(content(subject)?);
        let message = message.body(Body::builder().text(content(text)?).build()).build();
        let call = self.client.send_email().from_email_address(&self.from);
        let call = call.destination(Destination::builder().to_addresses(to).build());
        let call = call.content(EmailContent::builder().simple(message).build());
        Box::pin(call.send()).await.map(|_| ()).map_err(|error| {
            let code = error.code().unwrap_or("no_answer");
            tracing::error!(operation = "SendEmail", code, "ses.failed");
            Away
        })
    }
}
