"""A comparison on a Spark cluster: `parallax diff --list` cuts it into items, each task pipes its part of them through
`parallax diff --pipe`, and `parallax report merge` makes one report of the answers, byte for byte that of one process.

    python diff.py --master spark://HOST:PORT --out all.json tests archive.tar.gz -- --right revm

What stands behind `--` are options of `parallax diff`. Paths must name the same files on every worker.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile

from pyspark import SparkConf, SparkContext


def arguments():
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--out", required=True, metavar="FILE", help="where the report is written")
    parser.add_argument("--master", default="local[*]", help="the cluster")
    parser.add_argument("--parallax", default="parallax", metavar="PROGRAM", help="on every worker")
    parser.add_argument("--tasks", type=int, default=16, metavar="N", help="how many parts the items are cut into")
    told = parser.parse_args(words[:cut])
    told.options = words[cut + 1 :]
    return told


def main():
    told = arguments()
    paths = [os.path.abspath(path) for path in told.paths]
    listed = subprocess.run([told.parallax, "diff", *paths, "--list"], check=True, stdout=subprocess.PIPE, text=True)
    items = listed.stdout.splitlines()
    # A task has one core.
    pipe = shlex.join([told.parallax, "diff", "--pipe", "--jobs", "1", *told.options])
    configuration = SparkConf().setAppName("parallax diff").setMaster(told.master)
    configuration.setIfMissing("spark.executor.memory", "512m").setIfMissing("spark.ui.enabled", "false")
    configuration.setIfMissing("spark.ui.showConsoleProgress", "false")
    context = SparkContext(conf=configuration)
    context.setLogLevel("ERROR")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as answers:
        # Neighbours stay together: a task reads on in an archive where it stands.
        parts = context.parallelize(items, told.tasks)
        # A process that fails fails its task, which Spark runs again, elsewhere if need be. Where a driver cannot hold all answers:
        # saveAsTextFile, and `parallax report merge` takes the files.
        for answer in parts.pipe(pipe, env={"PATH": os.environ["PATH"]}, checkCode=True).collect():
            answers.write(answer + "\n")
        answers.flush()
        context.stop()
        merged = subprocess.run([told.parallax, "report", "merge", answers.name, "--out", told.out], check=False)
    sys.exit(merged.returncode)


if __name__ == "__main__":
    main()
