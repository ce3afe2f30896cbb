"""Plays a story with a real fanfare, and asks a real Prometheus what the dashboard would show of it.

usage: story.py FANFARE ANSWERS

A store posts events; a queue is deleted and made again, and a topic hangs for a while. What Prometheus
answers to the dashboard's own queries is written to ANSWERS, as JSON: {expression: [series]}.
"""

import contextlib
import json
import math
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from services import Services

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPONENTS = ROOT / "target/components"
# In seconds.
LENGTH, SCRAPE, RATE_OVER = 240, 1, 10
ACCOUNT = "123456789012"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def arn(service, name):
    return f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{name}"


PHOTOS = {
    "QueueConfigurations": [
        {"Id": "thumbnails", "QueueArn": arn("sqs", "thumbnails"), "Events": ["s3:ObjectCreated:*"]}
    ],
    "TopicConfigurations": [
        {"Id": "search", "TopicArn": arn("sns", "search-index"), "Events": ["s3:ObjectCreated:*"]}
    ],
}
INVOICES = {
    "QueueConfigurations": [
        {"Id": "billing", "QueueArn": arn("sqs", "billing"), "Events": ["s3:ObjectCreated:*"]}
    ],
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def until_answered(url):
    deadline = time.monotonic() + 60
    while True:
        try:
            return get(url)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Stage:
    """Everything that runs, in a directory of its own; leaving it ends all of it."""

    def __init__(self, fanfare, directory, stack):
        self.fanfare, self.directory, self.stack = fanfare, directory, stack
        ports = {name: free_port() for name in ("aws", "events", "s3", "admin", "prometheus")}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self.services = Services(ports["aws"])
        self.start_fanfare(ports)
        self.start_prometheus(ports)

    def start(self, name, *command):
        log = self.stack.enter_context(open(self.directory / f"{name}.log", "wb"))
        # The kernel ends it when this process ends in a way that nobody catches.
        command = ("setpriv", "--pdeathsig", "KILL", "--", *command)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRONMENT)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def start_fanfare(self, ports):
        for part in ("notifications", "journal"):
            (self.directory / part).mkdir()
        for bucket, document in (("photos", PHOTOS), ("invoices", INVOICES)):
            (self.directory / f"notifications/{bucket}.json").write_text(json.dumps(document))
        settings = self.directory / "fanfare.toml"
        # Shorter waits than by default, since this outage lasts a minute.
        settings.write_text(f"""
            region = "eu-west-1"
            account_id = "{ACCOUNT}"
            listen = {{ events = "127.0.0.1:{ports["events"]}", s3 = "127.0.0.1:{ports["s3"]}", admin = "127.0.0.1:{ports["admin"]}" }}
            notifications.directory = "{self.directory}/notifications"
            journal = {{ directory = "{self.directory}/journal", size_limit = "8MiB", segment_size = "512KiB" }}
            events.dedupe_window = "1h"
            rules.overlap = "allow"
            aws = {{ endpoint_url = "{self.urls["aws"]}", attempt_timeout = "3s" }}
            deliver = {{ probe_interval = "5s", backoff.cap = "5s" }}
            [[destination]]
            match = "arn:aws:sqs:*:billing"
            max_age = "50s"
            [[credentials]]
            access_key_id = "test"
            secret_access_key = "test"
        """)
        self.settings = settings
        self.start("fanfare", self.fanfare, "serve", "--config", settings)
        until_answered(f"{self.urls['admin']}/readyz")

    def start_prometheus(self, ports):
        settings = (ROOT / "config/prometheus/prometheus.yml").read_text()
        settings = settings.replace("127.0.0.1:9712", f"127.0.0.1:{ports['admin']}").replace("15s", f"{SCRAPE}s")
        (self.directory / "prometheus.yml").write_text(settings)
        (self.directory / "alerts.yml").write_text((ROOT / "config/prometheus/alerts.yml").read_text())
        self.start(
            "prometheus",
            COMPONENTS / "prometheus/usr/bin/prometheus",
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        )
        until_answered(f"{self.urls['prometheus']}/-/ready")

    def configure(self, bucket, document):
        """By the S3 API, as a user would."""
        command = [
            COMPONENTS / "venv/bin/aws", "--endpoint-url", self.urls["s3"],
            "s3api", "put-bucket-notification-configuration", "--bucket", bucket,
            "--skip-destination-validation", "--notification-configuration", json.dumps(document),
        ]  # fmt: skip
        subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True)

    def redrive(self):
        command = [self.fanfare, "dead-letters", "redrive", "--destination", "*", "--config", self.settings]
        subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True)

    def post(self, bodies):
        body = "".join(json.dumps(body) + "\n" for body in bodies).encode()
        headers = {"content-type": "application/x-ndjson"}
        request = urllib.request.Request(self.urls["events"], body, headers)
        urllib.request.urlopen(request, timeout=30).close()


def event(number, bucket):
    """What MinIO posts, as far as it matters here."""
    s3 = {
        "bucket": {"name": bucket},
        "object": {"key": f"2026%2F{number}.jpg", "size": 1000 + number, "sequencer": f"{number:016X}"},
    }
    record = {"eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put", "s3": s3}
    record["eventTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return {"EventName": "s3:ObjectCreated:Put", "Key": f"{bucket}/{number}", "Records": [record]}


def load(stage, second, count):
    """A second of a store: more at times than at others, a few copies, and once in a while nonsense."""
    rate = 100 + 60 * math.sin(second / 20) + random.uniform(-12, 12)
    for _ in range(10):
        buckets = random.choices(("photos", "invoices", "logs"), (6, 2, 2), k=max(1, round(rate / 10)))
        bodies = [event(count + index, bucket) for index, bucket in enumerate(buckets)]
        count += len(bodies)
        if random.random() < 0.1:
            bodies.append(bodies[0])
        if random.random() < 0.02:
            bodies.append({"no": "event"})
        stage.post(bodies)
        time.sleep(max(0.0, 0.1 - time.monotonic() % 0.1))
    return count


def play(stage):
    missing, hanging = stage.services.missing, stage.services.hanging
    acts = {
        20: lambda: stage.configure("photos", PHOTOS),
        40: lambda: missing.add("billing"),
        105: lambda: missing.remove("billing"),
        135: lambda: stage.configure("photos", PHOTOS | {"EventBridgeConfiguration": {}}),
        150: lambda: hanging.add("search-index"),
        185: lambda: hanging.remove("search-index"),
        205: stage.redrive,
    }
    begin, count, due = time.monotonic(), 0, sorted(acts)
    while (second := time.monotonic() - begin) < LENGTH:
        while due and due[0] <= second:
            # The store does not wait for it.
            threading.Thread(target=acts[due.pop(0)]).start()
        count = load(stage, second, count)


def expressions(dashboard):
    """Each, and over how many seconds it has to be taken at the least."""
    for panel in dashboard["panels"]:
        minutes = panel.get("interval", "0m").removesuffix("m")
        for target in panel.get("targets", ()):
            yield target["expr"], max(RATE_OVER, 60 * int(minutes))


def answers(stage, begin, end):
    dashboard = json.loads((ROOT / "config/grafana/fanfare.json").read_text())
    found = {}
    for expression, over in expressions(dashboard):
        asked = expression.replace("$__rate_interval", f"{over}s")
        asked = asked.replace("$instance", ".*").replace("$destination", ".*")
        question = urllib.parse.urlencode({"query": asked, "start": begin, "end": end, "step": SCRAPE})
        answer = json.loads(get(f"{stage.urls['prometheus']}/api/v1/query_range?{question}"))
        found[expression] = answer["data"]["result"]
    return found


def main(fanfare, output):
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stage = Stage(pathlib.Path(fanfare).resolve(), directory, stack)
        begin = time.time() + RATE_OVER
        print(f"draw: the story takes {LENGTH} seconds")
        play(stage)
        pathlib.Path(output).write_text(json.dumps(answers(stage, begin, time.time())))


if __name__ == "__main__":
    main(*sys.argv[1:])
