"""A standalone Spark cluster on this machine: one master and N workers of one core each, each a process, until standard input ends.

Prints the master's address, then a line for each worker: its process, which leads a session of its own.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import pyspark

HOST = "127.0.0.1"


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def end(session):
    """Ends every process of a session, by its id."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            # Behind the name, which may hold anything: state, parent, group, session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, IndexError):
            pass


def main():
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    home = pathlib.Path(pyspark.__file__).parent
    port = free_port()
    address = f"spark://{HOST}:{port}"
    sessions = []
    with tempfile.TemporaryDirectory(prefix="parallax-spark-") as folder:
        environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": HOST, "SPARK_LOCAL_DIRS": folder}
        environment |= {"SPARK_WORKER_DIR": folder, "SPARK_DAEMON_MEMORY": "256m"}

        def start(name, *words):
            command = [str(home / "bin/spark-class"), f"org.apache.spark.deploy.{name}", "--host", HOST, *words]
            with open(pathlib.Path(folder) / "log", "ab") as log:
                process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            sessions.append(process.pid)
            return process

        try:
            start("master.Master", "--port", str(port), "--webui-port", "0")
            print(address, flush=True)
            for _ in range(workers):
                worker = start("worker.Worker", "--cores", "1", "--memory", "1g", "--webui-port", "0", address)
                print(worker.pid, flush=True)
            sys.stdin.read()
        finally:
            for session in sessions:
                end(session)


if __name__ == "__main__":
    main()
