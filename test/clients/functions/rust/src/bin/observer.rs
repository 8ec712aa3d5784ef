//! An external extension on AWS's Rust crate that has telemetry delivered, or logs where OBSERVE is `logs`: says on
//! stdout what the crate makes of each record, as JSON. The crate refuses a whole delivery for a record that it does not know.
use lambda_extension::{
    service_fn, Error, Extension, LambdaLog, LambdaLogRecord, LambdaTelemetry, LogBuffering, SharedService,
};
use serde_json::{json, Value};

fn say(record: Value) {
    println!("observed {record}");
}

async fn telemetry(records: Vec<LambdaTelemetry<Value>>) -> Result<(), Error> {
    for LambdaTelemetry { record, .. } in records {
        say(serde_json::to_value(record)?);
    }
    Ok(())
}

async fn logs(records: Vec<LambdaLog>) -> Result<(), Error> {
    for LambdaLog { record, .. } in records {
        let (kind, record) = match record {
            LambdaLogRecord::Function(line) => ("function", json!(line)),
            LambdaLogRecord::PlatformStart { request_id } => ("platform.start", json!({ "requestId": request_id })),
            LambdaLogRecord::PlatformEnd { request_id } => ("platform.end", json!({ "requestId": request_id })),
            LambdaLogRecord::PlatformReport { request_id, metrics } => (
                "platform.report",
                json!({ "requestId": request_id, "metrics": { "durationMs": metrics.duration_ms } }),
            ),
            LambdaLogRecord::PlatformRuntimeDone { request_id, status } => {
                ("platform.runtimeDone", json!({ "requestId": request_id, "status": status }))
            }
            LambdaLogRecord::PlatformFault(text) => ("platform.fault", json!(text)),
            other => ("other", json!(format!("{other:?}"))),
        };
        say(json!({ "type": kind, "record": record }));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("OBSERVER_PORT")?.parse()?;
    let types = &["platform", "function"];
    let buffering = LogBuffering { timeout_ms: 25, ..Default::default() };
    let told = service_fn(|_| async { Ok::<(), Error>(()) });
    if std::env::var("OBSERVE").is_ok_and(|what| what == "logs") {
        return Extension::new()
            .with_events_processor(told)
            .with_log_types(types)
            .with_log_buffering(buffering)
            .with_log_port_number(port)
            .with_logs_processor(SharedService::new(service_fn(logs)))
            .run()
            .await;
    }
    Extension::new()
        .with_events_processor(told)
        .with_telemetry_record_type::<Value>()
        .with_telemetry_types(types)
        .with_telemetry_buffering(buffering)
        .with_telemetry_port_number(port)
        .with_telemetry_processor(SharedService::new(service_fn(telemetry)))
        .run()
        .await
}
