//! Makes the calls that come as lines of JSON, and says in a line of JSON what its user gets to see.
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_lambda::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::operation::invoke_with_response_stream::InvokeWithResponseStreamOutput;
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent as Event;
use aws_sdk_lambda::Client;
use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::{json, Value};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Instant;

/// The SDK keeps the number of its attempts to itself.
#[derive(Debug, Clone, Default)]
struct Attempts(Arc<AtomicU32>);

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn log(encoded: Option<&str>) -> Option<String> {
    encoded.map(|log| text(&BASE64_STANDARD.decode(log).expect("a log in base64")))
}

fn answer(output: InvokeOutput) -> Value {
    let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
    json!({
        "status": output.status_code(),
        "functionError": output.function_error(),
        "executedVersion": output.executed_version(),
        "log": log(output.log_result()),
        "payload": (payload.len() < 65_536).then(|| text(payload)),
        "bytes": payload.len(),
        "requestId": output.request_id(),
    })
}

async fn stream(mut output: InvokeWithResponseStreamOutput) -> Value {
    let (mut pieces, mut complete, mut first) = (vec![], Value::Null, None);
    while let Some(event) = output.event_stream.recv().await.expect("an event") {
        let begun = *first.get_or_insert_with(Instant::now);
        match event {
            Event::PayloadChunk(update) => pieces.push(text(update.payload().map(Blob::as_ref).unwrap_or_default())),
            Event::InvokeComplete(end) => {
                complete = json!({ "spread": begun.elapsed().as_secs_f64() * 1000.0, "fields": {} });
                for (name, value) in [
                    ("ErrorCode", end.error_code()),
                    ("ErrorDetails", end.error_details()),
                    ("LogResult", end.log_result()),
                ] {
                    if let Some(value) = value {
                        complete["fields"][name] = value.into();
                    }
                }
            }
            other => panic!("an event that is not known: {other:?}"),
        }
    }
    json!({
        "status": output.status_code(),
        "executedVersion": output.executed_version(),
        "contentType": output.response_stream_content_type(),
        "pieces": pieces,
        "complete": complete["fields"],
        "spread": complete["spread"],
        "requestId": output.request_id(),
    })
}

/// The class of an exception is the variant of the operation's error.
fn failure<E: Debug + ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> Value {
    let SdkError::ServiceError(failed) = &error else { panic!("no answer of the service: {error:?}") };
    let (error, raw) = (failed.err(), failed.raw());
    let class = format!("{error:?}");
    json!({
        "exception": class.split('(').next(),
        "code": error.code(),
        "message": error.message(),
        "status": raw.status().as_u16(),
        "requestId": raw.headers().get("x-amzn-requestid"),
    })
}

fn refusal(error: SdkError<InvokeError, HttpResponse>) -> Value {
    let throttled = match error.as_service_error() {
        Some(InvokeError::TooManyRequestsException(throttled)) => Some(throttled.clone()),
        _ => None,
    };
    let mut seen = failure(error);
    if let Some(throttled) = throttled {
        seen["reason"] = throttled.reason().map(|reason| reason.as_str()).into();
        seen["retryAfter"] = throttled.retry_after_seconds().into();
    }
    seen
}

async fn make(client: &Client, operation: &str, input: &Value) -> Value {
    let member = |name: &str| input[name].as_str().map(String::from);
    let payload = member("Payload").map(|payload| Blob::new(payload.into_bytes()));
    match operation {
        "ListFunctions" => client.list_functions().send().await.map_or_else(failure, |_| json!({})),
        "InvokeWithResponseStream" => {
            let call = client
                .invoke_with_response_stream()
                .set_function_name(member("FunctionName"))
                .set_qualifier(member("Qualifier"))
                .set_log_type(member("LogType").map(|kind| kind.as_str().into()))
                .set_payload(payload);
            match call.send().await {
                Ok(output) => stream(output).await,
                Err(error) => failure(error),
            }
        }
        _ => {
            let call = client
                .invoke()
                .set_function_name(member("FunctionName"))
                .set_qualifier(member("Qualifier"))
                .set_log_type(member("LogType").map(|kind| kind.as_str().into()))
                .set_invocation_type(member("InvocationType").map(|kind| kind.as_str().into()))
                .set_client_context(member("ClientContext"))
                .set_tenant_id(member("TenantId"))
                .set_payload(payload);
            call.send().await.map_or_else(refusal, answer)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for line in std::io::stdin().lines() {
        let call: Value = serde_json::from_str(&line.expect("a line")).expect("a call");
        let attempts = Attempts::default();
        let config = aws_sdk_lambda::Config::builder()
            .endpoint_url(call["url"].as_str().expect("a URL"))
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "static"))
            .retry_config(RetryConfig::standard().with_max_attempts(call["attempts"].as_u64().unwrap_or(1) as u32))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .interceptor(attempts.clone())
            .build();
        let operation = call["operation"].as_str().unwrap_or_default();
        let mut seen = make(&Client::from_conf(config), operation, &call["input"]).await;
        seen["attempts"] = attempts.0.load(Ordering::Relaxed).into();
        println!("{seen}");
    }
}
