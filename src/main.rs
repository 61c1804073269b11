//! One executable, three faces: `k8sm`, `km` and `kubecfg`.

fn main() {}
