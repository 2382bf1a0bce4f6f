"""The life of an instance through codefritzel's ganeti-rapi-client-python. Arguments: address, user, password, name, node."""
import json
import sys

import urllib3
from client import GanetiRapiClient
from client.models.instance import BackendParams, NewInstance

urllib3.disable_warnings()
address, user, password, name, node = sys.argv[1:6]
c = GanetiRapiClient(address + ":5080", user, password, ssl_verify=False)
instances, jobs = c.instance_service, c.job_service
steps = []


def wait(job):
    found = jobs.wait_for_job(job, 60, 0.1)
    steps.append(found.status)
    assert found.status == "success", found


wait(instances.create_instance(NewInstance(
    name=name, disk_template="sharedfile", disks=[{"size": 16}], nics=[], os="noop", pnode=node,
    beparams=BackendParams(vcpus=1, memory=128))))
assert name in instances.get_instance_names()
assert instances.get_instance(name).status == "running"
wait(instances.get_instance_info(name, static=True))
wait(instances.restart_instance(name))
wait(instances.stop_instance(name))
assert instances.get_instance(name).status == "ADMIN_down"
wait(instances.start_instance(name))
wait(instances.modify_instance(name, beparams={"maxmem": 256}))
assert instances.get_instance(name).beparams.maxmem == 256
wait(instances.grow_instance_disk(name, 0, 16))
assert c.node_service.get_node(node).name == node
assert node in c.node_service.get_node_names()
assert jobs.get_job_info(1).status == "success"
jobs.cancel_job(1)
wait(instances.delete_instance(name))
assert name not in instances.get_instance_names()
print(json.dumps(steps))
