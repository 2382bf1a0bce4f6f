<?php
// The client class of sipgate's ganeti-control-center. Arguments: its file, address, user, password, name, node.
error_reporting(E_ALL & ~E_DEPRECATED);
[, $file, $address, $user, $password, $name, $node] = $argv;
require $file;

// Its constructor is spelled as PHP 7 and before had it.
class Client extends ganetiClient {
  function __construct($config) { $this->ganetiClient($config); }
}

$c = new Client(["name" => "lab", "host" => $address, "user" => $user, "password" => $password]);
$steps = [];

function check($what, $holds) {
  if (!$holds) { fwrite(STDERR, "$what\n"); exit(1); }
}

function end_of($job) {
  global $c, $steps;
  check("a job: " . json_encode($job), is_int($job));
  do {
    usleep(50000);
    $found = $c->getJob($job);
  } while (!in_array($found["status"], ["success", "error", "canceled"]));
  check(json_encode($found), $found["status"] == "success");
  $steps[] = $found["status"];
}

check("info", $c->getClusterInfo()["name"] != "");
check("nodes", count($c->getNodes()) == 3 && $c->getNodes(true)[0]["name"] != "");
check("groups", $c->getGroups(true)[0]["name"] == "default");
end_of($c->createInstance(["__version__" => 1, "mode" => "create", "instance_name" => $name, "disk_template" => "sharedfile",
  "disks" => [["size" => 16]], "nics" => [], "os_type" => "noop", "pnode" => $node, "ip_check" => false, "name_check" => false]));
check("bulk", count($c->getInstances(true)) == 1 && count($c->getInstances()) == 1);
check("instance", $c->getInstance($name)["status"] == "running");
check("console", $c->getInstanceConsole($name)["instance"] == $name);
end_of($c->shutdownInstance($name));
end_of($c->startInstance($name));
end_of($c->addTag($name, "owner:lab"));
check("tag", $c->getInstance($name)["tags"] == ["owner:lab"]);
end_of($c->growDisk($name, 0, 16));
end_of($c->migrateInstance($name));
end_of($c->failoverInstance($name));
end_of($c->setInstanceParameters($name, ["maxmem" => 256]));
check("jobs", count($c->getJobs(true)) > 5);
echo json_encode($steps), "\n";
