//! The function behind the Rust client. What it does is in the event: {"do": …}.
use futures_util::{stream, Stream, StreamExt};
use lambda_runtime::{run, run_concurrent, service_fn, BoxFuture, Error, LambdaEvent, Runtime, SnapStartResource, StreamResponse};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use serde_json::{json, Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static HOOKS: Mutex<Vec<&str>> = Mutex::new(Vec::new());

struct Hooks;

impl SnapStartResource for Hooks {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            HOOKS.lock().unwrap().push("before the snapshot");
            Ok(())
        })
    }

    fn after_restore(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            HOOKS.lock().unwrap().push("after the restore");
            Ok(())
        })
    }
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (wanted, context) = event.into_parts();
    let number = |name: &str| wanted[name].as_u64().unwrap_or_default();
    match wanted["do"].as_str().unwrap_or_default() {
        "throw" => Err(wanted["message"].as_str().unwrap_or_default().into()),
        "panic" => panic!("outside of every rule"),
        "exit" => std::process::exit(number("code") as i32),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            Ok(json!({ "instance": std::process::id() }))
        }
        "environment" => {
            let names = wanted["names"].as_array().cloned().unwrap_or_default();
            let names = names.iter().filter_map(Value::as_str);
            Ok(Value::Object(names.map(|name| (name.into(), json!(std::env::var(name).ok()))).collect::<Map<_, _>>()))
        }
        "context" => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
            Ok(json!({
                "requestId": context.request_id,
                "arn": context.invoked_function_arn,
                "remaining": context.deadline.saturating_sub(now),
                "trace": context.xray_trace_id,
                "custom": context.client_context.map(|client| client.custom),
            }))
        }
        "large" => Ok("x".repeat(number("bytes") as usize).into()),
        "print" => {
            for line in 0..number("lines") {
                println!("out {} {line}", number("n"));
                eprintln!("err {} {line}", number("n"));
            }
            Ok(wanted)
        }
        "log" => {
            println!("{}", json!({ "level": "INFO", "message": format!("log {}", number("n")), "requestId": context.request_id }));
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            Ok(json!({ "requestId": context.request_id, "n": number("n") }))
        }
        "hooks" => Ok(json!({ "hooks": *HOOKS.lock().unwrap() })),
        "instance" => Ok(json!({ "instance": std::process::id() })),
        _ => Ok(wanted),
    }
}

/// The same client in its other mode: {"parts": […], "fail"?: …}, which is a request's body at a Function URL.
async fn parts(event: LambdaEvent<Value>) -> Result<StreamResponse<impl Stream<Item = Result<String, Infallible>>>, Error> {
    let wanted = match event.payload["body"].as_str() {
        Some(body) => serde_json::from_str(body)?,
        None => event.payload,
    };
    if let Some(message) = wanted["fail"].as_str() {
        return Err(message.into());
    }
    let texts = match wanted["parts"].as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).map(String::from).collect(),
        None => vec![wanted.to_string()],
    };
    let stream = stream::iter(texts).then(|text| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(text)
    });
    Ok(StreamResponse::from(Box::pin(stream)))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    if std::env::var("STREAM").is_ok() {
        return run(service_fn(parts)).await;
    }
    if std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").is_ok() {
        return run_concurrent(service_fn(handle)).await;
    }
    Runtime::new(service_fn(handle)).register_snapstart_resource(Arc::new(Hooks)).run().await
}
