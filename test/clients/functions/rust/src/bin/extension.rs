//! An external extension on AWS's Rust crate: says on stdout what it is told.
use lambda_extension::{service_fn, Error, LambdaEvent, NextEvent};

async fn told(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(invoke) => println!("extension: INVOKE {}", invoke.request_id),
        NextEvent::Shutdown(shutdown) => println!("extension: SHUTDOWN {}", shutdown.shutdown_reason),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_extension::run(service_fn(told)).await
}
