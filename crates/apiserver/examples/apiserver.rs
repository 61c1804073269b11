//! The API server by itself: `cargo run -p apiserver --example apiserver -- --etcd-servers=… --insecure-port=8888 --secure-port=0`.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    apiserver::run(std::env::args().skip(1).collect()).await
}
