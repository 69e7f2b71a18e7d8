mod common;
use common::*;
use std::time::Duration;
use wheatstone_testkit::publish::*;
use wheatstone_testkit::servers::MosquittoOptions;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zz() {
    let broker = MosquittoOptions{tls: true, websockets:true, ..Default::default()}.start().unwrap();
    let ca = broker.certs().unwrap().ca.to_str().unwrap().to_owned();
    for (url, len) in [(broker.url(), 4_999_999), (broker.tls_url().unwrap(), 10), (broker.tls_url().unwrap(), 4_999_999), (broker.websockets_url().unwrap(), 10), (broker.websockets_url().unwrap(), 4_999_999)] {
    let c = wheatstone_input_mqtt_consumer::MqttConsumerConfig { servers: vec![url.clone()], topics: vec!["sensors/#".into()], qos: 1, ..Default::default() };
    let mut consumer = start_with(c, Pipe::default(), &[("tls_ca", &ca)]);
    consumer.ready().await;
    let p = Publisher::new(broker.address()).messages(3).message(move |n| Message::new("sensors/x", format!("{n}{}", "x".repeat(len))));
    let r = tokio::task::spawn_blocking(move || p.run()).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("{url} {len} acked {} count {} errors {}", r.acknowledged.len(), consumer.pipe.count(), consumer.errors.get());
    }
    for l in broker.log().iter().rev().take(20).rev() { println!("{}", &l[..l.len().min(200)]); }
}
