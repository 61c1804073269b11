"""Launches a command and a task of a custom executor through pymesos, and kills a third: tasks.py EXECUTABLE."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from addict import Dict
from pymesos import MesosSchedulerDriver, Scheduler, decode_data, encode_data

PATIENCE = 120  # seconds for all of it, on a busy machine


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Mesos:
    """A master and an agent on free ports, ended with their executors at exit."""

    def __init__(self, executable, directory):
        self.master_port, self.agent_port = free_port(), free_port()
        common = ["--ip=127.0.0.1"]
        self.logs = [os.path.join(directory, name) for name in ("master.log", "agent.log")]
        self.processes = [
            self.start(executable, self.logs[0], "mesos-master", common + [
                "--port=%d" % self.master_port, "--hostname=localhost", "--work_dir=%s/master" % directory]),
            self.start(executable, self.logs[1], "mesos-agent", common + [
                "--master=127.0.0.1:%d" % self.master_port, "--port=%d" % self.agent_port, "--hostname=localhost",
                "--work_dir=%s/agent" % directory, "--resources=cpus:2;mem:512;disk:1024;ports:[31000-31010]",
                "--switch_user=false"]),
        ]

    @staticmethod
    def start(executable, log, server, flags):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MESOS_")}
        with open(log, "wb") as output:
            return subprocess.Popen([executable, "km", server] + flags, stdout=output, stderr=output, env=environment)

    def await_health(self):
        for port in (self.master_port, self.agent_port):
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    with urllib.request.urlopen("http://127.0.0.1:%d/health" % port, timeout=5):
                        break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)

    def end(self):
        # SIGUSR1 lets an agent end its executors first.
        for process, signal in zip(reversed(self.processes), (10, 15)):
            if process.poll() is None:
                process.send_signal(signal)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Recorder(Scheduler):
    """Launches the three tasks in the first offer and remembers what becomes of them."""

    def __init__(self):
        self.states, self.messages, self.launched = {}, [], False
        self.done, self.failure = threading.Event(), None

    def resourceOffers(self, driver, offers):
        for offer in offers:
            if self.launched:
                driver.declineOffer(offer.id)
                continue
            self.launched = True
            driver.launchTasks(offer.id, [self.task(offer, name) for name in ("command", "custom", "killed")])

    @staticmethod
    def task(offer, name):
        task = Dict()
        task.name = task.task_id.value = name
        task.agent_id.value = offer.agent_id.value
        task.resources = [dict(name="cpus", type="SCALAR", scalar={"value": 0.1}),
                          dict(name="mem", type="SCALAR", scalar={"value": 32})]
        if name == "command":
            task.command.value = "test -d \"$MESOS_SANDBOX\" && echo hello"
        elif name == "killed":
            task.command.value = "sleep 1000"
        else:
            here = os.path.dirname(os.path.abspath(__file__))
            task.executor.executor_id.value = "python"
            task.executor.name = "python"
            task.executor.type = "CUSTOM"
            task.executor.command.value = "exec %s %s" % (sys.executable, os.path.join(here, "executor.py"))
            task.executor.resources = [dict(name="cpus", type="SCALAR", scalar={"value": 0.1}),
                                       dict(name="mem", type="SCALAR", scalar={"value": 32})]
            task.data = encode_data(b"some data")
        return task

    def statusUpdate(self, driver, update):
        name, state = update.task_id.value, update.state
        self.states.setdefault(name, []).append(state)
        if name == "killed" and state == "TASK_RUNNING":
            driver.killTask(update.task_id)
        ended = {"command": "TASK_FINISHED", "custom": "TASK_FINISHED", "killed": "TASK_KILLED"}
        if state in ("TASK_FAILED", "TASK_LOST", "TASK_ERROR", "TASK_DROPPED"):
            self.fail("%s is %s: %s" % (name, state, update.message))
        if all(ended[name] in self.states.get(name, []) for name in ended):
            self.done.set()

    def frameworkMessage(self, driver, executor_id, agent_id, message):
        self.messages.append(decode_data(message))

    def error(self, driver, message):
        self.fail(message)

    def fail(self, why):
        self.failure = why
        self.done.set()


def main(executable):
    directory = tempfile.mkdtemp(prefix="pymesos-test-")
    mesos = Mesos(executable, directory)
    scheduler = Recorder()
    framework = Dict(user="root", name="pymesos", checkpoint=True, failover_timeout=60)
    passed = False
    try:
        mesos.await_health()
        driver = MesosSchedulerDriver(scheduler, framework, "127.0.0.1:%d" % mesos.master_port, use_addict=True)
        driver.start()
        try:
            assert scheduler.done.wait(PATIENCE), "not done after %d s: %s" % (PATIENCE, scheduler.states)
            assert scheduler.failure is None, scheduler.failure
            assert scheduler.messages == [b"some data"], scheduler.messages
        finally:
            driver.stop()
            driver.join()
        passed = True
        print("pymesos: %s" % ", ".join("%s %s" % (name, states[-1]) for name, states in sorted(scheduler.states.items())))
    finally:
        mesos.end()
        if not passed:
            for log in mesos.logs:
                with open(log) as lines:
                    sys.stderr.write("--- %s\n%s" % (os.path.basename(log), lines.read()))
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
