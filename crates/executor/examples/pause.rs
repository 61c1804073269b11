//! A sandbox's process alone: the one file of the image that tests start sandboxes from.

fn main() -> anyhow::Result<()> {
    // the image's entrypoint is this program, its command `pause …`, as in the image of the whole executable
    sandbox::pause::run(std::env::args().skip(2).collect())
}
