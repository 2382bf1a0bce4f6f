"""Reads config.data and the job files of a node with Ganeti's own code, and checks the configuration as it does.

Arguments: config.data of Ganeti 3.0, the folder of the job queue. Prints a JSON object.
"""
import glob
import json
import sys

from ganeti import jqueue
from ganeti import serializer
from ganeti.config import ConfigWriter


def Job(path):
  with open(path) as handle:
    job = jqueue._QueuedJob.Restore(None, serializer.LoadJson(handle.read()), False, False)
  return [job.id, job.CalcStatus(), [op.input.Summary() for op in job.ops]]


config, queue = sys.argv[1:]
paths = glob.glob(queue + "/job-*") + glob.glob(queue + "/archive/*/job-*")
writer = ConfigWriter(cfg_file=config, offline=True, accept_foreign=True)
print(json.dumps({
  "jobs": sorted(Job(path) for path in paths),
  "faults": writer.VerifyConfig(),
  "instances": sorted(writer.GetInstanceNames(writer.GetInstanceList())),
}))
