//! By whose labels pods are told apart: services, whose pods are spread, and namespaces, of which pods name others.

use k8s_openapi::api::core::v1::{Namespace, Service};

use super::Machine;
use crate::core::ServiceSelector;

impl Machine {
    /// A service was made or changed.
    pub fn service(&mut self, service: &Service) {
        let meta = &service.metadata;
        let key = (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
        match service.spec.as_ref().and_then(|spec| spec.selector.clone()).filter(|selector| !selector.is_empty()) {
            Some(selector) => {
                let selector = selector.into_iter().collect();
                self.services.insert(key.clone(), ServiceSelector { namespace: key.0, selector });
            }
            None => drop(self.services.remove(&key)),
        }
    }

    /// All services, after a (re)list.
    pub fn services_listed(&mut self, services: &[Service]) {
        self.services.clear();
        for service in services {
            self.service(service);
        }
    }

    /// A service is gone.
    pub fn service_deleted(&mut self, service: &Service) {
        let meta = &service.metadata;
        self.services.remove(&(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default()));
    }

    /// A namespace was made or changed.
    pub fn namespace(&mut self, namespace: &Namespace) {
        let meta = &namespace.metadata;
        self.namespaces.insert(meta.name.clone().unwrap_or_default(), meta.labels.clone().unwrap_or_default());
    }

    /// All namespaces, after a (re)list.
    pub fn namespaces_listed(&mut self, namespaces: &[Namespace]) {
        self.namespaces.clear();
        for namespace in namespaces {
            self.namespace(namespace);
        }
    }

    /// A namespace is gone.
    pub fn namespace_deleted(&mut self, namespace: &Namespace) {
        self.namespaces.remove(namespace.metadata.name.as_deref().unwrap_or_default());
    }
}
