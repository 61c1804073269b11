"""A custom executor on pymesos: sends a task's data back to the scheduler, and finishes it."""

import threading
import time

from addict import Dict
from pymesos import Executor, MesosExecutorDriver, decode_data, encode_data


class Echo(Executor):
    def launchTask(self, driver, task):
        threading.Thread(target=self.run, args=(driver, task)).start()

    def run(self, driver, task):
        for state in ("TASK_RUNNING", "TASK_FINISHED"):
            if state == "TASK_FINISHED":
                driver.sendFrameworkMessage(encode_data(decode_data(task.data)))
            update = Dict(state=state, timestamp=time.time())
            update.task_id.value = task.task_id.value
            driver.sendStatusUpdate(update)


if __name__ == "__main__":
    MesosExecutorDriver(Echo(), use_addict=True).run()
