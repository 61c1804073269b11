"""What programs do with the Python client: create, list, watch, patch and delete, typed and dynamic."""

import os
import threading
import unittest

from kubernetes import client, dynamic, watch
from kubernetes.client.exceptions import ApiException

NAMESPACE = "flows"


def api_client():
    configuration = client.Configuration(host=os.environ["API"])
    configuration.api_key["authorization"] = "Bearer " + os.environ["TOKEN"]
    return client.ApiClient(configuration)


class Flows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.core = client.CoreV1Api(api_client())
        cls.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
        # A cluster's controllers make this account; pods act as it.
        account = client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="default"))
        try:
            cls.core.create_namespaced_service_account(NAMESPACE, account)
        except ApiException as error:
            assert error.reason == "Conflict", error

    def make(self, name, labels=None, **data):
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)
        return self.core.create_namespaced_config_map(NAMESPACE, body)

    def test_an_object_s_life(self):
        made = self.make("life", k="v")
        self.assertTrue(made.metadata.uid and made.metadata.creation_timestamp)
        read = self.core.read_namespaced_config_map("life", NAMESPACE)
        self.assertEqual(read.data, {"k": "v"})
        read.data["k"] = "w"
        replaced = self.core.replace_namespaced_config_map("life", NAMESPACE, read)
        self.assertNotEqual(replaced.metadata.resource_version, made.metadata.resource_version)
        with self.assertRaises(ApiException) as stale:
            self.core.replace_namespaced_config_map("life", NAMESPACE, made)
        self.assertEqual(stale.exception.status, 409)
        self.core.delete_namespaced_config_map("life", NAMESPACE)
        with self.assertRaises(ApiException) as gone:
            self.core.read_namespaced_config_map("life", NAMESPACE)
        self.assertEqual((gone.exception.status, gone.exception.reason), (404, "Not Found"))

    def test_patches_of_every_type(self):
        self.make("patched", k="v")
        core = self.core
        merged = core.patch_namespaced_config_map("patched", NAMESPACE, {"data": {"m": "1"}},
                                                  _content_type="application/merge-patch+json")
        self.assertEqual(merged.data, {"k": "v", "m": "1"})
        strategic = core.patch_namespaced_config_map("patched", NAMESPACE, {"data": {"m": None}},
                                                     _content_type="application/strategic-merge-patch+json")
        self.assertEqual(strategic.data, {"k": "v"})
        operations = [{"op": "replace", "path": "/data/k", "value": "j"}]
        json = core.patch_namespaced_config_map("patched", NAMESPACE, operations,
                                                _content_type="application/json-patch+json")
        self.assertEqual(json.data, {"k": "j"})

    def test_lists_in_parts_and_by_selector(self):
        for number in range(5):
            self.make(f"listed-{number}", {"listed": "yes", "even": str(number % 2 == 0).lower()})
        names, token = [], None
        while True:
            part = self.core.list_namespaced_config_map(NAMESPACE, label_selector="listed=yes", limit=2, _continue=token)
            names += [item.metadata.name for item in part.items]
            token = part.metadata._continue
            if not token:
                break
        self.assertEqual(names, [f"listed-{number}" for number in range(5)])
        even = self.core.list_namespaced_config_map(NAMESPACE, label_selector="listed,even in (true)")
        self.assertEqual(len(even.items), 3)
        one = self.core.list_config_map_for_all_namespaces(field_selector="metadata.name=listed-1")
        self.assertEqual([item.metadata.name for item in one.items], ["listed-1"])
        self.core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="listed")
        self.assertEqual(self.core.list_namespaced_config_map(NAMESPACE, label_selector="listed").items, [])

    def test_a_watch_tells_what_happens(self):
        version = self.core.list_namespaced_config_map(NAMESPACE).metadata.resource_version

        def act():
            self.make("watched", {"watched": "yes"})
            self.core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"k": "v"}})
            self.core.delete_namespaced_config_map("watched", NAMESPACE)

        acting = threading.Thread(target=act)
        acting.start()
        told, watching = [], watch.Watch()
        events = watching.stream(self.core.list_namespaced_config_map, NAMESPACE, label_selector="watched",
                                 resource_version=version, timeout_seconds=60)
        for event in events:
            told.append((event["type"], event["object"].metadata.name))
            if event["type"] == "DELETED":
                watching.stop()
        acting.join()
        self.assertEqual(told, [("ADDED", "watched"), ("MODIFIED", "watched"), ("DELETED", "watched")])

    def test_pods_are_typed_and_checked(self):
        container = client.V1Container(name="c", image="nginx", resources=client.V1ResourceRequirements(limits={"cpu": "1"}))
        pod = client.V1Pod(metadata=client.V1ObjectMeta(generate_name="typed-"), spec=client.V1PodSpec(containers=[container]))
        made = self.core.create_namespaced_pod(NAMESPACE, pod)
        self.assertEqual((made.status.phase, made.spec.restart_policy), ("Pending", "Always"))
        pod.spec.containers[0].name = "Not A Name"
        with self.assertRaises(ApiException) as bad:
            self.core.create_namespaced_pod(NAMESPACE, pod)
        self.assertEqual(bad.exception.status, 422)
        self.assertIn("spec.containers[0].name", bad.exception.body)

    def test_the_dynamic_client(self):
        found = dynamic.DynamicClient(api_client())
        services = found.resources.get(api_version="v1", kind="Service")
        manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dynamic"},
                    "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}}
        made = services.create(body=manifest, namespace=NAMESPACE)
        self.assertTrue(made.spec.clusterIP)
        changed = services.patch(name="dynamic", namespace=NAMESPACE, body={"metadata": {"labels": {"a": "b"}}},
                                 content_type="application/merge-patch+json")
        self.assertEqual(changed.metadata.labels.to_dict(), {"a": "b"})
        self.assertIn("dynamic", [item.metadata.name for item in services.get(namespace=NAMESPACE).items])
        services.delete(name="dynamic", namespace=NAMESPACE)
        leases = found.resources.get(api_version="coordination.k8s.io/v1", kind="Lease")
        self.assertEqual(leases.get(namespace=NAMESPACE).items, [])

    def test_versions_and_rights(self):
        self.assertEqual(client.VersionApi(api_client()).get_code().major, "1")
        groups = [group.name for group in client.ApisApi(api_client()).get_api_versions().groups]
        self.assertIn("rbac.authorization.k8s.io", groups)
        review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="delete", resource="pods")))
        answer = client.AuthorizationV1Api(api_client()).create_self_subject_access_review(review)
        self.assertTrue(answer.status.allowed)


if __name__ == "__main__":
    unittest.main()
