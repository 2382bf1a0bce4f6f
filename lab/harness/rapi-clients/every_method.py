"""Calls every method of the real Ganeti's remote API client once or more, in an order in which each has something to
do, and prints one line of JSON for each call: method, what came back, and how the jobs ended.

Arguments: address, user, password, domain of the nodes and instances. Files and instances: node1 to node3, inst1...
"""
import inspect
import json
import sys
import time

from ganeti.rapi import client as rapi

host, user, password, domain = sys.argv[1:5]


def full(name):
    return "%s.%s" % (name, domain)


c = rapi.GanetiRapiClient(host, username=user, password=password, curl_config_fn=rapi.GenericCurlConfig(verify_hostname=False))
called = set()


def end_of(job):
    previous = None
    while True:
        change = c.WaitForJobChange(job, ["status"], previous, None)
        if change is not None:
            previous = change["job_info"]
            if previous[0] in ("success", "error", "canceled"):
                return previous[0]


def call(method, *args, **kwargs):
    called.add(method)
    line = {"method": method}
    began = time.time()
    try:
        result = getattr(c, method)(*args, **kwargs)
        line["result"] = result
        if isinstance(result, int) and not isinstance(result, bool) and method not in ("GetVersion",):
            line["status"] = end_of(result)
            if line["status"] != "success":
                line["opresult"] = c.GetJobStatus(result)["opresult"]
        elif isinstance(result, list) and method in ("MigrateNode", "EvacuateNode"):
            line["status"] = [end_of(job) for job in result]
        return result
    except rapi.GanetiApiError as err:
        line["error"] = [type(err).__name__, err.code, str(err)]
    finally:
        line["seconds"] = round(time.time() - began, 1)
        print(json.dumps(line))


i1, i2, i3, i4 = full("inst1"), full("inst2"), full("inst3"), full("inst4")
n1, n2, n3 = full("node1"), full("node2"), full("node3")
plain = dict(os="noop", ip_check=False, name_check=False)

call("GetVersion")
call("GetFeatures")
call("GetOperatingSystems")
call("GetInfo")
call("RedistributeConfig")
call("ModifyCluster", candidate_pool_size=10)
for kind, what in (("Cluster", []), ("Node", [n2]), ("Group", ["default"])):
    call("Add%sTags" % kind, *(what + [["one", "two"]]))
    call("Get%sTags" % kind, *what)
    call("Delete%sTags" % kind, *(what + [["one"]]))

call("CreateNetwork", "net1", "10.95.0.0/24", gateway="10.95.0.1", tags="t")
call("GetNetworks")
call("GetNetworks", bulk=True)
call("GetNetwork", "net1")
call("ConnectNetwork", "net1", "default", "routed", "100")
call("AddNetworkTags", "net1", ["one", "two"])
call("GetNetworkTags", "net1")
call("DeleteNetworkTags", "net1", ["one"])
call("ModifyNetwork", "net1", gateway="10.95.0.2")
net = "net1"
if hasattr(c, "RenameNetwork"):  # since 3.1
    net = "net2"
    call("RenameNetwork", "net1", net)
call("DisconnectNetwork", net, "default")
call("DeleteNetwork", net)

call("CreateGroup", "group1", alloc_policy="preferred")
call("GetGroups")
call("GetGroups", bulk=True)
call("ModifyGroup", "group1", alloc_policy="last_resort")
call("RenameGroup", "group1", "group2")
call("AssignGroupNodes", "group2", [n3], force=True)
call("GetGroup", "group2")
call("AssignGroupNodes", "default", [n3], force=True)
call("DeleteGroup", "group2")

call("CreateInstance", "create", i1, "diskless", [], [], pnode=n1, dry_run=True, **plain)
call("CreateInstance", "create", i1, "diskless", [], [], pnode=n1, **plain)
call("CreateInstance", "create", i2, "sharedfile", [{"size": 16}], [], pnode=n2, beparams={"maxmem": 128}, **plain)
many = [c.InstanceAllocation("create", name, "diskless", [], [], **plain) for name in (i3,)]
called.add("InstanceAllocation")
call("InstancesMultiAlloc", many, iallocator="hail")
call("GetInstances")
call("GetInstances", bulk=True)
call("GetInstance", i1)
call("GetInstanceInfo", i1, static=True)
call("AddInstanceTags", i1, ["one", "two"])
call("GetInstanceTags", i1)
call("DeleteInstanceTags", i1, ["one"])
call("ModifyInstance", i1, beparams={"auto_balance": False})
call("GetInstanceConsole", i1)
call("RebootInstance", i1, reboot_type="hard")
call("ShutdownInstance", i1)
call("StartupInstance", i1)
call("ReinstallInstance", i2, os="noop")
call("ShutdownInstance", i1)
call("RenameInstance", i1, i4, ip_check=False, name_check=False)
call("FailoverInstance", i2, target_node=n3, ignore_consistency=True)
call("MigrateInstance", i2, mode="live", target_node=n2)
call("GrowInstanceDisk", i2, 0, 16)
call("ShutdownInstance", i2)
call("ActivateInstanceDisks", i2, ignore_size=True)
call("DeactivateInstanceDisks", i2)
call("RecreateInstanceDisks", i2, disks=[0])
call("ReplaceInstanceDisks", i2, mode="replace_auto", iallocator="hail")
call("StartupInstance", i2)
call("PrepareExport", i2, "local")
call("ExportInstance", i2, "local", n1, shutdown=True)

call("GetNodes")
call("GetNodes", bulk=True)
call("GetNode", n2)
call("GetNodeRole", n2)
call("SetNodeRole", n3, "regular", force=True)
call("SetNodeRole", n3, "master-candidate", force=True, auto_promote=False)
call("ModifyNode", n2, ndparams={"spindle_count": 2})
call("MigrateNode", n2, mode="live")
call("EvacuateNode", n2, iallocator="hail", mode="secondary-only")
call("GetNodeStorageUnits", n1, "file", "name,size")
call("ModifyNodeStorageUnits", n1, "lvm-pv", "/dev/none", allocatable=True)
call("RepairNodeStorageUnits", n1, "lvm-vg", "none")
# Of the master and without force: it must refuse.
call("PowercycleNode", n1)

call("Query", "node", ["name", "role"], ["=", "name", n2])
call("QueryFields", "instance", ["name", "status"])
uuid = call("AddFilter", 50, [["jobid", ["=", "id", 1]]], "ACCEPT", [])
call("GetFilters")
call("GetFilters", bulk=True)
call("GetFilter", uuid)
call("ReplaceFilter", uuid, 60, [["jobid", ["=", "id", 1]]], "CONTINUE", [])
call("DeleteFilter", uuid)
call("GetJobs")
call("GetJobs", bulk=True)
call("GetJobStatus", 1)
call("WaitForJobCompletion", 1)
call("WaitForJobChange", 1, ["status"], None, None)
call("CancelJob", 1)
for name in (i4, i2, i3):
    call("DeleteInstance", name)

missing = [name for name, _ in inspect.getmembers(c, inspect.ismethod) if name[0].isupper() and name not in called]
print(json.dumps({"missing": missing}))
